"""Collect what SQLite and Python can say of the databases: accounts, credentials, schema, chains and changes.

Of accounts and credentials only their location is collected, never a value.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from dbtools.audit.context import NO_TEXTS, AuditContext, NotApplicable, Unanswered, read_query
from dbtools.database.change_type import COMPILED, change_type
from dbtools.database.engine import execute
from dbtools.database.schema import DIMENSIONS, TABLES
from dbtools.database.sql import identifier
from dbtools.database.sqlite import connect, connect_copy
from dbtools.server import NOT_A_FILE, Server

# Columns that hold a credential, or the addresses from which somebody logged in.
_CREDENTIALS = ("hashed_password", "password_reset_token", "two_factor_secret", "login_ip_history")
# Without virtual tables: SQLite may lack the module that reads them.
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name"
_BLANK = ("", "[]", "{}", "null")
_SHAPES = files("dbtools.audit").joinpath("shapes")
_GENERATIONS = ("G0", "G1", "G2", "G3", "G4")
# The tables of a prompter database, and users, which has a check of its own.
_KNOWN = {table.name for table in TABLES} | {"users"}
# A column is compared under its present name.
_ALIASES = {(t.name, alias): c.name for t in TABLES for c in t.columns for alias in c.aliases}
# Pairs of characters that an audit compares: about a second. cydifflib takes 1-10 ns for each, difflib 20-130 ns.
_MOST_WORK = 400_000_000 if COMPILED else 40_000_000


def origin(context: AuditContext) -> list[tuple[str, bool]]:
    """Return the generation of the database, and whether migrations created its schema."""
    _check_schema(context)
    return [(context.db.origin["generation"], context.db.origin["migrated"])]


def tables(context: AuditContext) -> list[tuple[str, int | None]]:
    """Return every table with its number of rows; None where they cannot be read."""
    _check_schema(context)
    return [*context.db.origin["tables"].items(), *((name, None) for name in context.unreadable)]


def _check_schema(context: AuditContext) -> None:
    if not context.db.origin["columns"]:
        raise Unanswered("the list of the database's tables cannot be read")


def foreign_key_violations(context: AuditContext) -> list[tuple[object, ...]]:
    """Return the rows that break a declared foreign key (``PRAGMA foreign_key_check``).

    SQLite looks up each key in an index; where all keys of a table are plain ids, DuckDB joins them at once.
    """
    if "unreadable" in context.db.origin:
        raise Unanswered("the database is damaged, and SQLite looks keys up in indexes that may be so too")
    try:
        # Nothing may stand in for a collation here: the order of an index counts.
        with closing(connect(context.own_copy)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
            connection.execute("EXPLAIN PRAGMA foreign_key_check")  # fails where a key names no unique column
            plain = _plain_ids(context, connection)
            found: list[tuple[object, ...]] = []
            for table, keys in _foreign_keys(connection).items():
                if all(pair in plain for key in keys for pair in key):
                    found += (row for key in keys for row in _orphans(context, table, *key))
                else:
                    found += (row[:3] for row in connection.execute(f"PRAGMA foreign_key_check({identifier(table)})"))
            return found
    except sqlite3.Error as error:
        raise Unanswered(f"SQLite cannot check the foreign keys ({error})") from None


_Column = tuple[str, str]


def _foreign_keys(connection: sqlite3.Connection) -> dict[str, list[tuple[_Column, _Column]]]:
    """Return the foreign keys that each table declares: its own column, and the column that this refers to.

    A key over several columns is a pair of columns without names. Where a key names only the other table, the second
    column has no name.
    """
    found: dict[str, dict[int, list[tuple[_Column, _Column]]]] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for number, _, parent, own, other, *_ in connection.execute(f"PRAGMA foreign_key_list({identifier(table)})"):
            found.setdefault(table, {}).setdefault(number, []).append(((table, own), (parent, other or "")))
    several = (("", ""), ("", ""))
    return {t: [key[0] if len(key) == 1 else several for key in keys.values()] for t, keys in found.items()}


def _plain_ids(context: AuditContext, connection: sqlite3.Connection) -> set[_Column]:
    """Return the columns of ids, by table, of which every id is a text of 32 lower-case hex digits.

    Two of these are equal as texts, in every collation, exactly where they are equal as ids.
    """
    query = (
        "SELECT relation, column_name FROM id_cells WHERE dashed "
        "UNION SELECT relation, column_name FROM unreadable_cells"
    )
    odd, found = set(context.connection.execute(query).fetchall()), set()
    for table in TABLES:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
        ids = [c.name for c in table.columns if c.kind == "id" and c.name in names]
        others = " OR ".join(f"typeof({name}) NOT IN ('text', 'null')" for name in ids)
        with suppress(sqlite3.OperationalError):  # a table without row ids
            query = f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE rowid IS NULL OR {others})"  # noqa: S608 - own names
            if ids and "rowid" not in map(str.lower, names) and connection.execute(query).fetchone() == (0,):
                found |= {(table.name, name) for name in ids if (table.relation, name) not in odd}
    return found


def _orphans(context: AuditContext, table: str, own: _Column, other: _Column) -> list[tuple[object, ...]]:
    """Return the rows whose id in a column is nowhere in another: table, row id, and the table of the other."""
    relation = {t.name: t.relation for t in TABLES}
    query = (
        f"SELECT row_id FROM {relation[own[0]]} AS t "  # noqa: S608 - own names
        f"ANTI JOIN {relation[other[0]]} AS o ON o.{other[1]} = t.{own[1]} WHERE t.{own[1]} IS NOT NULL"
    )
    return [(table, row_id, other[0]) for (row_id,) in context.connection.execute(query).fetchall()]


def accounts(context: AuditContext) -> list[tuple[str, str, str]]:
    """Return the accounts of every database; names and addresses only as a digest with a key that is thrown away."""
    salt = secrets.token_bytes(16)

    def collect(path: Path, copy: Path) -> Iterator[tuple[str, str, str]]:
        columns = _columns(copy, "users")
        names = [c for c in ("username", "email") if c in columns]
        if names and "id" in columns:
            rows = context.rows(copy, f"SELECT id, {', '.join(names)} FROM users ORDER BY id")  # noqa: S608 - own words
            yield from ((context.name(path), str(row[0]), _digest(salt, row[1:])) for row in rows)

    found: list[tuple[str, str, str]] = _of_each(context, "accounts", collect)
    if not found and "accounts" in context.left_out:
        raise Unanswered(context.left_out["accounts"])
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


def credentials(context: AuditContext) -> list[tuple[str, str, object, str, bool]]:
    """Return the location and the columns of each row that holds a credential; never the value."""
    if isinstance(context.project.database, Server) and "users" in context.db.origin["tables"]:
        raise NotApplicable(f"{NOT_A_FILE}; of its accounts only the number is read")
    blank = ", ".join(f"'{word}'" for word in _BLANK)

    def collect(path: Path, copy: Path) -> Iterator[tuple[str, str, object, str, bool]]:
        is_auth = path.name.startswith(context.project.auth.name)  # or, by its name, a copy of it
        for (name,) in context.rows(copy, _TABLES):
            table = identifier(str(name))
            here = sorted(_columns(copy, table) & set(_CREDENTIALS))
            filled = [f"coalesce(CAST({c} AS TEXT), '') NOT IN ({blank})" for c in here]
            if here:
                listed = " || ".join(f"iif({test}, '{c} ', '')" for test, c in zip(filled, here, strict=True))
                found = f"SELECT rowid, trim({listed}) FROM {table} WHERE {' OR '.join(filled)} ORDER BY rowid"  # noqa: S608
                for row_id, columns in context.rows(copy, found):
                    yield context.name(path), str(name), row_id, str(columns).replace(" ", ", "), is_auth

    return _of_each(context, "credentials", collect)


def _of_each(
    context: AuditContext, relation: str, collect: Callable[[Path, Path], Iterable[tuple[Any, ...]]]
) -> list[Any]:
    """Return what is collected from the copy of every database; those that cannot be read are left out, and named."""
    found, left_out = [], []
    for path, copy in context.copies.items():
        try:
            if isinstance(copy, str):
                raise sqlite3.DatabaseError(copy)
            found += list(collect(path, copy))
        except sqlite3.Error:
            left_out.append(context.name(path))
    if left_out:
        context.left_out[relation] = f"not read: {', '.join(left_out[:5])}{' …' if len(left_out) > 5 else ''}"
    return found


def _columns(copy: Path, table: str) -> set[str]:
    with closing(connect_copy(copy)) as connection:
        return {row[1].lower() for row in connection.execute(f"PRAGMA table_info({table})")}


def _digest(salt: bytes, value: object) -> str:
    return hashlib.blake2b(repr(value).lower().encode("utf-8", "replace"), key=salt, digest_size=16).hexdigest()


def differences(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield how each table differs from its generation's schema: the created or the migrated one, whichever is closer.

    Column types are compared by affinity (sqlite.org/datatype3.html, 3.1). Migrations create indexes and the ORM
    creates none. So an index can be missing only from a migrated table, and is extra where neither schema has it.
    """
    actual = _actual_schema(context.own_copy)
    shapes = [_expected_schema(context.db.origin["generation"], kind) for kind in ("created", "migrated")]
    for table in sorted(actual.keys() | shapes[0].keys()):
        if table in shapes[0]:
            found = actual.get(table, {})
            nearest = min((list(_compare(found, shape[table])) for shape in shapes), key=len)
            yield from ((table, difference) for difference in (nearest if found else ["the table is missing"]))
        elif table not in _KNOWN:
            yield table, "no generation has this table"


