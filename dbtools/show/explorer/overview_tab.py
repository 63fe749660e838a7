"""The tab Overview: where the data comes from, how much there is, of what kind, and what the audit says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import audit, progress, server
from dbtools.audit.context import read_query
from dbtools.database import Database
from dbtools.database.schema import TABLES
from dbtools.html import size
from dbtools.show import charts
from dbtools.show.explorer import cards, markup
from dbtools.show.explorer.selection import query, read_counts, versions_of
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, row

if TYPE_CHECKING:
    import pandas as pd

_LARGE = 50_000  # versions; a larger database is audited on request only
_WAIT, _MOST_WAITS = 0.1, 50  # seconds: charts wait for the audit, but not for long


@dataclass(frozen=True)
class Overview:
    """The numbers of a database: its tables as HTML, its provenance, its scales and its sources."""

    counts: str
    provenance: pd.DataFrame
    scales: pd.DataFrame
    sources: pd.DataFrame
    kinds: dict[str, int]


class OverviewTab(Tab):
    """Where the data comes from, and how sound it is."""

    name, title = "overview", "Overview"
    tooltip = "Where the data comes from, and how sound it is"
    description = "Counting"
    charts = True
    depends = ("agents", "provenance", "scale", "users", "date_range")

    def __init__(self, explorer: State) -> None:
        about = "Run every check of the audit now; it may take a while"
        self.run = button("Run the audit", about, lambda: explorer.run_audit())
        self.run.layout.display = "none"
        self.cards = Grid()
        self.answers: dict[str, str] = {name: cards.waiting(name) for name in cards.QUESTIONS}
        self.card_worker = explorer.new_worker()
        self._drawn = False
        super().__init__(explorer)
        self.cards.on_link(self.follow)
        self.workers = (self.worker, self.card_worker)
        explorer.on_report.listen(self.show_report)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        working = (self.explorer.auditing.widget, self.card_worker.widget, self.worker.widget)
        return [self.cards, row(self.run), *working, self.body]

    def show_report(self, report: audit.AuditReport | None) -> None:
        """Show the audit's result."""
        self._answer("quality", cards.data(report))
        asked = report is None and self.explorer.db.rows("versions") > _LARGE
        self.run.layout.display = "flex" if asked else "none"

    def _answer(self, name: str, card: str) -> None:
        self.answers[name] = card
        self.cards.html = f'<div class="dbtools-cards">{"".join(self.answers.values())}</div>'

    def preview(self, session: Session, request: Any) -> str:
        """Return the counts, and answer what they answer: they are there before anything else."""
        db = session.db
        ratings = db.rows("ratings") if "ratings" in db.relations else 0
        self._answer("rate", cards.people(ratings, db.rows("feedback")))
        return counts_html(db)

    def compute(self, session: Session, request: Any) -> Overview:
        """Return the numbers of the database."""
        connection = versions_of(session)
        return Overview(
            counts_html(session.db),
            connection.execute(read_query("provenance")).df(),
            connection.execute(read_query("scales")).df(),
            connection.execute(query("origins")).df(),
            read_counts(session),
        )

    def render(self, result: Overview, draw: markup.Draw = markup.draw) -> str:
        """Return counts, provenance, scales and sources."""
        parts = [
            result.counts,
            markup.answers(draw(charts.provenance, result.provenance)),
            markup.answers(draw(charts.score_scales, result.scales)),
            markup.table(result.sources, "sources", caption="Who wrote the versions", links={"source": "agents"}),
        ]
        return "".join(parts)

    def on_mark(self, said: str) -> None:
        """Show the versions of a provenance or scale."""
        for kind in ("provenance", "scale"):
            for part in said.split("; "):
                if part.startswith(f"{kind}: "):
                    self.explorer.follow(kind, part.removeprefix(f"{kind}: "))

    def show(self, result: Overview, draw: markup.Draw = markup.draw) -> None:
        """Show the numbers, also in the filters, then the cards; audit a database that is not large."""
        small = self.explorer.db.rows("versions") <= _LARGE
        # The cards come first: before its first chart, a process loads for seconds what draws charts.
        super().show(result, markup.placeholder if small and not self._drawn else draw)
        self.explorer.on_counts(result.kinds)
        if draw is not markup.draw:
            return
        if small and self.explorer.report is None:
            self.explorer.run_audit()
        if small:
            about = "Looking at files, agents and costs"
            self.card_worker.submit(lambda session: self._finish(session, result), lambda _: None, about)
        else:
            for name in ("files", "agents", "usage"):
                self._answer(name, cards.waiting(name, "Open to load it"))

    def redraw(self) -> None:
        """Draw the charts for another width of the page; not before the cards are answered."""
        if not self.card_worker.busy:
            super().redraw()

    def _finish(self, session: Session, result: Overview) -> None:
        """Answer the questions, then draw the charts that were put off."""
        try:
            self._answer_all(session)
        finally:
            if not self._drawn or self.drawn_for != self.explorer.page_width:
                shown = self.page(result)
                self._drawn = True
                if result is self._shown:
                    self.body.html = shown

    def _answer_all(self, session: Session) -> None:
        """Answer the questions one by one, and let the audit answer its own."""
        explorer, tabs = self.explorer, self.explorer.tabs
        self._answer("usage", cards.cost(tabs["usage"].prepare(session)))
        if explorer.scale == "all":
            self._answer("agents", cards.waiting("agents", "Choose one scale to compare"))
        else:
            self._answer("agents", cards.agents(tabs["agents"].prepare(session)))
        self._answer("files", cards.files(explorer.survey or tabs["files"].prepare(session)))
        for _ in range(_MOST_WAITS):
            if explorer.auditing.wait(_WAIT):
                break
            progress.step("waiting for the audit")

    def refresh(self) -> None:
        """Count, and show what the audit said last."""
        super().refresh()
        self.show_report(self.explorer.report)


