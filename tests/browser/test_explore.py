"""The Explorer in JupyterLab, driven as a person would; one server and one page for all tests, in this order."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from dbtools import Project, analysis, attach, cleanup, demo
from dbtools.show.explorer.explorer import TABS

browsing = pytest.importorskip("browsing", reason="playwright is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(not browsing.CHROMIUM, reason="no chromium on this machine (apt-get install chromium)")
EXPLORER = ".dbtools-explorer"
# What is wider than its box must be in a box that scrolls.
CUT = """() => [...document.querySelectorAll(".dbtools-explorer *")].filter((e) => {
  const box = document.querySelector(".dbtools-explorer").getBoundingClientRect();
  return e.getClientRects().length && e.getBoundingClientRect().right > box.right + 1
    && !e.closest(".dbtools-table, .dbtools-chart");
}).map((e) => e.className || e.tagName)"""
# Text whose contrast with what is behind it is below 4.5 (WCAG 2.2, 1.4.3), but for controls that cannot be used.
FAINT = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, share, n) => {
    const part = c[n] / 255;
    return sum + share * (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const over = (top, below) => [0, 1, 2].map((n) => top[n] * (top[3] ?? 1) + below[n] * (1 - (top[3] ?? 1)));
  const behind = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = numbers(getComputedStyle(at).backgroundColor);
      layers.unshift(c);
      if ((c[3] ?? 1) === 1) break;
    }
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  return [...document.querySelectorAll(".dbtools-explorer *")].filter((e) => {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.getClientRects().length || e.closest("svg, style, :disabled, option, .out")) return false;
    const below = behind(e), ink = over(numbers(getComputedStyle(e).color), below);
    const [high, low] = [light(ink), light(below)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05) < 4.5;
  }).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`)
}"""


# Threads, widgets and open databases that an Explorer could leave behind in the kernel.
TRACES = """
import pathlib, threading, ipywidgets
def traces():
    opened = [file.resolve() for file in pathlib.Path("/proc/self/fd").iterdir()]
    threads = sum(thread.name == "dbtools-explorer" for thread in threading.enumerate())
    return threads, len(ipywidgets.widget._instances), sum(file.suffix == ".duckdb" for file in opened)
"""


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
    page.locator(f"{EXPLORER} .dbtools-card", has_text="Which files can be removed?").click()
    browsing.settle(page)
    assert page.get_by_role("tab", selected=True).inner_text() == "Files"


def test_where_the_filters_leave_nothing_one_sentence_says_so_and_one_click_helps(page):
    browsing.open_tab(page, "Agents")
    show_filters(page)
    select(page, "Provenance", "unknown (0)")
    browsing.settle(page)
    banner = page.locator(f"{EXPLORER} .dbtools-banner:visible")
    assert banner.inner_text().startswith("No scored versions match these filters.")
    assert page.locator(f"{EXPLORER} :is(.dbtools-body svg, [role=alert]):visible").count() == 0
    button(page, "Clear filters").click()
    browsing.settle(page)
    assert banner.count() == 0
    assert python(page, "explorer.provenance") == "all"
    assert page.locator(f"{EXPLORER} .dbtools-body svg:visible").count() > 0


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
    users.press_sequentially("ines")
    users.press("Enter")
    page.get_by_label("Remove the filter user").wait_for()
    assert users.input_value() == ""
    page.locator(f"{EXPLORER} input[type=date]").first.fill("2025-01-01")
    page.locator(f"{EXPLORER} input[type=date]").first.press("Tab")
    browsing.settle(page)
    state = python(page, "[explorer.agents, explorer.users, explorer.date_range]")
    assert (sorted(state[0]), *state[1:]) == (["domain", "syntax"], ["ines.moreau"], ["2025-01-01", None])
    assert "only prompts of ines.moreau asked from 2025-01-01" in shown(page)
    browsing.open_tab(page, "Usage")
    tags = page.locator(f"{EXPLORER} .dbtools-tag").all_inner_texts()
    assert [" ".join(said.split()) for said in tags if "not used here" in said] == [
        "scale judge · not used here ✕", f"source {', '.join(state[0])} · not used here ✕",
    ]  # fmt: skip
    button(page, "Reset").click()
    browsing.settle(page)
    assert python(page, "[explorer.agents, explorer.users]") == [[], []]


def count(project, condition: str) -> int:
    """Count the scored versions for which a condition holds."""
    with attach(project) as db:
        return db.sql(f"SELECT count(*) FROM scored_versions WHERE scale = 'judge' AND {condition}").fetchall()[0][0]


