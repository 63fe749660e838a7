"""What an export wrote, and which files of a folder are provably an export's own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import ConflictError
from dbtools.html import counted, size, table
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

NAME = "exports.json"
_PATH = re.compile(r"[^/\\]+|\w+/month=[\w-]+/[^/\\]+")  # of a layout, or of a lake
TODO = "run the cleanup first, or give another folder"


@dataclass(frozen=True)
class ExportedFile:
    """One file as written and proved.

    Attributes
    ----------
    path : str
        Its name in the folder; of a lake, with the folders below it.
    layout, format : str
        The layout or relation it holds, and how.
    rows, bytes, sha256
        Its content.
    guarded : bool
        Whether cells that a spreadsheet would run carry an apostrophe (`dbtools.export.unguard` takes it off).
    database, fingerprint, generation : str
        The database it was made from, in which state, of which schema.
    created : str
        When, in UTC, ISO 8601.
    """

    path: str
    layout: str
    format: str
    rows: int
    bytes: int
    sha256: str
    guarded: bool
    database: str
    fingerprint: str
    generation: str
    created: str


@dataclass(frozen=True, repr=False)
class ExportManifest(Result):
    """What one export wrote.

    Attributes
    ----------
    folder : Path
        Where the files and ``exports.json`` are.
    files : tuple of ExportedFile
        The files of this export; ``exports.json`` also keeps those of earlier ones that are unchanged.
    skipped : tuple of str
        Layouts that were not asked for by name, and whose table the database lacks.
    unreadable_cells : int
        Cells of the database that could not be read as their type, and are empty here.
    proved : bool
        Every file was read back and equals the database.
    """

    folder: Path
    files: tuple[ExportedFile, ...]
    skipped: tuple[str, ...]
    database: str
    fingerprint: str
    generation: str
    created: str
    unreadable_cells: int
    proved: bool

    @property
    def sentence(self) -> str:
        """What was written."""
        rows, total = sum(file.rows for file in self.files), size(sum(file.bytes for file in self.files))
        proof = "each read back and equal to the database" if self.proved else "not proved"
        return f"{counted(len(self.files), 'file')}, {counted(rows, 'row')}, {total}; {proof}"

    def _table(self) -> str:
        frame = self.frame.assign(sha256=lambda f: f["sha256"].str[:12] + "…")
        shown = ["path", "layout", "format", "rows", "size_bytes", "guarded", "sha256"]
        return table(frame.rename(columns={"bytes": "size_bytes"})[shown], caption=self._caption)

    @property
    def frame(self) -> pd.DataFrame:
        """The files as a pandas DataFrame, one row each."""
        return frame_of(self.files, ExportedFile)

    def describe(self, file: Path, path: str, layout: str, rows: int, *, guarded: bool = False) -> ExportedFile:
        """Return the entry of a file of this export as it is on the disk; `path` is its name in the folder."""
        return ExportedFile(
            path=path,
            layout=layout,
            format=file.suffix[1:],
            rows=rows,
            bytes=file.stat().st_size,
            sha256=sha256(file),
            guarded=guarded,
            database=self.database,
            fingerprint=self.fingerprint,
            generation=self.generation,
            created=self.created,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain data."""
        return {
            **asdict(self),
            "folder": str(self.folder),
            "files": [asdict(file) for file in self.files],
            "skipped": list(self.skipped),
        }


def dumps(manifest: ExportManifest, files: tuple[ExportedFile, ...]) -> str:
    """Return the text of ``exports.json``: the manifest, with all `files` of the folder instead of its own."""
    entries = sorted(files, key=lambda file: file.path)
    values = {**manifest.to_dict(), "files": [asdict(file) for file in entries]}
    del values["folder"]  # the folder may be moved
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read(folder: Path) -> tuple[ExportedFile, ...]:
    """Return the files that the folder's ``exports.json`` lists; none where there is none. Reads only.

    Raises
    ------
    ConflictError
        A file of that name is there and is not a manifest of dbtools.
    """
    file = folder / NAME
    if not file.is_symlink() and not file.exists():
        return ()
    try:
        if file.is_symlink() or not file.is_file():
            raise ValueError
        names = {field.name for field in fields(ExportedFile)}
        # More keys may come with later versions; fewer, or a path that leads elsewhere, are not ours.
        listed = json.loads(file.read_text(encoding="utf-8"))["files"]
        found = tuple(ExportedFile(**{name: entry[name] for name in names}) for entry in listed)
        if any(not _PATH.fullmatch(entry.path) or "/." in f"/{entry.path}" for entry in found):
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise ConflictError("A file that is not a manifest of dbtools is in the way", file, TODO) from None
    return found


def listed(file: Path) -> ExportedFile | None:
    """Return what the manifest beside `file` says of exactly these bytes, if anything. Reads only."""
    try:
        entries = read(file.parent)
    except ConflictError:
        return None
    return next((e for e in entries if e.path == file.name and is_unchanged(file, e)), None)


def is_unchanged(file: Path, entry: ExportedFile) -> bool:
    """Tell whether `file` is a regular file with the bytes that the entry was written with. Reads only."""
    return not file.is_symlink() and file.is_file() and sha256(file) == entry.sha256


def replaceable(folder: Path, name: str, known: tuple[ExportedFile, ...]) -> os.stat_result | None:
    """Return the status of an earlier export that may be replaced; None where there is no file. Reads only.

    Raises
    ------
    ConflictError
        What is there is not an unchanged export.
    """
    file = folder / name
    try:
        status = file.lstat()
    except FileNotFoundError:
        return None
    own = [entry for entry in known if entry.path == name]
    if not stat.S_ISREG(status.st_mode) or not any(is_unchanged(file, entry) for entry in own):
        raise ConflictError("A file that is not an unchanged export is in the way", file, TODO)
    return status


def check_unchanged(folder: Path, before: Mapping[str, os.stat_result | None]) -> None:
    """Check that the files of a folder still have the status that `replaceable` returned. Reads only.

    Raises
    ------
    ConflictError
        One of them changed, came or went.
    """
    for name, status in before.items():
        try:
            now = (folder / name).lstat()
        except FileNotFoundError:
            now = None
        if (now and _identity(now)) != (status and _identity(status)):
            raise ConflictError("A file changed during the export", folder / name, TODO)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


def sha256(file: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal. Reads only."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
