import re
from datetime import date
from html import unescape

import numpy as np
import pandas as pd
import pytest

from dbtools.html import CSV_OPENS, listed, size, table
from dbtools.redact import redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
SECRETS = [
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2g",
    "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
    "pbkdf2:sha256:600000$salt$0123456789abcdef",
    JWT,
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA-1234567890abcdefghijklmnopqrstu",
]


def cells(html: str, tag: str = "td") -> list[str]:
    return re.findall(rf"<{tag}(?: [^>]*)?>(.*?)</{tag}>", html)


def column(*values, name="value", **options) -> list[str]:
    return cells(table(pd.DataFrame({name: list(values)}), **options))


def test_text_from_anywhere_is_escaped():
    frame = pd.DataFrame({"<i>head</i>": ["<script>alert(1)</script>", "a & b"]})
    html = table(frame, caption="<b>caption</b>")
    assert cells(html) == ["&lt;script&gt;alert(1)&lt;/script&gt;", "a &amp; b"]
    assert cells(html, "th") == ["&lt;i&gt;head&lt;/i&gt;"]
    assert cells(html, "caption") == ["&lt;b&gt;caption&lt;/b&gt;"]
    assert "<script" not in html


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1234567, 2], ["1,234,567", "2"]),
        ([15.0, None], ["15", "–"]),
        ([0.1234, 0.5], ["0.123", "0.500"]),
        ([1.2345, -33.3], ["1.23", "−33.30"]),
        ([1234.56, 0.01], ["1,234.6", "0.0"]),
        ([float("inf"), 1.5], ["inf", "1.50"]),
        ([True, False], ["✓", "✗"]),
        ([True, None], ["✓", "–"]),
        ([pd.Timestamp("2025-12-04 10:11:12"), pd.NaT], ["2025-12-04 10:11", "–"]),
        ([date(2025, 12, 4)], ["2025-12-04"]),
        ([["a", "b"], []], ["a, b", ""]),
        (["two\nlines", pd.NA], ["two lines", "–"]),
        (["syntax", 3], ["syntax", "3"]),
    ],
)
def test_values_read_as_people_write_them(values, shown):
    assert column(*values) == shown


def test_numbers_are_aligned_right_and_text_is_not():
    html = table(pd.DataFrame({"agent": ["syntax"], "wins": [3], "kept": [True]}))
    assert re.findall(r"<td( class=\"\w\")?>", html) == [' class="d"', ' class="n"', ' class="c"']


def test_byte_columns_are_shown_as_sizes():
    html = table(pd.DataFrame({"size_bytes": [158981, 0]}))
    assert cells(html, "th") == ["size"]
    assert cells(html) == ["159.0 KB", "0 bytes"]
    assert [size(n) for n in (999, 1000, 3_400_000, 5e12)] == ["999 bytes", "1.0 KB", "3.4 MB", "5,000.0 GB"]


def test_headings_are_in_words_and_a_format_can_be_given():
    html = table(pd.DataFrame({"win_rate": [0.5, None]}), formats={"win_rate": ".1%"})
    assert cells(html, "th") == ["win rate"]
    assert cells(html) == ["50.0%", "–"]


def test_a_long_text_is_cut_and_opens_on_a_click():
    (cell,) = column("word " * 60 + JWT)
    text, whole = re.fullmatch(r"<details><summary>(.*)</summary><div>(.*)</div></details>", cell).groups()
    assert len(text) <= 240
    assert text.endswith("word…")
    assert whole == "word " * 60 + "«redacted»"


