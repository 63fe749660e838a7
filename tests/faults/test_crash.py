"""A kill before any system call of a cleanup or a restore loses nothing, and running again heals it.

What a kill after a call leaves behind is what a kill before the next one does; only a write can stop half-way.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import ACL, make_files, metadata, planned, tree
from faulty_system import PLANNED, Machine, calls, clean, killed, running, world

from dbtools.cleanup.backup import runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore


@pytest.mark.parametrize("torn", [False, True])
def test_a_killed_cleanup_loses_nothing_and_the_same_call_finishes_it(folder: Path, tally: Any, torn: bool) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    tally.calls += 0 if torn else len(names)
    # The number after the last call is a kill after it.
    for at, name in enumerate([*names, ""]):
        if torn and name != "write":
            continue
        plan = world(folder)
        with running(killed(at, torn)):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)
        result = clean(plan)
        assert sorted(result.removed) == sorted(PLANNED)
        assert result.kept == ()
        left = {name: file for name, file in before.items() if name not in PLANNED}
        assert tree(plan.project.root, "backups") == left
        assert unfinished(plan.project.backups) == []
        done = tree(plan.project.root)
        assert clean(plan) == result
        assert tree(plan.project.root) == done
        tally.examine(plan)
        restore(result.path)
        assert tree(plan.project.root, "backups") == before


def test_a_killed_cleanup_can_be_restored_at_once(folder: Path, tally: Any) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in tally.some(range(len(names) + 1), 110):
        plan = world(folder)
        with running(killed(at)):
            clean(plan)
        tally.runs += 1
        for run in runs(plan.project.backups):
            assert restore(run).conflicts == ()
        tally.examine(plan)
        assert tree(plan.project.root, "backups") == before
        assert unfinished(plan.project.backups) == []


def test_another_cleanup_closes_the_killed_one_and_says_so(folder: Path, tally: Any) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    names = calls(lambda: clean(plan))
    for at in tally.some(range(len(names)), 60):
        plan = world(folder)
        with running(killed(at)):
            clean(plan)
        tally.runs += 1
        earlier = runs(plan.project.backups)
        result = clean(planned(plan.project, "a/other.csv"))
        assert result.removed == ("a/other.csv",)
        assert unfinished(plan.project.backups) == []
        tally.examine(plan)
        here = tree(plan.project.root, "backups")
        assert {name: before[name] for name in here} == here
        for run in (*earlier, result.path):
            restore(run)
        assert tree(plan.project.root, "backups") == before


@pytest.mark.parametrize("then", ["the same plan", "another plan", "a restore"])
def test_a_file_under_way_in_a_folder_that_may_not_be_entered_comes_back_once_it_may(
    folder: Path, tally: Any, then: str
) -> None:
    plan = world(folder, PLANNED[:1])
    before = tree(plan.project.root)
    rename = calls(lambda: clean(plan)).index("rename")
    plan = world(folder, PLANNED[:1])
    with running(killed(rename + 1)):
        clean(plan)
    (run,) = runs(plan.project.backups)
    (quarantined,) = (path.name for path in plan.project.root.rglob(".del-*"))

    def unentered(_: int, name: str, args: tuple[Any, ...]) -> None:
        if name == "stat" and args[0] == quarantined:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    next_plan = planned(plan.project, "a/other.csv") if then == "another plan" else plan
    with running(Machine(unentered)):
        result = clean(next_plan)
    assert result.removed == (("a/other.csv",) if then == "another plan" else ())
    tally.runs += 1
    tally.examine(plan)
    again = clean(next_plan) if then != "a restore" else restore(run)
    assert not list(plan.project.root.rglob(".del-*"))
    assert unfinished(plan.project.backups) == []
    if then == "the same plan":
        assert again.removed == PLANNED[:1]
    tally.examine(plan)
    for done in runs(plan.project.backups):
        restore(done)
    assert tree(plan.project.root, "backups") == before


@pytest.mark.parametrize("torn", [False, True])
def test_a_killed_restore_is_finished_by_the_same_call(folder: Path, tally: Any, torn: bool) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    path = clean(plan).path
    names = calls(lambda: restore(path))
    tally.calls += 0 if torn else len(names)
    for at, name in enumerate(names):
        if torn and name != "write":
            continue
        for file in PLANNED:
            (plan.project.root / file).unlink(missing_ok=True)
        with running(killed(at, torn)):
            restore(path)
        tally.runs += 1
        tally.examine(plan)
        assert restore(path).conflicts == ()
        assert tree(plan.project.root, "backups") == before


def test_a_cleanup_killed_twice_and_a_restore_of_it_killed_once_lose_nothing(folder: Path, tally: Any) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    length = len(calls(lambda: clean(plan)))
    # The last number is a resumed cleanup, or a restore, that gets as far as it can.
    for first, second in tally.some(list(product(range(0, length, 3), range(0, length, 3))), 80):
        plan = world(folder)
        for at in (first, second):
            with running(killed(at)):
                clean(plan)
            tally.examine(plan)
        for run in runs(plan.project.backups):
            with running(killed(second // 2)):
                restore(run)
            tally.examine(plan)
            restore(run)
        tally.runs += 1
        tally.examine(plan)
        assert tree(plan.project.root, "backups") == before


def test_a_cleanup_killed_while_it_rescues_rows_removes_nothing_and_then_rescues_each_once(
    folder: Path, tally: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))  # other processes use the system's

    def rescuing(name: str) -> Plan:
        project = make_files(folder / name, {"a.csv": b"id,text\n1,x\n2,y\n", "b.csv": b"id\n3\n"})
        return planned(project, "a.csv", "b.csv", rescue=(1,))

    names = calls(lambda: clean(rescuing("count")))
    # The backups are there when the first folder in the run folder is made, and files go from the first rename.
    start, end = [i for i, name in enumerate(names) if name == "mkdir"][-2], names.index("rename")
    for at in tally.some(range(start, end + 1), 10):
        plan = rescuing(str(at))
        before = tree(plan.project.root)
        with running(killed(at)):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)
        assert tree(plan.project.root, "backups") == before
        result = clean(plan)
        assert (result.rescued_rows, len(result.removed)) == (2, 2)
        rescued = sorted(path.name for path in result.path.glob("rescued/*"))
        assert rescued == ["rescued_a.parquet", "rescued_b.parquet"]


def quarantined_without_backup(folder: Path, rename: int) -> Plan:
    """Kill a cleanup when it has quarantined its only file, and damage the backup."""
    plan = world(folder, PLANNED[:1])
    with running(killed(rename + 1)):
        clean(plan)
    assert not (plan.project.root / PLANNED[0]).exists()
    backup = runs(plan.project.backups)[0] / plan.removals[0].sha256
    backup.chmod(0o600)
    backup.write_bytes(b"damage")
    return plan


def test_a_file_that_cannot_go_any_more_gets_its_name_back_whenever_that_is_interrupted(
    folder: Path, tally: Any
) -> None:
    rename = calls(lambda: clean(world(folder, PLANNED[:1]))).index("rename")
    plan = quarantined_without_backup(folder, rename)
    names = calls(lambda: clean(plan))
    for at in range(len(names)):
        plan = quarantined_without_backup(folder, rename)
        with running(killed(at)):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)
        result = clean(plan)
        if result.kept:
            assert result.kept[0].reason == "its backup is damaged"
            assert tree(plan.project.root, "backups") == tree(world(folder).project.root)
        else:  # the file was back, and the second call backed it up anew
            restore(result.path)
            assert tree(plan.project.root, "backups") == tree(world(folder).project.root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")
def test_a_killed_restore_never_leaves_more_rights_than_recorded_and_the_same_call_gives_everything_back(
    folder: Path, tally: Any
) -> None:
    """Owner, group, rights, attributes and ACL of a file, of its folder, and of the folder above it."""
    project = make_files(folder / "project", {"a/b/one.csv": b"1", "a/two.csv": b"2" * 3000})
    root, names = project.root, ("a/b/one.csv", "a/two.csv")
    try:
        os.setxattr(root / "a/two.csv", "user.note", b"precious")
        os.setxattr(root / "a/two.csv", "system.posix_acl_access", ACL)
    except OSError as error:
        pytest.skip(f"this file system has no such attributes ({error.strerror})")
    for path, owner, mode in (("a", (7, 8), 0o2750), ("a/b", (9, 7), 0o1700), (names[0], (65534, 3), 0o604)):
        os.chown(root / path, *owner)
        (root / path).chmod(mode)
    os.chown(root / names[1], 3, 4)
    wanted = metadata(root)
    run = clean(planned(project, *names)).path
    shutil.rmtree(root / "a")
    calls_made = calls(lambda: restore(run))
    for at in tally.some(range(len(calls_made)), 60):
        shutil.rmtree(root / "a", ignore_errors=True)
        with running(killed(at)):
            restore(run)
        for path, (uid, gid, mode, _) in metadata(root).items():
            if path in wanted:  # it got its name only when it was finished
                assert (uid, gid, mode) == wanted[path][:3], path
            elif ".restore-" in path:
                rights = [known[2] for known in wanted.values() if known[:2] == (uid, gid)]
                private = mode & 0o5777 in (0o600, 0o700)  # a folder takes setgid from the one above it
                assert private or any(not mode & ~recorded for recorded in rights), path
        tally.runs += 1
        assert restore(run).incomplete == {}
        assert {path: metadata(root)[path] for path in ("a", "a/b", *names)} == {
            path: wanted[path] for path in ("a", "a/b", *names)
        }
