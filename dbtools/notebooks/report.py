"""The files of a report: an HTML page without code and scripts, and how they are written."""

from __future__ import annotations

import base64
import copy
import csv
import html
import io
import json
import os
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dbtools import disk
from dbtools.errors import ParameterError, explained, printable
from dbtools.files.csvfile import escape
from dbtools.html import CSV_OPENS
from dbtools.notebooks import index
from dbtools.notebooks.record import is_record, recorded
from dbtools.redact import redact

_TEMPLATE, _CSS = (Path(__file__).with_name(name) for name in ("page.html.j2", "page.css"))
_ROWS = re.compile(re.escape(CSV_OPENS) + "(.*?)-->", re.DOTALL)
_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_CONTENTS = re.compile(r"(<nav [^>]*>)(</nav>)")
_HIDDEN = {"parameters", "injected-parameters", "remove-cell"}
LAST = "json"
KINDS = ("ipynb", "html", LAST)
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_SHOWN = ("text/html", "text/markdown", "image/png", "image/jpeg", "text/plain")


def render(
    notebook: Any, *, stopped: str = "", about: str = "", note: str = "", project: str = "", name: str = "report"
) -> str:
    """Return `notebook` as a self-contained page; `stopped` says why it ended early, `about` what it was made of.

    Reads only. `project` stands in its title, `name` in the names of its CSV files, and `note`, which says which of
    several databases was read, on top.
    """
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_code_cell

    page = copy.deepcopy(notebook)
    page.cells = [c for c in page.cells if not _HIDDEN.intersection(c.metadata.get("tags", ()))]
    said = recorded(page).reason
    verdict = [o for cell in page.cells for o in cell.get("outputs", ()) if is_record(o)]
    for cell in page.cells:
        if cell.cell_type == "code":
            cell.outputs = [_static(o, said) for o in cell.outputs if not (is_record(o) or _is_raised_verdict(o))]
    if verdict:  # most readers want it first
        shown = new_code_cell(id="verdict", outputs=[_static(verdict[-1])])  # type: ignore[no-untyped-call]
        page.cells.insert(1, shown)
    name_of_page = f"{title(page)}: {project}" if project else title(page)
    css = _CSS.read_text(encoding="utf-8")
    page.metadata = {"title": name_of_page, "stopped": stopped, "about": about, "note": note, "css": css}
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        raw_template=_TEMPLATE.read_text(encoding="utf-8"),
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(page)
    return _with_links(str(body), html.escape(project), name)


def _with_links(body: str, project: str, name: str) -> str:
    """Give a page its contents, its project in the heading, and a link to each table's rows as CSV."""
    numbers = count(1)
    body = _ROWS.sub(lambda rows: _csv_link(html.unescape(rows[1]), f"{name}-{next(numbers)}.csv"), body)
    if project:
        body = re.sub(r"(<h1[^>]*>)(.*?)(</h1>)", lambda h: f"{h[1]}{h[2]}: {project}{h[3]}", body, count=1)
    lines = [f'<li><a href="{index.NAME}">All reports</a></li>'] if project else []
    lines += [f'<li><a href="#{anchor(heading)}">{heading}</a></li>' for heading in _HEADING.findall(body)]
    body = _HEADING.sub(lambda h: f'<h2 id="{anchor(h[1])}">{h[1]}</h2>', body)
    return _CONTENTS.sub(lambda nav: f"{nav[1]}<ul>{''.join(lines)}</ul>{nav[2]}" if lines else "", body, count=1)


def anchor(heading: str) -> str:
    """Return the anchor of a heading: its words in lower case, with hyphens. Reads only."""
    return "-".join(re.findall(r"\w+", re.sub("<[^>]*>", "", html.unescape(heading)).lower()))


def _csv_link(rows: str, file: str) -> str:
    """Return a link that saves a table; what a spreadsheet would run as a formula is escaped as in exports."""
    written = io.StringIO()
    cells = ([escape(cell) for cell in row] for row in csv.reader(io.StringIO(shorten_home(rows))))
    csv.writer(written, lineterminator="\n").writerows(cells)
    link = f"data:text/csv;charset=utf-8,{quote(written.getvalue())}"
    return f'<a class="csv" download="{html.escape(file)}" href="{link}">Save these rows as CSV</a>'


