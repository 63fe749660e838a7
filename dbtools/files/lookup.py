"""Look up which rows of a CSV file the database holds."""

from __future__ import annotations

import glob
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from dbtools.database import Database
from dbtools.database.engine import materialize, register
from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import quote
from dbtools.files import rfc4180
from dbtools.files.csvfile import ESCAPE_MACROS, NAMES, READER, CsvFile, Layout, UnreadRows

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
# SQL knows fewer kinds of white space than Python.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001))))
_BLANK_MACROS = f"""
CREATE TEMP MACRO stripped(cell) AS trim(cell, {quote(_BLANKS)});
CREATE TEMP MACRO key_of(cell) AS
  coalesce(coalesce(try_cast(cell AS UUID), try_cast(stripped(cell) AS UUID))::VARCHAR, stripped(cell));
CREATE TEMP MACRO said(cell) AS CASE WHEN regexp_matches(cell, {quote(f"[^{_BLANKS}]")}) THEN cell END;
"""
_OF_AGENT = re.compile(r"([a-z]\w*)_(improved|score)")


@dataclass(frozen=True)
class Lookup:
    """Which rows of a CSV file are known: the database gives their id, agent and prompt the same texts or scores.

    Attributes
    ----------
    missing : dict
        The other rows, by number: ``"text"`` or ``"normalised"`` where the database has their texts under another
        id, agent or prompt, letter by letter or up to case and white space; None where it has them nowhere, and for
        malformed rows.
    incomplete : frozenset of int
        Numbers of the known rows with a cell that the database lacks.
    """

    missing: dict[int, str | None]
    incomplete: frozenset[int]


class _Comparison(NamedTuple):
    """What is compared of a file: its columns, two conditions in SQL, and the columns with texts."""

    columns: tuple[int, ...]
    known: str
    complete: str
    texts: tuple[int, ...]


def look_up(db: Database, csv: CsvFile) -> Lookup:
    """Look each row of a CSV file of a known layout up in the database. Reads only."""
    layout = csv.layout
    assert layout is not None  # noqa: S101 - callers look up known layouts only
    missing: dict[int, str | None] = {row.number: None for row in csv.faulty_rows}
    comparison = _comparison(csv, layout)
    db.needs_duckdb("This")
    # A session reads no files; a workspace does, and takes a moment to open.
    with db.workspace() if isinstance(csv.rows, UnreadRows) else db.session() as connection:
        connection.execute(ESCAPE_MACROS)
        connection.execute(_BLANK_MACROS)
        connection.execute(files("dbtools.files").joinpath("macros.sql").read_text(encoding="utf-8"))
        _load(connection, csv, layout, comparison)
        materialize(connection, "known_rows", _known_rows(comparison, _owner(layout)), {"owner": _owner(layout)})
        incomplete = connection.execute("SELECT row FROM known_rows WHERE NOT complete").fetchall()
        missing.update(connection.execute("SELECT row, NULL FROM csv_rows ANTI JOIN known_rows USING (row)").fetchall())
        if missing and comparison.texts:
            texts = ", ".join(f"{{place: {i}, text: {cell}{i}}}" for i in comparison.texts for cell in "cb")
            query = f"SELECT row, unnest([{texts}], recursive := true) FROM csv_rows ANTI JOIN known_rows USING (row)"  # noqa: S608
            materialize(connection, "csv_texts", query)
            missing.update(connection.execute(_query("known_texts")).fetchall())
    return Lookup(dict(sorted(missing.items())), frozenset(row for (row,) in incomplete))


def _query(name: str) -> str:
    return files("dbtools.files").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def _known_rows(comparison: _Comparison, owner: str) -> str:
    facts = _query(f"facts_{'prompts' if owner == 'texts' else owner}").rstrip()
    query = _query("known_rows").replace("{facts}", f"\n{facts}\n")
    return query.replace("{known}", comparison.known).replace("{complete}", comparison.complete)


def _owner(layout: Layout) -> str:
    """Return what the key of a row names: what its id does, or a prompt by its text."""
    return layout.owner if layout.id else "texts"


