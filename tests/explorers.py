"""Explorers of a copy of the demo project, and what tests ask of their widgets."""

from __future__ import annotations

import re
import shutil

import pytest

from dbtools import Project, demo
from dbtools.show import Explorer
from dbtools.show.explorer import explorer as made

TABS = [kind.name for kind in made.TABS]


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Project:
    return demo.build(tmp_path_factory.mktemp("built") / "demo")


@pytest.fixture
def project(built, tmp_path) -> Project:
    return Project.find(shutil.copytree(built.root, tmp_path / "demo"))


@pytest.fixture
def explorer(project):
    with Explorer(project) as explorer:
        yield explorer


def open_tab(explorer: Explorer, name: str):
    """Open a tab as a click would, and wait for its answer."""
    if explorer.tab == name:
        explorer._refresh()
    explorer.tab = name
    assert explorer.wait(300)  # a busy machine is no fault
    assert [worker.message.value for worker in explorer.tabs[name].workers] == [""] * len(explorer.tabs[name].workers)
    return explorer.tabs[name].widget


def widgets(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets(child)


def html_of(widget) -> str:
    """Return all HTML that a tab shows."""
    values = [getattr(w, "html", "") or getattr(w, "value", "") for w in widgets(widget)]
    return "".join(v for v in values if isinstance(v, str))


def control(widget, description: str):
    (found,) = (w for w in widgets(widget) if getattr(w, "description", None) == description)
    return found


def grid(widget):
    """Return the table that rows are chosen from: the first of the tab that has keys, else its first one."""
    grids = [w for w in widgets(widget) if hasattr(w, "html")]
    return next((w for w in grids if "data-key" in w.html), grids[0])


def click(widget, **told):
    """Send what the page sends when a row or a heading is clicked."""
    widget._handle_custom_msg(told, [])


def keys(text: str) -> list[str]:
    return re.findall(r'data-key="([^"]*)"', text)
