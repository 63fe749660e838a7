"""Compare a file with the database: to prove a new export, and to tell whether an old one is current."""

from __future__ import annotations

import csv
import glob
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from weakref import WeakKeyDictionary

from dbtools.database.sql import quote
from dbtools.errors import ExportError, explained, readable, reason
from dbtools.export import layout, manifest
from dbtools.export.layout import Column
from dbtools.files import csvfile

if TYPE_CHECKING:
    import duckdb

    from dbtools.database import Database

_SHORTEST = 16 << 20  # bytes; a reader allows rows of this length at least
_LONGEST_HEADER = 1 << 16  # characters; ours are shorter
_FOREIGN = "its columns are those of no export layout"
_headers: WeakKeyDictionary[Database, set[tuple[str, ...]]] = WeakKeyDictionary()
_JSON = {"json": "array", "jsonl": "newline_delimited"}
# The same for equal multisets of digests, and for others nearly never. It is asked of what this process wrote itself.
_SUMS = "count(*), sum(hash(digest)::HUGEINT), sum(hash('again', digest)::HUGEINT)"
# How many bytes of a row a byte of its texts may take: quotes are doubled in CSV, NUL is six characters in JSON.
_ESCAPED = {"csv": 3, "parquet": 1, "json": 7, "jsonl": 7}


@dataclass(frozen=True)
class Freshness:
    """Whether an old export equals the database as it is now, and why it is said to."""

    layout: str | None
    current: bool
    reason: str


@dataclass(frozen=True)
class _Difference:
    """How many rows a file has, how many the database lacks, and how many rows of the database the file lacks."""

    rows: int
    foreign: int
    missing: int
    maybe_escaped: bool  # whether any cell begins with an apostrophe, as escaped ones do

    @property
    def size(self) -> int:
        return self.foreign + self.missing


def prove(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    name: str,
    kind: str,
    escaped: bool = False,
    columns: tuple[Column, ...] | None = None,
) -> int:
    """Read `file` back, compare it with its layout's rows in the database, and return how many there are.

    Reads only. Rows are compared as a multiset and cells as typed values, doubles to the last bit, NULL and "" told
    apart; escaped cells are unescaped first. The connection has the relations and `csvfile.ESCAPE_MACROS`.

    Raises
    ------
    ExportError
        The columns or any row differ, or the file cannot be read.
    """
    import duckdb

    todo = "no export was changed; please report it"
    columns = columns or layout.filled(connection, name, layout.columns(connection, name))
    unreadable = (OSError, ValueError, csv.Error, duckdb.Error)
    with explained(ExportError, "What was written cannot be read back", file.name, todo, catch=unreadable):
        found = _header(connection, file, kind)
        expected = _expected(layout.proof(name), columns, own=True)
        measured = f"SELECT coalesce(max(size), 0), {_SUMS} FROM ({expected})"  # noqa: S608 - own
        longest, *wanted = connection.execute(measured).fetchall()[0]
        written = _written(file, columns, kind, escaped, longest, own=True)
        rows, *sums = connection.execute(f"SELECT {_SUMS} FROM ({written})").fetchall()[0]  # noqa: S608 - own
    # An array of no objects names no columns.
    columns_differ = found != _names(columns) and (kind not in _JSON or rows > 0)
    if columns_differ or [rows, *sums] != wanted:
        raise ExportError("What was written does not equal the database", file.name, todo)
    return int(rows)


def is_current(db: Database, file: Path, *, differs: bool = False) -> Freshness:
    """Tell whether an old export equals the database as attached: by its manifest, else by its rows.

    Reads only. Rows are compared as a multiset of typed values; NULL and "" count as equal, as most writers of CSV
    cannot tell them apart. They are not read again where the caller knows that they differ.

    Raises
    ------
    ParameterError
        The manifest does not tell, and the long texts are not loaded.
    """
    entry = manifest.listed(file)
    if entry and entry.fingerprint == db.origin["fingerprint"]:
        return Freshness(entry.layout, True, f"{manifest.NAME} lists it as written from the database as it is now")
    if differs:
        return Freshness(None, False, "its rows are not those of the database as it is now")
    kind = file.suffix[1:].lower()
    if kind not in _READERS:
        return Freshness(None, False, "it is not a CSV, Parquet or JSON file")
    if kind == "csv" and _is_foreign(db, file):
        return Freshness(None, False, _FOREIGN)
    with db.workspace() as connection:
        connection.execute(csvfile.ESCAPE_MACROS)
        return _by_rows(connection, file, kind, (entry.guarded,) if entry else (False, True))


