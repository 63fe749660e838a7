"""Any system call may fail once, or do less than asked: the report stays true, nothing is lost, and again heals it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import tree
from fault_counts import ALL
from faulty_system import PLANNED, Machine, calls, clean, failing, running, world

from dbtools.cleanup.backup import runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore
from dbtools.errors import CleanupError

ERRORS = ("EIO", "ENOSPC", "EACCES", "EROFS", "EMFILE")


def failing_at(names: list[str], error: str) -> range:
    """Return which calls are to fail so: each in one of the ways, and in every way if all combinations are tried."""
    return range(len(names)) if ALL else range(ERRORS.index(error), len(names), len(ERRORS))


@pytest.mark.parametrize("name", ERRORS)
def test_a_call_that_fails_loses_nothing_and_is_reported_truly(folder: Path, tally: Any, name: str) -> None:
    plan = world(folder, PLANNED[1:3])
    root, before = plan.project.root, tree(plan.project.root)
    names = calls(lambda: clean(plan))
    tally.calls += len(names) if name == ERRORS[0] else 0
    restored = tally.some(range(len(names)), 60)
    for at in failing_at(names, name):
        plan, result = world(folder, PLANNED[1:3]), None
        with running(failing(at, getattr(errno, name))):
            try:
                result = clean(plan)
            except CleanupError:
                barrier = any(b'"all"' in (run / "journal").read_bytes() for run in journals(plan))
                assert barrier or tree(root, "backups") == before
        tally.runs += 1
        tally.examine(plan)
        if result:
            assert [kept.path for kept in result.kept if not (root / kept.path).exists()] == []
            assert [path for path in result.removed if (root / path).exists()] == []
        assert sorted(clean(plan).removed) == sorted(PLANNED[1:3])
        assert unfinished(plan.project.backups) == []
        if at in restored:
            restore(runs(plan.project.backups)[0])
            assert tree(root, "backups") == before


def journals(plan: Plan) -> list[Path]:
    return [run for run in runs(plan.project.backups) if (run / "journal").exists()]


@pytest.mark.parametrize("name", ERRORS)
def test_a_restore_that_fails_is_finished_by_the_same_call(folder: Path, tally: Any, name: str) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    path = clean(plan).path
    names = calls(lambda: restore(path))
    tally.calls += len(names) if name == ERRORS[0] else 0
    for at in failing_at(names, name):
        for file in PLANNED:
            (plan.project.root / file).unlink(missing_ok=True)
        with running(failing(at, getattr(errno, name))), suppress(CleanupError):
            restore(path)
        tally.runs += 1
        tally.examine(plan)
        restore(path)
        found = {name: file for name, file in tree(plan.project.root, "backups").items() if ".restored-" not in name}
        assert found == before


def test_calls_that_write_or_read_less_than_asked_are_gone_on_with(folder: Path, tally: Any) -> None:
    def short(call: int, name: str, args: tuple[Any, ...]) -> Any:
        if name == "write":
            return os.write(args[0], args[1][: max(1, len(args[1]) // 3)])
        if name in ("pread", "read") and args[1] > 100:
            return getattr(os, name)(args[0], 100, *args[2:])
        return None

    plan = world(folder)
    before = tree(plan.project.root)
    with running(Machine(short)):
        result = clean(plan)
    assert (sorted(result.removed), result.kept) == (sorted(PLANNED), ())
    tally.examine(plan)
    with running(Machine(short)):
        restore(result.path)
    tally.runs += 2
    assert tree(plan.project.root, "backups") == before


def lying(at: int, half: bool) -> Machine:
    """Return a machine whose write number `at` reports success, while half of the bytes, or none, are there."""

    def before(call: int, name: str, args: tuple[Any, ...]) -> Any:
        if call != at or name != "write":
            return None
        if half:
            os.write(args[0], args[1][: len(args[1]) // 2])
        return len(args[1])

    return Machine(before)


@pytest.mark.parametrize("half", [False, True])
def test_a_write_that_claims_more_than_it_wrote_is_found_by_reading_back(folder: Path, tally: Any, half: bool) -> None:
    plan = world(folder, PLANNED[:2])
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in [i for i, name in enumerate(names) if name == "write"]:
        plan = world(folder, PLANNED[:2])
        with running(lying(at, half)), suppress(CleanupError):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)
        with suppress(CleanupError):  # a journal with a hole before its last record must be restored, not resumed
            clean(plan)
        for run in runs(plan.project.backups):
            restore(run)
        assert tree(plan.project.root, "backups") == before


@pytest.mark.parametrize("half", [False, True])
def test_a_restore_whose_write_claims_more_than_it_wrote_puts_nothing_wrong_in_place(
    folder: Path, tally: Any, half: bool
) -> None:
    plan = world(folder, PLANNED[:2])
    before = tree(plan.project.root)
    path = clean(plan).path
    names = calls(lambda: restore(path))
    for at in [i for i, name in enumerate(names) if name == "write"]:
        for file in PLANNED[:2]:
            (plan.project.root / file).unlink(missing_ok=True)
        with running(lying(at, half)), pytest.raises(CleanupError, match="not what was written"):
            restore(path)
        tally.runs += 1
        here = tree(plan.project.root, "backups")
        assert {name: before[name] for name in here} == here
        restore(path)
        assert tree(plan.project.root, "backups") == before