def test_versions_are_searched_looked_into_and_compared(page, project):
    browsing.open_tab(page, "Versions")
    real = count(project, "provenance = 'real'")
    assert f"{real} of {count(project, 'true')} versions" in shown(page)
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
    button(page, "Reset").click()
    browsing.settle(page)
    assert python(page, "[explorer.search, explorer.version_pair]") == ["", ["", ""]]
    assert "mod-active" not in button(page, "Compare two").get_attribute("class")


def test_the_heading_of_a_column_shows_what_it_holds_and_filters(page, project):
    real, own = (count(project, f"provenance = 'real' AND {more}") for more in ("true", "source = 'syntax'"))
    browsing.open_tab(page, "Versions")
    part = page.locator(f"{EXPLORER} th rect[data-go='filter:agents=syntax']")
    assert part.locator("title").text_content() == f"syntax: {own} of {real}"
    part.click()
    browsing.settle(page)
    assert python(page, "explorer.agents") == ["syntax"]
    assert page.locator(f"{EXPLORER} tr[data-key]").count() == own


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
    button(page, "Export everything").click()
    browsing.settle(page)
    assert page.locator(f"{EXPLORER} [role=alert]:visible").count() == 1  # the old logs are in the way
    page.get_by_role("link", name="Export into the folder export instead").click()
    browsing.settle(page)
    assert re.search(r"Proved: 9 files, [\d,]+ rows, .* each read back and equal to the database", shown(page))
    with page.expect_download() as saved:
        page.get_by_role("link", name="multi_agent_log.csv").click()
    written = project.root / "export" / "multi_agent_log.csv"
    assert Path(saved.value.path()).read_bytes() == written.read_bytes()


def test_a_cleanup_is_previewed_confirmed_run_and_taken_back(page, project):
    before = {p: p.read_bytes() for p in project.root.rglob("*") if p.suffix in (".csv", ".db")}
    browsing.open_tab(page, "Files")
    page.locator(f"{EXPLORER} tr", has_text="my_learning_log.csv").get_by_role("link", name="3").click()
    page.get_by_text("3 rows that exist nowhere else").wait_for()
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
    page.get_by_role("link", name="See the rescued rows").click()
    browsing.settle(page)
    assert page.get_by_role("tab", selected=True).inner_text() == "SQL"
    assert page.locator(f"{EXPLORER} th:visible", has_text="_sha256").count() == 1
    browsing.open_tab(page, "Files")
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
    box.fill("SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b")
    button(page, "Run").click()
    button(page, "Stop").click()
    page.get_by_text("Stopped.").wait_for()
    browsing.settle(page)
    select(page, "History", "SELECT 6 * 7 AS answer")
    browsing.settle(page)
    assert box.input_value() == "SELECT 6 * 7 AS answer"
    box.fill("FROM ")
    page.locator(f"{EXPLORER} .dbtools-tree").get_by_text("heads", exact=True).click()
    browsing.settle(page)  # the kernel puts the name into the field
    assert box.input_value() == "FROM heads"


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
    browsing.open_tab(page, "Versions")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, copied in (
        ("Copy SQL", "explorer.sql"),
        ("Copy this view", "f'Explorer({str(explorer.project.root)!r}, **{explorer.state!r})'"),
    ):
        button(page, name).click()
        page.wait_for_function(
            "(text) => navigator.clipboard.readText().then((found) => found === text)", arg=python(page, copied)
        )


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


@pytest.mark.parametrize("widths", [(420, 1000), (600, 1400)])  # 600: also 1,200 at a zoom of 200%
def test_nothing_is_cut_off_or_faint_in_either_theme_wide_or_narrow(page, widths):
    before = page.viewport_size
    for title in (tab.title for tab in TABS):
        browsing.open_tab(page, title)
        for width, theme in zip(widths * 2, ("Light", "Light", "Dark", "Dark"), strict=True):
            page.set_viewport_size({"width": width, "height": 1000})
            browsing.set_theme(page, f"JupyterLab {theme}")
            browsing.settle(page)
            assert page.evaluate(CUT) == [], (title, width, theme)
            assert page.evaluate(FAINT) == [], (title, width, theme)
    browsing.set_theme(page, "JupyterLab Light")
    page.set_viewport_size(before)


def test_runs_and_a_reload_leave_nothing_behind(page):
    browsing.execute(page, TRACES)
    found = []
    for _ in range(3):
        browsing.run_all(page)
        browsing.settle(page)
        found.append(python(page, "traces()"))
    assert found[2] == found[1]
    # Of a notebook that is not saved, JupyterLab asks whether to leave it.
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save').then(() => 1)")
    page.reload()
    page.wait_for_function(browsing.READY)
    page.locator(f"{EXPLORER} .dbtools-counts").first.wait_for()
    browsing.settle(page)
    assert python(page, "traces()") == found[2]
    browsing.open_tab(page, "Agents")
    assert "Who wins" in shown(page)
