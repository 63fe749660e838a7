"""Carry out a plan: back up everything, read it back, and only then remove."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dbtools.cleanup import guard, journal, vault
from dbtools.cleanup.journal import Held, Run, State
from dbtools.cleanup.plan import Kept, Plan, Removal
from dbtools.cleanup.remove import remove, settle, whereabouts
from dbtools.cleanup.vault import Refused, Tick
from dbtools.errors import CleanupError, ParameterError, readable
from dbtools.progress import bar, step
from dbtools.tables import size, table

if TYPE_CHECKING:
    import pandas as pd


_QUIET = 16 << 20  # bytes; backing up less takes no progress bar
_NOTHING_GONE = "nothing was removed; report this with the file"
_RESUME = "nothing that is not backed up was removed; mend the cause and run it again, or restore the run"


@dataclass(frozen=True, repr=False)
class Manifest:
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
        Rows that exist nowhere else and were (would be) copied out.
    bytes : int
        Size of what was (would be) removed.
    """

    dry_run: bool
    path: Path | None
    removed: tuple[str, ...]
    kept: tuple[Kept, ...]
    rescued_rows: int
    bytes: int
    planned: tuple[str, ...]
    rows: tuple[tuple[str, str, int | None, str, str], ...] = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per planned and per kept file: path, action, size_bytes, reason, backup."""
        import pandas as pd

        rows = [(readable(path), *more, readable(why), backup) for path, *more, why, backup in self.rows]
        frame = pd.DataFrame(rows, columns=["path", "action", "size_bytes", "reason", "backup"])
        return frame.astype({"size_bytes": "Int64"})

    @property
    def sentence(self) -> str:
        """What was done, or would be."""
        went = len(self.planned) if self.dry_run else len(self.removed)
        rescued = f", {self.rescued_rows:,} rows rescued first" if self.rescued_rows else ""
        if self.dry_run:
            return f"dry run: {went} files, {size(self.bytes)}, would be removed{rescued}; nothing was changed"
        return (
            f"{went} of {len(self.planned)} planned files removed, {size(self.bytes)}{rescued}; {len(self.kept)} stay"
        )

    def __repr__(self) -> str:
        return f"Manifest({self.sentence})"

    def _repr_html_(self) -> str:
        frame = self.frame.assign(backup=[re.sub(r"[0-9a-f]{52}$", "…", name) for name in self.frame["backup"]])
        return table(frame, caption=self.sentence[0].upper() + self.sentence[1:])

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
        }


def apply(plan: Plan, *, dry_run: bool = True, now: datetime | None = None, progress: bool = True) -> Manifest:
    """Carry out a plan; applied again, the same plan resumes, or does nothing when it is done.

    Changes files: none with `dry_run`; else backs up every planned file in the backup folder, then removes it.
    A run of the project that was interrupted is closed first: what was under way is finished, the rest stays.

    Raises
    ------
    ParameterError
        `dry_run` is no boolean.
    CleanupError
        The plan is not fit to be carried out, or the run stopped.
    BusyError
        Another cleanup or restore is at work in the project.
    """
    if not isinstance(dry_run, bool):  # a text "false" would count as true
        raise ParameterError("dry_run is neither True nor False", dry_run, "give one of the two, without quotes")
    guard.check_plan(plan)
    if dry_run:
        return _report(plan, dry_run=True)
    try:
        with vault.locked(plan.project.root) as root:
            return _apply(plan, root, now or datetime.now(UTC), progress)
    except OSError as error:
        raise CleanupError(f"The cleanup stopped ({error.strerror or error})", plan.project.backups, _RESUME) from error


def _apply(plan: Plan, root: int, now: datetime, progress: bool) -> Manifest:
    sha256, run = journal.fingerprint(plan.removals), None
    interrupted = journal.unfinished(plan.project.backups)
    for earlier in journal.of_project(plan.project):
        if earlier.sha256 == sha256:
            run = earlier
        elif earlier.folder in interrupted:
            with vault.opened_folder(earlier.folder) as store:
                settle(Held(earlier, root, store))
    if not plan.removals:
        return _report(plan, dry_run=False)
    run = run or journal.create(plan, now)
    with vault.opened_folder(run.folder) as store:
        held = Held(run, root, store)
        _carry_out(held, progress)
        return _report(plan, dry_run=False, folder=run.folder, state=journal.load(held))


def _carry_out(held: Held, progress: bool) -> None:
    journal.tidy(held)
    _reopen(held)
    before = journal.load(held)
    todo = before.undecided(held.run)
    if before.closed and not todo:
        return
    sizes = [held.run.removals[entry].identity.size for entry in todo]
    with _bar(sum(sizes), progress) as (tick, reach):
        if not before.barrier:
            _back_up(held, todo, tick, reach)
            for entry in journal.load(held).undecided(held.run):
                _rescue(held, entry)
            os.fsync(held.store)
            # Whatever happens from here on, every file that may go is on disk twice.
            journal.append(held.store, do="all")
        for entry in journal.load(held).undecided(held.run):
            step()  # whoever listens can stop here: what was not begun stays
            remove(held, entry)
    journal.append(held.store, do="closed")


def _reopen(held: Held) -> None:
    """Take up again what a closed run kept and could remove now, and what came back as it was."""
    state = journal.load(held)
    if not state.closed:
        return
    again = [entry for entry in state.removed if _came_back(held, held.run.removals[entry])]
    for entry in state.kept:
        with suppress(Refused):
            guard.check_again(held, held.run.removals[entry])
            again.append(entry)
    if again:
        journal.append(held.store, do="again", entries=again)


def _came_back(held: Held, removal: Removal) -> bool:
    with suppress(Refused), vault.parent(held.root, removal.path) as (folder, name):
        return vault.digest_at(folder, name) == removal.sha256
    return False


def _back_up(held: Held, todo: list[int], tick: Tick, reach: Tick) -> None:
    # A file that is gone although its backup is there went in an attempt whose record was lost.
    known, done = set(os.listdir(held.store)), 0  # noqa: PTH208 (a descriptor)
    for entry in todo:
        removal = held.run.removals[entry]
        done += removal.identity.size
        try:
            stored = removal.sha256 in known and vault.digest_at(held.store, removal.sha256) == removal.sha256
            if not (stored and whereabouts(held, entry) != "present"):
                with (
                    vault.parent(held.root, removal.path) as (folder, name),
                    guard.leased(held, removal, folder, name) as source,
                ):
                    vault.store_file(held.store, removal.sha256, source, removal.sha256, tick)
        except Refused as refused:
            journal.append(held.store, do="kept", entry=entry, reason=str(refused))
        reach(done)


def _rescue(held: Held, entry: int) -> None:
    """Copy out the rows of a file that exist nowhere else, reading its backup."""
    removal, known = held.run.removals[entry], journal.load(held).rescued.get(entry)
    if not removal.rescue:
        return
    from dbtools.cleanup.rescue import write

    vault.make_folders(held.run.folder / journal.RESCUED)
    with vault.opened_folder(held.run.folder / journal.RESCUED) as folder:
        name = _rescue_name(held.run, entry)
        if known and vault.digest_at(folder, name) == known["sha256"]:
            return
        temporary = vault.TEMPORARY + name
        target = held.run.folder / journal.RESCUED / temporary
        vault.discard(folder, temporary)
        try:
            rows = write(removal, held.run.folder / removal.sha256, target)
            if rows != len(removal.rescue):
                failed = f"Only {rows} of {len(removal.rescue)} rows were rescued"
                raise CleanupError(failed, removal.path, _NOTHING_GONE)
            sha256 = vault.seal(folder, temporary, name)
        finally:
            vault.discard(folder, temporary)
    journal.append(held.store, do="rescued", entry=entry, rows=rows, file=f"{journal.RESCUED}/{name}", sha256=sha256)


def _rescue_name(run: Run, entry: int) -> str:
    """Return the file name for rescued rows: what SQL can call a table, unique within the run."""
    paths = [PurePosixPath(removal.path).with_suffix("").as_posix().lower() for removal in run.removals]
    names = ["rescued_" + re.sub("[^a-z0-9]+", "_", path) for path in paths]
    twins = names[:entry].count(names[entry])
    return f"{names[entry]}{f'__{twins + 1}' if twins else ''}.parquet"


@contextmanager
def _bar(total: int, progress: bool) -> Iterator[tuple[Tick, Tick]]:
    """Show a progress bar; yield a function that adds bytes to it, and one that sets them."""
    hidden = not progress or total < _QUIET
    with bar(total=total, unit="B", unit_scale=True, desc="Backing up", disable=hidden) as shown:
        yield shown.update, lambda done: shown.update(done - shown.n)


def _report(plan: Plan, *, dry_run: bool, folder: Path | None = None, state: State | None = None) -> Manifest:
    rows: list[tuple[str, str, int | None, str, str]] = []
    for entry, removal in enumerate(plan.removals):
        action, reason, backup = "would remove", removal.reason, ""
        if state and folder:
            action = "removed" if entry in state.removed else "kept"
            reason = state.kept.get(entry, reason)
            if os.path.lexists(folder / removal.sha256):
                backup = plan.project.relative(folder / removal.sha256)
            if state.removed.get(entry):
                reason += " (it was already gone when its turn came)"
        rows.append((removal.path, action, removal.identity.size, reason, backup))
    if state:
        rescued = sum(record["rows"] for record in state.rescued.values())
    else:
        rescued = sum(len(removal.rescue) for removal in plan.removals)
    return Manifest(
        dry_run=dry_run,
        path=folder,
        removed=tuple(path for path, action, *_ in rows if action == "removed"),
        kept=(*(Kept(path, reason) for path, action, _, reason, _ in rows if action == "kept"), *plan.kept),
        rescued_rows=rescued,
        bytes=sum(size or 0 for _, action, size, *_ in rows if action != "kept"),
        planned=tuple(removal.path for removal in plan.removals),
        rows=(*rows, *((kept.path, "kept", None, kept.reason, "") for kept in plan.kept)),
    )
