"""Rating in JupyterLab with the keyboard: undo, a kernel closed in the middle, and nothing that tells the agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rating_projects import own_marks_project

from dbtools.database.ratings import read

browsing = pytest.importorskip("browsing", reason="playwright is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(not browsing.CHROMIUM, reason="no chromium on this machine (apt-get install chromium)")
PANE = ".dbtools-rater"
AGENTS = ("quokka", "walrus", "zebra")  # words that no page has by itself
CODE = "from dbtools.show import Rater\nrater = Rater({root!r}, 'ann')\nrater"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return own_marks_project(tmp_path_factory.mktemp("rate") / "project", prompts=8, agents=AGENTS)


@pytest.fixture
def page(lab, root):
    address, folder = lab
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": CODE.format(root=str(root)), "outputs": []}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [{**cell, "execution_count": None}]}
    (folder / "rate.ipynb").write_text(json.dumps(notebook))
    with browsing.browser() as page:
        received = page.received = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(frame)))
        browsing.open_notebook(page, address, "rate.ipynb")
        start(page)
        yield page


def start(page) -> None:
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); return 1 }")
    page.locator(f"{PANE} button:enabled", has_text="Text 1 is better").first.wait_for()
    page.locator(f"{PANE}").first.focus()


def press(page, key: str, done: int) -> None:
    """Press a key, and wait until the page shows that it was saved."""
    page.keyboard.press(key)
    page.locator(f"{PANE} .dbtools-rater-count", has_text=f"{done} done").first.wait_for()


def test_twelve_pairs_by_keyboard_with_two_undone_and_a_kernel_closed_in_the_middle(page, root):
    shown = []

    def rate(keys: str, done: int) -> int:
        for key in keys:
            shown.append(page.locator("body").inner_html())
            done += -1 if key == "u" else 1
            press(page, key, done)
        return done

    done = rate("12=s1", 0)
    done = rate("u", done)
    done = rate("22", done)
    assert done == 6
    page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); return 1 }"
    )
    page.wait_for_function(browsing.READY)
    start(page)
    assert f"{done} done" in page.locator(f"{PANE} .dbtools-rater-count").first.inner_text()
    done = rate("1=", done)
    done = rate("u", done)
    done = rate("21221", done)
    assert done == 12
    found = read(root / "ratings.jsonl")
    expected = {"1": "left", "2": "right", "=": "tie", "s": "skip"}
    assert [one.choice for one in found.ratings] == [expected[key] for key in "12=s" + "22" + "1" + "21221"]
    assert found.problems == {}
    lines = (root / "ratings.jsonl").read_text().splitlines()
    assert (len(lines), sum("undo" in json.loads(line) for line in lines)) == (12 + 2 * 2, 2)
    assert len({frozenset((one.left, one.right)) for one in found.ratings}) == 12
    frames = [frame if isinstance(frame, str) else frame.decode("utf-8", "replace") for frame in page.received]
    for told in (" ".join(shown), " ".join(frames)):
        assert "Answer" in told
        assert not [name for name in AGENTS if name in told]
    assert page.wrong == []
    page.locator(f"{PANE} button", has_text="Show standings").first.click()
    page.locator(f"{PANE} dt", has_text=AGENTS[0]).first.wait_for()
