"""Every run is counted, and the counts are shown at the end: figures nobody typed in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fault_counts import ALL, Tally
from killed_processes import Victims, victims

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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures of one of several processes to the one that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tallies"] = {suite: asdict(found) for suite, found in _tallies.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for suite, found in getattr(node, "workeroutput", {}).get("tallies", {}).items():
        tally = _tallies.setdefault(suite, Tally())
        for name, number in found.items():
            setattr(tally, name, getattr(tally, name) + number)


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
