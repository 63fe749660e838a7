"""Bring back what a cleanup removed, and never overwrite anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup import backup, preconditions, safefile
from dbtools.cleanup.apply import close_interrupted, free_names, release
from dbtools.cleanup.backup import MANIFEST, read, runs
from dbtools.cleanup.model import LockedRun, Metadata, Removal, Run, State, shown
from dbtools.cleanup.safefile import PreconditionFailed
from dbtools.errors import CleanupError, ParameterError, readable, reason, usable
from dbtools.html import counted
from dbtools.progress import step
from dbtools.project import around
from dbtools.result import Result, frame_of

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
    """What a restore did, or would do.

    Attributes
    ----------
    skipped : tuple of str
        Already there, with the same content.
    conflicts : tuple of Conflict
        Those written under another name, now or by an earlier restore, as something else is at their place; and the
        `unwritten`.
    others : tuple of str
        The other runs of the project with missing files, each to be restored by a call of its own.
    incomplete : dict
        What could not be given back, such as the owner, by the path that was written.
    made_for : str
        The project that the run was made for, where that is another one.
    """

    restored: tuple[str, ...]
    skipped: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    others: tuple[str, ...] = ()
    incomplete: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made_for: str = ""
    dry_run: bool = False

    @property
    def unwritten(self) -> tuple[Conflict, ...]:
        """Those whose content could not be written: it is in the backup alone."""
        return tuple(conflict for conflict in self.conflicts if not conflict.written_as)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, action (restored, skipped, conflict, unwritten), written_as, reason.

        In a dry run, ``would restore`` takes the place of ``restored``.
        """
        action = "would restore" if self.dry_run else "restored"
        rows = [(path, action, path, self._lost(path)) for path in self.restored]
        rows += [(path, "skipped", path, "already there, with the same content") for path in self.skipped]
        for found in self.conflicts:
            why = "; ".join(filter(None, (found.reason, self._lost(found.written_as))))
            rows.append((found.path, "conflict" if found.written_as else "unwritten", found.written_as, why))
        rows = [tuple(map(shown, row)) for row in sorted(rows)]  # type: ignore[misc]
        return frame_of(rows, ["path", "action", "written_as", "reason"])

    @property
    def sentence(self) -> str:
        """What came back, or would."""
        there, lacking = len(self.skipped), [found.path for found in self.unwritten]
        again = [c.written_as for c in self.conflicts if c.reason == _WRITTEN_BEFORE]
        beside = [c.written_as for c in self.conflicts if c.written_as and c.reason != _WRITTEN_BEFORE]
        if self.dry_run:
            did, verbs, could = "would be restored", ("is", "are"), "cannot"
        else:
            did, verbs, could = "restored", ("was", "were"), "could not"

        def be(n: int) -> str:
            return verbs[n != 1]

        parts = [
            f"{counted(len(self.restored), 'file')} {did}" if self.restored or not (there or beside or again) else "",
            f"{there} {be(there)} there already" if there else "",
            f"{len(beside)} {did} under another name, as {_OCCUPIED} ({_some(beside)})" if beside else "",
            f"{len(again)} {be(len(again))} there already under another name ({_some(again)})" if again else "",
            f"{len(lacking)} {could} be written: {_some(lacking)}" if lacking else "",
        ]
        return (
            ("dry run: " if self.dry_run else "")
            + ", ".join(filter(None, parts))
            + (f"; owner or attributes not given back to {_some(list(self.incomplete))}" if self.incomplete else "")
            + (f"; files of other runs are not restored yet: {', '.join(self.others)}" if self.others else "")
            + ("; nothing was changed" if self.dry_run else "")
        )

    @property
    def details(self) -> list[str]:
        """What could not be given back, file by file, and the project that the run was made for."""
        found = [f"{shown(path)}: {self._lost(path)}" for path in self.incomplete]
        return found + ([f"The run was made for {shown(self.made_for)}."] if self.made_for else [])

    def _lost(self, path: str) -> str:
        missing = self.incomplete.get(path, ())
        return f"not given back: {', '.join(missing)}" if missing else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the lists as JSON can hold them."""
        return {
            "restored": list(map(readable, self.restored)),
            "skipped": list(map(readable, self.skipped)),
            "conflicts": [{k: readable(v) for k, v in asdict(conflict).items()} for conflict in self.conflicts],
            "unwritten": [readable(conflict.path) for conflict in self.unwritten],
            "others": list(map(readable, self.others)),
            "incomplete": [{"path": readable(path), "missing": list(w)} for path, w in self.incomplete.items()],
            "dry_run": self.dry_run,
        }


def restore(run: str | Path | None, root: str | Path | None = None, *, dry_run: bool = False) -> Restored:
    """Bring back what a run removed: bytes, time, permission bits, owner and extended attributes.

    Changes files: none with `dry_run`; else writes those that are missing, below `root` only, and overwrites nothing.
    An interrupted run of that project is closed first. Restoring twice does nothing more.

    Parameters
    ----------
    root : str or Path, optional
        The project folder to restore into. By default the project that the run folder lies in.

    Raises
    ------
    CleanupError
        There is no such run (a cleanup that removed nothing has none), no project is named and the run lies in none,
        a backup is damaged (the others are restored), or the system stopped it.
    BusyError
        Another cleanup or restore is at work in the project.
    """
    if run is None:
        raise CleanupError("No run is named", None, "a cleanup that removed nothing has none; name its folder")
    if not isinstance(dry_run, bool):  # a text "false" would count as true
        raise ParameterError("dry_run is neither True nor False", dry_run, "give one of the two, without quotes")
    folder = Path(run)
    pinned = read(folder.parent if folder.name == MANIFEST else folder)
    target = replace(pinned, root=_root(pinned, root))
    # A project that was moved takes its interrupted runs along; a copy of it does not.
    own = target.root == pinned.root or not os.path.lexists(pinned.root)
    try:
        with safefile.locked(target.root) as fd, safefile.opened_folder(target.folder) as store:
            locked = LockedRun(target, fd, store)
            if dry_run:
                result, damaged = _preview(locked, _load(locked) or State()), list[str]()
            else:
                state = _close(locked) if own else _load(locked)
                result, damaged = _restore_all(locked, state or State())
                if state is None and own and not damaged:
                    backup.replace_journal(store)
    except OSError as error:
        raise CleanupError(f"The restore stopped ({reason(error)})", folder, _AGAIN) from error
    if damaged:
        are = "is" if len(damaged) == 1 else "are"
        raise CleanupError(f"{counted(len(damaged), 'backup')} {are} damaged or gone", damaged[0], _OTHERS)
    made_for = "" if target.root == pinned.root else str(pinned.root)
    return replace(result, made_for=made_for, others=_others(pinned, target.root, frozenset(result.restored)))


_AGAIN = "fix the cause and restore the run again"
_OTHERS = "the files of this run whose backups are sound were restored"
_DAMAGED = "its backup is damaged or gone"
_OCCUPIED = "something else is at its place"
_WRITTEN_BEFORE = "an earlier restore wrote it there"


def _root(run: Run, named: str | Path | None) -> Path:
    """Return the folder to restore into; what the manifest says is not enough, since anybody can forge one.

    Raises
    ------
    CleanupError
        No folder is named, and the run does not lie in the project that its manifest names.
    """
    if named is not None:
        with usable(named):
            return Path(named).expanduser().resolve()
    if run.root != around(run.folder.resolve()):
        raise CleanupError("The run does not lie in the project it was made for", run.root, "name the project as root")
    return run.root


def _others(run: Run, root: Path, restored: frozenset[str]) -> tuple[str, ...]:
    """Return the other runs of the same project with files that are missing below `root` and not `restored` by this."""
    found = []
    for folder in runs(run.folder.parent):
        with suppress(CleanupError):
            other = read(folder)
            away = [r for r in other.removals if r.path not in restored and not os.path.lexists(root / r.path)]
            backed_up = any(os.path.lexists(folder / removal.sha256) for removal in away)
            if other.sha256 != run.sha256 and other.root == run.root and backed_up:
                found.append(folder.name)
    return tuple(found)


def _load(locked: LockedRun) -> State | None:
    """Return what the journal says; None when it is damaged."""
    with suppress(CleanupError):
        return backup.load(locked)
    return None


def _close(locked: LockedRun) -> State | None:
    """Close an interrupted run and return what the journal says; None when it is damaged."""
    state = _load(locked)
    if state is None:
        for entry in range(len(locked.run.removals)):
            with suppress(PreconditionFailed):
                release(locked, entry)
    elif not state.closed:
        close_interrupted(locked)
        return _load(locked)
    return state


def _wanted(locked: LockedRun, state: State) -> Iterator[tuple[int, Removal]]:
    """Yield the files that the run removed, or may have removed: of a damaged journal, `state` is empty."""
    for entry, removal in enumerate(locked.run.removals):
        if entry in state.kept:
            continue
        # A file that was neither removed nor backed up is where it was.
        if entry in state.removed or safefile.status(locked.store, removal.sha256) is not None:
            yield entry, removal


def _preview(locked: LockedRun, state: State) -> Restored:
    """Return what a restore would do. Reads only."""
    result = _Collected()
    for entry, removal in _wanted(locked, state):
        step()
        try:
            target, before = _preview_one(locked, removal)
        except PreconditionFailed as failed:
            result.conflicts.append(Conflict(removal.path, "", str(failed)))
        else:
            missing = safefile.withheld(_metadata(removal, state.files.get(entry)))
            result.add(removal.path, target, missing, before)
    return replace(result.finished(), dry_run=True)


def _preview_one(locked: LockedRun, removal: Removal) -> tuple[str | None, bool]:
    """Return what `_restore_one` would, but for what it could not give back. Reads only."""
    before = False
    try:
        with safefile.parent(locked.root, removal.path) as (folder, name):
            if safefile.digest_at(folder, name) == removal.sha256:
                return None, False
            target, before = _free_name(folder, name, removal)
    except PreconditionFailed as failed:
        if not isinstance(failed.__cause__, FileNotFoundError):
            raise
        name = target = removal.path.rpartition("/")[2]  # its folder is made again
    if not backup.is_stored(locked, removal):
        raise PreconditionFailed(_DAMAGED)
    return removal.path.removesuffix(name) + target, before


def _free_name(folder: int, name: str, removal: Removal) -> tuple[str, bool]:
    for target in _names(folder, name, removal):
        if safefile.status(folder, target) is None:
            return target, False
        if target != name and safefile.digest_at(folder, target) == removal.sha256:
            return target, True
    raise AssertionError("there is always a free name")


def _restore_all(locked: LockedRun, state: State) -> tuple[Restored, list[str]]:
    result, damaged = _Collected(), list[str]()
    for entry in state.kept:  # kept because its folder could not be reached in the middle of a removal
        with suppress(PreconditionFailed):
            release(locked, entry)
    for entry, removal in _wanted(locked, state):
        step()  # a listener may stop the restore here, or within a copy: the same call brings back the rest
        try:
            result.add(removal.path, *_restore_one(locked, entry, removal, state))
        except PreconditionFailed as failed:
            result.conflicts.append(Conflict(removal.path, "", str(failed)))
        except _Damaged:
            damaged.append(removal.path)
    return result.finished(), damaged


class _Damaged(Exception):  # noqa: N818  (a finding about one backup)
    pass


class _Collected:
    """The outcome of a restore, file by file."""

    def __init__(self) -> None:
        self.restored: list[str] = []
        self.skipped: list[str] = []
        self.conflicts: list[Conflict] = []
        self.incomplete: dict[str, tuple[str, ...]] = {}

    def add(self, path: str, written: str | None, missing: list[str], before: bool) -> None:
        """Note where a file is, None for its own place, whether it was there before, and what it did not get back."""
        if written is None:
            self.skipped.append(path)
            return
        if written == path:
            self.restored.append(path)
        else:
            self.conflicts.append(Conflict(path, written, _WRITTEN_BEFORE if before else _OCCUPIED))
        if missing:
            self.incomplete[written] = tuple(missing)

    def finished(self) -> Restored:
        return Restored(tuple(self.restored), tuple(self.skipped), tuple(self.conflicts), incomplete=self.incomplete)


def _metadata(removal: Removal, recorded: Metadata | None) -> Metadata:
    return recorded or Metadata(None, None, stat.S_IMODE(removal.identity.mode))


def _restore_one(locked: LockedRun, entry: int, removal: Removal, state: State) -> tuple[str | None, list[str], bool]:
    """Restore a file.

    Returns
    -------
    tuple
        The path it has now, None when it was in its place already; what could not be given back; whether an earlier
        restore wrote it under this other name.
    """
    temporary, missing = f".restore-{locked.run.sha256[:12]}-{entry}", list[str]()

    def make(above: int, name: str, path: str) -> None:
        lost = safefile.make_folder(above, name, state.folders.get(path), f"{temporary}-folder")
        missing.extend(f"{what} of {path}" for what in lost)

    with safefile.parent(locked.root, removal.path, make=make) as (folder, name):
        safefile.discard(folder, temporary)  # left by a restore that was killed
        if safefile.digest_at(folder, name) == removal.sha256:
            return None, [], False
        if not backup.is_stored(locked, removal):
            raise _Damaged
        with safefile.temporary(folder, temporary) as fd:
            with safefile.opened_file(locked.store, removal.sha256) as source:
                if safefile.copy(source, fd, lambda _: step()) != removal.sha256:
                    raise _Damaged
            missing += safefile.write_metadata(fd, _metadata(removal, state.files.get(entry)))
            os.utime(fd, ns=(removal.identity.mtime_ns, removal.identity.mtime_ns))
            os.fsync(fd)
            target, before = _link(folder, temporary, name, removal)
        os.fsync(folder)
    return removal.path.removesuffix(name) + target, missing, before


def _link(folder: int, temporary: str, name: str, removal: Removal) -> tuple[str, bool]:
    """Give the finished file the first free name; return it, and whether an earlier restore wrote the same there."""
    for target in _names(folder, name, removal):
        try:
            os.link(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            if target != name and safefile.digest_at(folder, target) == removal.sha256:
                return target, True
            continue
        return target, False
    raise AssertionError("there is always a free name")


def _names(folder: int, name: str, removal: Removal) -> Iterator[str]:
    """Yield the names that a restored file may have."""
    for target in free_names(name, removal.sha256):
        # Beside a foreign journal, SQLite would play that into the restored database.
        if target != name or not preconditions.live_sidecar(folder, name):
            yield target


def _some(paths: list[str]) -> str:
    return shown(", ".join(paths[:_NAMED]) + (", …" if len(paths) > _NAMED else ""))
