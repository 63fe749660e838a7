"""Write exports: into a folder of their own first, proved there, and only then put in place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import server
from dbtools.clock import utc
from dbtools.database.sql import quote
from dbtools.disk import sync
from dbtools.errors import ExportError, ParameterError, explained, readable
from dbtools.export import csv_escape as guards
from dbtools.export import lake, place
from dbtools.export import layout as layout_of
from dbtools.export import manifest as manifests
from dbtools.export.layout import LAYOUTS, Column
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.verify import prove
from dbtools.progress import bar
from dbtools.project import Project

if TYPE_CHECKING:
    import duckdb

    from dbtools.database import Database

FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "parquet": "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480",
    "json": "FORMAT json, ARRAY true",
}
_QUIET = 100_000  # rows; exporting a database with fewer takes no progress bar


def write(
    db: Database,
    folder: str | os.PathLike[str] | None = None,
    *,
    layouts: Sequence[str] | None = None,
    formats: Sequence[str] = ("csv",),
    partition_by: str | None = None,
    guard: bool = True,
    now: datetime | None = None,
    progress: bool = True,
    project: Project | None = None,
) -> ExportManifest:
    """Export the database as it was attached, one file ``<layout>.<format>`` per layout and format, each proved.

    Changes files: creates `folder`, and replaces its own earlier exports in it, each in one step; ``exports.json``
    is written before them, as not proved, and again after them. Every file is read back and compared with the database
    before any is put in place.

    Parameters
    ----------
    folder : path, optional
        By default the project's export folder.
    layouts : sequence of str, optional
        Which of `LAYOUTS`; by default (or when empty) all whose table the database has. A layout named here whose
        table is lacking gives a file without rows.
    formats : sequence of str
        Which of `FORMATS`. JSON files hold one array; ids are dashed text everywhere, times ISO text except in Parquet.
    partition_by : {"month"}, optional
        Write a lake instead of layouts: every relation as Parquet files in a folder per month in which a row was
        created, for `attach(folder)`, Spark and others. Formats must be ``("parquet",)``.
    guard : bool
        Whether to put an apostrophe before text cells of CSV files that a spreadsheet would run as a formula;
        `dbtools.export.unguard` takes it off. Other formats are never guarded.
    now : datetime, optional
        The time to note; without a time zone, UTC.

    Raises
    ------
    ParameterError
        A layout or format is unknown, no folder is known, or the long texts are not loaded.
    ConflictError
        A file in the way is not an unchanged earlier export; nothing was written.
    BusyError, ExportError
        Another export runs there; what was written cannot be proved, or the disk refuses it.
    """
    import duckdb

    project = project or db.project
    target = place.folder_of(folder, project)
    chosen = _known("layout", layouts or LAYOUTS, LAYOUTS)
    kinds = _known("format", formats, tuple(FORMATS))
    if partition_by is not None:
        lake.check(db, partition_by, kinds, layouts)
        chosen = ()
    skipped = tuple(n for n in chosen if not layouts and layout_of.is_lacking(n, db.origin["tables"]))
    chosen = tuple(n for n in chosen if n not in skipped)
    manifest = _begin(db, target, project, skipped, now)
    quiet = not progress or sum(db.origin["tables"].values()) < _QUIET
    stopped, todo = "The export stopped, and files already in place are complete", "free space or check permissions"
    refusals = (OSError, duckdb.Error)
    with (
        explained(ExportError, stopped, target, todo, then="export again", catch=refusals),
        db.workspace() as connection,
    ):
        connection.execute(guards.MACROS)
        columns = {n: layout_of.filled(connection, n, layout_of.columns(connection, n)) for n in chosen}
        with place.reserved(target):
            known = manifests.read(target)
            if partition_by is not None:
                return lake.write(connection, manifest, known, db.origin, quiet)
            seen = {name: place.owned(target, name, known) for name in (f"{n}.{k}" for n in chosen for k in kinds)}
            with place.staging(target) as staging:
                work = [(name, kind) for name in chosen for kind in kinds]
                steps = bar(work, desc="export", unit="file", leave=False, disable=quiet)
                files = tuple(
                    _stage(connection, staging, manifest, name, columns[name], kind, guard) for name, kind in steps
                )
                manifest = replace(manifest, files=files)
                _publish(staging, manifest, known, seen)
    return manifest


def _begin(
    db: Database, folder: Path, project: Project | None, skipped: tuple[str, ...], now: datetime | None
) -> ExportManifest:
    return ExportManifest(
        folder=folder,
        files=(),
        skipped=skipped,
        database=readable(_named(db.origin["path"], project)),
        fingerprint=db.origin["fingerprint"],
        generation=db.origin["generation"],
        created=utc(now).isoformat(),
        unreadable_cells=db.rows("unreadable_cells"),
        proved=True,
    )


def _named(path: str, project: Project | None) -> str:
    """Return what a manifest calls the database: short for a file, the address of a server."""
    if server.is_url(path):
        return path
    return project.relative(Path(path)) if project else Path(path).name


def _known(what: str, names: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    for name in given or ("",):
        if name not in known:
            raise ParameterError(f"No such {what}", name, f"use one of {', '.join(known)}")
    return given


def _stage(
    connection: duckdb.DuckDBPyConnection,
    staging: Path,
    manifest: ExportManifest,
    name: str,
    columns: tuple[Column, ...],
    kind: str,
    guard: bool,
) -> ExportedFile:
    """Write one file, flush it to the disk, and prove it."""
    file = staging / f"{name}.{kind}"
    guarded = guard and kind == "csv"
    cells = ", ".join(f'{_cell(column, kind, guarded)} AS "{column.name}"' for column in columns)
    # Identifiers are those of our own layouts.
    connection.execute(f"COPY (SELECT {cells} FROM ({layout_of.query(name)})) TO {quote(file)} ({FORMATS[kind]})")  # noqa: S608
    sync(file)
    rows = prove(connection, file, name, kind, guarded, columns)
    return manifest.describe(file, file.name, name, rows, guarded=guarded)


def _cell(column: Column, kind: str, guarded: bool) -> str:
    cell = f'"{column.name}"'
    if column.type == "UUID":  # Spark cannot read Parquet's own kind
        return f"{cell}::VARCHAR"
    if column.type == "TIMESTAMP" and kind != "parquet":
        return f"strftime({cell}, '%Y-%m-%dT%H:%M:%S.%f')"
    if column.type == "VARCHAR" and guarded:
        return f"guarded({cell})"
    if column.type == "DOUBLE" and kind == "json":  # JSON has no infinity
        return f"CASE WHEN isfinite({cell}) THEN to_json({cell}) ELSE to_json({cell}::VARCHAR) END"
    return cell


def _publish(
    staging: Path,
    manifest: ExportManifest,
    known: tuple[ExportedFile, ...],
    seen: dict[str, os.stat_result | None],
) -> None:
    """Put the proved files in place, and the manifest last."""
    folder = manifest.folder
    with place.publishing(staging, manifest, known, seen):
        for file in manifest.files:
            (staging / file.path).replace(folder / file.path)
        sync(folder)
