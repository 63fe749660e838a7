"""Read one snapshot of a prompter database into native, typed DuckDB tables: the loader connection.

The scanner as shipped loses rows, mixes up tables, tears live reads, changes doubles, misreads timestamps and breaks on
bad UTF-8. So it scans a private copy whose tables are declared anew, as what is exact (`_declare`); where a cell is of
another kind, SQLite hands the whole table over as text (``sqlite_query``) and DuckDB only converts it. Either way the
row counts are compared with SQLite's own. No statement of a user ever runs here.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database import extension, sqlite
from dbtools.database.schema import TABLES, Column, Table, TableFacts, may_scan_in_parallel
from dbtools.database.sql import FILES, config, identifier, macros, quote, store_derived
from dbtools.database.sqlite import DAMAGED
from dbtools.errors import DatabaseError, explained
from dbtools.progress import bar as progress_bar
from dbtools.redact import holds_secret

if TYPE_CHECKING:
    import duckdb

_LONG, _FEW, _SECONDS = 1_000_000, 100, 1.0  # of texts with a flag: characters, rows at a time, and the time for all
NO_ROWS = "(SELECT NULL AS row_id) AS no_rows WHERE false"
_LITERAL = re.compile(r"[-+]? ?\d+(\.\d+)?(e[-+]?\d+)?|'([^']|'')*'|null", re.IGNORECASE)


def load(
    copy: Path | None,
    target: Path,
    tables: dict[str, TableFacts],
    origin: dict[str, Any],
    *,
    progress: bool,
) -> None:
    """Write the allow-listed tables of the snapshot `copy` into a new DuckDB file.

    Without ``origin["texts"]``, the long texts are left out. Without a `copy`, the relations have no rows.

    Changes files: creates `target`, and declares the tables of `copy` anew, which must be private.

    Raises
    ------
    DatabaseError
        SQLite cannot read a table, or a row count differs from SQLite's own.
    """
    scanned = _declare(copy, tables) if copy else {}
    with extension.connect(str(target), config(str(target) + ".spill")) as connection:
        if copy:
            connection.execute(f"ATTACH {quote(copy)} AS source (TYPE sqlite, READ_ONLY)")
        fill(
            connection,
            tables,
            origin,
            lambda table, facts: _load_table(connection, table, facts, origin["texts"], scanned.get(table.name)),
            progress=progress,
        )
        if copy:
            connection.execute("DETACH source")


def fill(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, TableFacts],
    origin: dict[str, Any],
    load_table: Callable[[Table, TableFacts | None], None],
    *,
    progress: bool,
) -> None:
    """Make every relation of a new DuckDB file by `load_table`, and compare its rows with the source's own count.

    Raises
    ------
    DatabaseError
        A table cannot be read, or a row count differs.
    """
    import duckdb

    total = sum(tables[t.name].rows for t in TABLES if t.name in tables)
    with progress_bar(total=total, unit="rows", unit_scale=True, disable=not progress, leave=False) as bar:
        connection.execute("SET preserve_insertion_order = false")  # else one thread writes
        connection.execute(macros())
        connection.execute("CREATE TABLE unreadable_cells (relation VARCHAR, column_name VARCHAR, row_id BIGINT)")
        for table in TABLES:
            facts = tables.get(table.name)
            bar.set_description(table.relation)
            what, todo = f"Table {table.name} cannot be read", DAMAGED
            with explained(DatabaseError, what, origin["path"], todo, catch=(duckdb.Error, UnicodeDecodeError)):
                load_table(table, facts)
            loaded = connection.table(table.relation).count("*").fetchall()[0][0]
            if facts and loaded != facts.rows:
                raise DatabaseError(
                    f"Read {loaded:,} rows of {table.name} where the database counts {facts.rows:,}",
                    origin["path"],
                    DAMAGED,
                )
            bar.update(loaded)
        store_derived(connection)
        # A bound value would make DuckDB import pandas, which takes longer than all the rest.
        connection.execute(f"CREATE TABLE origin AS SELECT {quote(json.dumps(origin))} AS facts")


def _declare(copy: Path, tables: dict[str, TableFacts]) -> dict[str, bool]:
    """Declare tables so that the scanner reads them without loss: times and ids as text; drop their indexes.

    Collations that only the application has are taken out: rows are read in whatever order.

    Left alone are tables whose rows do not hold what the declaration says (without row ids, with a column that is the
    row id or is computed, or with a default that is no plain literal), and those with truth values, of which the
    scanner and `Column.convert` think differently.

    Returns
    -------
    dict
        The tables that may be scanned, and whether by several threads.
    """
    found = {}
    with (
        closing(sqlite3.connect(copy, isolation_level=None)) as connection,
        suppress(sqlite3.Error),
    ):  # damaged: by text
        sqlite.register_collations(connection)
        connection.execute("PRAGMA synchronous = OFF")  # else the whole copy would be written to the disk now
        connection.execute("PRAGMA writable_schema = ON")
        connection.create_function("by_bytes_only", 1, sqlite.by_bytes_only)
        connection.execute("UPDATE sqlite_master SET sql = by_bytes_only(sql) WHERE sql LIKE '%collate%'")
        for table in TABLES:
            facts = tables.get(table.name)
            kinds = {name: column.kind for column in table.columns for name in (column.name, *column.aliases)}
            if not facts or not facts.scannable or not facts.stored or "boolean" in kinds.values():
                continue
            if not all(_LITERAL.fullmatch(default) for default in facts.defaults.values()):
                continue
            types = {"real": "REAL", "integer": "INTEGER"}
            columns = [(c, types.get(kinds.get(c.lower(), ""), "TEXT")) for c in facts.columns]
            cells = (f"{identifier(c)} {kind} DEFAULT ({facts.defaults.get(c, 'NULL')})" for c, kind in columns)
            sql = f'CREATE TABLE "{table.name}" ({", ".join(cells)})'
            parallel = may_scan_in_parallel(connection, table.name, copy.stat().st_size)
            connection.execute("DELETE FROM sqlite_master WHERE type <> 'table' AND lower(tbl_name) = ?", [table.name])
            connection.execute(
                "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND lower(name) = ?", [sql, table.name]
            )
            found[table.name] = parallel
    return found


def _load_table(
    connection: duckdb.DuckDBPyConnection, table: Table, facts: TableFacts | None, texts: bool, parallel: bool | None
) -> None:
    """Load one table: by a scan where `parallel` tells how, else as text through SQLite."""
    import duckdb

    names = facts.names() if facts else {}
    found = {c: name for c in table.columns if (name := c.found_in(names))}
    raw = NO_ROWS
    if facts and parallel is not None:
        cells = "".join(f'"{name}" AS {column.name}, ' for column, name in found.items())
        connection.execute(f"SET sqlite_disable_multithreaded_scans = {not parallel}")
        scan = f'(SELECT {cells}rowid AS row_id FROM source."{table.name}")'  # noqa: S608 - allow-list
        with suppress(duckdb.Error, UnicodeDecodeError):  # a cell of another kind than declared
            create(connection, table, found, scan, texts)
            return
    if facts:
        cells = "".join(f"{column.read(name)} AS {column.name}, " for column, name in found.items())
        row_id = "rowid" if facts.row_ids else "row_number() OVER ()"
        # An index may need a collation of the application.
        query = f'SELECT {cells}{row_id} AS row_id FROM "{table.name}" NOT INDEXED'  # noqa: S608 - allow-list
        raw = f"sqlite_query('source', {quote(query)})"
    create(connection, table, found, raw, texts)


def create(
    connection: duckdb.DuckDBPyConnection, table: Table, found: dict[Column, str], raw: str, texts: bool
) -> None:
    """Make the relation of a table from its `raw` cells, and list the cells that have no value of their type."""
    for statement in statements(table, found, raw, texts):
        connection.execute(statement)
    for column in found:
        for flag in re.findall(rf"may_hold_secret\({column.name}\) AS (\w+)", _derived(table)):
            _confirm_secrets(connection, table.relation, raw, column.name, flag)


def _confirm_secrets(connection: duckdb.DuckDBPyConnection, relation: str, raw: str, column: str, flag: str) -> None:
    """Take the flag from the rows whose text holds no secret after all: the expression of the macro finds a few more.

    Where many or very long texts are flagged, those not looked at after a second keep the flag.
    """
    if not connection.execute(f"SELECT count(*) FROM {relation} WHERE {flag}").fetchall()[0][0]:  # noqa: S608 - own names
        return
    connection.execute(
        f"SELECT f.row_id, r.{column}::VARCHAR FROM {relation} AS f JOIN (SELECT * FROM {raw}) AS r "  # noqa: S608
        f"ON r.row_id = f.row_id WHERE f.{flag} AND length(r.{column}) < {_LONG} ORDER BY f.row_id"
    )
    deadline, clean = time.monotonic() + _SECONDS, []
    while time.monotonic() < deadline and (rows := connection.fetchmany(_FEW)):
        clean += [str(row_id) for row_id, text in rows if not holds_secret(text)]
    if clean:
        connection.execute(f"UPDATE {relation} SET {flag} = false WHERE row_id IN ({', '.join(clean)})")  # noqa: S608


def statements(table: Table, found: Iterable[Column], raw: str, texts: bool) -> tuple[str, str]:
    """Return the statements that make the relation of a table; `found` are the columns that `raw` has.

    Beside the typed cells and what the texts tell, each row has two numbers with a bit per column: ``unreadable``, the
    cell has no value of its type; ``dashed``, the id is spelled other than in 32 hex digits.
    """
    converted, unreadable, dashed = [], ["0::BIGINT"], ["0::BIGINT"]
    for bit, column in enumerate(table.columns):
        if column not in found:
            converted.append(f"NULL::{column.type} AS {column.name}")
            continue
        converted.append(f"{column.convert()} AS {column.name}")
        lost = f"raw.{column.name} IS NOT NULL AND {column.convert()} IS NULL"
        unreadable.append(f"CASE WHEN {lost} THEN {1 << bit}::BIGINT ELSE 0 END")
        if column.kind == "id":
            raw_id = f"raw.{column.name}"
            other = f"{column.convert()} IS NOT NULL AND (strlen({raw_id}) <> 32 OR {raw_id} <> lower({raw_id}))"
            dashed.append(f"CASE WHEN {other} THEN {1 << bit}::BIGINT ELSE 0 END")
    converted += ["raw.row_id::BIGINT AS row_id", f"{' + '.join(unreadable)} AS unreadable"]
    converted.append(f"{' + '.join(dashed)} AS dashed")
    typed = f"SELECT {', '.join(converted)} FROM (SELECT * FROM {raw}) AS raw"  # noqa: S608 - allow-list
    derive = _derived(table)
    long = [c.name for c in table.columns if c.long and not texts]
    cells = f"* EXCLUDE ({', '.join(long)})" if long else "*"
    bits = ", ".join(f"({1 << bit}::BIGINT, {quote(column.name)})" for bit, column in enumerate(table.columns))
    return (
        f"CREATE TABLE {table.relation} AS WITH typed AS ({typed}) SELECT {cells} FROM ({derive})",  # noqa: S608
        f"INSERT INTO unreadable_cells SELECT {quote(table.relation)}, c.name, t.row_id FROM {table.relation} AS t "  # noqa: S608
        f"JOIN (VALUES {bits}) AS c (bit, name) ON t.unreadable & c.bit > 0 WHERE t.unreadable > 0",
    )


def _derived(table: Table) -> str:
    """Return the query of what is known of each row without its long texts."""
    own = FILES.joinpath("load", f"{table.relation}.sql")
    return own.read_text(encoding="utf-8") if own.is_file() else "SELECT * FROM typed"
