"""The claim gate: what may be said of an agent, and what it would take to say more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, log2

from dbtools.analysis.pairs import Pair
from dbtools.html import number, p_value

LEVEL, POWER = 0.05, 0.8
_SCALES = {
    "judge": "the judge's scale of 0–50",
    "heuristic": "the fallback heuristic's scale of 0–50",
    "self": "the agents' own marks of the input",
    "synthetic": "the history generator's scale",
}
_MANY = 100_000


@dataclass(frozen=True)
class Claim:
    """What the comparison of agents allows to say.

    Attributes
    ----------
    verdict : str
        ``best``: the leader is above every rival, Holm-adjusted p < 0.05, on real rows that a judge scored, and has
        met all of them; else ``undecided``.
    leader : str or None
        The agent with the highest scores in the pairs; no claim by itself.
    closest : Pair or None
        The leader against the rival it is least surely above.
    needed : int or None
        About how many contests would decide it; None where a best agent is named or none can be estimated.
    text : str
        The claim as a clause, with n and G.
    """

    verdict: str
    leader: str | None
    closest: Pair | None
    needed: int | None
    text: str


def judge(
    pairs: Sequence[Pair], agents: Collection[str], kinds: Collection[str], scale: str = "judge", asked: str = "real"
) -> Claim:
    """Decide what may be said of the agents after comparing them in pairs.

    Parameters
    ----------
    agents : collection of str
        All that compete; one that the leader never met keeps it from being called best.
    kinds, asked : collection of str, str
        The provenances of the rows that were compared, and the one that was asked for.
    """
    leader, closest = lead(pairs)
    if closest is None:
        text = f"Undecided: {_no_leader(pairs, agents, scale, asked)}"
        return Claim("undecided", None, pairs[0] if pairs else None, None, text)
    basis = f"{_margin(closest)}, {_basis(closest, scale, kinds)}"
    met = {name for pair in pairs if leader in (pair.a, pair.b) for name in (pair.a, pair.b)}
    strangers, real = sorted(set(agents) - met), set(kinds) == {"real"}
    if real and scale == "judge" and not strangers and closest.p_holm < LEVEL and closest.difference > 0:
        return Claim("best", leader, closest, None, f"{leader} is best by score: {basis}")
    needed = contests_needed(closest, len(pairs))
    if not real:
        mixed = "not all rows are real" if "real" in kinds else "the rows are not real"
        why, do = f"{mixed}. Among them {leader} leads by score, {basis}", _real_contests(pairs)
    elif scale != "judge":
        why, do = f"{leader} leads on {_SCALES[scale]}, {basis}", "it takes a judge's scores"
    elif strangers:
        why, do = f"{leader} leads by score, {basis}", f"it takes contests against {', '.join(strangers)}"
    else:
        why, do = f"{leader} leads by score, {basis}", _what_it_takes(closest, needed, len(pairs))
    return Claim("undecided", leader, closest, needed, f"Undecided: {why}; {do}")


def lead(pairs: Sequence[Pair]) -> tuple[str | None, Pair | None]:
    """Return the agent that is above most others, and it against the rival it is least surely above.

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
    rows = "rows of any provenance" if asked == "all" else f"{asked} rows"
    if pairs:
        return f"no agent leads by score, {_basis(pairs[0], scale, {asked})}"
    if not agents:
        why = f"there are no scores of agents on {_SCALES[scale]} among {rows}"
    elif len(agents) == 1:
        why = f"only {next(iter(agents))} has scores on {_SCALES[scale]} among {rows}"
    else:
        why = f"no two agents have scores on {_SCALES[scale]} in the same prompt among {rows}"
    return f"{why}; {_real_contests(pairs)}"


def _real_contests(pairs: Sequence[Pair]) -> str:
    return f"it takes scored contests of real rows over at least {least_texts(len(pairs))} texts"


def _margin(pair: Pair) -> str:
    low, high = pair.low_clustered, pair.high_clustered
    interval = f"95% interval {_signed(low)} to {_signed(high)}, " if low is not None and high is not None else ""
    return f"{_signed(pair.difference)} points against {pair.b} ({interval}Holm-adjusted {p_value(pair.p_holm)})"


def _basis(pair: Pair, scale: str, kinds: Collection[str]) -> str:
    rows = " and ".join(sorted(kinds)) or "no"
    return f"among {rows} rows on {_SCALES[scale]}, n = {pair.n:,} contests over G = {pair.clusters:,} texts"


def _what_it_takes(pair: Pair, needed: int | None, pairs: int) -> str:
    seen = f"a true difference below {pair.mde:.2g} points would be missed more than 1 time in 5" if pair.mde else ""
    if needed is None:
        need = f"it takes contests over at least {least_texts(pairs)} texts"
    elif needed > _MANY:
        need = f"more than {_MANY:,} contests would be needed to detect so small a difference"
    else:
        need = f"about {needed:,} contests would be needed to detect a difference of {pair.difference:.2g}"
    return f"{seen}; {need}" if seen else need


def _signed(value: float) -> str:
    return number(value, f"+.{2 if abs(value) >= 0.1 else 3}f")
