"""Compare the rows of SQLite files: which rows of a database exist in others, and which nowhere."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dbtools.database.sql import identifier
from dbtools.database.sqlite.dbfile import connect, uri

# Two cells are equal exactly when storage class and value are, a text's being its bytes; collations and affinities have
# no say, and the two zeros of doubles are one.
_SAME = "typeof(t.{c}) = typeof(o.{c}) AND +t.{c} IS +o.{c} COLLATE BINARY"
# The same as Python's sqlite3 hands it over without a loss.
_CELL = (
    "typeof(t.{c}), CASE typeof(t.{c}) WHEN 'text' THEN CAST(t.{c} AS BLOB) WHEN 'real' THEN t.{c} + 0.0 ELSE t.{c} END"
)


def missing_rows(candidate: Path, keepers: Sequence[Path]) -> Counter[str]:
    """Count, by table, the rows of an SQLite file that none of the keepers holds as often. Reads only.

    All files must be snapshots: private, consistent copies. A row counts as held when a table of the same name holds a
    row equal in every column, storage class and byte.
    """
    lacking: dict[str, Counter[bytes]] = {}
    with closing(connect(candidate)) as connection:
        columns = {table: _columns(connection, "main", table) for table in _tables(connection, "main")}
        for keeper in keepers:
            connection.execute("ATTACH ? AS keeper", [uri(keeper)])
            for table, names in columns.items():
                known = lacking.get(table)
                if (known or known is None) and set(names) <= set(_columns(connection, "keeper", table)):
                    less = _lacking(connection, table, names)
                    # What the best of several keepers lacks of a row is the least that any of them lacks.
                    lacking[table] = less if known is None else less & known
            connection.execute("DETACH keeper")
        counts = {t: lacking[t].total() if t in lacking else _count(connection, t) for t in columns}
    return Counter({table: count for table, count in counts.items() if count})


def has_same_shape(one: Path, other: Path) -> bool:
    """Tell whether two snapshots have rows in the same tables, equally many, of the same columns. Reads only."""
    return _shape(one) == _shape(other)


def count_rows(snapshot: Path) -> int:
    """Count the rows of all tables of a snapshot. Reads only."""
    with closing(connect(snapshot)) as connection:
        return sum(_count(connection, table) for table in _tables(connection, "main"))


def _lacking(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Counter[bytes]:
    """Count the rows of `table` that the keeper holds less often, by digest.

    Copies mostly have equal rows in equal places: such pairs are found cell by cell in one scan of both, and taken off
    both sides they change nothing of the difference. What is left is compared by SHA-256 of its exact cells: two rows
    that share a digest would be as hard to make, even on purpose, as two files that do.
    """
    place = _row_id(connection, table)
    left = _digests(connection, ("main", "keeper"), table, columns, place)
    return left - _digests(connection, ("keeper", "main"), table, columns, place) if left else left


def _digests(
    connection: sqlite3.Connection, schemas: tuple[str, str], table: str, columns: Sequence[str], place: str | None
) -> Counter[bytes]:
    """Count the rows of `table` in the first schema, by digest, without those that the second has in the same place."""
    names = [identifier(c) for c in columns]
    first, second = (f"{schema}.{identifier(table)}" for schema in schemas)
    cells = ", ".join(_CELL.format(c=c) for c in names)
    query = f"SELECT {cells} FROM {first} AS t"  # noqa: S608 - quoted names
    if place:
        same = " AND ".join([f"o.{place} = t.{place}", *(_SAME.format(c=c) for c in names)])
        query += f" WHERE NOT EXISTS (SELECT 1 FROM {second} AS o WHERE {same})"  # noqa: S608 - quoted names
    # The text of a row tells its cells apart: bytes and numbers in it are literals of Python.
    return Counter(hashlib.sha256(repr(row).encode()).digest() for row in connection.execute(query))


def _row_id(connection: sqlite3.Connection, table: str) -> str | None:
    """Return a name of the row id that is no column's, or None where a table is not stored by row ids."""
    taken = {c.lower() for schema in ("main", "keeper") for c in _columns(connection, schema, table)}
    name = next((n for n in ("rowid", "_rowid_", "oid") if n not in taken), None)
    for schema in ("main", "keeper"):
        stored = f"SELECT rootpage FROM {schema}.sqlite_master WHERE type = 'table' AND lower(name) = lower(?)"  # noqa: S608
        try:
            found = connection.execute(stored, [table]).fetchone()  # None: it is a view there
            if not name or not found or not found[0]:
                return None
            connection.execute(f"SELECT {name} FROM {schema}.{identifier(table)} LIMIT 0").fetchall()  # noqa: S608
        except sqlite3.OperationalError:
            return None
    return name


def _shape(snapshot: Path) -> dict[str, tuple[frozenset[str], int]]:
    with closing(connect(snapshot)) as connection:
        found = {
            table.lower(): (frozenset(_columns(connection, "main", table)), _count(connection, table))
            for table in _tables(connection, "main")
        }
    return {table: shape for table, shape in found.items() if shape[1]}


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM main.{identifier(table)}").fetchone()[0])  # noqa: S608 - quoted


def _tables(connection: sqlite3.Connection, schema: str) -> list[str]:
    names = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "  # noqa: S608
        "ORDER BY name"
    )
    return [name for (name,) in names]


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({identifier(table)})")]