def test_the_ends_of_an_interval_stand_in_one_cell_and_headings_have_notes():
    frame = pd.DataFrame(
        {"win_rate": [0.5, None], "low": [0.25, None], "high": [0.75, None], "mean_total": [30.0, 1.5]}
    )
    html = table(frame, formats=dict.fromkeys(["low", "high"], ".0%"))
    assert cells(html, "th") == ["win rate", "95% interval", "mean total"]
    assert cells(html)[1::3] == ["25% to 75%", "–"]
    assert 'title="Mean of the sum of the five scores, of 50."' in html
    assert "<dt>mean total</dt><dd>Mean of the sum" in html
    assert cells(table(frame, words={"win_rate": ("share", "")}), "th")[0] == "share"
    assert cells(table(frame, sort=("low", True)), "th")[1].startswith("<button")


def test_the_rows_are_there_as_csv_with_numbers_as_they_are_and_secrets_hidden():
    frame = pd.DataFrame({"size_bytes": [1500], "text": [f"a --> {JWT}"], "when": [pd.Timestamp("2025-12-04")]})
    html = table(frame)
    (rows,) = re.findall(re.escape(CSV_OPENS) + "(.*?)-->", html, re.DOTALL)
    assert unescape(rows) == "size_bytes,text,when\n1500,a --> «redacted»,2025-12-04T00:00:00\n"
    assert CSV_OPENS not in table(frame, keys=["a"])


def test_a_severity_has_its_colour_and_a_row_its_anchor():
    html = table(pd.DataFrame({"severity": ["error", "<b>"]}), anchors=["check-a", "check-<"])
    assert cells(html) == ['<span class="dot error"></span>error', "&lt;b&gt;"]
    assert re.findall('<tr id="(.*?)">', html) == ["check-a", "check-&lt;"]


def test_an_empty_table_with_a_caption_is_one_line():
    nothing = pd.DataFrame({"a": []})
    assert table(nothing, caption="Files that changed") == '<p class="nothing">Files that changed: none.</p>'
    assert table(nothing, caption="Undecided.") == '<p class="nothing">Undecided.</p>'


def test_counts_are_listed_in_words_without_zeros():
    assert listed({"error": 1, "warning": 0, "note": 1200}) == "1 error and 1,200 notes"
    assert listed({"error": 2, "warning": 1, "note": 3}) == "2 errors, 1 warning and 3 notes"
    assert listed({"error": 0}) == ""


def test_rows_beyond_the_limit_are_counted():
    assert column(*range(1500), limit=2) == ["0", "1", "… and 1,498 more"]
    assert column() == ["no rows (value)"]
    assert column(1, 2, limit=2) == ["1", "2"]


def test_columns_of_the_same_name_are_both_shown():
    assert cells(table(pd.DataFrame([[1, "x"]], columns=["a", "a"]))) == ["1", "x"]


def test_the_same_frame_gives_the_same_bytes():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert table(frame) == table(frame.copy())


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_hidden_wherever_they_stand(secret):
    assert redact(secret) == "«redacted»"
    assert redact(f"before {secret} after") == "before «redacted» after"
    # Across the place where long text is cut, too.
    (text,) = column("x" * 70 + " " + secret)
    assert secret[:9] not in text


def test_a_password_at_the_end_of_a_line_is_hidden_where_lines_are_joined():
    (text,) = column("password: correcthorse\nand more")
    assert "correcthorse" not in text
    assert "and more" in text


@pytest.mark.parametrize("text", ["risk-adjusted-returns-of-1234567", "2025-12-04", "a" * 64, "$2 bills", "basket"])
def test_ordinary_text_is_not_hidden(text):
    assert redact(text) == text


def test_a_list_in_a_cell_is_shown_as_its_words():
    frame = pd.DataFrame({"marks": [np.array(["generated-user", "generated-text"]), np.array([])]})
    assert "<td" in table(frame)
    assert "generated-user, generated-text" in table(frame)


def test_an_exact_table_has_the_names_of_the_columns_and_null():
    frame = pd.DataFrame({"count_star()": [1, 2], "size_bytes": [1500, 2], "text": ["–", None]})
    html = table(frame, exact=True)
    assert "count_star()" in html
    assert "size_bytes" in html
    assert "1,500" in html
    assert html.count("NULL") == 1
    assert html.count("–") == 1
