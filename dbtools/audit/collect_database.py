"""What SQLite can tell of the databases; of accounts and credentials only where they lie."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from dbtools.audit.context import AuditContext, NotApplicable
from dbtools.database.sql import identifier
from dbtools.database.sqlite.dbfile import connect
from dbtools.server import NOT_A_FILE, Server

# Columns whose content lets somebody in, or says from where somebody came.
_CREDENTIALS = ("hashed_password", "password_reset_token", "two_factor_secret", "login_ip_history")
# Not the virtual tables: SQLite may lack what makes them.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name"
_NOTHING = ("", "[]", "{}", "null")


def origin(context: AuditContext) -> list[tuple[str, bool]]:
    """Return generation and shape of the database."""
    return [(context.db.origin["generation"], context.db.origin["migrated"])]


def tables(context: AuditContext) -> list[tuple[str, int]]:
    """Return every table with its rows."""
    return list(context.db.origin["tables"].items())


def broken_keys(context: AuditContext) -> list[tuple[object, ...]]:
    """Return the rows that break a declared foreign key (``PRAGMA foreign_key_check``)."""
    try:
        return [row[:3] for row in context.rows(context.own_copy, "PRAGMA foreign_key_check")]
    except sqlite3.Error as error:
        raise NotApplicable(f"SQLite cannot check the foreign keys ({error})") from None


def accounts(context: AuditContext) -> list[tuple[str, str, str]]:
    """Return the accounts of every database; who they are only as a digest that nobody can repeat or look up."""
    salt, found = secrets.token_bytes(16), []
    for path, copy in _copies(context):
        names = [c for c in ("username", "email") if c in _columns(copy, "users")]
        if names and "id" in _columns(copy, "users"):
            rows = context.rows(copy, f"SELECT id, {', '.join(names)} FROM users ORDER BY id")  # noqa: S608 - own words
            found += [(context.name(path), str(row[0]), _digest(salt, row[1:])) for row in rows]
    if not found:
        raise NotApplicable("no database of the project holds accounts")
    return found


def unknown_users(context: AuditContext) -> list[tuple[str]]:
    """Return the user ids of the prompter database that are neither id nor name of an account in the auth database."""
    copy = context.copies.get(context.project.auth)
    known_columns = _columns(copy, "users") & {"id", "username"} if isinstance(copy, Path) else set()
    if not isinstance(copy, Path) or not known_columns:
        raise NotApplicable("the project has no auth database")
    rows = context.rows(copy, f"SELECT {', '.join(sorted(known_columns))} FROM users")  # noqa: S608 - own words
    known = {str(cell) for row in rows for cell in row}
    used = context.connection.execute(
        "SELECT user_id FROM prompts UNION SELECT user_id FROM feedback UNION SELECT user_id FROM security_inputs"
    ).fetchall()
    return sorted((user,) for (user,) in used if user is not None and user not in known)


def credentials(context: AuditContext) -> Iterator[tuple[str, str, object, str, bool]]:
    """Yield the rows that hold a credential: where, and in which columns; never the value."""
    if isinstance(context.project.database, Server) and "users" in context.db.origin["tables"]:
        raise NotApplicable(f"{NOT_A_FILE}, of whose accounts only the number is read")
    blank = ", ".join(f"'{word}'" for word in _NOTHING)
    for path, copy in _copies(context):
        for (name,) in context.rows(copy, _TABLES):
            table = identifier(str(name))
            here = sorted(_columns(copy, table) & set(_CREDENTIALS))
            filled = [f"coalesce(CAST({c} AS TEXT), '') NOT IN ({blank})" for c in here]
            if here:
                listed = " || ".join(f"iif({test}, '{c} ', '')" for test, c in zip(filled, here, strict=True))
                found = f"SELECT rowid, trim({listed}) FROM {table} WHERE {' OR '.join(filled)} ORDER BY rowid"  # noqa: S608
                for row_id, columns in context.rows(copy, found):
                    yield (
                        context.name(path),
                        str(name),
                        row_id,
                        str(columns).replace(" ", ", "),
                        _is_auth(context, path),
                    )


def _copies(context: AuditContext) -> Iterator[tuple[Path, Path]]:
    for path, copy in context.copies.items():
        if isinstance(copy, Path):
            yield path, copy


def _columns(copy: Path, table: str) -> set[str]:
    with closing(connect(copy)) as connection:
        return {row[1].lower() for row in connection.execute(f"PRAGMA table_info({table})")}


def _is_auth(context: AuditContext, path: Path) -> bool:
    """Tell whether a file is the auth database or, by its name, a copy of it."""
    return path.name.startswith(context.project.auth.name)


def _digest(salt: bytes, value: object) -> str:
    return hashlib.blake2b(repr(value).lower().encode("utf-8", "replace"), key=salt, digest_size=16).hexdigest()
