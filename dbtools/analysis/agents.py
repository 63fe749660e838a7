"""The figures of each agent: its wins of every kind, its mean total and its mean scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from dbtools.analysis.failures import FailureRate
from dbtools.analysis.query import WINS, Row, RowFilter, rows, size_tables
from dbtools.analysis.ranking import reachable
from dbtools.analysis.statistics import (
    Agreement,
    ClusterSums,
    SizeTable,
    agreement,
    chance_of_first,
    clustered_interval,
    clustered_mean,
    clustered_share,
)
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
    "chance": ".1%",
    "n_effective": ",.1f",
    "p_first": ".1%",
    "mean_total": ".2f",
    "total_low": ".2f",
    "total_high": ".2f",
    "adjusted_mean": ".2f",
    "scored": "",
    "failure_rate": ".1%",
    "failure_low": ".1%",
    "failure_high": ".1%",
}
"""The columns that a table shows, each with its format; empty: the table's default."""


@dataclass(frozen=True)
class Mean:
    """A mean with its clustered standard error and 95% t interval; None where there are too few rows."""

    mean: float | None
    se: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AgentResult:
    """The figures of one agent.

    Attributes
    ----------
    contests, wins : int, float
        Contests in which this kind of win is decidable, and those won (a shared win counts as a fraction).
    win_rate, low, high : float or None
        Share of contests won and its 95% interval, clustered by prompt text; None without contests.
    chance : float or None
        The share that chance would give: the mean of 1/k over the contests, with k agents each, but those of rescued
        logs.
    n_effective : float
        The least number of independent contests that these are worth, as texts repeat (Kish).
    p_first, expected_loss : float or None
        Posterior probability of the highest win rate, and the win rate expected to be lost by choosing this agent; None
        where the agents did not compete in equally many contests.
    mean_total, se, total_low, total_high, scored : float or None, int
        Mean total on 0–50 over the scored versions, with its standard error and t interval, clustered by text.
    adjusted_mean : float or None
        The mean total with the prompts held equal (least squares, total = prompt + agent): agents that met easy prompts
        have a higher raw mean. None where some agents cannot be compared, even by way of others.
    failure_rate, failure_low, failure_high : float or None
        Share of the agent's prompts in which a run of it failed, and its 95% interval, clustered by text.
    decidable, wins_by_kind : dict
        By kind of win: contests in which it is decidable, and those won.
    dimensions : dict
        By dimension: its mean score on 0–10.
    """

    agent: str
    contests: int
    wins: float
    win_rate: float | None
    low: float | None
    high: float | None
    chance: float | None
    n_effective: float
    p_first: float | None
    expected_loss: float | None
    mean_total: float | None
    se: float | None
    total_low: float | None
    total_high: float | None
    scored: int
    adjusted_mean: float | None
    failure_rate: float | None
    failure_low: float | None
    failure_high: float | None
    decidable: Mapping[str, int] = field(repr=False)
    wins_by_kind: Mapping[str, float] = field(repr=False)
    dimensions: Mapping[str, Mean] = field(repr=False)


def agent_summary(
    connection: Engine,
    row_filter: RowFilter,
    wins: str,
    interval: str,
    logged: Mapping[str, tuple[int, int]],
    rated: Mapping[str, SizeTable] = MappingProxyType({}),
    failures: Mapping[str, FailureRate] = MappingProxyType({}),
) -> tuple[AgentResult, ...]:
    """Return every agent's figures, highest win rate first. Reads only.

    Parameters
    ----------
    logged : mapping
        By agent: contests and wins of the application's selection that come from rescued logs.
    rated : mapping
        By agent: the blind ratings of its versions.
    failures : mapping
        By agent: how often it fails. An agent that always failed has a result without contests.
    """
    scale = row_filter.scale
    won = rated if wins == "rated" else size_tables(connection, "agent_clusters", scale=scale, outcome=wins)
    totals = size_tables(connection, "agent_clusters", scale=scale, outcome="total")
    results, found = [], rows(connection, "agents", scale=scale)
    answered = {row["agent"] for row in found}
    for row in [*found, *(_no_answer(agent) for agent in failures if agent not in answered)]:
        agent = row["agent"]
        more, table = logged.get(agent, (0, 0)), won.get(agent)
        table = _with_logged(table, more) if wins == "selected" and more[0] else table
        tables = table, totals.get(agent), rated.get(agent)
        results.append(_result(row, wins, interval, more, tables, failures.get(agent)))
    counts = {result.contests for result in results if result.agent in answered}
    if len(answered) > 1 and len(counts) == 1 and counts != {0} and wins != "rated":
        # Repeated texts count once: they must not make the posterior more certain.
        competing, rest = results[: len(found)], results[len(found) :]
        chances = chance_of_first([r.wins * r.n_effective / r.contests for r in competing])
        competing = [replace(r, p_first=p, expected_loss=x) for r, (p, x) in zip(competing, chances, strict=True)]
        results = [*competing, *rest]
    adjusted = _adjusted_means(rows(connection, "adjusted", scale=scale))
    results = [replace(result, adjusted_mean=adjusted.get(result.agent)) for result in results]
    return tuple(sorted(results, key=lambda r: (r.win_rate is None, -(r.win_rate or 0), r.agent)))


