"""The Explorer: everything about a project in one widget, whose state is public."""

from __future__ import annotations

import html
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from dbtools.errors import ParameterError
from dbtools.show.explorer import markup, widgets
from dbtools.show.explorer.agents_tab import AgentsTab
from dbtools.show.explorer.export_tab import ExportTab
from dbtools.show.explorer.files_tab import FilesTab
from dbtools.show.explorer.filters import FilterBar
from dbtools.show.explorer.overview_tab import OverviewTab, sources_html
from dbtools.show.explorer.prompt_tab import PromptTab
from dbtools.show.explorer.quality_tab import QualityTab
from dbtools.show.explorer.rate_tab import RateTab
from dbtools.show.explorer.remedy import Remedy
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.sql_tab import SqlTab
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.time_tab import TimeTab
from dbtools.show.explorer.usage_tab import UsageTab
from dbtools.show.explorer.versions_tab import VersionsTab
from dbtools.show.explorer.worker import Worker

if TYPE_CHECKING:
    from dbtools.database import Database
    from dbtools.project import Project

TABS: tuple[type[Tab], ...] = (
    OverviewTab,
    AgentsTab,
    RateTab,
    VersionsTab,
    PromptTab,
    TimeTab,
    UsageTab,
    QualityTab,
    FilesTab,
    ExportTab,
    SqlTab,
)
# The servers of JupyterLab and Voilà set these in their kernels; papermill and nbconvert set neither.
_LIVE = ("JPY_SESSION_NAME", "VOILA_BASE_URL")
# The explorers that were made by the last run of each cell; those that are displayed live as long as their cell.
_made: dict[str, tuple[str, weakref.WeakSet[Explorer]]] = {}
_displayed: set[Explorer] = set()


