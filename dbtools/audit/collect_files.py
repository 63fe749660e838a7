"""What the file system and git can tell of a project's databases and CSV files."""

from __future__ import annotations

import re
import sqlite3
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from dbtools import environment
from dbtools.audit.context import AuditContext, NotApplicable
from dbtools.database import sqlite
from dbtools.files.compare import Shape, missing_rows, read_shape
from dbtools.project import CONFIG, DATABASES
from dbtools.server import NOT_A_FILE, Server

_NAME_ONLY = "the same name, other content"
_RELATIVE = re.compile(r"^\s*(?:export\s+)?(?:DATABASE_URL|sqlalchemy\.url)\s*=\s*[\"']?sqlite(?:\+\w+)?:///(?!/)")


def databases(context: AuditContext) -> Iterator[tuple[str, int, bool, int, int | None, int, int]]:
    """Yield size, header and sidecars of every database file."""
    _check_files(context)
    for path in context.databases:
        header = context.header(path)
        size = int.from_bytes(header[16:18], "big")
        # The page count is valid only if the last writer was a version that maintains it (SQLite file format, 1.3.8).
        is_valid = len(header) == 100 and header[24:28] == header[92:96]
        yield (
            context.name(path),
            path.stat().st_size,
            header.startswith(sqlite.MAGIC),
            65536 if size == 1 else size,
            int.from_bytes(header[28:32], "big") if is_valid else None,
            _size(path, "-wal"),
            _size(path, "-journal"),
        )


def integrity(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield the damage that SQLite finds in each database; one that cannot be copied counts as damaged."""
    _check_files(context)
    left_out: list[str] = []
    for path, found in context.integrity.result().items():
        yield from ((context.name(path), message) for message in found.damage)
        if why := found.unknown or found.left_out:
            left_out.append(f"{context.name(path)}: {why}")
    if left_out:
        context.left_out["integrity_messages"] = "; ".join(left_out[:5])


def copies(context: AuditContext) -> Iterator[tuple[str, str, str]]:
    """Yield each file that repeats an earlier one: the same bytes, the same rows of all tables, or only its name."""
    files = (*context.databases, *(path for path, file in context.found.items() if file.is_csv))
    sizes = Counter(path.stat().st_size for path in files)
    first: dict[object, Path] = {}  # of each content and name
    alike: dict[object, list[Path]] = defaultdict(list)  # databases with as many rows of the same columns
    for path in files:
        file, size, shape = context.found[path], path.stat().st_size, frozenset(_shape(context, path).items())
        digest = _digest(context, path) if size and sizes[size] > 1 and not file.too_large else ""
        name, content = (file.is_csv, path.name), (file.is_csv, size, digest)
        if digest and content in first:
            yield context.name(path), context.name(first[content]), "the same bytes"
        elif shape and (other := next((o for o in alike[shape] if _same_rows(context, path, o)), None)):
            yield context.name(path), context.name(other), "the same rows"
        elif size and name in first:
            yield context.name(path), context.name(first[name]), _NAME_ONLY
        else:
            first |= {name: path, content: path}
            alike[shape].append(path)


def tracked(context: AuditContext) -> list[tuple[str, str]]:
    """Return the databases and CSV files that git tracks."""
    return [
        (context.name(path), "csv" if file.is_csv else "database")
        for path, file in context.found.items()
        if path in context.tracked
    ]


def wrong_places(context: AuditContext) -> Iterator[tuple[str, int | None, str]]:
    """Yield what makes the application open another database than the one that lies here."""
    root, database = context.project.root, context.project.database
    if isinstance(database, Server):
        raise NotApplicable(NOT_A_FILE)
    if context.project.note:
        yield context.name(database), None, context.project.note
    for file in environment.setting_files(root):
        for number, line in enumerate(environment.read_lines(file), 1):
            if _RELATIVE.match(line):
                why = "a relative database URL names another file in every working directory"
                yield context.name(file), number, why
    expected = root / DATABASES[1 if context.db.origin["generation"] == "G4" else 0]
    if context.db.origin["columns"] and database != expected and not _configured(root):
        reason = f"a database of generation {context.db.origin['generation']} is expected at {context.name(expected)}"
        yield context.name(database), None, reason


def _check_files(context: AuditContext) -> None:
    """Refuse to speak of database files where the only database is on a server."""
    if isinstance(context.project.database, Server) and not context.databases:
        raise NotApplicable(NOT_A_FILE)


def _configured(root: Path) -> bool:
    file = root / CONFIG
    return file.is_file() and "database" in tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})


def _size(path: Path, suffix: str) -> int:
    try:
        return sqlite.beside(path, suffix).lstat().st_size
    except OSError:
        return 0


def _digest(context: AuditContext, path: Path) -> str:
    digest = sqlite.sha256(path)
    context.release(path)
    return digest


def _shape(context: AuditContext, path: Path) -> Shape:
    """Return the columns and the number of rows of each table of a database; empty where it cannot be read."""
    copy = context.copies.get(path)
    try:
        return read_shape(copy) if isinstance(copy, Path) else {}
    except sqlite3.Error:  # it is damaged, which is a finding of its own
        return {}


def _same_rows(context: AuditContext, one: Path, other: Path) -> bool:
    copies = [copy for path in (one, other) if isinstance(copy := context.copies[path], Path)]
    try:
        return len(copies) == 2 and not missing_rows(copies[0], copies[1:])
    except sqlite3.Error:  # one of them is damaged, which is a finding of its own
        return False
