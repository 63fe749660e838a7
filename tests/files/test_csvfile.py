from __future__ import annotations

import csv
import io
import os

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import assert_sentence

from dbtools.files import csvfile
from dbtools.files.csvfile import ESCAPE_MACROS, LAYOUTS, unescape

HEADER = "prompt_id,version_no,version_uuid,text,source,explanation,timestamp"


def read(tmp_path, content: bytes):
    (tmp_path / "log.csv").write_bytes(content)
    return csvfile.read(tmp_path / "log.csv")


def test_a_sound_file_is_read_cell_by_cell(tmp_path):
    found = read(tmp_path, f'{HEADER}\na,1,b,"two\nlines, ""quoted""",syntax,{{}},t\n'.encode())
    assert found.layout.name == "prompt_versions"
    assert [row.cells for row in found.rows] == [("a", "1", "b", 'two\nlines, "quoted"', "syntax", "{}", "t")]
    assert found.notes == ""


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbf" + HEADER.encode()).header[0] == "prompt_id"


def test_ragged_rows_are_reported_with_their_lines(tmp_path):
    found = read(tmp_path, f"{HEADER}\na,1,b,c,d,e,f\na,1\na,1,b,c,d,e,f,g\n".encode())
    assert [row.problem for row in found.rows] == ["", "ragged", "ragged"]
    assert found.notes == "2 ragged (lines 3, 4)"


def test_a_header_in_the_middle_is_no_row_but_keeps_the_numbering(tmp_path):
    found = read(tmp_path, f"{HEADER}\na,1,b,c,d,e,f\n{HEADER}\na,2,b,c,d,e,f\n".encode())
    assert [row.number for row in found.rows] == [1, 3]
    assert found.notes == "1 repeated header (line 3)"


def test_another_programs_header_in_the_middle_is_no_row_either(tmp_path):
    other = "prompt_id,version_no,version_uuid,text,source"
    found = read(tmp_path, f"{HEADER}\n{other}\na,1,b,c,d\n".encode())
    assert found.repeated_headers == (2,)
    assert [row.problem for row in found.rows] == ["ragged"]


def test_bytes_that_are_no_utf8_are_kept_readable_and_reported(tmp_path):
    found = read(tmp_path, HEADER.encode() + b"\na,1,b,caf\xe9,d,e,f\na,1,b,caf\xc3\xa9,d,e,f\n")
    assert [row.cells[3] for row in found.rows] == ["caf\\xe9", "café"]
    assert found.notes == "1 bad encoding (line 2)"


TEXT = 'Réécris « la notice » – en\nvingt "mots", …; un\tdeux'
ROWS = [["a", "1", "b", TEXT, "syntax", "{}", "t"], ["a", "2", "c", "plain", "domain", "{}", "t"]]


