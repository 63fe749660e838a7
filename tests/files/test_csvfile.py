from __future__ import annotations

import pytest

from dbtools.files import csvfile
from dbtools.files.layouts import LAYOUTS

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
    found = read(tmp_path, HEADER.encode() + b"\na,1,b,caf\xe9,d,e,f\n")
    assert found.rows[0].cells[3] == "caf\\xe9"
    assert found.notes == "1 bad encoding (line 2)"


def test_a_cell_of_a_megabyte_is_read(tmp_path):
    found = read(tmp_path, f"{HEADER}\na,1,b,{'x' * (1 << 20)},d,e,f\n".encode())
    assert len(found.rows[0].cells[3]) == 1 << 20


@pytest.mark.parametrize("content", [b"", b"\n", b"name,value\n1,2\n"])
def test_files_of_no_known_layout_have_none(tmp_path, content):
    assert read(tmp_path, content).layout is None


def test_every_layout_is_told_by_its_own_columns():
    for layout in LAYOUTS:
        assert csvfile.recognise(sorted(layout.needs)) is layout
