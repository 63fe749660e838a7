"""Ask the portable queries of this room over one working table, so that the views behind it are worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbtools.analysis.query import read
from dbtools.database import Database
from dbtools.database.engine import cache, materialize, register
from dbtools.errors import ParameterError
from dbtools.progress import step

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

KINDS = ("real", "generated", "placeholder", "unknown")
PROVENANCES = (*KINDS, "all")
WINS = ("recorded", "score", "selected", "user")
SCALES = ("judge", "heuristic", "self", "synthetic")
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


def check_word(what: str, word: str, known: Sequence[str]) -> None:
    """Refuse a word that is none of those known.

    Raises
    ------
    ParameterError
        It is none of them.
    """
    if word not in known:
        raise ParameterError(f"No such {what}", word, f"use one of {', '.join(known)}")


@contextmanager
def working_table(db: Database, agents: Sequence[str] | None) -> Iterator[Engine]:
    """Open a connection with the table ``entries``: one narrow row per contest and competing agent.

    The table lives in DuckDB's memory and spills into the user's cache folder; the database is not touched.
    """
    with db.session() as connection:
        if agents:
            register(connection, "named_agents", "source VARCHAR", [(name,) for name in dict.fromkeys(agents)])
        cache(connection, "contest_entries")
        materialize_query(connection, "entries")
        yield connection


def materialize_query(connection: Engine, name: str, **parameters: object) -> None:
    """Make the working table ``portable/<name>.sql``: anew where it has parameters, else unless it is there."""
    step(name)
    materialize(connection, name, read(name), parameters or None)


def ask(connection: Engine, name: str, **parameters: object) -> list[Row]:
    """Return the rows that answer a question of this room. Reads only."""
    step(name)
    answer = connection.execute(read(name), parameters or None)
    columns = [column[0] for column in answer.description]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
