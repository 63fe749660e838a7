"""Write exports: into a temporary folder first, proved there by re-reading, and only then moved to their folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import disk, server
from dbtools.clock import utc
from dbtools.database.attach import takes_project
from dbtools.database.sql import quote
from dbtools.errors import BusyError, ExportError, ParameterError, explained, readable, usable
from dbtools.export import lake
from dbtools.export import layout as layout_of
from dbtools.export import manifest as manifests
from dbtools.export.layout import LAYOUTS, Column
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.verify import prove
from dbtools.files import csvfile
from dbtools.progress import bar
from dbtools.project import STAGING, Project

if TYPE_CHECKING:
    import duckdb

    from dbtools.database import Database

FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "parquet": "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json, ARRAY false",
}
_NO_BAR = 100_000  # rows; a smaller database is exported without a progress bar


@takes_project
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

    Changes files: creates `folder` and replaces its own earlier exports there, each in one step. ``exports.json`` is
    written before them, as not proved, and again after them. Every file is read back and compared with the database
    before any is moved to the folder.

    Parameters
    ----------
    folder : path, optional
        By default the project's export folder.
    layouts : sequence of str, optional
        Which of `LAYOUTS`; by default (or when empty) all whose table the database has, but ``rating_tasks``. A layout
        named here whose table is lacking gives a file without rows.
    formats : sequence of str
        Which of `FORMATS`. JSON files hold one array, JSONL files (always for ``rating_tasks``) one object a
        line; ids are dashed text everywhere, times ISO text except in Parquet.
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
    target = _folder(folder, project)
    usual = tuple(name for name in LAYOUTS if name not in layout_of.ON_REQUEST)
    chosen = _known("layout", layouts or usual, LAYOUTS)
    kinds = _known("format", formats, tuple(FORMATS))
    if partition_by is not None:
        lake.check(db, partition_by, kinds, layouts)
        chosen = ()
    skipped = tuple(n for n in chosen if not layouts and layout_of.is_lacking(n, db.origin["tables"]))
    chosen = tuple(n for n in chosen if n not in skipped)
    manifest = _begin(db, target, project, skipped, now)
    hidden = not progress or sum(db.origin["tables"].values()) < _NO_BAR
    stopped, todo = "The export stopped, and files already in place are complete", "free space or check permissions"
    refusals = (OSError, duckdb.Error)
    with (
        explained(ExportError, stopped, target, todo, then="export again", catch=refusals),
        db.workspace() as connection,
    ):
        connection.execute(csvfile.ESCAPE_MACROS)
        columns = {n: layout_of.filled(connection, n, layout_of.columns(connection, n)) for n in chosen}
        with _reserved(target):
            known = manifests.read(target)
            names = lake.existing(target) if partition_by else [f"{name}.{kind}" for name, kind in _work(chosen, kinds)]
            before = {name: manifests.replaceable(target, name, known) for name in names}
            with _staging(target) as staged:
                if partition_by:
                    files = lake.stage(connection, staged, manifest, db.origin, hidden)
                else:
                    files = _stage(connection, staged, manifest, columns, kinds, guard, hidden)
                manifest = replace(manifest, files=tuple(files))
                _publish(staged, manifest, known, before)
    return manifest


def _folder(folder: str | os.PathLike[str] | None, project: Project | None) -> Path:
    """Return the folder to write into: the one given, else the project's."""
    if folder is None or not os.fspath(folder):
        if project is None:
            raise ParameterError("No export folder is known", None, "give a folder, or attach a project")
        return project.check_folder(project.exports)
    with usable(folder):
        path = Path(folder).expanduser().absolute()
        path.resolve().exists()  # raises for what can never be a folder
    return path


