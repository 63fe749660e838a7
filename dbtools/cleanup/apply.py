"""Carry out a plan: back up every file, read the backups back, and only then remove."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType

from dbtools.cleanup import backup, preconditions, safefile
from dbtools.cleanup.model import Kept, LockedRun, Manifest, Plan, Removal, State
from dbtools.cleanup.safefile import PreconditionFailed, Tick
from dbtools.errors import CleanupError, ParameterError, check_kind, reason
from dbtools.progress import bar, step

_LONGEST = 220  # bytes of a file's own name within another name, which may have 255 at most
_QUIET = 16 << 20  # bytes; a smaller backup shows no progress bar
_RESUME = "every removed file has a backup; fix the cause and run it again, or restore the run"


def apply(plan: Plan, *, dry_run: bool = True, now: datetime | None = None, progress: bool = True) -> Manifest:
    """Carry out a plan; applied again, the same plan resumes, or does nothing when it is done.

    Changes files: none with `dry_run`; else backs up every planned file in the backup folder, then removes it.
    An interrupted run of the project is closed first: a removal that had begun is finished, the other files stay.

    Parameters
    ----------
    now : datetime, optional
        The time that names the run; without a time zone, UTC. By default the present.

    Raises
    ------
    ParameterError
        `plan` is none, or `dry_run` is no boolean.
    CleanupError
        The plan must not be carried out, or the run stopped.
    BusyError
        Another cleanup or restore is at work in the project.
    """
    check_kind(plan, Plan, "apply(plan(survey(project)))")
    if not isinstance(dry_run, bool):  # a text "false" would count as true
        raise ParameterError("dry_run is neither True nor False", dry_run, "give one of the two, without quotes")
    preconditions.check_plan(plan)
    if dry_run:
        return _report(plan, dry_run=True)
    try:
        with safefile.locked(plan.project.root) as root:
            return _apply(plan, root, now, progress)
    except OSError as error:
        raise CleanupError(f"The cleanup stopped ({reason(error)})", plan.project.backups, _RESUME) from error


def _apply(plan: Plan, root: int, now: datetime | None, progress: bool) -> Manifest:
    sha256, run = backup.fingerprint(plan.removals), None
    interrupted = backup.unfinished(plan.project.backups)
    for earlier in backup.of_project(plan.project):
        if earlier.sha256 == sha256 and earlier.removals == plan.removals:
            run = earlier
        elif earlier.folder in interrupted:
            with safefile.opened_folder(earlier.folder) as store:
                close_interrupted(LockedRun(earlier, root, store))
    if not plan.removals:
        return _report(plan, dry_run=False)
    run = run or backup.create(plan, now)
    with safefile.opened_folder(run.folder) as store:
        locked = LockedRun(run, root, store)
        _carry_out(locked, plan, progress)
        return _report(plan, dry_run=False, folder=run.folder, state=backup.load(locked))


def _carry_out(locked: LockedRun, plan: Plan, progress: bool) -> None:
    backup.tidy(locked)
    _reopen(locked)
    before = backup.load(locked)
    todo = before.undecided(locked.run)
    if before.closed and not todo:
        return
    sizes = [locked.run.removals[entry].identity.size for entry in todo]
    with _bar(sum(sizes), progress) as (tick, reach):
        if not before.backed_up:
            metadata = backup.back_up(locked, todo, lambda entry: locate(locked, entry) != "present", tick, reach)
            for entry in backup.load(locked).undecided(locked.run):
                backup.rescue_rows(locked, entry)
            os.fsync(locked.store)
            # From this record on, every file that may be removed is on disk twice.
            backup.append(locked.store, do="all", **metadata)
        links = preconditions.links_to(plan)
        for entry in backup.load(locked).undecided(locked.run):
            step()  # a listener may stop the run here: the remaining files stay
            _remove(locked, entry, links)
    backup.append(locked.store, do="closed")


def _reopen(locked: LockedRun) -> None:
    """Let a closed run try again what it kept and could remove now, and files that were restored unchanged."""
    state = backup.load(locked)
    if not state.closed:
        return
    again = [entry for entry in state.removed if _is_restored(locked, locked.run.removals[entry])]
    for entry in state.kept:
        with suppress(PreconditionFailed):
            if locate(locked, entry) != "quarantined":  # it was kept because its folder could not be reached any more
                preconditions.check_again(locked, locked.run.removals[entry])
            again.append(entry)
    if again:
        backup.append(locked.store, do="again", entries=again)


def _is_restored(locked: LockedRun, removal: Removal) -> bool:
    with suppress(PreconditionFailed), safefile.parent(locked.root, removal.path) as (folder, name):
        return safefile.digest_at(folder, name) == removal.sha256
    return False


@contextmanager
def _bar(total: int, progress: bool) -> Iterator[tuple[Tick, Tick]]:
    """Show a progress bar; yield a function that adds bytes to it, and one that sets them."""
    hidden = not progress or total < _QUIET
    with bar(total=total, unit="B", unit_scale=True, desc="Backing up", disable=hidden) as shown:
        yield shown.update, lambda done: shown.update(done - shown.n)


def _report(plan: Plan, *, dry_run: bool, folder: Path | None = None, state: State | None = None) -> Manifest:
    """Report what was done with a plan, by the journal of its run; without one, what would be done. Reads only."""
    rows: list[tuple[str, str, int | None, str, str]] = []
    for entry, removal in enumerate(plan.removals):
        action, why, stored = "would remove", removal.reason, ""
        if state and folder:
            action = "removed" if entry in state.removed else "kept"
            why = state.kept.get(entry, why)
            if os.path.lexists(folder / removal.sha256):
                stored = plan.project.relative(folder / removal.sha256)
            if state.removed.get(entry):
                why += " (it was already gone when its turn came)"
        rows.append((removal.path, action, removal.identity.size, why, stored))
    rescued = sum(record["rows"] for record in state.rescued.values()) if state else plan.rescued_rows
    return Manifest(
        dry_run=dry_run,
        path=folder,
        removed=tuple(path for path, action, *_ in rows if action == "removed"),
        kept=(*(Kept(path, why) for path, action, _, why, _ in rows if action == "kept"), *plan.kept),
        rescued_rows=rescued,
        bytes=sum(size or 0 for _, action, size, *_ in rows if action != "kept"),
        planned=tuple(removal.path for removal in plan.removals),
        rows=(*rows, *((kept.path, "kept", None, kept.reason, "") for kept in plan.kept)),
        caution=backup.caution(plan.project),
    )


def close_interrupted(locked: LockedRun) -> None:
    """Close an interrupted run: finish a removal that had begun, or undo it; the other files stay.

    Changes files: quarantined ones, and the journal. A file in a folder that this user may not enter stays undecided
    and the run open: the file may be quarantined, and the next cleanup or restore looks again.
    """
    backup.tidy(locked)
    state, decided = backup.load(locked), True
    for entry in state.undecided(locked.run):
        try:
            found = locate(locked, entry)
        except PreconditionFailed:
            decided = False
            continue
        if found == "quarantined" and state.backed_up:
            _remove(locked, entry)
            continue
        why = "the run was interrupted before its turn"
        if found == "quarantined":
            why += _renamed(release(locked, entry))
        elif found == "absent":
            if backup.is_stored(locked, locked.run.removals[entry]):
                backup.append(locked.store, do="removed", entry=entry, gone=True)
                continue
            why = "it is no longer there"
        backup.append(locked.store, do="kept", entry=entry, reason=why)
    if decided:
        backup.append(locked.store, do="closed")


def _remove(locked: LockedRun, entry: int, links: Mapping[tuple[int, int] | None, str] = MappingProxyType({})) -> None:
    """Remove a file whose backup is on disk, and journal it; or keep it, and journal why.

    Changes files: the file, and the journal.
    """
    try:
        gone = _remove_file(locked, entry, links)
    except PreconditionFailed as failed:
        backup.append(locked.store, do="kept", entry=entry, reason=str(failed))
    else:
        backup.append(locked.store, do="removed", entry=entry, gone=gone)


def _remove_file(locked: LockedRun, entry: int, links: Mapping[tuple[int, int] | None, str]) -> bool:
    """Quarantine a file, check it again and remove it; return True if it was already gone.

    A kill at any moment loses nothing: the file is at its name, quarantined, or backed up.
    """
    removal, quarantined = locked.run.removals[entry], _quarantine_name(locked, entry)
    found, recorded = locate(locked, entry), backup.load(locked).files.get(entry)
    if found == "absent":
        return True
    with safefile.parent(locked.root, removal.path) as (folder, name):
        if found == "present":
            _check_proof(locked, removal)
            preconditions.check_link(removal, links)
            with preconditions.leased(locked, removal, folder, name), safefile.file_errors():
                # From here no path leads to the file, so that nobody can open or change it by name.
                os.rename(name, quarantined, src_dir_fd=folder, dst_dir_fd=folder)
        try:
            if found == "quarantined":
                _check_proof(locked, removal)
            with preconditions.leased(locked, removal, folder, name, quarantined) as fd:
                preconditions.check_content(removal, fd)
                if recorded and safefile.read_metadata(fd) != recorded:
                    raise PreconditionFailed("its owner or attributes changed since it was backed up")
                os.unlink(quarantined, dir_fd=folder)
        except BaseException as error:
            other = _release(folder, quarantined, name, removal.sha256)
            if other and isinstance(error, PreconditionFailed):
                raise PreconditionFailed(f"{error}{_renamed(other)}") from None
            raise
        os.fsync(folder)
    return False


def _check_proof(locked: LockedRun, removal: Removal) -> None:
    if not backup.is_stored(locked, removal):
        raise PreconditionFailed("its backup is damaged")
    preconditions.check_surviving_copy(locked, removal)


def locate(locked: LockedRun, entry: int) -> str:
    """Return whether a planned file is "quarantined", "present" or "absent".

    Changes files: completes the interrupted return of a quarantined file to its name.

    Raises
    ------
    PreconditionFailed
        This user may not look.
    """
    quarantined = _quarantine_name(locked, entry)
    try:
        with safefile.parent(locked.root, locked.run.removals[entry].path) as (folder, name):
            with safefile.file_errors():
                hidden, there = safefile.status(folder, quarantined), safefile.status(folder, name)
            if hidden and there and os.path.samestat(hidden, there):
                os.unlink(quarantined, dir_fd=folder)
                os.fsync(folder)
                hidden = None
    except PreconditionFailed as failed:
        if isinstance(failed.__cause__, PermissionError):
            raise
        return "absent" if isinstance(failed.__cause__, FileNotFoundError) else "present"
    return "quarantined" if hidden else "present" if there else "absent"


def release(locked: LockedRun, entry: int) -> str | None:
    """Give a quarantined file its name back; return the other name it got if a newer file has that one.

    Changes files: renames the quarantined file.
    """
    removal = locked.run.removals[entry]
    with safefile.parent(locked.root, removal.path) as (folder, name):
        return _release(folder, _quarantine_name(locked, entry), name, removal.sha256)


def _release(folder: int, quarantined: str, name: str, sha256: str) -> str | None:
    for target in free_names(name, sha256):
        if safefile.status(folder, quarantined) is None:
            return None
        if safefile.status(folder, target):
            continue
        try:
            os.link(quarantined, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except PermissionError:  # a folder, or a file of another user, that took the name in the last moment
            os.rename(quarantined, target, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.fsync(folder)
            os.unlink(quarantined, dir_fd=folder)
        os.fsync(folder)
        return None if target == name else target
    raise AssertionError("there is always a free name")


def free_names(name: str, sha256: str) -> chain[str]:
    """Return `name`, and the names to try when another file has it."""
    cut = name
    while len(os.fsencode(cut)) > _LONGEST:
        cut = cut[:-1]
    other = f"{cut}.restored-{sha256[:8]}"
    return chain((name, other), (f"{other}-{number}" for number in count(2)))


def _quarantine_name(locked: LockedRun, entry: int) -> str:
    return f".del-{locked.run.sha256[:12]}-{entry}"


def _renamed(other: str | None) -> str:
    return f'; it is now "{other}", because a newer file has its name' if other else ""
