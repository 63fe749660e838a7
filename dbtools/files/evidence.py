"""Evidence computed from content: which rows of a database exist in others, and which nowhere."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

_MOST_ATTACHED = 9  # SQLite attaches at most ten databases to a connection
# A cell as text that is equal exactly when storage class and bytes are; collations and affinities have no say.
_CELL = (
    "CASE typeof({c}) WHEN 'real' THEN 'r' || printf('%!.17g', {c}) WHEN 'integer' THEN 'i' || {c} "
    "WHEN 'null' THEN 'n' ELSE substr(typeof({c}), 1, 1) || hex(CAST({c} AS BLOB)) END"
)


def missing_rows(candidate: Path, keepers: Sequence[Path]) -> Counter[str]:
    """Count, by table, the rows of an SQLite file that none of the keepers holds as often. Reads only.

    All files must be snapshots: private, consistent copies. A row counts as held when a table of the same name holds a
    row equal in every column, storage class and byte.
    """
    missing: Counter[str] = Counter()
    with closing(sqlite3.connect(f"file:{candidate}?mode=ro", uri=True)) as connection:
        names = []
        for i, keeper in enumerate(keepers[:_MOST_ATTACHED]):
            connection.execute(f"ATTACH ? AS keeper{i}", [f"file:{keeper}?mode=ro"])
            names.append(f"keeper{i}")
        for table in _tables(connection, "main"):
            columns = _columns(connection, "main", table)
            holders = [n for n in names if set(columns) <= set(_columns(connection, n, table))]
            rows = " EXCEPT ".join(_numbered_rows(schema, table, columns) for schema in ("main", *holders))
            count = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()[0]  # noqa: S608 - quoted names
            if count:
                missing[table] = count
    return missing


def count_rows(snapshot: Path) -> int:
    """Count the rows of all tables of a snapshot. Reads only."""
    with closing(sqlite3.connect(f"file:{snapshot}?mode=ro", uri=True)) as connection:
        return sum(
            connection.execute(f"SELECT count(*) FROM {_quoted(t)}").fetchone()[0]  # noqa: S608 - quoted name
            for t in _tables(connection, "main")
        )


def _numbered_rows(schema: str, table: str, columns: Sequence[str]) -> str:
    """Select the rows of a table, equal ones numbered, so that EXCEPT compares multisets."""
    cells = ", ".join(_CELL.format(c=_quoted(c)) for c in columns)
    return f"SELECT {cells}, row_number() OVER (PARTITION BY {cells}) FROM {schema}.{_quoted(table)}"  # noqa: S608


def _tables(connection: sqlite3.Connection, schema: str) -> list[str]:
    names = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "  # noqa: S608
        "ORDER BY name"
    )
    return [name for (name,) in names]


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
