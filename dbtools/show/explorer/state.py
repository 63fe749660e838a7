"""The state of an Explorer: project, database, filters and results. The tabs see no more of the Explorer than this."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import traitlets

from dbtools import analysis, audit, cleanup
from dbtools.analysis.query import ALL_WINS, CLUSTERS, FAILURES, PROVENANCES, SCALES
from dbtools.database import Database, attach
from dbtools.database.prompt_filter import day
from dbtools.errors import DatabaseError, ParameterError
from dbtools.project import Project
from dbtools.show.explorer.selection import Filters, as_sql, query
from dbtools.show.explorer.worker import Worker

if TYPE_CHECKING:
    import pandas as pd

FILTERS = {
    "agents": [],
    "provenance": "real",
    "scale": "judge",
    "users": [],
    "date_range": (None, None),
    "search": "",
    "totals": (None, None),
    "prompt_id": "",
}
_FIRST_QUERY = """SELECT source, provenance, scale, count(*) AS versions, round(avg(total), 2) AS mean_total
FROM scored_versions
GROUP BY ALL
ORDER BY ALL"""


_SHORTEST_ID = 4
STEP, HIGHEST_TOTAL = 5, 50  # points of a bar in the heading of the totals, and of the best total


class Event:
    """Functions that are called, in order, when something has happened."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., object]] = []

    def listen(self, function: Callable[..., object]) -> None:
        """Call `function` from now on."""
        self._functions.append(function)

    def __call__(self, *what: Any) -> None:
        """Call the functions."""
        for function in self._functions:
            function(*what)


