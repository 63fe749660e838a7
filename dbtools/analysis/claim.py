"""The claim: what the comparison allows to say of the leading agent, and what it would take to say more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, log2

from dbtools.analysis.pairs import Pair
from dbtools.html import number, p_value

LEVEL, POWER = 0.05, 0.8
SCALES_SAID = {
    "judge": "the judge's scale of 0–50",
    "heuristic": "the fallback heuristic's scale of 0–50",
    "self": "the agents' own scores of the input",
    "synthetic": "the history generator's scale",
}
_SCORES = {
    "judge": "judge scores",
    "heuristic": "heuristic scores",
    "self": "self-scores",
    "synthetic": "synthetic scores",
}
_MANY = 100_000


@dataclass(frozen=True)
class Claim:
    """What the comparison of agents allows to say.

    Attributes
    ----------
    verdict : str
        ``best``: the leader is above every rival, Holm-adjusted p < 0.05, on real rows that a judge scored, and has
        contests with all of them; else ``undecided``.
    leader : str or None
        The agent with the highest scores in the pairs; by itself no claim.
    closest : Pair or None
        The leader against the rival that it is least surely above.
    needed : int or None
        About how many contests would decide; None where a best agent is named or no number can be estimated.
    sentence : str
        The decision, its size, its risk and what to do, in at most 25 words.
    details : tuple of str
        The figures behind the sentence.
    """

    verdict: str
    leader: str | None
    closest: Pair | None
    needed: int | None
    sentence: str
    details: tuple[str, ...] = ()


def make_claim(
    pairs: Sequence[Pair], agents: Collection[str], kinds: Collection[str], scale: str = "judge", asked: str = "real"
) -> Claim:
    """Decide what may be said of the agents after comparing them in pairs.

    Parameters
    ----------
    agents : collection of str
        All that compete; one without a contest against the leader keeps it from being called best.
    kinds, asked : collection of str, str
        The provenances of the rows that were compared, and the one that was asked for.
    """
    leader, closest = lead(pairs)
    if closest is None:
        first = pairs[0] if pairs else None
        details = (_basis(first, scale, {asked}),) if first else ()
        return Claim("undecided", None, first, None, _no_leader(pairs, agents, scale, asked), details)
    rivals = {name for pair in pairs if leader in (pair.a, pair.b) for name in (pair.a, pair.b)}
    missing, real = sorted(set(agents) - rivals), set(kinds) == {"real"}
    figures = f"{closest.a} against {closest.b}, its closest rival: {_margin(closest)}, {_basis(closest, scale, kinds)}"
    if real and scale == "judge" and not missing and closest.p_holm < LEVEL and closest.difference > 0:
        said = (
            f"{leader} is best by score: {_points(closest)} ahead of {closest.b}, its closest rival "
            f"({p_value(closest.p_holm)}, {closest.n:,} contests)."
        )
        return Claim("best", leader, closest, None, said, (figures,))
    needed = contests_needed(closest, len(pairs))
    ahead = f"Undecided: {leader} leads {closest.b} by {_points(closest)}"
    if not real:
        rows = "rows that are not all real" if "real" in kinds else "rows that are not real"
        said = f"{ahead}, but among {rows}. It takes scored contests of real rows."
    elif scale != "judge":
        said = f"{ahead}, but by {_SCORES[scale]} alone. It takes a judge's scores."
    elif missing:
        said = f"{ahead}, but has no contest against {_some(missing)}. It takes such contests."
    else:
        said = (
            f"{ahead}, which may be chance ({p_value(closest.p_holm)}). {_what_it_takes(closest, needed, len(pairs))}"
        )
    return Claim("undecided", leader, closest, needed, said, (figures, *_detectable(closest, needed)))


def lead(pairs: Sequence[Pair]) -> tuple[str | None, Pair | None]:
    """Return the agent that is above most others, and it against the rival that it is least surely above.

    No agent leads where nothing differs.
    """
    above: dict[str, tuple[int, float]] = {}
    for pair in pairs:
        for name, difference in ((pair.a, pair.difference), (pair.b, -pair.difference)):
            won, total = above.get(name, (0, 0.0))
            above[name] = (won + (difference > 0), total + difference)
    leader = min(above, key=lambda name: (-above[name][0], -above[name][1], name), default=None)
    if leader is None or not above[leader][0]:
        return None, None
    own = [pair.seen_by(leader) for pair in pairs if leader in (pair.a, pair.b)]
    return leader, max(own, key=lambda pair: (pair.difference <= 0, pair.p_holm, -pair.difference))


def least_texts(pairs: int) -> int:
    """Return how many texts an exact test needs at least before Holm's p for so many pairs can be below 0.05."""
    # The smallest p of 2^G sign patterns is 2^(1−G).
    return ceil(log2(max(1, pairs) / LEVEL) + 1e-9) + 1


