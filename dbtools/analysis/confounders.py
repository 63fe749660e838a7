"""What else could explain a difference between agents, each with its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from dbtools.analysis.query import Row, rows
from dbtools.html import number

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

_FEWEST_PROMPTS = 30  # with fewer, a drift of the judge is not told from chance


@dataclass(frozen=True)
class Confounder:
    """One other explanation: its name, numbers that show how much it may explain, and a sentence."""

    name: str
    values: Mapping[str, float | int | bool | None]
    sentence: str


def confounders(connection: Engine, scale: str, versions: Mapping[str | None, int]) -> Iterator[Confounder]:
    """Yield what could explain the differences between agents besides the agents. Reads only.

    Parameters
    ----------
    versions : mapping
        The versions that compete, by the scale of their scores; None: without one.
    """
    cells = rows(connection, "positions", scale=scale)
    if cells:
        yield _position(cells)
        (sums,) = rows(connection, "length", scale=scale)
        yield _length(sums)
        (scores,) = rows(connection, "judge", scale=scale)
        yield _judge(scores)
    yield from _regimes(connection, versions)
    if selves := versions.get("self"):
        used = "compared here" if scale == "self" else "not compared here"
        text = f"Self-scores: {selves:,} rows hold an agent's own score of the input, not of its output; {used}."
        yield Confounder("self_scores", {"rows": selves}, text)


def _regimes(connection: Engine, versions: Mapping[str | None, int]) -> Iterator[Confounder]:
    """Say where the judge changed: its scale, to one answer for everything, or its level over time."""
    judge, unit, stuck = (versions.get(name, 0) for name in ("judge", "unit", "stuck"))
    if unit or stuck:
        parts = [f"{unit:,} versions have scores of 0–1 (scale unit)"] if unit else []
        parts += [f"{stuck:,} have the same scores in a row"] if stuck else []
        text = (
            f"The judge changed: {judge:,} versions have scores of 0–10, {', '.join(parts)}; never compared together."
        )
        yield Confounder("judge_regimes", {"judge": judge, "unit": unit, "stuck": stuck}, text)
    for row in rows(connection, "judge_drift") if judge >= _FEWEST_PROMPTS else ():
        points, error = row["drift"], row["error"]
        text = (
            f"The judge's totals moved by {number(points, '+.1f')} points from the first to the last third of the "
            "prompts: means of different times do not compare, versions of one prompt do."
        )
        yield Confounder("judge_drift", {"points": points, "error": error}, text)


def _position(cells: Sequence[Row]) -> Confounder:
    import numpy as np

    agents, positions = sorted({c["agent"] for c in cells}), sorted({c["position_no"] for c in cells})
    weight = np.sqrt([c["rows"] for c in cells])
    by_agent = np.array([[c["agent"] == agent for agent in agents] for c in cells], dtype=float)
    by_position = np.array([[c["position_no"] == position for position in positions] for c in cells], dtype=float)
    both = np.hstack([by_agent, by_position])
    # Agents and positions share one constant. Any further loss of rank means that the two effects cannot be separated.
    known = int(np.linalg.matrix_rank(both)) == len(agents) + len(positions) - 1 and len(positions) > 1
    if not known:
        where = ", ".join(f"{c['agent']} at position {c['position_no']}" for c in cells[:4])
        text = f"Position: its effect cannot be separated from the agent's ({where}{', …' if len(cells) > 4 else ''})."
        return Confounder("position", {"identifiable": False, "spread": None}, text)
    lead = np.array([c["lead_of"] for c in cells])
    effects = np.linalg.lstsq(both * weight[:, None], lead * weight, rcond=None)[0][len(agents) :]
    spread = float(effects.max() - effects.min())
    text = f"Position: totals differ by up to {spread:.2f} points between positions in a prompt, agents held constant."
    return Confounder("position", {"identifiable": True, "spread": spread}, text)


def _length(sums: Row) -> Confounder:
    """Slope of the total on log2 of the length within contests: least squares, standard error clustered by text."""
    from scipy.special import stdtrit

    clusters, xx = int(sums["clusters"]), float(sums["xx"])
    if clusters < 2 or xx <= 1e-9:
        text = "Length: the versions of a prompt are equally long, or too few to estimate the effect of length."
        return Confounder("length", {"slope": None, "low": None, "high": None}, text)
    slope = sums["xy"] / xx
    spread = max(0.0, sums["aa"] - 2 * slope * sums["ab"] + slope**2 * sums["bb"])
    half = float(stdtrit(clusters - 1, 0.975)) * sqrt(spread * clusters / (clusters - 1)) / xx
    typical = sqrt(xx / sums["n"])
    values = {"slope": float(slope), "low": float(slope - half), "high": float(slope + half), "typical": typical}
    gain, low, high = (number(typical * values[name], "+.2f") for name in ("slope", "low", "high"))
    text = (
        f"Length: within a prompt, the totals of versions longer by the typical {2**typical - 1:.0%} differ by {gain} "
        f"points (95% interval {low} to {high})."
    )
    return Confounder("length", values, text)


def _judge(scores: Row) -> Confounder:
    n = int(scores["rows"])
    flat, halves = scores["flat"] / n, scores["halves"] / (5 * n)
    defined = [r for name, r in scores.items() if name[1:].isdecimal() and r is not None and isfinite(r)]
    halo = sum(defined) / len(defined) if defined else None
    together = f"{halo:.2f}" if halo is not None else "not defined"
    text = (
        f"Judge: {flat:.0%} of {n:,} rows have five equal scores, {halves:.0%} of scores are whole or half numbers, "
        f"and the mean correlation of two dimensions is {together}."
    )
    return Confounder("judge", {"flat": flat, "halves": float(halves), "halo": halo}, text)
