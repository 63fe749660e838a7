from __future__ import annotations

import csv
import gc
import html
import json
import os
import re
import sqlite3
import threading
import time
import weakref
from contextlib import closing
from datetime import date
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from explorers import TABS, click, control, grid, html_of, keys, open_tab, widgets
from support import assert_sentence, insert, make_database, unchanged

from dbtools import analysis, attach, audit, cleanup
from dbtools.errors import ParameterError
from dbtools.notebooks.record import plain
from dbtools.show import Explorer
from dbtools.show.explorer import explorer as made
from dbtools.show.explorer.tab import as_csv
from dbtools.show.explorer.widgets import close


@pytest.mark.slow
def test_every_tab_shows_something_says_what_its_pictures_are_of_and_changes_no_file(explorer, project):
    with unchanged(project.root):
        for name in TABS:
            shown = html_of(open_tab(explorer, name))
            assert len(shown) > 200, name
            labels = re.findall(r'<div class="dbtools-chart[^"]*" role="img" aria-label="Chart: ([^"]+)">', shown)
            assert len(labels) == shown.count("<svg style="), name
            assert bool(labels) == (name in ("overview", "agents", "time", "usage", "quality")), name


@pytest.mark.slow
def test_every_control_has_a_tooltip(explorer):
    kinds = ("Button", "Dropdown", "Text", "SqlField", "Checkbox", "ToggleButton", "Combobox", "DatePicker")
    controls = [
        w for tab in explorer.tabs.values() for w in widgets(tab.widget) if type(w).__name__ in kinds
    ] + [w for w in widgets(explorer._filter_bar.widget) if type(w).__name__ in kinds]  # fmt: skip
    assert len(controls) > 40
    assert [w for w in controls if not w.tooltip] == []
    (field,) = (w for w in widgets(explorer.tabs["sql"].widget) if type(w).__name__ == "SqlField")
    assert {"tooltip", "description"} <= set(field.get_state())  # the page reads both, or shows an error
    (tabs,) = (w for w in widgets(explorer.widget) if type(w).__name__ == "Tabs")
    assert [name for name, title, tooltip in tabs.tabs if title and tooltip] == list(explorer.tabs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "asked"),
    [
        ({"provenance": "generated", "wins": "score"}, {}),
        ({"provenance": "all", "agents": ["syntax", "structure"]}, {}),
        ({"scale": "self"}, {}),
        ({"failures": "losses", "cluster": "user"}, {}),
        (
            {"users": ["ines.moreau", "l.haddad"], "provenance": "all", "date_range": ("2025-10-01", None)},
            {"users": ["ines.moreau", "l.haddad"], "since": date(2025, 10, 1)},
        ),
    ],
    ids=str,
)
def test_the_explorer_says_what_python_says_for_the_same_filters(project, state, asked):
    with Explorer(project, **state) as explorer, attach(project) as whole, closing(whole.filter(**asked)) as db:
        shown = html_of(open_tab(explorer, "agents"))
        given = {k: v for k, v in state.items() if k not in ("users", "date_range")}
        expected = analysis.effectiveness(db, **given)
        assert plain(explorer.effectiveness.to_dict()) == plain(expected.to_dict())
        for agent in expected.agents:
            assert agent.agent in shown
            assert agent.win_rate is None or f"{agent.win_rate:.1%}" in shown
        assert all(
            f"{name}={value!r}" in explorer.tabs["agents"].python(explorer.tabs["agents"].request())
            for name, value in given.items()
        )
        if "provenance" not in state:  # time and usage depend on nothing else
            return
        open_tab(explorer, "time")
        python = analysis.evolution(db, provenance=explorer.provenance)
        assert plain(explorer.evolution.to_dict()) == plain(python.to_dict())
        open_tab(explorer, "usage")
        assert plain(explorer.usage.to_dict()) == plain(analysis.usage(db, explorer.provenance).to_dict())


@pytest.mark.slow
def test_a_filter_clicked_is_the_trait_and_the_trait_shows(explorer):
    bar = explorer._filter_bar.widget
    control(bar, "Provenance").value = "generated"
    control(bar, "syntax").value = True
    control(bar, "from").value = date(2025, 10, 1)
    assert (explorer.provenance, explorer.agents, explorer.date_range) == (
        "generated", ["syntax"], (date(2025, 10, 1), None),
    )  # fmt: skip
    explorer.agents, explorer.users = ["domain", "elsewhere"], ["ines.moreau"]
    assert (control(bar, "syntax").value, control(bar, "domain").value) == (False, True)
    assert explorer.agents == ["domain", "elsewhere"]
    control(bar, "Reset").click()
    assert explorer.filters == type(explorer.filters)()
    assert not control(bar, "domain").value


