"""Read the database where it lies: `facts` of a large database, without a copy of it.

In rollback mode nothing can be committed while one connection reads, so that several threads see one state; whether
that held is told by the fingerprint, before and after. In WAL mode reading would leave files beside the database, so
a private copy is read instead; and so it is where this process has the database open already: locks belong to a
process, and two SQLite libraries in it would release each other's (sqlite.org/howtocorrupt.html, 2.2.1).
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dbtools import disk
from dbtools.database import extension, schema, sql
from dbtools.database.sqlite.dbfile import check_file, connect, fingerprint, is_open_here
from dbtools.database.sqlite.snapshot import snapshot, sqlite_error
from dbtools.errors import BusyError, QueryError

if TYPE_CHECKING:
    import duckdb

Answer = TypeVar("Answer")
Work = Callable[["duckdb.DuckDBPyConnection", dict[str, schema.TableFacts]], Answer]
_COLUMNS = {
    "versions": ("id", "prompt_id", "source"),
    "heads": ("prompt_id", "prompt_version_id"),
    "scores": ("prompt_version_id", *schema.DIMENSIONS),
}
# As what the scanner may hand a kind of column over without loss.
_SOUND = {"id": ("VARCHAR",), "text": ("VARCHAR",), "real": ("DOUBLE", "BIGINT")}
_TRIES = 3
_SOURCES = ("SELECT_NODE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST")  # what else has rows


class UnfitError(Exception):
    """The tables, or a cell in them, are not of the kind that can be read here: attach the database instead."""


def read(path: Path, work: Work[Answer], timeout: float) -> Answer:
    """Do `work` on a connection that has the relation `facts`, and the tables. Reads only.

    Raises
    ------
    UnfitError
        See there.
    DatabaseError, BusyError
        See `snapshot`.
    """
    for _ in range(_TRIES):
        before = fingerprint(path)
        if not _may_be_read(path):
            break
        answer = _read(path, path, work, timeout)
        if fingerprint(path) == before:
            return answer
    with snapshot(path, timeout) as copy:
        return _read(copy, path, work, timeout)


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Answer one SELECT over the relations; refuse what could reach further than they do. Reads only.

    The scanner that this connection needs opens any SQLite file, to write too, whatever DuckDB is told to forbid. So
    only a query passes whose every source is a relation called by its bare name: no function that returns a table.

    Raises
    ------
    QueryError
        It is no such query.
    """
    tree = json.loads(connection.execute(f"SELECT json_serialize_sql({sql.quote(query)})").fetchall()[0][0])
    if tree["error"] or len(tree["statements"]) != 1:
        raise QueryError("Not one SELECT", query, "ask one question, or attach the database and use sql()")
    for node in _nodes(tree):
        bare = not (node.get("schema_name") or node.get("catalog_name")) and re.fullmatch(
            r"\w+", str(node.get("table_name"))
        )
        if "sample" in node and not (node["type"] in _SOURCES or (node["type"] == "BASE_TABLE" and bare)):
            raise QueryError("The statement reads more than the relations", query, "name relations only")
    return connection.execute(query).fetchall()


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(part)


def _may_be_read(path: Path) -> bool:
    header = check_file(path)
    return header[18] == header[19] == 1 and not is_open_here(path)


def _read(file: Path, path: Path, work: Work[Answer], timeout: float) -> Answer:
    """Do `work` in one read transaction on `file`, which is the database `path` or a copy of it."""
    import duckdb

    tables, parallel = _inspect(file, path, timeout)
    deadline = time.monotonic() + timeout
    with (
        disk.temporary_folder("dbtools-spill-") as spill,
        closing(extension.connect(":memory:", sql.config(spill))) as connection,
    ):
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET sqlite_disable_multithreaded_scans = {not parallel}")
        connection.execute(f"ATTACH {sql.quote(file)} AS source (TYPE sqlite, READ_ONLY, BUSY_TIMEOUT 0)")
        connection.execute(sql.read_sql("macros.sql"))
        while True:
            try:
                connection.execute("BEGIN")
                _define(connection, tables)
                answer = work(connection, tables)
                while file == path and is_open_here(path, to_write=True) and time.monotonic() < deadline:
                    time.sleep(0.01)  # another part of this process began to write: its lock would go with ours
                connection.execute("COMMIT")
                return answer
            except (duckdb.Error, RuntimeError, UnicodeDecodeError) as error:  # by where SQLite was asked
                if "database is locked" not in str(error):
                    raise UnfitError(str(error)) from None
            connection.execute("ROLLBACK")
            if time.monotonic() > deadline:
                raise BusyError("The database stayed locked by another process", path, "try again when it is idle")
            time.sleep(0.02)


def _inspect(file: Path, path: Path, timeout: float) -> tuple[dict[str, schema.TableFacts], bool]:
    """Return the tables, and whether several threads may scan them."""
    try:
        with closing(connect(file, timeout=timeout)) as connection:
            tables = schema.read_tables(connection, count=False)
            schema.check_tables(tables, path)
            wanted = [t.name for t in schema.TABLES if t.relation in _COLUMNS and t.name in tables]
            if not all(tables[name].scannable for name in wanted):
                raise UnfitError("a table without row ids")
            size = file.stat().st_size
            return tables, all(schema.may_scan_in_parallel(connection, name, size) for name in wanted)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise sqlite_error(error, path) from None


def _define(connection: duckdb.DuckDBPyConnection, tables: dict[str, schema.TableFacts]) -> None:
    """Define `facts` over the scanned tables, by the text that defines it over the loaded ones."""
    for table in schema.TABLES:
        wanted = [c for c in table.columns if c.name in _COLUMNS.get(table.relation, ())]
        if not wanted:
            continue
        if table.name not in tables:
            raise UnfitError(f"no table {table.name}")
        names = tables[table.name].names()
        if not all(c.name in names for c in wanted):
            raise UnfitError(f"{table.name} lacks a column")
        cells = ", ".join(f'"{names[c.name]}" AS {c.name}' for c in wanted)
        raw = f'SELECT {cells}, rowid AS row_id FROM source."{table.name}"'  # noqa: S608 - allow-list
        for column, kind in zip(wanted, connection.sql(raw).types, strict=False):
            if str(kind) not in _SOUND[column.kind]:
                raise UnfitError(f"{table.name}.{column.name} is declared as {kind}")
        typed = ", ".join(f"{c.convert()} AS {c.name}" for c in wanted)
        total = f", {' + '.join(schema.DIMENSIONS)} AS total" if table.relation == "scores" else ""
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {table.relation} AS SELECT *{total} "  # noqa: S608 - allow-list
            f"FROM (SELECT {typed}, raw.row_id FROM ({raw}) AS raw)"
        )
    connection.execute(
        sql.read_sql("views", "05_facts.sql").replace("CREATE VIEW internal.", "CREATE OR REPLACE TEMP VIEW ")
    )
