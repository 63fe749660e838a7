"""Evidence that may be looked at after every contest: the error rate covers all looks together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

ENOUGH = 20.0
"""A claim holds above this evidence: when there is nothing to find, the chance to ever get there is at most 1/20."""
_RATING_SPREAD = 0.5


@dataclass(frozen=True)
class Lead:
    """The agent that is ahead of every rival, and how sure that is.

    Attributes
    ----------
    agent, rival : str
        The agent ahead, and the rival that it is least surely ahead of.
    evidence : float
        The e-value against that rival; 1 is no evidence.
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
        against = [(wins.get((agent, rival), 0), wins.get((rival, agent), 0), rival) for rival in sorted(agents)]
        rivals = [(won, lost, rival) for won, lost, rival in against if rival != agent]
        if not rivals or any(won <= lost for won, lost, _ in rivals):
            continue
        evidence, rival = min((rating_evidence(won, lost), rival) for won, lost, rival in rivals)
        found = Lead(agent, rival, evidence, evidence > ENOUGH)
    return found


@cache
def _nodes() -> Any:
    """Return values of λ from −5 to 5 standard deviations, and the weight of each under N(0, 0.5²)."""
    import numpy as np

    z = np.linspace(-5, 5, 501)
    weights = np.exp(-z * z / 2)
    return z * _RATING_SPREAD, weights / weights.sum()