def _comparison(csv: CsvFile, layout: Layout) -> _Comparison:
    """Decide how the columns of a file are compared with a row `f` of the database."""
    place, owner = csv.columns, _owner(layout)
    known, complete, columns = ["true"], ["true"], set[int]()

    def cell(name: str) -> str:
        if name not in place:
            return "NULL::VARCHAR"
        columns.add(place[name])
        return f"r.c{place[name]}"

    def text(name: str) -> str:
        return f"{cell(name)}, r.b{place[name]}" if name in place else "NULL::VARCHAR, NULL::VARCHAR"

    if layout.texts:
        known.append(f"own_text({text(layout.texts[0])}, f.text)")
    if owner == "scores":
        known.append("f.scores = r.scores")
    if owner in ("versions", "scores"):
        known += [f"same_cell({quote(name)}, {cell(name)}, f)" for name in _WHOSE if name in place]
    elif owner == "texts":
        known.append(f"has_written(NULL, {text('rewritten_prompt')}, NULL::VARCHAR, f.answers)")
    else:
        known.append(f"has_won({text('final_prompt')}, {cell('selected_agent')}, f.winners)")
        for agent in sorted({m[1] for name in place if (m := _OF_AGENT.fullmatch(name))}):
            wrote = f"has_written({quote(agent)}, {text(f'{agent}_improved')}"
            known.append(f"{wrote}, NULL::VARCHAR, f.answers)")
            complete.append(f"{wrote}, {cell(f'{agent}_score')}, f.answers)")
    complete += [f"same_cell({quote(name)}, {cell(name)}, f)" for name in _COMPARABLE[owner] if name in place]
    improved = [name for name in place if owner == "prompts" and name.endswith("_improved")]
    texts = {place[name] for name in (*layout.texts, *improved) if name in place and place[name] in columns}
    return _Comparison(tuple(sorted(columns)), " AND ".join(known), " AND ".join(complete), tuple(sorted(texts)))


def _load(connection: Engine, csv: CsvFile, layout: Layout, comparison: _Comparison) -> None:
    """Create the table csv_rows that known_rows.sql reads, from the sound rows."""
    place = csv.columns
    key = place[layout.id or layout.texts[0]]
    dimensions = [f"try_cast(c{place[d]} AS DOUBLE)" for d in DIMENSIONS if layout.owner == "scores"]
    used = {*comparison.columns, key, *(place[d] for d in DIMENSIONS if layout.owner == "scores")}
    others = [i for i in range(len(csv.header)) if i not in used]
    # A heading of somebody's own may be a note, though nothing stands below it.
    noted = any(i in others for name, i in place.items() if name and name not in NAMES)
    more = ["false", *(f"said(c{i}) IS NOT NULL" for i in others)]
    if noted and (first := next((row for row in csv.rows if not row.problem), None)):
        more.append(f"row = {first.number}")
    shown_key = f"key_of(c{key})" if layout.id else f"c{key}"
    cells = [*(f"said(c{i}) AS c{i}" for i in comparison.columns), *(f"bare(c{i}) AS b{i}" for i in comparison.texts)]
    rows = (
        f"SELECT row, {' OR '.join(more)} AS more, nullif({shown_key}, '') AS key, "  # noqa: S608 - own
        f"[{', '.join(dimensions) or 'NULL::DOUBLE'}] AS scores{''.join(f', {cell}' for cell in cells)} FROM "
    )
    if isinstance(csv.rows, UnreadRows) and _load_unread(connection, csv.rows, len(csv.header), rows):
        return
    typed = "".join(f", c{i} VARCHAR" for i in range(len(csv.header)))
    sound = [(row.number, *row.cells) for row in csv.rows if not row.problem]
    register(connection, "csv_cells", f"row BIGINT{typed}", sound)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE csv_rows AS {rows} csv_cells")
    connection.execute("DROP TABLE csv_cells")


def _load_unread(connection: Engine, unread: UnreadRows, width: int, rows: str) -> bool:
    """Create csv_rows from the file itself; return whether DuckDB found as many records in it as were counted."""
    import duckdb

    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(width))
    file = quote(glob.escape(str(unread.path)))
    reader = READER.format(file=file, texts=f"{{{columns}}}", longest=rfc4180.LONGEST)
    numbered = f"(SELECT row_number() OVER () AS row, * FROM {reader})"  # noqa: S608 - quoted
    with suppress(duckdb.InvalidInputException):
        connection.execute(f"CREATE TEMP TABLE csv_rows AS {rows} {numbered}")
        return connection.execute("SELECT count(*) FROM csv_rows").fetchone() == (len(unread),)
    return False
