"""The data classes of a cleanup: the evidence of a survey, a plan, the run that carries it out, and its report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import printable, readable
from dbtools.html import counted, size, table
from dbtools.project import Project
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import pandas as pd


def shown(text: str) -> str:
    """Return a name or reason for people: bytes that are not UTF-8 and invisible characters are written as escapes."""
    return printable(readable(text))


IN_USE = ("primary", "auth", "in-use", "ratings")
DELETABLE = ("same-bytes", "same-rows", "subset", "regenerable")


@dataclass(frozen=True)
class Identity:
    """What the file system said of a regular file when it was examined."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    mode: int
    links: int


@dataclass(frozen=True)
class SurvivingCopy:
    """A file, or a server, with the same content as a file to remove: it must be there, unchanged, at the removal.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``; of a server, its URL.
    sha256 : str
        Of the file's bytes.
    fingerprint : str
        Of the database file and its ``-wal`` (`sqlite.fingerprint`), or of the server's database
        (`postgres.fingerprint`); empty for other files.
    """

    path: str
    sha256: str
    fingerprint: str


@dataclass(frozen=True)
class FileEvidence:
    """What was found out about one file.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``.
    kind : str
        ``sqlite``, ``csv``, ``compressed``, ``link``, ``folder`` or ``other``.
    layout : str
        The CSV layout, where known.
    role : str
        What the file is to the application: primary, auth, in-use (another place where it looks), ratings, or empty.
    demo : bool
        Whether the layout is one that only demonstrations wrote.
    rows : int or None
        Rows of all its tables, or records after the header; None where that was not counted.
    verdict : str
        One of primary, auth, in-use, ratings, export-current, same-bytes, same-rows, subset, regenerable, unique,
        damaged, unknown.
    unique_rows : int
        Rows that exist nowhere else.
    unique : tuple of int
        Their numbers in a CSV file.
    incomplete : tuple of int
        Numbers of the other rows of a CSV file, known by id or text, with a cell that the database does not have.
    reason : str
        What deleting the file would lose, and how that is known.
    duplicate_of : SurvivingCopy or None
        The file or server that has the same content and stays.
    caution : str
        Why it goes only if it is named in accept; empty where its verdict alone decides.
    obstacle : str
        Why it must not be removed whatever the verdict; empty where nothing forbids it.
    """

    path: str
    kind: str
    identity: Identity
    sha256: str = ""
    role: str = ""
    layout: str = ""
    demo: bool = False
    rows: int | None = None
    verdict: str = "unknown"
    unique_rows: int = 0
    unique: tuple[int, ...] = ()
    incomplete: tuple[int, ...] = ()
    reason: str = ""
    duplicate_of: SurvivingCopy | None = None
    caution: str = ""
    obstacle: str = ""

    @property
    def modified(self) -> datetime | None:
        """When the file was last written, UTC; None for a time that no calendar date has."""
        try:
            return datetime.fromtimestamp(self.identity.mtime_ns // 10**9, UTC)
        except (OverflowError, ValueError, OSError):  # after the year 9999
            return None


@dataclass(frozen=True)
class Removal:
    """One file that may be removed, with the evidence pinned.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``.
    kind : str
        ``"sqlite"`` or ``"csv"`` (or another kind of the survey).
    verdict, reason : str
        Why it may go, as a word and as a sentence.
    identity, sha256
        The file as examined; anything else at its place is kept.
    keeper : SurvivingCopy or None
        The file that holds the same content and stays.
    rescue : tuple of int
        Numbers (1 = first after the header) of the rows rescued first: those that exist nowhere else, and those with a
        cell the database lacks.
    """

    path: str
    kind: str
    verdict: str
    reason: str
    identity: Identity
    sha256: str
    keeper: SurvivingCopy | None = None
    rescue: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A file that stays, and why."""

    path: str
    reason: str


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """What a cleanup would remove and what it keeps, decided on evidence alone.

    Attributes
    ----------
    accepted : tuple of str
        The paths that were named in `accept`.
    """

    project: Project
    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]
    accepted: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What the removals would free, in bytes."""
        return sum(removal.identity.size for removal in self.removals)

    @property
    def rescued_rows(self) -> int:
        """How many rows would be rescued first."""
        return sum(len(removal.rescue) for removal in self.removals)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, action (remove, keep), verdict, size_bytes, rescued_rows, reason."""
        import pandas as pd

        rows = [
            {
                "path": shown(r.path),
                "action": "remove",
                "verdict": r.verdict,
                "size_bytes": r.identity.size,
                "rescued_rows": len(r.rescue),
                "reason": shown(r.reason),
            }
            for r in self.removals
        ]
        rows += [
            {"path": shown(k.path), "action": "keep", "rescued_rows": 0, "reason": shown(k.reason)} for k in self.kept
        ]
        columns = ["path", "action", "verdict", "size_bytes", "rescued_rows", "reason"]
        return pd.DataFrame(rows, columns=columns).astype({"size_bytes": "Int64"})

    @property
    def sentence(self) -> str:
        """How much would go, and what would be rescued before."""
        rows = f"{self.rescued_rows:,} row{' is' if self.rescued_rows == 1 else 's are'}"
        rescued = f"; {rows} rescued first" if self.rescued_rows else ""
        files = counted(len(self.removals), "file")
        stay = f"{len(self.kept)} stay{'s' if len(self.kept) == 1 else ''}"
        return f"{files} to remove, {size(self.bytes)}; {stay}{rescued}"

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-ready values."""
        return {
            "planned": [readable(r.path) for r in self.removals],
            "kept": [{"path": readable(k.path), "reason": readable(k.reason)} for k in self.kept],
            "bytes": self.bytes,
            "rescued_rows": self.rescued_rows,
        }


@dataclass(frozen=True)
class Run:
    """A plan as the manifest of its run folder pins it.

    Attributes
    ----------
    folder, root : Path
        The run folder, and the project it belongs to.
    sha256 : str
        Of the removals; the same removals are the same run.
    """

    folder: Path
    root: Path
    sha256: str
    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class Metadata:
    """Owner, permission bits and extended attributes of a file or folder; its ACLs are extended attributes.

    Attributes
    ----------
    uid, gid : int or None
        None where they were not recorded.
    xattrs : dict
        Values in base64 by name; None for a value that could not be read.
    """

    uid: int | None
    gid: int | None
    mode: int
    xattrs: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class LockedRun:
    """A run whose project is locked, with the open descriptors of the project folder and of the run folder."""

    run: Run
    root: int
    store: int


@dataclass(frozen=True)
class State:
    """What the journal of a run says; a removal is named by its number in the plan.

    Attributes
    ----------
    kept : dict
        Why it stays.
    removed : dict
        Whether the file had gone by itself when its turn came.
    rescued : dict
        rows, file and sha256 of what was rescued.
    files : dict
        The metadata of each file when it was backed up.
    folders : dict
        The metadata, at that time, of the folders of these files, by path.
    backed_up : bool
        Every backup is on disk, so that files may be removed.
    closed : bool
        The run is done.
    """

    kept: dict[int, str] = field(default_factory=dict)
    removed: dict[int, bool] = field(default_factory=dict)
    rescued: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, Metadata] = field(default_factory=dict)
    folders: dict[str, Metadata] = field(default_factory=dict)
    backed_up: bool = False
    closed: bool = False

    def undecided(self, run: Run) -> list[int]:
        """Return the removals that are neither kept nor removed yet."""
        return [i for i in range(len(run.removals)) if i not in self.kept and i not in self.removed]


