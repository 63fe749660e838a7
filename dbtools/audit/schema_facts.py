"""The declared schema beside the shapes its generation has in the wild, and PostgreSQL's constraints."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from dbtools.audit.context import AuditContext
from dbtools.database.schema import DIMENSIONS, TABLES
from dbtools.database.sql import identifier
from dbtools.database.sqlite.dbfile import connect

_SHAPES = files("dbtools.audit").joinpath("shapes")
_GENERATIONS = ("G0", "G1", "G2", "G3", "G4")
# What belongs to a prompter database: its own tables, and the accounts, which have a check of their own.
_KNOWN = {table.name for table in TABLES} | {"users"}
# A column that was called otherwise for a while counts under its present name.
_ALIASES = {(t.name, alias): c.name for t in TABLES for c in t.columns for alias in c.aliases}


def differences(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield how each table differs from the shape of its generation, created or migrated, that it comes nearest to.

    Column types are compared by affinity (sqlite.org/datatype3.html, 3.1). A migration leaves its indexes and the ORM
    creates none, so an index is missing only from a migrated table and extra where neither makes one on its columns.
    """
    actual = _declared(context.own_copy)
    shapes = [_expected(context.db.origin["generation"], kind) for kind in ("created", "migrated")]
    for table in sorted(actual.keys() | shapes[0].keys()):
        if table in shapes[0]:
            found = actual.get(table, {})
            nearest = min((list(_compare(found, shape[table])) for shape in shapes), key=len)
            yield from ((table, difference) for difference in (nearest if found else ["the table is missing"]))
        elif table not in _KNOWN:
            yield table, "no generation has this table"


def lost_constraints(context: AuditContext) -> Iterator[tuple[str, str]]:
    """Yield the UNIQUE and CHECK constraints of the PostgreSQL schema that these tables lack."""
    declared = _declared(context.own_copy)
    tables = context.rows(context.own_copy, "SELECT lower(name), sql FROM sqlite_master WHERE type = 'table'")
    statements = {name: str(sql) for name, sql in tables}
    if "unique (prompt_id, version_no)" not in declared["prompt_versions"]:
        yield "prompt_versions", "UNIQUE (prompt_id, version_no)"
    checked = {"judge_scores": DIMENSIONS, "user_feedback": ("user_choice",)}
    for table, columns in checked.items():
        for column in columns if table in declared else ():
            if not re.search(rf"\bCHECK\s*\([^)]*\b{column}\b", statements[table], re.IGNORECASE):
                allowed = "0 AND 10" if table == "judge_scores" else ""
                rule = f"{column} BETWEEN {allowed}" if allowed else f"{column} IN ('original', 'single', 'multi')"
                yield table, f"CHECK ({rule})"


def _expected(generation: str, kind: str) -> dict[str, dict[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name in _GENERATIONS[: _GENERATIONS.index(generation) + 1]:
            own = _SHAPES.joinpath(f"{name}-{kind}.sql")
            shape = own if own.is_file() else _SHAPES.joinpath(f"{name}.sql")
            connection.executescript(shape.read_text(encoding="utf-8"))
        return _describe(connection)


def _declared(copy: Path) -> dict[str, dict[str, str]]:
    with closing(connect(copy)) as connection:
        return _describe(connection)


def _describe(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Return by table what it declares: columns with affinity and nullability, indexes, unique and foreign keys."""
    found: dict[str, dict[str, str]] = {}
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    for (name,) in connection.execute(names).fetchall():
        table = name.lower()
        quoted = identifier(name)
        facts = found[table] = {}
        for _, column, kind, required, _, key in connection.execute(f"PRAGMA table_info({quoted})"):
            column = _ALIASES.get((table, column.lower()), column.lower())
            facts[f"column {column}"] = _affinity(kind)
            # A primary key that is TEXT may be NULL in SQLite; nobody declares it otherwise on purpose.
            if required and not key:
                facts[f"NOT NULL of {column}"] = ""
        for _, index, unique, *_ in connection.execute(f"PRAGMA index_list({quoted})").fetchall():
            columns = ", ".join(
                str(r[2]).lower() for r in connection.execute(f"PRAGMA index_info({identifier(index)})")
            )
            if not index.startswith("sqlite_autoindex"):
                facts[f"index on {columns}"] = ""
            if unique:
                facts[f"unique ({columns})"] = ""
        for _, _, parent, column, *_ in connection.execute(f"PRAGMA foreign_key_list({quoted})"):
            facts[f"foreign key {column.lower()} to {parent.lower()}"] = ""
    return found


def _compare(found: dict[str, str], shape: dict[str, str]) -> Iterator[str]:
    for fact, value in shape.items():
        kind, name = fact.split(" ", 1)
        if kind == "unique":
            continue
        if fact not in found:
            # Of a column that is missing, nothing else can be said.
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
