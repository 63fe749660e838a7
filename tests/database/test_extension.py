"""Which files are loaded as DuckDB's scanner: those whose signature DuckDB found good, and they alone."""

from __future__ import annotations

import gzip
import importlib.util
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from support import run_python

from dbtools.database import extension

PACKAGE = "duckdb_extension_sqlite_scanner"
# In a process of its own, as a file that is mapped as code must not be changed; without what DuckDB would download.
LOAD = f"""
import sys
sys.path.insert(0, sys.argv[1] + "/site")
import duckdb
from dbtools.errors import ExtensionError
from dbtools.database import extension
install = extension._install
def watched(connection, name):
    print(setting(connection), end=" ")
    install(connection, name)
def setting(connection):
    unsigned = connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchall()[0][0]
    return "unchecked" if unsigned else "checked"
extension._install = watched
assert str(extension._file("sqlite")).startswith(sys.argv[1] + "/site/{PACKAGE}")
own = {{"custom_extension_repository": sys.argv[1] + "/offered", "extension_directory": sys.argv[1] + "/home"}}
try:
    connection = extension.connect(":memory:", own)
    assert connection.execute("FROM duckdb_extensions() WHERE loaded AND extension_name = 'sqlite_scanner'").fetchall()
    print(setting(connection))
except ExtensionError:
    print("refused")
"""


@pytest.fixture
def scanner(tmp_path: Path) -> Path:
    """Return the file of a copy of the scanner's wheel."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec
    assert spec.origin
    copy = shutil.copytree(Path(spec.origin).parent, tmp_path / "site" / PACKAGE)
    (file,) = copy.rglob("*.duckdb_extension")
    return file


def flip(file: Path, at: int) -> None:
    """Flip one bit, and give the file back its time."""
    before = file.stat()
    with file.open("r+b") as handle:
        handle.seek(at % before.st_size)
        (byte,) = handle.read(1)
        handle.seek(at % before.st_size)
        handle.write(bytes([byte ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def marks(cache: Path) -> list[Path]:
    return sorted((cache / "signed").glob("*"))


@pytest.mark.slow
def test_a_signature_is_checked_once_and_again_when_the_file_was_touched_or_replaced(
    scanner: Path, tmp_path: Path, cache: Path
) -> None:
    assert run_python(LOAD, tmp_path) == "checked"
    assert [(mark, mark.stat().st_mode & 0o777) for mark in marks(cache)] == [(extension._mark(scanner), 0o600)]
    assert run_python(LOAD, tmp_path) == "unchecked"
    scanner.touch()
    assert [run_python(LOAD, tmp_path) for _ in range(2)] == ["checked", "unchecked"]
    Path(shutil.copy2(scanner, scanner.with_name("copy"))).replace(scanner)
    assert run_python(LOAD, tmp_path) == "checked"


@pytest.mark.slow
@pytest.mark.parametrize("at", [1 << 20, -1], ids=["code", "signature"])
def test_a_file_that_is_changed_with_its_time_put_back_is_not_loaded_by_an_old_mark(
    scanner: Path, tmp_path: Path, cache: Path, at: int
) -> None:
    assert run_python(LOAD, tmp_path) == "checked"
    flip(scanner, at)
    assert [run_python(LOAD, tmp_path) for _ in range(2)] == ["checked refused"] * 2
    assert len(marks(cache)) == 1


@pytest.mark.slow
def test_a_file_with_a_bad_signature_is_neither_loaded_nor_marked(scanner: Path, tmp_path: Path, cache: Path) -> None:
    flip(scanner, 1 << 20)
    assert [run_python(LOAD, tmp_path) for _ in range(2)] == ["checked refused"] * 2
    assert marks(cache) == []


def test_when_a_marked_file_cannot_be_loaded_nothing_is_installed_unchecked_in_its_place(
    scanner: Path, tmp_path: Path, cache: Path
) -> None:
    assert run_python(LOAD, tmp_path) == "checked"
    (mark,) = marks(cache)
    os.truncate(scanner, 4096)
    mark.rename(extension._mark(scanner))
    assert run_python(LOAD, tmp_path) == "checked refused"
    assert marks(cache) == []


@pytest.mark.slow
def test_what_duckdb_installs_in_the_place_of_a_bad_file_earns_that_file_no_mark(
    scanner: Path, tmp_path: Path, cache: Path
) -> None:
    platform, offered = duckdb.sql("PRAGMA platform").fetchall()[0][0], tmp_path / "offered"
    home = offered / scanner.parent.name / platform
    home.mkdir(parents=True)
    (home / f"{scanner.name}.gz").write_bytes(gzip.compress(scanner.read_bytes(), 1))
    flip(scanner, 1 << 20)
    assert run_python(LOAD, tmp_path) == "checked checked"
    assert marks(cache) == []
