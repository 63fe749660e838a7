"""The claim: what the comparison allows to say of the leading agent, and what it would take to say more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from dbtools.analysis.pairs import Pair
from dbtools.analysis.query import said_instead
from dbtools.analysis.statistics import root
from dbtools.html import counted, number, p_value

LEVEL, POWER = 0.05, 0.8
LEAST_TEXTS = 6
"""The smallest p of 2^G sign patterns is 2^(1−G): below 0.05 from G = 6 on."""
SCALES_SAID = {
    "judge": "the judge's scale of 0–50",
    "unit": "the judge's scale of 0–1",
    "heuristic": "the fallback heuristic's scale of 0–50",
    "self": "the agents' own scores of the input",
    "synthetic": "the history generator's scale",
}
_SCORES = {
    "judge": "judge scores",
    "unit": "judge scores of 0–1",
    "heuristic": "heuristic scores",
    "self": "self-scores",
    "synthetic": "synthetic scores",
}
_JUDGED = ("judge", "unit")  # of the judge, by whichever marks
_MANY = 100_000
_EQUAL = 1e-9  # points: totals are sums of decimal scores


@dataclass(frozen=True)
class Claim:
    """What the comparison of agents allows to say.

    Attributes
    ----------
    verdict : str
        ``best``: the leader is above every rival, each with p < 0.05, on real rows that a judge scored, and has
        contests with all of them; else ``undecided``. All must reject, so no p needs an adjustment for their number: an
        intersection–union test (R. L. Berger, Technometrics 24 (1982) 295–300).
    sentence : str
        The decision, the difference, its uncertainty and the next step, in at most 25 words.
    leader : str or None
        The agent with the highest scores in the pairs; by itself no claim.
    closest : Pair or None
        The leader against the rival whose difference from it is least certain.
    needed : int or None
        About how many contests would decide; None where a best agent is named or no number can be estimated.
    detectable : float or None
        The smallest lead over every rival that the claim would find with a chance of 80%.
    details : tuple of str
        The figures behind the sentence.
    allowed : bool
        Whether the rows allow to call an agent best at all: real ones that a judge scored, with contests of all agents.
    """

    verdict: str
    sentence: str
    leader: str | None = None
    closest: Pair | None = None
    needed: int | None = None
    detectable: float | None = None
    details: tuple[str, ...] = ()
    allowed: bool = False


def make_claim(
    pairs: Sequence[Pair],
    agents: Collection[str],
    kinds: Collection[str],
    scale: str = "judge",
    asked: str = "real",
    fails_more: Mapping[tuple[str, str], str] = MappingProxyType({}),
    unit: str = "texts",
    instead: Mapping[str, int] = MappingProxyType({}),
) -> Claim:
    """Decide what may be said of the agents after comparing them in pairs.

    Parameters
    ----------
    agents : collection of str
        All that compete; one without a contest against the leader keeps it from being called best.
    kinds, asked : collection of str, str
        The provenances of the rows that were compared, and the one that was asked for.
    fails_more : mapping
        By (agent, rival) where the agent surely fails more often: how often the two fail, in words.
    unit : str
        What is taken as one independent draw, in words.
    instead : mapping
        Where there are no versions of the provenance asked for: how many there are of each other one.
    """
    leader, own = lead(pairs)
    closest = own[0] if own else None
    if closest is None:
        first = pairs[0] if pairs else None
        basis = (_basis(first, scale, {asked}, unit),) if first else ()
        said = _no_leader(pairs, agents, scale, asked, unit, instead)
        return Claim("undecided", said, closest=first, details=basis)
    if abs(closest.difference) < _EQUAL:
        said = f"Undecided: {leader} and {closest.b} are equal by score in {counted(closest.n, 'contest')}."
        return Claim("undecided", said, closest=closest, details=(_basis(closest, scale, kinds, unit),))
    missing, real = sorted(set(agents) - {closest.a, *(pair.b for pair in own)}), set(kinds) == {"real"}
    found = standard_errors(own)
    detectable = detectable_lead(*found) if found else None
    allowed = real and scale in _JUDGED and not missing
    rests = _basis(closest, scale, kinds, unit)
    figures = f"{closest.a} against {closest.b}, its closest rival: {_margin(closest)}, {rests}"
    best = allowed and all(p.difference > 0 and p.p_exact < LEVEL for p in own)
    needed = None if best else contests_needed(own)
    details = (figures, *_at_equal_length(own), *_power(detectable, needed if allowed else None))
    if best:
        return Claim("best", _best(own, fails_more), leader, closest, None, detectable, details, allowed)
    ahead = f"Undecided: {leader} leads {closest.b} by {_points(closest)}"
    if closest.difference < 0:
        ahead = f"Undecided: {leader} leads most agents, yet {closest.b} is {_points(closest)} ahead of it"
    if not real:
        rows = "rows that are not all real" if "real" in kinds else "rows that are not real"
        said = f"{ahead}, but among {rows}. Needed: scored contests of real rows."
    elif scale not in _JUDGED:
        said = f"{ahead}, but by {_SCORES[scale]} alone. Needed: a judge's scores."
    elif missing:
        said = f"{ahead}, but has no contest against {_some(missing)}. Needed: such contests."
    else:
        said = f"{ahead}, which may be chance ({p_value(closest.p_exact)}). {_what_it_takes(closest, needed, unit)}"
    return Claim("undecided", said, leader, closest, needed, detectable, details, allowed)


def lead(pairs: Sequence[Pair]) -> tuple[str | None, list[Pair]]:
    """Return the agent that is above most others, and its pairs; the least certain difference comes first.

    No agent leads where nothing differs.
    """
    above: dict[str, tuple[int, float]] = {}
    for pair in pairs:
        for name, difference in ((pair.a, pair.difference), (pair.b, -pair.difference)):
            won, total = above.get(name, (0, 0.0))
            above[name] = (won + (difference > 0), total + difference)
    leader = min(above, key=lambda name: (-above[name][0], -above[name][1], name), default=None)
    if leader is None or not above[leader][0]:
        return None, []
    own = [pair.seen_by(leader) for pair in pairs if leader in (pair.a, pair.b)]
    return leader, sorted(own, key=lambda pair: (pair.difference > 0, -pair.p_exact, pair.difference, pair.b))


def gate_power(leads: Sequence[float], errors: Sequence[float], shared: Sequence[float]) -> float:
    """Return the chance that the claim is made when the leader truly is so far above its rivals.

    The differences to all rivals contain the leader's own mean: a normal law with one factor (C. W. Dunnett, JASA 50
    (1955) 1096–1121), of which each difference has the share `shared` of its variance; 32 Gauss–Hermite nodes.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    nodes, weights = _normal_nodes()
    ratio, share = np.divide(leads, errors), np.asarray(shared, dtype=float)
    z = (ratio - ndtri(1 - LEVEL / 2) + np.sqrt(share) * nodes[:, None]) / np.sqrt(1 - share)
    return float(weights @ ndtr(z).prod(axis=1) / weights.sum())


