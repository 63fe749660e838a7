"""Open the relations of a cache file, and the views on them, in a connection of its own."""

from __future__ import annotations

import glob
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import disk
from dbtools.database import cache, materialize, schema, sql
from dbtools.database.prompt_filter import PromptFilter, filter_prompts
from dbtools.errors import ParameterError, sentence

if TYPE_CHECKING:
    import duckdb


def connect(
    file: Path, rescued: Path | None, prompts: PromptFilter | None = None
) -> tuple[duckdb.DuckDBPyConnection, Path]:
    """Open the relations of a cache file in a connection of its own, with every derived view.

    DuckDB gives the files it spills to the same names in every connection: each needs a folder of its own, the second
    value.
    """
    import duckdb

    spill, derived = cache.workplace("spill-", file.parent), materialize.file_of(file)
    connection = None
    try:
        connection = duckdb.connect(":memory:", config=sql.config(spill))
        connection.execute("SET enable_progress_bar = false")  # it would draw itself into whatever cell is running
        connection.execute(f"ATTACH {sql.quote(file)} AS cache (READ_ONLY)")
        # What is not meant for users is found by its name too, but not listed.
        connection.execute("CREATE SCHEMA internal")
        connection.execute("SET search_path = 'memory.main,memory.internal'")
        connection.execute(sql.read_sql("macros.sql"))
        if file.stem.endswith("-facts"):
            connection.execute("CREATE VIEW facts AS FROM cache.main.facts")
            return connection, spill
        connection.execute(sql.define_prices())
        for table in schema.TABLES:
            name = f"internal.unfiltered_{table.relation}" if prompts else table.relation
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * EXCLUDE (unreadable, dashed) "  # noqa: S608 - allow-list
                f"FROM cache.main.{table.relation}"
            )
        if prompts:
            filter_prompts(connection, prompts)
        connection.execute("CREATE VIEW internal.unreadable_cells AS SELECT * FROM cache.main.unreadable_cells")
        connection.execute(f"CREATE VIEW internal.id_cells AS {schema.id_cells()}")
        connection.execute("CREATE TEMP TABLE named_agents (source VARCHAR)")
        for name, query in sql.views():
            if name != "facts":
                connection.execute(f"CREATE VIEW {sql.qualify(name)} AS {query}")
        for view in sorted(v.name for v in sql.FILES.joinpath("views").iterdir() if v.name.endswith(".sql")):
            connection.execute(sql.read_sql("views", view))
        if rescued:
            _offer_rescued(connection, rescued)
        if derived.is_file():
            with suppress(duckdb.Error):  # dropped this moment, or damaged: the views work it out anew
                materialize.use(connection, derived, prompts is not None)
    except BaseException:
        if connection:
            connection.close()
        disk.remove_temporary(spill)
        raise
    return connection, spill


def _offer_rescued(connection: duckdb.DuckDBPyConnection, backups: Path) -> None:
    """Offer the rescued rows of every cleanup run; the same file rescued by several runs is one relation."""
    import duckdb

    found: dict[str, list[Path]] = {}
    for file in sorted(backups.glob("*/rescued/[!.]*.parquet")):
        found.setdefault(file.stem, []).append(file)
    for name, files in found.items():
        try:
            paths = ", ".join(sql.quote(glob.escape(str(file))) for file in files)
            connection.execute(
                f"CREATE TABLE {sql.identifier(name)} AS "
                f"FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
            )
        except (duckdb.Error, ParameterError):
            # The database itself is sound: whoever needs the rescued rows is told, and nobody else is stopped.
            text = sentence("The rescued rows cannot be read", files[-1], "restore the run, or move the file away")
            warnings.warn(text, stacklevel=2)
