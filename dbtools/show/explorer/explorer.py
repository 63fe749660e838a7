"""The Explorer: everything about a project in one widget, whose state is public."""

from __future__ import annotations

import atexit
import html
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from dbtools import analysis, audit, cleanup
from dbtools.analysis.query import PROVENANCES, SCALES, WINS
from dbtools.database import Database, attach
from dbtools.database.prompt_filter import day
from dbtools.errors import DatabaseError, ParameterError
from dbtools.project import Project
from dbtools.show.explorer import (
    agents_tab,
    export_tab,
    files_tab,
    filters,
    overview_tab,
    page,
    quality_tab,
    sql_tab,
    time_tab,
    usage_tab,
    versions_tab,
)
from dbtools.show.explorer.selection import Filters, as_sql
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, Tabs, button, column
from dbtools.show.explorer.worker import Desk, Lane

if TYPE_CHECKING:
    import pandas as pd

_ROOMS = (overview_tab, agents_tab, versions_tab, time_tab, usage_tab, quality_tab, files_tab, export_tab, sql_tab)
TABS = ("overview", "agents", "versions", "time", "usage", "quality", "files", "export", "sql")
_FILTERS = {"agents": [], "provenance": "real", "scale": "judge", "users": [], "date_range": (None, None), "search": ""}
# What the servers of JupyterLab and of Voilà tell a kernel; papermill and nbconvert tell neither.
_LIVE = ("JPY_SESSION_NAME", "VOILA_BASE_URL")
_FIRST = "SELECT source, provenance, scale, count(*) AS versions, round(avg(total), 2) AS mean_total\n"
_FIRST += "FROM scored_versions\nGROUP BY ALL\nORDER BY ALL"


def _close(explorer: weakref.ref[Explorer]) -> None:
    there = explorer()
    if there is not None:
        there.close()


