"""Bring back what a cleanup removed, and never overwrite anything."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup import backup, preconditions, safefile
from dbtools.cleanup.apply import close_interrupted, free_names, release
from dbtools.cleanup.backup import MANIFEST, read, runs
from dbtools.cleanup.model import LockedRun, Removal, Run, State
from dbtools.cleanup.safefile import PreconditionFailed
from dbtools.errors import CleanupError, readable, reason
from dbtools.html import counted
from dbtools.progress import step
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd


_NAMED = 3  # files; more are not named in a sentence


@dataclass(frozen=True)
class Conflict:
    """A file whose place is taken by something else, or cannot be reached.

    Attributes
    ----------
    written_as : str
        Where its content is now; empty when it could not be written.
    """

    path: str
    written_as: str
    reason: str


@dataclass(frozen=True, repr=False)
class Restored(Result):
    """What a restore did.

    Attributes
    ----------
    skipped : tuple of str
        Already there, with the same content.
    conflicts : tuple of Conflict
        Those that stand beside something newer, and the `unwritten`.
    others : tuple of str
        The other runs of the project with files whose place is empty, each to be restored by a call of its own.
    """

    restored: tuple[str, ...]
    skipped: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    others: tuple[str, ...] = ()

    @property
    def unwritten(self) -> tuple[Conflict, ...]:
        """Those whose content could not be written: it is in the backup alone."""
        return tuple(conflict for conflict in self.conflicts if not conflict.written_as)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, action (restored, skipped, conflict, unwritten), written_as, reason."""
        import pandas as pd

        rows = [(path, "restored", path, "") for path in self.restored]
        rows += [(path, "skipped", path, "already there, with the same content") for path in self.skipped]
        for found in self.conflicts:
            rows.append((found.path, "conflict" if found.written_as else "unwritten", found.written_as, found.reason))
        rows = [tuple(map(readable, row)) for row in sorted(rows)]  # type: ignore[misc]
        return pd.DataFrame(rows, columns=["path", "action", "written_as", "reason"])

    @property
    def sentence(self) -> str:
        """What came back."""
        there, lacking = len(self.skipped), [found.path for found in self.unwritten]
        beside = [found.written_as for found in self.conflicts if found.written_as]
        return (
            f"{counted(len(self.restored), 'file')} restored, {there} {'was' if there == 1 else 'were'} there already, "
            f"{len(beside)} stand{'s' if len(beside) == 1 else ''} beside something newer"
            + (f" ({_some(beside)})" if beside else "")
            + (f", {len(lacking)} could not be written: {_some(lacking)}" if lacking else "")
            + (f"; files of other runs are still away: {', '.join(self.others)}" if self.others else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the lists as JSON can hold them."""
        return {
            "restored": list(map(readable, self.restored)),
            "skipped": list(map(readable, self.skipped)),
            "conflicts": [{k: readable(v) for k, v in asdict(conflict).items()} for conflict in self.conflicts],
            "unwritten": [readable(conflict.path) for conflict in self.unwritten],
            "others": list(map(readable, self.others)),
        }


def restore(run: str | Path | None, root: str | Path | None = None) -> Restored:
    """Bring back what a run removed: bytes, permission bits and time; restoring twice does nothing more.

    Changes files: writes those that are missing, below `root` (default: the project of the run).
    An interrupted run is closed first.

    Raises
    ------
    CleanupError
        There is no such run (a cleanup that removed nothing has none), a backup is damaged (the others are
        restored), or the system stopped it.
    BusyError
        Another cleanup or restore is at work in the project.
    """
    if run is None:
        raise CleanupError("No run is named", None, "a cleanup that removed nothing has none; name its folder")
    folder = Path(run)
    pinned = read(folder.parent if folder.name == MANIFEST else folder, root)
    try:
        with safefile.locked(pinned.root) as fd, safefile.opened_folder(pinned.folder) as store:
            locked = LockedRun(pinned, fd, store)
            state = _state(locked, settled=root is None)
            result, damaged = _restore_all(locked, state)
            if state is None and root is None and not damaged:
                backup.replace_journal(store)
    except OSError as error:
        raise CleanupError(f"The restore stopped ({reason(error)})", folder, _AGAIN) from error
    if damaged:
        raise CleanupError(f"{len(damaged)} of the backups are damaged or gone", damaged[0], _OTHERS)
    return replace(result, others=_others(pinned))


_AGAIN = "mend the cause and restore the run again"
_OTHERS = "the files of this run whose backups are sound were restored"


def _others(run: Run) -> tuple[str, ...]:
    found = []
    for folder in runs(run.folder.parent):
        with suppress(CleanupError):
            other = read(folder)
            away = [r for r in other.removals if not os.path.lexists(run.root / r.path)]
            backed_up = any(os.path.lexists(folder / removal.sha256) for removal in away)
            if other.sha256 != run.sha256 and other.root == run.root and backed_up:
                found.append(folder.name)
    return tuple(found)


def _state(locked: LockedRun, settled: bool) -> State | None:
    """Return what the journal says, the run being closed; None when it is damaged."""
    try:
        state = backup.load(locked)
        if settled and not state.closed:
            close_interrupted(locked)
            state = backup.load(locked)
    except CleanupError:
        state = None
        for entry in range(len(locked.run.removals)) if settled else ():
            with suppress(PreconditionFailed):
                release(locked, entry)
    return state


def _restore_all(locked: LockedRun, state: State | None) -> tuple[Restored, list[str]]:
    restored: list[str] = []
    skipped: list[str] = []
    conflicts: list[Conflict] = []
    damaged: list[str] = []
    for entry, removal in enumerate(locked.run.removals):
        step()  # whoever listens can stop here, or within a copy: the same call brings back the rest
        if state and entry in state.kept:
            with suppress(PreconditionFailed):  # kept because its folder could not be reached while it was under way
                release(locked, entry)
            continue
        surely = state is not None and entry in state.removed
        if not surely and safefile.status(locked.store, removal.sha256) is None:
            continue  # never backed up, hence never removed
        try:
            written = _restore_one(locked, entry, removal)
        except PreconditionFailed as failed:
            conflicts.append(Conflict(removal.path, "", str(failed)))
        except _Damaged:
            damaged.append(removal.path)
        else:
            if written is None:
                skipped.append(removal.path)
            elif written == removal.path:
                restored.append(removal.path)
            else:
                conflicts.append(Conflict(removal.path, written, "something else is at its place"))
    return Restored(tuple(restored), tuple(skipped), tuple(conflicts)), damaged


class _Damaged(Exception):  # noqa: N818  (an answer about one backup)
    pass


def _restore_one(locked: LockedRun, entry: int, removal: Removal) -> str | None:
    """Restore a file; return the path it has now, or None when it was there already."""
    with safefile.parent(locked.root, removal.path, make=True) as (folder, name):
        temporary = f".restore-{locked.run.sha256[:12]}-{entry}"
        safefile.discard(folder, temporary)  # left by a restore that was killed
        if safefile.digest_at(folder, name) == removal.sha256:
            return None
        if safefile.digest_at(locked.store, removal.sha256) != removal.sha256:
            raise _Damaged
        with safefile.temporary(folder, temporary) as fd:
            with safefile.opened_file(locked.store, removal.sha256) as source:
                if safefile.copy(source, fd, lambda _: step()) != removal.sha256:
                    raise _Damaged
            os.fchmod(fd, stat.S_IMODE(removal.identity.mode))
            os.utime(fd, ns=(removal.identity.mtime_ns, removal.identity.mtime_ns))
            os.fsync(fd)
            target = _link(folder, temporary, name, removal)
        os.fsync(folder)
    return removal.path.removesuffix(name) + target


def _link(folder: int, temporary: str, name: str, removal: Removal) -> str:
    """Give the finished file the first free name, or that of an earlier restore that wrote the same."""
    for target in free_names(name, removal.sha256):
        if target == name and preconditions.live_sidecar(folder, name):
            continue  # SQLite would play a foreign journal into the restored database
        try:
            os.link(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            if target != name and safefile.digest_at(folder, target) == removal.sha256:
                return target
            continue
        return target
    raise AssertionError("there is always a free name")


def _some(paths: list[str]) -> str:
    return readable(", ".join(paths[:_NAMED]) + (", …" if len(paths) > _NAMED else ""))