@pytest.mark.slow
def test_the_filters_say_how_many_versions_are_of_each_kind(explorer):
    open_tab(explorer, "overview")
    assert [label for label, _ in control(explorer._filter_bar.widget, "Provenance").options] == [
        "real (38)", "generated (6)", "placeholder (1)", "unknown (0)", "all (45)",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_selection_can_be_taken_along(explorer, project):
    explorer.provenance, explorer.agents, explorer.search = "all", ["syntax"], "it's"
    explorer.users, explorer.date_range = ["ines.moreau"], ("2025-09-01", "2025-12-01")
    with attach(project) as db:
        assert db.sql(explorer.sql).df().equals(explorer.frame)
    explorer.reset()
    explorer.provenance, explorer.search = "all", "e"
    assert len(explorer.frame) == 45
    assert explorer.sql.startswith("SELECT *\nFROM scored_versions\nWHERE scale = 'judge'\n  AND (contains(")
    explorer.search, explorer.provenance = "", "real"
    assert explorer.sql.splitlines()[2:] == [
        "WHERE provenance = 'real'", "  AND scale = 'judge'", "ORDER BY created_at DESC, version_id",
    ]  # fmt: skip
    assert len(explorer.frame) == 38


@pytest.mark.slow
def test_dashes_alone_are_the_beginning_of_no_id(explorer):
    for search in ("-----", " ----- "):
        explorer.search = search
        assert len(explorer.frame) == 0


@pytest.mark.slow
def test_what_the_explorer_says_can_be_written_as_json(explorer):
    explorer.date_range = ("2025-09-01", None)
    open_tab(explorer, "usage")
    assert json.loads(json.dumps(explorer.to_dict()["filters"]))["dates"] == ["2025-09-01", None]


@pytest.mark.slow
def test_versions_are_searched_sorted_and_paged(explorer):
    tab = open_tab(explorer, "versions")
    assert "38 of 45 versions; page 1 of 3. Left out: 7" in html_of(tab)
    click(grid(tab), sort="total")
    assert explorer.wait()
    totals = explorer.frame["total"]
    assert f"{totals.max():.2f}" in grid(tab).html
    click(grid(tab), sort="total")
    assert explorer.wait()
    assert f"{totals.min():.2f}" in grid(tab).html.split("<tr data-key")[1]
    control(tab, "▶|").click()
    assert explorer.wait()
    assert len(keys(grid(tab).html)) == 38 - 2 * 15
    assert [control(tab, turn).disabled for turn in ("|◀", "◀", "▶", "▶|")] == [False, False, True, True]
    control(tab, "▶").click()
    control(tab, "Search").value = "GraphQL"
    assert explorer.wait()
    found = keys(grid(tab).html)
    assert sorted(found) == sorted(str(i) for i in explorer.frame["version_id"])
    assert 0 < len(found) < 15
    explorer.search = found[0][:8]
    assert explorer.wait()
    assert found[0] in keys(grid(tab).html)
    explorer.search = "' OR 1=1 --"
    assert explorer.wait()
    assert keys(grid(tab).html) == []


@pytest.mark.slow
def test_a_version_shows_all_that_is_known_of_it_and_two_are_compared(explorer):
    tab = open_tab(explorer, "versions")
    first, second = keys(grid(tab).html)[:2]
    click(grid(tab), key=first)
    assert explorer.wait()
    assert explorer.version_pair == (first, "")
    shown = html_of(tab)
    assert "Provenance: real (nothing marks it as generated or failed)." in shown
    assert "The agent&#x27;s words" in shown
    control(tab, "Compare two").value = True
    click(grid(tab), key=second)
    assert explorer.wait()
    assert explorer.version_pair == (first, second)
    assert grid(tab).html.count('aria-selected="true">') == 2
    assert "<del>" in html_of(tab)
    assert "<ins>" in html_of(tab)
    (prompt,) = set(re.findall(r'data-go="id:([^"]+)"', explorer.tabs["versions"].body.html))
    click(explorer.tabs["versions"].body, go=f"id:{prompt}")
    assert (explorer.tab, explorer.prompt_id) == ("prompt", prompt)
    open_tab(explorer, "time")
    assert [p.prompt_id for p in explorer.evolution.prompts] == [prompt]


@pytest.mark.slow
def test_a_generated_version_shows_its_evidence(explorer):
    explorer.provenance = "generated"
    tab = open_tab(explorer, "versions")
    explorer.version_pair = (keys(grid(tab).html)[0], "")
    assert explorer.wait()
    assert "Provenance: generated (its explanation says it is synthetic" in html_of(tab)


@pytest.mark.slow
def test_the_bad_rows_of_a_check_are_shown(explorer):
    tab = open_tab(explorer, "quality")
    click(grid(tab), key="head-not-best")
    assert explorer.wait()
    assert "head-not-best: 2 rows" in html_of(tab)
    click(grid(tab), key="csv-unique-rows")
    assert explorer.wait()
    shown = explorer.tabs["quality"].rows.html
    assert "storage/prompt_versions.csv row 1" in shown
    assert 'data-go="id:' not in shown  # the name of a row is no id


@pytest.mark.slow
def test_the_rows_that_only_a_file_has_are_shown_as_they_stand_in_it(explorer, project):
    tab = open_tab(explorer, "files")
    files = explorer.tabs["files"]
    control(tab, "Preview").click()
    click(files.grid, go="rows:storage/my_learning_log.csv")
    assert explorer.wait()
    path = project.root / "storage/my_learning_log.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        expected = list(csv.DictReader(lines))
    assert "storage/my_learning_log.csv: 3 rows that exist nowhere else" in files.body.html
    assert files.plan is None  # the preview has gone, and with it the leave to delete
    shown = files.frames["unique-rows"].drop(columns="_row").to_dict("records")
    assert shown == expected
    path.write_text(path.read_text("utf-8") + "one,more\n", "utf-8")
    click(files.grid, go="rows:storage/my_learning_log.csv")
    assert explorer.wait()
    assert "The file has changed since it was examined" in files.worker.message.value


@pytest.mark.slow
def test_a_cleanup_needs_its_preview_and_the_words_and_can_be_taken_back(explorer, project):
    tab = open_tab(explorer, "files")
    before = {p.relative_to(project.root): p.read_bytes() for p in project.root.rglob("*.csv")}
    assert set(keys(grid(tab).html)) == {r.path for r in cleanup.plan(cleanup.survey(project)).removals}
    click(grid(tab), key="storage/prompt_versions.csv")
    assert grid(tab).html.count("☑") == 4
    clean = control(tab, "Back up and delete")
    assert clean.disabled
    control(tab, "Preview").click()
    assert clean.description == "Back up and delete 4 files"
    assert "it was not chosen" in html_of(tab)
    ticked = [r.path for r in cleanup.plan(cleanup.survey(project)).removals if r.path != "storage/prompt_versions.csv"]
    lost = cleanup.plan(cleanup.survey(project), only=ticked).rescued_rows
    assert f"{lost} are copied to Parquet first" in html_of(tab)
    (words,) = (w for w in widgets(tab) if getattr(w, "placeholder", "") == "remove 4 files")
    words.value = "yes"
    assert clean.disabled
    words.value = "remove 4 files"
    assert not clean.disabled
    clean.click()
    assert explorer.wait()
    assert "4 of 4 planned files removed" in html_of(tab)
    assert not (project.root / "storage/my_learning_log.csv").exists()
    assert (project.root / "storage/prompt_versions.csv").exists()
    assert any(name.startswith("rescued_") for name in explorer.db.relations)
    control(tab, "Undo").click()
    assert explorer.wait()
    assert "4 files restored" in html_of(tab)
    assert {p: (project.root / p).read_bytes() for p in before} == before


@pytest.mark.slow
def test_ticking_anew_takes_the_confirmation_back(explorer):
    tab = open_tab(explorer, "files")
    clean = control(tab, "Back up and delete")
    control(tab, "Preview").click()
    (words,) = (w for w in widgets(tab) if getattr(w, "placeholder", "").startswith("remove"))
    words.value = "remove 5 files"
    assert not clean.disabled
    click(grid(tab), key="storage/my_learning_log.csv")
    assert clean.disabled
    assert words.value == ""


@pytest.mark.slow
def test_a_cleanup_that_is_stopped_leaves_the_rest_and_can_be_taken_back(explorer, project, monkeypatch):
    tab = open_tab(explorer, "files")
    (worker,) = explorer.tabs["files"].workers
    planned = [project.root / removal.path for removal in cleanup.plan(explorer.survey).removals]
    before = {path: path.read_bytes() for path in planned}
    heard, refused = worker._on_step, []

    def impatient(job, *told):
        if any(not path.exists() for path in planned) and not refused:
            control(tab, "Rescan").click()
            refused.append(worker.message.value)
            control(tab, "Stop").click()
        heard(job, *told)

    monkeypatch.setattr(worker, "_on_step", impatient)
    control(tab, "Preview").click()
    (words,) = (w for w in widgets(tab) if getattr(w, "placeholder", "").startswith("remove"))
    words.value = words.placeholder
    control(tab, f"Back up and delete {len(planned)} files").click()
    assert explorer.wait()
    assert "Files are being changed" in refused[0]
    assert [path.exists() for path in planned].count(False) == 1
    assert "Stopped." in html_of(tab)
    assert len(keys(grid(tab).html)) == len(planned) - 1
    control(tab, "Undo").click()
    assert explorer.wait()
    assert "1 file restored" in html_of(tab)
    assert {path: path.read_bytes() for path in planned} == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "key"),
    [
        (b"copy-\xff.csv", r"storage/copy-\xff.csv"),
        ("\u202evsc.copy-\u200b\u2028\x1b[2J.csv".encode(), r"storage/\u202evsc.copy-\u200b\u2028\x1b[2J.csv"),
        (b"copy " + b"ghp_" + b"a1B2" * 9 + b".csv", "storage/copy «redacted».csv"),
    ],
)
def test_a_name_that_would_deceive_is_nowhere_on_the_page_and_its_file_can_be_unticked(explorer, project, name, key):
    for odd in (name, b"\xe2\x80\x8b" + name):  # the second one differs by a character that is not seen
        with open(os.fsencode(project.root / "storage") + b"/" + odd, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write((project.root / "storage/my_learning_log.csv").read_bytes())
    tab = open_tab(explorer, "files")
    ticked = grid(tab).html.count("☑")
    assert len(set(keys(grid(tab).html))) == ticked == grid(tab).html.count('aria-selected="true">') == 7
    click(grid(tab), key=key)
    assert grid(tab).html.count("☑") == ticked - 1
    control(tab, "Preview").click()
    assert f"{ticked - 1} files to remove" in html_of(tab)
    assert [c for c in html_of(tab) if not c.isprintable() and c != "\n"] == []
    assert "a1B2a1B2" not in html_of(tab)
    click(grid(tab), key=key)
    control(tab, "Preview").click()
    assert f"{ticked} files to remove" in html_of(tab)
    click(grid(tab), key="storage/no-such-file.csv")
    assert grid(tab).html.count("☑") == ticked


@pytest.mark.slow
def test_an_export_is_proved_and_linked_and_a_conflict_is_one_sentence(explorer, project):
    tab = open_tab(explorer, "export")
    control(tab, "Folder").value = "out"
    control(tab, "json").value = True
    control(tab, "Export multi-agent data").click()
    assert explorer.wait()
    assert "Proved: 2 files, 30 rows" in html_of(tab)
    assert 'download="multi_agent_log.csv"' in html_of(tab)
    assert sorted(p.name for p in (project.root / "out").iterdir()) == [
        "exports.json", "multi_agent_log.csv", "multi_agent_log.json",
    ]  # fmt: skip
    control(tab, "Folder").value = "~nobody-of-this-name/x"
    control(tab, "Export multi-agent data").click()
    assert explorer.wait()
    assert "✗ The path cannot be used" in html_of(tab)
    control(tab, "Folder").value = "storage"
    control(tab, "Export everything").click()
    assert explorer.wait()
    assert "✗ A file that is not an unchanged export is in the way" in html_of(tab)
    click(explorer.tabs["export"].body, go="folder:export")
    assert explorer.wait()
    assert "Proved: " in html_of(tab)
    assert (project.root / "export" / "multi_agent_log.csv").exists()


@pytest.mark.slow
def test_sql_is_answered_remembered_and_refused_in_one_sentence(explorer):
    tab = open_tab(explorer, "sql")
    box, run_it = next(w for w in widgets(tab) if type(w).__name__ == "SqlField"), control(tab, "Run")
    run_it.click()
    assert explorer.wait()
    assert explorer.result["versions"].sum() == 45
    assert "structure" in html_of(tab)
    box.value = "SELEKT 1"
    run_it.click()
    assert explorer.wait()
    (message,) = (worker.message.value for worker in explorer.tabs["sql"].workers)
    assert message.count("✗") == 1
    assert "DuckDB refuses the statement" in message
    box.value = "SELECT * FROM versions, versions AS b"
    run_it.click()
    assert explorer.wait()
    assert "the first 200 rows" in html_of(tab)
    assert [value for _, value in control(tab, "History").options][1:3] == [box.value, "SELEKT 1"]
    control(tab, "Current selection").click()
    assert box.value == explorer.sql


@pytest.mark.slow
def test_long_work_can_be_stopped_and_the_kernel_stays_free(explorer):
    tab = open_tab(explorer, "sql")
    (worker,) = explorer.tabs["sql"].workers
    box = next(w for w in widgets(tab) if type(w).__name__ == "SqlField")
    box.value = "SELECT count(*) FROM range(100000000000) AS a (i) WHERE hash(i) % 7 = 3"
    start = time.monotonic()
    control(tab, "Run").click()
    assert time.monotonic() - start < 1
    while worker.box.layout.display != "flex":
        assert time.monotonic() - start < 20
        time.sleep(0.02)
    control(tab, "Stop").click()
    assert explorer.wait(20)
    assert "Stopped." in worker.message.value
    assert worker.box.layout.display == "none"
    box.value = "SELECT 1 AS one"
    control(tab, "Run").click()
    assert explorer.wait()
    assert explorer.result["one"].tolist() == [1]


@pytest.mark.slow
def test_a_database_that_goes_on_changing_is_attached_anew(explorer, project):
    open_tab(explorer, "agents")
    insert(project.database, "prompts", user_id="somebody.new")
    attach(project).close()  # drops the copy that the Explorer has
    explorer.users = ["l.haddad"]
    open_tab(explorer, "agents")
    assert explorer.db.rows("prompts") == 16
    insert(project.database, "prompts", user_id="somebody.newer")
    attach(project).close()
    explorer.users = ["ines.moreau"]
    open_tab(explorer, "agents")
    assert explorer.db.rows("prompts") == 17
    open_tab(explorer, "versions")
    assert [worker.message.value for worker in explorer._workers if worker.message.value] == []


@pytest.mark.slow
def test_reload_shows_the_database_as_it_is_now(explorer, project):
    tab = open_tab(explorer, "overview")
    assert "<b>15</b>" in html_of(tab)
    insert(project.database, "prompts", user_id="somebody.new")
    control(explorer._filter_bar.widget, "Reload").click()
    assert explorer.wait()
    assert explorer.db.rows("prompts") == 16
    assert "<b>16</b>" in html_of(tab)
    assert explorer.report.to_dict() == audit.run(project, progress=False).to_dict()


@pytest.mark.slow
def test_what_was_replaced_is_closed_and_leaves_nothing_behind(explorer, project):
    for name in ("usage", "versions"):
        open_tab(explorer, name)
    old, folder = weakref.ref(explorer.db), explorer.db._file.parent
    insert(project.database, "prompts", user_id="somebody.new")
    explorer.reload()
    assert explorer.wait()
    gc.collect()
    assert old() is None
    sessions = [worker._session[1] for worker in explorer._workers if worker._session]
    assert len(list(folder.glob("spill-*"))) == 1 + sum(1 + len(session.db._workspaces) for session in sessions)
    opened = [file.resolve() for file in Path("/proc/self/fd").iterdir()]
    kept = {file.name for file in opened if file.parent == folder and file.suffix == ".duckdb"}
    assert kept == {explorer.db._file.name}


@pytest.mark.slow
def test_a_relation_in_use_outlives_a_reload(explorer, project):
    relation = explorer.db.sql("SELECT count(*) FROM prompts")
    insert(project.database, "prompts", user_id="somebody.new")
    explorer.reload()
    assert explorer.wait()
    gc.collect()
    assert relation.fetchall() == [(15,)]


@pytest.mark.slow
def test_after_a_reload_sources_and_users_are_those_of_the_new_data(explorer, project):
    tab = open_tab(explorer, "overview")
    explorer.agents, explorer.users = ["syntax", "domain"], ["ines.moreau", "l.haddad"]
    with closing(sqlite3.connect(project.database)) as connection, connection:
        connection.execute("UPDATE prompt_versions SET source = 'newcomer' WHERE source = 'domain'")
        connection.execute("UPDATE prompts SET user_id = 'somebody.new' WHERE user_id = 'l.haddad'")
    explorer.reload()
    assert explorer.wait()
    assert explorer.reloading.message.value == ""
    assert (explorer.agents, explorer.users) == (["syntax"], ["ines.moreau"])
    chips = {name: chip.value for name, chip in explorer._filter_bar.sources.chips.items()}
    assert chips == {"syntax": True, "structure": False, "newcomer": False}
    offered = control(explorer._filter_bar.widget, "Users").options
    assert "somebody.new" in offered
    assert "l.haddad" not in offered
    assert "only prompts of ines.moreau" in html_of(tab)
    control(explorer._filter_bar.widget, "newcomer").value = True
    assert sorted(explorer.agents) == ["newcomer", "syntax"]


@pytest.mark.slow
def test_of_two_changes_the_last_one_counts(explorer):
    open_tab(explorer, "usage")
    for kind in ("generated", "all", "real", "all"):
        explorer.provenance = kind
    assert explorer.wait()
    assert explorer.usage.provenance == "all"


@pytest.mark.slow
def test_secrets_in_texts_are_hidden(tmp_path):
    secret = "$2b$12$" + "abcdefghijklmnopqrstuv" * 2
    database = make_database(tmp_path / "prompter.db", prompts=1)
    insert(database, "prompt_versions", text=f"use {secret}", explanation=f'{{"a": "{secret}"}}', version_no=4)
    with Explorer(tmp_path, provenance="all", scale="all") as explorer:
        tab = open_tab(explorer, "versions")
        explorer.version_pair = (keys(grid(tab).html)[0], "")
        for key in keys(grid(tab).html):
            explorer.version_pair = (key, "")
            assert explorer.wait()
            assert secret not in html_of(tab)


@pytest.mark.slow
def test_a_project_without_texts_loaded_can_load_them(project, monkeypatch):
    monkeypatch.setattr(import_module("dbtools.database.attach"), "SMALL", 0)  # the package's attach is a function
    with Explorer(project) as explorer:
        tab = open_tab(explorer, "versions")
        explorer.version_pair = (keys(grid(tab).html)[0], "")
        assert explorer.wait()
        assert "The long texts are not loaded" in html_of(tab)
        control(tab, "Load the texts").click()
        assert explorer.wait()
        assert explorer.db.origin["texts"]
        assert "The long texts are not loaded" not in html_of(tab)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "thing"), [({"agentz": []}, "agentz"), ({"date_range": ("2025-13-01", None)}, "2025-13-01")]
)
def test_what_cannot_be_set_is_said(project, state, thing):
    with pytest.raises(ParameterError) as raised:
        Explorer(project, **state)
    assert_sentence(raised.value, thing)


