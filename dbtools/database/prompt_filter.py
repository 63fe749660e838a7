"""Offer some of the prompts of a database, and what belongs to them, as if there were no others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from dbtools.database.sql import read_sql
from dbtools.errors import ParameterError

if TYPE_CHECKING:
    import duckdb


def day(value: object) -> date | None:
    """Return a day given as a date, a time or ISO text; None for none.

    Raises
    ------
    ParameterError
        It is no day.
    """
    with suppress(ValueError):
        found = date.fromisoformat(value) if value and isinstance(value, str) else value or None
        if found is None or isinstance(found, date):
            return found.date() if isinstance(found, datetime) else found
    raise ParameterError("Not a day", value, "write it as 2026-01-31")


@dataclass(frozen=True)
class PromptFilter:
    """Some prompts: of these users (empty: all), asked on these days (UTC, both included; None: open)."""

    users: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def __str__(self) -> str:
        of = f" of {', '.join(self.users[:5])}{' and more' if len(self.users) > 5 else ''}" if self.users else ""
        days = "".join(f" {word} {day}" for word, day in (("from", self.since), ("to", self.until)) if day)
        return f"prompts{of}{' asked' if days else ''}{days}"

    @property
    def bound(self) -> dict[str, object]:
        """The choice as parameters of a query."""
        midnight = time()
        return {
            "users": list(self.users) or None,
            "since": self.since and datetime.combine(self.since, midnight),
            "before": datetime.combine(self.until + timedelta(days=1), midnight)
            if self.until and self.until < date.max
            else None,
        }


def filter_prompts(connection: duckdb.DuckDBPyConnection, prompts: PromptFilter) -> None:
    """Define the relations of the chosen prompts over the ``unfiltered_…`` ones; the derived views read those."""
    for name in ("prompt_ids", "input_rows"):
        query = read_sql("filter", f"{name}.sql")
        connection.execute(f"CREATE TABLE internal.filtered_{name} AS {query}", prompts.bound)
    connection.execute(read_sql("filter", "relations.sql"))
