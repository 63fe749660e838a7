"""Whoever listens to a cleanup or a restore can end it at any of its steps, and going on later heals it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cleanup_projects import make_files, planned, tree
from fault_counts import Tally
from faulty_system import PLANNED, assert_nothing_lost, clean, world

from dbtools.cleanup.backup import runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore
from dbtools.progress import Stopped, listening


def stopped(action: Callable[[], object], at: int) -> int:
    """Carry out an action whose step number `at` ends it, and return how many there were."""
    steps = [0]

    def listen(*_told: object) -> None:
        steps[0] += 1
        if steps[0] > at:
            raise Stopped

    with listening(listen), suppress(Stopped):
        action()
    return steps[0]


def rescuing(folder: Path, *rows: int) -> Plan:
    project = make_files(folder, {"a.csv": b"id,text\n1,x\n2,y\n", "b.csv": b"id\n3\n"})
    return planned(project, "a.csv", "b.csv", rescue=rows)


def test_a_cleanup_that_is_stopped_at_any_step_loses_nothing_and_the_same_call_finishes_it(
    folder: Path, tally: Tally
) -> None:
    length = stopped(lambda: clean(rescuing(folder / "count", 1)), 1000)
    # A file whose rows are rescued takes a step more.
    assert length == stopped(lambda: clean(rescuing(folder / "none")), 1000) + 2
    for at in range(length):
        plan = rescuing(folder / str(at), 1)
        before = tree(plan.project.root)
        stopped(lambda plan=plan: clean(plan), at)
        tally.examine(plan)
        result = clean(plan)
        assert (sorted(result.removed), result.rescued_rows) == (["a.csv", "b.csv"], 2)
        assert unfinished(plan.project.backups) == []
        restore(result.path)
        assert tree(plan.project.root, "backups") == before
    tally.runs += length


def test_a_restore_that_is_stopped_at_any_step_leaves_whole_files_and_the_same_call_brings_back_the_rest(
    folder: Path, tally: Tally
) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    path = clean(plan).path
    length = stopped(lambda: restore(path), 1000)
    assert length > len(PLANNED) + 2  # within a file that is copied too
    for at in range(length):
        for file in PLANNED:
            (plan.project.root / file).unlink(missing_ok=True)
        stopped(lambda: restore(path), at)
        tally.examine(plan)
        here = tree(plan.project.root, "backups")
        assert {name: before[name] for name in here} == here
        assert [name for name in here if name in PLANNED] != list(PLANNED)
        restore(path)
        assert tree(plan.project.root, "backups") == before
    tally.runs += length


def test_a_restore_of_a_stopped_cleanup_that_is_stopped_too_loses_nothing(folder: Path, tally: Tally) -> None:
    length = stopped(lambda: clean(world(folder)), 1000)
    for at in range(length):
        plan = world(folder)
        before = tree(plan.project.root)
        stopped(lambda plan=plan: clean(plan), at)
        for run in runs(plan.project.backups):
            stopped(lambda run=run: restore(run), 1)
            tally.examine(plan)
            restore(run)
        assert_nothing_lost(plan)
        assert tree(plan.project.root, "backups") == before
    tally.runs += length