@pytest.mark.parametrize("given", [42, ["folder"], pd.DataFrame()])
def test_what_is_no_project_is_said(given):
    with pytest.raises(ParameterError) as raised:
        Explorer(given)
    assert_sentence(raised.value, type(given).__name__)


@pytest.mark.slow
def test_an_attached_database_names_its_project(project):
    with attach(project) as db, Explorer(db) as explorer:
        assert explorer.project.root == project.root


@pytest.mark.slow
def test_closing_ends_every_thread(project):
    explorer = Explorer(project)
    explorer.tab = "agents"
    explorer.close()
    assert not [t for t in threading.enumerate() if t.name == "dbtools-explorer"]


@pytest.mark.slow
def test_what_outlives_the_explorer_closes_its_database_when_it_ends(explorer, monkeypatch):
    worker, begun, go_on = explorer.new_worker(), threading.Event(), threading.Event()
    worker.submit(lambda session: begun.set() or go_on.wait(60), lambda answer: None, "slow")
    assert begun.wait(60)
    monkeypatch.setattr(worker, "wait", lambda seconds: False)  # as if it took longer than one waits
    explorer.close()
    session = worker._session
    go_on.set()
    monkeypatch.undo()
    assert worker.wait(60)
    assert (session is None, worker._session) == (False, None)
    close(worker.widget)  # no part of the Explorer


