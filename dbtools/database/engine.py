"""What answers a query: DuckDB, or a Spark Connect server; and the queries that say the same to both.

Those (``portable`` folders, and the audit's) are written in what DuckDB, Spark and PostgreSQL understand alike, so that
there is one text of each idea and no translator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from dbtools.database.spark import Spark

if TYPE_CHECKING:
    import duckdb

    Engine: TypeAlias = duckdb.DuckDBPyConnection | Spark


def materialize(engine: Engine, name: str, query: str, parameters: Mapping[str, Any] | None = None) -> None:
    """Work a query out, as the temporary relation `name`: once where it has no parameters, else anew."""
    if isinstance(engine, Spark):
        engine.materialize(name, query, parameters)
    elif parameters:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", parameters)
    else:
        engine.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} AS {query}")


def cache(engine: Engine, name: str) -> None:
    """Work a view out once where the engine would do so at every use; DuckDB sees by itself what a query uses twice."""
    if isinstance(engine, Spark):
        engine.cache(name)


def register(engine: Engine, name: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Offer a few rows as the temporary relation `name`; `columns` names each with its type of DuckDB."""
    spec = [column.split() for column in columns.split(", ")]
    if isinstance(engine, Spark):
        engine.register(name, spec, rows)
    else:
        lists = ", ".join(f"unnest(?::{kind}[]) AS {column}" for column, kind in spec)
        values = [[row[i] for row in rows] for i in range(len(spec))]
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {lists}", values)
