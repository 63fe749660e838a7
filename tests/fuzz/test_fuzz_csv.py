"""Whatever a CSV file holds, its records are counted, and none is taken for known that is not."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import TRIED, examples, odd
from support import assert_sentence, make_database

from dbtools import attach
from dbtools.files import csvfile
from dbtools.files.csvfile import LAYOUTS, recognise
from dbtools.files.lookup import look_up

_headers = st.sampled_from([sorted(layout.needs) for layout in LAYOUTS])
_known = st.sampled_from(["Explain topic 1", "explain  TOPIC 1", "Explain topic 1, the syntax way", ""])
_cells = st.one_of(odd, _known, st.sampled_from(["1", "nan", "7.5", '"', ",", "\r", "\r\n", "''=1+1", "'=1"]))
_rows = st.lists(st.lists(_cells, max_size=9), max_size=6)


def written(header: list[str], rows: list[list[str]], quoting: int) -> bytes:
    """Return a CSV file as a careless program would write it."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("csv")


@pytest.fixture(scope="module")
def db(place):
    with attach(make_database(place / "prompter.db")) as database:
        yield database


@examples(300)
@given(
    st.one_of(st.binary(max_size=400), st.builds(lambda h, b: ",".join(h).encode() + b"\n" + b, _headers, st.binary()))
)
def test_any_bytes_are_read_as_records_that_any_file_can_hold(place, content):
    path = place / "any.csv"
    path.write_bytes(content)
    TRIED["bytes read as CSV"] += 1
    try:
        read = csvfile.read(path)
    except csvfile.CsvError as error:  # half a character of UTF-16
        assert_sentence(error, path.name)
        return
    assert [row.number for row in read.rows] == sorted({row.number for row in read.rows})
    for row in read.rows:
        assert "\0" in content.decode("latin-1") or row.line <= content.count(b"\n") + content.count(b"\r") + 1
        "".join(row.cells).encode()
    f"{read.header} {read.notes}".encode()


@examples(200)
@given(st.lists(odd, max_size=8), st.one_of(st.just([]), _headers))
def test_a_layout_is_recognised_only_with_all_its_columns(place, names, layout):
    TRIED["headers recognised"] += 1
    header = [*names, *(name.upper() for name in layout)]
    found = recognise(header)
    assert found is None or found.needs <= {name.strip().strip("\ufeff").lower() for name in header}
    assert found is not None or not layout


@examples(20)
@given(_headers, _rows, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_a_row_counts_as_known_only_where_the_database_says_so(db, place, header, rows, quoting):
    path = place / "rows.csv"
    path.write_bytes(written(header, rows, quoting))
    TRIED["CSV files held against a database"] += 1
    read = csvfile.read(path)
    missing = look_up(db, read).missing
    assert set(missing) <= {row.number for row in read.rows}
    texts = [text for (text,) in db.sql("SELECT original_text FROM prompts UNION SELECT text FROM versions").fetchall()]
    for row in read.rows:
        if missing.get(row.number, "id"):
            assert not row.problem
            assert not read.layout.texts or _says_known(row.cells, {" ".join(t.lower().split()) for t in texts})


def _says_known(cells, texts) -> bool:
    return any(" ".join(cell.lower().split()) in texts for cell in cells if cell.strip())
