"""Check the statements of a cleanup guide against the files and databases of a project."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dbtools import server
from dbtools.audit import guide as text
from dbtools.audit.guide import Guide, Statement
from dbtools.database import attach, schema, sqlite
from dbtools.database.sqlite import snapshot
from dbtools.errors import DbtoolsError, ParameterError, usable
from dbtools.files import csvfile
from dbtools.files.compare import count_rows, missing_rows, same_bytes
from dbtools.files.inventory import look
from dbtools.files.lookup import look_up
from dbtools.html import table
from dbtools.project import Project
from dbtools.redact import redact
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

_LARGEST_GUIDE = 1 << 20  # bytes; a guide that a person wrote is shorter
_UNITS = {"B": 0, "BYTES": 0, "KB": 1, "MB": 2, "GB": 3, "KIB": 1, "MIB": 2, "GIB": 3}
_CSV, _DATABASE = "csv", "database"
_SHOWN = 8
# Columns that hold names of kinds: those of persons and requests are not for a report.
_NAMES = frozenset(("agent_winner", "change_type", "judge_winner", "label", "model", "source", "user_choice"))
_Finding = tuple[str, bool | None, str]  # what was found, whether that is what the guide states, how it was found
_T = TypeVar("_T")


@dataclass(frozen=True)
class Claim:
    """One statement of a guide, and whether the data confirm it.

    Attributes
    ----------
    kind : str
        ``file``, ``size``, ``rows``, ``groups``, ``duplicate``, ``regenerable``, ``space``, ``files`` or ``query``.
    claim : str
        The guide's own words, from the first line that states it.
    lines : tuple of int
        Every line that states it.
    verdict : str
        ``true``, ``false`` or ``not checkable``.
    reason : str
        How it was checked, or why it cannot be.
    """

    kind: str
    claim: str
    lines: tuple[int, ...]
    expected: str
    found: str
    verdict: str
    reason: str


@dataclass(frozen=True, repr=False)
class Claims(Result):
    """The statements of a guide, each checked once, in the order of the guide's lines."""

    guide: str
    claims: tuple[Claim, ...]

    def having(self, verdict: str) -> tuple[Claim, ...]:
        """Return the claims of one verdict: ``true``, ``false`` or ``not checkable``."""
        return tuple(c for c in self.claims if c.verdict == verdict)

    @property
    def sentence(self) -> str:
        """How many statements hold, and which do not."""
        if not self.claims:
            return "the guide states nothing that can be checked"
        false = self.having("false")
        named = "; ".join(f"{c.claim}: found {c.found}" for c in false[:4]) + (" …" if len(false) > 4 else "")
        return redact(
            f"{len(false)} of {len(self.claims)} statements of the guide are false{f' ({named})' if false else ''}, "
            f"{len(self.having('true'))} true, {len(self.having('not checkable'))} cannot be checked"
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per claim: claim, line, expected, found, verdict, reason, kind, repeated (on other lines)."""
        rows = [
            {**claim, "line": claim["lines"][0], "repeated": ", ".join(map(str, claim["lines"][1:]))}
            for claim in self.to_dict()["claims"]
        ]
        columns = ["claim", "line", "expected", "found", "verdict", "reason", "kind", "repeated"]
        return frame_of(rows, columns)

    def _table(self) -> str:
        order = {"false": 0, "not checkable": 1, "true": 2}
        frame = self.frame.sort_values("verdict", key=lambda v: v.map(order), kind="stable")
        shown = frame[["verdict", "claim", "found", "reason", "line", "repeated"]]
        # As text, a line number gets no thousands separator.
        return table(shown.astype({"line": "str"}), caption=self._caption)

    def to_dict(self) -> dict[str, Any]:
        """Return the claims as JSON-ready values; what looks like a secret is left out."""
        claims = [
            {k: redact(v) if isinstance(v, str) else list(v) for k, v in vars(claim).items()} for claim in self.claims
        ]
        counts = {v: len(self.having(v)) for v in ("true", "false", "not checkable")}
        return {"guide": self.guide, "counts": counts, "claims": claims}


def claims(project: Project | str | os.PathLike[str], guide: str | os.PathLike[str]) -> Claims:
    """Check each statement of a cleanup guide in Markdown against the project as it is now. Reads only.

    A statement that occurs several times is checked once and listed with all its lines. A stated size holds where the
    size of the file, rounded to the stated figure (or rounded up to it, as ``ls -h`` does), equals it, with 1 KB = 1000
    or 1024 bytes; one given as "about" may be 5% off. SQL in a guide is never run: counts of a table, whole or by one
    column, are recognised; other queries are not checkable. A statement about a file that the guide deletes and that is
    gone is not checkable either.

    Parameters
    ----------
    guide : path
        Relative to the current folder, else to the project's root.

    Raises
    ------
    ParameterError
        The guide is no readable text of at most 1 MB.
    """
    project = Project.find(project)
    with usable(guide):
        path = Path(guide).expanduser()
        if not path.is_absolute() and not path.exists():
            path = project.root / path
        stated = text.read(_read(path))
    same: dict[Statement, list[Statement]] = {}
    with ExitStack() as stack:
        checker = _ClaimChecker(project, stated, stack)
        for s in stated.statements:
            # The same statement in other words, or about a database in use without its name, is checked once.
            same.setdefault(replace(s, claim="", line=0, file=checker.about(s)), []).append(s)
        checked = [(key.kind, said, checker.check(key)) for key, said in same.items()]
    return Claims(
        project.relative(path.absolute()),
        tuple(
            Claim(kind, said[0].claim, tuple(sorted({s.line for s in said})), *facts) for kind, said, facts in checked
        ),
    )


class _UnknownError(Exception):
    """A statement cannot be checked; the text says why."""


class _ClaimChecker:
    """Checks the statements of one guide against the files of a project; reads each file once."""

    def __init__(self, project: Project, guide: Guide, stack: ExitStack) -> None:
        self.project, self.guide, self.stack = project, guide, stack
        self.known: dict[Hashable, Any] = {}

    def check(self, statement: Statement) -> tuple[str, str, str, str]:
        """Return what was expected and found, the verdict, and how it was found or why it cannot be checked."""
        checkers: dict[str, Callable[[Statement], _Finding]] = {
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
            found, holds, reason = checkers[statement.kind](statement)
        except _UnknownError as error:
            found, holds, reason = "", None, str(error)
        except (DbtoolsError, OSError, sqlite3.Error, UnicodeDecodeError) as error:
            found, holds, reason = "", None, f"cannot be read: {error}".rstrip(".")
        verdict = "not checkable" if holds is None else "true" if holds else "false"
        return _shown(statement), found, verdict, reason

    def about(self, statement: Statement) -> str:
        """Return the file a statement is about; a statement that names none is about a database in use."""
        default = self.project.auth if statement.table == "users" else self.project.database
        return statement.file or self.project.relative(default)

    def _locate(self, file: str) -> Path:
        """Return the path of a file of the guide, whether it exists or not; refuse one outside the project."""
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

    def _release_at_end(self, path: Path) -> None:
        # Closing a descriptor of the prompter database would drop the locks of other connections of this process.
        if path != self.project.database:
            self.stack.callback(sqlite.release, path)

    def _snapshot(self, path: Path) -> Path:
        self._release_at_end(path)
        return self.stack.enter_context(snapshot(path))

    def _counts(self, path: Path) -> dict[str, int]:
        with self._open(path) as connection:
            return {name: facts.rows for name, facts in schema.read_tables(connection).items()}

    def _open(self, path: Path) -> closing[sqlite3.Connection]:
        connection = sqlite.connect_copy(self._once(self._snapshot, path))
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
            # Unquoted, as both are plain words: SQLite reads a quoted name that does not exist as a string.
            query = f"SELECT {s.column}, count(*) FROM {s.table} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
            return {str(value): number for value, number in connection.execute(query)}

    def _duplicate(self, s: Statement) -> _Finding:
        this, other = self._readable(s.file), self._readable(s.expected[0])
        self._release_at_end(this)
        self._release_at_end(other)
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
            there = len(csv.rows) - len(look_up(db, csv).missing)
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


def _read(path: Path) -> str:
    if not path.is_file():
        raise ParameterError("No such guide", path, "give a text file in Markdown")
    if path.stat().st_size > _LARGEST_GUIDE:
        raise ParameterError("The guide is larger than 1 MB", path, "give a text that a person wrote")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ParameterError("The guide cannot be read as UTF-8 text", path, "save it as UTF-8") from None
    if "\0" in content:
        raise ParameterError("The guide is not a text", path, "give a text file in Markdown")
    return content