def written(separator: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([HEADER.split(","), *ROWS])
    return text.getvalue()


@pytest.mark.parametrize(
    ("content", "notes", "first_line"),
    [
        (written().encode("cp1252"), "read as Windows-1252", 3),
        (written().encode("utf-16"), "read as UTF-16", 3),
        (written().encode("utf-16-le"), "read as UTF-16", 3),
        (written().encode("utf-16-be"), "read as UTF-16", 3),
        (written("\t").encode("utf-16"), "read as UTF-16, separated by tabs", 3),
        (written(";").encode("utf-8-sig"), "separated by semicolons", 3),
        (written("\t").encode(), "separated by tabs", 3),
        (written("|").encode(), "separated by vertical bars", 3),
        (written(";").encode("cp1252"), "read as Windows-1252, separated by semicolons", 3),
        (b"sep=,\r\n" + written().encode(), "", 4),
        (b"\xef\xbb\xbfsep=;\r\n" + written(";").encode(), "separated by semicolons", 4),
        (b'"sep=^"\r\n' + written("^").encode(), "separated by ^", 4),
        (b"\r\n  \r\n" + written().encode(), "", 5),
        (b"\xef\xbb\xbf" + written().encode("utf-8-sig"), "", 3),
    ],
)
def test_a_file_that_a_spreadsheet_saved_is_read_letter_by_letter(tmp_path, content, notes, first_line):
    found = read(tmp_path, content)
    assert found.layout.name == "prompt_versions"
    assert [list(row.cells) for row in found.rows] == ROWS
    assert [row.number for row in found.rows] == [1, 2]
    assert (found.notes, found.rows[0].line) == (notes, first_line)


def test_what_stands_before_the_header_is_not_lost(tmp_path):
    found = read(tmp_path, b"# the key is under the mat\r\n\r\nand: \xff\r\n" + written().encode())
    assert [(row.number, row.line, row.cells, row.problem) for row in found.rows[:2]] == [
        (-1, 1, ("# the key is under the mat",), "before the header"),
        (0, 3, ("and: \\xff",), "before the header"),
    ]
    assert [list(row.cells) for row in found.rows[2:]] == ROWS
    assert found.notes == "2 before the header (lines 1, 3)"


def test_a_repeated_header_with_a_note_in_it_is_a_row(tmp_path):
    names = HEADER.split(",")
    for changed in ([*names[:4], "the key is under the mat", *names[5:]], [*names, "the key is under the mat"]):
        found = read(tmp_path, f"{HEADER}\n{','.join(changed)}\n{HEADER.upper()},,\n".encode())
        assert [list(row.cells) for row in found.rows] == [changed]
        assert found.repeated_headers == (3,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe" + HEADER.encode("utf-16-le") + b"\0\xd8\n\0", "The file is not sound UTF-16"),
        (f"{HEADER}\na,1,b,{'x' * (17 << 20)},d,e,f\n".encode(), "field larger than field limit (16.8 MB)"),
        (f"{HEADER},{','.join(f'c{n}' for n in range(2000))}\n".encode(), "2,007 columns and at most 1,000 are read"),
        (HEADER.encode() + b"\n" + b"\0" * (33 << 20), "A line is longer than 33.6 MB"),
    ],
    ids=["half a character", "a long cell", "many columns", "zeros"],
)  # fmt: skip
def test_a_file_beyond_every_measure_is_refused_in_one_sentence(tmp_path, content, message):
    with pytest.raises(csvfile.CsvError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value)
    assert_sentence(caught.value, "log.csv")


def test_only_a_regular_file_is_opened(tmp_path):
    os.mkfifo(tmp_path / "log.csv")
    with pytest.raises(csvfile.CsvError, match="not a regular file"):
        csvfile.read(tmp_path / "log.csv")


def test_a_hundred_thousand_columns_of_no_known_layout_are_only_counted(tmp_path):
    found = read(tmp_path, ",".join(f"c_{n}" for n in range(100_000)).encode() + b"\n" + b"1," * 99_999 + b"1\n")
    assert (found.layout, len(found.header), len(found.rows)) == (None, 100_000, 1)


def test_a_cell_of_a_megabyte_is_read(tmp_path):
    found = read(tmp_path, f"{HEADER}\na,1,b,{'x' * (1 << 20)},d,e,f\n".encode())
    assert len(found.rows[0].cells[3]) == 1 << 20


@pytest.mark.parametrize("content", [b"", b"\n", b"name,value\n1,2\n"])
def test_files_of_no_known_layout_have_none(tmp_path, content):
    assert read(tmp_path, content).layout is None


def test_every_layout_is_told_by_its_own_columns():
    for layout in LAYOUTS:
        assert csvfile.recognise(sorted(layout.needs)) is layout


CONNECTION = duckdb.connect()
CONNECTION.execute(ESCAPE_MACROS)

RISKY = (
    "=1+1",
    "+1",
    "-1",
    "@x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    " =1",
    "\"'=1",
    "'=1",
    "\t=1",
    "\tx",
    "\rx",
    "\nx",
    "\u00a0=1",
    "\ufeff=1",
    "\x0b=1",
    "\0=1",
    "'\tx",
)
HARMLESS = ("", "a=1", "1-1", "'quoted'", "it's", "a\n=1", "O'Neill @ home", "é", "[1]", '{"a": 1}')


def escaped(text: str) -> str:
    return str(CONNECTION.execute("SELECT escaped(?)", [text]).fetchall()[0][0])


@pytest.mark.parametrize("text", RISKY)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert escaped(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text == unescape(text)


@pytest.mark.slow
@given(st.text(st.sampled_from("'\"=+-@＝ \t\r\n\0\x0b\x1c\u00a0\u2003\ufeff\u0301aé"), max_size=6) | st.text())
def test_the_guard_comes_off_exactly_in_python_and_in_sql(text: str) -> None:
    both = CONNECTION.execute("SELECT escaped(t), unescaped(escaped(t)) FROM (SELECT ? AS t)", [text]).fetchall()[0]
    assert unescape(both[0]) == text
    assert both[1] == text


def test_a_missing_text_stays_missing() -> None:
    assert CONNECTION.execute("SELECT escaped(NULL), unescaped(NULL)").fetchall() == [(None, None)]