def lost_constraints(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield the UNIQUE and CHECK constraints of the PostgreSQL schema that these tables lack."""
    actual = _actual_schema(context.own_copy)
    tables = context.rows(context.own_copy, "SELECT lower(name), sql FROM sqlite_master WHERE type = 'table'")
    statements = {name: str(sql) for name, sql in tables}
    if "unique (prompt_id, version_no)" not in actual["prompt_versions"]:
        yield "prompt_versions", "UNIQUE (prompt_id, version_no)"
    rules = [("judge_scores", column, "BETWEEN 0 AND 10") for column in DIMENSIONS]
    rules.append(("user_feedback", "user_choice", "IN ('original', 'single', 'multi')"))
    for table, column, rule in rules:
        checked = re.search(rf"\bCHECK\s*\([^)]*\b{column}\b", statements.get(table, ""), re.IGNORECASE)
        if table in actual and not checked:
            yield table, f"CHECK ({column} {rule})"


def _expected_schema(generation: str, kind: str) -> dict[str, dict[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name in _GENERATIONS[: _GENERATIONS.index(generation) + 1]:
            own = _SHAPES.joinpath(f"{name}-{kind}.sql")
            shape = own if own.is_file() else _SHAPES.joinpath(f"{name}.sql")
            connection.executescript(shape.read_text(encoding="utf-8"))
        return _read_schema(connection)


def _actual_schema(copy: Path) -> dict[str, dict[str, str]]:
    with closing(connect_copy(copy)) as connection:
        return _read_schema(connection)


def _read_schema(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Return what each table declares: columns with affinity and nullability, indexes, unique and foreign keys."""
    found: dict[str, dict[str, str]] = {}
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    for (name,) in connection.execute(names).fetchall():
        table = name.lower()
        quoted = identifier(name)
        declared = found[table] = {}
        for _, column, kind, required, _, key in connection.execute(f"PRAGMA table_info({quoted})"):
            column = _ALIASES.get((table, column.lower()), column.lower())
            declared[f"column {column}"] = _affinity(kind)
            # A primary key may be NULL in SQLite unless it is declared NOT NULL; the generations differ in that.
            if required and not key:
                declared[f"NOT NULL of {column}"] = ""
        for _, index, unique, *_ in connection.execute(f"PRAGMA index_list({quoted})").fetchall():
            columns = ", ".join(
                str(r[2]).lower() for r in connection.execute(f"PRAGMA index_info({identifier(index)})")
            )
            if not index.startswith("sqlite_autoindex"):
                declared[f"index on {columns}"] = ""
            if unique:
                declared[f"unique ({columns})"] = ""
        for _, _, parent, column, *_ in connection.execute(f"PRAGMA foreign_key_list({quoted})"):
            declared[f"foreign key {column.lower()} to {parent.lower()}"] = ""
    return found


def _compare(found: dict[str, str], shape: dict[str, str]) -> Iterator[str]:
    for fact, value in shape.items():
        kind, name = fact.split(" ", 1)
        if kind == "unique":
            continue
        if fact not in found:
            # A missing column is reported once, not again as a missing NOT NULL.
            if kind != "NOT" or f"column {name.removeprefix('NULL of ')}" in found:
                yield f"{fact} is missing"
        elif found[fact] != value:
            yield f"{fact} has {found[fact]} affinity instead of {value}"
    for fact in found:
        if fact not in shape and fact.startswith(("column ", "index ")):
            yield f"{fact} belongs to no generation"


def _affinity(declared: str) -> str:
    kind = declared.upper()
    for affinity, words in (
        ("INTEGER", ("INT",)),
        ("TEXT", ("CHAR", "CLOB", "TEXT")),
        ("BLOB", ("BLOB",)),
        ("REAL", ("REAL", "FLOA", "DOUB")),
    ):
        if any(word in kind for word in words):
            return affinity
    return "NUMERIC" if kind else "BLOB"


def parent_cycles(context: AuditContext) -> list[tuple[int]]:
    """Return the versions that are their own ancestors; cycles of any length, without recursion.

    Every version points to its parent. The pointers are composed with themselves until they span more steps than there
    are versions. A version that is still pointed to lies on a cycle, because every chain has ended by then.
    """
    import numpy as np

    edges = context.connection.execute(read_query("parents")).fetchnumpy()
    child, parent = np.asarray(edges["child"], dtype=np.int64), np.asarray(edges["parent"], dtype=np.int64)
    if not len(child):
        return []
    jump = np.zeros(int(max(child.max(), parent.max())) + 1, dtype=np.int64)  # 0: no parent
    jump[child] = parent
    for _ in range(len(jump).bit_length()):
        jump = jump[jump]
    return [(int(row),) for row in np.asarray(edges["row_id"])[np.isin(child, jump[jump > 0])]]


def changes(context: AuditContext) -> Iterator[tuple[int, str]]:
    """Yield the type of change from parent to child of each version that names one, computed from the texts.

    The longest texts are left out where comparing all of them would take too long.
    """
    if not context.db.origin["texts"]:
        raise Unanswered(NO_TEXTS)
    texts = execute(context.connection, read_query("changed_texts"), {"most_work": _MOST_WORK}).fetchall()
    left_out = sum(before is None for _, before, _ in texts)
    if left_out:
        context.left_out["changes"] = f"{left_out:,} of {len(texts):,} versions were not compared: too long texts"
    yield from ((row_id, change_type(before, after)) for row_id, before, after in texts if before is not None)
