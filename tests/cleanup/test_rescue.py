from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from support import run_python

from dbtools.cleanup import rescue
from dbtools.cleanup.model import Identity, Removal
from dbtools.errors import ParameterError


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
    rows = rescued(tmp_path, b"a,b\n1\n2,caf\xe9,more,cells\n3,caf\xc3\xa9", 1, 2)
    assert [r["b"] for r in rows] == [None, "caf\\xe9"]
    assert [list(r["_extra_cells"]) for r in rows] == [[], ["more", "cells"]]


def test_blank_repeated_and_quoted_headings_name_columns(tmp_path):
    (row,) = rescued(tmp_path, b'a,,A,"say ""hi""",_row\n1,2,3,4,5\n', 1)
    assert [row[c] for c in ("a", "column_2", "A_2", "say 'hi'", "_row_2")] == list("12345")


def test_headings_with_bad_bytes_and_control_characters_name_columns(tmp_path):
    (row,) = rescued(tmp_path, b"caf\xe9,n\x00l\n1,caf\xc3\xa9\n", 1)
    assert (row["caf\\xe9"], row["n\\x00l"]) == ("1", "café")


def test_an_empty_string_is_no_null(tmp_path):
    (row,) = rescued(tmp_path, b'a,b\n"",x\n', 1)
    assert row["a"] == ""


def test_the_rescue_takes_no_more_memory_than_it_may_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("DBTOOLS_MEMORY", "much")
    with pytest.raises(ParameterError, match="DBTOOLS_MEMORY"):
        rescued(tmp_path, b"a\n1\n", 1)
    monkeypatch.setenv("DBTOOLS_MEMORY", "200MB")
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    rescued(tmp_path, b"a\n1\n", 1)
    assert list((tmp_path / "work").iterdir()) == []


NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from dbtools.cleanup import rescue
from dbtools.cleanup.model import Identity, Removal
from dbtools.errors import CleanupError
folder = Path(sys.argv[1])
(folder / "log.csv").write_text("a\\n" + "".join(f"{number ** 90}\\n" for number in range(3000)))
wanted = tuple(range(1, 3001))
removal = Removal("storage/log.csv", "csv", "unique", "", Identity(1, 1, 1, 1, 1, 1), "ab" * 32, None, wanted)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
try:
    rescue.write(removal, folder / "log.csv", folder / "rescued.parquet")
except CleanupError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path):
    said = run_python(NO_ROOM, tmp_path)
    assert said.startswith("The rows cannot be rescued (IO Error: Could not write file")
    assert said.endswith('"storage/log.csv"; free space on the disk, and try again.')


def test_lines_before_the_header_are_rescued_too(tmp_path):
    header = b"prompt_id,version_no,version_uuid,text"
    rows = rescued(tmp_path, b"# under the mat\n\n" + header + b"\n1,2,3,4\n", 0, 1)
    assert [(r["prompt_id"], r["text"], r["_row"]) for r in rows] == [("# under the mat", None, 0), ("1", "4", 1)]
