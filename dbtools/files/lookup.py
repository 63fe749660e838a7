"""Look up which rows of a CSV file the database holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from dbtools.database import Database
from dbtools.database.engine import execute, register
from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import quote
from dbtools.files.csvfile import NAMES, CsvFile, Layout, Row, unescape

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

# Cells besides id and texts that the database can have. Those that say whose a text is are part of the evidence.
_WHOSE = ("prompt_id", "source")
_COMPARABLE = {
    "versions": ("version_no", "explanation", "timestamp", "parent_version_id", "change_type", "change_magnitude"),
    "scores": ("total", "feedback", "timestamp"),
    "prompts": ("timestamp",),
    "texts": ("timestamp",),
}
_OF_AGENT = re.compile(r"([a-z]\w*)_(improved|score)")


@dataclass(frozen=True)
class Lookup:
    """Which rows of a CSV file the database holds.

    Attributes
    ----------
    found : dict
        By row number: ``"id"`` where the database holds the row, that is, gives its id, agent and prompt the same
        texts or scores. Of other rows, ``"text"`` or ``"normalised"`` where it has the texts under another id, agent or
        prompt, letter by letter or up to case and white space. None where it has them nowhere, and for malformed rows.
    incomplete : frozenset of int
        Numbers of the held rows with a cell that the database lacks.
    """

    found: dict[int, str | None]
    incomplete: frozenset[int]

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the rows that the database does not hold."""
        return tuple(number for number, how in self.found.items() if how != "id")


class _Comparison(NamedTuple):
    """What is compared of a file: its columns, two conditions in SQL, and the columns with texts."""

    columns: tuple[int, ...]
    held: str
    complete: str
    texts: tuple[int, ...]


def look_up(db: Database, csv: CsvFile) -> Lookup:
    """Look each row of a CSV file of a known layout up in the database. Reads only."""
    layout = csv.layout
    assert layout is not None  # noqa: S101 - callers look up known layouts only
    found: dict[int, str | None] = {row.number: None for row in csv.rows}
    comparison = _comparison(csv, layout)
    db.needs_duckdb("This")
    with db.session() as connection:
        connection.execute(files("dbtools.files").joinpath("macros.sql").read_text(encoding="utf-8"))
        _load(connection, csv, layout, comparison)
        query = _query("held").replace("{held}", comparison.held).replace("{complete}", comparison.complete)
        held = dict(execute(connection, query, {"owner": _owner(layout)}).fetchall())
        found.update(dict.fromkeys(held, "id"))
        rest = [row for row in csv.rows if not row.problem and row.number not in held]
        if rest and comparison.texts:
            register(connection, "csv_texts", "row BIGINT, place INTEGER, text VARCHAR", _texts(rest, comparison.texts))
            found.update(connection.execute(_query("known_texts")).fetchall())
    return Lookup(found, frozenset(row for row, complete in held.items() if not complete))


def _query(name: str) -> str:
    return files("dbtools.files").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def _owner(layout: Layout) -> str:
    """Return what the key of a row names: what its id does, or a prompt by its text."""
    return layout.owner if layout.id else "texts"


def _comparison(csv: CsvFile, layout: Layout) -> _Comparison:
    """Decide how the columns of a file are compared with a row `f` of the database."""
    place, owner = csv.columns, _owner(layout)
    held, complete, columns = ["true"], ["true"], set[int]()

    def cell(name: str) -> str:
        if name not in place:
            return "NULL::VARCHAR"
        columns.add(place[name])
        return f"r.c{place[name]}"

    def text(name: str) -> str:
        return f"{cell(name)}, r.b{place[name]}" if name in place else "NULL::VARCHAR, NULL::VARCHAR"

    if layout.texts:
        held.append(f"own_text({text(layout.texts[0])}, f.text)")
    if owner == "scores":
        held.append("f.scores = r.scores")
    if owner in ("versions", "scores"):
        held += [f"same_cell({quote(name)}, {cell(name)}, f)" for name in _WHOSE if name in place]
    elif owner == "texts":
        held.append(f"has_written(NULL, {text('rewritten_prompt')}, NULL::VARCHAR, f.answers)")
    else:
        held.append(f"has_won({text('final_prompt')}, {cell('selected_agent')}, f.winners)")
        for agent in sorted({m[1] for name in place if (m := _OF_AGENT.fullmatch(name))}):
            wrote = f"has_written({quote(agent)}, {text(f'{agent}_improved')}"
            held.append(f"{wrote}, NULL::VARCHAR, f.answers)")
            complete.append(f"{wrote}, {cell(f'{agent}_score')}, f.answers)")
    complete += [f"same_cell({quote(name)}, {cell(name)}, f)" for name in _COMPARABLE[owner] if name in place]
    improved = [name for name in place if owner == "prompts" and name.endswith("_improved")]
    texts = {place[name] for name in (*layout.texts, *improved) if name in place and place[name] in columns}
    return _Comparison(tuple(sorted(columns)), " AND ".join(held), " AND ".join(complete), tuple(sorted(texts)))


def _load(connection: Engine, csv: CsvFile, layout: Layout, comparison: _Comparison) -> None:
    """Create the table csv_rows that held.sql reads, from the sound rows."""
    place = csv.columns
    key = place[layout.id or layout.texts[0]]
    numbers = [d for d in DIMENSIONS if layout.owner == "scores"]
    used = {*comparison.columns, key, *(place[d] for d in numbers)}
    others = [i for i in range(len(csv.header)) if i not in used]
    # A heading of somebody's own may be a note, though nothing stands below it.
    noted = any(i in others for name, i in place.items() if name and name not in NAMES)
    rows: list[tuple[object, ...]] = []
    for row in csv.rows:
        if not row.problem:
            more = any(_said(row.cells[i]) for i in others) or (noted and not rows)
            said = (_said(row.cells[i]) or None for i in comparison.columns)
            bare = (_bare(row.cells[i]) or None for i in comparison.texts)
            shown = row.cells[key].strip() if layout.id else row.cells[key]
            rows.append((row.number, more, shown, *said, *bare, *(row.cells[place[d]] for d in numbers)))
    texts = [*(f"c{i}" for i in comparison.columns), *(f"b{i}" for i in comparison.texts)]
    typed = ", ".join(f"{name} VARCHAR" for name in ("key", *texts, *numbers))
    register(connection, "csv_cells", f"row BIGINT, more BOOLEAN, {typed}", rows)
    shown_key = "coalesce(try_cast(key AS UUID)::VARCHAR, key)" if layout.id else "key"
    scores = ", ".join(f"try_cast({d} AS DOUBLE)" for d in numbers) or "NULL::DOUBLE"
    connection.execute(
        f"CREATE TEMP TABLE csv_rows AS SELECT row, more, nullif({shown_key}, '') AS key, [{scores}] AS scores"  # noqa: S608
        f"{''.join(f', {name}' for name in texts)} FROM csv_cells"
    )
    connection.execute("DROP TABLE csv_cells")


def _texts(rows: list[Row], places: tuple[int, ...]) -> list[tuple[int, int, str]]:
    """Return the texts that known_texts.sql looks for: row, column, text."""
    readings = [(row, i, text) for row in rows for i in places for text in (_said(row.cells[i]), _bare(row.cells[i]))]
    return [(row.number, i, text) for row, i, text in readings if text]


def _said(cell: str) -> str:
    """Return a cell, or nothing where it is blank; Python knows more kinds of white space than SQL."""
    return cell if cell.strip() else ""


def _bare(cell: str) -> str:
    """Return an escaped cell as the database has it, or nothing where it is not escaped."""
    bare = unescape(cell)
    return bare if bare != cell else ""
