"""The tab Overview: where the data comes from, how much there is, of what kind, and what the audit says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import audit, server
from dbtools.audit.context import read_query
from dbtools.database import Database
from dbtools.html import size, table
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import query, read_counts, versions_of
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, row

if TYPE_CHECKING:
    import pandas as pd

_LARGE = 50_000  # versions; a larger database is audited on request only
_RELATIONS = ("prompts", "versions", "scores", "heads", "feedback", "token_usage", "security_inputs")
_WORDS = {
    "none": "sound",
    "info": "nothing worth a warning",
    "warning": "warnings",
    "error": "errors",
    "critical": "critical",
}


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
    depends = ("users", "date_range")

    def __init__(self, explorer: State) -> None:
        self.light = ipywidgets.HTML()
        self.run = button(
            "Run the audit", "Run every check of the audit now; it may take a while", lambda: explorer.run_audit()
        )
        self.look = button("Show the findings", "Open the tab Quality", lambda: explorer.set_trait("tab", "quality"))
        self.counts: dict[str, int] = {}
        super().__init__(explorer)
        explorer.on_report.listen(self.show_report)
        explorer.observe(lambda _: self._look_at_provenance(), "provenance")

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        return [self.light, row(self.run, self.look), *super().parts()]

    def show_report(self, report: audit.AuditReport | None) -> None:
        """Show the audit's result."""
        self.light.value = audit_light(report)
        self.run.layout.display = "none" if report else "flex"
        self.look.layout.display = "flex" if report else "none"

    def preview(self, session: Session, request: Any) -> str:
        """Return the counts: they are there before any chart can be drawn."""
        return counts_html(session.db)

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
            draw(charts.provenance, result.provenance),
            draw(charts.score_scales, result.scales),
            table(result.sources, caption="Who wrote the versions"),
        ]
        return "".join(parts)

    def show(self, result: Overview, draw: markup.Draw = markup.draw) -> None:
        """Show the numbers, also in the filters, and audit a database that is not large."""
        super().show(result, draw)
        self.counts = result.kinds
        self._look_at_provenance()
        self.explorer.on_counts(result.kinds)
        if draw is markup.draw and self.explorer.report is None and self.explorer.db.rows("versions") <= _LARGE:
            self.explorer.run_audit()

    def _look_at_provenance(self) -> None:
        """Say so where no version has the chosen provenance: the numbers here are of all, those of other tabs not."""
        kind = self.explorer.provenance
        if self.counts and kind != "all" and not self.counts.get(f"provenance {kind}"):
            self.remedy.show(self.explorer.filters, self.counts)
        else:
            self.remedy.hide()

    def refresh(self) -> None:
        """Count, and show what the audit said last."""
        super().refresh()
        self.show_report(self.explorer.report)


def audit_light(report: audit.AuditReport | None) -> str:
    """Return the audit's result in the colour and word of its worst finding."""
    if report is None:
        return markup.note("The audit has not been run yet.", "info")
    return markup.note(f"Audit: {_WORDS[report.worst]}; {report.sentence}.", report.worst, "●")


def counts_html(db: Database) -> str:
    """Return where a database comes from, and how many rows it has. Reads only."""
    origin = db.origin
    ((*_, last_change),) = db.sql(query("span")).fetchall()
    size_of, changed = _file(origin["path"])
    created = "migrated" if origin["migrated"] else "as created"
    last_row = f"{last_change:%Y-%m-%d %H:%M} UTC" if last_change else "never"
    kind = f"{size_of}generation {origin['generation']}, {created}"
    where = f"{origin['path']} ({kind}); last row written {last_row}{changed}"
    counts = [(name.replace("_", " "), f"{db.rows(name):,}") for name in _RELATIONS]
    other = {t: n for t, n in origin["tables"].items() if t not in origin["columns"]}
    listed = ", ".join(f"{name} ({n:,})" for name, n in other.items())
    not_loaded = f"Tables of which only the number of rows is read: {listed}." if other else ""
    filtered = markup.note(f"You see {db.filter_note}.", "info") if db.filter_note else ""
    return markup.muted(where) + filtered + markup.cards(counts) + markup.muted(not_loaded)


def _file(path: str) -> tuple[str, str]:
    """Return in words how large the database file is and when it changed; of a server, nothing."""
    if server.is_url(path):
        return "", ""
    facts = Path(path).stat()
    changed = f"{datetime.fromtimestamp(facts.st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{size(facts.st_size)}, ", f", file changed {changed}"


def sources_html(db: Database) -> str:
    """Return who wrote how many versions, without anything that takes long to load. Reads only."""
    return markup.cards((source, f"{n:,}") for source, _, n in db.sql(query("sources")).fetchall())