@pytest.mark.slow
def test_a_project_without_real_rows_says_so_once_and_one_click_shows_what_there_is(tmp_path):
    database = make_database(tmp_path / "prompter.db", prompts=3)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE prompt_versions SET explanation = '{\"synthetic\": true}'")
    with Explorer(tmp_path) as explorer:
        n = explorer.db.rows("versions")
        for name in ("agents", "versions", "prompt", "time"):
            open_tab(explorer, name)
            assert explorer.banner.widget.layout.display == "flex"
            assert f"All {n} versions are generated." in explorer.banner.note.value
            assert not re.search("nothing to draw|<svg|Undecided", explorer.tabs[name].body.html)
        control(explorer.banner.widget, "Show generated versions").click()
        assert explorer.wait(300)
        assert explorer.provenance == "generated"
        shown = open_tab(explorer, "agents")
        assert explorer.banner.widget.layout.display == "none"
        assert html_of(shown).count("<svg") > 0
        explorer.search = "no such text"
        open_tab(explorer, "versions")
        assert "No scored versions match these filters." in explorer.banner.note.value
        open_tab(explorer, "files")
        assert explorer.banner.widget.layout.display == "none"


@pytest.mark.slow
def test_each_filter_is_a_tag_that_says_where_it_is_not_used_and_can_be_removed(explorer):
    explorer.agents, explorer.search = ["syntax", "domain"], "graphql"
    explorer.tab = "usage"
    tags = explorer._filter_bar.tags
    assert "<span>source</span> syntax, domain · not used here" in tags.html
    assert "<span>provenance</span> real<button" in tags.html
    users = control(explorer._filter_bar.widget, "Users")
    users.value = "INES"
    users.value = "l.haddad"
    assert (explorer.users, users.value) == (["ines.moreau", "l.haddad"], "")
    users.value = "nobody"
    assert "No user has a name that begins so: &quot;nobody&quot;" in explorer._filter_bar.said.value
    assert "<span>user</span> l.haddad<button" in tags.html
    click(tags, go="remove:users=ines.moreau")
    assert explorer.users == ["l.haddad"]
    click(tags, go="remove:users=l.haddad")
    explorer.tab = "versions"
    assert "not used here" not in tags.html
    click(tags, go="remove:agents")
    click(tags, go="any:provenance")
    assert (explorer.agents, explorer.provenance, explorer.search) == ([], "all", "graphql")
    explorer.version_pair = ("a", "b")
    control(explorer.tabs["versions"].widget, "Compare two").value = True
    control(explorer._filter_bar.widget, "Reset").click()
    assert explorer.version_pair == ("", "")
    assert not control(explorer.tabs["versions"].widget, "Compare two").value
    assert explorer.wait()


