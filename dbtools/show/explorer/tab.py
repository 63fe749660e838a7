"""What all tabs have in common: compute in a worker thread, then render, for the page and for snapshots alike."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets

from dbtools.show.explorer import markup
from dbtools.show.explorer.remedy import Remedy
from dbtools.show.explorer.selection import read_counts
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.widgets import column
from dbtools.show.explorer.worker import Worker


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
        self.remedy, self.body = Remedy(explorer), ipywidgets.HTML()
        self.widget = column(*self.parts())

    def parts(self) -> list[ipywidgets.Widget]:
        """Return what stands in the tab, one below the other."""
        return [self.worker.widget, self.remedy.widget, self.body]

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
        self.body.value = self.render(result, draw)

    def refresh(self) -> None:
        """Compute in a worker thread, and show the result."""
        reason = self.refusal()
        if reason:
            self.worker.cancel()
            self.remedy.hide()
            self.body.value = markup.note(reason, "info")
            return
        request = self.request()
        self.worker.submit(
            lambda session: self._compute(session, request), self.show, self.description, self.explorer.data_key
        )

    def snapshot(self, session: Session) -> str:
        """Return the tab as HTML without controls. Reads only."""
        reason = self.refusal()
        if reason:
            return markup.muted(reason)
        result = self.compute(session, self.request())
        self._publish(result)
        return self.render(result)

    def _compute(self, session: Session, request: Any) -> Any:
        early = self.preview(session, request)
        if early:
            self.body.value = early
        result = self.compute(session, request)
        if self.is_empty(result):
            self.remedy.show(self.explorer.filters, read_counts(session))
        else:
            self.remedy.hide()
        if self.charts and session.large:
            self.show(result, markup.placeholder)
        return result

    def _publish(self, result: Any) -> None:
        if self.attribute:
            setattr(self.explorer, self.attribute, result)
