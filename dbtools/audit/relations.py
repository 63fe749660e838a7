"""The relations that the audit collects from files, SQLite, git and Python, beside those of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from dbtools.audit import collect_csv, collect_database, collect_files
from dbtools.audit.context import AuditContext, Unanswered, read_query
from dbtools.database.engine import cache as cache_derived
from dbtools.database.engine import materialize, register
from dbtools.database.sql import macros
from dbtools.errors import QueryError
from dbtools.progress import step

if TYPE_CHECKING:
    import duckdb

# By relation that the audit collects: its columns with their types, and the function that yields its rows.
COLLECTED: dict[str, tuple[str, Callable[[AuditContext], Iterable[tuple[Any, ...]]]]] = {
    "clock": ("now TIMESTAMP", lambda context: [(context.now,)]),
    "database_origin": ("generation VARCHAR, migrated BOOLEAN", collect_database.origin),
    "database_tables": ("name VARCHAR, rows BIGINT", collect_database.tables),
    "foreign_key_violations": (
        "table_name VARCHAR, row_id BIGINT, parent VARCHAR",
        collect_database.foreign_key_violations,
    ),
    "accounts": ("path VARCHAR, user_id VARCHAR, account VARCHAR", collect_database.accounts),
    "unknown_users": ("user_id VARCHAR", collect_database.unknown_users),
    "credentials": (
        "path VARCHAR, table_name VARCHAR, row_id BIGINT, columns VARCHAR, is_auth BOOLEAN",
        collect_database.credentials,
    ),
    "schema_differences": ("table_name VARCHAR, difference VARCHAR", collect_database.differences),
    "lost_constraints": ("table_name VARCHAR, missing VARCHAR", collect_database.lost_constraints),
    "parent_cycles": ("row_id BIGINT", collect_database.parent_cycles),
    "changes": ("row_id BIGINT, change_type VARCHAR", collect_database.changes),
    "database_files": (
        "path VARCHAR, size_bytes BIGINT, magic BOOLEAN, page_size BIGINT, pages BIGINT, wal_bytes BIGINT, "
        "journal_bytes BIGINT",
        collect_files.databases,
    ),
    "integrity_messages": ("path VARCHAR, message VARCHAR", collect_files.integrity),
    "copied_files": ("path VARCHAR, original VARCHAR, same VARCHAR", collect_files.copies),
    "tracked_files": ("path VARCHAR, kind VARCHAR", collect_files.tracked),
    "wrong_places": ("path VARCHAR, line BIGINT, reason VARCHAR", collect_files.wrong_places),
    "csv_problems": ("path VARCHAR, line BIGINT, problem VARCHAR", collect_csv.problems),
    "csv_unread": ("path VARCHAR, reason VARCHAR", collect_csv.unread),
    "csv_lost_rows": ("path VARCHAR, row BIGINT, line BIGINT, demo BOOLEAN", collect_csv.lost_rows),
    "csv_secrets": ("path VARCHAR, line BIGINT, column_name VARCHAR", collect_csv.secrets),
    "csv_votes": (
        "path VARCHAR, line BIGINT, agent VARCHAR, score DOUBLE, confidence DOUBLE, vote DOUBLE, selected BOOLEAN",
        collect_csv.votes,
    ),
}
# What several checks read is computed once per audit: a derived relation of the database, and queries in queries/.
DERIVED, COMPUTED = ("row_provenance",), ("scored",)


@cache
def read_by(query: str) -> tuple[str, ...]:
    """Return the names of the relations that a query reads, in alphabetical order."""
    return tuple(sorted(_parser().cursor().get_table_names(query)))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return an empty database that knows the functions of the queries."""
    import duckdb

    parser = duckdb.connect()
    parser.execute(macros())
    return parser


def create(context: AuditContext, name: str) -> None:
    """Create a collected or computed relation, compute a derived one, leave others alone. Raises `NotAnswered`."""
    import duckdb

    step(f"audit: {name.replace('_', ' ')}")
    try:
        if name in COLLECTED:
            _collect(context, name)
        elif name in COMPUTED:
            materialize(context.connection, name, read_query(name))
        elif name in DERIVED:
            cache_derived(context.connection, name)
    except (duckdb.CatalogException, QueryError):
        if not context.unreadable:
            raise
        raise context.needs_unreadable() from None


def _collect(context: AuditContext, name: str) -> None:
    columns, collect = COLLECTED[name]
    try:
        rows = list(collect(context))
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise Unanswered(f"it cannot be read here ({type(error).__name__})") from None
    register(context.connection, name, columns, rows)