@pytest.mark.slow
def test_a_state_opens_the_same_view_in_another_kernel(explorer, project):
    explorer.agents, explorer.date_range, explorer.tab = ["syntax"], ("2025-09-01", None), "usage"
    state = json.loads(json.dumps(explorer.state))
    with Explorer(project, **state) as other:
        assert (other.filters, other.tab) == (explorer.filters, "usage")
    assert repr(explorer.state) in html.unescape(explorer._filter_bar.tags.html)
    assert explorer.wait()


@pytest.mark.slow
def test_a_table_is_saved_whole_without_secrets_and_formulas(explorer):
    frame = pd.DataFrame({"a": ["=1+1", "password=hunter2hunter2"], "n": [1, None]})
    head, first, second = as_csv(frame).decode("utf-8-sig").splitlines()
    assert (head, first) == ("a,n", "'=1+1,1.0")
    assert "hunter2" not in second
    open_tab(explorer, "agents")
    sent = []
    explorer.tabs["agents"].body.send = lambda message, buffers: sent.append((message, buffers))
    click(explorer.tabs["agents"].body, go="csv:pairs")
    ((message, (content,)),) = sent
    assert message["save"] == "pairs.csv"
    assert len(content.decode().splitlines()) == 1 + len(explorer.effectiveness.pairs)


