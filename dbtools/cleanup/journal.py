"""The run folder of a cleanup: the manifest pins the plan, the journal says what was done of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dbtools.cleanup import vault
from dbtools.cleanup.evidence import Identity, Keeper
from dbtools.cleanup.plan import Kept, Plan, Removal
from dbtools.errors import CleanupError, ParameterError
from dbtools.project import Project, usable

MANIFEST = "manifest.json"
JOURNAL = "journal"
RESCUED = "rescued"
_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """A plan as its manifest pins it.

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
class Held:
    """A run whose project is locked, with the descriptors of the project folder and of the run folder."""

    run: Run
    root: int
    store: int


@dataclass(frozen=True)
class State:
    """What the journal says; removals are named by their place in the plan.

    Attributes
    ----------
    kept : dict
        Why it stays.
    removed : dict
        Whether the file had gone by itself when its turn came.
    rescued : dict
        rows, file and sha256 of what was copied out.
    barrier : bool
        Every backup is on disk, so that files may be removed.
    closed : bool
        The run is done.
    """

    kept: dict[int, str] = field(default_factory=dict)
    removed: dict[int, bool] = field(default_factory=dict)
    rescued: dict[int, dict[str, Any]] = field(default_factory=dict)
    barrier: bool = False
    closed: bool = False

    def undecided(self, run: Run) -> list[int]:
        """Return the removals that are not decided yet."""
        return [i for i in range(len(run.removals)) if i not in self.kept and i not in self.removed]


