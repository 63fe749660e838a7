"""The run folder of a cleanup and its manifest, which pins the plan."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbtools.cleanup import safefile
from dbtools.cleanup.model import Identity, Keeper
from dbtools.cleanup.plan import Kept, Plan, Removal
from dbtools.clock import utc
from dbtools.errors import CleanupError, ParameterError, usable
from dbtools.project import Project

MANIFEST = "manifest.json"
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


def fingerprint(removals: Iterable[Removal]) -> str:
    """Return the SHA-256 of a plan's removals."""
    text = json.dumps([asdict(removal) for removal in removals], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def create(plan: Plan, now: datetime | None = None) -> Run:
    """Make the run folder of a plan and pin the plan in it. Changes files: in the backup folder only."""
    backups, sha256 = plan.project.backups, fingerprint(plan.removals)
    safefile.make_folders(backups)
    with safefile.opened_folder(backups) as fd:
        if safefile.status(fd, ".gitignore") is None:
            # Backups are byte copies, of databases with password hashes too: they must not get into git.
            safefile.store_bytes(fd, ".gitignore", b"*\n", 0o644)
    now = utc(now)
    while os.path.lexists((folder := backups / f"{now:%Y%m%dT%H%M%SZ}-{sha256[:8]}") / MANIFEST):
        now += timedelta(seconds=1)
    safefile.make_folders(folder)
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
    with safefile.opened_folder(folder) as fd:
        safefile.store_bytes(fd, MANIFEST, json.dumps(body, indent=1).encode("ascii"))
    return read(folder)


def read(folder: Path, root: str | Path | None = None) -> Run:
    """Read the manifest of a run, for its own project or for the one at `root`. Reads only.

    Raises
    ------
    CleanupError
        There is none, or it is damaged.
    """
    try:
        with safefile.opened_folder(folder) as store:
            body = json.loads(safefile.content(store, MANIFEST))
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


def of_project(project: Project) -> list[Run]:
    """Return the runs of one project in its backup folder, oldest first. Reads only."""
    found, root = [], project.root.resolve()
    for folder in runs(project.backups):
        with suppress(CleanupError):  # a manifest that cannot be read is nobody's to carry out
            found.append(read(folder))
    return [run for run in found if run.root == root]
