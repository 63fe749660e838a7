import base64
import json
import re
from html import escape
from urllib.parse import unquote

import pandas as pd
import pytest
from nbformat import v4

from dbtools.errors import ParameterError
from dbtools.html import table
from dbtools.notebooks.record import MIME, VERDICT
from dbtools.notebooks.report import escape_invisible, make_printable, render, shorten_home, to_json, write

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="#fffffe"/></svg>'


def page(*outputs, **options):
    cells = [
        v4.new_markdown_cell("# Audit & more\n\nWhat is wrong?"),
        v4.new_code_cell("SECRET_SOURCE = 1", metadata={"tags": ["parameters"]}, outputs=[stream("PARAMETER")]),
        v4.new_code_cell("shown = SOURCE", execution_count=1, outputs=list(outputs)),
    ]
    return render(v4.new_notebook(cells=cells), **options)


def stream(text):
    return v4.new_output("stream", text=text)


def data(**kinds):
    return v4.new_output("display_data", data={k.replace("__", "/"): v for k, v in kinds.items()})


def picture(html):
    return base64.b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[1]).decode()


@pytest.mark.slow
def test_the_page_shows_text_and_outputs_but_no_code_and_no_parameters():
    html = page(stream("an output"))
    assert "<title>Audit &amp; more</title>" in html
    assert "an output" in html
    assert "SOURCE" not in html
    assert "PARAMETER" not in html


def test_the_page_fetches_nothing_and_runs_nothing():
    html = page(stream("x"), data(text__html="<b>y</b>"))
    assert "default-src 'none'" in html
    assert "script-src" not in html
    assert re.findall(r"<script|<link|@import|https?://", html) == []


def test_a_chart_becomes_a_picture_that_follows_dark_mode():
    chart = data(image__svg_xml="x", text__plain="Chart: wins")
    chart["data"] = {"application/vnd.vegalite.v5+json": {"n": 1}, "image/svg+xml": SVG, "text/plain": "Chart: wins"}
    html = page(chart)
    assert 'alt="Chart: wins"' in html
    assert "vegalite" not in html
    assert "prefers-color-scheme:dark" in picture(html)
    assert '[fill="#fffffe"]{fill:#0d1117}' in picture(html)


@pytest.mark.parametrize("kind", ["application/javascript", "application/vnd.jupyter.widget-view+json"])
def test_what_needs_a_script_is_left_out_and_its_text_shown(kind):
    html = page(v4.new_output("display_data", data={kind: "EVIL", "text/plain": "in words"}))
    assert "EVIL" not in html
    assert "in words" in html


def test_a_notebook_that_stopped_says_so_on_top_and_shows_where():
    error = v4.new_output("error", ename="ValueError", evalue="no <b>", traceback=["\x1b[31mValueError\x1b[0m: no <b>"])
    html = page(error, stopped="ValueError: no <b>")
    assert html.index("ValueError: no &lt;b&gt;") < html.index("Audit &amp; more</h1>")
    assert '<span class="ansi-red-fg">ValueError</span>: no &lt;b&gt;' in html


def test_a_failed_verdict_leaves_no_traceback():
    html = page(v4.new_output("error", ename="VerdictError", evalue="no", traceback=["TRACEBACK"]))
    assert "TRACEBACK" not in html
    assert '<p class="stopped">' not in html


def test_the_same_notebook_gives_the_same_page_and_stays_as_it_was():
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[data(image__png="eA==", text__plain="x")])])
    before = str(notebook)
    assert render(notebook) == render(notebook)
    assert str(notebook) == before


