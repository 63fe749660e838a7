"""Run queries on DuckDB or on a Spark Connect server.

Portable queries (those in ``portable`` folders, and the audit's) use only what DuckDB, Spark and PostgreSQL have in
common: each is written once, and nothing is translated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from dbtools.database.spark import Spark
from dbtools.database.sql import bind, quote, views
from dbtools.errors import DatabaseError

if TYPE_CHECKING:
    import duckdb

    Engine: TypeAlias = duckdb.DuckDBPyConnection | Spark

_BATCH = 10_000  # rows that are handed to DuckDB at a time


def row_dicts(answer: Any) -> list[dict[str, Any]]:
    """Return the rows of an answer, each by the names of its columns. Reads only."""
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


class Closed:
    """Stands in for a connection that was closed: any use of it raises a `DatabaseError`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def close(self) -> None:
        """Do nothing: it is closed."""

    def interrupt(self) -> None:
        """Do nothing: nothing runs."""

    def __getattr__(self, name: str) -> Any:
        raise DatabaseError("The database is closed", self._path, "attach it again")


def execute(engine: Engine, query: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """Return the answer to a query of the package's own, with values for its ``$name``."""
    if isinstance(engine, Spark):
        return engine.execute(query, parameters)
    return engine.execute(bind(query, parameters))


def materialize(engine: Engine, name: str, query: str, parameters: Mapping[str, Any] | None = None) -> None:
    """Compute a query into the temporary relation `name`: once if it has no parameters, else at each call."""
    if isinstance(engine, Spark):
        engine.materialize(name, query, parameters)
    elif parameters:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {bind(query, parameters)}")
    else:
        engine.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} AS {query}")


def cache(engine: Engine, *names: str) -> None:
    """Compute derived relations once per session; the relations that are derived from them read the result."""
    if isinstance(engine, Spark):
        for name in names:
            engine.cache(name)
    elif not engine.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'derived'").fetchall():
        cached: list[str] = []
        for name, query in views():
            if name in names or any(known in query for known in cached):
                kind = "TABLE" if name in names else "VIEW"
                engine.execute(f"CREATE TEMP {kind} IF NOT EXISTS {name} AS {query}")
                cached.append(name)


def register(engine: Engine, name: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Offer a few rows as the temporary relation `name`; `columns` names each with its type of DuckDB."""
    spec = [column.split() for column in columns.split(", ")]
    if isinstance(engine, Spark):
        engine.register(name, spec, rows)
    else:
        cells = ", ".join(f"cast(cells[{i}] AS {kind})" for i, (_, kind) in enumerate(spec, 1))
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
        for start in range(0, len(rows), _BATCH):
            texts = [[None if c is None else str(c) for c in row] for row in rows[start : start + _BATCH]]
            listed = f"from_json({quote(json.dumps(texts))}, '[[\"VARCHAR\"]]')"
            engine.execute(f"INSERT INTO {name} SELECT {cells} FROM (SELECT unnest({listed}) AS cells)")  # noqa: S608 - own
