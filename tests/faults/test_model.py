"""Any order of what a user does, faulty cleanups and faulty restores: a model knows what must still be there."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import make_files, removal, sha256, tree
from fault_counts import ALL
from faulty_system import failing, killed, running
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import runs
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore
from dbtools.errors import CleanupError

PATHS = ("a/one.csv", "a/b/two.csv", "three.csv")
CONTENTS = (b"", b"first", b"second" * 900, b"third" * 900)
FAULTS = ("killed", "torn", "EIO", "ENOSPC", "EACCES")


class Files(RuleBasedStateMachine):
    """A project with three files, its user, and dbtools.

    Attributes
    ----------
    mine : dict
        What the user knows to be at each path.
    owed : set
        Contents that dbtools took away, and must be able to bring back for ever.
    """

    counted: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        self.project = make_files(self.top / "project", dict.fromkeys(PATHS, CONTENTS[2]))
        self.root = self.project.root
        self.mine = dict.fromkeys(PATHS, CONTENTS[2])
        self.owed: set[bytes] = set()
        self.plan = self._plan(PATHS)

    def teardown(self) -> None:
        shutil.rmtree(self.top)

    @rule(path=st.sampled_from(PATHS), content=st.sampled_from(CONTENTS), renewed=st.booleans())
    def write(self, path: str, content: bytes, renewed: bool) -> None:
        file = self.root / path
        self._owe()
        if renewed:
            file.unlink(missing_ok=True)
        file.write_bytes(content)
        self.mine[path] = content

    @rule(path=st.sampled_from(PATHS))
    def delete(self, path: str) -> None:
        self._owe()
        (self.root / path).unlink(missing_ok=True)
        self.mine.pop(path, None)

    @rule(chosen=st.sets(st.sampled_from(PATHS), min_size=1))
    def survey(self, chosen: set[str]) -> None:
        self.plan = self._plan([path for path in sorted(chosen) if (self.root / path).is_file()])

    @rule(fault=st.sampled_from(FAULTS), at=st.integers(0, 250))
    def clean_with_a_fault(self, fault: str, at: int) -> None:
        with self._dbtools(), self._faulty(fault, at):
            apply(self.plan, dry_run=False, progress=False)

    @rule()
    def clean_undisturbed(self) -> None:
        with self._dbtools():
            result = apply(self.plan, dry_run=False, progress=False)
        pinned = {planned.path: planned.sha256 for planned in self.plan.removals}
        for removed in result.removed:
            there = self.root / removed
            assert not there.exists() or there.stat().st_ino not in {p.identity.inode for p in self.plan.removals}
            assert (result.path / pinned[removed]).exists()

    @rule(fault=st.sampled_from(FAULTS), at=st.integers(0, 120), which=st.integers(0, 5))
    def restore_with_a_fault(self, fault: str, at: int, which: int) -> None:
        for run in runs(self.project.backups)[which:][:1]:
            with self._dbtools(), self._faulty(fault, at):
                restore(run)

    @rule(which=st.integers(0, 5))
    def restore_undisturbed(self, which: int) -> None:
        for run in runs(self.project.backups)[which:][:1]:
            with self._dbtools():
                restore(run)
                once = tree(self.root, "backups")
                restore(run)
                assert tree(self.root, "backups") == once

    @invariant()
    def everything_is_there_or_backed_up(self) -> None:
        here = {path.read_bytes() for path in self.root.rglob("*") if path.is_file() and len(path.name) != 64}
        objects = [path for path in self.project.backups.glob("*/*") if len(path.name) == 64]
        stored = {path.read_bytes() for path in objects if sha256(path) == path.name}
        self.counted.prove({str(len(c)): len(c) for c in {*self.mine.values(), *self.owed} - here - stored})

    @invariant()
    def nothing_the_user_put_somewhere_is_another_thing_now(self) -> None:
        for path, content in self.mine.items():
            file = self.root / path
            assert not file.is_file() or file.read_bytes() == content

    def _plan(self, paths: Iterable[str]) -> Plan:
        return Plan(self.project, tuple(removal(self.project, path) for path in paths), ())

    def _owe(self) -> None:
        """Note what dbtools took away up to now; the path is free for something else."""
        for path in [path for path in self.mine if not (self.root / path).exists()]:
            self.owed.add(self.mine.pop(path))

    @contextmanager
    def _dbtools(self) -> Iterator[None]:
        """Let dbtools act; what it brings back where nothing was is the user's again."""
        self._owe()
        yield
        for path in PATHS:
            if path not in self.mine and (self.root / path).is_file():
                self.mine[path] = (self.root / path).read_bytes()

    @contextmanager
    def _faulty(self, fault: str, at: int) -> Iterator[None]:
        self.counted.runs += 1
        kill = fault in ("killed", "torn")
        machine = killed(at, fault == "torn") if kill else failing(at, getattr(errno, fault))
        with suppress(CleanupError), running(machine):
            yield


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_no_order_of_user_cleanup_and_restore_loses_anything(tally: Any) -> None:
    Files.counted = tally
    examples, steps = (600, 25) if ALL else (80, 20)
    run_state_machine_as_test(
        Files,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=not ALL,
            suppress_health_check=list(HealthCheck),
        ),
    )
