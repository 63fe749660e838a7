"""Tell at the end of the run how many bad inputs it tried."""

from __future__ import annotations

from typing import Any

import pytest
from inputs import NOTES, TRIED


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures of one of several processes to the one that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = dict(TRIED), NOTES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    tried, notes = getattr(node, "workeroutput", {}).get("tried", ({}, ()))
    TRIED.update(tried)
    NOTES.extend(notes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED or NOTES:
        terminalreporter.section("bad inputs tried")
        for suite, number in sorted(TRIED.items()):
            terminalreporter.write_line(f"{number:>9,}  {suite}")
        terminalreporter.write_line(f"{TRIED.total():>9,}  in all")
        for note in NOTES:
            terminalreporter.write_line(f"{'':>9}  {note}")
