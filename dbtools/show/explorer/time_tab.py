"""The tab Time: how versions of a prompt change, along the chain and by the clock, and the agents over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from dbtools import analysis
from dbtools.analysis.trend import FEWEST_TIMES
from dbtools.html import table
from dbtools.show import charts
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, column, line, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_NUMBERS = ["slope", "low", "high", "change"]
_MOST = 100  # rows of a table


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, body, grid = explorer.lane(), ipywidgets.HTML(), Grid()
    prompt = line("Prompt", "The id of one prompt; empty: all prompts", explorer.prompt_id, width="400px")
    ipywidgets.link((explorer, "prompt_id"), (prompt, "value"))
    grid.listen(lambda prompt_id, _more: explorer.set_trait("prompt_id", prompt_id))
    every = button("All prompts", "Follow all prompts", lambda: explorer.set_trait("prompt_id", ""))

    def refresh() -> None:
        filters, one = explorer.filters, explorer.prompt_id

        def told(result: analysis.Evolution) -> None:
            explorer.evolution = result
            body.value, grid.html = html_of(result), trends_html(result)

        def work(desk: Desk) -> analysis.Evolution:
            desk.prepare()
            found = analysis.evolution(desk.db, one.strip(), filters.provenance)
            if desk.large:
                body.value, grid.html = html_of(found, drawn=False), trends_html(found)
            return found

        lane.submit(work, told, "Following the prompts", explorer.state)

    widget = column(row(prompt, every), lane.widget, body, grid)
    depends = ("prompt_id", "provenance", "users", "date_range")
    tooltip = "Trends, change points and types of change"

    def static(desk: Desk, filters: Filters) -> str:
        explorer.evolution = analysis.evolution(desk.db, explorer.prompt_id.strip(), filters.provenance)
        return html_of(explorer.evolution) + trends_html(explorer.evolution)

    return Tab("time", "Time", tooltip, widget, (lane,), refresh, depends, static)


def html_of(result: analysis.Evolution, drawn: bool = True) -> str:
    """Return trends as pictures and tables; the pictures may follow later."""
    draw = page.drawing(drawn)
    parts = [
        page.note(result.sentence),
        page.head("Along the chain", "From parent to child; the band is the 95% interval of the slope."),
        draw(charts.chains, result),
        page.head("By the clock", "The same marks at the times when they were made."),
        draw(charts.chains, result, "clock"),
        page.head("Change points", "Where the marks before and after differ most (Pettitt's test)."),
        table(result.change_points, limit=_MOST),
        page.head("Which type of change helps"),
        draw(charts.change_types, result.change_effects),
        table(result.stored_types, caption="Changes by stored and recomputed type") if len(result.stored_types) else "",
        page.head("Agents over time"),
        draw(charts.agents_over_time, result.agents),
    ]
    return "".join(parts)


def trends_html(result: analysis.Evolution) -> str:
    """Return one row per prompt and order; each leads to its prompt."""
    shown = result.trend.copy()
    # A slope through a few points says nothing.
    told = [*_NUMBERS, "p"]
    shown[told] = shown[told].astype(float).where(shown["times"] >= FEWEST_TIMES)
    columns = ["prompt_id", "order", "scale", "n", "times", "verdict", *told]
    formats = dict.fromkeys(_NUMBERS, ".3g")
    keys = shown["prompt_id"].tolist()
    listed = table(shown[columns], formats=formats, limit=_MOST, keys=keys)
    said = "Slope in points per dimension, per version (chain) or day (clock). A row leads to its prompt."
    return page.head("Trends", said) + listed
