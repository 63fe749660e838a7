"""The tab Quality: what the audit found, worst first, with the bad rows on click."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from dbtools import audit
from dbtools.html import table
from dbtools.show import charts
from dbtools.show.explorer import page
from dbtools.show.explorer.overview_tab import audit_light
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, column, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_ROWS = 100


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    looking, light, body, bad = explorer.lane(), ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
    grid, picked = Grid(), [""]
    again = button("Run the audit", "Run every check now", explorer.run_audit)

    def told(report: audit.AuditReport | None) -> None:
        light.value, bad.value, picked[0] = audit_light(report), "", ""
        if report:
            grid.html = findings_html(report, "")
            body.value = page.picture(charts.health(report.frame))
            if len(report.unanswered):
                body.value += table(report.unanswered, caption="Checks that could not be answered")
            if len(report.not_applicable):
                body.value += table(report.not_applicable, caption="Checks that do not apply here")

    def pick(check: str, _more: bool) -> None:
        report = explorer.report
        if report is None:
            return
        picked[0] = check
        grid.html = findings_html(report, check)
        what = f"Reading the rows of {check}"
        looking.submit(lambda _: rows_html(report, check), lambda it: setattr(bad, "value", it), what, explorer.state)

    def refresh() -> None:
        if explorer.report is None:
            explorer.run_audit()

    grid.listen(pick)
    explorer.on_report(told)
    told(explorer.report)
    widget = column(row(again), light, explorer.auditing.widget, grid, looking.widget, bad, body)
    lanes = (explorer.auditing, looking)

    def static(_desk: Desk, _filters: Filters) -> str:
        explorer.report = explorer.report or audit.run(explorer.project, progress=False)
        return audit_light(explorer.report) + explorer.report._repr_html_()

    return Tab("quality", "Quality", "What the audit found, worst first", widget, lanes, refresh, (), static)


def findings_html(report: audit.AuditReport, picked: str) -> str:
    """Return the findings as a table whose rows can be chosen."""
    hits = report.frame[report.frame["count"].fillna(0) > 0]
    shown = hits[["severity", "check", "area", "count", "question", "hint"]]
    return table(shown, keys=hits["check"].tolist(), picked=[picked], limit=500)


def rows_html(report: audit.AuditReport, check: str) -> str:
    """Return the bad rows of one check. Reads only."""
    rows = report.rows(check)
    (found,) = (f for f in report.findings if f.check.id == check)
    return page.head(f"{check}: {len(rows):,} rows", found.check.hint) + table(rows, limit=_ROWS)