def fingerprint(removals: Iterable[Removal]) -> str:
    """Return the SHA-256 of a plan's removals."""
    text = json.dumps([asdict(removal) for removal in removals], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def create(plan: Plan, now: datetime) -> Run:
    """Make the run folder of a plan and pin the plan in it. Changes files: in the backup folder only."""
    backups, sha256 = plan.project.backups, fingerprint(plan.removals)
    vault.make_folders(backups)
    with vault.opened_folder(backups) as fd:
        if vault.status(fd, ".gitignore") is None:
            # Backups are byte copies, of databases with password hashes too: they must not get into git.
            vault.store_bytes(fd, ".gitignore", b"*\n", 0o644)
    now = now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
    while os.path.lexists((folder := backups / f"{now:%Y%m%dT%H%M%SZ}-{sha256[:8]}") / MANIFEST):
        now += timedelta(seconds=1)
    vault.make_folders(folder)
    root, here = plan.project.root.resolve(), folder.resolve()
    body: dict[str, Any] = {
        "format": _FORMAT,
        "made": now.isoformat(timespec="seconds"),
        # A copied or moved project must restore into itself, never into the original.
        "root": os.path.relpath(root, here) if here.is_relative_to(root) else str(root),
        "sha256": sha256,
        "removals": [asdict(removal) for removal in plan.removals],
        "kept": [asdict(kept) for kept in plan.kept],
    }
    body["check"] = _sum(body)
    with vault.opened_folder(folder) as fd:
        vault.store_bytes(fd, MANIFEST, json.dumps(body, indent=1).encode("ascii"))
    return read(folder)


def read(folder: Path, root: str | Path | None = None) -> Run:
    """Read the manifest of a run, for its own project or for the one at `root`. Reads only.

    Raises
    ------
    CleanupError
        There is none, or it is damaged.
    """
    try:
        with vault.opened_folder(folder) as store:
            body = json.loads(vault.content(store, MANIFEST))
        removals = tuple(_removal(item) for item in body["removals"])
        run = Run(
            folder=folder,
            root=Path(root).resolve() if root else Path(os.path.normpath(folder.resolve() / body["root"])),
            sha256=body["sha256"],
            removals=removals,
            kept=tuple(Kept(**item) for item in body["kept"]),
        )
    except FileNotFoundError:
        raise CleanupError("No cleanup run here", folder, "give a folder inside the backup folder") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CleanupError(
            f"The manifest of the run cannot be read ({type(error).__name__})", folder, _BY_HAND
        ) from error
    # Over everything: one flipped bit in the root would restore into another folder.
    if _sum(body) != body.get("check"):
        raise CleanupError("The manifest of the run is damaged", folder, _BY_HAND)
    return run


_BY_HAND = "the files beside it named by 64 hex digits are the removed files, byte for byte"


def _sum(body: dict[str, Any]) -> str:
    text = json.dumps({key: value for key, value in body.items() if key != "check"}, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _removal(item: dict[str, Any]) -> Removal:
    keeper = item["keeper"]
    known = {"identity": Identity(**item["identity"]), "keeper": Keeper(**keeper) if keeper else None}
    return Removal(**{**item, **known, "rescue": tuple(item["rescue"])})


def runs(backups: Path) -> list[Path]:
    """Return the run folders of a backup folder, oldest first. Reads only."""
    folders = sorted(backups.iterdir()) if backups.is_dir() else []
    return [folder for folder in folders if (folder / MANIFEST).is_file()]


def find_run(project: Project, name: str = "") -> Path:
    """Return a run folder of a project: the one of that name or path, else the latest. Reads only.

    Raises
    ------
    ParameterError
        There is no such run, or none at all.
    """
    found = runs(project.backups)
    if not found:
        raise ParameterError("No cleanup run to restore", project.backups, "give the folder that holds the backups")
    if not name:
        return found[-1]
    with usable(name):
        wanted = (project.backups / name).resolve()
    if wanted not in [folder.resolve() for folder in found]:
        raise ParameterError("No such cleanup run", name, f"use one of {', '.join(folder.name for folder in found)}")
    return wanted


def unfinished(backups: Path) -> list[Path]:
    """Return the run folders whose journal is not closed, oldest first. Reads only."""
    return [folder for folder in runs(backups) if not _closed(folder)]


def _closed(folder: Path) -> bool:
    with vault.opened_folder(folder) as store:
        try:
            return _replay(folder, store).closed
        except CleanupError:
            return False


def of_project(project: Project) -> list[Run]:
    """Return the runs of one project in its backup folder, oldest first. Reads only."""
    found, root = [], project.root.resolve()
    for folder in runs(project.backups):
        with suppress(CleanupError):  # a manifest that cannot be read is nobody's to carry out
            found.append(read(folder))
    return [run for run in found if run.root == root]


def append(store: int, **record: Any) -> None:
    """Write one record. Changes files: the journal; on disk when it returns."""
    text = json.dumps(record).encode("ascii")
    line = _check(text) + text + b"\n"
    with vault.opened(JOURNAL, os.O_RDWR | os.O_CREAT, store) as fd:
        size = os.fstat(fd).st_size
        os.lseek(fd, size, os.SEEK_SET)
        vault.write(fd, line)
        os.fsync(fd)
    if size == 0:
        os.fsync(store)


def load(held: Held) -> State:
    """Read the journal. Reads only.

    Raises
    ------
    CleanupError
        A record before the last one is damaged: a kill or a full disk cannot do that.
    """
    return _replay(held.run.folder, held.store)


def _replay(folder: Path, store: int) -> State:
    state = State()
    kept, removed, rescued, barrier, closed = state.kept, state.removed, state.rescued, False, False
    for record in _records(folder, store)[0]:
        do, i = record["do"], record.get("entry", -1)
        barrier, closed = barrier or do == "all", do == "closed"
        if do == "kept":
            kept[i] = record["reason"]
        elif do == "removed":
            removed[i] = record["gone"]
        elif do == "rescued":
            rescued[i] = record
        elif do == "again":
            barrier = False
            for entry in record["entries"]:
                kept.pop(entry, None)
                removed.pop(entry, None)
    return State(kept, removed, rescued, barrier, closed)


def tidy(held: Held) -> None:
    """Cut off a last record that was not written to its end, and remove unfinished files.

    Changes files: the journal, and temporary files of the run folder.
    """
    good = _records(held.run.folder, held.store)[1]
    if (found := vault.status(held.store, JOURNAL)) and found.st_size != good:
        with vault.opened(JOURNAL, os.O_RDWR, held.store) as fd:
            os.ftruncate(fd, good)
            os.fsync(fd)
    vault.sweep(held.store)
    if vault.status(held.store, RESCUED):
        with vault.opened_folder(held.run.folder / RESCUED) as rescued:
            vault.sweep(rescued)


def put_aside(store: int) -> None:
    """Start a new, closed journal in place of a damaged one. Changes files: the journal."""
    os.rename(JOURNAL, JOURNAL + ".damaged", src_dir_fd=store, dst_dir_fd=store)
    append(store, do="closed")


def _records(folder: Path, store: int) -> tuple[list[dict[str, Any]], int]:
    """Return the sound records and how many bytes they take."""
    if vault.status(store, JOURNAL) is None:
        return [], 0
    lines = re.findall(rb"[^\n]*\n|[^\n]+\Z", vault.content(store, JOURNAL))
    records, good = [], 0
    for number, line in enumerate(lines, start=1):
        if not (line.endswith(b"\n") and line.startswith(_check(line[17:-1]))):
            if number == len(lines):
                break
            raise CleanupError("The journal of a cleanup is damaged", folder, "restore this run first")
        records.append(json.loads(line[17:]))
        good += len(line)
    return records, good


def _check(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode("ascii") + b" "
