"""The pages of reports in a real browser: every link leads somewhere, and print loses no column."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import nbformat
import pytest

from dbtools.notebooks.index import write_index
from dbtools.notebooks.record import recorded
from dbtools.notebooks.report import render, title

pypdf = pytest.importorskip("pypdf")
browsing = pytest.importorskip("browsing")
CHROMIUM, FLAGS, ROOT, sync_playwright = browsing.CHROMIUM, browsing.FLAGS, browsing.ROOT, browsing.sync_playwright
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
MARGIN = dict.fromkeys(("top", "bottom", "left", "right"), "12mm")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The committed notebooks as reports, with their index."""
    folder = tmp_path_factory.mktemp("reports")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook, name = nbformat.read(path, as_version=4), path.stem
        if not any(cell.get("outputs") for cell in notebook.cells):
            continue
        found = recorded(notebook)
        about = {"title": title(notebook), "project": "/demo", "time": "2026-11-26T10:00:00+00:00", "version": "1"}
        verdict = {"passed": found.passed, "level": found.level, "reason": found.reason}
        about |= {"parameters": {}, "history": [{**verdict, "time": about["time"]}], **verdict}
        (folder / f"{name}.json").write_text(json.dumps({**found.values, "report": about}))
        (folder / f"{name}.html").write_text(render(notebook, project="demo", name=name, about="/demo"))
    write_index(folder)
    return folder


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    page = context.new_page()
    yield page
    context.close()


def test_every_link_of_the_index_and_of_the_contents_leads_somewhere(folder, page):
    page.goto((folder / "index.html").as_uri())
    names = page.eval_on_selector_all("article h2 a", "links => links.map(a => a.getAttribute('href'))")
    assert len(names) == 9
    for name in names:
        page.goto((folder / name).as_uri())
        targets = page.eval_on_selector_all("a[href^='#']", "links => links.map(a => a.getAttribute('href').slice(1))")
        headings = page.eval_on_selector_all("h2", "all => all.map(h => h.id)")
        assert headings
        assert set(headings) <= set(targets), name
        known = set(page.eval_on_selector_all("[id]", "all => all.map(e => e.id)"))
        assert set(targets) <= known, name
        assert page.get_by_role("link", name="All reports").get_attribute("href") == "index.html"
        first = page.locator(".verdict").bounding_box()
        assert first["y"] < 500, name


def test_a_table_is_saved_as_csv(folder, page):
    page.goto((folder / "01_audit.html").as_uri())
    with page.expect_download() as saved:
        page.locator("a.csv").first.click()
    assert re.fullmatch(r"01_audit-\d+\.csv", saved.value.suggested_filename)
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "severity,check,area,count,question,hint,sample"
    assert lines[1].startswith("warning,")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize(
    "name", ["01_audit", "02_cleanup", "06_effectiveness", "07_evolution", "08_usage", "09_compare"]
)
def test_print_loses_no_column(folder, page, tmp_path, paper, name):
    page.goto((folder / f"{name}.html").as_uri())
    heads = page.eval_on_selector_all("th", "all => all.map(th => th.textContent)")
    page.pdf(path=tmp_path / "page.pdf", format=paper, margin=MARGIN)
    inside, text = 0, ""
    for sheet in pypdf.PdfReader(tmp_path / "page.pdf").pages:
        right = float(sheet.mediabox.right)
        pieces = []

        def visit(piece, current, matrix, *_, pieces=pieces):
            pieces.append((piece, (matrix[4] * current[0] + current[4])))

        text += sheet.extract_text(visitor_text=visit) + "\n"
        inside = max([inside, *(x / right for piece, x in pieces if piece.strip())])
    assert inside < 1, "text is printed beyond the right edge"
    printed = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))  # "fi" may be one character
    missing = [head for head in heads if re.sub(r"\s+", "", head) not in printed]
    assert missing == []


@pytest.mark.parametrize("name", ["01_audit", "06_effectiveness", "08_usage"])
def test_a_printed_table_is_no_wider_than_the_page(folder, page, name):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # 186 mm, A4 without its margins
    page.goto((folder / f"{name}.html").as_uri())
    widest = page.eval_on_selector_all("table", "all => Math.max(...all.map(t => t.getBoundingClientRect().right))")
    assert widest <= 703
