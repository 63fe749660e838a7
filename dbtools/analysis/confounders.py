"""What else could explain a difference between agents: said aloud, each with its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from dbtools.analysis.questions import Chosen, Row, ask
from dbtools.html import number

if TYPE_CHECKING:
    from dbtools.database.engine import Engine


@dataclass(frozen=True)
class Confounder:
    """One other explanation: its name, the numbers that tell how much it may explain, and a sentence."""

    name: str
    values: Mapping[str, float | int | bool | None]
    sentence: str


def confounders(connection: Engine, chosen: Chosen, present: Sequence[Row]) -> tuple[Confounder, ...]:
    """Return what the chosen rows cannot tell apart from the agents' worth. Reads only."""
    return tuple(_all(connection, chosen, present))


def _all(connection: Engine, chosen: Chosen, present: Sequence[Row]) -> Iterator[Confounder]:
    cells = ask(connection, "places", **chosen.bound)
    if cells:
        yield _position(cells)
        (sums,) = ask(connection, "length", **chosen.bound)
        yield _length(sums)
        (marks,) = ask(connection, "judge", **chosen.bound)
        yield _judge(marks)
    selves = sum(row["rows"] for row in present if row["scale"] == "self" and row["provenance"] in chosen.kinds)
    if selves:
        used = "compared here" if chosen.scale == "self" else "not compared here"
        text = f"Self-scores: {selves:,} rows hold an agent's own mark of the input, not of its output; {used}."
        yield Confounder("self_scores", {"rows": selves}, text)


def _position(cells: Sequence[Row]) -> Confounder:
    import numpy as np

    agents, places = sorted({c["agent"] for c in cells}), sorted({c["place"] for c in cells})
    weight = np.sqrt([c["rows"] for c in cells])
    by_agent = np.array([[c["agent"] == agent for agent in agents] for c in cells], dtype=float)
    by_place = np.array([[c["place"] == place for place in places] for c in cells], dtype=float)
    both = np.hstack([by_agent, by_place])
    # Agents and places share one constant; any further loss of rank means that they cannot be told apart.
    known = int(np.linalg.matrix_rank(both)) == len(agents) + len(places) - 1 and len(places) > 1
    if not known:
        where = ", ".join(f"{c['agent']} at position {c['place']}" for c in cells[:4])
        text = f"Position: cannot be told apart from the agent ({where}{', …' if len(cells) > 4 else ''})."
        return Confounder("position", {"identifiable": False, "spread": None}, text)
    lead = np.array([c["lead_of"] for c in cells])
    worth = np.linalg.lstsq(both * weight[:, None], lead * weight, rcond=None)[0][len(agents) :]
    spread = float(worth.max() - worth.min())
    text = f"Position: totals differ by up to {spread:.2f} points between positions in a prompt, agents held constant."
    return Confounder("position", {"identifiable": True, "spread": spread}, text)


def _length(sums: Row) -> Confounder:
    """Slope of the total on log2 of the length within contests: least squares, standard error clustered by text."""
    from scipy.special import stdtrit

    clusters, xx = int(sums["clusters"]), float(sums["xx"])
    if clusters < 2 or xx <= 1e-9:
        text = "Length: the versions of a prompt are equally long, or too few to tell what length does."
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


def _judge(marks: Row) -> Confounder:
    rows = int(marks["rows"])
    flat, halves = marks["flat"] / rows, marks["halves"] / (5 * rows)
    told = [r for name, r in marks.items() if name[1:].isdecimal() and r is not None and isfinite(r)]
    halo = sum(told) / len(told) if told else None
    together = f"{halo:.2f}" if halo is not None else "not defined"
    text = (
        f"Judge: {flat:.0%} of {rows:,} rows have five equal marks, {halves:.0%} of marks are whole or half numbers, "
        f"and the mean correlation of two dimensions is {together}."
    )
    return Confounder("judge", {"flat": flat, "halves": float(halves), "halo": halo}, text)
