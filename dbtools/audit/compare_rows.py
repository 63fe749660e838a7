"""Compare the rows of two databases in DuckDB: streaming, by id, every cell by its hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.audit.context import read_query
from dbtools.database import Database, schema
from dbtools.database.engine import row_dicts
from dbtools.database.sql import identifier, quote
from dbtools.html import counted

if TYPE_CHECKING:
    import duckdb

EXAMPLES = 3
"""How many rows of each kind are shown."""


@dataclass(frozen=True)
class Example:
    """A row that changed: the cells before and after, one column each; a new or removed row by its first cells."""

    relation: str
    id: str
    change: str
    column: str
    value_before: str | None
    value_after: str | None


@dataclass(frozen=True)
class RelationChange:
    """What happened to the rows of one relation; a number is None where it is not known.

    Attributes
    ----------
    columns : tuple of (str, int)
        In how many of the changed rows each column changed, the most frequent first.
    not_compared : tuple of str
        Columns that only one of the two states has.
    unreadable : int
        Cells that cannot be read, which were compared only as such.
    """

    relation: str
    before: int | None
    after: int | None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    columns: tuple[tuple[str, int], ...] = ()
    examples: tuple[Example, ...] = ()
    not_compared: tuple[str, ...] = ()
    unreadable: int = 0

    @property
    def is_same(self) -> bool:
        """Whether no row was added, removed or changed."""
        return self.added == self.removed == self.changed == 0 and not self.unreadable

    @property
    def touched(self) -> int:
        """How many rows were added, removed or changed."""
        return (self.added or 0) + (self.removed or 0) + (self.changed or 0)

    @property
    def grown(self) -> int:
        """How many more rows there are."""
        return (self.after or 0) - (self.before or 0)

    @property
    def columns_said(self) -> str:
        """The columns that changed, each with the number of rows."""
        return ", ".join(f"{name} ({rows:,})" for name, rows in self.columns)

    @property
    def said(self) -> str:
        """What happened, in words."""
        if self.added is None:
            return f"{self.before or 0:,} rows before, {self.after or 0:,} after"
        kinds = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return ", ".join(f"{n:,} {kind}" for kind, n in kinds if n) or "the same"

    @property
    def notes(self) -> list[str]:
        """What was not compared."""
        found = []
        if self.not_compared:
            found.append(f"only one of the two states has {', '.join(self.not_compared)}")
        if self.unreadable:
            found.append(f"{counted(self.unreadable, 'cell')} cannot be read and were compared only as such")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready values."""
        numbers = {name: value for name, value in vars(self).items() if name not in ("relation", "examples")}
        return {**numbers, "columns": dict(self.columns), "not_compared": list(self.not_compared)}


def compare_rows(before: Database, after: Database) -> tuple[RelationChange, ...]:
    """Compare every relation that one of two databases has. Reads only."""
    with after.beside(before) as (connection, earlier):
        return tuple(
            _Relation(connection, table, (earlier, "cache"), (before, after)).compare()
            for table in schema.TABLES
            if any(table.name in db.origin["columns"] for db in (before, after))
        )


def agents_then_and_now(before: Database, after: Database) -> list[dict[str, Any]]:
    """Return each agent's win rate and mean total in two databases, and how far the texts differ. Reads only."""
    with disk.temporary_folder("dbtools-compare-") as folder:
        files = []
        for name, db in (("before", before), ("after", after)):
            files.append(quote(folder / f"{name}.parquet"))
            with db.workspace() as connection:
                connection.execute(f"COPY ({read_query('standing')}) TO {files[-1]} (FORMAT parquet)")
        with after.workspace() as connection:
            query = read_query("standing_change").format(before=files[0], after=files[1])
            return row_dicts(connection.execute(query))


