"""The same with nothing imitated: processes that are killed, file systems that are full, users without rights."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import make_files, planned, tree
from faulty_system import clean
from killed_processes import Victims, kill_times

from dbtools.cleanup.backup import runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore
from dbtools.errors import CleanupError

NAMES = tuple(f"a/{number}.csv" for number in range(8))
PROJECT = """
from pathlib import Path
from dbtools.project import Project
from dbtools.cleanup.model import Plan
root = Path(given[0])
project = Project(root, root / "prompter.db", root / "auth_system.db", root / "storage", root / "backups")
"""
CLEAN = f"""{PROJECT}
from cleanup_projects import planned
from dbtools.cleanup import apply
apply(planned(project, *given[1:]), dry_run=False, progress=False)
"""
RESTORE = f"""{PROJECT}
from dbtools.cleanup import restore, runs
restore(runs(project.backups)[0])
"""


def large_world(root: Path) -> Plan:
    project = make_files(root, {name: os.urandom(150_000) for name in NAMES})
    return planned(project, *NAMES)


def test_a_cleanup_that_is_killed_at_any_time_is_finished_or_taken_back(
    tmp_path: Path, tally: Any, others: Victims
) -> None:
    longest = others.run(CLEAN, large_world(tmp_path / "measured").project.root, *NAMES)[1]
    for number, after in enumerate(kill_times(longest, len(tally.some(range(200), 12)), random.Random(1))):
        plan = large_world(tmp_path / str(number))
        before = tree(plan.project.root)
        status, _ = others.run(CLEAN, plan.project.root, *NAMES, after=after)
        assert status in (0, -9), others.said
        tally.runs += status == -9
        tally.examine(plan)
        if number % 2:
            result = clean(plan)
            assert (set(result.removed), result.kept) == (set(NAMES), ())
        for run in runs(plan.project.backups):
            restore(run)
        assert tree(plan.project.root, "backups") == before
        assert unfinished(plan.project.backups) == []


def test_a_restore_that_is_killed_at_any_time_is_finished_by_the_same_call(
    tmp_path: Path, tally: Any, others: Victims
) -> None:
    plan = large_world(tmp_path)
    before = tree(plan.project.root)
    run = clean(plan).path
    longest = others.run(RESTORE, plan.project.root)[1]
    for after in kill_times(longest, len(tally.some(range(200), 8)), random.Random(2)):
        for name in NAMES:
            (plan.project.root / name).unlink(missing_ok=True)
        status, _ = others.run(RESTORE, plan.project.root, after=after)
        assert status in (0, -9), others.said
        tally.runs += status == -9
        tally.examine(plan)
        assert restore(run).conflicts == ()
        assert tree(plan.project.root, "backups") == before


LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(given[-1]), int(given[-1])))
given.pop()
"""


def test_files_that_may_not_grow_stop_a_cleanup_before_anything_is_removed(
    tmp_path: Path, tally: Any, others: Victims
) -> None:
    plan = large_world(tmp_path)
    before = tree(plan.project.root)
    for limit in (0, 500, 4_000, 149_999):
        status, _ = others.run(LIMITED + CLEAN, plan.project.root, *NAMES, limit)
        tally.runs += 1
        tally.examine(plan)
        assert status == 1, others.said
        assert tree(plan.project.root, "backups") == before
        assert not list(plan.project.backups.rglob(".tmp-*"))
    assert len(clean(plan).removed) == len(NAMES)
    for limit in (0, 500, 149_999):
        status, _ = others.run(LIMITED + RESTORE, plan.project.root, limit)
        tally.runs += 1
        tally.examine(plan)
        assert status == 1, others.said
    restore(runs(plan.project.backups)[0])
    assert tree(plan.project.root, "backups") == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1.5 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_stops_a_cleanup_and_room_on_it_lets_the_same_call_go_on(small_disk: Path, tally: Any) -> None:
    names = NAMES[:6]
    project = make_files(small_disk / "project", {name: os.urandom(100_000) for name in names})
    (small_disk / "ballast").write_bytes(b"x" * 500_000)
    plan = planned(project, *names)
    before = tree(project.root)
    for _ in range(2):
        with pytest.raises(CleanupError, match="No space left"):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)
        assert tree(project.root, "backups") == before
        assert not list(project.backups.rglob(".tmp-*"))
    (small_disk / "ballast").unlink()
    assert len(clean(plan).removed) == 6


