"""The tab Agents: which agent is effective, by how much, and how sure that is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import analysis
from dbtools.analysis import pairs
from dbtools.analysis.agents import SHOWN, agent_summary
from dbtools.analysis.query import WINS, RowFilter, working_table
from dbtools.html import table
from dbtools.show import charts
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import choice, column, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_ONE_SCALE = "Scores of two scales are never compared: choose one."
_KINDS = {
    "recorded: the stored heads": "recorded",
    "score: the highest total": "score",
    "selected: the application's choice": "selected",
    "user: the users' choice": "user",
}
_RATES_SAID = (
    "The line is the 95% Wilson interval, every contest taken as independent; n effective: how many independent ones "
    "these are worth at least; p first: posterior probability of the highest win rate."
)
_PAIRS_SAID = (
    "Totals compared within the same prompt, a less b; clusters: prompt texts; effect: Cohen's d_z; superiority: "
    "P(a above b) + ½ P(tie). A true difference below mde would be missed more than 1 time in 5."
)


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, first, body = explorer.lane(), ipywidgets.HTML(), ipywidgets.HTML()
    wins = choice("Wins", "Which wins the win rates count", list(_KINDS.items()), explorer.wins)
    ipywidgets.link((explorer, "wins"), (wins, "value"))

    def told(result: analysis.Effectiveness) -> None:
        explorer.effectiveness = result
        first.value, body.value = "", html_of(result)

    def work(desk: Desk, filters: Filters, kind: str) -> analysis.Effectiveness:
        if not desk.large:
            return compare(desk, filters, kind)
        # What is there is shown: who wins, then all numbers, then the pictures.
        first.value = page.head("Who wins") + table(_rates(desk, filters, kind), formats=SHOWN)
        body.value = page.quiet("By how much, and how sure that is, follows …")
        found = compare(desk, filters, kind)
        first.value, body.value = "", html_of(found, drawn=False)
        return found

    def refresh() -> None:
        filters, kind = explorer.filters, explorer.wins
        if filters.scale == "all":
            first.value, body.value = page.note(_ONE_SCALE, "info"), ""
            return
        lane.submit(lambda desk: work(desk, filters, kind), told, "Comparing the agents", explorer.state)

    depends = ("agents", "provenance", "scale", "users", "date_range", "wins")
    widget = column(row(wins), lane.widget, first, body)

    def static(desk: Desk, filters: Filters) -> str:
        if filters.scale == "all":
            return page.quiet(_ONE_SCALE)
        explorer.effectiveness = compare(desk, filters, explorer.wins)
        return html_of(explorer.effectiveness)

    return Tab("agents", "Agents", "Which agent wins, by how much, how sure", widget, (lane,), refresh, depends, static)


def compare(desk: Desk, filters: Filters, wins: str = WINS[0]) -> analysis.Effectiveness:
    """Compare the agents under the filters, as `analysis.effectiveness` does, over a working table that is kept."""
    working = _working(desk, filters)
    return analysis.effectiveness(
        desk.db,
        filters.provenance,
        wins,
        scale=filters.scale,
        agents=filters.agents or None,
        table=working,
    )


def _working(desk: Desk, filters: Filters) -> Any:
    desk.prepare()

    def make(stack: ExitStack) -> Any:
        return stack.enter_context(working_table(desk.db, filters.agents or None))

    return desk.keep("contests", filters.agents, make)


def _rates(desk: Desk, filters: Filters, wins: str) -> Any:
    import pandas as pd

    found = agent_summary(_working(desk, filters), RowFilter.of(filters.provenance, filters.scale), wins, "wilson", {})
    return pd.DataFrame([[getattr(agent, name) for name in SHOWN] for agent in found], columns=[*SHOWN])


def html_of(result: analysis.Effectiveness, drawn: bool = True) -> str:
    """Return a comparison: the claim on top, then what it rests on; the pictures may follow later."""
    draw = page.drawing(drawn)
    parts = [
        page.note(result.sentence, result.claim.verdict),
        page.head("Who wins", _RATES_SAID),
        draw(charts.win_rates, result.frame),
        table(result.frame[[*SHOWN]], formats=SHOWN),
        page.head("By how much", _PAIRS_SAID),
        draw(charts.forest, result.pairs_frame),
        table(result.pairs_frame[[*pairs.SHOWN]], formats=pairs.SHOWN),
        page.head("Dimensions", "Mean mark of each, on 0–10, with its 95% interval."),
        draw(charts.distributions, result.distributions_frame),
        table(_marks(result)),
        page.head("Who says so", "Contests won by each kind of win; empty where that kind cannot be told."),
        table(result.wins_frame),
        page.head("Does the filter decide?", "Leader and closest rival under every defensible filter."),
        draw(charts.specification_curve, result.multiverse_frame),
        page.head("What else could explain it, and what is left out"),
        table(result.confounders_frame) if result.confounders else "",
        table(result.left_out_frame),
    ]
    return "".join(parts)


def _marks(result: analysis.Effectiveness) -> Any:
    """Return one row per agent, with the mean of each dimension and its interval."""
    frame = result.dimensions_frame.dropna()
    rows = zip(frame["mean"], frame["low"], frame["high"], strict=True)
    told = frame.assign(mark=[f"{mean:.2f} ({low:.2f}–{high:.2f})" for mean, low, high in rows])
    wide = told.pivot_table(index="agent", columns="dimension", values="mark", aggfunc="first", sort=False)
    return wide.reset_index().rename_axis(columns=None)
