"""Write docs/relations.md from comments.sql: ``python -m dbtools.database.describe docs/relations.md``."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from dbtools import disk
from dbtools.database import load, sql
from dbtools.database.database import define
from dbtools.database.ratings import Ratings
from dbtools.database.schema import TABLES

_HEAD = """# Relations

What `db.relations` lists, and what each column means. This page is generated: `make relations` writes it from
`dbtools/database/comments.sql`. Projects with rescued rows also have one relation `rescued_…` per rescued file, with
the columns of that file.

## Words

- **version**: one text for a prompt, written by an agent or another source.
- **score**: five numbers that the judge gives a version; **total**: their sum.
- **head**: the version that the application recorded as the best one of a prompt.
- **contest**: the last versions of two or more agents for one prompt.
- **provenance**: whether a row is real, generated, a placeholder of a failed run, or unknown.
- **scale**: how scores were given; totals are compared on one scale only.
"""
_COLUMNS = "| column | type | meaning | unit | origin |\n|---|---|---|---|---|"


def describe() -> str:
    """Return the page: every relation with its columns. Reads only."""
    with (
        disk.temporary_folder("dbtools-describe-") as spill,
        closing(sql.connect(":memory:", sql.config(spill))) as connection,
    ):
        connection.execute("ATTACH ':memory:' AS cache")
        connection.execute("USE cache")
        connection.execute(sql.macros())
        connection.execute("CREATE TABLE unreadable_cells (relation VARCHAR, column_name VARCHAR, row_id BIGINT)")
        for table in TABLES:
            load.create(connection, table, {}, load.NO_ROWS, True)
        connection.execute("USE memory")
        define(connection, None, Ratings())
        connection.execute(sql.read_sql("comments.sql"))
        found = connection.execute(
            "SELECT c.table_name, coalesce(v.comment, t.comment), c.column_name, c.data_type, c.comment "
            "FROM duckdb_columns() AS c "
            "LEFT JOIN duckdb_views() AS v ON v.view_oid = c.table_oid AND v.database_name = c.database_name "
            "LEFT JOIN duckdb_tables() AS t ON t.table_oid = c.table_oid AND t.database_name = c.database_name "
            "WHERE c.database_name = 'memory' AND c.schema_name = 'main' AND NOT c.internal "
            "ORDER BY c.table_name, c.column_index"
        ).fetchall()
    page, last = [_HEAD], ""
    for relation, text, column, kind, comment in found:
        if relation != last:
            page.append(
                f"\n## {relation}\n\n{text}.\n\n| column | type | meaning | unit | origin |\n|---|---|---|---|---|"
            )
            last = relation
        page.append(f"| {column} | {kind} | {comment} |")
    return "\n".join(page) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(describe(), encoding="utf-8")