@dataclass(frozen=True, repr=False)
class Manifest(Result):
    """What a cleanup did, or would do.

    Attributes
    ----------
    path : Path or None
        The run folder with the backups; None when there was nothing to do.
    removed, planned : tuple of str
        Paths relative to the project's root.
    kept : tuple of Kept
        What stays, and why: planned removals that could not be carried out first, then what the plan keeps.
    rescued_rows : int
        Rows that were (would be) rescued: those that exist nowhere else, and those with a cell the database lacks.
    bytes : int
        Size of what was (would be) removed.
    caution : str
        What is wrong with the backup folder; empty where nothing is.
    """

    dry_run: bool
    path: Path | None
    removed: tuple[str, ...]
    kept: tuple[Kept, ...]
    rescued_rows: int
    bytes: int
    planned: tuple[str, ...]
    rows: tuple[tuple[str, str, int | None, str, str], ...] = field(repr=False)
    caution: str = ""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per planned and per kept file: path, action, size_bytes, reason, backup."""
        rows = [(shown(path), *more, shown(why), backup) for path, *more, why, backup in self.rows]
        return frame_of(rows, ["path", "action", "size_bytes", "reason", "backup"]).astype({"size_bytes": "Int64"})

    @property
    def sentence(self) -> str:
        """What was done, or would be."""
        went = len(self.planned) if self.dry_run else len(self.removed)
        rescued = f", {counted(self.rescued_rows, 'row')} rescued first" if self.rescued_rows else ""
        if self.dry_run:
            return (
                f"dry run: {counted(went, 'file')}, {size(self.bytes)}, would be removed{rescued}; nothing was changed"
            )
        planned = counted(len(self.planned), "planned file")
        stay = f"{len(self.kept)} stay{'s' if len(self.kept) == 1 else ''}"
        return f"{went} of {planned} removed, {size(self.bytes)}{rescued}; {stay}"

    @property
    def details(self) -> list[str]:
        """What is wrong with the backup folder."""
        return [self.caution] if self.caution else []

    def _table(self) -> str:
        frame = self.frame.assign(backup=[re.sub(r"[0-9a-f]{52}$", "…", name) for name in self.frame["backup"]])
        return table(frame, caption=self._caption)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        return {
            "dry_run": self.dry_run,
            "manifest": readable(str(self.path)) if self.path else None,
            "planned": list(map(readable, self.planned)),
            "removed": list(map(readable, self.removed)),
            "kept": [{"path": readable(kept.path), "reason": readable(kept.reason)} for kept in self.kept],
            "rescued_rows": self.rescued_rows,
            "bytes": self.bytes,
        } | ({"caution": self.caution} if self.caution else {})
