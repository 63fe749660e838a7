"""Texts that would run as scripts, in every text column: nothing runs, in JupyterLab, in Voilà, in reports."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from support import make_database

from dbtools.database.schema import TABLES
from dbtools.notebooks import run

browsing = pytest.importorskip("browsing", reason="playwright is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(not browsing.CHROMIUM, reason="no chromium on this machine (apt-get install chromium)")

RUNS = "window.dbtoolsRan=1;alert(1)"
HOSTILE = f'<script>{RUNS}</script></script><img src="data:," onerror="{RUNS}">[x](javascript:{RUNS})'
TITLES = ("Overview", "Agents", "Versions", "Prompt", "Time", "Usage", "Quality", "Files", "Export", "SQL")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile") / "<img src=x onerror=alert(1)>"
    root.mkdir()
    database = make_database(root / "prompter.db", prompts=4)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in TABLES:
            here = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
            for column in table.columns:
                if column.kind == "text" and column.name in here:
                    connection.execute(f"UPDATE {table.name} SET {column.name} = ?", [HOSTILE])
        connection.execute("UPDATE prompt_versions SET source = source || version_no")
    (root / "<img src=x onerror=alert(1)>.csv").write_text(f'prompt_id,text\n1,"{HOSTILE}"\n')
    return root


def assert_harmless(page):
    assert page.wrong == []
    assert page.evaluate("window.dbtoolsRan === undefined")
    assert page.locator(".dbtools-explorer :is(script, img, a[href^=javascript])").count() == 0


def open_everything(page):
    for title in TITLES:
        browsing.open_tab(page, title)
        rows = page.locator(".dbtools-explorer tr[data-key]:visible")
        for row in range(min(2, rows.count() if title != "Time" else 0)):
            rows.nth(row).click()
            browsing.settle(page)
        if title == "SQL":
            page.locator(".dbtools-sql textarea").fill("SELECT * FROM versions")
            page.locator(".dbtools-explorer button:visible", has_text="Run").first.click()
            page.get_by_text("explorer.result has them").wait_for()
        assert_harmless(page)


def test_nothing_runs_in_jupyterlab(root, lab):
    address, folder = lab
    browsing.copy_notebook(folder, root, "hostile.ipynb")
    with browsing.browser() as page:
        browsing.open_notebook(page, address, "hostile.ipynb")
        browsing.run_all(page)
        browsing.execute(page, "explorer.provenance = 'all'; explorer.scale = 'all'")
        open_everything(page)
        browsing.execute(page, "explorer.version_pair = tuple(str(i) for i in explorer.frame['version_id'][:2])")
        browsing.open_tab(page, "Versions")
        assert "<script>" in page.locator(".dbtools-text").first.inner_text()
        assert_harmless(page)


def test_nothing_runs_in_voila_which_works_without_a_network(root, tmp_path):
    notebook = browsing.copy_notebook(tmp_path, root)
    with browsing.voila(tmp_path, notebook) as address, browsing.browser() as page:
        page.goto(address)
        page.locator(".dbtools-counts").first.wait_for()
        assert page.locator(".dbtools-counts b").first.inner_text() == "4"
        open_everything(page)
        # The app is a page: no code and no text of the notebook, in the colours that the system asks for.
        assert page.locator(".jp-InputArea:visible, .jp-RenderedMarkdown:visible").count() == 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(
                "(light) => document.body.dataset.jpThemeLight === light", arg=str(scheme == "light").lower()
            )
            ink = page.locator(".dbtools-title").evaluate("(e) => getComputedStyle(e).color")
            assert (min(int(n) for n in re.findall(r"\d+", ink)) > 200) == (scheme == "dark")


def test_nothing_runs_in_the_reports(root, tmp_path):
    names = ("explore", "audit", "effectiveness", "evolution")
    reports = [run(name, root, {}, tmp_path / "out", progress=False) for name in names]
    with browsing.browser() as page:
        for report in reports:
            page.goto(report.html.as_uri())
            page.wait_for_timeout(300)
            assert page.wrong == []
            assert page.evaluate("window.dbtoolsRan === undefined")
            assert page.locator("script").count() == 0
