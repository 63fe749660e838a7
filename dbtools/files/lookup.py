"""Look the rows of a CSV file up in the database: which it holds, and which of them say more than it does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from dbtools.database import Database
from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import quote
from dbtools.files.csvfile import CsvFile
from dbtools.files.layouts import Layout

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

_GUARDED = re.compile(r"'+[\s\x00\ufeff\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|'+[\t\r\n]")


@dataclass(frozen=True)
class Lookup:
    """What the database holds of the rows of a CSV file.

    Attributes
    ----------
    found : dict
        By row number: ``"id"``, ``"text"`` or ``"normalised"``, as it was found; None for a row that exists nowhere in
        the database, and for one that is malformed, of which nothing can be proved.
    incomplete : frozenset of int
        Numbers of the sound rows with a cell, besides id and texts, that the database lacks. Such a row need not be
        unique, but without it what that cell says is lost.
    """

    found: dict[int, str | None]
    incomplete: frozenset[int]


def look_up(db: Database, csv: CsvFile) -> Lookup:
    """Look each row of a CSV file of a known layout up in the database. Reads only."""
    layout = csv.layout
    assert layout is not None  # noqa: S101 - callers look up known layouts only
    found: dict[int, str | None] = {row.number: None for row in csv.rows}
    incomplete: frozenset[int] = frozenset()
    owner = {"owner": layout.owner}
    with db.workspace() as connection:
        connection.execute(files("dbtools.files").joinpath("macros.sql").read_text(encoding="utf-8"))
        guarded = _offer(connection, csv, layout)
        # Most rows of most files are simply there, and the thorough queries take many times as long per row.
        if same := _same(csv, layout, guarded):
            settled = _query("settled").replace("{same}", same)
            connection.execute(f"CREATE TABLE settled AS {settled}", owner)
            found.update((row, "id") for (row,) in connection.execute("FROM settled").fetchall())
            connection.execute("DELETE FROM csv_wide WHERE row IN (SELECT row FROM settled)")
        if _offer_rest(connection, csv, layout, guarded):
            found.update(connection.execute(_query("covered"), owner).fetchall())
            incomplete = frozenset(row for (row,) in connection.execute(_query("incomplete"), owner).fetchall())
    return Lookup(found, incomplete)


def _query(name: str) -> str:
    return files("dbtools.files").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def _offer(connection: duckdb.DuckDBPyConnection, csv: CsvFile, layout: Layout) -> set[int]:
    """Create `csv_wide` from the sound rows, and return the places of the texts that stand in two readings."""
    import numpy as np
    import pandas as pd

    sound = [row for row in csv.rows if not row.problem]
    # Blank as Python means it, which knows more kinds of white space than SQL.
    cells = [[c if (c := row.cells[i]).strip() else "" for row in sound] for i in range(len(csv.header))]
    columns = {f"c{i}": _objects(column) for i, column in enumerate(cells)}
    guarded = set()
    for i in _text_places(csv, layout):
        # Exports guard texts a spreadsheet would run as a formula with one quote mark; the database has none.
        bare = [c[1:] if c.startswith("'") and _GUARDED.match(c) else "" for c in cells[i]]
        if any(bare):
            columns[f"g{i}"] = _objects(bare)
            guarded.add(i)
    frame = pd.DataFrame(columns, dtype=object)
    frame.insert(0, "row", np.array([row.number for row in sound], dtype=np.int64))
    place = csv.columns
    id_cell = f"c{place[layout.id]}" if layout.id in place else "''"
    marks = ", ".join(f"try_cast(c{place[d]}::VARCHAR AS DOUBLE)" if d in place else "NULL::DOUBLE" for d in DIMENSIONS)
    texts = "".join(f", nullif({name}::VARCHAR, '') AS {name}" for name in columns)
    connection.register("frame", frame)
    typed = f"row, try_cast(trim({id_cell}::VARCHAR) AS UUID) AS id, [{marks}] AS scores"
    connection.execute(f"CREATE TABLE csv_wide AS SELECT {typed}{texts} FROM frame")  # noqa: S608 - places
    return guarded


def _objects(cells: Iterable[str]) -> npt.NDArray[np.object_]:
    import numpy as np

    return np.array(cells, dtype=object)


def _text_places(csv: CsvFile, layout: Layout) -> list[int]:
    return [csv.columns[name] for name in layout.texts if name in csv.columns]


def _other_cells(csv: CsvFile, layout: Layout) -> list[tuple[int, str]]:
    """Return place and name of the columns that are neither id nor text; of twins all but the first have no name."""
    looked_up = {layout.id, *layout.texts, *(DIMENSIONS if layout.owner == "scores" else ())}
    named = [(i, name.strip().lower()) for i, name in enumerate(csv.header)]
    # A name that the database has is an identifier; another may hold what no statement can, such as NUL.
    cells = [(i, name if csv.columns[name] == i and name.isidentifier() else "") for i, name in named]
    return [(i, name) for i, name in cells if name not in looked_up or csv.columns[named[i][1]] != i]


def _same(csv: CsvFile, layout: Layout, guarded: set[int]) -> str:
    """Return the condition that the facts `f` say all that a row `r` of `csv_wide` says; empty where there is none."""
    others = [f"(r.c{i} IS NULL OR same_cell({quote(name)}, r.c{i}, f))" for i, name in _other_cells(csv, layout)]
    if layout.owner == "scores":
        return " AND ".join(["f.scores = r.scores", *others])
    if layout.owner == "prompts":
        return ""  # their other texts may be anybody's, which no row of facts can tell
    place = csv.columns[layout.texts[0]]
    readings = [f"r.c{place} = f.text", f"r.c{place} IS NULL AND trim(f.text) = ''"]
    readings += [f"r.g{place} = f.text"] if place in guarded else []
    return " AND ".join([f"({' OR '.join(readings)})", *others])


def _offer_rest(connection: duckdb.DuckDBPyConnection, csv: CsvFile, layout: Layout, guarded: set[int]) -> bool:
    """Create csv_rows, csv_texts and csv_cells from what is left in csv_wide, and tell whether that is anything."""
    places = [(csv.columns[name], i) for i, name in enumerate(layout.texts) if name in csv.columns]
    texts = [(f"c{place}", str(i)) for place, i in places]
    texts += [(f"g{place}", str(i)) for place, i in places if place in guarded]
    cells = [(f"c{place}", quote(name)) for place, name in _other_cells(csv, layout)]
    connection.execute("CREATE VIEW csv_rows AS SELECT row, id, scores FROM csv_wide")
    tables = (("csv_texts", "place", "0", "text", texts), ("csv_cells", "name", "''", "value", cells))
    for table, key, empty_key, value, columns in tables:
        parts = [f"SELECT 0::BIGINT AS row, {empty_key} AS {key}, '' AS {value} WHERE false"]
        parts += [
            f"SELECT row, {name} AS {key}, {cell} AS {value} FROM csv_wide WHERE {cell} IS NOT NULL"  # noqa: S608 - places
            for cell, name in columns
        ]
        union = " UNION ALL ".join(parts)
        connection.execute(f"CREATE TABLE {table} AS {union}")
    return bool(connection.execute("SELECT count(*) FROM csv_rows").fetchall()[0][0])
