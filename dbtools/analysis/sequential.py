"""Evidence that may be looked at after every contest: the error rate covers all looks together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

ENOUGH = 20.0
"""A claim holds above this evidence: when there is nothing to find, the chance to ever get there is at most 1/20."""
_RATING_SPREAD, _SCORE_VARIANCE = 0.5, 0.1
_NARROWEST, _FIRST = 100, 20


@dataclass(frozen=True)
class Lead:
    """The agent that is ahead of every rival, and how sure that is.

    Attributes
    ----------
    agent, rival : str
        The agent ahead, and the rival whose difference from it is least certain.
    evidence : float
        The e-value against that rival; 1 is no evidence, and 0 stands for a rival that is not below.
    holds : bool
        Whether the evidence against every rival is above `ENOUGH`: the claim holds however often you look.
    """

    agent: str
    rival: str
    evidence: float
    holds: bool


def rating_evidence(wins: int, losses: int) -> float:
    """Return the e-value of blind ratings against "neither of the two is preferred".

    Count the first rating of each prompt text only: more ratings of one text are not independent. Ties cost nothing
    and are left out. The order of the ratings does not matter. The value does not tell the direction.

    Sources: J. Ville, Étude critique de la notion de collectif (1939): the chance to ever reach 1/α is at most α;
    H. Robbins, Annals of Mathematical Statistics 41 (1970) 1397–1409: a mixture over λ ~ N(0, 0.5²) of the martingales
    Π e^{λd}/cosh λ, d = ±1. λ is half the log odds of a preference, so the mixture is made for preferences of 60–85%.
    The mixture is a sum over 501 values of λ, so the bound is exact.
    """
    import numpy as np

    nodes, weights = _nodes()
    exponents = nodes * (wins - losses) - (wins + losses) * (np.logaddexp(nodes, -nodes) - log(2))
    # Beyond e^700 a float overflows.
    return float(np.exp(np.minimum(exponents, 700)) @ weights)


def lead_by_ratings(wins: Mapping[tuple[str, str], int], agents: Collection[str]) -> Lead | None:
    """Return the agent that the ratings prefer to every other; None where no agent is ahead of all.

    Parameters
    ----------
    wins : mapping
        By (one, other): in how many texts the first rating prefers one to the other.
    agents : collection of str
        All that are compared. A pair without ratings is undecided.

    Notes
    -----
    An intersection–union test: every pair must reject, so no evidence is adjusted for the number of rivals.
    """
    found: Lead | None = None
    for agent in sorted(agents):
        rivals = [rival for rival in sorted(agents) if rival != agent]
        against = [(wins.get((agent, rival), 0), wins.get((rival, agent), 0), rival) for rival in rivals]
        if rivals and all(won > lost for won, lost, _ in against):
            evidence, rival = min((rating_evidence(won, lost), rival) for won, lost, rival in against)
            found = Lead(agent, rival, evidence, evidence > ENOUGH)
    return found


def score_evidence(differences: Any) -> Any:
    """Return the e-value of score differences against "the two are interchangeable", after every contest.

    Give the first contest of each prompt text only, in time order. Each difference is divided by the root mean square
    of those so far, so the unit does not matter. The value does not tell the direction.

    Sources: V. H. de la Peña, Annals of Probability 27 (1999) 537–564, for symmetric differences: the sign of each is a
    fair coin given its size; mixture of e^{λx − λ²x²/2} over λ ~ N(0, 0.1): H. Robbins (1970); S. R. Howard and others,
    Annals of Statistics 49 (2021) 1055–1080.
    """
    import numpy as np

    d = np.asarray(differences, dtype=float)
    typical = np.sqrt(np.cumsum(d * d) / np.maximum(np.cumsum(d != 0), 1))
    x = np.divide(d, typical, out=np.zeros_like(d), where=typical > 0)
    total, variance = np.cumsum(x), np.cumsum(x * x)
    scale = 1 + _SCORE_VARIANCE * variance
    return np.exp(np.minimum(_SCORE_VARIANCE * total**2 / (2 * scale), 700)) / np.sqrt(scale)


def outside_sequence(differences: Any) -> Any:
    """Return, after every contest, whether 0 is outside the asymptotic 95% confidence sequence of the mean.

    Source: I. Waudby-Smith and others, Annals of Statistics 52 (2024) 2613–2640, theorem 2.2, narrowest at 100
    contests. False for fewer than 20. Needs no symmetry, and so guards `score_evidence` against skewed differences.
    """
    import numpy as np

    d = np.asarray(differences, dtype=float)
    n, level = np.arange(1, len(d) + 1), 1 / ENOUGH
    mean = np.cumsum(d) / n
    deviation = np.sqrt(np.maximum(np.cumsum(d * d) / n - mean**2, 0))
    rho = (-2 * log(level) + log(1 - 2 * log(level))) / _NARROWEST
    half = deviation * np.sqrt(2 * (n * rho + 1) / (n * n * rho) * np.log(np.sqrt(n * rho + 1) / level))
    return (np.abs(mean) > half) & (n >= _FIRST)


def lead_by_scores(agent: str, differences: Mapping[str, Any]) -> Lead | None:
    """Return how surely the scores put an agent ahead of its rivals; None without contests.

    Parameters
    ----------
    differences : mapping
        By rival: the agent's total less the rival's in the first contest of each prompt text, in time order.
    """
    evidence, ahead = {}, []
    for rival, d in sorted(differences.items()):
        if not len(d):
            return None
        evidence[rival] = float(score_evidence(d)[-1]) if sum(d) > 0 else 0.0
        ahead.append(evidence[rival] > ENOUGH and bool(outside_sequence(d)[-1]))
    if not evidence:
        return None
    weakest = min(evidence, key=evidence.__getitem__)
    return Lead(agent, weakest, evidence[weakest], all(ahead))


def first_of_each(clusters: Any) -> Any:
    """Return the places of the first contest of each text, in order."""
    import numpy as np

    return np.sort(np.unique(clusters, return_index=True)[1])


@cache
def _nodes() -> Any:
    """Return values of λ from −5 to 5 standard deviations, and the weight of each under N(0, 0.5²)."""
    import numpy as np

    z = np.linspace(-5, 5, 501)
    weights = np.exp(-z * z / 2)
    return z * _RATING_SPREAD, weights / weights.sum()