@cache
def _normal_nodes() -> tuple[Any, Any]:
    """Return the 32 Gauss–Hermite nodes and weights; to compute them takes longer than to use them."""
    import numpy as np

    nodes: tuple[Any, Any] = np.polynomial.hermite_e.hermegauss(32)
    return nodes


def detectable_lead(errors: Sequence[float], shared: Sequence[float]) -> float:
    """Return the smallest lead over every rival that the claim finds with a chance of 80%."""
    return root(lambda lead: gate_power([lead] * len(errors), errors, shared) - POWER, 0, 20 * max(errors))


def contests_needed(own: Sequence[Pair]) -> int | None:
    """Return how many contests against the closest rival would lead to the claim with a chance of 80%.

    `own` are the leader's pairs, the closest rival first. The differences are taken as the true ones, and the contests
    against all rivals grow alike. None where a rival is not below the leader, nothing varies, or
    the lead is next to nothing.
    """
    found = standard_errors(own)
    if found is None or any(pair.difference < _EQUAL for pair in own):
        return None
    leads, (errors, shared) = [pair.difference for pair in own], found

    def lacking(growth: float) -> float:
        return gate_power(leads, [error / growth**0.5 for error in errors], shared) - POWER

    if lacking(1e12) < 0:
        return None
    growth = root(lacking, 1e-9, 1e12)
    # No test of fewer texts can be significant.
    return max(ceil(own[0].n * growth), ceil(LEAST_TEXTS * own[0].n / own[0].clusters))


def standard_errors(own: Sequence[Pair]) -> tuple[list[float], list[float]] | None:
    """Return the standard error of each difference, and the share of its variance that is the leader's."""
    # Half of the test's interval over z: the error with which a z test would have the same interval.
    z, most = NormalDist().inv_cdf(1 - LEVEL / 2), max(pair.n for pair in own)
    errors = []
    for pair in own:
        low, high = pair.low_clustered, pair.high_clustered
        error = (high - low) / 2 / z if low is not None and high is not None else pair.error
        if not error:
            return None
        errors.append(error)
    return errors, [pair.n / most / 2 for pair in own]


