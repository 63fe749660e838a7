"""How each agent stands by itself: its wins of every kind, and its mean total and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dbtools.analysis.questions import WINS, Chosen, Row, ask
from dbtools.analysis.statistics import INTERVALS
from dbtools.analysis.statistics.agreement import Agreement, agreement
from dbtools.analysis.statistics.clusters import ClusterSums
from dbtools.analysis.statistics.ranking import chance_of_first
from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import identifier

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

SHOWN = {
    "agent": "",
    "contests": "",
    "wins": "",
    "win_rate": ".1%",
    "low": ".1%",
    "high": ".1%",
    "n_effective": ",.1f",
    "p_first": ".1%",
    "mean_total": ".2f",
    "total_low": ".2f",
    "total_high": ".2f",
    "scored": "",
}
"""The columns of a result that a table shows, each with its format; the empty one is the table's own."""


@dataclass(frozen=True)
class Mean:
    """A mean with its clustered standard error and 95% t interval; None where it cannot be told."""

    mean: float | None
    se: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AgentResult:
    """How one agent fared.

    Attributes
    ----------
    contests, wins : int, float
        Contests in which the kind of win can be told, and those won (a shared win counts as a fraction).
    win_rate, low, high : float or None
        Share of contests won and its 95% interval, contests taken as independent; None without contests.
    n_effective : float
        How many independent contests these are worth at least, as prompts repeat a text (Kish).
    p_first, expected_loss : float or None
        Posterior probability of the highest win rate, and the win rate expected to be lost by choosing this agent; None
        where the agents did not compete in equally many contests.
    mean_total, se, total_low, total_high, scored : float or None, int
        Mean total on 0–50 over the scored versions, with clustered standard error and t interval.
    told, won : dict
        By kind of win: contests in which it can be told, and those won.
    dimensions : dict
        By dimension: its mean mark on 0–10.
    """

    agent: str
    contests: int
    wins: float
    win_rate: float | None
    low: float | None
    high: float | None
    n_effective: float
    p_first: float | None
    expected_loss: float | None
    mean_total: float | None
    se: float | None
    total_low: float | None
    total_high: float | None
    scored: int
    told: Mapping[str, int] = field(repr=False)
    won: Mapping[str, float] = field(repr=False)
    dimensions: Mapping[str, Mean] = field(repr=False)


def standings(
    connection: Engine,
    chosen: Chosen,
    wins: str,
    interval: str,
    logged: Mapping[str, tuple[int, int]],
) -> tuple[AgentResult, ...]:
    """Return every agent's result, highest win rate first. Reads only.

    Parameters
    ----------
    logged : mapping
        By agent: contests and wins of the application's selection that come from rescued logs.
    """
    rows = ask(connection, "agents", **chosen.bound)
    results = [_result(row, wins, interval, logged.get(row["agent"], (0, 0))) for row in rows]
    counts = {result.contests for result in results}
    if len(results) > 1 and len(counts) == 1 and counts != {0}:
        # Repeated texts are counted once, so that they do not make the posterior surer than it is.
        worth = [r.wins * r.n_effective / r.contests for r in results]
        chances = chance_of_first(worth)
        results = [replace(r, p_first=p, expected_loss=lost) for r, (p, lost) in zip(results, chances, strict=True)]
    return tuple(sorted(results, key=lambda r: (r.win_rate is None, -(r.win_rate or 0), r.agent)))


def agreements(connection: Engine, chosen: Chosen) -> dict[tuple[str, str], Agreement]:
    """Return by pair of kinds of win how far they name the same agents. Reads only."""
    by_kinds: dict[tuple[str, str], list[Row]] = {}
    for row in ask(connection, "agreement", **chosen.bound):
        by_kinds.setdefault((WINS[row["x"] - 1], WINS[row["y"] - 1]), []).append(row)
    return {kinds: _agreement(rows) for kinds, rows in by_kinds.items()}


def logged_selections(connection: Engine, relations: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return by agent the contests and wins of the application's selection in the rescued logs. Reads only.

    A row whose request the database knows is left out, as the database's own selection counts.
    """
    found: dict[str, tuple[int, int]] = {}
    for relation in relations:
        quoted = identifier(relation)
        columns = {name for name, *_ in connection.execute(f"DESCRIBE {quoted}").fetchall()}
        if not {"request_id", "selected_agent"} <= columns or not any(c.endswith("_score") for c in columns):
            continue
        connection.execute(f"CREATE OR REPLACE TEMP VIEW selection_log AS FROM {quoted}")
        for row in ask(connection, "logged"):
            told, won = found.get(row["agent"], (0, 0))
            found[row["agent"]] = (told + row["told"], won + row["won"])
    return found


def _result(row: Row, wins: str, interval: str, logged: tuple[int, int]) -> AgentResult:
    told = {kind: int(row[f"told_{kind}"]) for kind in WINS}
    won = {kind: float(row[f"won_{kind}"] or 0) for kind in WINS}
    told["selected"] += logged[0]
    won["selected"] += logged[1]
    contests, prompts = told[wins], int(row["prompts"])
    low, high = INTERVALS[interval](won[wins], contests) if contests else (None, None)
    total = _mean(row, "total")
    return AgentResult(
        agent=row["agent"],
        contests=contests,
        wins=won[wins],
        win_rate=won[wins] / contests if contests else None,
        low=low,
        high=high,
        n_effective=contests * prompts / row["prompt_sizes"],
        p_first=None,
        expected_loss=None,
        mean_total=total.mean,
        se=total.se,
        total_low=total.low,
        total_high=total.high,
        scored=int(row["n"] or 0),
        told=told,
        won=won,
        dimensions={name: _mean(row, name) for name in DIMENSIONS},
    )


def _mean(row: Row, measure: str) -> Mean:
    if not row["n"]:
        return Mean(None, None, None, None)
    names = (f"sum_{measure}", f"square_{measure}", f"within_{measure}", f"cross_{measure}", "sizes")
    sums = ClusterSums(int(row["n"]), int(row["clusters"]), *(float(row[name]) for name in names))
    return Mean(sums.mean, sums.error, *sums.interval())


def _agreement(rows: Sequence[Row]) -> Agreement:
    one, other = [row["one"] for row in rows], [row["other"] for row in rows]
    return agreement(round(sum(one)), sum(row["shared"] for row in rows), one, other)
