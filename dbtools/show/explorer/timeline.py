"""The tab Time: how versions of a prompt change, along the chain and by the clock, and the agents over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from dbtools import analysis
from dbtools.show import time_charts
from dbtools.show.explorer import page
from dbtools.show.explorer.controls import button, column, line, row
from dbtools.show.explorer.jobs import Desk
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.tables import table

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_TREND = ["prompt_id", "order", "scale", "n", "times", "verdict", "slope", "low", "high", "p"]


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, body = explorer.lane(), ipywidgets.HTML()
    prompt = line("Prompt", "The id of one prompt; empty: all prompts", explorer.prompt_id, width="400px")
    ipywidgets.link((explorer, "prompt_id"), (prompt, "value"))
    every = button("All prompts", "Follow all prompts", lambda: explorer.set_trait("prompt_id", ""))

    def refresh() -> None:
        filters, one = explorer.filters, explorer.prompt_id

        def told(result: analysis.Evolution) -> None:
            explorer.evolution = result
            body.value = html_of(result)

        work = lambda desk: analysis.evolution(desk.db, one.strip(), filters.provenance)  # noqa: E731
        lane.submit(work, told, "Following the prompts", explorer.state)

    widget = column(row(prompt, every), lane.widget, body)
    depends = ("prompt_id", "provenance", "users", "date_range")
    tooltip = "Trends, points of change and kinds of change"

    def static(desk: Desk, filters: Filters) -> str:
        explorer.evolution = analysis.evolution(desk.db, explorer.prompt_id.strip(), filters.provenance)
        return html_of(explorer.evolution)

    return Tab("time", "Time", tooltip, widget, (lane,), refresh, depends, static)


def html_of(result: analysis.Evolution) -> str:
    """Return trends as pictures and tables."""
    numbers = dict.fromkeys(("slope", "low", "high", "p"), ".3g")
    columns = [name for name in _TREND if name in result.trend]
    parts = [
        page.note(result.sentence),
        page.head("Along the chain", "From parent to child; the band is the 95 % interval of the slope."),
        page.picture(time_charts.chains(result)),
        page.head("By the clock", "The same marks at the times when they were made."),
        page.picture(time_charts.chains(result, "clock")),
        table(result.trend[columns], formats=numbers, limit=20, caption="Trends"),
        page.head("Points of change", "Where the marks before and after differ most (Pettitt's test)."),
        table(result.change_points, limit=20),
        page.head("Which type of change helps"),
        page.picture(time_charts.change_types(result.change_effects)) if len(result.change_effects) else "",
        table(result.stored_types, caption="Changes by stored and recomputed type") if len(result.stored_types) else "",
        page.head("Agents over time"),
        page.picture(time_charts.agents_over_time(result.agents)) if len(result.agents) else "",
    ]
    return "".join(parts)
