"""The tab Overview: where the data comes from, how much there is, what kind, and whether it is sound."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import audit, server
from dbtools.audit.context import read_query
from dbtools.database import Database
from dbtools.html import size, table
from dbtools.show import charts
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import Filters, query, versions_of
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, column, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_LARGE = 50_000  # versions; an audit of more is not begun unasked
_WORDS = {
    "none": "sound",
    "info": "nothing worth a warning",
    "warning": "warnings",
    "error": "errors",
    "critical": "critical",
}


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, body, light = explorer.lane(), ipywidgets.HTML(), ipywidgets.HTML()
    ask = button("Run the audit", "Run every check of the audit now; it may take a while", explorer.run_audit)
    look = button("Show the findings", "Open the tab Quality", lambda: explorer.set_trait("tab", "quality"))

    def judged(report: Any) -> None:
        light.value = audit_light(report)
        ask.layout.display = "none" if report else "flex"
        look.layout.display = "flex" if report else "none"

    def told(answer: tuple[str, dict[str, int]]) -> None:
        body.value = answer[0]
        explorer.count(answer[1])
        if explorer.report is None and explorer.db.rows("versions") <= _LARGE:
            explorer.run_audit()

    def refresh() -> None:
        def work(desk: Desk) -> tuple[str, dict[str, int]]:
            # Numbers first: they are there before anything can draw.
            body.value = counts_html(desk.db)
            return html(desk, explorer.filters), kinds(desk)

        lane.submit(work, told, "Counting", explorer.state)
        judged(explorer.report)

    explorer.on_report(judged)
    widget = column(light, row(ask, look), lane.widget, body)
    return Tab(
        "overview",
        "Overview",
        "Where the data comes from, and how sound it is",
        widget,
        (lane,),
        refresh,
        ("users", "date_range"),
        html,
    )


def audit_light(report: audit.AuditReport | None) -> str:
    """Return the audit as a light: its colour and word are those of the worst finding."""
    if report is None:
        return page.note("The audit has not been run yet.", "info")
    return page.note(f"Audit: {_WORDS[report.worst]}; {report.sentence}.", report.worst, "●")


def counts_html(db: Database) -> str:
    """Return where a database comes from, and how many rows it has. Reads only."""
    origin = db.origin
    ((*_, last_change),) = db.sql(query("span")).fetchall()
    size_of, written = _file(origin["path"])
    made = "migrated" if origin["migrated"] else "as created"
    changed = f"{last_change:%Y-%m-%d %H:%M} UTC" if last_change else "never"
    kind = f"{size_of}generation {origin['generation']}, {made}"
    where = f"{origin['path']} ({kind}); last row written {changed}{written}"
    names = ("prompts", "versions", "scores", "heads", "feedback", "token_usage", "security_inputs")
    counts = [(name.replace("_", " "), f"{db.rows(name):,}") for name in names]
    other = {t: n for t, n in origin["tables"].items() if t not in origin["columns"]}
    strangers = f"Tables of which only the number of rows is read: {_listed(other)}." if other else ""
    narrowed = page.note(f"You see {db.filter_note}.", "info") if db.filter_note else ""
    return page.quiet(where) + narrowed + page.cards(counts) + page.quiet(strangers)


def _file(path: str) -> tuple[str, str]:
    """Return in words how large the database file is and when it changed; of a server, nothing."""
    if server.is_url(path):
        return "", ""
    facts = Path(path).stat()
    return (
        f"{size(facts.st_size)}, ",
        f", file changed {datetime.fromtimestamp(facts.st_mtime, UTC):%Y-%m-%d %H:%M} UTC",
    )


def html(desk: Desk, _filters: Filters) -> str:
    """Return the numbers of a database, its provenance and its scales. Reads only."""
    connection = versions_of(desk)
    origins = connection.execute(read_query("provenance")).df()
    scales = connection.execute(read_query("scales")).df()
    parts = [
        counts_html(desk.db),
        page.picture(charts.provenance(origins)),
        page.picture(charts.score_scales(scales)),
        table(connection.execute(query("origins")).df(), caption="Who wrote the versions"),
    ]
    return "".join(parts)


def kinds(desk: Desk) -> dict[str, int]:
    """Return how many versions there are of each provenance, scale and source. Reads only."""
    found = versions_of(desk).execute(query("kinds")).fetchall()
    return {f"{what} {kind}": n for what, kind, n in found}


def sources_html(db: Database) -> str:
    """Return who wrote how many versions, without what takes long to load. Reads only."""
    return page.cards((source, f"{n:,}") for source, _, n in db.sql(query("sources")).fetchall())


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n:,})" for name, n in counts.items())
