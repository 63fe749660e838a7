"""The power goes after any call that changes the disk, and only what was synced is sure to be there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import tree
from disk import Disk
from faulty_system import PLANNED, Machine, clean, running, world

from dbtools.cleanup import safefile
from dbtools.cleanup.backup import runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore

CHANGING = {"open", "write", "mkdir", "link", "unlink", "rename", "replace", "fchmod", "utime", "ftruncate"}


def recorded(root: Path, action: Callable[[], object]) -> Disk:
    """Carry out an action and keep every moment of the disk."""
    disk = Disk(root)

    def after(name: str, args: tuple[Any, ...]) -> None:
        if name in CHANGING:
            disk.look()
        elif name == "fsync":
            disk.look(os.fstat(args[0]).st_ino)

    with running(Machine(after=after)):
        action()
    return disk


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let go of the inode numbers: those of the files before the power went are not to be had for a tree made anew."""
    monkeypatch.setattr(safefile, "_comparable", lambda known: (known.size, known.mtime_ns, known.mode & 0o7777))


def cut(disk: Disk, tally: Any, then: Callable[[], None], *, done: bool = False) -> None:
    """Make each tree that a power cut may leave, once, and do something with it; only the end, if all is `done`."""
    seen = set()
    tally.calls += 0 if done else len(disk.moments) - 1
    randoms = len(tally.some(range(200), 6))
    for moment in range(len(disk.moments))[-1 if done else 0 :]:
        for found in disk.trees(moment, randoms, seed=moment):
            state = frozenset(found.items())
            if state not in seen:
                seen.add(state)
                disk.make(found)
                then()
    tally.runs += len(seen)


@pytest.mark.usefixtures("made_anew")
def test_no_file_is_lost_when_the_power_goes_during_a_cleanup(folder: Path, tally: Any) -> None:
    plan = world(folder, PLANNED[:3])
    before = tree(plan.project.root)

    def then() -> None:
        tally.examine(plan)
        for run in runs(plan.project.backups):
            assert restore(run).conflicts == ()
        assert tree(plan.project.root, "backups") == before
        assert unfinished(plan.project.backups) == []

    cut(recorded(folder / "project", lambda: clean(plan)), tally, then)


@pytest.mark.usefixtures("made_anew")
def test_the_same_cleanup_ends_well_when_the_power_went_during_the_first(folder: Path, tally: Any) -> None:
    plan = world(folder, PLANNED[1:3])
    before = tree(plan.project.root)

    def then() -> None:
        result = clean(plan)
        tally.examine(plan)
        assert (sorted(result.removed), result.kept) == (sorted(PLANNED[1:3]), ())
        restore(result.path)
        assert tree(plan.project.root, "backups") == before

    cut(recorded(folder / "project", lambda: clean(plan)), tally, then)


@pytest.mark.usefixtures("made_anew")
def test_no_file_is_lost_when_the_power_goes_during_a_restore(folder: Path, tally: Any) -> None:
    plan = world(folder, PLANNED[:3])
    before = tree(plan.project.root)
    run = clean(plan).path
    disk = restoring(plan, run)

    def then() -> None:
        tally.examine(plan)
        assert restore(run).conflicts == ()
        assert tree(plan.project.root, "backups") == before

    cut(disk, tally, then)


def restoring(plan: Plan, run: Path) -> Disk:
    """Restore a run whose file lay in a folder that is gone too."""
    (plan.project.root / PLANNED[0]).parent.rmdir()
    return recorded(plan.project.root, lambda: restore(run))


def test_what_was_reported_as_done_stays_done_when_the_power_goes_then(folder: Path, tally: Any) -> None:
    plan = world(folder, (PLANNED[0], PLANNED[3]))
    before = tree(plan.project.root)
    left = {name: file for name, file in before.items() if name not in (PLANNED[0], PLANNED[3])}

    def removed() -> None:
        tally.examine(plan)
        assert tree(plan.project.root, "backups") == left
        assert unfinished(plan.project.backups) == []
        assert len(runs(plan.project.backups)) == 1

    def restored() -> None:
        assert tree(plan.project.root, "backups") == before

    cut(recorded(plan.project.root, lambda: clean(plan)), tally, removed, done=True)
    cut(restoring(plan, runs(plan.project.backups)[0]), tally, restored, done=True)