def write(target: Path, texts: Mapping[str, str]) -> None:
    """Write the texts of a report as ``TARGET.ipynb``, ``TARGET.html`` and, if given, ``TARGET.json``.

    Changes files: those three. All are written beside them first. Then the old ``TARGET.json`` is removed, and the new
    one is put in place last: however this ends, it lies beside the files of its own run only. The next call removes
    what a killed one left.

    Raises
    ------
    ParameterError
        The folder or one of the files cannot be written.
    """
    with explained(ParameterError, "Cannot write the report", target, "give another folder"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with disk.temporary_folder(".dbtools-report-", target.parent) as staging:
            for kind, text in texts.items():
                (staging / kind).write_text(text, encoding="utf-8")
                disk.sync(staging / kind)
            with disk.locked_folder(target.parent, wait=True):  # one report at a time
                _replace(target, staging, [kind for kind in KINDS if kind in texts])


def _replace(target: Path, staging: Path, kinds: list[str]) -> None:
    Path(f"{target}.{LAST}").unlink(missing_ok=True)
    disk.sync(target.parent)
    for kind in kinds:
        if kind == LAST:
            disk.sync(target.parent)
        (staging / kind).replace(f"{target}.{kind}")
    disk.sync(target.parent)


def shorten_home(text: str) -> str:
    """Return `text` with the user's home folder written ``~``: a report may be shown to others. Reads only.

    The folder is found as it stands, and as HTML, JSON and URLs write it.
    """
    homes = {path for path in (os.path.expanduser("~"), os.environ.get("HOME", "")) if path.strip("/")}  # noqa: PTH111
    homes |= {os.path.realpath(path) for path in homes}
    written = {form(path.rstrip("/")) for path in homes for form in (str, html.escape, _as_json, quote)}
    if not written:
        return text
    either = "|".join(re.escape(path) for path in sorted(written, key=len, reverse=True))
    return re.sub(rf"(?<![\w.~-])(?<![\w.~-]/)(?:{either})(?![\w.~-])", "~", text)


def to_json(value: Any) -> str:
    """Return `value` as strict JSON on several lines, invisible characters as its escapes. Reads only."""
    return escape_invisible(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)) + "\n"


def escape_invisible(text: str) -> str:
    """Return JSON `text` with the control, direction and invisible characters of its strings as escapes. Reads only."""
    if text.isascii():
        return text
    shown = (c if c == "\n" or printable(c) == c else json.dumps(c)[1:-1] for c in text)
    return "".join(shown)


def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def make_printable(output: Any) -> Any:
    """Write out the invisible characters in the plain texts of a notebook's output; colours stay. Changes `output`.

    Nobody chose what an error quotes, so its secrets are hidden.
    """
    for holder, key in ((output, "text"), (output.get("data", {}), "text/plain")):
        if holder.get(key):
            holder[key] = _printable("".join(holder[key]))
    if "traceback" in output:
        output["evalue"] = redact(_printable(output["evalue"]))
        output["traceback"] = [redact(_printable(line)) for line in output["traceback"]]
    return output


def _printable(text: str) -> str:
    parts = _COLOUR.split(text)  # the odd ones are colours
    return "".join(part if i % 2 else printable(part, keep="\n\t") for i, part in enumerate(parts))


def _static(output: Any, said: str = "") -> Any:
    """Leave of an output what a page without scripts can show, without a caption that repeats the verdict on top."""
    if "data" in output:
        data = output["data"]
        if "image/svg+xml" in data:
            data = {"text/html": _picture("".join(data["image/svg+xml"]), "".join(data.get("text/plain", "chart")))}
        if said and "text/html" in data:
            repeated = re.escape(html.escape(said))
            again = re.compile(f'<(caption|p)(?: class="nothing")?>{repeated}\\.?</\\1>', re.IGNORECASE)
            data["text/html"] = again.sub("", "".join(data["text/html"]))
        output["data"] = {kind: data[kind] for kind in _SHOWN if kind in data}
    return output


def _picture(svg: str, text: str) -> str:
    # As an image, not inline: ids inside one chart must not reach into the next, and nothing in it can run.
    encoded = base64.b64encode(_adapt(svg).encode()).decode()
    return f'<img class="chart" alt="{html.escape(text)}" src="data:image/svg+xml;base64,{encoded}">'


def _adapt(svg: str) -> str:
    """Let a chart follow the reader's dark mode: text, grid and background change, the colours of the data stay."""
    from dbtools.show.style import DARK

    rules = "".join(
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in DARK.items()
        for attribute in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    return re.sub(r"<svg[^>]*>", lambda tag: tag[0] + style, svg, count=1)


def _is_raised_verdict(output: Any) -> bool:
    # `record` has already shown the verdict; its traceback adds nothing.
    return bool(output.output_type == "error" and output.ename == "VerdictError")


def title(notebook: Any) -> str:
    """Return the first heading of a notebook. Reads only."""
    for cell in notebook.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("# "):
                return str(line[2:]).strip()
    return "dbtools"
