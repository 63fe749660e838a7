"""Compare files row by row: which rows of one are nowhere in others."""

from __future__ import annotations

import csv
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
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

    All files must be private copies. A row counts as held when a table of the same name holds a row equal in every
    column, storage class and byte; columns that only the keeper has do not matter.
    """
    missing: Counter[str] = Counter()
    with closing(_open(candidate)) as connection:
        names = [f"keeper{i}" for i in range(len(keepers[:_MOST_ATTACHED]))]
        for name, keeper in zip(names, keepers, strict=False):
            connection.execute(f"ATTACH ? AS {name}", [f"{keeper.absolute().as_uri()}?mode=ro"])
        for table in _tables(connection):
            columns = _columns(connection, "main", table)
            holders = [n for n in names if set(columns) <= set(_columns(connection, n, table))]
            rows = " EXCEPT ".join(_numbered_rows(schema, table, columns) for schema in ("main", *holders))
            count = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()[0]  # noqa: S608 - quoted names
            if count:
                missing[table] = count
    return missing


def count_rows(file: Path) -> dict[str, int]:
    """Count the rows of every table of an SQLite file. Reads only; raises sqlite3.Error where it is damaged."""
    with closing(_open(file)) as connection:
        return {
            t: connection.execute(f"SELECT count(*) FROM {_quoted(t)}").fetchone()[0]  # noqa: S608 - quoted name
            for t in _tables(connection)
        }


def csv_records(path: Path) -> Iterator[dict[str, str]]:
    """Return the records of a CSV file by column; cells beyond the header as ``+1``, ``+2``. Reads only.

    Blank lines and repetitions of the header are no records.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # prompts may be megabytes
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.reader(handle)
        header = next(reader, [])
        for cells in reader:
            if cells and cells != header:
                names = (*header, *(f"+{i}" for i in range(1, len(cells) - len(header) + 1)))
                yield dict(zip(names, cells, strict=False))


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    return connection


def _numbered_rows(schema: str, table: str, columns: Sequence[str]) -> str:
    """Select the rows of a table, equal ones numbered, so that EXCEPT compares multisets."""
    cells = ", ".join(_CELL.format(c=_quoted(c)) for c in columns)
    return f"SELECT {cells}, row_number() OVER (PARTITION BY {cells}) FROM {schema}.{_quoted(table)}"  # noqa: S608


def _tables(connection: sqlite3.Connection) -> list[str]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [name for (name,) in names]


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