def _no_leader(
    pairs: Sequence[Pair], agents: Collection[str], scale: str, asked: str, unit: str, instead: Mapping[str, int]
) -> str:
    rows, scores = "all rows" if asked == "all" else f"{asked} rows", _SCORES[scale]
    if pairs:
        return f"Undecided: no agent leads by score among {rows}, in {max(p.n for p in pairs):,} contests."
    if any(instead.values()):
        why = f"there are no versions among {rows}{said_instead(instead)}"
    elif not agents:
        why = f"no agent has {scores} among {rows}"
    elif len(agents) == 1:
        why = f"only {next(iter(agents))} has {scores} among {rows}"
    else:
        why = f"no two agents have {scores} in one prompt among {rows}"
    return f"Undecided: {why}. Needed: scored contests of real rows over at least {LEAST_TEXTS} {unit}."


def _best(own: Sequence[Pair], fails_more: Mapping[tuple[str, str], str]) -> str:
    closest = own[0]
    lead = f"{closest.a} is best by score: {_points(closest)} ahead of {closest.b}"
    found = f"({p_value(closest.p_exact)}, {closest.n:,} contests)"
    unsure = _least_at_equal_length(own)
    if unsure is None or (unsure.low_equal_length or 0) > 0:
        rates = next((fails_more[key] for pair in own if (key := (pair.a, pair.b)) in fails_more), None)
        return f"{lead} {found}, but fails more often: {rates}." if rates else f"{lead}, its closest rival {found}."
    if unsure.equal_length is None:
        return f"{lead} {found}, but their texts never have equal length."
    how = ", extrapolated" if unsure.extrapolated else ""
    return f"{lead} {found}, but not significantly at equal length ({_signed(unsure.equal_length)}{how})."


def _least_at_equal_length(own: Sequence[Pair]) -> Pair | None:
    """Return the pair in which the lead is least sure with the lengths held equal; None where they are equal anyway."""
    known = [pair for pair in own if pair.extrapolated or pair.low_equal_length is not None]
    return min(
        known, key=lambda pair: float("-inf") if pair.low_equal_length is None else pair.low_equal_length, default=None
    )


def _at_equal_length(own: Sequence[Pair]) -> list[str]:
    pair = _least_at_equal_length(own)
    if pair is None:
        return []
    if pair.equal_length is None:
        return [f"The length of the texts and the agent cannot be separated in {pair.a} against {pair.b}."]
    low, high = pair.low_equal_length, pair.high_equal_length
    interval = f"95% interval {_signed(low or 0)} to {_signed(high or 0)}"
    said = f"With texts of equal length, {pair.a} against {pair.b}: {_signed(pair.equal_length)} points ({interval})"
    return [f"{said}; extrapolated, as one of the two nearly always writes more." if pair.extrapolated else f"{said}."]


def _what_it_takes(pair: Pair, needed: int | None, unit: str) -> str:
    if pair.difference > 0 > (pair.equal_length or 0):
        return f"At equal length, {pair.b} leads by {number(-(pair.equal_length or 0), '.1f')}."
    if pair.clusters < LEAST_TEXTS:
        return f"Needed: {LEAST_TEXTS} {unit}; there are {pair.clusters}."
    if needed is None:
        return "Needed: more contests."
    about = f"More than {_MANY:,} contests" if needed > _MANY else f"About {max(needed - pair.n, 1):,} more contests"
    return f"{about} may decide; there are {pair.n:,}."


def _power(detectable: float | None, needed: int | None) -> list[str]:
    """Say which lead would be found, and how many contests in all would find the present one."""
    found = []
    if needed is not None and needed <= _MANY:
        found.append(
            f"With about {needed:,} contests in all, the chance of a clear answer is 80%, if the true lead is today's."
        )
    if detectable is not None:
        found.append(f"A lead below {detectable:.2g} points over every rival would be missed more than 1 time in 5.")
    return found


def _margin(pair: Pair) -> str:
    low, high = pair.low_clustered, pair.high_clustered
    interval = f"95% interval {_signed(low)} to {_signed(high)}, " if low is not None and high is not None else ""
    return f"{_signed(pair.difference)} points ({interval}{p_value(pair.p_exact)})"


def _basis(pair: Pair, scale: str, kinds: Collection[str], unit: str) -> str:
    rows = " and ".join(sorted(kinds)) or "no"
    return f"among {rows} rows on {SCALES_SAID[scale]}, n = {pair.n:,} contests over G = {pair.clusters:,} {unit}."


def _points(pair: Pair) -> str:
    return f"{abs(pair.difference):.{1 if abs(pair.difference) >= 0.1 else 3}f} of 50 points"


def _signed(value: float) -> str:
    return number(value, f"+.{2 if abs(value) >= 0.1 else 3}f")


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