def contests_needed(pair: Pair, pairs: int) -> int | None:
    """Return how many contests would find the difference seen in 80 of 100 samples, tested for so many pairs at once.

    The sample-size formula of the z test, with the clustered standard error. None without a difference or a spread.
    """
    if pair.difference <= 0 or pair.mde is None:
        return None
    from statistics import NormalDist

    normal = NormalDist()
    unit = pair.mde / (normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER))
    steps = normal.inv_cdf(1 - LEVEL / 2 / pairs) + normal.inv_cdf(POWER)
    contests = pair.n * (steps * unit / pair.difference) ** 2
    return max(ceil(contests), least_texts(pairs))


def _no_leader(pairs: Sequence[Pair], agents: Collection[str], scale: str, asked: str) -> str:
    rows, scores = "all rows" if asked == "all" else f"{asked} rows", _SCORES[scale]
    if pairs:
        return f"Undecided: no agent leads by score among {rows}, in {max(p.n for p in pairs):,} contests."
    if not agents:
        why = f"no agent has {scores} among {rows}"
    elif len(agents) == 1:
        why = f"only {next(iter(agents))} has {scores} among {rows}"
    else:
        why = f"no two agents have {scores} in one prompt among {rows}"
    return f"Undecided: {why}. It takes scored contests of real rows over at least {least_texts(len(pairs))} texts."


def _what_it_takes(pair: Pair, needed: int | None, pairs: int) -> str:
    if needed is None:
        return f"It takes contests over at least {least_texts(pairs)} texts."
    about = f"More than {_MANY:,}" if needed > _MANY else f"About {needed:,}"
    return f"{about} contests would decide; there are {pair.n:,}."


def _detectable(pair: Pair, needed: int | None) -> list[str]:
    if not pair.mde:
        return []
    found = [f"A true difference below {pair.mde:.2g} points would be missed more than 1 time in 5."]
    if needed is not None and needed <= _MANY:
        found.append(f"About {needed:,} contests would be needed to detect a difference of {pair.difference:.2g}.")
    return found


def _margin(pair: Pair) -> str:
    low, high = pair.low_clustered, pair.high_clustered
    interval = f"95% interval {_signed(low)} to {_signed(high)}, " if low is not None and high is not None else ""
    return f"{_signed(pair.difference)} points ({interval}Holm-adjusted {p_value(pair.p_holm)})"


def _basis(pair: Pair, scale: str, kinds: Collection[str]) -> str:
    rows = " and ".join(sorted(kinds)) or "no"
    return f"among {rows} rows on {SCALES_SAID[scale]}, n = {pair.n:,} contests over G = {pair.clusters:,} texts."


def _points(pair: Pair) -> str:
    return f"{number(pair.difference, f'.{1 if abs(pair.difference) >= 0.1 else 3}f')} of 50 points"


def _signed(value: float) -> str:
    return number(value, f"+.{2 if abs(value) >= 0.1 else 3}f")


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
