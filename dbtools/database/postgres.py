"""Read one snapshot of a prompter database on a PostgreSQL server into the same typed DuckDB tables as an SQLite one.

One connection, one read-only transaction: what is read was committed together. The server hands every cell over as
text, which is exact whatever its type (``postgres_query``); `loader` does the rest. DuckDB's errors are never passed on
as they are. The password is in a secret of this connection only, and is stored nowhere.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.database import extension
from dbtools.database import load as loader
from dbtools.database.schema import TABLES, Column, Table, TableFacts, check_tables
from dbtools.database.sql import config, identifier, quote, read_sql
from dbtools.errors import BusyError, DatabaseError, interruptible
from dbtools.server import Server, is_listed, is_named_by_user, password_of

if TYPE_CHECKING:
    import duckdb

# How the server hands a cell over as text, by kind of column. A cell without a value of that kind comes as "?" and is
# counted as unreadable: DuckDB would round 1.5 to a whole number, and read "nan" as a number.
READ = {
    "real": "CASE WHEN {c}::text ~ '[0-9]|^-?Infinity$' THEN {c}::text WHEN {c} IS NOT NULL THEN '?' END",
    "integer": "CASE WHEN {c}::text ~ '^ *[-+]?[0-9]+([.]0*)? *$' THEN {c}::text WHEN {c} IS NOT NULL THEN '?' END",
}
READ_TYPE = {  # the exceptions, by kind and type
    ("id", "uuid"): "replace({c}::text, '-', '')",  # spelled as SQLite has them
    ("timestamp", "timestamp with time zone"): "({c} AT TIME ZONE 'UTC')::text",
}
_TODO = "check the address, the password (in PGPASSWORD, ~/.pgpass or $DATABASE_URL) and that the server runs"
_TODO_UNNAMED = (
    f"{_TODO}; a password is sent only to a host that you name yourself, in the call, in PGHOST, $DATABASE_URL or "
    "~/.pgpass"
)


@dataclass(frozen=True)
class State:
    """The database as one transaction sees it.

    Attributes
    ----------
    fingerprint : str
        32 hex digits: with the same ones, it is the same state.
    is_comparable : bool
        Whether the fingerprint can be compared with later ones; if not, no other will ever be equal.
    tables : dict
        The tables that may be read, by name; their rows are not counted yet.
    addresses : dict
        What each is called in SQL.
    size : int
        How many bytes the allow-listed tables take on the server.
    """

    fingerprint: str
    is_comparable: bool
    tables: dict[str, TableFacts]
    addresses: dict[str, str]
    size: int


@contextmanager
def opened(
    server: Server,
    password: str | None = None,
    target: Path | None = None,
    timeout: float = 5.0,
    *,
    named: bool = False,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, State]]:
    """Open a DuckDB database (`target`, else in memory) with one read transaction on the server. Reads only.

    Raises
    ------
    DatabaseError, BusyError, ExtensionError
        The server refuses the connection, ends it, or lacks what is asked for; a lock is in the way; no scanner.
    """
    import duckdb

    with disk.temporary_folder("dbtools-spill-", target and target.parent) as spill:
        connection = extension.connect(str(target or ":memory:"), config(spill), name="postgres")
        try:
            with server_errors(server, password):
                _connect(connection, server, password or password_of(server), timeout, named=named)
                connection.execute("BEGIN")
                state = _look(connection, server, timeout)
            with interruptible(connection):
                yield connection, state
            with server_errors(server, password):
                connection.execute("COMMIT")
        finally:
            # Where the server is gone, DuckDB ends the whole process if it has a transaction to end while closing.
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            connection.close()


def fingerprint(server: Server) -> str:
    """Return the fingerprint of the state that a server's database is in now. Reads only."""
    with opened(server) as (_, state):
        return state.fingerprint


def load(
    connection: duckdb.DuckDBPyConnection, state: State, origin: dict[str, Any], server: Server, *, progress: bool
) -> None:
    """Write the allow-listed tables into the DuckDB file that the connection has open, and what is known of them.

    Changes files: that file.

    Raises
    ------
    DatabaseError, BusyError
        The server ends the connection, or keeps a table to itself.
    """

    def load_table(table: Table, facts: TableFacts | None) -> None:
        found = {c: name for c in table.columns if facts and (name := c.found_in(facts.names()))}
        raw = _cells(table, found, state) if facts else loader.NO_ROWS
        with server_errors(server):
            loader.create(connection, table, found, raw, origin["texts"])

    tables = {}
    for name, facts in state.tables.items():
        with server_errors(server):
            counted = f"SELECT count(*) AS rows FROM {state.addresses[name]}"  # noqa: S608 - quoted by the server
            tables[name] = replace(facts, rows=_ask(connection, counted)[0][0])
    origin = {**origin, "tables": {name: facts.rows for name, facts in sorted(tables.items())}}
    loader.fill(connection, tables, origin, load_table, progress=progress)


