"""The tables and columns dbtools may read, their types, and the five generations of the schema.

The allow-list is the whole of what leaves a prompter database: a table or column that is not named here
(``users`` above all) is never loaded, only counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbtools.database.sql import identifier
from dbtools.errors import DatabaseError
from dbtools.server import Server

# How SQLite hands a cell over as text without loss, by kind of column. A blob in a text column becomes a byte that is
# no UTF-8, so that it is counted as unreadable. Of a double, 17 digits would do, did SQLite round them exactly. DuckDB
# reads "nan" as a number and rounds 1.5 to a whole one, so SQLite hands such cells over as "?".
READ = {
    "real": (
        "CASE typeof({c}) WHEN 'real' THEN printf('%!.20g', {c}) WHEN 'integer' THEN {c} "
        "WHEN 'text' THEN iif({c} GLOB '*[0-9]*', {c}, '?') WHEN 'blob' THEN '?' END"
    ),
    "integer": (
        "CASE typeof({c}) WHEN 'integer' THEN {c} "
        "WHEN 'real' THEN iif(CAST({c} AS INTEGER) = {c}, CAST({c} AS INTEGER), '?') "
        "WHEN 'text' THEN iif(CAST(CAST({c} AS INTEGER) AS TEXT) = trim({c}), trim({c}), '?') WHEN 'blob' THEN '?' END"
    ),
    "boolean": "CASE typeof({c}) WHEN 'blob' THEN '?' ELSE {c} END",
    "text": "CASE typeof({c}) WHEN 'blob' THEN CAST(x'ff' AS TEXT) ELSE {c} END",
    "id": (
        "CASE WHEN typeof({c}) <> 'blob' THEN {c} WHEN length({c}) = 16 THEN lower(hex({c})) "
        "ELSE CAST(x'ff' AS TEXT) END"
    ),
}
# How DuckDB turns that text into a typed value; NULL where it cannot.
CONVERT = {
    # A whole number is an id as well: its decimal digits, at the end of a UUID.
    "id": (
        "try_cast(CASE WHEN strlen({c}) < 20 AND regexp_full_match({c}, '[0-9]{{1,19}}') THEN lpad({c}, 32, '0') "
        "ELSE {c} END AS UUID)"
    ),
    "text": "try(decode(encode({c})))",
    "real": "try_cast({c} AS DOUBLE)",
    "integer": "try_cast({c} AS BIGINT)",
    "boolean": "try_cast({c} AS BOOLEAN)",
    "timestamp": "utc(try(decode(encode({c}))))",
}
_TYPE = {
    "id": "UUID",
    "text": "VARCHAR",
    "real": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


_SCANNED_ROWS = 122_880  # how many row ids a thread of the scanner takes at a time


@dataclass(frozen=True)
class Column:
    """One column that may be read.

    Attributes
    ----------
    name : str
        Its name in dbtools.
    kind : str
        ``id``, ``text``, ``real``, ``integer``, ``boolean`` or ``timestamp``.
    long : bool
        Whether it is a long text, which a large database loads only when asked.
    aliases : tuple of str
        Other names it had for a while.
    """

    name: str
    kind: str
    long: bool = False
    aliases: tuple[str, ...] = ()

    def found_in(self, present: dict[str, str]) -> str | None:
        """Return the column's name in the database at hand, or None."""
        return next((present[n] for n in (self.name, *self.aliases) if n in present), None)

    def read(self, name: str) -> str:
        """Return the SQLite expression that hands the column over as text."""
        return READ.get(self.kind, READ["text"]).format(c=f'"{name}"')

    def convert(self) -> str:
        """Return the DuckDB expression that types the text of column ``raw.<name>``."""
        return CONVERT[self.kind].format(c=f"raw.{self.name}")

    @property
    def type(self) -> str:
        """The DuckDB type."""
        return _TYPE[self.kind]


