"""Compare SQLite files: same bytes, same rows, which rows are missing; and tell whether a file is damaged."""

from __future__ import annotations

import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event

from dbtools.database import sqlite
from dbtools.database.sql import identifier
from dbtools.database.sqlite import connect_copy, uri
from dbtools.files import digests

SECONDS = 30.0  # an integrity check that takes longer is stopped
_LARGE = 100_000  # row ids; two processes compare a table with more
_CHECKED = 10_000  # instructions of SQLite between two looks at the clock
_FEW, _EVERY = 100, 1_000_000_000  # messages of an integrity check
_COLLATION = re.compile(r"no such collation sequence: (.+)", re.DOTALL)
_FUNCTION = re.compile(r"(?:unknown|no such) function: (.+?)(?:\(\))?\Z", re.DOTALL)
# Tables that SQLite fills by itself. Other names that begin with sqlite_ are looked at: rows may be hidden in them.
_INTERNAL = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat2", "sqlite_stat3", "sqlite_stat4")

# Two cells are equal exactly when storage class and value are, and the bytes of a text; collations and affinities have
# no say, and the two zeros of doubles are one.
_SAME = "typeof(t.{c}) = typeof(o.{c}) AND +t.{c} IS +o.{c} COLLATE BINARY"
# The same as Python's sqlite3 reads it without a loss.
_CELL = (
    "typeof(t.{c}), CASE typeof(t.{c}) WHEN 'text' THEN CAST(t.{c} AS BLOB) WHEN 'real' THEN t.{c} + 0.0 ELSE t.{c} END"
)

Shape = dict[str, tuple[frozenset[str], int]]


@dataclass(frozen=True)
class Integrity:
    """What ``PRAGMA integrity_check`` says of a database.

    Attributes
    ----------
    damage : tuple of str
        What is wrong with the file; empty where nothing was found.
    unknown : str
        Why the file could not be checked; empty where it could.
    left_out : str
        What was not checked; empty where everything was.
    """

    damage: tuple[str, ...] = ()
    unknown: str = ""
    left_out: str = ""


def check_integrity(copy: Path, seconds: float = SECONDS, stop: Callable[[], bool] | None = None) -> Integrity:
    """Check a snapshot for damage, for at most so many seconds, or until `stop` says so. Changes nothing that lasts.

    Where a function or collation of the application is needed, one that does nothing stands in for it. Then every
    index is still checked for the number of its entries, but those that need it are not checked for their order.
    """
    deadline = time.monotonic() + seconds
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline or (stop and stop()), _CHECKED)
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        stand_ins: list[str] = []
        while True:
            try:
                # A value that a CHECK forbids is no damage.
                connection.execute("PRAGMA ignore_check_constraints = ON")
                expected = _expected(connection) if stand_ins else None
                # The messages to be expected must not use up the number of those that SQLite gives.
                rows = connection.execute(f"PRAGMA integrity_check({_EVERY if stand_ins else _FEW})")
                messages = (str(row[0]) for row in rows)
                found = tuple(islice((m for m in messages if not (expected and expected.fullmatch(m))), _FEW))
                break
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if "interrupted" in str(error) or time.monotonic() > deadline:
                    return Integrity(unknown=f"the integrity check took longer than {seconds:g} s")
                name = _stand_in(connection, error)
                if name and name not in stand_ins:
                    stand_ins.append(name)
                elif "no such module" in str(error):
                    return Integrity(unknown=f"only its application can check it: {error}")
                else:
                    return Integrity((str(error),))
    names = ", ".join(stand_ins[:3])
    left_out = f"the indexes that need {names} of the application were not checked for their order" if names else ""
    return Integrity(() if found in ((), ("ok",)) else found, left_out=left_out)


def checking_thread(stack: ExitStack) -> tuple[ThreadPoolExecutor, Event]:
    """Return a thread for integrity checks beside other work, and what stops them: both end with `stack`."""
    pool, ended = stack.enter_context(ThreadPoolExecutor(1)), Event()
    stack.callback(ended.set)  # called before the pool is waited for
    return pool, ended


def _stand_in(connection: sqlite3.Connection, error: Exception) -> str:
    """Register what an error says is missing, a collation or a function; return its name, or nothing."""
    if found := _COLLATION.search(str(error)):
        connection.create_collation(found[1], sqlite.by_bytes)
    elif found := _FUNCTION.search(str(error)):
        connection.create_function(found[1], -1, _nothing, deterministic=True)
    return found[1] if found else ""


def _nothing(*_: object) -> None:
    """Stand in for a function of the application."""


