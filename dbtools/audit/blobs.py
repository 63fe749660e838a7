"""Examine the blobs that git stores of databases and CSV files: each blob once, in a private folder."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from dbtools.audit import git
from dbtools.audit.checks import run
from dbtools.audit.context import only_database
from dbtools.audit.report import Check
from dbtools.database import Database, attach, cache, schema, sqlite
from dbtools.database.sqlite import connect_copy, snapshot
from dbtools.errors import DbtoolsError
from dbtools.files import csvfile
from dbtools.files.compare import count_rows, missing_rows
from dbtools.files.csvfile import CsvFile
from dbtools.files.git import GitError
from dbtools.files.inventory import LARGEST, FoundFile, find, look, names_csv
from dbtools.files.lookup import look_up
from dbtools.project import Project

_HASH = re.compile(rb"\$argon2(?:id|i|d)\$v=\d|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_SECRETS = ("hashed_password", "password_hash", "password_reset_token", "two_factor_secret")
_CHUNK = 1 << 24
_Cells = tuple[str, ...]


@dataclass(frozen=True)
class Blob:
    """The result of examining one blob.

    Attributes
    ----------
    file : Path or None
        Its private copy, until `Blobs.forget` removes it.
    kind : str
        ``sqlite`` or ``csv``.
    problem : str
        Why it cannot be examined; empty where it can.
    rows, only_here : int
        The number of its rows, and of those that exist nowhere in the project now.
    accounts, hashes : int
        The number of rows of ``users`` with a password hash or token, and of password hashes anywhere in its bytes.
    failures : tuple
        Each check that found something, and how many rows.
    """

    file: Path | None = None
    kind: str = ""
    problem: str = ""
    rows: int = 0
    only_here: int = 0
    accounts: int = 0
    hashes: int = 0
    failures: tuple[tuple[Check, int], ...] = ()


class Blobs:
    """The blobs of a repository, examined on demand and compared with the project as it is now.

    Changes files: only in the folder given and, while a blob is examined, in the cache. `stack` closes what
    this opens.
    """

    def __init__(self, project: Project, folder: Path, stack: ExitStack) -> None:
        self.project, self.folder, self._stack = project, folder, stack
        self._known: dict[tuple[str, str], Blob] = {}
        self._databases: list[Path] = []
        self._csvs: list[CsvFile] = []
        self._db: Database | None = None
        for file in find(project):
            with suppress(DbtoolsError, OSError):
                self._add_current(file)

    def _add_current(self, file: FoundFile) -> None:
        """Add a file of the project to those that blobs are compared with."""
        if file.too_large or file.unread or file.problem:
            return  # not read, so its rows count as missing
        if file.kind == "sqlite":
            if file.path != self.project.database:
                self._stack.callback(sqlite.release, file.path)
            self._databases.append(self._stack.enter_context(snapshot(file.path)))
        elif file.is_csv:
            with suppress(csvfile.CsvError):  # its rows then count as being nowhere now
                self._csvs.append(csvfile.read(file.path))

    def get(self, blob: str, path: str) -> Blob:
        """Return the result for a blob that was committed as `path`; it is examined at its first use."""
        if not blob:
            return Blob()
        if path.startswith("/") or ".." in Path(path).parts:  # git refuses to check out such a path
            return Blob(problem="a path that leads out of the project")
        kind = "csv" if names_csv(Path(path).name) else "sqlite"
        if (blob, kind) not in self._known:
            self._known[blob, kind] = self._examine(blob, path, kind)
        return self._known[blob, kind]

    def forget(self, blob: str) -> None:
        """Remove the private copy of a blob, not the result. Changes files: in the folder given."""
        shutil.rmtree(self.folder / blob, ignore_errors=True)

    def _examine(self, blob: str, path: str, kind: str) -> Blob:
        # At its own path, because the audit checks where a database lies.
        file = self.folder / blob / kind / path
        try:
            size = git.size(self.project, blob)
            if size > LARGEST[kind]:
                return Blob(problem=f"too large to be examined ({size:,} bytes)")
            file.parent.mkdir(parents=True)
            git.save(self.project, blob, file)
            found = look(file)
            if found is None or found.kind not in ("csv", "sqlite") or found.problem:
                return Blob(problem=found.problem if found and found.problem else "not an SQLite database")
            hashes = _count_hashes(file)
            return self._examine_csv(file, hashes) if found.is_csv else self._examine_database(file, hashes, path)
        except (GitError, DbtoolsError, OSError, sqlite3.Error, UnicodeDecodeError) as error:
            # Name the path in the repository, not that of the private copy.
            return Blob(problem=f"cannot be read: {error}".replace(str(file), path).rstrip("."))
        finally:
            with suppress(OSError):
                sqlite.release(file)

    def _examine_csv(self, file: Path, hashes: int) -> Blob:
        read = csvfile.read(file)
        numbers = {row.number for row in read.rows}
        if read.layout:
            with suppress(DbtoolsError):  # without the database, rows are looked for in the other files only
                self._db = self._db or self._stack.enter_context(attach(self.project, texts=True, progress=False))
                numbers = set(look_up(self._db, read).missing)
        lacking = _count_cells(read, read.header, numbers)
        for other in self._csvs:
            if set(read.header) <= set(other.header):
                lacking -= _count_cells(other, read.header)
        return Blob(file, "csv", "", len(read.rows), lacking.total(), 0, hashes)

    def _examine_database(self, file: Path, hashes: int, path: str) -> Blob:
        with snapshot(file) as copy:
            missing = missing_rows(copy, self._databases).total()
            rows = count_rows(copy)
            with closing(connect_copy(copy)) as connection:
                tables = schema.read_tables(connection)
                accounts = _count_accounts(connection, tables)
        failures = self._audit(file, path) if set(schema.REQUIRED) <= set(tables) else ()
        # Leave WAL mode, so that the private copy is read without sidecars.
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        return Blob(file, "sqlite", "", rows, missing, accounts, hashes, failures)

    def _audit(self, file: Path, path: str) -> tuple[tuple[Check, int], ...]:
        root = file.parents[len(Path(path).parts) - 1]
        try:
            report = run(only_database(file, root), progress=False)
        finally:
            cache.forget(file)
        return tuple((f.check, f.count) for f in report.findings if f.count)


def lost_rows(old: Blob, new: Blob) -> int:
    """Count the rows of one blob that another does not have as often; a changed row counts as lost.

    Columns that only the newer blob has are ignored. Where it lacks a column, all rows of that table are lost.
    """
    if old.file is None or new.file is None or old.kind != new.kind:
        return old.rows
    if old.kind == "sqlite":
        return missing_rows(old.file, [new.file]).total()
    before, after = csvfile.read(old.file), csvfile.read(new.file)
    if not set(before.header) <= set(after.header):
        return old.rows
    return (_count_cells(before, before.header) - _count_cells(after, before.header)).total()


def _count_hashes(file: Path) -> int:
    """Count the password hashes in a file's bytes; those of deleted rows often stay there."""
    count, tail = 0, b""
    with file.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            found = [m for m in _HASH.finditer(tail + chunk) if m.end() > len(tail)]
            count, tail = count + len(found), (tail + chunk)[-64:]
    return count


def _count_accounts(connection: sqlite3.Connection, tables: dict[str, schema.TableFacts]) -> int:
    names = tables["users"].names() if "users" in tables else {}
    filled = " OR ".join(f'length("{names[c]}") > 0' for c in _SECRETS if c in names)
    if not filled:
        return 0
    return int(connection.execute(f"SELECT count(*) FROM users WHERE {filled}").fetchone()[0])  # noqa: S608 - fixed


def _count_cells(csv: CsvFile, names: _Cells, numbers: set[int] | None = None) -> Counter[_Cells]:
    """Count equal rows, compared on the columns `names` and on what is beyond the header."""
    rows = [row.cells for row in csv.rows if numbers is None or row.number in numbers]
    if csv.header == names:
        return Counter(rows)
    indexes, width = [csv.header.index(name) for name in names], len(csv.header)
    return Counter((*(cells[p] if p < len(cells) else "" for p in indexes), *cells[width:]) for cells in rows)