@dataclass(frozen=True)
class Table:
    """One table that may be read: its relation in dbtools, its name in the database, its columns."""

    relation: str
    name: str
    columns: tuple[Column, ...]


def _table(relation: str, name: str, spec: str) -> Table:
    """Read ``name:kind`` words; ``*`` marks a long text, ``name|old`` a former name."""
    columns = []
    for word in spec.split():
        names, kind = word.split(":")
        column, *aliases = names.split("|")
        columns.append(Column(column, kind.rstrip("*"), kind.endswith("*"), tuple(aliases)))
    return Table(relation, name, tuple(columns))


DIMENSIONS = ("clarity", "specificity", "actionability", "structure", "context_use")

TABLES = (
    _table("prompts", "prompts", "id:id user_id:text request_id:text original_text:text* created_at:timestamp"),
    _table(
        "versions",
        "prompt_versions",
        "id:id prompt_id:id version_no:integer text:text* explanation:text* source:text created_at:timestamp "
        "parent_version_id:id change_type:text change_magnitude:real",
    ),
    _table(
        "scores",
        "judge_scores",
        f"id:id prompt_version_id:id {' '.join(f'{d}:real' for d in DIMENSIONS)} feedback:text* created_at:timestamp",
    ),
    _table("heads", "best_heads", "prompt_id:id prompt_version_id:id score:real updated_at:timestamp"),
    _table(
        "feedback",
        "user_feedback",
        "id:id request_id:text user_id:text prompt_id:id user_choice:text judge_winner:text agent_winner:text "
        "judge_correct:boolean created_at:timestamp",
    ),
    _table(
        "token_usage",
        "token_usage",
        "id:id prompt_version_id:id prompt_tokens:integer completion_tokens:integer total_tokens:integer "
        "model:text cost_usd:real created_at:timestamp",
    ),
    _table(
        "security_inputs",
        "security_inputs",
        "id:id user_id:text input_text:text* risk_score:real label:text is_blocked:boolean "
        "analysis_metadata|metadata:text* created_at:timestamp",
    ),
)


def id_cells(prefix: str = "cache.main.") -> str:
    """Return the query of every id: relation, column, row, and whether it is spelled other than in 32 hex digits."""
    return " UNION ALL ".join(
        f"SELECT '{table.relation}' AS relation, '{column.name}' AS column_name, row_id, {column.name} AS id, "  # noqa: S608
        f"(dashed & {1 << bit}) > 0 AS dashed FROM {prefix}{table.relation} WHERE {column.name} IS NOT NULL"
        for table in TABLES
        for bit, column in enumerate(table.columns)
        if column.kind == "id"
    )


_FILE = "give the path of a prompter.db"
REQUIRED = {  # columns that every generation has
    "prompts": ("id", "original_text"),
    "prompt_versions": ("id", "prompt_id", "version_no", "text", "source"),
}


@dataclass(frozen=True)
class TableFacts:
    """What the database says of one table.

    Attributes
    ----------
    columns : dict
        The declared type of each column, in the order they are stored.
    row_ids : bool
        Whether its rows have row ids.
    rows : int
        How many it has.
    defaults : dict
        The expressions that stand for cells which are not stored, by column.
    stored : bool
        Whether every column is stored in its row: none is computed, and none is the row id.
    """

    columns: dict[str, str]
    row_ids: bool
    rows: int
    defaults: dict[str, str]
    stored: bool

    @property
    def scannable(self) -> bool:
        """Whether DuckDB's scanner can ask for the row ids."""
        return self.row_ids and "rowid" not in self.names()

    def names(self) -> dict[str, str]:
        """Return the column names as spelled, by their lower-case form."""
        return {c.lower(): c for c in self.columns}


