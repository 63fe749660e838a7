"""Evidence computed from content: which rows of a file exist elsewhere, which nowhere."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.files.csvfile import CsvFile, Row
from dbtools.source import Database
from dbtools.source.schema import DIMENSIONS

if TYPE_CHECKING:
    import duckdb

_MOST_ATTACHED = 9  # SQLite attaches at most ten databases to a connection
_GUARDED = re.compile(r"'+[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'+[\t\r\n]")
# A cell as text that is equal exactly when storage class and bytes are; collations and affinities have no say.
_CELL = (
    "CASE typeof({c}) WHEN 'real' THEN 'r' || printf('%!.17g', {c}) WHEN 'integer' THEN 'i' || {c} "
    "WHEN 'null' THEN 'n' ELSE substr(typeof({c}), 1, 1) || hex(CAST({c} AS BLOB)) END"
)


def covered_rows(db: Database, csv: CsvFile) -> dict[int, str | None]:
    """Look each row of a CSV file of a known layout up in the database. Reads only.

    Returns
    -------
    dict
        By row number: ``"id"``, ``"text"`` or ``"normalised"``, as it was found; None for a row that exists nowhere in
        the database, and for one that is malformed, of which nothing can be proved.
    """
    found: dict[int, str | None] = {row.number: None for row in csv.rows}
    with _loaded(db, csv) as connection:
        found.update(connection.execute(_query("covered")).fetchall())
    return found


def incomplete_rows(db: Database, csv: CsvFile) -> set[int]:
    """Return the numbers of the sound rows with a cell, besides id and texts, that the database lacks. Reads only.

    Such a row is not unique, but without it what that cell says is lost.
    """
    with _loaded(db, csv) as connection:
        return {number for (number,) in connection.execute(_query("incomplete")).fetchall()}


def _query(name: str) -> str:
    return files("dbtools.files").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def _loaded(db: Database, csv: CsvFile) -> Iterator[duckdb.DuckDBPyConnection]:
    """Offer the sound rows of a CSV file beside the relations of the database."""
    import pandas as pd

    layout, place = csv.layout, csv.columns
    assert layout is not None  # noqa: S101 - callers look up known layouts only
    sound = [row for row in csv.rows if not row.problem]
    texts = [
        (row.number, i, cell)
        for row in sound
        for i, name in enumerate(layout.texts)
        for cell in _variants(_cell(row, place.get(name)))
    ]
    looked_up = {layout.id, *layout.texts, *(DIMENSIONS if layout.owner == "scores" else ())}
    others = [(i, name.strip().lower()) for i, name in enumerate(csv.header) if place[name.strip().lower()] == i]
    others = [(i, name) for i, name in others if name not in looked_up]
    twins = [(i, "") for i, name in enumerate(csv.header) if place[name.strip().lower()] != i]
    cells = [(row.number, name, row.cells[i]) for row in sound for i, name in [*others, *twins] if row.cells[i].strip()]
    rows = [
        (row.number, _cell(row, place.get(layout.id)), [_cell(row, place.get(d)) for d in DIMENSIONS]) for row in sound
    ]
    tables: dict[str, tuple[list[Any], dict[str, str]]] = {
        "csv_rows": (
            rows,
            {
                "row": "row::BIGINT",
                "id": "try_cast(trim(id::VARCHAR) AS UUID)",
                "scores": "list_transform(scores::VARCHAR[], s -> try_cast(s AS DOUBLE))",
            },
        ),
        "csv_texts": (texts, {"row": "row::BIGINT", "place": "place::BIGINT", "text": "text::VARCHAR"}),
        "csv_cells": (cells, {"row": "row::BIGINT", "name": "name::VARCHAR", "value": "value::VARCHAR"}),
    }
    with db.workspace() as connection:
        for name, (values, columns) in tables.items():
            connection.register("frame", pd.DataFrame(values, columns=list(columns), dtype=object))
            typed = ", ".join(f"{expression} AS {column}" for column, expression in columns.items())
            connection.execute(f"CREATE TABLE {name} AS SELECT {typed} FROM frame")  # noqa: S608 - names of this module
        connection.execute("CREATE TABLE csv_owner AS SELECT ? AS owner", [layout.owner])
        yield connection


def _cell(row: Row, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _variants(text: str) -> list[str]:
    """Return the texts to look for; blank ones prove nothing and are not looked for."""
    if not text.strip():
        return []
    # Exports guard texts a spreadsheet would run as a formula with one quote mark; the database has none.
    return [text, text[1:]] if _GUARDED.match(text) else [text]


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
