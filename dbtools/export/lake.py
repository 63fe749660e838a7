"""Write a lake: every relation as Parquet files in a folder per month, proved, and put in place by one last step."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database import lake
from dbtools.database.schema import TABLES
from dbtools.database.sql import quote
from dbtools.disk import sync
from dbtools.errors import ExportError, ParameterError
from dbtools.export import place
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.verify import difference, digest
from dbtools.progress import bar
from dbtools.project import LAKE

if TYPE_CHECKING:
    import duckdb

    from dbtools.database import Database

_MOMENTS = {table.relation: next(c.name for c in table.columns if c.kind == "timestamp") for table in TABLES}
_MOMENTS["unreadable_cells"] = "NULL::TIMESTAMP"
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


def write(
    connection: duckdb.DuckDBPyConnection,
    manifest: ExportManifest,
    known: tuple[ExportedFile, ...],
    origin: Mapping[str, Any],
    quiet: bool,
) -> ExportManifest:
    """Write every relation of the database into `manifest.folder`, which is reserved, and prove it.

    Changes files: adds the files of the new state, then replaces ``lake.json``, which says what is in the lake, then
    removes those of the state before; whoever reads meanwhile reads one of the two.

    Raises
    ------
    ConflictError
        A file in the way is not an unchanged earlier export; nothing was written.
    ExportError
        What was written cannot be proved.
    """
    folder = manifest.folder
    old = _owned(folder, known)
    connection.execute("SET preserve_insertion_order = false")
    with place.staging(folder) as staged:
        steps = bar(_MOMENTS, desc="lake", unit="relation", leave=False, disable=quiet)
        files = tuple(file for relation in steps for file in _stage(connection, staged, manifest, relation))
        manifest = replace(manifest, files=(*files, _describe(staged, manifest, files, origin)))
        _publish(staged, manifest, known, old)
    return manifest


def _owned(folder: Path, known: tuple[ExportedFile, ...]) -> dict[str, os.stat_result | None]:
    """Return the files of the lake as it is; anything else in its folders is in the way."""
    found = [LAKE]
    for relation in _MOMENTS:
        for path in (folder / relation, *sorted((folder / relation).rglob("*"))):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                found.append(path.relative_to(folder).as_posix())
    return {name: place.owned(folder, name, known) for name in found}


def _stage(
    connection: duckdb.DuckDBPyConnection, staged: Path, manifest: ExportManifest, relation: str
) -> Iterator[ExportedFile]:
    """Write one relation, flush its files to the disk, prove them together, and describe each."""
    described = connection.execute(f"DESCRIBE cache.main.{relation}").fetchall()
    cells = {name: _CELLS.get(kind, "{}").format(f'"{name}"') for name, kind, *_ in described}
    month = f"coalesce(strftime({_MOMENTS[relation]}, '%Y-%m'), '{_UNKNOWN}')"
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
    kept = digest([f"({cell})::VARCHAR" for cell in cells.values()], own=True)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE kept AS SELECT {kept} AS digest FROM cache.main.{relation}")  # noqa: S608
    written = digest([f'"{name}"::VARCHAR' for name in cells], own=True)
    listed = ", ".join(quote(glob.escape(str(file))) for file in files)
    reader = f"read_parquet([{listed}], hive_types = {{month: VARCHAR}})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT {written} AS digest, false AS marked FROM {reader}"  # noqa: S608
    )
    if difference(connection).size:
        raise ExportError(
            "What was written does not equal the database", relation, "nothing was put in place; please report it"
        )
    counts = f"SELECT file_name, num_rows FROM parquet_file_metadata([{listed}])"  # noqa: S608
    return dict(connection.execute(counts).fetchall())


def _describe(
    staged: Path, manifest: ExportManifest, files: tuple[ExportedFile, ...], origin: Mapping[str, Any]
) -> ExportedFile:
    listed = {relation: tuple(f.path for f in files if f.layout == relation) for relation in _MOMENTS}
    file = staged / LAKE
    file.write_text(lake.dumps({**origin, "path": manifest.database}, listed), encoding="utf-8")
    sync(file)
    return manifest.describe(file, LAKE, "lake", 0)


def _publish(
    staged: Path,
    manifest: ExportManifest,
    known: tuple[ExportedFile, ...],
    old: Mapping[str, os.stat_result | None],
) -> None:
    """Put the proved files in place, then what names them; only then remove those that it named before."""
    folder = manifest.folder
    with place.publishing(staged, manifest, known, old):
        for file in manifest.files:  # lake.json is the last of them
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.path == LAKE:
                for path in {(folder / f.path).parent for f in manifest.files} | {folder / r for r in _MOMENTS}:
                    sync(path)
            (staged / file.path).replace(target)
        sync(folder)
        for name in old.keys() - {file.path for file in manifest.files}:
            (folder / name).unlink(missing_ok=True)
            if not any((folder / name).parent.iterdir()):
                (folder / name).parent.rmdir()
