"""The run folder of a cleanup: the manifest pins the plan, the journal records what was done, and the backups.

A backup is named by the SHA-256 of its content. A record of the journal is on disk before the next step begins.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from dbtools.cleanup import preconditions, safefile
from dbtools.cleanup.model import Identity, Kept, LockedRun, Metadata, Plan, Removal, Run, State, SurvivingCopy, shown
from dbtools.cleanup.safefile import PreconditionFailed, Tick
from dbtools.clock import utc
from dbtools.errors import CleanupError, ParameterError, usable
from dbtools.project import Project

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
JOURNAL = "journal"
RESCUED = "rescued"
_FORMAT = 1
_LONGEST = 180  # characters of a path in the name of its rescued rows
_LATEST = 10**9 << 62  # ns; no file system has a later time
_IGNORE = ".gitignore"
_TYPES = {"str": str, "int": int}
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # what JSON of a wrong shape raises
_BY_HAND = "the files beside it named by 64 hex digits are the removed files, byte for byte"
_RESTORE_FIRST = "restore this run first"
_NOTHING_GONE = "nothing was removed; report this with the file"


def fingerprint(removals: Iterable[Removal]) -> str:
    """Return the SHA-256 of a plan's removals."""
    return _sum([asdict(removal) for removal in removals])


def create(plan: Plan, now: datetime | None = None) -> Run:
    """Make the run folder of a plan and write its manifest. Changes files: in the backup folder only."""
    backups, sha256 = plan.project.backups, fingerprint(plan.removals)
    safefile.make_folders(backups)
    with safefile.opened_folder(backups) as fd:
        if safefile.status(fd, _IGNORE) is None:
            safefile.store_bytes(fd, _IGNORE, b"*\n", 0o644)
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
        # The folder may have been there, and the backup folder may have an ignore file of its own.
        os.fchmod(fd, 0o700)
        # Backups are byte copies, of databases with password hashes too: they must not get into git.
        safefile.store_bytes(fd, _IGNORE, b"*\n")
        safefile.store_bytes(fd, MANIFEST, json.dumps(body, indent=1).encode("ascii"))
    return read(folder)


def caution(project: Project) -> str:
    """Say that other users may rename the backups: the backup folder was there, and they may write it. Reads only."""
    with suppress(OSError):
        mode = project.backups.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            name, allowed = shown(project.relative(project.backups)), stat.S_IMODE(mode)
            return f'Other users may rename the backups: "{name}" has the mode {allowed:04o}. Run chmod o-w on it.'
    return ""


def read(folder: Path) -> Run:
    """Read the manifest of a run. Reads only.

    Raises
    ------
    CleanupError
        There is no manifest, it is damaged, or root reads it and it belongs to another user.
    """
    try:
        with safefile.opened_folder(folder) as store:
            _check_owner(folder, store)
            body = json.loads(safefile.content(store, MANIFEST))
        removals = body["removals"]
        run = Run(
            folder=folder,
            root=Path(os.path.normpath(folder.resolve() / body["root"])),
            sha256=body["sha256"],
            removals=tuple(_removal(item) for item in removals),
            kept=tuple(_checked(Kept, item) for item in body["kept"]),
        )
        # The check covers every key: one flipped bit in the root would restore into another folder.
        sound = _sum({key: value for key, value in body.items() if key != "check"}) == body["check"]
        sound = sound and _sum(removals) == run.sha256
    except FileNotFoundError:
        raise CleanupError("No cleanup run here", folder, "give a folder inside the backup folder") from None
    except (OSError, *_DAMAGED) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else type(error).__name__
        what = f"The manifest of the run cannot be read ({why})"
        raise CleanupError(what, folder, _BY_HAND) from None
    if not sound:
        raise CleanupError("The manifest of the run is damaged", folder, _BY_HAND)
    return run