class Explorer(traitlets.HasTraits):
    """Everything about a project in one widget; a context manager.

    What is set here shows in the widget, and what is clicked there shows here.

    Attributes
    ----------
    agents, users : list of str
        Whose versions, and of whose prompts; empty: all.
    provenance, scale, wins : str
        As in `dbtools.analysis.effectiveness`; a scale may also be ``all``, except for comparing agents.
    date_range : (date or None, date or None)
        First and last day (UTC) on which prompts were asked; None: open. ISO text is taken too.
    prompt_id, version_pair, search, query, tab : str, (str, str), str, str, str
        The prompt followed over time, the version looked at and the one it is compared with, the text searched for,
        the statement asked last, and the tab that is open.
    effectiveness, evolution, usage, report, survey, result
        What the tabs show, as Python objects; each is None until its tab has been open.
    """

    agents = traitlets.List(traitlets.Unicode())
    provenance = traitlets.Enum(PROVENANCES, "real")
    scale = traitlets.Enum((*SCALES, "all"), "judge")
    wins = traitlets.Enum(WINS, "recorded")
    date_range = traitlets.Tuple(traitlets.Any(), traitlets.Any(), default_value=(None, None))
    users = traitlets.List(traitlets.Unicode())
    prompt_id = traitlets.Unicode("")
    version_pair = traitlets.Tuple(traitlets.Unicode(), traitlets.Unicode(), default_value=("", ""))
    search = traitlets.Unicode("")
    query = traitlets.Unicode(_FIRST)
    tab = traitlets.Enum(TABS, "overview")

    def __init__(self, project: Project | str | os.PathLike[str] | None = None, **state: Any) -> None:
        self.project = Project.find(project)
        self.db = attach(self.project)
        self.effectiveness: analysis.Effectiveness | None = None
        self.evolution: analysis.Evolution | None = None
        self.usage: analysis.Usage | None = None
        self.report: audit.AuditReport | None = None
        self.survey: cleanup.Survey | None = None
        self.result: pd.DataFrame | None = None
        self._generation, self._renewing = 0, threading.RLock()
        self._lanes: list[Lane] = []
        self._judging: list[Callable[[Any], None]] = []
        for name in state:
            if not self.has_trait(name):
                known = ", ".join(sorted(self.trait_names()))
                raise ParameterError("The Explorer has no trait", name, f"use one of {known}")
        super().__init__(**state)
        self.auditing, self.reloading = self.lane(), self.lane()
        self._bar, self.count, self._offer = filters.build(self)
        self.tabs: dict[str, Tab] = {tab.name: tab for tab in (room.build(self) for room in _ROOMS)}
        self._stale = set(self.tabs)
        self.widget = self._build()
        self.observe(self._changed)
        # A thread that is still at work when the interpreter goes would take it down.
        atexit.register(_close, weakref.ref(self))

    @traitlets.validate("date_range")
    def _days(self, proposal: dict[str, Any]) -> tuple[date | None, date | None]:
        first, last = map(day, proposal["value"])
        return first, last

    @property
    def filters(self) -> Filters:
        """The filters, as one value."""
        return Filters(tuple(self.agents), self.provenance, self.scale, tuple(self.users), self.date_range, self.search)

    @property
    def state(self) -> tuple[Any, ...]:
        """Which data the filters are of: the lanes open their databases anew for another."""
        return self._generation, tuple(self.users), self.date_range

    @property
    def sql(self) -> str:
        """The current selection as a statement: ``attach(project).sql(explorer.sql)``."""
        return as_sql(self.filters, bool(self.db.origin["texts"]))

    @property
    def frame(self) -> pd.DataFrame:
        """The current selection: one row per version, as `scored_versions` has them."""
        return self.db.sql(self.sql).df()

    def reset(self) -> None:
        """Reset all filters."""
        with self.hold_trait_notifications():
            for name, value in _FILTERS.items():
                setattr(self, name, value)

    def lane(self) -> Lane:
        """Return a new lane of work beside the kernel."""
        self._lanes.append(Lane(self._open))
        return self._lanes[-1]

    def _open(self, state: tuple[Any, ...]) -> Database:
        _, users, (since, until) = state
        db = self.db
        try:
            return db.filter(users, since, until)
        except DatabaseError:  # whoever attached a newer state dropped the file of this one
            with self._renewing:
                if self.db is db:
                    self.renew()
            return self.db.filter(users, since, until)

    def reload(self) -> None:
        """Look at the project as it is now, beside the kernel."""
        self.reloading.submit(lambda _: self._attach(), self.renew, "Reading the database", self.state)

    def _attach(self) -> Database:
        return attach(self.project, texts=self.db.origin["texts"] or None)

    def on_report(self, told: Callable[[Any], None]) -> None:
        """Call `told` with every new audit report, and with None when it is no longer true."""
        self._judging.append(told)

    def run_audit(self) -> None:
        """Audit the project beside the kernel."""
        self.auditing.submit(lambda _: audit.run(self.project), self._judged, "Auditing", self.state)

    def _judged(self, report: audit.AuditReport | None) -> None:
        self.report = report
        for told in self._judging:
            told(report)

    def load_texts(self) -> None:
        """Load the long texts beside the kernel, and show them from then on."""
        self.tabs["versions"].lanes[0].submit(
            lambda _: attach(self.project, texts=True), self.renew, "Loading the texts", self.state
        )

    def renew(self, db: Database | None = None) -> None:
        """Look at the project anew: at `db`, else as it is now."""
        with self._renewing:
            # Whoever is still reading the old one keeps it open; with the last of them it goes.
            self.db = db or self._attach()
            self._generation += 1
        for lane in self._lanes:
            lane.leave()
        self._offer()
        self._judged(None)
        self._stale = set(self.tabs) - {"files", "export"}
        self._refresh()

    def wait(self, seconds: float = 60) -> bool:
        """Wait until nothing is under way; tell whether that is so."""
        # One's end may set off another, so all are asked twice.
        return all(lane.wait(seconds) for lane in (*self._lanes, *self._lanes))

    def close(self) -> None:
        """Stop what is under way and close the databases."""
        for lane in self._lanes:
            lane.close()
        self.db.close()

    def __enter__(self) -> Explorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _build(self) -> ipywidgets.Widget:
        title = f'<div class="dbtools-title">{html.escape(self.project.root.name)}</div>'
        tabs = Tabs(tabs=[(tab.name, tab.title, tab.tooltip) for tab in self.tabs.values()], value=self.tab)
        ipywidgets.link((self, "tab"), (tabs, "value"))
        self._body = ipywidgets.VBox([self.tabs[self.tab].widget], layout=ipywidgets.Layout(width="100%"))
        top = Grid(html=page.STYLE + title)
        top.when_shown(self._tell_again)
        again = button("Reload", "Read the database as it is now", self.reload)
        self._bar.children = (*self._bar.children, again)
        widget = column(top, self._bar, self.reloading.widget, tabs, self._body)
        widget.add_class("dbtools-explorer")
        return widget

    def _tell_again(self) -> None:
        """Repeat the state of what is open: a page that was still loading has missed what changed meanwhile."""
        waiting = [self._bar, self._body]
        for widget in waiting:
            widget.send_state()
            waiting.extend(getattr(widget, "children", ()))

    def _changed(self, change: dict[str, Any]) -> None:
        if change["name"] == "tab":
            self._body.children = [self.tabs[self.tab].widget]
        else:
            self._stale |= {name for name, tab in self.tabs.items() if change["name"] in tab.depends}
        self._refresh()

    def _refresh(self) -> None:
        if self.tab in self._stale:
            self._stale.discard(self.tab)
            self.tabs[self.tab].refresh()

    def snapshot(self, *names: str) -> str:
        """Return tabs (by default all that can be) as HTML without controls: tables and pictures. Reads only."""
        desk = Desk(self._open(self.state))
        try:
            parts = [page.STYLE, f'<div class="dbtools-title">{html.escape(self.project.root.name)}</div>']
            for tab in self.tabs.values():
                if tab.static and (not names or tab.name in names):
                    parts += [f"<h2>{tab.title}</h2>", tab.static(desk, self.filters)]
        finally:
            desk.close()
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
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_())
        bundle.update({"text/plain": repr(self), "text/html": self._fallback()})
        self._refresh()
        return bundle

    def _fallback(self) -> str:
        """Return what is shown where widgets cannot run; who has a live page must not wait for pictures."""
        if not any(name in os.environ for name in _LIVE):
            return self.snapshot()
        text = "The Explorer needs a running kernel: run this cell. “dbtools run explore” makes a page without one."
        return page.note(text, "info") + page.quiet("Who wrote how many versions:") + overview_tab.sources_html(self.db)
