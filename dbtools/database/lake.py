"""A lake: the relations of a database as Parquet files in a folder per month, and ``lake.json``, which names them."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database.schema import TABLES
from dbtools.database.sql import quote, store_derived
from dbtools.errors import DatabaseError, explained
from dbtools.project import LAKE

if TYPE_CHECKING:
    import duckdb

RELATIONS = (*(table.relation for table in TABLES), "unreadable_cells")
_PATH = re.compile(r"\w+/month=[\w-]+/[\w-]+\.parquet")


@dataclass(frozen=True)
class Lake:
    """A lake as its ``lake.json`` describes it.

    Attributes
    ----------
    place : str
        The folder, or a URL, as whoever reads the files sees it.
    origin : Mapping
        What `Database.origin` says of it.
    files : Mapping
        By relation: the full names of its files.
    """

    place: str
    origin: Mapping[str, Any]
    files: Mapping[str, tuple[str, ...]]


def dumps(origin: Mapping[str, Any], files: Mapping[str, tuple[str, ...]]) -> str:
    """Return the text of ``lake.json``; `files` are named from the lake's folder."""
    return json.dumps({"origin": dict(origin), "files": files}, indent=1, ensure_ascii=False) + "\n"


def parse(text: str, place: str) -> Lake:
    """Return what ``lake.json`` says.

    Raises
    ------
    DatabaseError
        It is none, or names files elsewhere.
    """
    try:
        found = json.loads(text)
        files = {name: tuple(map(str, found["files"][name])) for name in RELATIONS}
        origin = {**found["origin"], "path": place}
        known = {"fingerprint", "generation", "migrated", "texts", "tables", "columns"} <= origin.keys()
        if not known or not all(f and all(map(_PATH.fullmatch, f)) for f in files.values()):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DatabaseError(
            "Not a lake that dbtools wrote", place, 'write it with export.write(…, partition_by="month")'
        ) from None
    top = place.rstrip("/")
    return Lake(place, origin, {name: tuple(f"{top}/{file}" for file in some) for name, some in files.items()})


def read(folder: Path) -> Lake:
    """Return the lake in a folder. Reads only."""
    return parse((folder / LAKE).read_text(encoding="utf-8"), str(folder))


def check_rows(lake: Lake, relation: str, rows: int) -> None:
    """Refuse files that do not hold the rows of the database.

    Raises
    ------
    DatabaseError
        There are more or fewer.
    """
    name = next((t.name for t in TABLES if t.relation == relation), "")
    expected = lake.origin["tables"].get(name, 0)
    if name and rows != expected:
        # As lake.json spells it, which need not be a number.
        what = f"The lake has {rows} rows of {relation} where the database had {expected}"
        raise DatabaseError(what, lake.place, "export it again")


def define(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Define the relations of a lake as views on its files, typed as loading a database types them.

    Changes files: the DuckDB database of the connection.

    Raises
    ------
    DatabaseError
        A file is missing or damaged.
    """
    import duckdb

    ids = {"text_key", *(column.name for table in TABLES for column in table.columns if column.kind == "id")}
    for relation, files in lake.files.items():
        listed = ", ".join(quote(glob.escape(file)) for file in files)
        reader = f"read_parquet([{listed}], hive_partitioning = false)"
        with explained(DatabaseError, "The lake cannot be read", lake.place, "export it again", catch=duckdb.Error):
            found = [row[0] for row in connection.execute(f"DESCRIBE FROM {reader}").fetchall()]
            if not all(name.isidentifier() for name in found):
                raise DatabaseError("The lake has a column that dbtools does not write", lake.place, "export it again")
            cells = [f'"{name}"::UUID AS "{name}"' if name in ids else f'"{name}"' for name in found]
            connection.execute(f"CREATE VIEW {relation} AS SELECT {', '.join(cells)} FROM {reader}")  # noqa: S608 - own
            rows = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]  # noqa: S608 - own
        check_rows(lake, relation, rows)
    store_derived(connection, "VIEW")
    facts = json.dumps(lake.origin)
    connection.execute(f"CREATE TABLE origin AS SELECT {quote(facts)} AS facts")