def agreements(connection: Engine, scale: str) -> dict[tuple[str, str], Agreement]:
    """Return, by pair of kinds of win, how often they name the same agents. Reads only."""
    by_kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows(connection, "agreement", scale=scale):
        by_kinds.setdefault((WINS[row["x"] - 1], WINS[row["y"] - 1]), []).append(row)
    return {kinds: _agreement(found) for kinds, found in by_kinds.items()}


def logged_selections(connection: Engine, relations: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return, by agent, the contests and wins of the application's selection in the rescued logs. Reads only.

    A row whose request is in the database is left out: there the database's own selection counts.
    """
    found: dict[str, tuple[int, int]] = {}
    for relation in relations:
        quoted = identifier(relation)
        columns = {name for name, *_ in connection.execute(f"DESCRIBE {quoted}").fetchall()}
        if not {"request_id", "selected_agent"} <= columns or not any(c.endswith("_score") for c in columns):
            continue
        connection.execute(f"CREATE OR REPLACE TEMP VIEW selection_log AS FROM {quoted}")
        for row in rows(connection, "duckdb/logged"):
            decidable, wins = found.get(row["agent"], (0, 0))
            found[row["agent"]] = (decidable + row["decidable"], wins + row["wins"])
    return found


def _with_logged(table: SizeTable | None, logged: tuple[int, int]) -> SizeTable:
    """Add contests of rescued logs, each as a text of its own."""
    contests, wins = logged
    old = table or SizeTable((), (), (), ())
    return SizeTable(
        (1, *old.sizes), (contests, *old.clusters), (float(wins), *old.totals), (float(wins), *old.squares)
    )


def _chance(row: Row, wins: str) -> float | None:
    if wins == "rated":
        return 0.5
    contests = row[f"decidable_{wins}"]
    return float(row[f"chance_{wins}"]) / contests if contests else None


def _adjusted_means(found: Sequence[Row]) -> dict[str, float]:
    """Solve the normal equations of total = prompt + agent; empty where no contests connect all agents."""
    import numpy as np

    names = sorted({row["a"] for row in found} | {row["b"] for row in found})
    matrix, above = np.zeros((len(names), len(names))), np.zeros(len(names))
    counts, totals = np.zeros(len(names)), np.zeros(len(names))
    for row in found:
        i, j = names.index(row["a"]), names.index(row["b"])
        matrix[i, j] -= float(row["weight"])
        if i == j:
            matrix[i, i] += row["n"]
            counts[i], totals[i], above[i] = row["n"], float(row["total"]), float(row["above"])
        else:
            matrix[j, i] = matrix[i, j]
    # Whether they are connected is a matter of who met, not of the rounding of sums over thousands of contests.
    if len(names) < 2 or not reachable(matrix != 0).all():
        return {}
    effects = np.zeros(len(names))
    effects[1:] = np.linalg.solve(matrix[1:, 1:], above[1:])  # less the effect of the first agent
    means = totals.sum() / counts.sum() + effects - counts @ effects / counts.sum()
    return dict(zip(names, map(float, means), strict=True))


def _no_answer(agent: str) -> Row:
    """Return the row of an agent without a version that counts."""
    return {"agent": agent, "n": 0, **{f"decidable_{kind}": 0 for kind in WINS}, **{f"wins_{kind}": 0 for kind in WINS}}


def _result(
    row: Row,
    wins: str,
    interval: str,
    logged: tuple[int, int],
    tables: tuple[SizeTable | None, SizeTable | None, SizeTable | None],
    failures: FailureRate | None,
) -> AgentResult:
    table, totals, rated = tables
    decidable = {kind: int(row[f"decidable_{kind}"]) for kind in WINS}
    wins_by_kind = {kind: float(row[f"wins_{kind}"] or 0) for kind in WINS}
    decidable["selected"] += logged[0]
    wins_by_kind["selected"] += logged[1]
    decidable["rated"], wins_by_kind["rated"] = (rated.n, sum(rated.totals)) if rated else (0, 0.0)
    contests, won = decidable[wins], wins_by_kind[wins]
    low, high = clustered_share(table, interval) if table else (None, None)
    mean, error, _ = clustered_mean(totals) if totals else (None, None, None)
    total_low, total_high = clustered_interval(totals) if totals else (None, None)
    return AgentResult(
        agent=row["agent"],
        contests=contests,
        wins=won,
        win_rate=won / contests if contests else None,
        low=low,
        high=high,
        chance=_chance(row, wins),
        n_effective=table.n_effective if table else 0.0,
        p_first=None,
        expected_loss=None,
        mean_total=mean,
        se=error,
        total_low=total_low,
        total_high=total_high,
        scored=int(row["n"] or 0),
        adjusted_mean=None,
        failure_rate=failures.rate if failures else None,
        failure_low=failures.low if failures else None,
        failure_high=failures.high if failures else None,
        decidable=decidable,
        wins_by_kind=wins_by_kind,
        dimensions={name: _mean(row, name) for name in DIMENSIONS},
    )


def _mean(row: Row, measure: str) -> Mean:
    if not row["n"]:
        return Mean(None, None, None, None)
    names = (f"sum_{measure}", f"square_{measure}", f"within_{measure}", f"cross_{measure}", "sizes")
    sums = ClusterSums(int(row["n"]), int(row["clusters"]), *(float(row[name]) for name in names))
    return Mean(sums.mean, sums.error, *sums.interval())


def _agreement(found: Sequence[Row]) -> Agreement:
    one, other = [row["one"] for row in found], [row["other"] for row in found]
    return agreement(round(sum(one)), sum(row["shared"] for row in found), one, other)
