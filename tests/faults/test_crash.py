"""A kill before any system call of a cleanup or a restore loses nothing, and running again heals it.

What a kill after a call leaves behind is what a kill before the next one does; only a write can stop half-way.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cleaning import planned, tree
from machine import PLANNED, assert_nothing_lost, calls, clean, killed, running, world

from dbtools.cleanup.journal import runs, unfinished
from dbtools.cleanup.plan import Plan
from dbtools.cleanup.restore import restore


@pytest.mark.parametrize("torn", [False, True])
def test_a_killed_cleanup_loses_nothing_and_the_same_call_finishes_it(folder: Path, torn: bool) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at, name in enumerate(names):
        if torn and name != "write":
            continue
        plan = world(folder)
        with running(killed(at, torn)):
            clean(plan)
        assert_nothing_lost(plan)
        result = clean(plan)
        assert sorted(result.removed) == sorted(PLANNED)
        assert result.kept == ()
        left = {name: file for name, file in before.items() if name not in PLANNED}
        assert tree(plan.project.root, "backups") == left
        assert unfinished(plan.project.backups) == []
        done = tree(plan.project.root)
        assert clean(plan) == result
        assert tree(plan.project.root) == done
        assert_nothing_lost(plan)
        restore(result.path)
        assert tree(plan.project.root, "backups") == before


def test_a_killed_cleanup_can_be_restored_at_once(folder: Path) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in range(len(names)):
        plan = world(folder)
        with running(killed(at)):
            clean(plan)
        for run in runs(plan.project.backups):
            assert restore(run).conflicts == ()
        assert tree(plan.project.root, "backups") == before
        assert unfinished(plan.project.backups) == []


def test_another_cleanup_closes_the_killed_one_and_says_so(folder: Path) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in range(len(names)):
        plan = world(folder)
        with running(killed(at)):
            clean(plan)
        earlier = runs(plan.project.backups)
        result = clean(planned(plan.project, "a/other.csv"))
        assert result.removed == ("a/other.csv",)
        assert unfinished(plan.project.backups) == []
        here = tree(plan.project.root, "backups")
        assert {name: before[name] for name in here} == here
        for run in (*earlier, result.path):
            restore(run)
        assert tree(plan.project.root, "backups") == before


@pytest.mark.parametrize("torn", [False, True])
def test_a_killed_restore_is_finished_by_the_same_call(folder: Path, torn: bool) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    path = clean(plan).path
    for at, name in enumerate(calls(lambda: restore(path))):
        if torn and name != "write":
            continue
        for file in PLANNED:
            (plan.project.root / file).unlink(missing_ok=True)
        with running(killed(at, torn)):
            restore(path)
        assert restore(path).conflicts == ()
        assert tree(plan.project.root, "backups") == before


def captured_without_backup(folder: Path, rename: int) -> Plan:
    """Kill a cleanup when it has captured its only file, and damage the backup."""
    plan = world(folder, PLANNED[:1])
    with running(killed(rename + 1)):
        clean(plan)
    assert not (plan.project.root / PLANNED[0]).exists()
    backup = runs(plan.project.backups)[0] / plan.removals[0].sha256
    backup.chmod(0o600)
    backup.write_bytes(b"damage")
    return plan


def test_a_file_that_cannot_go_any_more_gets_its_name_back_whenever_that_is_interrupted(folder: Path) -> None:
    rename = calls(lambda: clean(world(folder, PLANNED[:1]))).index("rename")
    plan = captured_without_backup(folder, rename)
    names = calls(lambda: clean(plan))
    for at in range(len(names)):
        plan = captured_without_backup(folder, rename)
        with running(killed(at)):
            clean(plan)
        assert_nothing_lost(plan)
        result = clean(plan)
        if result.kept:
            assert result.kept[0].reason == "its backup is damaged"
            assert tree(plan.project.root, "backups") == tree(world(folder).project.root)
        else:  # the file was back, and the second call backed it up anew
            restore(result.path)
            assert tree(plan.project.root, "backups") == tree(world(folder).project.root)