def _expected(connection: sqlite3.Connection) -> re.Pattern[str]:
    """Return the messages about indexes and computed columns that are wrong where something stands in.

    An index with a condition may have another number of entries; every other one has as many as its table has rows.
    """
    ordered, counted, computed = [], [], []
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
    for (table,) in connection.execute(names).fetchall():
        columns = connection.execute(f"PRAGMA table_xinfo({identifier(table)})").fetchall()
        hidden = {column for _, column, *_, kind in columns if kind}
        computed += [re.escape(f"{table}.{column}") for column in hidden]
        for _, index, *_, partial in connection.execute(f"PRAGMA index_list({identifier(table)})").fetchall():
            parts = connection.execute(f"PRAGMA index_xinfo({identifier(index)})").fetchall()
            expressions = any(number == -2 or name in hidden for _, number, name, *_ in parts)
            collations = {str(collation).upper() for *_, collation, _ in parts}
            if expressions or partial or not collations <= set(sqlite.BUILT_IN):
                ordered.append(re.escape(index))
            if partial:
                counted.append(re.escape(index))
    entry = rf"(?:row \d+ missing from|row \d+ values differ from|non-unique entry in) index (?:{'|'.join(ordered)})"
    number = rf"wrong # of entries in index (?:{'|'.join(counted)})"
    value = rf"(?:NULL|\w+) value in (?:{'|'.join(computed)})"
    return re.compile(rf"ok|{entry}|{number}|{value}|row not in PRIMARY KEY order for .*", re.DOTALL)


def same_bytes(one: Path, other: Path) -> bool:
    """Tell whether two files have the same bytes. Reads only; keeps them open as `sqlite.reading` does."""
    return one.stat().st_size == other.stat().st_size and sqlite.sha256(one) == sqlite.sha256(other)


def read_shape(snapshot: Path) -> Shape:
    """Return the columns and the number of rows of every table of a snapshot that has rows. Reads only."""
    with closing(connect_copy(snapshot)) as connection:
        found = {
            table.lower(): (frozenset(_columns(connection, "main", table)), _count(connection, table))
            for table in _tables(connection)
        }
    return {table: shape for table, shape in found.items() if shape[1]}


def read_views(snapshot: Path) -> dict[str, str]:
    """Return the definition of every view and trigger of a snapshot by its name. Reads only."""
    query = "SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"
    with closing(connect_copy(snapshot)) as connection:
        return {str(name): str(definition) for name, definition in connection.execute(query)}


def count_rows(snapshot: Path) -> int:
    """Count the rows of all tables of a snapshot. Reads only."""
    return sum(rows for _, rows in read_shape(snapshot).values())


def missing_rows(candidate: Path, others: Sequence[Path]) -> Counter[str]:
    """Count, by table, the rows of an SQLite file that none of the others has as often. Reads only.

    All files must be snapshots: private, consistent copies. A row is found where a table of the same name has a row
    equal in every column, storage class and byte. Views and virtual tables are not read: the rows of a virtual table
    are stored in tables beside it.
    """
    lacking: dict[str, Counter[bytes]] = {}
    with closing(connect_copy(candidate)) as connection:
        columns = {table: _columns(connection, "main", table) for table in _tables(connection)}
        for other in others:
            for table, less in _missing_from(connection, other, columns, lacking):
                known = lacking.get(table)
                # What the best of several files lacks of a row is the least that any of them lacks.
                lacking[table] = less if known is None else less & known
        counts = {t: lacking[t].total() if t in lacking else _count(connection, t) for t in columns}
    return Counter({table: count for table, count in counts.items() if count})


def _missing_from(
    connection: sqlite3.Connection, other: Path, columns: dict[str, list[str]], known: dict[str, Counter[bytes]]
) -> Iterator[tuple[str, Counter[bytes]]]:
    """Yield, for each comparable table that is not found whole yet, the rows that another file has less often."""
    with closing(connect_copy(other)) as second:
        encodings = _encoding(connection), _encoding(second)
        theirs = {table.lower(): _columns(second, "main", table) for table in _tables(second)}
        wanted = [
            (table, names)
            for table, names in columns.items()
            if (known.get(table) or table not in known) and set(names) <= set(theirs.get(table.lower(), ()))
        ]
        if encodings[0] != encodings[1]:  # SQLite attaches only databases of one encoding
            for table, names in wanted:
                ours = _digests(connection, table, names, encoding=encodings[0])
                yield table, ours - _digests(second, table, names, encoding=encodings[1])
            return
    connection.execute("ATTACH ? AS other", [uri(other)])
    try:
        sqlite.register_collations(connection, "other")
        for table, names in wanted:
            yield table, _lacking(connection, table, names)
    finally:
        connection.execute("DETACH other")


