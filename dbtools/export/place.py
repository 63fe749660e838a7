"""Where an export goes: a folder kept for one export at a time, files staged in it, and what of it may be replaced."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from dbtools import disk
from dbtools.disk import sync
from dbtools.errors import BusyError, ConflictError, ParameterError, explained, usable
from dbtools.export import manifest as manifests
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.project import STAGING, Project


def folder_of(folder: str | os.PathLike[str] | None, project: Project | None) -> Path:
    """Return the folder to write into: the one given, else the project's."""
    if folder is None or not os.fspath(folder):
        if project is None:
            raise ParameterError("No export folder is known", None, "give a folder, or attach a project")
        return project.exports
    with usable(folder):
        path = Path(folder).expanduser().absolute()
        path.resolve().exists()  # raises for what can never be a folder
    return path


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Keep other exports out of the folder, which is made if need be and removed again when nothing came of it."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with ExitStack() as stack:
        stack.callback(_remove_empty, made)
        with explained(ParameterError, "Cannot use the export folder", folder, "give another folder"):
            folder.mkdir(parents=True, exist_ok=True)
            for path in made:
                sync(path.parent)
            alone = stack.enter_context(disk.locked_folder(folder))
        if alone is False:
            raise BusyError("Another export is writing into the folder", folder, "try again later")
        yield


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # not empty: the export is in it
            folder.rmdir()


def owned(folder: Path, name: str, known: tuple[ExportedFile, ...]) -> os.stat_result | None:
    """Return the state of an earlier export that may be replaced; None where there is no file."""
    file = folder / name
    try:
        facts = file.lstat()
    except FileNotFoundError:
        return None
    own = [entry for entry in known if entry.path == name]
    if not stat.S_ISREG(facts.st_mode) or not any(manifests.is_unchanged(file, entry) for entry in own):
        raise ConflictError("A file that is not an unchanged export is in the way", file, manifests.TODO)
    return facts


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Make a folder for files not yet proved, on the same file system; what a killed export left goes first."""
    made = folder / STAGING
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def publishing(
    staged: Path,
    manifest: ExportManifest,
    known: tuple[ExportedFile, ...],
    seen: Mapping[str, os.stat_result | None],
) -> Iterator[None]:
    """List what is put in place in the ``with`` block: before it as not proved, after it as what the folder holds.

    Changes files: ``exports.json``.

    Raises
    ------
    ConflictError
        A file is no longer what `owned` saw; nothing was changed.
    """
    _check_unchanged(manifest.folder, seen)
    # Old and new entries together, not yet proved: whenever this is interrupted, each file in place is one of those
    # listed, and old ones beside new ones do not pass for one export.
    _put_manifest(staged, replace(manifest, proved=False), (*known, *manifest.files))
    yield
    own = {*seen, *(file.path for file in manifest.files)}
    kept = (e for e in known if e.path not in own and manifests.is_unchanged(manifest.folder / e.path, e))
    _put_manifest(staged, manifest, (*kept, *manifest.files))


def _put_manifest(staged: Path, manifest: ExportManifest, files: tuple[ExportedFile, ...]) -> None:
    """Put ``exports.json`` in place in one step, with `files` as all that the folder holds."""
    file = staged / manifests.NAME
    file.write_text(manifests.dumps(manifest, tuple(sorted(files, key=lambda f: f.path))), encoding="utf-8")
    sync(file)
    file.replace(manifest.folder / manifests.NAME)
    sync(manifest.folder)


def _check_unchanged(folder: Path, seen: Mapping[str, os.stat_result | None]) -> None:
    """Refuse to go on when a file is no longer what `owned` saw."""
    for name, facts in seen.items():
        try:
            now = (folder / name).lstat()
        except FileNotFoundError:
            now = None
        if (now and _identity(now)) != (facts and _identity(facts)):
            raise ConflictError("A file changed during the export", folder / name, manifests.TODO)


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns
