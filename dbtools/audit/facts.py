"""Facts that only files, SQLite, git or Python can tell, as relations beside those of the database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dbtools.audit import collect_database, collect_files, log_facts, schema_facts, version_facts
from dbtools.audit.context import AuditContext, NotApplicable
from dbtools.database.engine import register

Rows = Iterable[tuple[Any, ...]]


@dataclass(frozen=True)
class Fact:
    """One relation to gather: its columns with their types, and who finds its rows."""

    name: str
    columns: str
    gather: Callable[[AuditContext], Rows]

    def create(self, context: AuditContext) -> None:
        """Gather the rows into a relation of the context's connection; raises `NotApplicable`."""
        try:
            rows = list(self.gather(context))
        except (OSError, sqlite3.Error, UnicodeError) as error:
            raise NotApplicable(f"it cannot be found out here ({type(error).__name__})") from None
        register(context.connection, self.name, self.columns, rows)


FACTS = {
    fact.name: fact
    for fact in (
        Fact("clock", "now TIMESTAMP", lambda context: [(context.now,)]),
        Fact("database_origin", "generation VARCHAR, migrated BOOLEAN", collect_database.origin),
        Fact("database_tables", "name VARCHAR, rows BIGINT", collect_database.tables),
        Fact(
            "foreign_key_violations", "table_name VARCHAR, row_id BIGINT, parent VARCHAR", collect_database.broken_keys
        ),
        Fact("accounts", "path VARCHAR, user_id VARCHAR, account VARCHAR", collect_database.accounts),
        Fact("unknown_users", "user_id VARCHAR", collect_database.unknown_users),
        Fact(
            "credentials",
            "path VARCHAR, table_name VARCHAR, row_id BIGINT, columns VARCHAR, is_auth BOOLEAN",
            collect_database.credentials,
        ),
        Fact("schema_differences", "table_name VARCHAR, difference VARCHAR", schema_facts.differences),
        Fact("lost_constraints", "table_name VARCHAR, missing VARCHAR", schema_facts.lost_constraints),
        Fact(
            "database_files",
            "path VARCHAR, size_bytes BIGINT, magic BOOLEAN, page_size BIGINT, pages BIGINT, wal_bytes BIGINT, "
            "journal_bytes BIGINT",
            collect_files.databases,
        ),
        Fact("integrity_messages", "path VARCHAR, message VARCHAR", collect_files.integrity),
        Fact("copied_files", "path VARCHAR, original VARCHAR, same VARCHAR", collect_files.copies),
        Fact("tracked_files", "path VARCHAR, kind VARCHAR", collect_files.tracked),
        Fact("wrong_places", "path VARCHAR, line BIGINT, reason VARCHAR", collect_files.wrong_places),
        Fact("csv_problems", "path VARCHAR, line BIGINT, problem VARCHAR", log_facts.problems),
        Fact("csv_unread", "path VARCHAR, reason VARCHAR", log_facts.unread),
        Fact("csv_lost_rows", "path VARCHAR, row BIGINT, line BIGINT, demo BOOLEAN", log_facts.lost_rows),
        Fact("csv_secrets", "path VARCHAR, line BIGINT, column_name VARCHAR", log_facts.secrets),
        Fact(
            "csv_votes",
            "path VARCHAR, line BIGINT, agent VARCHAR, score DOUBLE, confidence DOUBLE, vote DOUBLE, selected BOOLEAN",
            log_facts.votes,
        ),
        Fact("parent_cycles", "row_id BIGINT", version_facts.cycles),
        Fact("changes", "row_id BIGINT, change_type VARCHAR", version_facts.changes),
    )
}


def relations(query: str) -> tuple[str, ...]:
    """Return the names of what a query reads, in the order in which they first occur."""
    body = "\n".join(line for line in query.splitlines() if not line.strip().startswith("--"))
    return tuple(dict.fromkeys(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", body)))
