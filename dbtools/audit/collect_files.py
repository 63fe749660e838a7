"""What the file system and git can tell of a project's databases and CSV files."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from dbtools.audit.context import AuditContext, NotApplicable, is_csv
from dbtools.database.sqlite import dbfile, snapshot
from dbtools.files.compare import count_rows, missing_rows
from dbtools.files.inventory import LARGEST
from dbtools.project import CONFIG, DATABASES
from dbtools.server import NOT_A_FILE, Server

_NAME_ONLY = "the same name, other content"
_COMPARED = 256 << 20  # bytes; the rows of larger databases are not compared
_ENVIRONMENT = (".env", "backend/.env", "packages/.env", "packages/db/.env", "alembic.ini")
_RELATIVE = re.compile(r"^\s*(?:export\s+)?(?:DATABASE_URL|sqlalchemy\.url)\s*=\s*[\"']?sqlite(?:\+\w+)?:///(?!/)")


def databases(context: AuditContext) -> Iterator[tuple[str, int, bool, int, int | None, int, int]]:
    """Yield size, header and sidecars of every database file."""
    _check_files(context)
    for path in context.databases:
        header = context.header(path)
        size = int.from_bytes(header[16:18], "big")
        # The page count holds only where the last writer was one that keeps it (SQLite file format, 1.3.8).
        kept = len(header) == 100 and header[24:28] == header[92:96]
        yield (
            context.name(path),
            path.stat().st_size,
            header.startswith(dbfile.MAGIC),
            65536 if size == 1 else size,
            int.from_bytes(header[28:32], "big") if kept else None,
            _size(path, "-wal"),
            _size(path, "-journal"),
        )


def integrity(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield what SQLite complains of in each database; one that cannot be copied is a complaint of its own."""
    _check_files(context)
    for path, copy in context.copies.items():
        for message in snapshot.integrity(copy) if isinstance(copy, Path) else [copy]:
            yield context.name(path), message


def copies(context: AuditContext) -> Iterator[tuple[str, str, str]]:
    """Yield each file that repeats an earlier one: the same bytes, the same rows of all tables, or only its name."""
    # Of CSV files there may be thousands: only those of one size or name are looked at.
    seen: dict[object, list[Path]] = defaultdict(list)
    for path in (*context.databases, *(p for p in context.files if is_csv(p))):
        size = path.stat().st_size
        keys = (size, path.name) if is_csv(path) else (size, "database", path.name)
        alike = dict.fromkeys(original for key in keys if size for original in seen[key])
        found = [(original, same) for original in alike if (same := _same(context, original, path))]
        if found:
            original, same = min(found, key=lambda pair: pair[1] == _NAME_ONLY)
            yield context.name(path), context.name(original), same
        else:
            for key in keys:
                seen[key].append(path)


def tracked(context: AuditContext) -> list[tuple[str, str]]:
    """Return the databases and CSV files that git tracks."""
    return [(context.name(p), "csv" if is_csv(p) else "database") for p in context.files if p in context.tracked]


def wrong_places(context: AuditContext) -> Iterator[tuple[str, int | None, str]]:
    """Yield what makes the application open another database than the one that lies here."""
    root, database = context.project.root, context.project.database
    if isinstance(database, Server):
        raise NotApplicable(NOT_A_FILE)
    for name in _ENVIRONMENT:
        file = root / name
        if file.is_file() and not file.is_symlink():
            for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if _RELATIVE.match(line):
                    yield name, number, "a relative database URL names another file in every working directory"
    expected = root / DATABASES[1 if context.db.origin["generation"] == "G4" else 0]
    if database != expected and not _configured(root):
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
        return path.with_name(path.name + suffix).lstat().st_size
    except OSError:
        return 0


def _same(context: AuditContext, original: Path, path: Path) -> str:
    sizes = original.stat().st_size, path.stat().st_size
    if is_csv(original) != is_csv(path):
        return ""
    if sizes[0] == sizes[1] <= LARGEST:
        same = dbfile.sha256(original) == dbfile.sha256(path)
        context.release(original)
        context.release(path)
        if same:
            return "the same bytes"
    one, other = context.copies.get(original), context.copies.get(path)
    comparable = isinstance(one, Path) and isinstance(other, Path) and max(sizes) <= _COMPARED
    if comparable and _same_rows(one, other):  # type: ignore[arg-type]
        return "the same rows"
    return _NAME_ONLY if original.name == path.name else ""


def _same_rows(one: Path, other: Path) -> bool:
    rows = count_rows(one)
    if not rows or rows != count_rows(other):
        return False
    return not missing_rows(one, [other]) and not missing_rows(other, [one])