@contextmanager
def _reserved(folder: Path) -> Iterator[None]:
    """Make the folder if it is missing and lock it; remove it again if nothing was written."""
    with ExitStack() as stack:
        with explained(ParameterError, "Cannot use the export folder", folder, "give another folder"):
            stack.enter_context(disk.made_folder(folder))
            alone = stack.enter_context(disk.locked_folder(folder))
        if alone is False:
            raise BusyError("Another export is writing into the folder", folder, "try again later")
        yield


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Make a folder for files not yet proved, on the same file system; first remove that of a killed export."""
    staged = folder / STAGING
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


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
    staged: Path,
    manifest: ExportManifest,
    columns: Mapping[str, tuple[Column, ...]],
    kinds: tuple[str, ...],
    guard: bool,
    hidden: bool,
) -> Iterator[ExportedFile]:
    """Write each layout in each format, sync and prove it, and describe it."""
    for name, kind in bar(_work(columns, kinds), desc="export", unit="file", leave=False, disable=hidden):
        file = staged / f"{name}.{kind}"
        escaped = guard and kind == "csv"
        cells = ", ".join(f'{_cell(column, kind, escaped)} AS "{column.name}"' for column in columns[name])
        # Identifiers are those of our own layouts.
        connection.execute(f"COPY (SELECT {cells} FROM ({layout_of.query(name)})) TO {quote(file)} ({FORMATS[kind]})")  # noqa: S608
        disk.sync(file)
        rows = prove(connection, file, name, kind, escaped, columns[name])
        yield manifest.describe(file, file.name, name, rows, guarded=escaped)


def _work(names: Iterable[str], kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each layout with each of its formats."""
    return [(name, kind) for name in names for kind in layout_of.ON_REQUEST.get(name, kinds)]


def _cell(column: Column, kind: str, escaped: bool) -> str:
    cell = f'"{column.name}"'
    if column.type == "UUID":  # Spark cannot read Parquet's own kind
        return f"{cell}::VARCHAR"
    if column.type == "TIMESTAMP" and kind != "parquet":
        return f"strftime({cell}, '%Y-%m-%dT%H:%M:%S.%f')"
    if column.type == "VARCHAR" and escaped:
        return f"escaped({cell})"
    if column.type == "DOUBLE" and kind in ("json", "jsonl"):  # JSON has no infinity
        return f"CASE WHEN isfinite({cell}) THEN to_json({cell}) ELSE to_json({cell}::VARCHAR) END"
    return cell


def _publish(
    staged: Path,
    manifest: ExportManifest,
    known: tuple[ExportedFile, ...],
    before: Mapping[str, os.stat_result | None],
) -> None:
    """Move the proved files to the folder and remove the files in `before` that are not part of the new export.

    Changes files: ``exports.json`` is written first, as not proved, with the entries of old and new files. So each file
    is listed whenever this is interrupted, and a mixture of old and new files never passes for one export.

    Raises
    ------
    ConflictError
        A file is no longer as it was `before`; nothing was changed.
    """
    folder = manifest.folder
    manifests.check_unchanged(folder, before)
    _list(staged, replace(manifest, proved=False), (*known, *manifest.files))
    moves = [(staged / file.path, folder / file.path) for file in manifest.files]
    with ExitStack() as stack:
        for parent in sorted({target.parent for _, target in moves}):
            stack.enter_context(disk.made_folder(parent))
        disk.publish(moves[:-1])
        disk.publish(moves[-1:])  # of a lake it is lake.json, which names the others
    new = {file.path for file in manifest.files}
    for name in before.keys() - new:
        (folder / name).unlink(missing_ok=True)
        if not any((folder / name).parent.iterdir()):
            (folder / name).parent.rmdir()
    others = (e for e in known if e.path not in {*before, *new} and manifests.is_unchanged(folder / e.path, e))
    _list(staged, manifest, (*others, *manifest.files))


def _list(staged: Path, manifest: ExportManifest, files: tuple[ExportedFile, ...]) -> None:
    """Write ``exports.json`` in one step, with `files` as all that the folder holds."""
    file = staged / manifests.NAME
    file.write_text(manifests.dumps(manifest, files), encoding="utf-8")
    disk.publish([(file, manifest.folder / manifests.NAME)])
