"""An executed notebook as one HTML page: code hidden, nothing fetched, no script."""

from __future__ import annotations

import base64
import copy
import html
import re
from pathlib import Path
from typing import Any

from dbtools.notebooks.record import is_record, recorded

_TEMPLATE = Path(__file__).with_name("page.html.j2")
_HIDDEN = {"parameters", "injected-parameters", "remove-cell"}
_SHOWN = ("text/html", "text/markdown", "image/png", "image/jpeg", "text/plain")


def render(notebook: Any, *, stopped: str = "", about: str = "") -> str:
    """Return `notebook` as a self-contained page; `stopped` says why it ended early, `about` how it came about.

    Reads only.
    """
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_code_cell

    page = copy.deepcopy(notebook)
    page.cells = [c for c in page.cells if not _HIDDEN.intersection(c.metadata.get("tags", ()))]
    _, said = recorded(page)
    verdict = [o for cell in page.cells for o in cell.get("outputs", ()) if is_record(o)]
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.outputs = [_static(o, said) for o in cell.outputs if not (is_record(o) or _is_raised_verdict(o))]
    if verdict:  # what most readers want first
        shown = new_code_cell(id="verdict", outputs=[_static(verdict[-1])])  # type: ignore[no-untyped-call]
        page.cells.insert(1, shown)
    page.metadata = {"title": _title(page), "stopped": stopped, "about": about}
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=_TEMPLATE.read_text(encoding="utf-8"),
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(page)
    return str(body)


def _static(output: Any, said: str = "") -> Any:
    """Leave of an output only what a page without scripts can show, and that does not repeat what is `said` on top."""
    if "data" in output:
        data = output["data"]
        if "image/svg+xml" in data:
            data = {"text/html": _picture("".join(data["image/svg+xml"]), "".join(data.get("text/plain", "chart")))}
        if said and "text/html" in data:
            again = re.compile(f"<caption>{re.escape(html.escape(said))}\\.?</caption>", re.IGNORECASE)
            data["text/html"] = again.sub("", "".join(data["text/html"]))
        output["data"] = {kind: data[kind] for kind in _SHOWN if kind in data}
    return output


def _picture(svg: str, text: str) -> str:
    # As an image, not inline: ids inside one chart must not reach into the next, and nothing in it can run.
    encoded = base64.b64encode(_adapt(svg).encode()).decode()
    return f'<img class="chart" alt="{html.escape(text)}" src="data:image/svg+xml;base64,{encoded}">'


def _adapt(svg: str) -> str:
    """Let a chart follow the reader's dark mode: ink, grid and paper change, the data's colours stay."""
    from dbtools.show.style import DARK

    rules = "".join(
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in DARK.items()
        for attribute in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    return re.sub(r"<svg[^>]*>", lambda tag: tag[0] + style, svg, count=1)


def _is_raised_verdict(output: Any) -> bool:
    # record() has already shown the verdict; the traceback it ends the notebook with says nothing more.
    return bool(output.output_type == "error" and output.ename == "VerdictError")


def _title(notebook: Any) -> str:
    for cell in notebook.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("# "):
                return str(line[2:]).strip()
    return "dbtools"