def _is_foreign(db: Database, file: Path) -> bool:
    """Tell by its header that a CSV file is no export: of a thousand files, nearly all are none."""
    if db not in _headers:
        with db.workspace() as connection:
            every = [layout.columns(connection, name) for name in layout.LAYOUTS]
        short = [tuple(c for c in columns if not c.optional) for columns in every]
        _headers[db] = {_names(columns) for columns in (*every, *short)}
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            return _first_record(handle) not in _headers[db]
    except (OSError, ValueError, csv.Error):
        return False  # why it cannot be read is told by whoever reads it whole


def _by_rows(connection: duckdb.DuckDBPyConnection, file: Path, kind: str, ways: tuple[bool, ...]) -> Freshness:
    import duckdb

    name = None
    try:
        header = _header(connection, file, kind)
        name, described = _recognise(connection, header)
        if name is None:
            return Freshness(None, False, _FOREIGN)
        columns = layout.filled(connection, name, described)
        if header != _names(columns):
            return Freshness(name, False, "its columns are not those of an export made now")
        best = _compare(connection, file, name, columns, kind, ways[0])
        # Where no cell can be escaped, both ways to read the file are one.
        if ways[1:] and best.size and best.maybe_escaped:
            again = _compare(connection, file, name, columns, kind, ways[1])
            best = min(best, again, key=lambda difference: difference.size)
        if kind == "csv":
            _read_to_the_end(file)
    except (OSError, ValueError, csv.Error, duckdb.Error) as error:
        return Freshness(name, False, f"it cannot be read as an export ({reason(error)})")
    if not best.size:
        return Freshness(name, True, f"its {best.rows:,} rows are those of the database")
    return Freshness(
        name,
        False,
        f"{best.foreign:,} of its {best.rows:,} rows are not in the database as it is now, "
        f"and {best.missing:,} rows of the database are not in it",
    )


def _read_to_the_end(file: Path) -> None:
    """Raise `csv.Error` where a quote is never closed: DuckDB passes over such a last row without a word."""
    before = csv.field_size_limit(max(file.stat().st_size, 1 << 17))
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            deque(csv.reader(handle, strict=True), maxlen=0)
    finally:
        csv.field_size_limit(before)


def _recognise(connection: duckdb.DuckDBPyConnection, header: tuple[str, ...]) -> tuple[str | None, tuple[Column, ...]]:
    """Find the layout whose columns, with or without the optional ones, are those of `header`."""
    for name in layout.LAYOUTS:
        columns = layout.columns(connection, name)
        if header in (_names(columns), _names(tuple(c for c in columns if not c.optional))):
            return name, columns
    return None, ()


def _names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _first_record(handle: TextIO) -> tuple[str, ...]:
    # Of a file that only pretends, the first line may be all there is.
    return tuple(next(csv.reader([handle.readline(_LONGEST_HEADER)]), ()))


def _header(connection: duckdb.DuckDBPyConnection, file: Path, kind: str) -> tuple[str, ...]:
    if kind == "csv":
        with file.open(encoding="utf-8-sig", newline="") as handle:
            return _first_record(handle)
    if kind == "parquet":
        reader = _READERS[kind].format(file=_literal(file))
        described = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608 - own
        return tuple(row[0] for row in described)
    longest = max(file.stat().st_size, _SHORTEST)
    objects = f"read_json_objects({_literal(file)}, format = '{_JSON[kind]}', maximum_object_size = {longest})"
    found = connection.execute(f"SELECT DISTINCT json_keys(json) FROM {objects}").fetchall()  # noqa: S608 - own
    return tuple(found[0][0]) if len(found) == 1 else ()