@pytest.mark.slow
def test_the_cards_answer_one_question_each_in_words(explorer):
    open_tab(explorer, "overview")
    shown = explorer.tabs["overview"].cards.html
    assert shown.count('class="dbtools-card ') == 5
    assert "Undecided" in re.search(r'dbtools-info" data-go="tab:agents".*?</button>', shown)[0]
    assert "Usable with care" in re.search(r'dbtools-warn" data-go="tab:quality".*?</button>', shown)[0]
    assert "<b>$0.0074 " in shown
    click(explorer.tabs["overview"].cards, go="tab:files")
    assert explorer.tab == "files"
    assert explorer.wait()


@pytest.mark.slow
def test_the_first_charts_are_drawn_once_every_card_has_its_answer(explorer):
    overview, early = explorer.tabs["overview"], []

    def look(change):
        if "<svg" in change["new"] and not early:
            early.extend(name for name, card in overview.answers.items() if "…" in card)
            early.append("drawn")

    overview.body.observe(look, "html")
    open_tab(explorer, "overview")
    assert early == ["drawn"]
    assert overview.body.html.count("<svg") == 2


@pytest.mark.slow
def test_the_charts_are_drawn_although_a_question_cannot_be_answered(explorer, monkeypatch):
    def fail(session):
        raise ParameterError("No files today", "demo", "come back later")

    monkeypatch.setattr(explorer.tabs["files"], "prepare", fail)
    explorer._refresh()
    assert explorer.wait()
    overview = explorer.tabs["overview"]
    message = html.unescape(re.sub("<[^>]+>|✗", "", overview.card_worker.message.value))
    assert_sentence(message.strip(), "demo")
    assert overview.body.html.count("<svg") == 2


