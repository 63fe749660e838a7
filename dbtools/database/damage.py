"""Tell which tables of a damaged SQLite file can still be read."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from dbtools.database.schema import has_row_ids
from dbtools.database.sql import identifier

# A row that its index does not know, and a value that its column forbids.
_INDEX = re.compile(r"missing from index|entries in index")
_VALUE = re.compile(r"^\w+ value in |^non-\w+ value in ")
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name"


def unreadable_tables(snapshot: Path) -> dict[str, str]:
    """Return the tables whose rows cannot be relied on, by lower-case name, and why. Changes nothing that lasts.

    Damage that lies in indexes alone leaves a table readable. Where rows are missing from their index and also hold
    values that their columns forbid, another table's page may have been written over theirs.

    Raises
    ------
    sqlite3.Error
        The list of tables cannot be read.
    """
    found = {}
    with closing(sqlite3.connect(snapshot, isolation_level=None)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        names = [str(name) for (name,) in connection.execute(_TABLES)]
        complaints = {name: _check(connection, name) for name in names}
        connection.execute("BEGIN")  # never committed
        connection.execute("PRAGMA writable_schema = ON")
        for name in names:
            _forget_indexes(connection, name)
        connection.execute("PRAGMA writable_schema = RESET")  # reads the list of tables anew
        for name in names:
            said = complaints[name]
            if messages := said and _check(connection, name):
                found[name.lower()] = messages[0]
            elif any(map(_INDEX.search, said)) and any(map(_VALUE.search, said)):
                found[name.lower()] = "its rows are not those of its index"
        connection.execute("ROLLBACK")
    return found


def _check(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return what SQLite finds damaged in one table and its indexes."""
    try:
        rows = connection.execute(f"PRAGMA integrity_check({identifier(table)})").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    lines = [line for (text,) in rows for line in str(text).splitlines()]
    return [line for line in lines if line != "ok" and not line.startswith("***")]


def _forget_indexes(connection: sqlite3.Connection, table: str) -> None:
    """Declare a table without constraints, types and indexes; one without row ids is an index and stays."""
    if not has_row_ids(connection, identifier(table)):
        return
    columns = connection.execute(f"PRAGMA table_info({identifier(table)})").fetchall()
    plain = f"CREATE TABLE {identifier(table)} ({', '.join(identifier(column[1]) for column in columns)})"
    connection.execute("DELETE FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", [table])
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", [plain, table])
