"""The tab Quality: what the audit found, worst first, with the rows of each finding on click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import audit
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.overview_tab import audit_light
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab, id_links
from dbtools.show.explorer.widgets import Grid, button, open_split, row, split

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 100


class QualityTab(Tab):
    """What the audit found. The audit runs in a worker of its own, which the tab Overview uses too."""

    name, title = "quality", "Quality"
    tooltip = "What the audit found, worst first"

    def __init__(self, explorer: State) -> None:
        self.light, self.rows, self.grid = ipywidgets.HTML(), Grid(), Grid()
        self.run = button("Run the audit", "Run every check now", lambda: explorer.run_audit())
        super().__init__(explorer)
        self.workers = (explorer.auditing, self.worker)
        self.grid.on_choice(self.choose)
        for one in (self.grid, self.rows):
            one.on_link(self.follow)
        explorer.on_report.listen(self.show_report)
        self.show_report(explorer.report)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        self.split = split((self.grid,), (self.worker.widget, self.rows))
        return [row(self.run), self.light, self.explorer.auditing.widget, self.split, self.body]

    def show_report(self, report: audit.AuditReport | None) -> None:
        """Show the findings."""
        self.light.value, self.rows.html = audit_light(report), ""
        open_split(self.split, False)
        if report:
            self.frames = {}
            with markup.live(self.frames, self.explorer.page_width):
                self.grid.html = findings_html(report, "")
                self.body.html = checks_html(report)

    def choose(self, check: str, _more: bool) -> None:
        """Show the rows of a finding."""
        report = self.explorer.report
        if report is None:
            return
        open_split(self.split, True)
        with markup.live(self.frames):
            self.grid.html = findings_html(report, check)
        self.worker.submit(
            lambda _: report.rows(check),
            lambda rows: self._show_rows(report, check, rows),
            f"Reading the rows of {check}",
        )

    def _show_rows(self, report: audit.AuditReport, check: str, rows: pd.DataFrame) -> None:
        with markup.live(self.frames):
            self.rows.html = rows_html(report, check, rows)

    def redraw(self) -> None:
        """Draw the chart for another width of the page."""
        report = self.explorer.report
        if report:
            with markup.live(self.frames, self.explorer.page_width):
                self.body.html = checks_html(report)

    def refresh(self) -> None:
        """Run the audit if there is no report yet."""
        if self.explorer.report is None:
            self.explorer.run_audit()

    def compute(self, session: Session, request: Any) -> audit.AuditReport:
        """Return the audit's report."""
        self.explorer.report = self.explorer.report or audit.run(self.explorer.project, progress=False)
        return self.explorer.report

    def render(self, result: audit.AuditReport, draw: markup.Draw = markup.draw) -> str:
        """Return the report."""
        return audit_light(result) + result._repr_html_()


def findings_html(report: audit.AuditReport, chosen: str) -> str:
    """Return the findings as a table whose rows can be chosen."""
    found = report.frame[report.frame["count"].fillna(0) > 0]
    # What to do stands above the rows of the finding that is open.
    shown = found[["severity", "check", "count", "question", *([] if chosen else ["hint", "area"])]]
    return markup.table(shown, "findings", keys=found["check"].tolist(), picked=[chosen], limit=500)


def checks_html(report: audit.AuditReport) -> str:
    """Return how many checks found something, and those that could not be answered or do not apply."""
    parts = [markup.draw(charts.health, report.frame)]
    for frame, caption in (
        (report.unanswered, "Checks that could not be answered"),
        (report.not_applicable, "Checks that do not apply here"),
    ):
        if len(frame):
            parts.append(markup.table(frame, "checks", caption=caption))
    return "".join(parts)


def rows_html(report: audit.AuditReport, check: str, rows: pd.DataFrame) -> str:
    """Return the rows that one check found; ids lead to the page of their prompt."""
    (found,) = (f for f in report.findings if f.check.id == check)
    shown = markup.table(rows, check, limit=_MOST_ROWS, links=id_links(rows))
    return markup.head(f"{check}: {len(rows):,} rows", found.check.hint) + shown