# A file's rows with every cell as text, except that Parquet cells have types of their own.
_READERS = {
    "csv": csvfile.READER,
    "parquet": "read_parquet({file}, hive_partitioning = false)",
    "json": "read_json({file}, format = 'array', columns = {texts}, hive_partitioning = false, "
    "maximum_object_size = {longest})",
    "jsonl": "read_json({file}, format = 'newline_delimited', columns = {texts}, hive_partitioning = false, "
    "maximum_object_size = {longest})",
}


def _compare(
    connection: duckdb.DuckDBPyConnection, file: Path, name: str, columns: tuple[Column, ...], kind: str, escaped: bool
) -> _Difference:
    """Compare by one digest per row: tables of 16 bytes a row stay small, however long the texts are."""
    expected = _expected(layout.rows(name), columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {expected}")
    longest = connection.execute("SELECT coalesce(max(size), 0) FROM expected").fetchall()[0][0]
    written = _written(file, columns, kind, escaped, longest)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE written AS {written}")
    return difference(connection)


def _expected(query: str, columns: tuple[Column, ...], own: bool = False) -> str:
    """Return the query of the digest and the size of each row that a file must have."""
    cells = [f'"{column.name}"::VARCHAR' for column in columns]
    size = " + ".join(f"coalesce(strlen({cell}), 0)" for cell in cells)
    return f"SELECT {digest(cells, own)} AS digest, {size} AS size FROM ({query})"  # noqa: S608 - own


def _written(file: Path, columns: tuple[Column, ...], kind: str, escaped: bool, longest: int, own: bool = False) -> str:
    """Return the query of the digest of each row of a file, and of whether a cell of it begins with an apostrophe."""
    texts = "{" + ", ".join(f"'{column.name}': 'VARCHAR'" for column in columns) + "}"
    reader = _READERS[kind].format(file=_literal(file), texts=texts, longest=max(_ESCAPED[kind] * longest, _SHORTEST))
    read = digest([_read(column, kind, escaped) for column in columns], own)
    marks = (f'coalesce(starts_with("{column.name}"::VARCHAR, chr(39)), false)' for column in columns)
    return f"SELECT {read} AS digest, {' OR '.join(marks)} AS maybe_escaped FROM {reader}"  # noqa: S608 - own


def difference(connection: duckdb.DuckDBPyConnection) -> _Difference:
    """Compare the digests in the tables `expected` and `written` as multisets. Reads only."""
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM written), "
        "(SELECT count(*) FROM (SELECT digest FROM written EXCEPT ALL SELECT digest FROM expected)), "
        "(SELECT count(*) FROM (SELECT digest FROM expected EXCEPT ALL SELECT digest FROM written)), "
        "(SELECT coalesce(bool_or(maybe_escaped), false) FROM written)"
    )
    return _Difference(*counts.fetchall()[0])


def _literal(file: Path) -> str:
    if readable(str(file)) != str(file):
        raise ValueError("DuckDB cannot open a file whose name is not UTF-8")
    # DuckDB takes every path it reads for a pattern.
    return quote(glob.escape(str(file)))


def digest(cells: list[str], own: bool) -> str:
    """Return the expression of a row's digest, from those of its cells as text; NULL and "" are alike if not `own`."""
    if own:
        # What this process wrote itself is nobody's forgery: DuckDB's own hash is enough, in a tenth of the time.
        halves = f"hash({', '.join(cells)})", f"hash('again', {', '.join(reversed(cells))})"
        return f"({halves[0]}::UHUGEINT << 64) + {halves[1]}::UHUGEINT"
    # A digest per cell first: where one cell ends and the next begins cannot be confused then.
    each = [f"coalesce(md5(nullif({cell}, '')), '-')" for cell in cells]
    return f"md5_number(concat({', '.join(each)}))"


def _read(column: Column, kind: str, escaped: bool) -> str:
    """Return a cell of the file as the text of its typed value; text without such a value is marked as unreadable."""
    cell = f'"{column.name}"'
    if column.type == "VARCHAR":
        return f"unescaped({cell})" if escaped else cell
    typed = f"utc({cell}::VARCHAR)" if column.type == "TIMESTAMP" else f"try_cast({cell} AS {column.type})"
    return f"coalesce({typed}::VARCHAR, 'unreadable ' || {cell}::VARCHAR)"