def as_nobody(others: Victims, code: str, *given: object) -> int:
    """Run as a user who owns nothing here; only root can become that user."""
    if os.geteuid():
        pytest.skip("only root may become another user")
    return others.run(f"import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n{code}", *given)[0]


@pytest.fixture
def nobodys(folder: Path) -> Plan:
    """A project of the user nobody."""
    project = make_files(folder / "project", {"a/one.csv": b"1", "a/b/two.csv": b"2", "three.csv": b"3"})
    for path in (folder, project.root, *project.root.rglob("*")):
        os.chown(path, 65534, 65534)
    return planned(project, "a/one.csv", "a/b/two.csv", "three.csv")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize(
    ("place", "mode", "goes"),
    [
        ("a/one.csv", 0o000, ("a/b/two.csv", "three.csv")),
        ("a/b", 0o555, ("a/one.csv", "three.csv")),
        ("a/b", 0o000, ("a/one.csv", "three.csv")),
        ("a/b", 0o600, ("a/one.csv", "three.csv")),
        ("a", 0o555, ("a/b/two.csv", "three.csv")),
        (".", 0o555, ()),
    ],
)
def test_what_this_user_may_not_read_or_change_stays_and_the_rest_goes(
    nobodys: Plan, tally: Any, others: Victims, place: str, mode: int, goes: tuple[str, ...]
) -> None:
    root = nobodys.project.root
    code = f"""{PROJECT}
from cleanup_projects import planned
from dbtools.cleanup import apply
plan = planned(project, "a/one.csv", "a/b/two.csv", "three.csv")
(root / given[1]).chmod(int(given[2]))
try:
    result = apply(plan, dry_run=False, progress=False)
    assert set(result.removed) == set(given[3:]), result
    assert len(result.kept) == 3 - len(result.removed)
finally:
    (root / given[1]).chmod(0o755)
"""
    status = as_nobody(others, code, root, place, mode, *goes)
    tally.runs += 1
    tally.examine(nobodys)
    assert status == (0 if goes else 1), others.said
    here = {path.relative_to(root).as_posix() for path in root.rglob("*.csv")}
    assert here == {"a/one.csv", "a/b/two.csv", "three.csv"} - set(goes)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_file_of_another_user_stays_where_a_lease_cannot_be_had(nobodys: Plan, tally: Any, others: Victims) -> None:
    root = nobodys.project.root
    os.chown(root / "three.csv", 0, 0)
    (root / "three.csv").chmod(0o644)
    code = f"""{PROJECT}
from cleanup_projects import planned
from dbtools.cleanup import apply
result = apply(planned(project, "three.csv", "a/one.csv"), dry_run=False, progress=False)
assert result.removed == ("a/one.csv",), result
assert "cannot be determined" in result.kept[0].reason, result
"""
    assert as_nobody(others, code, root) == 0, others.said
    tally.runs += 1
    tally.examine(nobodys)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_folder_that_may_not_be_written_takes_no_restore_and_says_so(
    nobodys: Plan, tally: Any, others: Victims
) -> None:
    root = nobodys.project.root
    code = f"""{PROJECT}
from cleanup_projects import planned
from dbtools.cleanup import apply, restore
from dbtools.errors import CleanupError
run = apply(planned(project, "a/one.csv", "three.csv"), dry_run=False, progress=False).path
(root / "a").chmod(0o555)
try:
    restore(run)
except CleanupError as error:
    assert "Permission denied" in str(error), error
else:
    raise AssertionError("it was restored")
(root / "a").chmod(0o755)
assert set(restore(run).restored) <= {{"a/one.csv", "three.csv"}}
"""
    assert as_nobody(others, code, root) == 0, others.said
    tally.runs += 1
    tally.examine(nobodys)
    assert (root / "a/one.csv").read_bytes() == b"1"