@pytest.mark.slow
def test_the_widgets_of_a_tab_are_made_when_it_is_first_used(project):
    with Explorer(project) as explorer:
        assert list(explorer.tabs) == TABS
        assert list(explorer.tabs._made) == ["overview"]
        explorer.version_pair = ("a", "b")
        explorer.tab = "versions"
        assert explorer.wait()
        assert "versions" in explorer.tabs._made
        versions = explorer.tabs["versions"]
        assert versions.body.html or versions.detail_worker.message.value  # it knows what was chosen before
        assert "nothing" not in explorer.tabs
        made = [widget for tab in explorer.tabs._made.values() for widget in widgets(tab.widget)]
    assert [widget for widget in made if widget.comm is not None] == []
    with pytest.raises(ReferenceError):
        explorer.tabs["sql"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tab", "said", "changed"),
    [
        ("agents", "syntax: 18% (2 of 11)", {"agents": ["syntax"], "tab": "versions"}),
        ("agents", "structure − domain: +0.73", {"agents": ["structure", "domain"], "tab": "agents"}),
        ("usage", "2025-09-03: $0.1 stored", {"date_range": (date(2025, 9, 3),) * 2, "tab": "versions"}),
        ("overview", "heads: 4 rows; provenance: generated", {"provenance": "generated", "tab": "versions"}),
    ],
)
def test_a_mark_of_a_chart_leads_to_its_rows(explorer, tab, said, changed):
    open_tab(explorer, tab)
    click(explorer.tabs[tab].body, mark=said)
    assert {name: getattr(explorer, name) for name in changed} == changed
    assert explorer.wait()


