"""Which versions the Explorer's filters select, as SQL that can be run, shown and taken along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.database.engine import row_dicts
from dbtools.database.prompt_filter import PromptFilter

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from dbtools.show.explorer.session import Session

ORDERS = ("created_at", "source", "version_no", "total", "scale", "provenance", "is_head", "text_length", "version_id")
_QUERIES = files("dbtools.show.explorer").joinpath("queries")


@dataclass(frozen=True)
class Filters:
    """What the Explorer shows: sources, provenance, scale, users, days, a text, and totals from and below a number."""

    agents: tuple[str, ...] = ()
    provenance: str = "real"
    scale: str = "judge"
    users: tuple[str, ...] = ()
    dates: tuple[date | None, date | None] = (None, None)
    search: str = ""
    totals: tuple[float | None, float | None] = (None, None)

    def parameters(self, prompts: bool = True) -> dict[str, Any]:
        """Return what is chosen as parameters of the selection.

        Without `prompts`, users and days are left out, for a database that has the chosen prompts only.
        """
        chosen: dict[str, Any] = {
            "provenance": None if self.provenance == "all" else self.provenance,
            "scale": None if self.scale == "all" else self.scale,
            "agents": list(self.agents) or None,
            "search": self.search.strip() or None,
            "least": self.totals[0],
            "below": self.totals[1],
            **(PromptFilter(self.users, *self.dates).bound if prompts else {}),
        }
        return {name: value for name, value in chosen.items() if value is not None}


def query(name: str) -> str:
    """Return the SQL of one of the Explorer's queries."""
    return _QUERIES.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def selection(bound: Mapping[str, Any], texts: bool) -> str:
    """Return the query of a selection, without the conditions it does not need."""

    def needed(line: str) -> bool:
        asked = re.findall(r"\$(\w+)", line)
        return not line.startswith("--") and all(name in bound for name in asked) and (texts or "(text)" not in line)

    return "\n".join(filter(needed, query("selection").splitlines())).replace("WHERE true\n  AND ", "WHERE ")


def as_sql(filters: Filters, texts: bool) -> str:
    """Return the selection as one statement that `Database.sql` runs as it stands."""
    bound = filters.parameters()
    return re.sub(r"\$(\w+)", lambda match: _literal(bound[match[1]]), selection(bound, texts))


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def versions_of(session: Session) -> duckdb.DuckDBPyConnection:
    """Return a connection in which the scored versions are computed once, for all pages and versions shown."""
    db = session.derived()

    def make(stack: ExitStack) -> duckdb.DuckDBPyConnection:
        connection = stack.enter_context(db.workspace())
        if not db.is_materialized:
            connection.execute("CREATE TEMP TABLE listed AS SELECT * FROM scored_versions ORDER BY row_id")
            connection.execute("CREATE OR REPLACE VIEW scored_versions AS FROM listed")
        connection.execute("CREATE TEMP VIEW scored AS FROM scored_versions")  # the name in the audit's queries
        return connection

    found: duckdb.DuckDBPyConnection = session.cached("versions", "", make)
    return found


def read_counts(session: Session) -> dict[str, int]:
    """Return how many versions there are of each provenance and scale: ``provenance real``, ``scale judge``."""
    return {f"{what} {kind}": n for what, kind, n in versions_of(session).execute(query("kinds")).fetchall()}


@dataclass(frozen=True)
class Page:
    """Some of the selected versions, and how many there are."""

    frame: pd.DataFrame
    rows: int
    number: int
    of: int


def read_page(session: Session, filters: Filters, order: tuple[str, bool], number: int, size: int) -> Page:
    """Return one page of the selection, sorted. Reads only; `order` is a column of `ORDERS` and whether it descends."""
    connection, texts = versions_of(session), bool(session.db.origin["texts"])
    bound = filters.parameters(prompts=False)  # the session has the chosen prompts only
    # Sorted below, by another column.
    chosen = selection(bound, texts).rpartition("\nORDER BY")[0]
    if order[0] not in ORDERS:
        order = ("created_at", True)
    by = f"{order[0]} {'DESC' if order[1] else 'ASC'} NULLS LAST, version_id"
    rows = connection.execute(f"SELECT count(*) FROM ({chosen})", bound).fetchall()[0][0]  # noqa: S608 - own query
    pages = max(1, -(-rows // size))
    number = min(max(0, number), pages - 1)
    found = connection.execute(
        f"SELECT * FROM ({chosen}) ORDER BY {by} LIMIT $size OFFSET $skip",  # noqa: S608 - columns of ORDERS
        {**bound, "size": size, "skip": number * size},
    ).df()
    found = found.assign(version_id=found["version_id"].astype(str), prompt_id=found["prompt_id"].astype(str))
    if texts:
        known = read_texts(session, found["version_id"].tolist())
        found["text"] = [known.get(i, {}).get("text") for i in found["version_id"]]
    return Page(found, rows, number, pages)


def read_version(session: Session, version_id: str) -> dict[str, Any] | None:
    """Return what is known of one version, with its texts where they are loaded. Reads only."""
    found = row_dicts(versions_of(session).execute(query("version"), {"id": version_id}))
    return {**found[0], **read_texts(session, [version_id]).get(version_id, {})} if found else None


def read_texts(session: Session, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return by version its long texts; nothing where they are not loaded. Reads only."""
    if not ids or not session.db.origin["texts"]:
        return {}
    return {row["version_id"]: row for row in row_dicts(versions_of(session).execute(query("texts"), {"ids": ids}))}
