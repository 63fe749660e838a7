"""Read one snapshot of a prompter database into native, typed DuckDB tables: the loader connection.

The scanner as shipped loses rows, mixes up tables, tears live reads, changes doubles, misreads timestamps and breaks on
bad UTF-8. So SQLite itself hands every cell over as exact text (``sqlite_query``), DuckDB only converts it, and the
row counts are held against SQLite's own. No statement of a user ever runs here.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import DatabaseError
from dbtools.source import extension
from dbtools.source.schema import TABLES, Table, TableFacts

if TYPE_CHECKING:
    import duckdb

SQL = files("dbtools.source")
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    # Neither may a name in SQL mean a Python variable; looking for one would also import pandas.
    "python_enable_replacements": False,
    # The optimizer may take scans of two tables of the same shape for one (duckdb/duckdb#24781).
    "disabled_optimizers": "common_subplan",
    "memory_limit": "2GB",
}


def read_sql(*names: str) -> str:
    """Return the text of one of the package's ``.sql`` files below ``source``."""
    return SQL.joinpath(*names).read_text(encoding="utf-8")


def quote(text: object) -> str:
    """Return `text` as an SQL string literal, for the few statements that cannot bind a value."""
    return "'" + str(text).replace("'", "''") + "'"


def load(
    copy: Path,
    target: Path,
    tables: dict[str, TableFacts],
    origin: dict[str, Any],
    *,
    texts: bool,
    progress: bool,
) -> None:
    """Write the allow-listed tables of the snapshot `copy` into a new DuckDB file.

    Changes files: creates `target`.

    Raises
    ------
    DatabaseError
        SQLite cannot read a table, or a row count differs from SQLite's own.
    """
    import duckdb
    from tqdm.auto import tqdm

    present = [t for t in TABLES if t.name in tables]
    bar = tqdm(
        total=sum(tables[t.name].rows for t in present),
        unit="rows",
        unit_scale=True,
        disable=not progress,
        leave=False,
    )
    spill = str(target) + ".spill"
    with bar, duckdb.connect(str(target), config={**CONFIG, "temp_directory": spill}) as connection:
        extension.load(connection)
        connection.execute("SET sqlite_disable_multithreaded_scans = true")
        connection.execute(f"ATTACH {quote(copy)} AS source (TYPE sqlite, READ_ONLY)")
        connection.execute(read_sql("macros.sql"))
        connection.execute("CREATE TABLE unreadable_cells (relation VARCHAR, column_name VARCHAR, row_id BIGINT)")
        for table in TABLES:
            facts = tables.get(table.name)
            bar.set_description(table.relation)
            try:
                _load_table(connection, table, facts, texts)
            except (duckdb.Error, UnicodeDecodeError) as error:
                raise DatabaseError(
                    f"Table {table.name} cannot be read ({_first_line(error)})",
                    origin["path"],
                    "check it with PRAGMA integrity_check",
                ) from None
            loaded = connection.table(table.relation).count("*").fetchall()[0][0]
            if facts and loaded != facts.rows:
                raise DatabaseError(
                    f"Read {loaded} rows of {table.name} where SQLite counts {facts.rows}",
                    origin["path"],
                    "check it with PRAGMA integrity_check",
                )
            bar.update(loaded)
        # A bound value would make DuckDB import pandas, which takes longer than all the rest.
        connection.execute(f"CREATE TABLE origin AS SELECT {quote(json.dumps(origin))} AS facts")
        connection.execute("DETACH source")


def _load_table(connection: duckdb.DuckDBPyConnection, table: Table, facts: TableFacts | None, texts: bool) -> None:
    names = facts.names() if facts else {}
    found = {c: c.found_in(names) for c in table.columns}
    converted, unreadable, dashed = [], ["0::BIGINT"], ["0::BIGINT"]
    for bit, (column, name) in enumerate(found.items()):
        if name is None:
            converted.append(f"NULL::{column.type} AS {column.name}")
        else:
            converted.append(f"{column.convert()} AS {column.name}")
            lost = f"raw.{column.name} IS NOT NULL AND {column.convert()} IS NULL"
            unreadable.append(f"CASE WHEN {lost} THEN {1 << bit}::BIGINT ELSE 0 END")
            if column.kind == "id":
                plain = f"replace(({column.convert()})::VARCHAR, '-', '')"
                dashed.append(f"CASE WHEN raw.{column.name} <> {plain} THEN {1 << bit}::BIGINT ELSE 0 END")
    if facts:
        read = [f"{column.read(name)} AS {column.name}" for column, name in found.items() if name]
        row_id = "rowid" if facts.row_ids else "row_number() OVER ()"
        source = f'SELECT {", ".join([*read, row_id + " AS row_id"])} FROM "{table.name}"'  # noqa: S608 - allow-list
        raw = f"sqlite_query('source', {quote(source)})"
    else:
        raw = "(SELECT NULL AS row_id) AS no_rows WHERE false"
    converted += ["raw.row_id::BIGINT AS row_id", f"{' + '.join(unreadable)} AS unreadable"]
    converted.append(f"{' + '.join(dashed)} AS dashed")
    typed = f"SELECT {', '.join(converted)} FROM (SELECT * FROM {raw}) AS raw"  # noqa: S608 - allow-list
    own = SQL.joinpath("load", f"{table.relation}.sql")
    derive = own.read_text(encoding="utf-8") if own.is_file() else "SELECT * FROM typed"
    long = [c.name for c in table.columns if c.long and not texts]
    narrow = f"* EXCLUDE ({', '.join(long)})" if long else "*"
    connection.execute(
        f"CREATE TABLE {table.relation} AS WITH typed AS ({typed}) SELECT {narrow} FROM ({derive})"  # noqa: S608
    )
    bits = ", ".join(f"({1 << bit}::BIGINT, {quote(column.name)})" for bit, column in enumerate(table.columns))
    connection.execute(
        f"INSERT INTO unreadable_cells SELECT {quote(table.relation)}, c.name, t.row_id FROM {table.relation} AS t "  # noqa: S608
        f"JOIN (VALUES {bits}) AS c (bit, name) ON t.unreadable & c.bit > 0 WHERE t.unreadable > 0"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