class State(traitlets.HasTraits):
    """Project, database, filters and results of an Explorer, which documents the public attributes.

    Attributes
    ----------
    data_key : object
        Which data the filters choose. Workers open their database anew for another key.
    on_report : Event
        There is a new audit report; or None, where the last one no longer holds.
    page_width : int
        How wide the page is in pixels; 0: not known.
    tabs : Mapping
        The tabs by name; each is made when it is first used.
    on_reset : Event
        All filters were reset.
    on_counts : Event
        The versions of each provenance and scale were counted: the numbers by ``provenance real`` and so on.
    on_renewed : Event
        The database was read again.
    """

    agents = traitlets.List(traitlets.Unicode())
    provenance = traitlets.Enum(PROVENANCES, "real")
    scale = traitlets.Enum((*SCALES, "all"), "judge")
    wins = traitlets.Enum(ALL_WINS, "recorded")
    failures = traitlets.Enum(FAILURES, "excluded")
    cluster = traitlets.Enum(tuple(CLUSTERS), "text")
    date_range = traitlets.Tuple(traitlets.Any(), traitlets.Any(), default_value=(None, None))
    users = traitlets.List(traitlets.Unicode())
    prompt_id = traitlets.Unicode("")
    version_pair = traitlets.Tuple(traitlets.Unicode(), traitlets.Unicode(), default_value=("", ""))
    search = traitlets.Unicode("")
    totals = traitlets.Tuple(
        traitlets.Float(allow_none=True), traitlets.Float(allow_none=True), default_value=(None, None)
    )
    query = traitlets.Unicode(_FIRST_QUERY)
    tab = traitlets.Unicode("")  # the Explorer, which has the tabs, says which there are

    def __init__(self, project: Project | Database | str | os.PathLike[str] | None = None, **state: Any) -> None:
        if isinstance(project, Database):  # the Explorer opens its own
            project = project.project or project.origin["path"]
        if not isinstance(project, Project | str | os.PathLike | None):
            what = "The Explorer cannot show this"
            raise ParameterError(what, type(project).__name__, "give a project, its folder or its database")
        self.project = Project.find(project)
        self.db: Database = attach(self.project)
        self.effectiveness: analysis.Effectiveness | None = None
        self.evolution: analysis.Evolution | None = None
        self.usage: analysis.Usage | None = None
        self.report: audit.AuditReport | None = None
        self.survey: cleanup.Survey | None = None
        self.result: pd.DataFrame | None = None
        self.on_report, self.on_counts, self.on_renewed, self.on_reset = Event(), Event(), Event(), Event()
        self._generation, self._renewing = 0, threading.RLock()
        self._workers: list[Worker] = []
        self.page_width = 0
        self.tabs: Mapping[str, Any] = {}
        super().__init__(**state)
        self.auditing, self.reloading = self.new_worker(), self.new_worker()

    @traitlets.validate("date_range")
    def _valid_days(self, proposal: dict[str, Any]) -> tuple[date | None, date | None]:
        first, last = map(day, proposal["value"])
        return first, last

    @property
    def filters(self) -> Filters:
        """The filters, as one value."""
        return Filters(
            tuple(self.agents),
            self.provenance,
            self.scale,
            tuple(self.users),
            self.date_range,
            self.search,
            self.totals,
        )

    @property
    def state(self) -> dict[str, Any]:
        """What is shown, as JSON-ready values: ``Explorer(project, **state)`` shows the same in any kernel."""
        days = [day and day.isoformat() for day in self.date_range]
        names = (*FILTERS, "wins", "failures", "cluster", "version_pair", "query", "tab")
        known = {name: getattr(self, name) for name in names}
        return {**known, "date_range": days, "version_pair": list(self.version_pair), "totals": list(self.totals)}

    @property
    def python_db(self) -> str:
        """How Python opens the same data: the project, with the chosen users and days."""
        db = f"attach({str(self.project.root)!r})"
        days = {name: str(day) for name, day in zip(("since", "until"), self.date_range, strict=True) if day}
        chosen = {**({"users": list(self.users)} if self.users else {}), **days}
        words = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
        return f"{db}.filter({words})" if words else db

    @property
    def data_key(self) -> tuple[Any, ...]:
        """Which data the filters choose."""
        return self._generation, tuple(self.users), self.date_range

    @property
    def sql(self) -> str:
        """The current selection as a statement: ``attach(project).sql(explorer.sql)``."""
        return as_sql(self.filters, bool(self.db.origin["texts"]))

    @property
    def frame(self) -> pd.DataFrame:
        """The current selection: one row per version, as `scored_versions` has them."""
        return self.db.sql(self.sql).df()

    def reset(self, *names: str) -> None:
        """Reset these filters; without names all of them, and the versions that are chosen."""
        with self.hold_trait_notifications():
            for name, value in FILTERS.items():
                if not names or name in names:
                    setattr(self, name, value)
            if not names:
                self.version_pair = ("", "")
        if not names:
            self.on_reset()

    def show_banner(self) -> None:
        """Say so where the filters leave nothing of what the open tab is about."""

    def open(self, identifier: str) -> None:
        """Open the page of the prompt with this id, or of the prompt of the version with this id.

        The first eight characters are enough.

        Raises
        ------
        ParameterError
            No prompt or version has such an id, or several prompts have.
        """
        wanted = re.sub(r"[^0-9a-f]", "", identifier.lower())
        if len(wanted) < _SHORTEST_ID:
            raise ParameterError("Not the beginning of an id", identifier, f"give at least {_SHORTEST_ID} characters")
        found = self.db.sql(query("find_id"), {"id": wanted}).fetchall()
        if len(found) != 1:
            what = "More than one prompt has an id" if found else "No prompt and no version has an id"
            raise ParameterError(f"{what} that begins so", identifier, "give more of it, or search in the tab Versions")
        with self.hold_trait_notifications():
            self.prompt_id, self.tab = found[0][0], "prompt"

    def add_user(self, name: str) -> None:
        """Choose one more user: by the name, or by what no other name begins with.

        Raises
        ------
        ParameterError
            No name begins so, or several names do.
        """
        found = [user for (user,) in self.db.sql(query("users_named"), {"name": name.strip()}).fetchall()]
        exact = [user for user in found if user == name.strip()]
        if not exact and len(found) != 1:
            what = "More than one user has a name" if found else "No user has a name"
            todo = f"type more of it: {', '.join(found)}" if found else "choose one of the list"
            raise ParameterError(f"{what} that begins so", name, todo)
        (user,) = exact or found
        if user not in self.users:
            self.users = [*self.users, user]

    def follow(self, kind: str, name: str) -> None:
        """Open what a link names: a tab, the prompt of an id, the rows of an agent, user, day, provenance or scale."""
        with self.hold_trait_notifications():
            if kind == "tab":
                self.tab = name
            elif kind == "id":
                self.open(name)
            elif kind == "agents":
                self.agents, self.tab = [name], "versions"
            elif kind == "users":
                self.users = [name]
            elif kind == "day":
                self.date_range, self.tab = (name, name), "versions"
            elif kind in ("provenance", "scale"):
                self.set_trait(kind, name)
                self.tab = "versions"
            elif kind == "filter":
                self._filter(*name.partition("=")[::2])
            elif kind == "remove":
                name, _, user = name.partition("=")
                self.users = [one for one in self.users if one != user]
                if not user:
                    self.reset(name)
            elif kind == "any":  # reset to everything, which for these two is not what one begins with
                self.set_trait(name, "all")

    def _filter(self, name: str, value: str) -> None:
        """Set a filter to what a heading of the tab Versions names."""
        if name == "agents":
            self.agents = [value]
        elif name == "total":
            low = float(value)
            self.totals = (low, low + STEP) if low + STEP < HIGHEST_TOTAL else (low, None)
        elif name in ("provenance", "scale"):
            self.set_trait(name, value)

    def new_worker(self) -> Worker:
        """Return a new worker for this Explorer's data."""
        explorer = weakref.proxy(self)  # or the worker would keep an Explorer alive that nobody uses
        self._workers.append(Worker(lambda key: explorer._open(key), lambda: explorer.data_key))
        return self._workers[-1]

    def _open(self, key: tuple[Any, ...]) -> Database:
        _, users, (since, until) = key
        db = self.db
        try:
            return db.filter(users, since, until)
        except DatabaseError:  # another process attached a newer state and removed the file of this one
            with self._renewing:
                if self.db is db:
                    self.renew()
            return self.db.filter(users, since, until)

    def reload(self) -> None:
        """Read the project as it is now, in a worker thread."""
        self.reloading.submit(lambda _: self._attach(), self.renew, "Reading the database")

    def load_texts(self, worker: Worker) -> None:
        """Load the long texts in a worker thread, and show them from then on."""
        worker.submit(lambda _: attach(self.project, texts=True), self.renew, "Loading the texts")

    def _attach(self) -> Database:
        return attach(self.project, texts=self.db.origin["texts"] or None)

    def run_audit(self) -> None:
        """Audit the project in a worker thread."""
        self.auditing.submit(lambda _: audit.run(self.project), self._set_report, "Auditing")

    def _set_report(self, report: audit.AuditReport | None) -> None:
        self.report = report
        self.on_report(report)

    def renew(self, db: Database | None = None) -> None:
        """Show another state of the project: `db`, else the present one."""
        with self._renewing:
            # The old database stays open until its last reader closes it.
            self.db = db or self._attach()
            self._generation += 1
            for worker in self._workers:
                worker.release()
            self.on_renewed()  # one after the other: two tabs may find at once that there is a newer state
        self._set_report(None)

    def wait(self, seconds: float = 60) -> bool:
        """Wait until nothing is running; tell whether that is so."""
        # The end of one job may start another, so each worker is asked twice.
        return all(worker.wait(seconds) for worker in (*self._workers, *self._workers))
