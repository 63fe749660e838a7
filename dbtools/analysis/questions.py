"""Ask the queries of this room over one working table, so that the views behind it are worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.progress import step
from dbtools.source import Database

if TYPE_CHECKING:
    import duckdb

KINDS = ("real", "generated", "placeholder", "unknown")
PROVENANCES = (*KINDS, "all")
WINS = ("recorded", "score", "selected", "user")
SCALES = ("judge", "heuristic", "self", "synthetic")
_HOME = files("dbtools.analysis")
Row = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """Which rows count: their provenances, and the one scale on which scores are compared."""

    kinds: tuple[str, ...]
    scale: str

    @classmethod
    def of(cls, provenance: str, scale: str) -> Chosen:
        """Return the choice that the parameter ``provenance`` stands for."""
        return cls(KINDS if provenance == "all" else (provenance,), scale)

    @property
    def bound(self) -> Row:
        """The choice as parameters of a query."""
        return {"kinds": list(self.kinds), "scale": self.scale}


@contextmanager
def working_table(db: Database, agents: Sequence[str] | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the table ``entries``: one narrow row per contest and competing agent.

    The table lives in DuckDB's memory and spills into the user's cache folder; the database is not touched.
    """
    with db.workspace() as connection:
        make(connection, "entries", agents=list(agents) if agents else None)
        yield connection


def make(connection: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> None:
    """Make the table of ``working/<name>.sql``, unless it is there."""
    step(name)
    text = _HOME.joinpath("working", f"{name}.sql").read_text(encoding="utf-8")
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} AS {text}", parameters)


def ask(connection: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> list[Row]:
    """Return the rows that ``queries/<name>.sql`` answers with. Reads only."""
    step(name)
    text = _HOME.joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
    answer = connection.execute(text, parameters)
    columns = [column[0] for column in answer.description]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
