"""Write exports: into a folder of their own first, proved there, and only then put in place."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import server
from dbtools.errors import BusyError, ConflictError, ExportError, ParameterError, first_line, readable
from dbtools.export import guard as guards
from dbtools.export import layout as layout_of
from dbtools.export import manifest as manifests
from dbtools.export.layout import LAYOUTS, Column
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.proof import prove
from dbtools.progress import bar
from dbtools.project import STAGING, Project, usable
from dbtools.source.loader import MEMORY, quote
from dbtools.source.scratch import flush

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import duckdb

    from dbtools.source import Database

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
    guard: bool = True,
    now: datetime | None = None,
    progress: bool = True,
    project: Project | None = None,
) -> ExportManifest:
    """Export the database as it was attached, one file ``<layout>.<format>`` each, and prove every file.

    Changes files: creates `folder`, and replaces its own earlier exports in it, each in one step; ``exports.json``
    is written last. Every file is read back and compared with the database before any is put in place.

    Parameters
    ----------
    folder : path, optional
        By default the project's export folder.
    layouts : sequence of str, optional
        Which of `LAYOUTS`; by default (or when empty) all whose table the database has. A layout named here whose
        table is lacking gives a file without rows.
    formats : sequence of str
        Which of `FORMATS`. JSON files hold one array; ids are dashed text everywhere, times ISO text except in Parquet.
    guard : bool
        Whether to put an apostrophe before text cells of CSV files that a spreadsheet would run as a formula;
        `dbtools.export.unguard` takes it off. Other formats are never guarded.
    now : datetime, optional
        The time to note.

    Raises
    ------
    ParameterError
        A layout or format is unknown, no folder is known, or the long texts are not loaded.
    ConflictError
        A file in the way is not an unchanged earlier export; nothing was written.
    BusyError, ExportError
        Another export runs there; what was written cannot be proved, or the disk refuses it.
    """
    project = project or db.project
    target = _folder(folder, project)
    chosen = _known("layout", layouts or LAYOUTS, LAYOUTS)
    kinds = _known("format", formats, tuple(FORMATS))
    skipped = tuple(n for n in chosen if not layouts and layout_of.is_lacking(n, db.origin["tables"]))
    chosen = tuple(n for n in chosen if n not in skipped)
    with db.workspace() as connection:
        connection.execute(guards.MACROS)
        columns = {n: layout_of.filled(connection, n, layout_of.columns(connection, n)) for n in chosen}
        manifest = ExportManifest(
            folder=target,
            files=(),
            skipped=skipped,
            database=readable(_named(db.origin["path"], project)),
            fingerprint=db.origin["fingerprint"],
            generation=db.origin["generation"],
            created=(now or datetime.now(UTC)).astimezone(UTC).isoformat(),
            unreadable_cells=db.rows("unreadable_cells"),
            proved=True,
        )
        with _reserved(target), _explained(target):
            known = manifests.read(target)
            seen = {name: _owned(target / name, known) for name in (f"{n}.{k}" for n in chosen for k in kinds)}
            with _staging(target) as staging:
                small = sum(db.origin["tables"].values()) < _QUIET
                work = [(name, kind) for name in chosen for kind in kinds]
                steps = bar(work, desc="export", unit="file", leave=False, disable=small or not progress)
                files = tuple(
                    _stage(connection, staging, manifest, name, columns[name], kind, guard) for name, kind in steps
                )
                manifest = replace(manifest, files=files)
                _publish(staging, manifest, known, seen)
    return manifest


def _named(path: str, project: Project | None) -> str:
    """Return what a manifest calls the database: short for a file, the address of a server."""
    if server.is_url(path):
        return path
    return project.relative(Path(path)) if project else Path(path).name


def _folder(folder: str | os.PathLike[str] | None, project: Project | None) -> Path:
    if folder is None or not os.fspath(folder):
        if project is None:
            raise ParameterError("No export folder is known", None, "give a folder, or attach a project")
        return project.exports
    with usable(folder):
        path = Path(folder).expanduser().absolute()
        path.resolve().exists()  # raises for what can never be a folder
    return path


def _known(what: str, names: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    for name in given or ("",):
        if name not in known:
            raise ParameterError(f"No such {what}", name, f"use one of {', '.join(known)}")
    return given


@contextmanager
def _reserved(folder: Path) -> Iterator[None]:
    """Keep other exports out of the folder, which is made if need be and removed again when nothing came of it."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    descriptor = None
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in made:
                flush(path.parent)
            if fcntl:
                descriptor = os.open(folder, os.O_RDONLY)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("Another export is writing into the folder", folder, "try again later") from None
        except OSError as error:
            what = f"Cannot use the export folder ({error.strerror})"
            raise ParameterError(what, folder, "give another folder") from None
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
        for path in made:
            with suppress(OSError):  # not empty: the export is in it
                path.rmdir()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into a sentence."""
    import duckdb

    try:
        yield
    except (OSError, duckdb.Error) as error:
        short_of_memory = isinstance(error, duckdb.OutOfMemoryException)
        mend = f"set ${MEMORY} higher" if short_of_memory else "free space or mend the rights"
        todo = f"{mend}, and export again; files already in place are whole and proved"
        raise ExportError(f"The export could not be completed ({first_line(error)})", folder, todo) from None


def _owned(file: Path, known: tuple[ExportedFile, ...]) -> os.stat_result | None:
    """Return the state of an earlier export that may be replaced; None where there is no file."""
    try:
        facts = file.lstat()
    except FileNotFoundError:
        return None
    own = [entry for entry in known if entry.path == file.name]
    if not stat.S_ISREG(facts.st_mode) or not any(manifests.is_unchanged(file, entry) for entry in own):
        raise ConflictError("A file that is not an unchanged export is in the way", file, manifests.TODO)
    return facts


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Make a folder for files not yet proved, on the same file system; what a killed export left goes first."""
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


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
    flush(file)
    return ExportedFile(
        path=file.name,
        layout=name,
        format=kind,
        rows=prove(connection, file, name, kind, guarded, columns),
        bytes=file.stat().st_size,
        sha256=manifests.sha256(file),
        guarded=guarded,
        database=manifest.database,
        fingerprint=manifest.fingerprint,
        generation=manifest.generation,
        created=manifest.created,
    )


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
    for name, facts in seen.items():
        if _state(folder / name) != (facts and _identity(facts)):
            raise ConflictError("A file changed during the export", folder / name, manifests.TODO)
    # Old and new entries together, not yet proved: whenever this is interrupted, each file in place is one of those
    # listed, and old ones beside new ones do not pass for one export.
    _put_manifest(staging, replace(manifest, proved=False), (*known, *manifest.files))
    for file in manifest.files:
        (staging / file.path).replace(folder / file.path)
    flush(folder)
    kept = (e for e in known if e.path not in seen and manifests.is_unchanged(folder / e.path, e))
    _put_manifest(staging, manifest, (*kept, *manifest.files))


def _put_manifest(staging: Path, manifest: ExportManifest, files: tuple[ExportedFile, ...]) -> None:
    file = staging / manifests.NAME
    file.write_text(manifests.dumps(manifest, tuple(sorted(files, key=lambda f: f.path))), encoding="utf-8")
    flush(file)
    file.replace(manifest.folder / manifests.NAME)
    flush(manifest.folder)


def _state(file: Path) -> tuple[int, ...] | None:
    try:
        return _identity(file.lstat())
    except FileNotFoundError:
        return None


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns
