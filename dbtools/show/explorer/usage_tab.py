"""The tab Usage: tokens, cost, what users choose, and what was checked for risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from dbtools import analysis
from dbtools.analysis.usage import FORMATS
from dbtools.html import table
from dbtools.show import charts
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import choice, column, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_COSTS_SAID = "recomputed usd: at list prices; differing: calls whose stored cost is more than 1% off."


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, body = explorer.lane(), ipywidgets.HTML()
    basis = choice("Costs", "Which costs are divided by wins and points", ["stored", "recomputed"], "stored")

    def refresh() -> None:
        filters, costs = explorer.filters, basis.value

        def told(result: analysis.Usage) -> None:
            explorer.usage = result
            body.value = html_of(result)

        def work(desk: Desk) -> analysis.Usage:
            desk.prepare()
            return analysis.usage(desk.db, filters.provenance, basis=costs)

        lane.submit(work, told, "Adding up", explorer.state)

    basis.observe(lambda _: refresh(), "value")
    widget = column(row(basis), lane.widget, body)
    tooltip = "Tokens, cost, feedback, security"

    def static(desk: Desk, filters: Filters) -> str:
        explorer.usage = analysis.usage(desk.db, filters.provenance, basis=basis.value)
        return html_of(explorer.usage)

    return Tab("usage", "Usage", tooltip, widget, (lane,), refresh, ("provenance", "users", "date_range"), static)


def html_of(result: analysis.Usage) -> str:
    """Return what was used as pictures and tables."""
    kinds = result.tokens["kind"].isin(["all", "agent", "model"])
    columns = ["kind", "name", "calls", "prompt_tokens", "completion_tokens", "cost_usd", "recomputed_usd", "differing"]
    parts = [
        page.note(result.sentence),
        page.head("Tokens and cost", _COSTS_SAID),
        table(result.tokens[kinds][[c for c in columns if c in result.tokens]], formats=FORMATS),
        page.picture(charts.cost_and_quality(result.cost)),
        page.picture(charts.cost_per_win(result.cost)),
        page.picture(charts.cost_by_day(result.tokens)),
        page.head("What users choose"),
        page.picture(charts.votes(result.feedback)),
        table(result.feedback, formats=FORMATS),
        page.head("Inputs checked for risk"),
        page.picture(charts.risks(result.security)),
        page.picture(charts.risk_scores(result.security)),
    ]
    return "".join(parts)
