"""Ask the SQL queries of this package, and choose the rows that count.

``queries/*.sql`` are portable: DuckDB, Spark Connect and PostgreSQL run them.
``queries/duckdb/*.sql`` need DuckDB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING, Any

from dbtools.analysis.statistics import SizeTable
from dbtools.database import Database
from dbtools.database.engine import cache, execute, materialize, register, row_dicts
from dbtools.errors import ParameterError, readable
from dbtools.progress import step

if TYPE_CHECKING:
    import duckdb

    from dbtools.database.engine import Engine

KINDS = ("real", "generated", "placeholder", "unknown")
PROVENANCES = (*KINDS, "all")
WINS = ("recorded", "score", "selected", "user")  # those in the database
ALL_WINS = (*WINS, "rated")
SCALES = ("judge", "unit", "heuristic", "self", "synthetic")
FAILURES = ("excluded", "losses")
CLUSTERS = {"text": "texts", "near": "similar texts", "user": "users", "day": "days"}
"""What counts as one observation, and its plural in words."""
Row = dict[str, Any]
Columns = dict[str, Any]  # arrays of numpy


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


def query(connection: Engine, name: str, **parameters: Any) -> duckdb.DuckDBPyConnection:
    """Return the answer to a query of this package. Reads only."""
    step(name.rpartition("/")[2].replace("_", " "))
    return execute(connection, read(name), parameters)


def rows(connection: Engine, name: str, **parameters: Any) -> list[Row]:
    """Return the rows that answer a query of this package, as dicts. Reads only."""
    return row_dicts(query(connection, name, **parameters))


def add_up(found: Iterable[Row], name: str) -> dict[Any, int]:
    """Return the sums of the column ``rows``, by the values of another column."""
    sums: Counter[Any] = Counter()
    for row in found:
        sums[row[name]] += row["rows"]
    return dict(sums)


def size_tables(connection: Engine, name: str, **parameters: Any) -> dict[str, SizeTable]:
    """Return, by agent, the sums over prompt texts that answer a query of this package. Reads only."""
    found: dict[str, list[tuple[int, int, float, float]]] = {}
    for row in rows(connection, name, **parameters):
        numbers = int(row["n"]), int(row["clusters"]), float(row["total"]), float(row["squares"])
        found.setdefault(row["agent"], []).append(numbers)
    return {agent: SizeTable(*zip(*some, strict=True)) for agent, some in found.items()}


def columns(connection: Engine, name: str, **parameters: Any) -> Columns:
    """Return the columns that answer a query of this package: as in a frame of pandas, but without pandas. Reads only.

    A missing value is NaN, NaT or None.
    """
    return {name: _filled(values) for name, values in query(connection, name, **parameters).fetchnumpy().items()}


def _filled(values: Any) -> Any:
    import numpy as np

    if not np.ma.is_masked(values):
        return np.asarray(values)
    if values.dtype.kind in "iu":
        values = values.astype(float)
    if values.dtype.kind in "bO":
        return np.where(values.mask, None, values.data)
    return values.filled(np.nan if values.dtype.kind == "f" else np.datetime64("NaT"))


def listed_agents(agents: Sequence[str] | None) -> list[str]:
    """Return the names of agents as valid Unicode text; an empty list means all that compete.

    Raises
    ------
    ParameterError
        The agents are one text.
    """
    if isinstance(agents, str):
        raise ParameterError("Agents are a list", agents, "put the name in brackets")
    return [readable(name) for name in agents or ()]


def name_agents(connection: Engine, agents: Sequence[str] | None) -> None:
    """Let only these sources compete; without any, all but the known non-agents do."""
    if agents:
        register(connection, "named_agents", "source VARCHAR", [(name,) for name in dict.fromkeys(agents)])


@contextmanager
def working_table(db: Database, agents: Sequence[str] | None, cluster: str = "text") -> Iterator[Engine]:
    """Open a connection with the table ``candidates``: the versions that can enter a contest.

    `cluster` says which prompts are one draw: those of one ``text``, of texts that differ in digits and punctuation
    only (``near``), of one ``user``, or of one ``day``. DuckDB holds the table in memory and spills it to the user's
    cache folder. The database is not changed.
    """
    with db.session() as connection:
        name_agents(connection, agents)
        cache(connection, "row_provenance", "scored_versions")
        materialize_query(connection, "candidates")
        if cluster != "text":
            materialize(connection, "candidates", read("duckdb/clusters_by"), {"cluster": cluster})
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
    step(name.replace("_", " "))
    materialize(connection, name, read(name), parameters or None)


def said_instead(kinds: Mapping[str, int]) -> str:
    """Say of which provenances the versions are where none is of the one asked for: ``: all 165 are generated``."""
    found = [f"{n:,} {'is' if n == 1 else 'are'} {kind}" for kind, n in kinds.items() if n]
    return f": {'all ' if sum(kinds.values()) > 1 == len(found) else ''}{', '.join(found)}" if found else ""


def left_out(connection: Engine, provenance: str, *relations: str) -> dict[str, dict[str, int]]:
    """Count, by relation and provenance, the rows that a choice of provenance does not use. Reads only."""
    out: dict[str, dict[str, int]] = {}
    for row in rows(connection, "left_out", provenance=provenance, relations=list(relations)):
        out.setdefault(row["relation"], {})[row["provenance"]] = row["rows"]
    return out


def records(found: Columns) -> list[Row]:
    """Return the rows of columns as dicts of strict JSON values. Missing and infinite values become None."""
    cells = ([_json_value(value) for value in values.tolist()] for values in found.values())
    return [dict(zip(found, row, strict=True)) for row in zip(*cells, strict=True)]


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
