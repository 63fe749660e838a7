"""The tab Export: the data as files, each verified by reading it back."""

from __future__ import annotations

import base64
import html
from functools import partial
from pathlib import Path

import ipywidgets

from dbtools import export
from dbtools.database import attach
from dbtools.errors import ConflictError, ParameterError, usable
from dbtools.export.manifest import ExportManifest
from dbtools.html import size
from dbtools.project import Project
from dbtools.show.explorer import markup
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, line, row, tick

_MOST_BYTES = 2 << 20  # a larger file is named, but not sent to the browser
_FORMATS = {"csv": "text/csv", "json": "application/json", "parquet": "application/octet-stream"}
_ABOUT = (
    "The whole database is exported, whatever the filters. Every file is read back and compared with it before it is "
    "put in place; nothing that is not an earlier export is overwritten."
)
_BUTTONS = (
    ("Export multi-agent data", "One row per prompt with every agent's answer and score", ("multi_agent_log",)),
    ("Export temporal data", "One row per version, with its parent and type of change", ("temporal_versions",)),
    ("Export everything", "Every layout, one file per format", None),
)


class ExportTab(Tab):
    """Buttons that export; below them, links to the files written."""

    name, title = "export", "Export"
    tooltip = "The data as files, each read back"
    in_snapshot = False

    def __init__(self, explorer: State) -> None:
        self.formats = {kind: tick(kind, f"Whether to write {kind} files", kind == "csv") for kind in _FORMATS}
        self.folder = line(
            "Folder",
            "Where the files go; relative to the project, or absolute",
            width="420px",
            value=explorer.project.relative(explorer.project.exports),
        )
        self.buttons = [button(text, about, partial(self.export, layouts, text)) for text, about, layouts in _BUTTONS]
        self.asked: tuple[tuple[str, ...] | None, str] = (None, "")
        super().__init__(explorer)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        return [
            ipywidgets.HTML(markup.muted(_ABOUT)),
            row(*self.formats.values(), self.folder),
            row(*self.buttons),
            self.worker.widget,
            self.body,
        ]

    def refresh(self) -> None:
        """Do nothing: this tab shows what its buttons did."""

    def follow(self, target: str) -> None:
        """Export into the other folder that was offered, or open what a link names."""
        kind, _, name = target.partition(":")
        if kind == "folder":
            self.folder.value = name
            self.export(*self.asked)
        else:
            super().follow(target)

    def export(self, layouts: tuple[str, ...] | None, description: str) -> None:
        """Export the database, and link the files. Changes files."""
        project = self.explorer.project
        formats = tuple(kind for kind, box in self.formats.items() if box.value)
        folder = self.folder.value.strip() or project.exports
        self.body.html, self.asked = "", (layouts, description)
        self.worker.submit(lambda _: export_or_refuse(project, folder, layouts, formats), self._set_body, description)


def export_or_refuse(
    project: Project, folder: str | Path, layouts: tuple[str, ...] | None, formats: tuple[str, ...]
) -> str:
    """Export the database as it is now. Return what was written, or where other files are in the way, what can be done.

    Changes files: see `dbtools.export.write`.

    Raises
    ------
    ParameterError
        No format is ticked, or there can be no such folder.
    """
    if not formats:
        raise ParameterError("No format is ticked", None, "tick csv, json or parquet")
    with usable(folder):
        target = project.root / Path(folder).expanduser()
    try:
        with attach(project, texts=True) as db:  # the layouts contain the long texts
            written = export.write(db, target, layouts=layouts, formats=formats)
    except ConflictError as error:
        n, other = 1, "export"
        while (project.root / other).exists():
            n, other = n + 1, f"export-{n + 1}"
        ways = (
            f'<p><span data-go="folder:{other}">Export into the folder {other} instead</span>, or '
            '<span data-go="tab:files">clean up the old files first</span>.</p>'
        )
        return markup.failure(str(error)) + ways
    return manifest_html(written)


def manifest_html(written: ExportManifest) -> str:
    """Return what was written, whether it was verified, and links to the files."""
    links = "".join(f"<li>{link(written.folder / file.path)}</li>" for file in written.files)
    skipped = f"Left out, as the database has no such table: {', '.join(written.skipped)}." if written.skipped else ""
    proof = f"{'Proved: ' if written.proved else ''}{written.sentence}."
    note = markup.note(proof, "none" if written.proved else "error")
    folder = markup.muted(f"In {written.folder}:")
    return f"{note}{folder}<ul>{links}</ul>{markup.muted(skipped)}{written._repr_html_()}"


def link(file: Path) -> str:
    """Return a link that contains the file, so that it works in JupyterLab, Voilà and without a server. Reads only."""
    length = file.stat().st_size
    name = html.escape(file.name)
    if length > _MOST_BYTES:
        return f"{name} ({size(length)})"
    content = base64.b64encode(file.read_bytes()).decode()
    kind = _FORMATS.get(file.suffix[1:], "application/octet-stream")
    return f'<a download="{name}" title="Save {name}" href="data:{kind};base64,{content}">{name}</a> ({size(length)})'
