"""The Explorer against reports and Python, on a large database, and after many runs of its cell."""

from __future__ import annotations

import gc
import json
import os
import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import ipywidgets
import pytest
from explorers import TABS, click, grid, html_of, keys, open_tab
from support import make_database

from dbtools import analysis, attach, audit
from dbtools.notebooks import run
from dbtools.notebooks.record import plain
from dbtools.show import Explorer
from dbtools.show.explorer import agents_tab, session
from dbtools.show.explorer import explorer as made
from dbtools.show.explorer.worker import THREAD

HOSTILE = '<script>alert(1)</script></script><img src=x onerror="alert(2)">[link](javascript:alert(3))'


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
    # What to do, and for which users, is left out of a large database.
    monkeypatch.setattr(agents_tab, "_decision", lambda result, draw: "")
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
    before = traces(project.root)["widgets"]
    found = []
    for n in range(4):
        if displayed:
            monkeypatch.setattr(made, "_running_cell", lambda n=n: ("cell", f"run {n}"))
        explorer = Explorer(project, tab="sql", query="SELECT 1")
        if displayed:
            explorer._repr_mimebundle_()
        assert len(list(explorer.tabs.values())) == len(TABS)  # each tab is made when it is first used
        explorer.tabs["sql"].run()
        assert explorer.wait(300)
        found.append(traces(explorer.db._file.parent))
    assert found[0]["widgets"] > before + 300
    assert found[-1] == found[1]
    explorer.close()
    assert traces(explorer.db._file.parent)["widgets"] == before


def test_hostile_texts_stay_texts_in_every_tab(tmp_path):
    database = make_database(tmp_path / "prompter.db", prompts=3)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in {
            "prompts": ("original_text", "user_id", "request_id"),
            "prompt_versions": ("text", "explanation", "source", "change_type"),
            "judge_scores": ("feedback",),
            "security_inputs": ("input_text", "label", "user_id"),
            "user_feedback": ("user_choice", "judge_winner", "agent_winner"),
            "token_usage": ("model",),
        }.items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = ? || rowid", [HOSTILE])
    (tmp_path / f"{HOSTILE.replace('/', '')}.csv").write_text(f"a\n{HOSTILE}\n")
    with Explorer(tmp_path, provenance="all", scale="all") as explorer:
        for name in TABS:
            tab = open_tab(explorer, name)
            if name == "versions":
                explorer.version_pair = tuple(keys(grid(tab).html)[:2])
                assert explorer.wait()
                assert "&lt;script&gt;" in html_of(tab)
            if name == "quality":
                for check in keys(grid(tab).html)[:3]:
                    click(grid(tab), key=check)
                    assert explorer.wait()
                    assert not re.search(r"<script|<img", html_of(tab))
            assert not re.search(r"<script|<img|</script", html_of(tab)), name
        explorer.scale = "judge"
        assert not re.search(r"<script|<img", html_of(open_tab(explorer, "agents")))
        assert not re.search(r"<script|<img", explorer.snapshot())


def test_without_widgets_there_is_a_snapshot_with_pictures_and_tables(explorer, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    bundle = explorer._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert bundle["text/html"].count("<svg") > 8
    assert "Who wins" in bundle["text/html"]
    assert set(explorer.to_dict()) == {
        "filters", "tables", "effectiveness", "evolution", "usage", "report", "survey",
    }  # fmt: skip
    monkeypatch.setenv("JPY_SESSION_NAME", "live")
    assert "<svg" not in explorer._repr_mimebundle_()["text/html"]
