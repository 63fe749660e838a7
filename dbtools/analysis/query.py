"""Ask the SQL queries of this package, and choose the rows that count.

``queries/*.sql`` are portable: DuckDB, Spark Connect and PostgreSQL run them.
``queries/duckdb/*.sql`` need DuckDB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.database import Database
from dbtools.database.engine import cache, materialize, register
from dbtools.errors import ParameterError
from dbtools.progress import step

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from dbtools.database.engine import Engine

KINDS = ("real", "generated", "placeholder", "unknown")
PROVENANCES = (*KINDS, "all")
WINS = ("recorded", "score", "selected", "user")  # those in the database
ALL_WINS = (*WINS, "rated")
SCALES = ("judge", "heuristic", "self", "synthetic")
FAILURES = ("excluded", "losses")
Row = dict[str, Any]


@dataclass(frozen=True)
class RowFilter:
    """Which rows count: their provenances, the one scale on which scores are compared, and whether failed runs do.

    Attributes
    ----------
    failures : str
        ``excluded``; or ``losses``: a failed run, where the agent has no answer, competes with 0 points.
    """

    kinds: tuple[str, ...]
    scale: str
    failures: str = "excluded"

    @classmethod
    def of(cls, provenance: str, scale: str, failures: str = "excluded") -> RowFilter:
        """Return the filter that the parameters of these names stand for."""
        return cls(KINDS if provenance == "all" else (provenance,), scale).with_failures(failures)

    def with_failures(self, failures: str) -> RowFilter:
        """Return the filter with failed runs left out, or with all of them."""
        kinds = self.kinds if "placeholder" in self.kinds or failures == "excluded" else (*self.kinds, "placeholder")
        return RowFilter(kinds, self.scale, failures)

    @property
    def answers(self) -> tuple[str, ...]:
        """The provenances of versions that are no failed run."""
        return tuple(kind for kind in self.kinds if kind != "placeholder")

    @property
    def bound(self) -> Row:
        """The filter as parameters of a query."""
        return {"kinds": list(self.kinds), "scale": self.scale}


def check_word(what: str, word: str, known: Sequence[str]) -> None:
    """Refuse a word that is not one of those known.

    Raises
    ------
    ParameterError
        The word is not known.
    """
    if word not in known:
        raise ParameterError(f"No such {what}", word, f"use one of {', '.join(known)}")


def read(name: str) -> str:
    """Return the text of ``queries/<name>.sql``."""
    return files("dbtools.analysis").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def query(
    source: Database | Engine, name: str, **parameters: Any
) -> duckdb.DuckDBPyRelation | duckdb.DuckDBPyConnection:
    """Return the answer to a query of this package, of a database or of a connection to it. Reads only."""
    step(name)
    ask = source.sql if isinstance(source, Database) else source.execute
    return ask(read(name), parameters or None)


def rows(source: Database | Engine, name: str, **parameters: Any) -> list[Row]:
    """Return the rows that answer a query of this package, as dicts. Reads only."""
    answer = query(source, name, **parameters)
    columns = [column[0] for column in answer.description]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


@contextmanager
def working_table(db: Database, agents: Sequence[str] | None) -> Iterator[Engine]:
    """Open a connection with the table ``candidates``: the versions that can enter a contest.

    DuckDB holds the table in memory and spills it to the user's cache folder. The database is not changed.
    """
    with db.session() as connection:
        if agents:
            register(connection, "named_agents", "source VARCHAR", [(name,) for name in dict.fromkeys(agents)])
        cache(connection, "contest_entries")
        materialize_query(connection, "candidates")
        yield connection


def select_entries(connection: Engine, row_filter: RowFilter) -> None:
    """Create the working tables ``entries`` and ``paired`` from the candidates that count.

    There is one contest per prompt: rows of two provenances compete with each other where both count.
    """
    failed_scale = row_filter.scale if row_filter.failures == "losses" else None
    materialize_query(connection, "entries", kinds=list(row_filter.kinds), failed_scale=failed_scale)
    materialize_query(connection, "paired", kinds=list(row_filter.kinds))


def materialize_query(connection: Engine, name: str, **parameters: object) -> None:
    """Create the working table ``queries/<name>.sql``. A query without parameters is computed only once."""
    step(name)
    materialize(connection, name, read(name), parameters or None)


def left_out(db: Database, provenance: str, *relations: str) -> dict[str, dict[str, int]]:
    """Count, by relation and provenance, the rows that a choice of provenance does not use. Reads only."""
    out: dict[str, dict[str, int]] = {}
    for row in rows(db, "left_out", provenance=provenance, relations=list(relations)):
        out.setdefault(row["relation"], {})[row["provenance"]] = row["rows"]
    return out


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as dicts of strict JSON values. Missing and infinite values become None."""
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
    return found