def read_tables(connection: sqlite3.Connection, unreadable: Mapping[str, str] | None = None) -> dict[str, TableFacts]:
    """Describe the ordinary tables of a database, by lower-case name; views and virtual tables are left out.

    Of a damaged database, whose `unreadable` tables are given, the rows of the others are counted without indexes.
    """
    found = {}
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
        if name.lower().startswith("sqlite_") or not sql or sql.lstrip()[:12].upper() != "CREATE TABLE":
            continue
        quoted = identifier(name)
        described = connection.execute(f"PRAGMA table_xinfo({quoted})").fetchall()
        columns = {column: kind for _, column, kind, *_ in described}
        row_ids = has_row_ids(connection, quoted)
        defaults = {column: default for _, column, _, _, default, *_ in described if default is not None}
        stored = not any(hidden or (key and kind.upper() == "INTEGER") for _, _, kind, _, _, key, hidden in described)
        counted = f"SELECT count(*) FROM {quoted}{'' if unreadable is None else ' NOT INDEXED'}"  # noqa: S608 - quoted
        rows = connection.execute(counted).fetchone()[0] if name.lower() not in (unreadable or ()) else 0
        found[name.lower()] = TableFacts(columns, row_ids, rows, defaults, stored)
    return found


def may_scan_in_parallel(connection: sqlite3.Connection, name: str, size: int) -> bool:
    """Tell whether DuckDB's scanner may read a table of a file of `size` bytes with several threads.

    Its parallel scan loses the last row where the row ids span a multiple of 122,880, and looks at every range of as
    many row ids, whether there are rows in it or not.
    """
    # Asked for both at once, SQLite would look at every row.
    ends = f'SELECT (SELECT min(rowid) FROM "{name}"), (SELECT max(rowid) FROM "{name}")'  # noqa: S608 - allow-list
    low, high = connection.execute(ends).fetchone()
    span = 0 if low is None else high - low + 1
    return span < size and (span == 0 or span % _SCANNED_ROWS != 0)


def has_row_ids(connection: sqlite3.Connection, quoted: str) -> bool:
    """Tell whether the rows of a table, given by its quoted name, have row ids."""
    try:
        connection.execute(f"SELECT rowid FROM {quoted} LIMIT 0")  # noqa: S608 - quoted identifier
    except sqlite3.OperationalError:
        return False  # WITHOUT ROWID, in whatever spelling
    return True


def check_tables(tables: dict[str, TableFacts], path: Path | Server) -> None:
    """Refuse a database that is no prompter database.

    Raises
    ------
    DatabaseError
        It lacks a table or a column that every generation has.
    """
    for name, needed in REQUIRED.items():
        found = tables[name].names() if name in tables else {}
        if missing := [column for column in needed if column not in found]:
            if found:
                columns = f"it has {_listed(found.values())}, and needs {_listed(needed)}"
                what = f"Not a prompter database (table {name} lacks {_listed(missing)}; {columns})"
            else:
                what = f"Not a prompter database (no table {name}; tables: {_listed(tables) or 'none'})"
            served = isinstance(path, Server)
            todo = "give a database and a role whose search_path has its tables" if served else _FILE
            raise DatabaseError(what, path, todo)


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def generation(tables: dict[str, TableFacts]) -> str:
    """Name the generation, ``"G0"`` … ``"G4"``, by the newest mark the database carries."""
    if "token_usage" in tables:
        return "G4"
    if "user_feedback" in tables or "request_id" in tables["prompts"].names():
        return "G3"
    if "parent_version_id" in tables["prompt_versions"].names():
        return "G2"
    return "G1" if "security_inputs" in tables else "G0"


def is_migrated(tables: dict[str, TableFacts]) -> bool:
    """Tell whether ALTER TABLE brought the schema here: it writes TEXT where the ORM writes CHAR(32)."""
    marks = (("prompt_versions", "parent_version_id"), ("user_feedback", "id"), ("token_usage", "id"))
    return any(
        tables[table].columns.get(tables[table].names().get(column, ""), "").upper() == "TEXT"
        for table, column in marks
        if table in tables
    )
