"""Nothing that comes from data runs, or stands raw, in any page, notebook or chart."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hostile import MARK, PAYLOADS

from dbtools.show import charts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=8000 --dump-dom",
)
ACTIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "base",
    "link",
    "video",
    "audio",
    "details",
    "svg",
    "body",
    "a",
}


DRAWN = re.compile(r'<svg (?:[\w:]+="[^"<>]*" )*?class="marks".*?</svg>', re.DOTALL)


class Elements(HTMLParser):
    """Collects what a browser would make of a text: its elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(text)
    parser.close()
    return parser.found


def dangers(text: str) -> list[str]:
    """Return what in an HTML text could run or fetch, and every element that carries a payload."""
    found = []
    for tag, attributes in elements(text):
        bad = tag in ACTIVE - {"a", "body", "details"} or any(
            name.startswith("on") or name == "srcdoc" for name in attributes
        )
        places = [attributes.get(name) or "" for name in ("href", "src", "action", "data", "style")]
        bad = bad or any(re.match(r"\s*(javascript|vbscript|https?|file|//)", place, re.I) for place in places)
        bad = bad or any("url(" in place or "@import" in place for place in places)
        if bad:
            found.append(f"{tag} {attributes}")
    return found


def pictures(text: str) -> list[str]:
    return [base64.b64decode(p).decode() for p in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)]


MARKUP = ("text/html", "image/svg+xml", "text/markdown", "application/javascript")


def shown(notebook: Path, *kinds: str) -> list[str]:
    """Return the outputs of a notebook that are of some kinds; by default all that a browser takes for markup."""
    cells = json.loads(notebook.read_text())["cells"]
    bundles = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    found = [bundle[kind] for bundle in bundles for kind in kinds or MARKUP if kind in bundle]
    return [json.dumps(f, ensure_ascii=False) if isinstance(f, dict) else "".join(f) for f in found]


@pytest.fixture(scope="module")
def texts(context) -> dict[str, str]:
    """Return every HTML text and picture that was made, by where it is: pages, and what Jupyter shows."""
    found = {page.name: page.read_text() for page in context.made.rglob("*.html")}
    for notebook in context.made.rglob("*.ipynb"):
        found |= {f"{notebook.name} output {n}": text for n, text in enumerate(shown(notebook))}
    return found


def test_no_element_of_any_page_comes_from_data(texts):
    assert len(texts) > 50
    for name, text in texts.items():
        drawn = DRAWN.findall(text)  # the Explorer's page holds its charts as they are
        assert dangers(DRAWN.sub("", text)) == [], name
        for picture in [*pictures(text), *drawn]:
            assert not re.search(
                r"<(script|foreignObject|image|a|iframe)\b|\son\w+=|javascript:", html_free(picture)
            ), name


def html_free(svg: str) -> str:
    """Return the markup of a picture without the texts in it, which are escaped."""
    return re.sub(r'="[^"]*"', '=""', re.sub(r">[^<]*<", "><", svg))


def test_the_payloads_are_shown_as_the_text_they_are(texts):
    whole = "".join(texts.values())
    assert html.escape(PAYLOADS[1]) in whole
    for payload in PAYLOADS:
        assert payload not in whole or payload == PAYLOADS[-1]
    assert whole.count(MARK) > 100, "the attacks reached the pages, so that escaping is what stopped them"
    assert "{{7*7}} ${7*7}" in whole, "no template engine worked on it"


def test_a_chart_saved_as_a_page_has_no_text_that_ends_its_script(context):
    # Altair writes the data into a script as they are: "</script>" in a name would end it.
    specs = [
        s for notebook in context.made.rglob("*.ipynb") for s in shown(notebook, "application/vnd.vegalite.v5+json")
    ]
    assert len(specs) == 17
    assert sum(MARK in spec for spec in specs) > 5
    for spec in specs:
        assert not re.search(r"<[/!?a-zA-Z]", spec)


def test_a_hostile_agent_is_drawn_as_text():
    frame = pd.DataFrame({"agent": list(PAYLOADS), "contests": 9, "wins": 3, "win_rate": 1 / 3})
    page = charts.win_rates(frame).to_html()
    assert MARK in page
    assert dangers(re.sub(r"<script(\s[^>]*)?>.*?</script>|<link[^>]*>", "", page, flags=re.DOTALL)) == []


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to open the pages: apt-get install chromium")
def test_nothing_runs_in_a_browser(texts, tmp_path):
    pages = {"control": "".join(PAYLOADS)}
    for name, text in texts.items():
        pages[name] = text
        if "http-equiv" in text:  # once more without the policy that forbids scripts: escaping alone must do
            pages[f"{name}, without its policy"] = re.sub(r"<meta http-equiv[^>]*>", "", text)
        for number, picture in enumerate(pictures(text)):
            pages[f"{name}, picture {number}"] = picture
    frames = []
    for number, (name, text) in enumerate(pages.items()):
        (tmp_path / f"{number}.html").write_text(f"<!DOCTYPE html><meta charset='utf-8'>{text}", encoding="utf-8")
        frames.append(f'<iframe src="{number}.html" name="{html.escape(name)}"></iframe>')
    script = """
      addEventListener('message', e => { let from = '?';
        for (const f of document.querySelectorAll('iframe')) if (f.contentWindow === e.source) from = f.name;
        const p = document.createElement('p'); p.textContent = 'RAN ' + from + ': ' + e.data;
        document.body.append(p); });
    """
    index = tmp_path / "index.html"
    index.write_text(f"<!DOCTYPE html><meta charset='utf-8'><body><script>{script}</script>{''.join(frames)}<p>END</p>")
    command = [CHROMIUM, *" ".join(FLAGS).split(), f"--user-data-dir={tmp_path / 'profile'}", index.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "<p>END</p>" in done.stdout, done.stderr[-2000:]
    ran = re.findall(r"<p>RAN (.*?): (.*?)</p>", done.stdout)
    assert {what for name, what in ran if name in ("control", "?")} >= {"ran script", "ran img", "ran svg"}, (
        "it can run"
    )
    assert [(name, what) for name, what in ran if name not in ("control", "?")] == []
