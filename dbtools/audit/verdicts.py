"""Judge one statement of a cleanup guide by what the project holds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from dbtools import server
from dbtools.audit.guide import Guide, Statement
from dbtools.database import attach, schema
from dbtools.database.sqlite import dbfile
from dbtools.database.sqlite.snapshot import snapshot
from dbtools.errors import DbtoolsError
from dbtools.files import csvfile
from dbtools.files.compare import count_rows, missing_rows, same_bytes
from dbtools.files.inventory import look
from dbtools.files.lookup import look_up
from dbtools.project import Project

_UNITS = {"B": 0, "BYTES": 0, "KB": 1, "MB": 2, "GB": 3, "KIB": 1, "MIB": 2, "GIB": 3}
_CSV, _DATABASE = "csv", "database"
_SHOWN = 8
# Columns that hold names of kinds: those of persons and requests are not for a report.
_NAMES = frozenset(("agent_winner", "change_type", "judge_winner", "label", "model", "source", "user_choice"))
_Finding = tuple[str, bool | None, str]  # what was found, whether that is what the guide states, how it was found
_T = TypeVar("_T")


class _UnknownError(Exception):
    """What a statement is about cannot be looked up; the text says why."""


class Verdicts:
    """What the project holds of the files a guide speaks of; each is read once."""

    def __init__(self, project: Project, guide: Guide, stack: ExitStack) -> None:
        self.project, self.guide, self.stack = project, guide, stack
        self.known: dict[Hashable, Any] = {}

    def judge(self, statement: Statement) -> tuple[str, str, str, str]:
        """Return what was expected and found, the verdict, and how it was found or why it cannot be."""
        judges: dict[str, Callable[[Statement], _Finding]] = {
            "file": self._file,
            "size": self._size,
            "rows": self._rows,
            "groups": self._groups,
            "duplicate": self._duplicate,
            "space": self._space,
            "files": self._files,
            "regenerable": self._regenerable,
            "query": self._query,
        }
        try:
            found, holds, reason = judges[statement.kind](statement)
        except _UnknownError as error:
            found, holds, reason = "", None, str(error)
        except (DbtoolsError, OSError, sqlite3.Error, UnicodeDecodeError) as error:
            found, holds, reason = "", None, f"cannot be read: {error}".rstrip(".")
        verdict = "not checkable" if holds is None else "true" if holds else "false"
        return _shown(statement), found, verdict, reason

    def about(self, statement: Statement) -> str:
        """Return the file a statement is about; where it names none, that is one of the databases in use."""
        default = self.project.auth if statement.table == "users" else self.project.database
        return statement.file or self.project.relative(default)

    def _locate(self, file: str) -> Path:
        """Return where a file of the guide lies or should lie; nothing outside the project is looked at."""
        if server.is_url(file):
            raise _UnknownError(server.NOT_A_FILE)
        path = self.project.root / file
        inside = Path(os.path.realpath(path.parent)).is_relative_to(self.project.root)
        if not inside or path.is_symlink() or file.startswith(("/", "~", "..")):
            raise _UnknownError(f"{file} is a link or lies outside the project")
        if not path.is_file() and file in self.guide.delete and file not in self.guide.keep:
            raise _UnknownError(f"{file} is not there; the guide deletes it")
        return path

    def _path(self, file: str) -> Path:
        path = self._locate(file)
        if not path.is_file():
            raise _UnknownError(f"{file} is not there")
        return path

    def _readable(self, file: str) -> Path:
        path = self._path(file)
        found = self._once(look, path)
        if found is None or found.too_large:
            raise _UnknownError(f"{file} is too large to be read")
        return path

    def _is_csv(self, path: Path) -> bool:
        found = self._once(look, path)
        return found is not None and found.is_csv

    def _once(self, make: Callable[[Path], _T], path: Path) -> _T:
        key = (make.__name__, path)
        if key not in self.known:
            self.known[key] = make(path)
        found: _T = self.known[key]
        return found

    def _hold(self, path: Path) -> None:
        # The descriptor of the prompter database stays open: closing it would take the locks of other connections.
        if path != self.project.database:
            self.stack.callback(dbfile.release, path)

    def _snapshot(self, path: Path) -> Path:
        self._hold(path)
        return self.stack.enter_context(snapshot(path))

    def _counts(self, path: Path) -> dict[str, int]:
        with self._open(path) as connection:
            return {name: facts.rows for name, facts in schema.read_tables(connection).items()}

    def _open(self, path: Path) -> closing[sqlite3.Connection]:
        connection = dbfile.connect(self._once(self._snapshot, path))
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        return closing(connection)

    def _file(self, s: Statement) -> _Finding:
        there = self._locate(s.file).is_file()
        return "there" if there else "not there", there, "looked for in the project"

    def _size(self, s: Statement) -> _Finding:
        return _compare_size(s.expected, self._path(s.file).stat().st_size)

    def _space(self, s: Statement) -> _Finding:
        files = [f for f in self.guide.delete if f not in self.guide.keep]
        if not files:
            raise _UnknownError("the guide names no file to delete")
        found, holds, fits = _compare_size(s.expected, sum(self._path(f).stat().st_size for f in files))
        return found, holds, f"sizes of the {len(files)} files that the guide deletes; {fits}"

    def _files(self, s: Statement) -> _Finding:
        marked = self.guide.keep if s.value == "keep" else self.guide.delete
        if not marked:
            raise _UnknownError(f"the guide names no file to {s.value}")
        there = [self._path(f) for f in marked]
        kinds = [_CSV if self._is_csv(path) else _DATABASE for path in there]
        counts = {"file": len(there), _CSV: kinds.count(_CSV), _DATABASE: kinds.count(_DATABASE)}
        expected = {kind: int(number) for number, kind in (e.split() for e in s.expected)}
        found = ", ".join(f"{counts[kind]} {_plural(kind, counts[kind])}" for kind in expected)
        return found, all(counts[k] == n for k, n in expected.items()), f"files that the guide says to {s.value}"

    def _rows(self, s: Statement) -> _Finding:
        if s.unknown:
            raise _UnknownError(f'which rows are meant by "{s.unknown}" is not in the data')
        path = self._readable(s.file)
        if self._is_csv(path):
            number, where = self._once(_count_records, path), f"records of {s.file}"
        elif s.column:
            number, where = self._by(path, s).get(s.value, 0), f"rows of {s.table} in {s.file} by {s.column}"
        else:
            counts = self._once(self._counts, path)
            if s.table and s.table.lower() not in counts:
                return "no such table", False, f"tables of {s.file}"
            number = counts[s.table.lower()] if s.table else sum(counts.values())
            where = f"rows of {s.table or 'all tables'} in {s.file}"
        return str(number), str(number) == s.expected[0], where

    def _groups(self, s: Statement) -> _Finding:
        counts = self._by(self._readable(s.file), s)
        found = ", ".join(f"{name} ({n:,})" for name, n in [*counts.items()][:_SHOWN])
        found += f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
        return found, set(counts) == set(s.expected), f"{s.column} of {s.table} in {s.file}, with the number of rows"

    def _by(self, path: Path, s: Statement) -> dict[str, int]:
        """Count the rows of a table by a column; only by one whose values may be shown."""
        if s.column.lower() not in _NAMES:
            raise _UnknownError(f"rows are not counted by {s.column}")
        with self._open(path) as connection:
            # Unquoted, both being words: SQLite takes a quoted name that is not there for a text.
            query = f"SELECT {s.column}, count(*) FROM {s.table} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
            return {str(value): number for value, number in connection.execute(query)}

    def _duplicate(self, s: Statement) -> _Finding:
        this, other = self._readable(s.file), self._readable(s.expected[0])
        self._hold(this)
        self._hold(other)
        if same_bytes(this, other):
            return "the same bytes", True, "compared by SHA-256"
        if self._is_csv(this):
            return "different bytes", False, "compared by SHA-256"
        own, others = (self._once(self._snapshot, path) for path in (this, other))
        missing, extra = missing_rows(own, [others]).total(), missing_rows(others, [own]).total()
        if not missing and not extra:
            return f"the same {count_rows(own):,} rows, different bytes", True, "compared row by row, every table"
        found = f"{missing:,} rows are not in {s.expected[0]}, {extra:,} of its rows are not here"
        return found, False, "compared row by row, every table"

    def _regenerable(self, s: Statement) -> _Finding:
        path = self._readable(s.file)
        csv = csvfile.read(path) if self._is_csv(path) else None
        if csv is None or csv.layout is None:
            raise _UnknownError("not a file of a layout that is written from the database")
        with attach(self.project, texts=True, progress=False) as db:
            there = sum(how is not None for how in look_up(db, csv).found.values())
        found = f"{there:,} of {len(csv.rows):,} rows are in the database"
        return found, None, "the file can be written anew, but only with rows that are in the database"

    def _query(self, s: Statement) -> _Finding:
        raise _UnknownError("SQL from a guide is never run; only counts are recognised")


def _shown(s: Statement) -> str:
    if s.kind == "file":
        return "there"
    if s.kind in ("size", "space"):
        number, unit, about = s.expected
        return f"{about}{number} {'bytes' if unit in ('B', 'BYTES') else unit}"
    if s.kind == "files":
        return ", ".join(f"{number} {_plural(kind, int(number))}" for number, kind in (e.split() for e in s.expected))
    return ("the same as " if s.kind == "duplicate" else "") + ", ".join(s.expected)


def _count_records(path: Path) -> int:
    return len(csvfile.read(path).rows)


def _plural(kind: str, number: int) -> str:
    return "CSV" if kind == _CSV else kind if number == 1 else f"{kind}s"


def _compare_size(stated: tuple[str, ...], size: int) -> _Finding:
    number, unit, about = stated
    given, step = float(number), 10.0 ** -len(number.partition(".")[2])
    margin = 0.05 * given if about else 0.0
    low, high = given - max(step, margin), given + max(step / 2, margin)
    for base in (1024, 1000):
        scale = base ** _UNITS[unit]
        if size == given * scale or ((scale > 1 or about) and low * scale < size < high * scale):
            how = f"1 KB = {base} bytes" if scale > 1 else "in bytes"
            return f"{size:,} bytes", True, how
    return f"{size:,} bytes", False, "whether 1 KB = 1024 or 1000 bytes, rounded as the guide does"
