"""Write the files of a lake: every relation as Parquet files in a folder per month, proved by re-reading."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database import lake
from dbtools.database.schema import TABLES
from dbtools.database.sql import quote
from dbtools.disk import sync
from dbtools.errors import ExportError, ParameterError
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.verify import difference, digest
from dbtools.progress import bar
from dbtools.project import LAKE

if TYPE_CHECKING:
    import duckdb

    from dbtools.database import Database

_TIMES = {table.relation: next(c.name for c in table.columns if c.kind == "timestamp") for table in TABLES}
_TIMES["unreadable_cells"] = "NULL::TIMESTAMP"
# What Parquet and Spark have no type for. A hash is only ever compared with another one.
_CELLS = {"UUID": "{}::VARCHAR", "UBIGINT": "({}::HUGEINT - 9223372036854775808)::BIGINT"}
_UNKNOWN = "unknown"


def check(db: Database, partition_by: str, formats: Sequence[str], layouts: Sequence[str] | None) -> None:
    """Refuse what makes no lake.

    Raises
    ------
    ParameterError
        Another partition than by month, another format than Parquet, chosen layouts, or chosen prompts.
    """
    if partition_by != "month":
        raise ParameterError("No such partition", partition_by, "use month")
    if tuple(formats) != ("parquet",):
        raise ParameterError("A lake consists of Parquet files", ", ".join(formats), "give the format parquet alone")
    if layouts:
        raise ParameterError("A lake holds every relation", ", ".join(layouts), "leave the layouts out")
    if db.filter_note:
        raise ParameterError("A lake holds the whole database", db.filter_note, "export without a choice of prompts")


def existing(folder: Path) -> list[str]:
    """Return what lies where the files of a lake go, by path in the folder. Reads only."""
    found = [LAKE]
    for relation in _TIMES:
        for path in (folder / relation, *sorted((folder / relation).rglob("*"))):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                found.append(path.relative_to(folder).as_posix())
    return found


def stage(
    connection: duckdb.DuckDBPyConnection,
    staged: Path,
    manifest: ExportManifest,
    origin: Mapping[str, Any],
    hidden: bool,
) -> Iterator[ExportedFile]:
    """Write every relation of the database into the folder `staged`, prove it, and describe each file.

    Changes files: in `staged`. The last file is ``lake.json``, which names the others.

    Raises
    ------
    ExportError
        What was written cannot be proved.
    """
    connection.execute("SET preserve_insertion_order = false")
    listed: dict[str, tuple[str, ...]] = {}
    for relation in bar(_TIMES, desc="lake", unit="relation", leave=False, disable=hidden):
        files = tuple(_stage(connection, staged, manifest, relation))
        listed[relation] = tuple(file.path for file in files)
        yield from files
    names = staged / LAKE
    names.write_text(lake.dumps({**origin, "path": manifest.database}, listed), encoding="utf-8")
    sync(names)
    yield manifest.describe(names, LAKE, "lake", 0)


def _stage(
    connection: duckdb.DuckDBPyConnection, staged: Path, manifest: ExportManifest, relation: str
) -> Iterator[ExportedFile]:
    """Write one relation, sync its files, prove them together, and describe each."""
    described = connection.execute(f"DESCRIBE cache.main.{relation}").fetchall()
    cells = {name: _CELLS.get(kind, "{}").format(f'"{name}"') for name, kind, *_ in described}
    month = f"coalesce(strftime({_TIMES[relation]}, '%Y-%m'), '{_UNKNOWN}')"
    selected = f"SELECT {', '.join(f'{cell} AS {name}' for name, cell in cells.items())}"
    how = "FORMAT parquet, COMPRESSION zstd"
    connection.execute(
        f"COPY ({selected}, {month} AS month FROM cache.main.{relation}) TO {quote(staged / relation)} "
        f"({how}, PARTITION_BY (month), FILENAME_PATTERN '{{uuid}}')"
    )
    if not any(staged.glob(f"{relation}/*/*.parquet")):  # no rows; but readers learn the columns from a file
        (staged / relation / f"month={_UNKNOWN}").mkdir(parents=True)
        empty = staged / relation / f"month={_UNKNOWN}" / f"{manifest.fingerprint}.parquet"
        connection.execute(f"COPY ({selected} FROM cache.main.{relation}) TO {quote(empty)} ({how})")
    files = sorted(staged.glob(f"{relation}/*/*.parquet"))
    for path in (*files, *sorted({file.parent for file in files}), staged / relation):
        sync(path)
    rows = _prove(connection, relation, files, {**cells, "month": month})
    for file in files:
        yield manifest.describe(file, file.relative_to(staged).as_posix(), relation, rows[str(file)])


def _prove(
    connection: duckdb.DuckDBPyConnection, relation: str, files: list[Path], cells: Mapping[str, str]
) -> dict[str, int]:
    """Read the files back, compare rows and months with the database as multisets, and count the rows of each."""
    known = digest([f"({cell})::VARCHAR" for cell in cells.values()], own=True)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS SELECT {known} AS digest FROM cache.main.{relation}")  # noqa: S608
    written = digest([f'"{name}"::VARCHAR' for name in cells], own=True)
    listed = ", ".join(quote(glob.escape(str(file))) for file in files)
    reader = f"read_parquet([{listed}], hive_types = {{month: VARCHAR}})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT {written} AS digest, false AS maybe_escaped FROM {reader}"  # noqa: S608
    )
    if difference(connection).size:
        raise ExportError(
            "What was written does not equal the database", relation, "no export was changed; please report it"
        )
    counts = f"SELECT file_name, num_rows FROM parquet_file_metadata([{listed}])"  # noqa: S608
    return dict(connection.execute(counts).fetchall())