@pytest.mark.slow
def test_every_mark_of_a_chart_says_its_number_and_its_interval(explorer):
    open_tab(explorer, "agents")
    shown = explorer.tabs["agents"].body.html
    assert re.search(r'aria-label="structure: 55% \(6 of 11\); 95% interval 26% to \d+%"', shown)
    assert re.search(r'aria-label="structure − syntax: [^"]+; 95% interval [\d.]+ to [\d.]+"', shown)


@pytest.mark.slow
def test_a_click_on_a_user_among_the_segments_shows_this_user_alone(tmp_path):
    database = make_database(tmp_path / "prompter.db", prompts=14)
    with closing(sqlite3.connect(database)) as connection, connection:
        names = "CASE WHEN rowid < 7 THEN 'al' WHEN rowid < 13 THEN 'bo' ELSE 'cy' END"
        connection.execute(f"UPDATE prompts SET user_id = {names}, original_text = 'Question ' || rowid")
    with Explorer(tmp_path) as explorer:
        tab = open_tab(explorer, "agents")
        assert set(re.findall('data-go="users:([^"]+)"', html_of(tab))) == {"al", "bo"}
        assert "(small segments)" in html_of(tab)
        click(explorer.tabs["agents"].body, go="users:bo")
        assert explorer.wait()
        assert (explorer.users, explorer.tab) == (["bo"], "agents")
        assert max(agent.contests for agent in explorer.effectiveness.agents) == 6


@pytest.mark.slow
def test_an_explorer_of_another_cell_stays_open(project, monkeypatch):
    monkeypatch.setattr(made, "_running_cell", lambda: ("one", "run 1"))
    first = Explorer(project)
    second = Explorer(project)
    monkeypatch.setattr(made, "_running_cell", lambda: ("other", "run 2"))
    with Explorer(project):
        assert [e.widget.comm is not None for e in (first, second)] == [True, True]
    monkeypatch.setattr(made, "_running_cell", lambda: ("one", "run 3"))
    with Explorer(project):
        assert [e.widget.comm is not None for e in (first, second)] == [False, False]
