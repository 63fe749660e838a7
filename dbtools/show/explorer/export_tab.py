"""The tab Export: the data as files, each proved by reading it back."""

from __future__ import annotations

import base64
import html as markup
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets

from dbtools import export
from dbtools.database import attach
from dbtools.errors import ParameterError, usable
from dbtools.export.manifest import ExportManifest
from dbtools.html import size
from dbtools.project import Project
from dbtools.show.explorer import page
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, column, line, row, tick

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_LINKED = 2 << 20  # bytes; a larger file is named, not handed to the browser
_KINDS = {"csv": "text/csv", "json": "application/json", "parquet": "application/octet-stream"}


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, told = explorer.lane(), ipywidgets.HTML()
    formats = {kind: tick(kind, f"Whether to write {kind} files", kind == "csv") for kind in _KINDS}
    project = explorer.project
    folder = line(
        "Folder",
        "Where the files go; relative to the project, or absolute",
        width="420px",
        value=project.relative(project.exports),
    )

    def write(layouts: tuple[str, ...] | None, what: str) -> None:
        kinds = tuple(kind for kind, box in formats.items() if box.value)
        named = folder.value.strip() or project.exports
        told.value = ""
        lane.submit(
            lambda _: write_files(project, named, layouts, kinds),
            lambda done: setattr(told, "value", manifest_html(done)),
            what,
            explorer.state,
        )

    buttons = [
        button(text, tip, partial(write, layouts, text))
        for text, tip, layouts in (
            ("Export multi-agent data", "One row per prompt with every agent's answer and score", ("multi_agent_log",)),
            ("Export temporal data", "One row per version, with its parent and type of change", ("temporal_versions",)),
            ("Export everything", "Every layout, one file per format", None),
        )
    ]
    remark = ipywidgets.HTML(
        page.quiet(
            "The whole database is exported, whatever the filters. Every file is read back and compared with it "
            "before it is put in place; nothing that is not an earlier export is overwritten."
        )
    )
    widget = column(remark, row(*formats.values(), folder), row(*buttons), lane.widget, told)
    return Tab("export", "Export", "The data as files, each proved", widget, (lane,), lambda: None)


def write_files(
    project: Project, named: str | Path, layouts: tuple[str, ...] | None, formats: tuple[str, ...]
) -> ExportManifest:
    """Export the database as it is now. Changes files: see `dbtools.export.write`.

    Raises
    ------
    ParameterError
        No format was chosen, or no such folder can be.
    """
    if not formats:
        raise ParameterError("No format is ticked", None, "tick csv, json or parquet")
    with usable(named):  # as with the home of a user who is not there
        target = project.root / Path(named).expanduser()
    with attach(project, texts=True) as db:  # the layouts hold the long texts
        return export.write(db, target, layouts=layouts, formats=formats)


def manifest_html(done: ExportManifest) -> str:
    """Return what was written, whether it was proved, and the files to be fetched."""
    links = "".join(f"<li>{link(done.folder / file.path)}</li>" for file in done.files)
    skipped = f"Left out, as the database has no such table: {', '.join(done.skipped)}." if done.skipped else ""
    proof = page.note(f"{'Proved: ' if done.proved else ''}{done.sentence}.", "none" if done.proved else "error")
    where = page.quiet(f"In {done.folder}:")
    return f"{proof}{where}<ul>{links}</ul>{page.quiet(skipped)}{done._repr_html_()}"


def link(file: Path) -> str:
    """Return a file as a link that holds it, so that it works in JupyterLab, Voilà and without a server. Reads only."""
    length = file.stat().st_size
    name = markup.escape(file.name)
    if length > _LINKED:
        return f"{name} ({size(length)})"
    held = base64.b64encode(file.read_bytes()).decode()
    kind = _KINDS.get(file.suffix[1:], "application/octet-stream")
    return f'<a download="{name}" title="Save {name}" href="data:{kind};base64,{held}">{name}</a> ({size(length)})'
