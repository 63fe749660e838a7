"""Every run is counted, and the counts are shown at the end: figures nobody typed in.

With ``FAULTS=all`` in the environment every combination is tried; without, a sample of the large ones.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from machine import lost
from victims import Victims, victims

from dbtools.cleanup.plan import Plan

ALL = os.environ.get("FAULTS") == "all"
T = TypeVar("T")


@dataclass
class Tally:
    """What one suite tried.

    Attributes
    ----------
    calls : int
        System calls at which a fault was put, each counted once.
    runs : int
        Runs with a fault in them.
    states : int
        Trees that were examined after a fault.
    lost : int
        Bytes of planned files that were found nowhere.
    """

    calls: int = 0
    runs: int = 0
    states: int = 0
    lost: int = 0

    def examine(self, plan: Plan) -> None:
        """Prove that every planned content is in the tree or in a backup that bears its hash."""
        self.prove(lost(plan))

    def prove(self, gone: Mapping[str, int]) -> None:
        """Count a tree that was examined, and prove that no content, given with its size, is gone."""
        self.states += 1
        self.lost += sum(gone.values())
        assert not gone

    def some(self, cases: Sequence[T], most: int) -> list[T]:
        """Return all the cases when every one is to be tried, else `most` of them, spread over the whole."""
        if ALL or len(cases) <= most:
            return list(cases)
        return [cases[i] for i in sorted(random.Random(len(cases)).sample(range(len(cases)), most))]


_tallies: dict[str, Tally] = {}


def _suite(path: str) -> str:
    return Path(path).stem.removeprefix("test_").replace("_", " ")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Return the figures of the test's suite, to be added to."""
    return _tallies.setdefault(_suite(request.node.path.name), Tally())


@pytest.fixture(scope="session")
def others() -> Iterator[Victims]:
    """Return processes that can be killed; they share the environment of the test."""
    with victims() as started:
        yield started


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder in memory where there is one: thousands of runs are synced to it."""
    memory = Path("/dev/shm")
    name = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None)
    yield Path(name)
    shutil.rmtree(name, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was tried; the seconds are those of the tests with their setup."""
    seconds: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                suite = _suite(report.nodeid.split("::")[0])
                seconds[suite] = seconds.get(suite, 0) + report.duration
    if not _tallies:
        return
    rows = [(s, t.calls, t.runs, t.states, t.lost, seconds.get(s, 0)) for s, t in sorted(_tallies.items())]
    rows.append(("total", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))))
    terminalreporter.section(
        f"faults, {'every combination' if ALL else 'as in CI; FAULTS=all tries every combination'}"
    )
    line = "{:<18}{:>8}{:>9}{:>9}{:>12}{:>9}"
    terminalreporter.write_line(line.format("suite", "calls", "runs", "states", "bytes lost", "seconds"))
    for suite, calls, runs, states, gone, took in rows:
        terminalreporter.write_line(line.format(suite, calls, runs, states, gone, f"{took:.1f}"))