def test_the_verdict_stands_on_top_and_its_sentence_is_not_repeated():
    said = "3 of 5 rows are < 1"
    verdict = json.dumps({"reason": said})
    record = data(
        **{MIME: "{}", VERDICT: verdict}, text__plain=f"✓ {said}.", text__html=f"<div>✓ {escape(said)}.</div>"
    )
    shown = data(text__html=f"<table><caption>{escape(said)}.</caption><td>cell</td></table>")
    other = data(text__html="<table><caption>Another</caption></table>")
    html = page(shown, other, record)
    assert html.index("✓ 3 of 5") < html.index("<td>cell</td>")
    assert html.count("rows are &lt; 1") == 1
    assert "<caption>Another</caption>" in html
    assert "rows are" not in page(data(text__html=f'<p class="nothing">{escape(said)}.</p>'), record).replace(
        f"✓ {escape(said)}", ""
    )


@pytest.mark.parametrize("home", ["/home/alice-secret", "/home/a & b", '/home/q"uote', "/home/größe x"])
def test_the_home_folder_is_shortened_however_it_is_written(monkeypatch, home):
    from urllib.parse import quote

    monkeypatch.setenv("HOME", home)
    for form in (home, escape(home), json.dumps(home, ensure_ascii=False)[1:-1], quote(home)):
        assert shorten_home(f'root = "{form}/proj" ({form})') == 'root = "~/proj" (~)'
        for other in (f"{form}2/x", f"/mnt{form}/x", f"{form}-old"):
            assert shorten_home(other) == other


def test_without_a_home_nothing_is_shortened(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert shorten_home("/a/b") == "/a/b"


def test_json_shows_invisible_characters_as_escapes_and_keeps_the_value():
    value = {"name\u202e": "a\u200bb\x1b[2J\u2028\U000e0041é🙂"}
    text = to_json(value)
    assert json.loads(text) == value
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "é🙂" in text
    assert escape_invisible('{"a": "é"}') == '{"a": "é"}'


def test_plain_outputs_show_invisible_characters_as_escapes_and_keep_their_colours():
    stream = make_printable(v4.new_output("stream", text="\x1b[31mred\x1b[0m\n\u202etxt.\x1b[2J"))
    assert stream["text"] == "\x1b[31mred\x1b[0m\n\\u202etxt.\\x1b[2J"
    error = make_printable(v4.new_output("error", ename="E", evalue="\u200b", traceback=["\x1b[31mE\x1b[0m\u200b"]))
    assert (error["evalue"], error["traceback"]) == ("\\u200b", ["\x1b[31mE\x1b[0m\\u200b"])


def test_the_values_of_a_report_lie_beside_the_files_of_their_own_run_only(tmp_path):
    write(tmp_path / "a", {"ipynb": "1", "html": "1", "json": "1"})
    write(tmp_path / "a", {"ipynb": "2", "html": "2"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "a.ipynb"]
    (tmp_path / "b.html").mkdir()
    with pytest.raises(ParameterError, match=r"^Cannot write the report \(.+\): "):
        write(tmp_path / "b", {"ipynb": "1", "html": "1", "json": "1"})
    assert not (tmp_path / "b.json").exists()


def test_the_page_has_its_contents_and_links_to_the_rows_of_each_table_without_formulas(monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    frame = pd.DataFrame({"n": [-1.5], "text": ["=cmd()"], "path": ["/home/alice/x"]})
    cells = [
        v4.new_markdown_cell("# Audit\n\nWhat?"),
        v4.new_markdown_cell("## Who wins?"),
        v4.new_code_cell("x", outputs=[data(text__html=table(frame))]),
    ]
    html = render(v4.new_notebook(cells=cells), project="shop <1>", name="audit")
    assert "<title>Audit: shop &lt;1&gt;</title>" in html
    assert "Audit: shop &lt;1&gt;</h1>" in html
    assert '<a href="#who-wins">Who wins?</a>' in html
    assert '<h2 id="who-wins">Who wins?</h2>' in html
    assert '<a href="index.html">All reports</a>' in html
    file, rows = re.search('<a class="csv" download="(.*?)" href="data:text/csv;charset=utf-8,(.*?)">', html).groups()
    assert (file, unquote(rows)) == ("audit-1.csv", "n,text,path\n-1.5,'=cmd(),~/x\n")
