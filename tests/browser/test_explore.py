"""The Explorer in JupyterLab, driven as a person would; one server and one page for all tests, in this order."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from dbtools import Project, analysis, attach, cleanup, demo

browsing = pytest.importorskip("browsing", reason="playwright is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(not browsing.CHROMIUM, reason="no chromium on this machine (apt-get install chromium)")
EXPLORER = ".dbtools-explorer"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return demo.build(tmp_path_factory.mktemp("project") / "demo")


@pytest.fixture(scope="module")
def page(lab, project):
    """Return a page with 00_explore of the project open and run."""
    address, folder = lab
    browsing.copy_notebook(folder, project.root)
    with browsing.browser() as page:
        browsing.open_notebook(page, address)
        sys.stdout.write(f"first view of {project.root.name}: {browsing.run_all(page):.2f} s\n")
        browsing.settle(page)
        yield page


@pytest.fixture(autouse=True)
def nothing_wrong(page):
    """No script error, no dialog, no request that leaves the machine, no error output in the notebook."""
    yield
    assert page.wrong == []
    assert page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").count() == 0
    assert page.locator(".jp-RenderedText[data-mime-type*='error']").count() == 0


@pytest.fixture(autouse=True)
def fresh(page):
    """Every test starts without filters."""
    browsing.execute(page, "explorer.reset(); explorer.version_pair = ('', ''); explorer.prompt_id = ''")


def button(page, name: str):
    return page.locator(f"{EXPLORER} button:visible", has_text=name).first


def shown(page) -> str:
    return page.locator(EXPLORER).first.inner_text()


def select(page, label: str, value: str) -> None:
    box = page.locator(f"{EXPLORER} .widget-dropdown", has=page.locator("label", has_text=label)).locator("select")
    option = box.locator("option", has_text=value).first.get_attribute("value")
    box.select_option(option)


def show_filters(page) -> None:
    if not page.locator(f"{EXPLORER} input[type=date]").first.is_visible():
        button(page, "Filters").click()
        page.locator(f"{EXPLORER} input[type=date]").first.wait_for()


def python(page, code: str):
    return json.loads(browsing.execute(page, f"import json; print(json.dumps({code}, default=str))"))


def test_the_first_view_shows_the_counts_and_the_audit(page, project):
    with attach(project) as db:
        expected = {name: f"{db.rows(name):,}" for name in ("prompts", "versions", "scores")}
    counts = page.locator(f"{EXPLORER} .dbtools-counts span").all_inner_texts()
    assert {name: n for n, name in (count.split(" ", 1) for count in counts)}.items() >= expected.items()
    cards = page.locator(f"{EXPLORER} .dbtools-card").all_inner_texts()
    assert len(cards) == 5
    assert "Usable with care" in cards[0]
    assert page.locator(f"{EXPLORER} svg").count() >= 2


@pytest.mark.parametrize("provenance", ["all", "generated", "real"])
def test_a_changed_filter_shows_the_numbers_of_the_python_api(page, project, provenance):
    browsing.open_tab(page, "Agents")
    before = python(page, "explorer.provenance")
    if before != provenance:
        show_filters(page)
        first, last = browsing.timed(page, lambda: select(page, "Provenance", f"{provenance} ("))
        sys.stdout.write(f"provenance {provenance}: first numbers after {first:.2f} s, all after {last:.2f} s\n")
    with attach(project) as db:
        expected = analysis.effectiveness(db, provenance)
    assert expected.sentence in shown(page)
    for agent in expected.agents:
        cells = [agent.agent, str(agent.contests), f"{agent.wins:.0f}", f"{agent.win_rate:.1%}"]
        assert "\t".join(cells) in shown(page)


def test_sources_users_and_days_are_filters_too(page, project):
    browsing.open_tab(page, "Agents")
    show_filters(page)
    button(page, "syntax").click()
    button(page, "domain").click()
    users = page.get_by_placeholder("all users")
    users.fill("ines.moreau")
    users.press("Enter")
    page.locator(f"{EXPLORER} input[type=date]").first.fill("2025-01-01")
    page.locator(f"{EXPLORER} input[type=date]").first.press("Tab")
    browsing.settle(page)
    state = python(page, "[explorer.agents, explorer.users, explorer.date_range]")
    assert (sorted(state[0]), *state[1:]) == (["domain", "syntax"], ["ines.moreau"], ["2025-01-01", None])
    assert "only prompts of ines.moreau asked from 2025-01-01" in shown(page)
    button(page, "Reset").click()
    browsing.settle(page)
    assert python(page, "[explorer.agents, explorer.users]") == [[], []]


def test_versions_are_searched_looked_into_and_compared(page):
    browsing.open_tab(page, "Versions")
    assert "33 of 45 versions" in shown(page)
    search = page.locator(f"{EXPLORER} .widget-text", has=page.locator("label", has_text="Search")).locator("input")
    search.fill("GraphQL")
    search.press("Enter")
    browsing.settle(page)
    rows = page.locator(f"{EXPLORER} tr[data-key]")
    assert rows.count() == python(page, "len(explorer.frame)")
    rows.nth(0).click()
    browsing.settle(page)
    assert "Provenance: real" in shown(page)
    assert "GraphQL" in page.locator(f"{EXPLORER} .dbtools-text").first.inner_text()
    button(page, "Compare two").click()
    rows.nth(1).click()
    browsing.settle(page)
    assert page.locator(f"{EXPLORER} .dbtools-sides ins").count() > 0
    assert page.locator(f"{EXPLORER} .dbtools-sides del").count() > 0
    assert rows.locator("xpath=self::*[@aria-selected='true']").count() == 2
    button(page, "Compare two").click()


def test_the_keyboard_alone_is_enough(page):
    browsing.open_tab(page, "Versions")
    page.locator(f"{EXPLORER} button[data-sort=total]").focus()
    page.keyboard.press("Enter")
    browsing.settle(page)
    assert page.locator(f"{EXPLORER} th[aria-sort=descending] button").get_attribute("data-sort") == "total"
    assert page.evaluate("document.activeElement.dataset.sort") == "total"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.tagName") == "TD"
    page.keyboard.press("Enter")
    browsing.settle(page)
    picked = page.evaluate("document.activeElement.closest('tr').dataset.key")
    assert python(page, "explorer.version_pair") == [picked, ""]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    browsing.settle(page)
    second = page.evaluate("document.activeElement.closest('tr').dataset.key")
    assert python(page, "explorer.version_pair") == [picked, second]
    assert page.locator(f"{EXPLORER} [role=grid]:visible [tabindex='0']").count() == 1
    page.get_by_role("tab", name="Versions", selected=True).focus()
    page.keyboard.press("ArrowRight")
    browsing.settle(page)
    assert python(page, "explorer.tab") == "prompt"
    assert page.get_by_role("tab", selected=True).inner_text() == page.evaluate("document.activeElement.innerText")


def test_time_usage_and_quality_show_what_python_shows(page, project):
    browsing.open_tab(page, "Time")
    with attach(project) as db:
        assert analysis.evolution(db).sentence in shown(page)
        browsing.open_tab(page, "Usage")
        assert analysis.usage(db).sentence in shown(page)
    browsing.open_tab(page, "Quality")
    page.locator(f"{EXPLORER} tr[data-key=head-not-best]").click()
    browsing.settle(page)
    assert "head-not-best: 2 rows" in shown(page)


def test_an_export_is_written_proved_and_can_be_saved(page, project):
    browsing.open_tab(page, "Export")
    folder = page.locator(f"{EXPLORER} .widget-text", has=page.locator("label", has_text="Folder")).locator("input")
    folder.fill("out")
    folder.press("Enter")
    button(page, "Export everything").click()
    browsing.settle(page)
    assert re.search(r"Proved: 9 files, [\d,]+ rows, .* each read back and equal to the database", shown(page))
    with page.expect_download() as saved:
        page.get_by_role("link", name="multi_agent_log.csv").click()
    written = project.root / "out" / "multi_agent_log.csv"
    assert Path(saved.value.path()).read_bytes() == written.read_bytes()


def test_a_cleanup_is_previewed_confirmed_run_and_taken_back(page, project):
    before = {p: p.read_bytes() for p in project.root.rglob("*") if p.suffix in (".csv", ".db")}
    browsing.open_tab(page, "Files")
    goes = [project.root / removal.path for removal in cleanup.plan(cleanup.survey(project)).removals]
    button(page, "Preview").click()
    page.get_by_text("Nothing would be lost.").wait_for()
    clean = button(page, "Back up and delete")
    assert clean.is_disabled()
    page.get_by_placeholder(f"remove {len(goes)} files").fill(f"remove {len(goes)} files")
    clean.click()
    page.get_by_text(f"{len(goes)} of {len(goes)} planned files removed").wait_for()
    browsing.settle(page)
    assert not any(path.exists() for path in goes)
    button(page, "Undo").click()
    page.get_by_text(f"{len(goes)} files restored").wait_for()
    browsing.settle(page)
    assert {p: p.read_bytes() for p in before} == before


def test_bad_sql_is_one_readable_message_and_good_sql_a_table(page):
    browsing.open_tab(page, "SQL")
    box = page.locator(f"{EXPLORER} .dbtools-sql textarea")
    box.fill("SELECT nothing FROM nowhere")
    button(page, "Run").click()
    browsing.settle(page)
    (alert,) = page.locator(f"{EXPLORER} [role=alert]").all_inner_texts()
    assert alert.startswith("✗ DuckDB refuses the statement")
    assert len(alert.splitlines()) == 1
    box.fill("SELECT 6 * 7 AS answer")
    button(page, "Run").click()
    browsing.settle(page)
    assert "42" in page.locator(f"{EXPLORER} td").all_inner_texts()


def test_no_key_reaches_the_notebook(page):
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    browsing.open_tab(page, "Versions")
    for place in ("button:visible", "[role=grid] td:visible", "[role=tab]", ".widget-text:visible input"):
        page.locator(f"{EXPLORER} {place}").first.focus()
        for key in ("d", "d", "a", "x", "ArrowDown", "Escape"):
            page.keyboard.press(key)
        assert page.evaluate("!!document.activeElement.closest('.dbtools-explorer')"), place
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_an_id_typed_opens_the_prompt_and_its_versions_stand_side_by_side(page, project):
    with attach(project) as db:
        prompt = str(db.sql("SELECT id FROM prompts ORDER BY created_at LIMIT 1").fetchall()[0][0])
    field = page.get_by_placeholder("b009152b")
    field.fill(prompt[:8])
    field.press("Enter")
    page.locator(f"{EXPLORER} .dbtools-side").first.wait_for()
    browsing.settle(page)
    assert page.locator(f"{EXPLORER} .dbtools-side").count() == 3
    page.locator(f"{EXPLORER} summary").first.click()
    assert page.locator(f"{EXPLORER} details[open] :is(ins, del)").count() > 0
    button(page, "Next").click()
    browsing.settle(page)
    assert python(page, "explorer.prompt_id") != prompt


def test_a_chart_tells_its_numbers_and_a_click_leads_to_the_rows(page):
    browsing.open_tab(page, "Agents")
    bar = page.locator(f"{EXPLORER} .dbtools-chart [aria-roledescription=bar]").first
    end = {"x": 10, "y": 8}  # its middle is below the line of the interval
    bar.hover(position=end)
    said = page.locator(f"{EXPLORER} .dbtools-tip:visible").inner_text()
    assert re.fullmatch(r"\w+: \d+% \(\d+ of \d+\); 95% interval \d+% to \d+%", said)
    bar.click(position=end)
    browsing.settle(page)
    assert python(page, "[explorer.tab, explorer.agents]") == ["versions", [said.split(":")[0]]]
    page.get_by_label("Remove the filter source").click()
    browsing.settle(page)
    assert python(page, "explorer.agents") == []


def test_tables_and_charts_are_saved(page):
    browsing.open_tab(page, "Agents")
    with page.expect_download() as saved:
        page.locator(f"{EXPLORER} button:visible", has_text="CSV").first.click()
    lines = Path(saved.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("agent,contests,wins")
    assert len(lines) == 1 + python(page, "len(explorer.effectiveness.agents)")
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        page.locator(f"{EXPLORER} .dbtools-frame").first.hover()
        with page.expect_download() as saved:
            page.locator(f"{EXPLORER} .dbtools-save button:visible", has_text=kind).first.click()
        assert Path(saved.value.path()).read_bytes().startswith(start)


def test_a_statement_is_completed_and_run_by_keys(page):
    browsing.open_tab(page, "SQL")
    field = page.locator(f"{EXPLORER} .dbtools-sql textarea")
    field.fill("")
    field.press_sequentially("SELECT count(*) AS n FROM vers")
    page.locator(f"{EXPLORER} .dbtools-sql li").first.wait_for()
    field.press("Tab")
    assert field.input_value() == "SELECT count(*) AS n FROM versions"
    field.press("Control+Enter")
    browsing.settle(page)
    assert page.locator(f"{EXPLORER} td").all_inner_texts()[0] == "45"
    assert python(page, "explorer.query") == "SELECT count(*) AS n FROM versions"


@pytest.mark.parametrize(("width", "beside"), [(1500, True), (700, False)])
def test_details_stand_beside_the_table_where_there_is_room(page, width, beside):
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 1400})
    browsing.open_tab(page, "Versions")
    page.locator(f"{EXPLORER} tr[data-key] td").first.click()
    browsing.settle(page)
    table = page.locator(f"{EXPLORER} [role=grid]:visible").bounding_box()
    detail = page.locator(f"{EXPLORER} .dbtools-text").first.bounding_box()
    assert (detail["x"] > table["x"] + 100) == beside
    page.set_viewport_size(before)


@pytest.mark.parametrize("width", [420, 600, 1000, 1400])
@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_nothing_is_cut_off_in_either_theme_wide_or_narrow(page, theme, width):
    browsing.set_theme(page, theme)
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 1000})
    for title in ("Overview", "Agents", "Versions", "Prompt", "Files", "SQL"):
        browsing.open_tab(page, title)
        # What is wider than its box must be in a box that scrolls.
        cut = page.evaluate(
            """() => [...document.querySelectorAll(".dbtools-explorer *")].filter((e) => {
              const box = document.querySelector(".dbtools-explorer").getBoundingClientRect();
              return e.getClientRects().length && e.getBoundingClientRect().right > box.right + 1
                && !e.closest(".dbtools-table, .dbtools-chart");
            }).map((e) => e.className || e.tagName)"""
        )
        assert cut == [], title
    ink, paper = page.evaluate(
        """() => { const style = getComputedStyle(document.querySelector(".dbtools-title"));
          return [style.color, getComputedStyle(document.body).getPropertyValue("--jp-layout-color0")] }"""
    )
    assert ink != paper
    page.set_viewport_size(before)
