"""Derived relations that are worked out once per state of a database, and kept beside its copy.

What is in one of them depends on one prompt only, its column prompt_id, so that some prompts of what is kept are what
these prompts alone would give.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.database import sql
from dbtools.progress import step

if TYPE_CHECKING:
    import duckdb

RELATIONS = ("row_provenance", "scored_versions", "contest_entries")
VIEWS = ("10_row_provenance.sql", "20_scored_versions.sql", "25_contest_entries.sql")


def file_of(copy: Path) -> Path:
    """Return where the derived relations of a copy are kept: all copies of one state share them."""
    return copy.with_name(f"{copy.stem.rsplit('-', 1)[0]}-derived.duckdb")


def build(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write the derived relations into a new DuckDB file. Changes files: creates `target`."""
    connection.execute(f"ATTACH {sql.quote(target)} AS built")
    for name in RELATIONS:
        step(f"working out {name.replace('_', ' ')}")
        connection.execute(f"CREATE TABLE built.{name} AS FROM {name}")
        # From here on the next one reads what was just written.
        connection.execute(f"CREATE OR REPLACE VIEW {sql.qualify(name)} AS FROM built.main.{name}")
    connection.execute("CHECKPOINT built")


def use(connection: duckdb.DuckDBPyConnection, file: Path, narrowed: bool) -> None:
    """Read the derived relations from where they are kept; of some prompts, when those are already chosen."""
    connection.execute(f"ATTACH {sql.quote(file)} AS derived (READ_ONLY)")
    some = " WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids)" if narrowed else ""
    for name in RELATIONS:
        connection.execute(f"CREATE OR REPLACE VIEW {sql.qualify(name)} AS FROM derived.main.{name}{some}")
