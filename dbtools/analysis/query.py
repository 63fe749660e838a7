"""Ask the database one of the questions of this room."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.database import Database
from dbtools.progress import step

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def ask(db: Database, name: str, **parameters: Any) -> duckdb.DuckDBPyRelation:
    """Return the answer to a question of this room. Reads only."""
    step(name)
    return db.sql(read(name), parameters or None)


def read(name: str) -> str:
    """Return the text of a question: ``portable/<name>.sql``, or for DuckDB alone ``queries/<name>.sql``."""
    home = files("dbtools.analysis")
    portable = home.joinpath("portable", f"{name}.sql")
    return (portable if portable.is_file() else home.joinpath("queries", f"{name}.sql")).read_text(encoding="utf-8")


def left_out(db: Database, provenance: str, *relations: str) -> dict[str, dict[str, int]]:
    """Count, by relation and kind, the rows that a choice of provenance does not use. Reads only."""
    out: dict[str, dict[str, int]] = {}
    asked = {"provenance": provenance, "relations": list(relations)}
    for relation, kind, rows in ask(db, "origins", **asked).fetchall():
        out.setdefault(relation, {})[kind] = rows
    return out


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as dicts of strict JSON values; what is missing or not finite becomes None."""
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
    return found
