"""What all tabs have in common: compute in a worker thread, then render, for the page and for snapshots alike."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets

from dbtools.errors import ParameterError
from dbtools.export import guard
from dbtools.redact import redact
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import read_counts
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import FILTERS, State
from dbtools.show.explorer.widgets import Grid, column
from dbtools.show.explorer.worker import Worker

if TYPE_CHECKING:
    import pandas as pd

_ID = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]*")
IDS = ("id", "prompt_id", "version_id", "prompt_version_id", "parent_version_id")
"""Columns whose ids lead to the page of a prompt."""


class Tab:
    """One tab of the Explorer.

    A subclass says what it computes (`compute`) and how the result looks (`render`). It makes
    its controls before it calls this class, and `parts` puts them in their places.

    Attributes
    ----------
    name, title, tooltip, description : str
        Its key, its heading, the heading's tooltip, and what the progress bar says.
    attribute : str
        The attribute of the Explorer that gets the result; empty: none.
    depends : tuple of str
        The traits it shows something of. When one changes, it is refreshed.
    charts : bool
        Whether it draws charts. Of a large database, its tables are shown before them.
    in_snapshot : bool
        Whether it has anything to show without controls.
    frames : dict of str to DataFrame
        The tables that it shows, whole.
    lacking : dict or None
        The versions of each provenance and scale, where the filters leave nothing of what the tab is about.
    drawn_for : int
        The width of the page for which its charts were made.
    prepared : tuple or None
        A result that was computed before the tab was open, with its data and request.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    tooltip: ClassVar[str]
    description: ClassVar[str] = ""
    attribute: ClassVar[str] = ""
    depends: ClassVar[tuple[str, ...]] = ()
    charts: ClassVar[bool] = False
    in_snapshot: ClassVar[bool] = True

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self.worker = explorer.new_worker()
        self.workers: tuple[Worker, ...] = (self.worker,)
        self.body = Grid()
        self.body.add_class("dbtools-body")
        self.body.on_link(self.follow, self.on_mark)
        self.frames: dict[str, pd.DataFrame] = {}
        self.lacking: dict[str, int] | None = None
        self.prepared: tuple[Any, Any, Any] | None = None
        self._shown: Any = None
        self.drawn_for = 0
        self.widget = column(*self.parts())
        self.widget.add_class("dbtools-tab")

    def parts(self) -> list[ipywidgets.Widget]:
        """Return what stands in the tab, one below the other."""
        return [self.worker.widget, self.body]

    @property
    def ignored(self) -> list[str]:
        """The filters that change nothing here."""
        return [name for name in FILTERS if name not in self.depends]

    def follow(self, target: str) -> None:
        """Open what a link names, or save a table."""
        kind, _, name = target.partition(":")
        if kind == "csv":
            if name in self.frames:
                self.body.save(f"{name}.csv", as_csv(self.frames[name]))
        else:
            try:
                self.explorer.follow(kind, name)
            except ParameterError as error:
                self.worker.message.value = markup.failure(str(error))

    def on_mark(self, said: str) -> None:
        """Open what a chart's mark stands for; its description begins with the name."""

    def python(self, request: Any) -> str:
        """Return a line of Python that gives the same numbers; empty: none."""
        return ""

    def request(self) -> Any:
        """Return what `compute` needs to know of filters and controls."""
        return self.explorer.filters

    def refusal(self) -> str:
        """Return why nothing can be shown for these filters; empty where it can."""
        return ""

    def preview(self, session: Session, request: Any) -> str:
        """Return the HTML to show until `compute` is done; empty: leave what is there. Reads only."""
        return ""

    def compute(self, session: Session, request: Any) -> Any:
        """Return what the tab shows. Runs in a worker thread."""
        raise NotImplementedError

    def is_empty(self, result: Any) -> bool:
        """Tell whether the filters leave nothing of what the tab is about."""
        return False

    def render(self, result: Any, draw: markup.Draw = markup.draw) -> str:
        """Return the result as HTML without controls; `draw` draws its charts, or leaves space for them."""
        raise NotImplementedError

    def show(self, result: Any, draw: markup.Draw = markup.draw) -> None:
        """Show the result."""
        self._publish(result)
        self._shown = result
        self.body.html = self.page(result, draw)

    def page(self, result: Any, draw: markup.Draw = markup.draw) -> str:
        """Return the result as HTML that answers; nothing where the filters leave nothing."""
        if self.lacking is not None:
            return ""
        self.drawn_for = self.explorer.page_width
        frames: dict[str, pd.DataFrame] = {}
        with markup.live(frames, self.drawn_for):
            shown = self.render(result, draw)
        self.frames = frames
        line = self.python(self.request())
        return shown + (markup.tools(Python=line) if line else "")

    def redraw(self) -> None:
        """Draw the charts for another width of the page, in the worker thread."""
        if not self.charts or self._shown is None or self.worker.busy:
            return
        self.worker.submit(lambda _: self.page(self._shown), self._set_body, "Drawing the charts")

    def _set_body(self, shown: str) -> None:
        self.body.html = shown

    def refresh(self) -> None:
        """Compute in a worker thread, and show the result."""
        reason = self.refusal()
        if reason:
            self.worker.cancel()
            self.lacking = None
            self.body.html = markup.note(reason, "info")
            return
        request = self.request()
        self.worker.submit(lambda session: self._compute(session, request), self.show, self.description)

    def snapshot(self, session: Session) -> str:
        """Return the tab as HTML without controls. Reads only."""
        reason = self.refusal()
        if reason:
            return markup.muted(reason)
        result = self.compute(session, self.request())
        self._publish(result)
        return self.render(result)

    def prepare(self, session: Session) -> Any:
        """Compute the result before the tab is open, and return it."""
        request, key = self.request(), self.explorer.data_key
        if not self.prepared or self.prepared[:2] != (key, request):
            self.prepared = key, request, self.compute(session, request)
        return self.prepared[2]

    def _compute(self, session: Session, request: Any) -> Any:
        early = self.preview(session, request)
        if early:
            self.body.html = early
        key, prepared = self.explorer.data_key, self.prepared
        self.prepared = None
        result = prepared[2] if prepared and prepared[:2] == (key, request) else self.compute(session, request)
        self.lacking = read_counts(session) if self.is_empty(result) else None
        self.explorer.show_banner()
        if self.charts and session.large:
            self.show(result, markup.placeholder)
        return result

    def _publish(self, result: Any) -> None:
        if self.attribute:
            setattr(self.explorer, self.attribute, result)


def id_links(frame: pd.DataFrame) -> dict[str, list[str | None]]:
    """Return where each cell of the columns with ids leads: to the page of its prompt, if it is an id."""
    return {
        str(name): [f"id:{cell}" if _ID.fullmatch(str(cell)) else None for cell in frame[name]]
        for name in frame.columns
        if str(name) in IDS and list(frame.columns).count(name) == 1
    }


def as_csv(frame: pd.DataFrame) -> bytes:
    """Return all rows as CSV: secrets hidden, and no cell that a spreadsheet takes for a formula. Reads only."""
    texts = frame.select_dtypes(include=["object", "string"]).columns
    safe = {name: [guard(redact(cell)) if isinstance(cell, str) else cell for cell in frame[name]] for name in texts}
    written = io.StringIO()
    named = {name: guard(str(name)) for name in frame.columns}
    frame.assign(**safe).rename(columns=named).to_csv(written, index=False, lineterminator="\n")
    return written.getvalue().encode("utf-8-sig")