def audit_light(report: audit.AuditReport | None) -> str:
    """Return the audit's result in the colour and word of its worst finding."""
    if report is None:
        return markup.note("The audit has not been run yet.", "info")
    return markup.note(f"{report.sentence[:1].upper()}{report.sentence[1:]}.", report.worst)


def counts_html(db: Database) -> str:
    """Return where a database comes from, and how many rows it has. Reads only."""
    origin = db.origin
    ((last_change,),) = db.sql(query("last_change")).fetchall()
    size_of, changed = _file(origin["path"])
    created = "migrated" if origin["migrated"] else "as created"
    last_row = f"{last_change:%Y-%m-%d %H:%M} UTC" if last_change else "never"
    kind = f"{size_of}generation {origin['generation']}, {created}"
    where = f"{origin['path']} ({kind}); last row written {last_row}{changed}"
    counts = [(table.relation.replace("_", " "), f"{db.rows(table.relation):,}") for table in TABLES]
    other = {t: n for t, n in origin["tables"].items() if t not in origin["columns"]}
    listed = ", ".join(f"{name} ({n:,})" for name, n in other.items())
    not_loaded = f"Tables of which only the number of rows is read: {listed}." if other else ""
    filtered = markup.note(f"You see {db.filter_note}.", "info") if db.filter_note else ""
    project = db.project.note if db.project else ""
    named = markup.note(f"{project[:1].upper()}{project[1:]}.", "warning") if project else ""
    return filtered + named + markup.counts(counts) + markup.muted(where) + markup.muted(not_loaded)


def _file(path: str) -> tuple[str, str]:
    """Return in words how large the database file is and when it changed; of a server, nothing."""
    if server.is_url(path):
        return "", ""
    facts = Path(path).stat()
    changed = f"{datetime.fromtimestamp(facts.st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{size(facts.st_size)}, ", f", file changed {changed}"


def sources_html(db: Database) -> str:
    """Return who wrote how many versions, without anything that takes long to load. Reads only."""
    return markup.counts((source, f"{n:,}") for source, n in db.sql(query("sources")).fetchall())
