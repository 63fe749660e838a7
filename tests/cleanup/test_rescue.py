from __future__ import annotations

import duckdb

from dbtools.cleanup import rescue
from dbtools.cleanup.plan import Identity, Removal


def rescued(tmp_path, content: bytes, *numbers: int):
    source, target = tmp_path / "backup", tmp_path / "rescued.parquet"
    source.write_bytes(content)
    removal = Removal("storage/log.csv", "csv", "unique", "", Identity(1, 1, 1, 1, 1, 1), "ab" * 32, None, numbers)
    assert rescue.write(removal, source, target) == len(numbers)
    found = duckdb.sql(f"FROM read_parquet('{target}') ORDER BY _row")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_rows_come_with_file_number_and_hash(tmp_path):
    rows = rescued(tmp_path, b'a,b\n1,"x\ny"\n2,\n3,z\n', 1, 3)
    assert [(r["a"], r["b"], r["_row"]) for r in rows] == [("1", "x\ny", 1), ("3", "z", 3)]
    assert {(r["_file"], r["_sha256"]) for r in rows} == {("storage/log.csv", "ab" * 32)}


def test_ragged_rows_and_bad_bytes_are_rescued_too(tmp_path):
    rows = rescued(tmp_path, b"a,b\n1\n2,caf\xe9,more,cells\n", 1, 2)
    assert [r["b"] for r in rows] == [None, "caf\\xe9"]
    assert [list(r["_extra_cells"]) for r in rows] == [[], ["more", "cells"]]


def test_blank_repeated_and_quoted_headings_name_columns(tmp_path):
    (row,) = rescued(tmp_path, b'a,,A,"say ""hi""",_row\n1,2,3,4,5\n', 1)
    assert [row[c] for c in ("a", "column_2", "A_2", "say 'hi'", "_row_2")] == list("12345")


def test_headings_with_bad_bytes_and_control_characters_name_columns(tmp_path):
    (row,) = rescued(tmp_path, b"caf\xe9,n\x00l\n1,2\n", 1)
    assert (row["caf\\xe9"], row["n\\x00l"]) == ("1", "2")


def test_an_empty_string_is_no_null(tmp_path):
    (row,) = rescued(tmp_path, b'a,b\n"",x\n', 1)
    assert row["a"] == ""