class _Relation:
    """The same relation in two states, both attached to one connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: schema.Table,
        places: tuple[str, str],
        states: tuple[Database, Database],
    ) -> None:
        self.connection, self.table, self.places = connection, table, places
        self.key = "prompt_id" if table.relation == "heads" else "id"
        had = [self._columns(place, db) for place, db in zip(places, states, strict=True)]
        self.shared = {name: cell for name, cell in had[0].items() if name in had[1]}
        self.other = tuple(sorted(had[0].keys() ^ had[1].keys()))
        # A text that one state was loaded without is compared by the hash that was stored for it.
        self.shared = {n: "text_hash" if had[1][n] == "text_hash" else c for n, c in self.shared.items()}

    def _columns(self, place: str, db: Database) -> dict[str, str]:
        """Return the columns that the database has, each with what is compared of it."""
        stored = set(db.origin["columns"].get(self.table.name, ()))
        loaded = {row[0] for row in self._rows(f"DESCRIBE {place}.main.{self.table.relation}")}
        found = {}
        for column in self.table.columns:
            if column.found_in({name: name for name in stored}) is None:
                continue
            if column.name in loaded:
                found[column.name] = column.name
            elif column.name in ("text", "original_text") and "text_hash" in loaded:
                found[column.name] = "text_hash"
        return found

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def compare(self) -> RelationChange:
        """Compare the rows of both states."""
        relation = self.table.relation
        counts = [self._rows(f"SELECT count(*) FROM {place}.main.{relation}")[0][0] for place in self.places]  # noqa: S608
        self._find_changes()
        kinds, columns = {"added": 0, "removed": 0, "changed": 0}, []
        for kind, name, rows in self._rows(read_query("compare_kinds").format(relation=relation)):
            if kind == "column":
                columns.append((name, rows))
            else:
                kinds[kind] = rows
        lost = [
            self._rows(f"SELECT coalesce(sum(bit_count(unreadable)), 0)::BIGINT FROM {place}.main.{relation}")[0][0]  # noqa: S608
            for place in self.places
        ]
        return RelationChange(
            relation,
            counts[0],
            counts[1],
            kinds["added"],
            kinds["removed"],
            kinds["changed"],
            columns=tuple(columns),
            examples=tuple(self._examples()),
            not_compared=self.other,
            unreadable=max(lost),
        )

    def _find_changes(self) -> None:
        cells = {name: cell for name, cell in self.shared.items() if name != self.key}
        cells["cells that cannot be read"] = "unreadable"
        hashes = ", ".join(f"hash({identifier(cell)}) AS h{i}" for i, cell in enumerate(cells.values()))
        differs = [f"earlier.h{i} IS DISTINCT FROM later.h{i}" for i in range(len(cells))]
        names = ", ".join(f"CASE WHEN {d} THEN {quote(n)} END" for d, n in zip(differs, cells, strict=True))
        order = ", ".join(identifier(cell) for cell in cells.values())
        nth = [self._nth(place, order) for place in self.places]
        query = read_query("compare_rows").format(
            relation=self.table.relation,
            key=self.key,
            before=self.places[0],
            after=self.places[1],
            nth_before=nth[0],
            nth_after=nth[1],
            hashes=hashes,
            names=names,
            differs=" OR ".join(differs),
        )
        self.connection.execute(query)

    def _nth(self, place: str, order: str) -> str:
        """Return what tells rows with the same id apart: their number in the order of their values."""
        several = f"SELECT 1 FROM {place}.main.{self.table.relation} GROUP BY {self.key} HAVING count(*) > 1 LIMIT 1"  # noqa: S608
        return f"row_number() OVER (PARTITION BY {self.key} ORDER BY {order})" if self._rows(several) else "1"

    def _examples(self) -> Iterator[Example]:
        query = read_query("compare_examples").format(relation=self.table.relation, limit=EXAMPLES)
        for key, kind, changed in self._rows(query):
            if kind != "changed":
                yield Example(self.table.relation, str(key), kind, "", None, None)
            for name in changed:
                cell = self.shared.get(name)
                shown = [self._cell(place, cell, key) if cell else None for place in self.places]
                yield Example(self.table.relation, str(key), kind, name, *shown)

    def _cell(self, place: str, cell: str, key: Any) -> str | None:
        query = (
            f"SELECT {identifier(cell)}::VARCHAR FROM {place}.main.{self.table.relation} "  # noqa: S608 - allow-list
            f"WHERE {self.key} IS NOT DISTINCT FROM ? LIMIT 1"
        )
        found = self.connection.execute(query, [key]).fetchall()
        return found[0][0] if found else None
