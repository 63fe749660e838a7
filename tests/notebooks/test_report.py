import base64
import re
from html import escape

import pytest
from nbformat import v4

from dbtools.notebooks.record import MIME
from dbtools.notebooks.report import render

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="#fffffe"/></svg>'


def page(*outputs, **options):
    cells = [
        v4.new_markdown_cell("# Audit & more\n\nWhat is wrong?"),
        v4.new_code_cell("SECRET_SOURCE = 1", metadata={"tags": ["parameters"]}, outputs=[stream("PARAMETER")]),
        v4.new_code_cell("shown = SOURCE", execution_count=1, outputs=list(outputs)),
    ]
    return render(v4.new_notebook(cells=cells), **options)


def stream(text):
    return v4.new_output("stream", text=text)


def data(**kinds):
    return v4.new_output("display_data", data={k.replace("__", "/"): v for k, v in kinds.items()})


def picture(html):
    return base64.b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[1]).decode()


def test_the_page_shows_text_and_outputs_but_no_code_and_no_parameters():
    html = page(stream("an output"))
    assert "<title>Audit &amp; more</title>" in html
    assert "an output" in html
    assert "SOURCE" not in html
    assert "PARAMETER" not in html


def test_the_page_fetches_nothing_and_runs_nothing():
    html = page(stream("x"), data(text__html="<b>y</b>"))
    assert "default-src 'none'" in html
    assert "script-src" not in html
    assert re.findall(r"<script|<link|@import|https?://", html) == []


def test_a_chart_becomes_a_picture_that_follows_dark_mode():
    chart = data(image__svg_xml="x", text__plain="Chart: wins")
    chart["data"] = {"application/vnd.vegalite.v5+json": {"n": 1}, "image/svg+xml": SVG, "text/plain": "Chart: wins"}
    html = page(chart)
    assert 'alt="Chart: wins"' in html
    assert "vegalite" not in html
    assert "prefers-color-scheme:dark" in picture(html)
    assert '[fill="#fffffe"]{fill:#0d1117}' in picture(html)


@pytest.mark.parametrize("kind", ["application/javascript", "application/vnd.jupyter.widget-view+json"])
def test_what_needs_a_script_is_left_out_and_its_text_shown(kind):
    html = page(v4.new_output("display_data", data={kind: "EVIL", "text/plain": "in words"}))
    assert "EVIL" not in html
    assert "in words" in html


def test_a_notebook_that_stopped_says_so_on_top_and_shows_where():
    error = v4.new_output("error", ename="ValueError", evalue="no <b>", traceback=["\x1b[31mValueError\x1b[0m: no <b>"])
    html = page(error, stopped="ValueError: no <b>")
    assert html.index("ValueError: no &lt;b&gt;") < html.index("Audit &amp; more</h1>")
    assert '<span class="ansi-red-fg">ValueError</span>: no &lt;b&gt;' in html


def test_a_failed_verdict_leaves_no_traceback():
    html = page(v4.new_output("error", ename="VerdictError", evalue="no", traceback=["TRACEBACK"]))
    assert "TRACEBACK" not in html
    assert '<p class="stopped">' not in html


def test_the_same_notebook_gives_the_same_page_and_stays_as_it_was():
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[data(image__png="eA==", text__plain="x")])])
    before = str(notebook)
    assert render(notebook) == render(notebook)
    assert str(notebook) == before


def test_the_verdict_stands_on_top_and_its_sentence_is_not_repeated():
    said = "3 of 5 rows are < 1"
    record = data(**{MIME: "{}"}, text__plain=f"✓ {said}.", text__html=f"<div>✓ {escape(said)}.</div>")
    shown = data(text__html=f"<table><caption>{escape(said)}.</caption><td>cell</td></table>")
    other = data(text__html="<table><caption>Another</caption></table>")
    html = page(shown, other, record)
    assert html.index("✓ 3 of 5") < html.index("<td>cell</td>")
    assert html.count("rows are &lt; 1") == 1
    assert "<caption>Another</caption>" in html
