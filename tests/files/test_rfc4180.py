from __future__ import annotations

import csv
import io
import sys
from collections import Counter

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbtools.database.sql import quote
from dbtools.files import csvfile, rfc4180
from dbtools.files.csvfile import HEADER_WORDS, LAYOUTS, READER, UnreadRows

HEADER = ["prompt_id", "version_no", "version_uuid", "text"]
OTHER = ["version_id", "prompt_id", "text", "change_type"]
SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("rfc4180")


@pytest.fixture(autouse=True)
def small_files_too(monkeypatch):
    monkeypatch.setattr(csvfile, "_SMALL", 0)


# Short pieces, so that quotes, commas and line ends often meet.
pieces = st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "a", " ", "é", "\u2028", "\ufeff", "'=", "version_uuid"])
cells = st.lists(pieces, max_size=5).map("".join)
four = st.lists(cells, min_size=4, max_size=4)
records = st.one_of(
    four,
    st.lists(cells, max_size=6),
    st.sampled_from([HEADER, [" Version_UUID", "TEXT", "prompt_id", "version_no"], OTHER, [*OTHER, "mine"]]),
)


@st.composite
def files(draw) -> bytes:
    """Return a file as a program writes it, whole or with a few bytes put in, or records that nobody quoted."""
    text = io.StringIO(newline="")
    sound = draw(st.booleans())
    rows = [HEADER, *draw(st.lists(four if sound else records, max_size=6))]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    if sound or draw(st.integers(0, 4)):
        csv.writer(text, quoting=draw(st.sampled_from([0, 0, 1])), lineterminator=end).writerows(rows)
    else:
        text.write(end.join(",".join(row) for row in rows))
    data = text.getvalue().encode()
    if not draw(st.integers(0, 3)):
        data = data.removesuffix(end.encode())
    extras = st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"x"]), max_size=2)
    for extra in [] if sound else draw(extras):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + extra + data[at:]
    return data


@pytest.mark.slow
@settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(files(), st.integers(1, 60), st.integers(30, 200))
def test_what_is_proved_is_read_the_same_by_the_strict_reader_and_by_duckdb(place, monkeypatch, data, chunk, longest):
    monkeypatch.setattr(rfc4180, "_CHUNK", chunk)
    monkeypatch.setattr(rfc4180, "LONGEST", longest)
    path = place / "any.csv"
    path.write_bytes(data)
    fast, strict = csvfile.read_fast(path), csvfile.read(path)
    proved = isinstance(fast.rows, UnreadRows)
    SEEN[f"proved {proved}"] += 1
    assert (fast.header, fast.layout, len(fast.rows)) == (strict.header, strict.layout, len(strict.rows))
    assert tuple(fast.rows) == strict.rows
    assert (fast.notes, fast.repeated_headers, fast.other_headers) == (
        strict.notes,
        strict.repeated_headers,
        strict.other_headers,
    )
    if proved:
        names = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(fast.header)))
        reader = READER.format(file=quote(path), texts=f"{{{names}}}", longest=2_000_000)
        found = duckdb.sql(f"SELECT * FROM {reader}").fetchall()
        assert [tuple(cell or "" for cell in row) for row in found] == [row.cells for row in strict.rows]


def test_files_of_both_kinds_came_up():
    assert not SEEN or min(SEEN.values()) > 200


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_what_python_writes_is_proved(tmp_path, end, quoting):
    rows = [[f"{i}", "", 'a "b", c', "two\nlines\r\nof \r text"] for i in range(1000)]
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        handle.write(",".join(HEADER) + end)
        csv.writer(handle, quoting=quoting, lineterminator=end).writerows(rows)
    read = csvfile.read_fast(tmp_path / "log.csv")
    assert isinstance(read.rows, UnreadRows)
    assert [list(row.cells) for row in read.rows] == rows
    assert [list(row.cells) for row in read.select([3, 700])] == [rows[2], rows[699]]


LINE = ",".join(HEADER)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"\ufeff{LINE}\na,b,c,d\n", "a byte order mark"),
        (f'"prompt_id",{LINE[10:]}\na,b,c,d\n', "a quoted heading"),
        (f"{LINE}\na,b,c,d\0\n", "a NUL"),
        (f"{LINE}\na,b,c,d\n\n", "an empty line"),
        (f"{LINE}\na,b,c\n", "a short record"),
        (f"{LINE}\na,b,c,d,e\n", "a long record"),
        (f"{LINE}\na,b,c,d\r\n", "another line end"),
        (f"{LINE}\na,b,c\r,d\n", "a line end of old"),
        (f'{LINE}\na,b,c,"d\n', "a quote left open"),
        (f'{LINE}\na,b,c,d"\n', "a quote in a cell"),
        (f'{LINE}\na,b,c, "d"\n', "a quote after a blank"),
        (f'{LINE}\na,b,c,"d"e\n', "more after a quote"),
        (f"{LINE}\na,b,c,d\n{LINE}\n", "the header again"),
        (f"{LINE}\n{','.join(OTHER).upper()}\n", "another header"),
        (f"{LINE}\na,b,c,{'d' * 3_000_000}\n", "a long line"),
        (LINE.replace(",", ";") + "\na;b;c;d\n", "semicolons"),
        (f"sep=,\n{LINE}\na,b,c,d\n", "a line before the header"),
        ("a,b_c\n1,2\n", "no known layout"),
    ],
)
def test_what_is_unusual_is_read_strictly(tmp_path, content, why):
    (tmp_path / "log.csv").write_bytes(content.encode())
    assert isinstance(csvfile.read_fast(tmp_path / "log.csv").rows, tuple), why


@pytest.mark.slow
def test_no_header_of_any_layout_is_without_a_word_that_is_looked_for():
    for layout in LAYOUTS:
        assert any(word.decode() in layout.needs for word in HEADER_WORDS)
    # Of no other character is the small letter one of those that the words are made of.
    folded = {chr(c).lower() for c in range(128, sys.maxunicode + 1)}
    assert not folded & {chr(code) for word in HEADER_WORDS for code in word}
