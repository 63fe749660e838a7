"""Any system call may fail once: the report stays true, nothing is lost, and running again heals it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cleaning import tree
from machine import PLANNED, Machine, assert_nothing_lost, calls, clean, running, world

from dbtools.cleanup.journal import runs, unfinished
from dbtools.cleanup.restore import restore
from dbtools.errors import CleanupError


def failing(at: int, number: int) -> Machine:
    """Return a machine whose call number `at` fails."""

    def before(call: int, name: str, args: tuple[Any, ...]) -> None:
        if call == at and name != "close":
            raise OSError(number, os.strerror(number))

    return Machine(before)


@pytest.mark.parametrize("name", ["EIO", "EACCES"])
def test_a_call_that_fails_loses_nothing_and_is_reported_truly(folder: Path, name: str) -> None:
    plan = world(folder, PLANNED[1:3])
    root, before = plan.project.root, tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in range(len(names)):
        plan, result = world(folder, PLANNED[1:3]), None
        with running(failing(at, getattr(errno, name))):
            try:
                result = clean(plan)
            except CleanupError:
                barrier = any(b'"all"' in (run / "journal").read_bytes() for run in journals(plan))
                assert barrier or tree(root, "backups") == before
        assert_nothing_lost(plan)
        if result:
            assert [kept.path for kept in result.kept if not (root / kept.path).exists()] == []
            assert [path for path in result.removed if (root / path).exists()] == []
        assert sorted(clean(plan).removed) == sorted(PLANNED[1:3])
        assert unfinished(plan.project.backups) == []
        restore(runs(plan.project.backups)[0])
        assert tree(root, "backups") == before


def journals(plan: Any) -> list[Path]:
    return [run for run in runs(plan.project.backups) if (run / "journal").exists()]


@pytest.mark.parametrize("name", ["ENOSPC", "EACCES"])
def test_a_restore_that_fails_is_finished_by_the_same_call(folder: Path, name: str) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    path = clean(plan).path
    for at in range(len(calls(lambda: restore(path)))):
        for file in PLANNED:
            (plan.project.root / file).unlink(missing_ok=True)
        with running(failing(at, getattr(errno, name))), suppress(CleanupError):
            restore(path)
        restore(path)
        found = {name: file for name, file in tree(plan.project.root, "backups").items() if ".restored-" not in name}
        assert found == before