class Explorer(State):
    """Everything about a project in one widget; a context manager.

    A trait that is set in Python changes the widget, and a click in the widget changes the trait. An Explorer is closed
    when its cell runs again, or when nothing refers to it and it is not displayed.

    Attributes
    ----------
    agents, users : list of str
        Whose versions, and of whose prompts; empty: all.
    provenance, scale, wins, failures, cluster : str
        As in `dbtools.analysis.effectiveness`; a scale may also be ``all``, except for comparing agents.
    date_range : (date or None, date or None)
        First and last day (UTC) on which prompts were asked; None: open. ISO text is taken too.
    totals : (float or None, float or None)
        Versions with a total from the first to below the second; None: open.
    prompt_id, version_pair, search, query, tab : str, (str, str), str, str, str
        The prompt that is open and followed over time, the version looked at and the one it is compared with, the text
        searched for, the statement run last, and the tab that is open.
    effectiveness, evolution, usage, report, survey, result
        What the tabs show, as Python objects; each is None until its tab has been open.
    """

    tab = traitlets.Enum([kind.name for kind in TABS], TABS[0].name)

    def __init__(self, project: Project | Database | str | os.PathLike[str] | None = None, **state: Any) -> None:
        for name in state:
            if not self.has_trait(name):
                known = ", ".join(sorted(self.trait_names()))
                raise ParameterError("The Explorer has no trait", name, f"use one of {known}")
        made_by_cell = _made_by_running_cell()
        super().__init__(project, **state)
        # Tabs and controls refer to the Explorer weakly: ipywidgets keeps every widget, and so would keep it.
        weak: Explorer = weakref.proxy(self)
        self._filter_bar = FilterBar(weak)
        self.banner = Remedy(weak)
        self._counts: dict[str, int] = {}
        self.on_counts.listen(lambda counts: weak._take_counts(counts))
        self.tabs = Tabs(weak)
        self._stale = set(self.tabs)
        self._body = ipywidgets.VBox([self.tabs[self.tab].widget], layout=ipywidgets.Layout(width="100%"))
        self.widget = self._build(weak)
        self._filter_bar.show_tags()
        self.observe(self._on_change)
        self._stop = weakref.finalize(self, _stop, self._workers)  # also at exit: a running thread would crash it
        self._close_widgets = weakref.finalize(self, _close_widgets, self.widget, self.tabs)
        self._close_widgets.atexit = False
        made_by_cell.add(self)

    def renew(self, db: Database | None = None) -> None:
        """Show another state of the project: `db`, else the present one."""
        super().renew(db)
        self._stale = set(self.tabs) - {"files", "export"}
        self._refresh()

    def close(self) -> None:
        """Stop what is running, close the databases and the widgets."""
        _displayed.discard(self)
        self._stop()
        self._close_widgets()
        self.db.close()

    def __enter__(self) -> Explorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _build(self, weak: Explorer) -> ipywidgets.Widget:
        heads = widgets.Tabs(tabs=[(kind.name, kind.title, kind.tooltip) for kind in TABS], value=self.tab)
        ipywidgets.link((weak, "tab"), (heads, "value"))
        top = widgets.Grid(html=markup.STYLE + self._title())
        top.on_shown(lambda: weak._send_again())
        guard = widgets.PageGuard()
        guard.observe(lambda change: weak._resize(change["new"]), "width")
        bar = self._filter_bar
        parts = (top, self.banner.widget, heads, bar.widget, self.reloading.widget, self._body, guard)
        box = widgets.column(*parts)
        box.add_class("dbtools-explorer")
        return box

    def _title(self) -> str:
        name = html.escape(self.project.root.name)
        counts = f"{self.db.rows('versions'):,} versions · {self.db.rows('prompts'):,} prompts · read-only"
        return (
            f'<div class="dbtools-head"><span class="dbtools-title">{name}</span>'
            f'<span class="dbtools-muted">{counts}</span></div>'
        )

    def _resize(self, width: int) -> None:
        """Draw the charts of the open tab for the width of the page."""
        self.page_width = width
        self.tabs[self.tab].redraw()

    def _take_counts(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self.show_banner()

    def show_banner(self) -> None:
        """Say so where the filters leave nothing of what the open tab is about."""
        tab, kind = self.tabs[self.tab], self.provenance
        counts = tab.lacking
        if counts is None and tab.depends and kind != "all" and not self._counts.get(f"provenance {kind}"):
            counts = self._counts or None
        if counts is None:
            self.banner.hide()
        else:
            self.banner.show(self.filters, counts)

    def _send_again(self) -> None:
        """Send the state of what is open again: a page that was still loading has missed what changed meanwhile."""
        waiting = [self.banner.widget, self._filter_bar.widget, self._body]
        for widget in waiting:
            widget.send_state()
            waiting.extend(getattr(widget, "children", ()))

    def _on_change(self, change: dict[str, Any]) -> None:
        if change["name"] == "tab":
            self._body.children = [self.tabs[self.tab].widget]
        else:
            self._stale |= {kind.name for kind in TABS if change["name"] in kind.depends}
        self._filter_bar.show_tags()
        self.show_banner()
        self._refresh()

    def _refresh(self) -> None:
        if self.tab in self._stale:
            self._stale.discard(self.tab)
            self.tabs[self.tab].refresh()
        elif self.tabs[self.tab].drawn_for != self.page_width:
            self.tabs[self.tab].redraw()

    def snapshot(self, *names: str) -> str:
        """Return tabs (by default all that can be shown) as HTML without controls: tables and charts. Reads only."""
        session = Session(self._open(self.data_key))
        try:
            parts = [markup.STYLE, self._title()]
            for kind in TABS:
                if kind.in_snapshot and (not names or kind.name in names):
                    parts += [f"<h2>{kind.title}</h2>", self.tabs[kind.name].snapshot(session)]
        finally:
            session.close()
        return f'<div class="dbtools-explorer">{"".join(parts)}</div>'

    def to_dict(self) -> dict[str, Any]:
        """Return the filters, and the numbers of the tabs that were open, as JSON-ready values."""
        known = {name: getattr(self, name) for name in ("effectiveness", "evolution", "usage", "report", "survey")}
        numbers = {name: value.to_dict() for name, value in known.items() if value is not None}
        days = [day and day.isoformat() for day in self.date_range]
        return {"filters": {**asdict(self.filters), "dates": days}, "tables": self.db.origin["tables"], **numbers}

    def __repr__(self) -> str:
        return f"Explorer({str(self.project.root)!r})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        _displayed.add(self)
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_())
        bundle.update({"text/plain": repr(self), "text/html": self._without_widgets()})
        self._refresh()
        return bundle

    def _without_widgets(self) -> str:
        """Return what is shown where widgets cannot run. A live page must not wait for its charts."""
        if not any(name in os.environ for name in _LIVE):
            return self.snapshot()
        text = "The Explorer needs a running kernel: run this cell. “dbtools run explore” makes a page without one."
        return markup.note(text, "info") + markup.muted("Who wrote how many versions:") + sources_html(self.db)


class Tabs(Mapping[str, Tab]):
    """The tabs by name. Each is made when it is first used: a page with the widgets of all would open slowly."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._kinds = {kind.name: kind for kind in TABS}
        self._made: dict[str, Tab] = {}
        self._making = threading.RLock()  # a worker may need a tab while it is opened
        self._closed = False

    def __getitem__(self, name: str) -> Tab:
        with self._making:
            if name not in self._made:
                kind = self._kinds[name]
                if self._closed:
                    raise ReferenceError("The Explorer is closed")
                self._made[name] = kind(self._explorer)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, name: object) -> bool:  # without making the tab
        return name in self._kinds

    def close(self) -> list[ipywidgets.Widget]:
        """Make no more tabs, and return the widgets of those that were made."""
        with self._making:
            self._closed = True
            return [tab.widget for tab in self._made.values()]


def _close_widgets(widget: ipywidgets.Widget, tabs: Tabs) -> None:
    widgets.close(widget, *tabs.close())


def _stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.close()


def _made_by_running_cell() -> weakref.WeakSet[Explorer]:
    """Return the explorers that this run of the cell has made. Close those that the cell made when it ran before."""
    cell, run = _running_cell()
    earlier, made = _made.get(cell, ("", weakref.WeakSet()))
    if earlier != run:
        for explorer in list(made):
            explorer.close()
        made = weakref.WeakSet()
    _made[cell] = run, made
    return made


def _running_cell() -> tuple[str, str]:
    """Return the ids of the notebook's cell that is running, and of this run; both empty outside of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    message = kernel.get_parent() if kernel else {}
    return str(message.get("metadata", {}).get("cellId", "")), str(message.get("header", {}).get("msg_id", ""))
