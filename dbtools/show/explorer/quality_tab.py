"""The tab Quality: what the audit found, worst first, with the rows of each finding on click."""

from __future__ import annotations

from typing import Any

import ipywidgets

from dbtools import audit
from dbtools.html import table
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.overview_tab import audit_light
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, row

_MOST_ROWS = 100


class QualityTab(Tab):
    """What the audit found. The audit runs in a worker of its own, which the tab Overview uses too."""

    name, title = "quality", "Quality"
    tooltip = "What the audit found, worst first"

    def __init__(self, explorer: State) -> None:
        self.light, self.rows, self.grid = ipywidgets.HTML(), ipywidgets.HTML(), Grid()
        self.run = button("Run the audit", "Run every check now", lambda: explorer.run_audit())
        super().__init__(explorer)
        self.workers = (explorer.auditing, self.worker)
        self.grid.on_choice(self.choose)
        explorer.on_report.listen(self.show_report)
        self.show_report(explorer.report)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        return [
            row(self.run),
            self.light,
            self.explorer.auditing.widget,
            self.grid,
            self.worker.widget,
            self.rows,
            self.body,
        ]

    def show_report(self, report: audit.AuditReport | None) -> None:
        """Show the findings."""
        self.light.value, self.rows.value = audit_light(report), ""
        if report:
            self.grid.html = findings_html(report, "")
            self.body.value = markup.draw(charts.health, report.frame)
            if len(report.unanswered):
                self.body.value += table(report.unanswered, caption="Checks that could not be answered")
            if len(report.not_applicable):
                self.body.value += table(report.not_applicable, caption="Checks that do not apply here")

    def choose(self, check: str, _more: bool) -> None:
        """Show the rows of a finding."""
        report = self.explorer.report
        if report is None:
            return
        self.grid.html = findings_html(report, check)
        self.worker.submit(
            lambda _: rows_html(report, check),
            lambda html: setattr(self.rows, "value", html),
            f"Reading the rows of {check}",
            self.explorer.data_key,
        )

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
    shown = found[["severity", "check", "area", "count", "question", "hint"]]
    return table(shown, keys=found["check"].tolist(), picked=[chosen], limit=500)


def rows_html(report: audit.AuditReport, check: str) -> str:
    """Return the rows that one check found. Reads only."""
    rows = report.rows(check)
    (found,) = (f for f in report.findings if f.check.id == check)
    return markup.head(f"{check}: {len(rows):,} rows", found.check.hint) + table(rows, limit=_MOST_ROWS)
