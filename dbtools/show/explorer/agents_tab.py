"""The tab Agents: which agent is effective, by how much, and how sure that is."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Any

import ipywidgets

from dbtools import analysis
from dbtools.analysis import pairs
from dbtools.analysis.agents import SHOWN, agent_summary
from dbtools.analysis.query import RowFilter, select_entries, working_table
from dbtools.analysis.recommend import SHOWN as CHOICES_SHOWN
from dbtools.analysis.segments import SHOWN as SEGMENTS_SHOWN
from dbtools.html import bullets
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import choice, row

_KINDS = {
    "recorded: the stored heads": "recorded",
    "score: the highest total": "score",
    "selected: the application's choice": "selected",
    "user: the users' choice": "user",
    "rated: blind ratings": "rated",
}
_FAILURES = {"left out": "excluded", "count as losses": "losses"}
_AGENT = {"agent": "agents"}
_CLUSTERS = {"prompt text": "text", "similar texts": "near", "user": "user", "day": "day"}
_ABOUT_RATES = (
    "The line is the 95% interval, clustered as chosen above; effective contests: how many independent contests "
    "these are worth at least; chance of most wins: posterior probability of the highest true win rate."
)
_ABOUT_PAIRS = (
    "Totals compared within the same prompt, A less B; effect size: Cohen's d_z; P(A beats B): with half of the ties. "
    "For one pair alone, a difference below the smallest detectable one would be missed more than 1 time in 5."
)
_ABOUT_RATED = (
    "Share of blind ratings that prefer a, less the share that prefer b, from −1 to 1; clusters: prompt texts."
)
_ABOUT_CHOICES = (
    "Expected loss: by how many points of 50 the truly best agent is expected to be above this one; adjusted: as if "
    "all had met the same prompts; tokens and dollars per prompt; frontier: no other agent is both cheaper and better."
)
_ABOUT_SEGMENTS = (
    "The leader less its nearest rival, for each user with six texts or more (a click shows this user alone); shrunk: "
    "pulled towards the overall mean. analysis.segments(db, by=…) divides by month, length, form, script or own labels."
)


@dataclass(frozen=True, repr=False)
class Compared(analysis.Effectiveness):
    """The comparison, with what to do and for which users."""

    advice: analysis.Recommendation | None = None
    users: analysis.Segments | None = None


@dataclass(frozen=True)
class Request:
    """The filters, which wins count, whether a failed run is a loss, and which prompts count as one observation."""

    filters: Filters
    wins: str
    failures: str
    cluster: str


class AgentsTab(Tab):
    """Which agent wins, by how much, and how sure that is."""

    name, title = "agents", "Agents"
    tooltip = "Which agent wins, by how much, how sure"
    description = "Comparing the agents"
    attribute = "effectiveness"
    charts = True
    depends = ("agents", "provenance", "scale", "users", "date_range", "wins", "failures", "cluster")

    def __init__(self, explorer: State) -> None:
        self.wins = choice("Wins", "Which wins the win rates count", list(_KINDS.items()), explorer.wins)
        self.failures = choice(
            "Failed runs", "What a failed run of an agent counts as", list(_FAILURES.items()), explorer.failures
        )
        about = "Which prompts count as one observation: intervals and tests are clustered by it"
        self.cluster = choice("Cluster by", about, list(_CLUSTERS.items()), explorer.cluster)
        for name in ("wins", "failures", "cluster"):
            ipywidgets.link((explorer, name), (getattr(self, name), "value"))
        super().__init__(explorer)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        return [row(self.wins, self.failures, self.cluster), *super().parts()]

    def request(self) -> Request:
        """Return the filters and the choices of this tab."""
        explorer = self.explorer
        return Request(explorer.filters, explorer.wins, explorer.failures, explorer.cluster)

    def refusal(self) -> str:
        """Refuse to compare scores of several scales."""
        several = self.explorer.scale == "all"
        return "Scores of two scales are never compared: choose one." if several else ""

    def preview(self, session: Session, request: Request) -> str:
        """Return the win rates of a large database."""
        if not session.large or request.wins == "rated":
            return ""
        more = markup.muted("The differences and their intervals are being computed …")
        return markup.head("Who wins") + markup.table(_rates(session, request), formats=SHOWN) + more

    def compute(self, session: Session, request: Request) -> analysis.Effectiveness:
        """Compare the agents, over a working table that later comparisons use again."""
        filters, db = request.filters, session.derived()
        working, agents = _working_table(session, request), filters.agents or None
        found = analysis.effectiveness(
            db,
            filters.provenance,
            request.wins,
            scale=filters.scale,
            agents=agents,
            failures=request.failures,
            cluster=request.cluster,
            table=working,
        )
        if session.large:  # both would take longer than the rest
            return found
        users = analysis.segments(db, provenance=filters.provenance, scale=filters.scale, agents=agents, table=working)
        known = {field.name: getattr(found, field.name) for field in fields(found)}
        return Compared(**known, advice=analysis.recommend(db, compared=found), users=users)

    def is_empty(self, result: analysis.Effectiveness) -> bool:
        """Tell whether there are no contests."""
        return not any(agent.contests for agent in result.agents)

    def render(self, result: analysis.Effectiveness, draw: markup.Draw = markup.draw) -> str:
        """Return the claim, then everything it rests on."""
        if self.is_empty(result):
            return markup.note(result.sentence, "info") + markup.table(result.left_out_frame)
        table, answers = markup.table, markup.answers
        parts = [
            markup.note(result.sentence, result.claim.verdict),
            bullets(result.details),
            markup.head("Who wins", _ABOUT_RATES),
            answers(draw(charts.win_rates, result.frame)),
            table(result.frame[[*SHOWN]], "win-rates", formats=SHOWN, links=_AGENT),
            markup.head("By how much", _ABOUT_RATED if result.wins == "rated" else _ABOUT_PAIRS),
            answers(draw(charts.forest, result.pairs_frame)) if result.wins != "rated" else "",
            table(result.pairs_frame[[*pairs.SHOWN]], "pairs", formats=pairs.SHOWN),
            _decision(result, draw),
            markup.head("Dimensions", "Mean score of each, on 0–10, with its 95% interval."),
            draw(charts.distributions, result.distributions_frame),
            table(_dimensions(result), "dimensions", links=_AGENT),
            markup.head("Who says so", "Contests won by each kind of win; empty where that kind cannot be told."),
            table(result.wins_frame, "wins", links=_AGENT),
            markup.head(
                "Does the result depend on the filter?", "Leader and closest rival under every reasonable filter."
            ),
            draw(charts.specification_curve, result.multiverse_frame),
            markup.head("What else could explain it, and what is left out"),
            table(result.confounders_frame, "confounders") if result.confounders else "",
            table(result.left_out_frame, "left-out"),
        ]
        return "".join(parts)

    def on_mark(self, said: str) -> None:
        """Show the versions of an agent; compare the two of a pair."""
        name = said.split(": ")[0]
        two = name.split(" − ")
        if len(two) == 2:
            self.explorer.agents = two
        elif name:
            self.explorer.follow("agents", name)

    def python(self, request: Request) -> str:
        """Return the call that gives the same numbers."""
        given = {"provenance": request.filters.provenance, "wins": request.wins, "scale": request.filters.scale}
        given |= {"failures": request.failures} if request.failures != "excluded" else {}
        given |= {"cluster": request.cluster} if request.cluster != "text" else {}
        agents = f", agents={list(request.filters.agents)!r}" if request.filters.agents else ""
        words = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return f"analysis.effectiveness({self.explorer.python_db}, {words}{agents})"


def _decision(result: analysis.Effectiveness, draw: markup.Draw) -> str:
    """Return what to do now, and whether it depends on the user."""
    if not isinstance(result, Compared) or not result.advice or not result.users:
        return ""
    advice, users = result.advice, result.users
    # The names in brackets stand for several users, or for none.
    named = [None if one.segment.startswith("(") else f"users:{one.segment}" for one in users.segments]
    parts = [
        markup.head("What to do", _ABOUT_CHOICES),
        markup.note(advice.sentence, "info"),
        markup.table(advice.frame[[*CHOICES_SHOWN]], "choices", formats=CHOICES_SHOWN, links=_AGENT),
        draw(charts.frontier, advice.frame),
        draw(charts.power, advice.plan_frame),
        markup.head("For which users", _ABOUT_SEGMENTS),
        markup.note(users.sentence, "info"),
        markup.table(users.frame[[*SEGMENTS_SHOWN]], "users", formats=SEGMENTS_SHOWN, links={"segment": named})
        if len(users.segments) > 1
        else "",
    ]
    return "".join(parts)


def _working_table(session: Session, request: Request) -> Any:
    db, agents = session.derived(), request.filters.agents

    def make(stack: ExitStack) -> Any:
        return stack.enter_context(working_table(db, agents or None, request.cluster))

    return session.cached("contests", (agents, request.cluster), make)


def _rates(session: Session, request: Request) -> Any:
    import pandas as pd

    working = _working_table(session, request)
    rows = RowFilter.of(request.filters.provenance, request.filters.scale, request.failures)
    select_entries(working, rows)
    found = agent_summary(working, rows, request.wins, "wilson", {})
    return pd.DataFrame([[getattr(agent, name) for name in SHOWN] for agent in found], columns=[*SHOWN])


def _dimensions(result: analysis.Effectiveness) -> Any:
    """Return one row per agent, with the mean of each dimension and its interval."""
    frame = result.dimensions_frame.dropna()
    rows = zip(frame["mean"], frame["low"], frame["high"], strict=True)
    frame = frame.assign(score=[f"{mean:.2f} ({low:.2f}–{high:.2f})" for mean, low, high in rows])
    wide = frame.pivot_table(index="agent", columns="dimension", values="score", aggfunc="first", sort=False)
    return wide.reset_index().rename_axis(columns=None)