@contextmanager
def server_errors(server: Server, password: str | None = None) -> Iterator[None]:
    """Turn what DuckDB, libpq or the server says into a sentence."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        # Only what the server or libpq said: before it, DuckDB repeats the statement or the settings.
        said = text.rpartition("ERROR:")[2] if "ERROR:" in text else text.rpartition('": ')[2]
        reason = (said.rpartition("FATAL:")[2].strip().splitlines() or ["no reason given"])[0].rstrip(".")
        hidden = password or password_of(server)
        if hidden and hidden in reason:
            reason = "the reason holds the password and is not shown"
        if "lock timeout" in reason:
            raise BusyError("A table stayed locked by another session", server, "try again when it is idle") from None
        if "Unable to connect" in text:
            todo = _TODO if is_named_by_user(server) or is_listed(server) else _TODO_UNNAMED
            raise DatabaseError(f"Cannot connect to the database ({reason})", server, todo) from None
        raise DatabaseError(f"The database cannot be read ({reason})", server, "fix that and try again") from None


def _connect(
    connection: duckdb.DuckDBPyConnection, server: Server, password: str | None, timeout: float, *, named: bool
) -> None:
    import duckdb

    address = {"HOST": server.host, "DATABASE": server.dbname, "USER": server.user, "PASSWORD": password}
    given = [f"{name} {quote(value)}" for name, value in address.items() if value]
    given += [f"PORT {server.port}"] if server.port is not None else []
    connection.execute("SET allow_persistent_secrets = false")  # those of the user are none of our business
    try:
        connection.execute(f"CREATE SECRET access (TYPE postgres{''.join(f', {each}' for each in given)})")
    except duckdb.Error:  # its text may repeat the statement
        raise DatabaseError("DuckDB does not take the address or the password", server, _TODO) from None
    # A connection whose other end has gone without a word is noticed after a minute.
    alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    usual = {"connect_timeout": max(2, math.ceil(timeout)), "client_encoding": "UTF8", **alive}
    settings = {**usual, **dict(server.options)}
    if not password and not named and not is_named_by_user(server):
        # libpq does not take PGPASSWORD where a password is given, be it empty, and then looks into the password file.
        settings |= {"password": ""} | ({} if is_listed(server) else {"passfile": os.devnull})
    pairs = (f"{name}='{_escaped(str(value))}'" for name, value in settings.items())
    connection.execute(f"ATTACH {quote(' '.join(pairs))} AS source (TYPE postgres, SECRET access, READ_ONLY)")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Let the server answer a query, in its own SQL."""
    return connection.execute(f"FROM postgres_query('source', {quote(query)})").fetchall()


def _look(connection: duckdb.DuckDBPyConnection, server: Server, timeout: float) -> State:
    patience = str(max(1, round(timeout * 1000)))
    asked = read_sql("served", "state.sql").replace("{timeout}", patience)
    found, proved, *_ = _ask(connection, asked)[0]
    key = hashlib.blake2b(found.encode(), digest_size=16).hexdigest() if proved else secrets.token_hex(16)
    columns: dict[str, dict[str, str]] = {}
    addresses, size = {}, 0
    allowed = {table.name for table in TABLES}
    for name, address, readable, bytes_, column, kind in _ask(connection, read_sql("served", "columns.sql")):
        if not readable and name in allowed:
            todo = "grant its user the right to read it"
            raise DatabaseError(f"No permission to read the table {name}", server, todo)
        if readable:
            size += bytes_ if name in allowed and name not in columns else 0
            columns.setdefault(name, {}).update({column: kind} if column else {})
            addresses[name] = address
    tables = {name: TableFacts(here, True, 0, {}, True) for name, here in columns.items()}
    check_tables(tables, server)
    return State(key, proved, tables, addresses, size)


def _cells(table: Table, found: dict[Column, str], state: State) -> str:
    """Return the DuckDB source of a table's cells as the server hands them over."""
    types = state.tables[table.name].columns
    cells = "".join(f"{_read(column, name, types[name])} AS {column.name}, " for column, name in found.items())
    # In the order in which rows were stored, for as long as none is written anew: see the settings in state.sql.
    query = f"SELECT {cells}row_number() OVER () AS row_id FROM {state.addresses[table.name]}"  # noqa: S608 - quoted
    return f"postgres_query('source', {quote(query)})"


def _read(column: Column, name: str, kind: str) -> str:
    return (READ_TYPE.get((column.kind, kind)) or READ.get(column.kind, "{c}::text")).format(c=identifier(name))