def _lacking(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Counter[bytes]:
    """Count the rows of `table` that the attached database has less often, by digest.

    Copies mostly have equal rows under equal row ids. Such pairs are found cell by cell in one scan of both; left out
    on both sides, they do not change the difference. The rest is compared by SHA-256 of the exact cells.
    """
    row_id = _row_id(connection, table)
    left = _digests(connection, table, columns, ("main", "other"), row_id)
    return left - _digests(connection, table, columns, ("other", "main"), row_id) if left else left


def _digests(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    schemas: tuple[str, str] = ("main", ""),
    row_id: str | None = None,
    encoding: str = "",
) -> Counter[bytes]:
    """Count the rows of `table` in the first schema, by digest.

    With a row id, rows that the second schema has under the same row id are left out. With an encoding, texts are
    recoded to UTF-8 from it.
    """
    names = [identifier(c) for c in columns]
    first, second = (f"{schema}.{identifier(table)}" for schema in schemas)
    cells = ", ".join(_CELL.format(c=c) for c in names)
    # An index may need a collation of the application.
    query = f"SELECT {cells} FROM {first} AS t NOT INDEXED"  # noqa: S608 - quoted names
    if row_id:
        same = " AND ".join([f"o.{row_id} = t.{row_id}", *(_SAME.format(c=c) for c in names)])
        query += f" WHERE NOT EXISTS (SELECT 1 FROM {second} AS o NOT INDEXED WHERE {same})"  # noqa: S608 - quoted names
        if ranges := _halves(connection, first, row_id):
            files = {schema: uri(Path(file)) for _, schema, file in connection.execute("PRAGMA database_list")}
            half = f"{query} AND t.{row_id} BETWEEN ? AND ?"
            with suppress(OSError):  # else it is done here, and what is wrong is told here
                return digests.count_in_workers(files["main"], files["other"], half, ranges)
    rows = connection.execute(query)
    if encoding:
        rows = (_recode(row, encoding) for row in rows)  # type: ignore[assignment]
    return digests.count(rows)


def _halves(connection: sqlite3.Connection, table: str, row_id: str) -> tuple[tuple[int, int], ...]:
    """Return the first and the last row id of each half of a large table; nothing for a small one."""
    # Asked for both at once, SQLite would look at every row.
    low, high = (
        connection.execute(f"SELECT {end}({row_id}) FROM {table} NOT INDEXED").fetchone()[0]  # noqa: S608 - quoted
        for end in ("min", "max")
    )
    if low is None or high - low < _LARGE:
        return ()
    middle = (low + high) // 2
    return (low, middle), (middle + 1, high)


def _recode(row: Sequence[object], encoding: str) -> tuple[object, ...]:
    """Recode the texts of a row, given as pairs of type and value, to UTF-8; one that is malformed equals no other."""
    cells: list[object] = []
    for kind, value in zip(row[::2], row[1::2], strict=True):
        if kind == "text" and isinstance(value, bytes):
            try:
                cells.append(("text", value.decode(encoding).encode()))
            except UnicodeError:
                cells.append((encoding, value))
        else:
            cells.append((kind, value))
    return tuple(cells)


def _row_id(connection: sqlite3.Connection, table: str) -> str | None:
    """Return a name of the row id that no column has, or None where a table is not stored by row ids."""
    taken = {c.lower() for schema in ("main", "other") for c in _columns(connection, schema, table)}
    name = next((n for n in ("rowid", "_rowid_", "oid") if n not in taken), None)
    for schema in ("main", "other"):
        try:
            connection.execute(f"SELECT {name} FROM {schema}.{identifier(table)} NOT INDEXED LIMIT 0")  # noqa: S608
        except sqlite3.OperationalError:
            return None
    return name


def _encoding(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA encoding").fetchone()[0])


def _count(connection: sqlite3.Connection, table: str) -> int:
    query = f"SELECT count(*) FROM main.{identifier(table)} NOT INDEXED"  # noqa: S608 - quoted name
    return int(connection.execute(query).fetchone()[0])


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables whose rows are stored in the file: no view, which may never end, and no virtual table."""
    marks = ", ".join("?" * len(_INTERNAL))
    query = f"SELECT name FROM main.sqlite_master WHERE type = 'table' AND rootpage > 0 AND name NOT IN ({marks})"  # noqa: S608
    return sorted(name for (name,) in connection.execute(query, _INTERNAL))


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({identifier(table)})")]