def _check_owner(folder: Path, store: int) -> None:
    """Refuse a run of another user where root works: root can write what that user could not.

    Raises
    ------
    CleanupError
        The run folder, its manifest or its journal belongs to another user.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    found = [os.fstat(store), safefile.status(store, MANIFEST), safefile.status(store, JOURNAL)]
    if any(status and status.st_uid != 0 for status in found):
        raise CleanupError("The cleanup run belongs to another user", folder, "work as that user")


def _sum(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode("ascii")).hexdigest()


def _removal(item: dict[str, Any]) -> Removal:
    keeper, rescue = item["keeper"], tuple(item["rescue"])
    if not (re.fullmatch("[0-9a-f]{64}", item["sha256"]) and all(type(number) is int for number in rescue)):
        raise ValueError("no SHA-256, or no row numbers")
    if abs(item["identity"]["mtime_ns"]) >= _LATEST:
        raise ValueError("no time")
    known = {
        "identity": _checked(Identity, item["identity"]),
        "keeper": _checked(SurvivingCopy, keeper) if keeper else None,
        "rescue": rescue,
    }
    return _checked(Removal, {**item, **known})


_Class = TypeVar("_Class", Identity, SurvivingCopy, Kept, Removal)


def _checked(kind: type[_Class], item: dict[str, Any]) -> _Class:
    """Make a data class of JSON values, whose texts and numbers must be of the right type."""
    for field in fields(kind):
        wanted = _TYPES.get(str(field.type))
        if wanted and type(item[field.name]) is not wanted:
            raise TypeError(field.name)
    return kind(**item)


def runs(backups: Path) -> list[Path]:
    """Return the run folders of a backup folder, oldest first. Reads only."""
    folders = sorted(backups.iterdir()) if backups.is_dir() else []
    return [folder for folder in folders if (folder / MANIFEST).is_file()]


def list_runs(project: Project) -> pd.DataFrame:
    """Return one row per run of a project: run, date, files, size_bytes; the latest first. Reads only."""
    import pandas as pd

    rows = [
        (run.folder.name, _date(run.folder.name), len(run.removals), sum(r.identity.size for r in run.removals))
        for run in reversed(of_project(project))
    ]
    return pd.DataFrame(rows, columns=["run", "date", "files", "size_bytes"])


def _date(name: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ")
    return None


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
        return _latest(project, found)
    with usable(name):
        wanted = (project.backups / name).resolve()
    if wanted not in [folder.resolve() for folder in found]:
        raise ParameterError("No such cleanup run", name, f"use one of {', '.join(folder.name for folder in found)}")
    return wanted


def _latest(project: Project, folders: list[Path]) -> Path:
    """Return the latest run of a project; where it has none, that of the one other project: it may have moved."""
    roots = {}
    for folder in folders:
        roots[folder] = project.root  # where the manifest cannot be read, a restore says why
        with suppress(CleanupError):
            roots[folder] = read(folder).root
    own = [folder for folder in folders if roots[folder] == project.root]
    if not own and len(set(roots.values())) > 1:
        what = "The backup folder holds runs of several projects, and none of this one"
        raise ParameterError(what, project.backups, f"name one of {', '.join(folder.name for folder in folders)}")
    return (own or folders)[-1]


def of_project(project: Project) -> list[Run]:
    """Return the runs of one project in its backup folder, oldest first. Reads only."""
    found, root = [], project.root.resolve()
    for folder in runs(project.backups):
        with suppress(CleanupError):  # a manifest that cannot be read belongs to no project
            found.append(read(folder))
    return [run for run in found if run.root == root]


def unfinished(backups: Path) -> list[Path]:
    """Return the run folders whose journal is not closed, oldest first. Reads only."""
    return [folder for folder in runs(backups) if not _is_closed(folder)]


def _is_closed(folder: Path) -> bool:
    with safefile.opened_folder(folder) as store:
        try:
            return _replay(folder, store).closed
        except CleanupError:
            return False


def append(store: int, **record: Any) -> None:
    """Append one record to the journal. Changes files: the journal; synced when it returns."""
    text = json.dumps(record).encode("ascii")
    line = _check(text) + text + b"\n"
    with safefile.opened(JOURNAL, os.O_RDWR | os.O_CREAT, store) as fd:
        size = os.fstat(fd).st_size
        os.lseek(fd, size, os.SEEK_SET)
        safefile.write(fd, line)
        os.fsync(fd)
    if size == 0:
        os.fsync(store)


def load(locked: LockedRun) -> State:
    """Read the journal. Reads only.

    Raises
    ------
    CleanupError
        A record before the last one is damaged: a kill or a full disk cannot do that.
    """
    return _replay(locked.run.folder, locked.store)


def _replay(folder: Path, store: int) -> State:
    try:
        return _add_up(_records(folder, store)[0])
    except _DAMAGED:  # a record with a right checksum and a wrong shape: nobody but a forger writes it
        raise CleanupError("The journal of a cleanup is damaged", folder, _RESTORE_FIRST) from None


def _add_up(records: list[dict[str, Any]]) -> State:
    state, backed_up, closed = State(), False, False
    for record in records:
        do, i = record["do"], record.get("entry", -1)
        closed = do == "closed"
        if do == "all":
            backed_up = True
            state.files.update({int(entry): _metadata(found) for entry, found in record.get("files", {}).items()})
            state.folders.update({path: _metadata(found) for path, found in record.get("folders", {}).items()})
        elif do == "kept":
            state.kept[i] = record["reason"]
        elif do == "removed":
            state.removed[i] = record["gone"]
        elif do == "rescued":
            state.rescued[i] = record
        elif do == "again":
            backed_up = False
            for entry in record["entries"]:
                state.kept.pop(entry, None)
                state.removed.pop(entry, None)
    return replace(state, backed_up=backed_up, closed=closed)


def _metadata(item: dict[str, Any]) -> Metadata:
    found = Metadata(**item)
    if not all(type(number) is int and 0 <= number < 1 << 32 for number in (found.uid, found.gid, found.mode)):
        raise ValueError("no owner, group or mode")
    if not all(isinstance(value, str | None) for value in found.xattrs.values()):
        raise TypeError("xattrs")
    return found


def tidy(locked: LockedRun) -> None:
    """Cut off an incomplete last record, and remove unfinished files.

    Changes files: the journal, and temporary files of the run folder.
    """
    good = _records(locked.run.folder, locked.store)[1]
    if (found := safefile.status(locked.store, JOURNAL)) and found.st_size != good:
        with safefile.opened(JOURNAL, os.O_RDWR, locked.store) as fd:
            os.ftruncate(fd, good)
            os.fsync(fd)
    safefile.sweep(locked.store)
    if safefile.status(locked.store, RESCUED):
        with safefile.opened_folder(locked.run.folder / RESCUED) as rescued:
            safefile.sweep(rescued)


def replace_journal(store: int) -> None:
    """Start a new, closed journal in place of a damaged one. Changes files: the journal."""
    os.rename(JOURNAL, JOURNAL + ".damaged", src_dir_fd=store, dst_dir_fd=store)
    append(store, do="closed")


def _records(folder: Path, store: int) -> tuple[list[dict[str, Any]], int]:
    """Return the sound records and how many bytes they take."""
    if safefile.status(store, JOURNAL) is None:
        return [], 0
    lines = re.findall(rb"[^\n]*\n|[^\n]+\Z", safefile.content(store, JOURNAL))
    records, good = [], 0
    for number, line in enumerate(lines, start=1):
        if not (line.endswith(b"\n") and line.startswith(_check(line[17:-1]))):
            if number == len(lines):
                break
            raise CleanupError("The journal of a cleanup is damaged", folder, _RESTORE_FIRST)
        records.append(json.loads(line[17:]))
        good += len(line)
    return records, good


def _check(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode("ascii") + b" "


def is_stored(locked: LockedRun, removal: Removal) -> bool:
    """Tell whether the backup of a file is there and whole. Reads only."""
    return safefile.digest_at(locked.store, removal.sha256) == removal.sha256


def back_up(
    locked: LockedRun, entries: Iterable[int], is_gone: Callable[[int], bool], tick: Tick, reach: Tick
) -> dict[str, Any]:
    """Store a copy of each planned file, read back and synced; journal the files that must stay, and why.

    Changes files: the run folder. A file that `is_gone` and has a backup went in an attempt whose record was lost.

    Returns
    -------
    dict
        The metadata of the ``files`` and of their ``folders``, for the journal.
    """
    known, done = set(os.listdir(locked.store)), 0  # noqa: PTH208 (a descriptor)
    files, folders = dict[str, Any](), dict[str, Any]()
    for entry in entries:
        removal = locked.run.removals[entry]
        done += removal.identity.size
        try:
            if not (removal.sha256 in known and is_stored(locked, removal) and is_gone(entry)):
                with (
                    safefile.parent(locked.root, removal.path) as (folder, name),
                    preconditions.leased(locked, removal, folder, name) as source,
                ):
                    safefile.store_file(locked.store, removal.sha256, source, removal.sha256, tick)
                    files[str(entry)] = asdict(safefile.read_metadata(source))
                _read_folders(locked, removal.path, folders)
        except PreconditionFailed as failed:
            append(locked.store, do="kept", entry=entry, reason=str(failed))
        reach(done)
    return {"files": files, "folders": folders}


def _read_folders(locked: LockedRun, path: str, known: dict[str, Any]) -> None:
    """Note the metadata of the folders above a file, which a restore makes again if they are gone."""
    names = path.split("/")[:-1]
    for above in ("/".join(names[:depth]) for depth in range(1, len(names) + 1)):
        if above not in known:
            with safefile.parent(locked.root, f"{above}/file") as (folder, _):
                known[above] = asdict(safefile.read_metadata(folder))


def rescue_rows(locked: LockedRun, entry: int) -> None:
    """Write the rows that the plan rescues from a file, read from its backup. Changes files: the run folder.

    Raises
    ------
    CleanupError
        Not all of the rows could be rescued.
    """
    removal = locked.run.removals[entry]
    if not removal.rescue:
        return
    known = load(locked).rescued.get(entry)
    from dbtools.cleanup.rescue import write

    safefile.make_folders(locked.run.folder / RESCUED)
    with safefile.opened_folder(locked.run.folder / RESCUED) as folder:
        name = _rescue_name(locked.run, entry)
        if known and safefile.digest_at(folder, name) == known["sha256"]:
            return
        temporary = safefile.TEMPORARY + name
        target = locked.run.folder / RESCUED / temporary
        safefile.discard(folder, temporary)
        try:
            rows = write(removal, locked.run.folder / removal.sha256, target)
            if rows != len(removal.rescue):
                failed = f"Only {rows} of {len(removal.rescue)} rows were rescued"
                raise CleanupError(failed, removal.path, _NOTHING_GONE)
            sha256 = safefile.seal(folder, temporary, name)
        finally:
            safefile.discard(folder, temporary)
    append(locked.store, do="rescued", entry=entry, rows=rows, file=f"{RESCUED}/{name}", sha256=sha256)


def _rescue_name(run: Run, entry: int) -> str:
    """Return the file name for rescued rows: what SQL can call a table, unique within the run."""
    paths = [PurePosixPath(removal.path).with_suffix("").as_posix().lower() for removal in run.removals]
    # The end of a deep path says most, and no name may have more than 255 bytes.
    names = ["rescued_" + re.sub("[^a-z0-9]+", "_", path)[-_LONGEST:] for path in paths]
    twins = names[:entry].count(names[entry])
    return f"{names[entry]}{f'__{twins + 1}' if twins else ''}.parquet"
