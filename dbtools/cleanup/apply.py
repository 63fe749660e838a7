"""Carry out a plan: back up everything, read it back, and only then remove."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import PurePosixPath

from dbtools.cleanup import journal, preconditions, safefile
from dbtools.cleanup.journal import Held
from dbtools.cleanup.manifest import Manifest, report
from dbtools.cleanup.plan import Plan, Removal
from dbtools.cleanup.remove import remove, settle, whereabouts
from dbtools.cleanup.run import Run, create, fingerprint, of_project
from dbtools.cleanup.safefile import Refused, Tick
from dbtools.errors import CleanupError, ParameterError, reason
from dbtools.progress import bar, step

_LONGEST = 180  # characters of a path in the name of its rescued rows
_QUIET = 16 << 20  # bytes; backing up less takes no progress bar
_NOTHING_GONE = "nothing was removed; report this with the file"
_RESUME = "nothing that is not backed up was removed; mend the cause and run it again, or restore the run"


def apply(plan: Plan, *, dry_run: bool = True, now: datetime | None = None, progress: bool = True) -> Manifest:
    """Carry out a plan; applied again, the same plan resumes, or does nothing when it is done.

    Changes files: none with `dry_run`; else backs up every planned file in the backup folder, then removes it.
    A run of the project that was interrupted is closed first: what was under way is finished, the rest stays.

    Parameters
    ----------
    now : datetime, optional
        The time that names the run; without a time zone, UTC. By default the present.

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
    preconditions.check_plan(plan)
    if dry_run:
        return report(plan, dry_run=True)
    try:
        with safefile.locked(plan.project.root) as root:
            return _apply(plan, root, now, progress)
    except OSError as error:
        raise CleanupError(f"The cleanup stopped ({reason(error)})", plan.project.backups, _RESUME) from error


def _apply(plan: Plan, root: int, now: datetime | None, progress: bool) -> Manifest:
    sha256, run = fingerprint(plan.removals), None
    interrupted = journal.unfinished(plan.project.backups)
    for earlier in of_project(plan.project):
        if earlier.sha256 == sha256:
            run = earlier
        elif earlier.folder in interrupted:
            with safefile.opened_folder(earlier.folder) as store:
                settle(Held(earlier, root, store))
    if not plan.removals:
        return report(plan, dry_run=False)
    run = run or create(plan, now)
    with safefile.opened_folder(run.folder) as store:
        held = Held(run, root, store)
        _carry_out(held, progress)
        return report(plan, dry_run=False, folder=run.folder, state=journal.load(held))


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
            if whereabouts(held, entry) != "captured":  # kept because its folder could not be reached any more
                preconditions.check_again(held, held.run.removals[entry])
            again.append(entry)
    if again:
        journal.append(held.store, do="again", entries=again)


def _came_back(held: Held, removal: Removal) -> bool:
    with suppress(Refused), safefile.parent(held.root, removal.path) as (folder, name):
        return safefile.digest_at(folder, name) == removal.sha256
    return False


def _back_up(held: Held, todo: list[int], tick: Tick, reach: Tick) -> None:
    # A file that is gone although its backup is there went in an attempt whose record was lost.
    known, done = set(os.listdir(held.store)), 0  # noqa: PTH208 (a descriptor)
    for entry in todo:
        removal = held.run.removals[entry]
        done += removal.identity.size
        try:
            stored = removal.sha256 in known and safefile.digest_at(held.store, removal.sha256) == removal.sha256
            if not (stored and whereabouts(held, entry) != "present"):
                with (
                    safefile.parent(held.root, removal.path) as (folder, name),
                    preconditions.leased(held, removal, folder, name) as source,
                ):
                    safefile.store_file(held.store, removal.sha256, source, removal.sha256, tick)
        except Refused as refused:
            journal.append(held.store, do="kept", entry=entry, reason=str(refused))
        reach(done)


def _rescue(held: Held, entry: int) -> None:
    """Rescue the planned rows of a file, reading its backup."""
    removal = held.run.removals[entry]
    if not removal.rescue:
        return
    known = journal.load(held).rescued.get(entry)
    from dbtools.cleanup.rescue import write

    safefile.make_folders(held.run.folder / journal.RESCUED)
    with safefile.opened_folder(held.run.folder / journal.RESCUED) as folder:
        name = _rescue_name(held.run, entry)
        if known and safefile.digest_at(folder, name) == known["sha256"]:
            return
        temporary = safefile.TEMPORARY + name
        target = held.run.folder / journal.RESCUED / temporary
        safefile.discard(folder, temporary)
        try:
            rows = write(removal, held.run.folder / removal.sha256, target)
            if rows != len(removal.rescue):
                failed = f"Only {rows} of {len(removal.rescue)} rows were rescued"
                raise CleanupError(failed, removal.path, _NOTHING_GONE)
            sha256 = safefile.seal(folder, temporary, name)
        finally:
            safefile.discard(folder, temporary)
    journal.append(held.store, do="rescued", entry=entry, rows=rows, file=f"{journal.RESCUED}/{name}", sha256=sha256)


def _rescue_name(run: Run, entry: int) -> str:
    """Return the file name for rescued rows: what SQL can call a table, unique within the run."""
    paths = [PurePosixPath(removal.path).with_suffix("").as_posix().lower() for removal in run.removals]
    # The end of a deep path says most, and no name may have more than 255 bytes.
    names = ["rescued_" + re.sub("[^a-z0-9]+", "_", path)[-_LONGEST:] for path in paths]
    twins = names[:entry].count(names[entry])
    return f"{names[entry]}{f'__{twins + 1}' if twins else ''}.parquet"


@contextmanager
def _bar(total: int, progress: bool) -> Iterator[tuple[Tick, Tick]]:
    """Show a progress bar; yield a function that adds bytes to it, and one that sets them."""
    hidden = not progress or total < _QUIET
    with bar(total=total, unit="B", unit_scale=True, desc="Backing up", disable=hidden) as shown:
        yield shown.update, lambda done: shown.update(done - shown.n)
