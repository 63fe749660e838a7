"""Whatever somebody does to a planned file at any moment, what they wrote stays; nothing outside is touched."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import make_files, planned
from faulty_system import Machine, calls, clean, running
from support import read_tree

from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore

NEW = b"new!" * 750
OLD = b"old." * 750


def small_world(folder: Path) -> Plan:
    project = make_files(folder / "project", {"a/file.csv": OLD, "keep.csv": OLD})
    return planned(project, "a/file.csv", keeper="keep.csv")


def opened(file: Path) -> int:
    """Open a file for writing; while a lease is on it, somebody else would wait, and here it is as if they gave up."""
    return os.open(file, os.O_RDWR | os.O_NONBLOCK)


def overwrite(file: Path) -> None:
    """Write other bytes of the same size and put the time back."""
    status = file.stat()
    fd = opened(file)
    os.write(fd, NEW)
    os.close(fd)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def append(file: Path) -> None:
    fd = opened(file)
    os.pwrite(fd, NEW, len(OLD))
    os.close(fd)


def replace(file: Path) -> None:
    file.with_name("fresh").write_bytes(NEW)
    file.with_name("fresh").replace(file)


def recreate(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.write_bytes(NEW)


def link_outside(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parents[2] / "outside" / "file.csv")


def folder_outside(file: Path) -> None:
    file.parent.rename(file.parents[1] / "moved")
    file.parent.symlink_to(file.parents[2] / "outside")


def another_name(file: Path) -> None:
    os.link(file, file.with_name("second.csv"))


def folder_in_place(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "inner").write_bytes(NEW)


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


WRITING = (overwrite, append, replace, recreate, folder_in_place)


@pytest.mark.parametrize(
    "act", [*WRITING, link_outside, folder_outside, another_name, fifo], ids=lambda act: act.__name__
)
def test_what_somebody_does_meanwhile_is_respected(folder: Path, tally: Any, act: Callable[[Path], None]) -> None:
    names = calls(lambda: clean(small_world(folder / "count")))
    tally.calls += len(names) if act is overwrite else 0
    for at in range(len(names)):
        here = folder / str(at)
        plan, acted = small_world(here), []
        (here / "outside").mkdir()
        (here / "outside" / "file.csv").write_bytes(OLD)
        outside = read_tree(here / "outside")

        def before(call: int, name: str, args: tuple[Any, ...], at: int = at, plan: Plan = plan) -> None:
            file, done = plan.project.root / "a/file.csv", acted  # noqa: B023
            if call == at and (file.exists() or act is recreate):
                with suppress(BlockingIOError):
                    act(file)
                    done.append(True)

        with running(Machine(before)):
            clean(plan)
        clean(plan)
        tally.runs += 1
        assert read_tree(here / "outside") == outside
        assert not list(plan.project.root.rglob(".del-*"))
        tally.prove(missing(plan, OLD, *[NEW] * (bool(acted) and act in WRITING)))


def missing(plan: Plan, *wanted: bytes) -> dict[str, int]:
    """Return the sizes of the contents that are in no file of the project, backups included."""
    contents = [path.read_bytes() for path in plan.project.root.rglob("*") if path.is_file()]
    return {text[:4].decode(): len(text) for text in wanted if not any(text in content for content in contents)}


def test_a_file_that_somebody_opens_at_any_moment_is_not_removed(folder: Path, tally: Any) -> None:
    for at in range(len(calls(lambda: clean(small_world(folder / "count"))))):
        plan, handles = small_world(folder / str(at)), []

        def before(call: int, name: str, args: tuple[Any, ...], at: int = at, plan: Plan = plan) -> None:
            file, descriptors = plan.project.root / "a/file.csv", handles  # noqa: B023
            if call == at and file.exists():
                with suppress(BlockingIOError):
                    descriptors.append(opened(file))

        with running(Machine(before)):
            clean(plan)
        for fd in handles:
            os.write(fd, NEW)
            os.close(fd)
        tally.runs += 1
        tally.prove(missing(plan, *[NEW] * bool(handles)))


def folder_with_inner(file: Path) -> None:
    file.mkdir()
    (file / "inner").write_bytes(NEW)


def newer(file: Path) -> None:
    file.write_bytes(NEW)


def link_out(file: Path) -> None:
    file.symlink_to(file.parents[2] / "outside" / "file.csv")


def dangling(file: Path) -> None:
    file.symlink_to(file.parents[2] / "outside" / "nothing")


@pytest.mark.parametrize(
    "act", [newer, folder_with_inner, link_out, dangling, os.mkfifo, folder_outside], ids=lambda act: act.__name__
)
def test_what_somebody_puts_in_the_place_of_a_file_during_its_restore_stays(
    folder: Path, tally: Any, act: Callable[[Path], None]
) -> None:
    plan = small_world(folder / "count")
    run = clean(plan).path
    names = calls(lambda: restore(run))
    tally.calls += len(names) if act is newer else 0
    for at in range(len(names)):
        here, acted = folder / str(at), []
        plan = small_world(here)
        run, file = clean(plan).path, plan.project.root / "a/file.csv"
        (here / "outside").mkdir()
        (here / "outside" / "file.csv").write_bytes(OLD)
        outside = read_tree(here / "outside")

        def before(call: int, name: str, args: tuple[Any, ...], at: int = at, file: Path = file) -> None:
            if call == at and not os.path.lexists(file):
                act(file)
                acted.append(True)  # noqa: B023

        with running(Machine(before)):
            restore(run)
        tally.runs += 1
        assert read_tree(here / "outside") == outside
        assert not list(plan.project.root.rglob(".restore-*"))
        wrote = act in (newer, folder_with_inner) and bool(acted)
        tally.prove(missing(plan, OLD, *[NEW] * wrote))
        if acted and act is not folder_outside:  # what was removed came back all the same, under another name
            assert [path.read_bytes() for path in file.parent.glob("*.restored-*")] == [OLD]
