"""The Explorer against reports and Python, on a large database, and after many runs of its cell."""

from __future__ import annotations

import gc
import json
import os
import shutil
import threading
from pathlib import Path

import ipywidgets
import pytest
from test_explorer import html_of, open_tab

from dbtools import Project, analysis, attach, audit, demo
from dbtools.notebooks import run
from dbtools.notebooks.record import plain
from dbtools.show import Explorer
from dbtools.show.explorer import explorer as made
from dbtools.show.explorer import session
from dbtools.show.explorer.worker import THREAD


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Project:
    return demo.build(tmp_path_factory.mktemp("built") / "demo")


@pytest.fixture
def project(built, tmp_path) -> Project:
    return Project.find(shutil.copytree(built.root, tmp_path / "demo"))


def test_explorer_report_and_python_give_the_same_numbers(project, tmp_path):
    filters = {"provenance": "all", "wins": "score", "scale": "judge"}
    with Explorer(project, **filters) as explorer, attach(project) as db:
        for tab, name, given, python in (
            ("agents", "effectiveness", filters, lambda: analysis.effectiveness(db, "all", "score")),
            ("time", "evolution", {"provenance": "all"}, lambda: analysis.evolution(db, provenance="all")),
            ("usage", "usage", {"provenance": "all"}, lambda: analysis.usage(db, "all")),
        ):
            report = run(name, project.root, given, tmp_path / "out", progress=False).values
            open_tab(explorer, tab)
            mine = json.loads(json.dumps(plain(explorer.to_dict()[name])))
            assert mine == json.loads(json.dumps(plain(python().to_dict())))
            assert {key: report[key] for key in mine} == mine
        open_tab(explorer, "quality")
        assert explorer.report.to_dict()["checks"] == audit.run(project, progress=False).to_dict()["checks"]


def test_of_a_large_database_the_same_is_shown_after_working_it_out_once(project, monkeypatch):
    state = {"provenance": "all", "users": ["ines.moreau", "l.haddad"]}
    names = ("agents", "versions", "time", "usage")
    with Explorer(project, **state) as explorer:
        pages = {name: html_of(open_tab(explorer, name)) for name in names}
        expected = plain({name: explorer.to_dict()[name] for name in ("effectiveness", "evolution", "usage")})
    monkeypatch.setattr(session, "LARGE", 0)
    with Explorer(project, **state) as explorer:
        assert not explorer.db.is_materialized
        for name, shown in pages.items():
            assert html_of(open_tab(explorer, name)) == shown
        assert explorer.db.is_materialized
        assert plain({name: explorer.to_dict()[name] for name in expected}) == expected


def traces(folder: Path) -> dict[str, int]:
    """Return what an Explorer could leave behind in this process and on the disk."""
    gc.collect()
    opened = [file.resolve() for file in Path("/proc/self/fd").iterdir()]
    return {
        "threads": sum(thread.name == THREAD for thread in threading.enumerate()),
        "databases": sum(file.suffix == ".duckdb" for file in opened),
        "descriptors": len(opened),
        "widgets": len(ipywidgets.widget._instances),
        "files": sum(len(folders) + len(files) for _, folders, files in os.walk(folder)),
    }


@pytest.mark.parametrize("displayed", [True, False], ids=["displayed", "only made"])
def test_runs_of_a_cell_leave_nothing_behind(project, monkeypatch, displayed):
    monkeypatch.setenv("JPY_SESSION_NAME", "live")
    found = []
    for n in range(4):
        if displayed:
            monkeypatch.setattr(made, "_running_cell", lambda n=n: ("cell", f"run {n}"))
        explorer = Explorer(project, tab="sql", query="SELECT 1")
        if displayed:
            explorer._repr_mimebundle_()
        explorer.tabs["sql"].run()
        assert explorer.wait(300)
        found.append(traces(explorer.db._file.parent))
    assert found[0]["widgets"] > 300
    assert found[-1] == found[1]
    explorer.close()
    assert traces(explorer.db._file.parent)["widgets"] == 0
