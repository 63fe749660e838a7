"""The export layouts: one ``.sql`` file each, and a second one for the proof where the layout joins rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from dbtools.database import schema
from dbtools.errors import ParameterError

if TYPE_CHECKING:
    import duckdb

_FOLDER = files("dbtools.export") / "layouts"
_PROOFS = files("dbtools.export") / "proofs"
_OPTIONAL = re.compile(r"Optional column, left out when empty: (\w+)")
ON_REQUEST = {"rating_tasks": ("jsonl",)}
"""Layouts that are written only when they are named, and their formats."""
_TABLES = {table.name for table in schema.TABLES}

LAYOUTS = tuple(sorted(f.name.removesuffix(".sql") for f in _FOLDER.iterdir() if f.name.endswith(".sql")))


@dataclass(frozen=True)
class Column:
    """One column of a layout: its name, its DuckDB type, and whether it is left out when empty."""

    name: str
    type: str
    optional: bool


def query(layout: str) -> str:
    """Return the SELECT of a layout. Reads only."""
    return (_FOLDER / f"{layout}.sql").read_text(encoding="utf-8")


def rows(layout: str) -> str:
    """Return the SELECT of a layout without its last clause: the same rows in any order. Reads only."""
    return query(layout).rpartition("\nORDER BY ")[0]


def proof(layout: str) -> str:
    """Return a SELECT of the rows that an export of the layout must have, in any order. Reads only.

    A layout that only lists a table is its own proof. One that selects or joins rows has a second query, written
    independently, in proofs/.
    """
    own = _PROOFS / f"{layout}.sql"
    return own.read_text(encoding="utf-8") if own.is_file() else rows(layout)


def is_lacking(layout: str, tables: dict[str, int]) -> bool:
    """Tell whether the layout is that of a table which the database does not have."""
    return layout in _TABLES and layout not in tables


def columns(connection: duckdb.DuckDBPyConnection, layout: str) -> tuple[Column, ...]:
    """Describe all columns of a layout. Reads only.

    Raises
    ------
    ParameterError
        The layout needs the long texts, and they are not loaded.
    """
    import duckdb

    text = query(layout)
    optional = _OPTIONAL.findall(text)
    try:
        described = connection.execute(f"DESCRIBE {text}").fetchall()
    except duckdb.BinderException:
        raise ParameterError(
            "The layout needs the long texts, which are not loaded", layout, "use attach(…, texts=True)"
        ) from None
    return tuple(Column(row[0], row[1], row[0] in optional) for row in described)


def filled(connection: duckdb.DuckDBPyConnection, layout: str, described: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns without the optional ones that the database has nothing for. Reads only."""
    counts = ", ".join(f"count({column.name})" if column.optional else "1" for column in described)
    if not any(column.optional for column in described):
        return described
    found = connection.execute(f"SELECT {counts} FROM ({rows(layout)})").fetchall()[0]  # noqa: S608 - own SQL
    return tuple(column for column, count in zip(described, found, strict=True) if count or not column.optional)
