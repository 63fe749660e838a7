"""A ranking from who beat whom, and the chance of being first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DRAWS = 20_000


@dataclass(frozen=True)
class Strength:
    """How strong one competitor is: log-odds against the average one, with its 95% interval."""

    name: str
    strength: float
    low: float
    high: float


@dataclass(frozen=True)
class Ranking:
    """A Bradley–Terry ranking.

    Attributes
    ----------
    state : str
        ``ranked``; ``separated``: some group won or lost everything against the rest, so that its strength has no
        finite estimate; ``unconnected``: some never met, so that there is no common scale; ``empty``.
    strengths : tuple of Strength
        Strongest first; empty unless ranked.
    """

    state: str
    strengths: tuple[Strength, ...] = ()


def bradley_terry(names: Sequence[str], meetings: Mapping[tuple[str, str], tuple[float, float, float]]) -> Ranking:
    """Rank competitors by their wins over each other, ties as an outcome of their own.

    Source: R. R. Davidson, JASA 65 (1970) 317–328; separation by Ford's condition (L. R. Ford, American Mathematical
    Monthly 64 (1957) 28–33). Intervals are Wald's, from the observed information; meetings are taken as independent.

    Parameters
    ----------
    meetings : mapping
        (a, b) → how often a won, b won, and both were equal.
    """
    import numpy as np

    place = {name: i for i, name in enumerate(names)}
    pairs = [(place[a], place[b], *counts) for (a, b), counts in meetings.items() if sum(counts)]
    state = _state(len(names), pairs)
    if state != "ranked":
        return Ranking(state)
    first, second = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    counts = np.array([pair[2:] for pair in pairs], dtype=float)
    tied = bool(counts[:, 2].any())
    estimate, covariance = _fit(len(names), first, second, counts, tied)
    errors = np.sqrt(np.clip(np.diag(covariance), 0, None))
    found = [
        Strength(name, float(s), float(s - 1.959964 * e), float(s + 1.959964 * e))
        for name, s, e in zip(names, estimate, errors, strict=True)
    ]
    return Ranking("ranked", tuple(sorted(found, key=lambda one: (-one.strength, one.name))))


def chance_of_first(wins: Sequence[float], seed: int = 0) -> list[tuple[float, float]]:
    """Return per competitor the posterior chance of the highest win rate, and the win rate lost by choosing it.

    Dirichlet posterior with Jeffreys' prior of ½ each (A. Gelman and others, Bayesian Data Analysis, 3rd ed.
    (2013) §3.4), by 20,000 seeded draws. Assumes independent contests with one win to share among all competitors.
    """
    import numpy as np

    rates = np.random.default_rng(seed).dirichlet(np.asarray(wins, dtype=float) + 0.5, size=_DRAWS)
    highest = rates.max(axis=1, keepdims=True)
    first, regret = (rates == highest).mean(axis=0), (highest - rates).mean(axis=0)
    return [(float(p), float(r)) for p, r in zip(first, regret, strict=True)]


def _state(competitors: int, pairs: Sequence[tuple[Any, ...]]) -> str:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if competitors < 2 or not pairs:
        return "empty"
    # An edge runs from who won at least half a time to whom; estimates are finite when it leads round everywhere.
    edges = [(a, b) for a, b, won, _, tied in pairs if won + tied] + [
        (b, a) for a, b, _, lost, tied in pairs if lost + tied
    ]
    rows, columns = zip(*edges, strict=True)
    graph = coo_array(([1] * len(edges), (rows, columns)), shape=(competitors, competitors))
    if connected_components(graph, directed=True, connection="weak")[0] > 1:
        return "unconnected"
    return "ranked" if connected_components(graph, directed=True, connection="strong")[0] == 1 else "separated"


def _fit(competitors: int, first: Any, second: Any, counts: Any, tied: bool) -> tuple[Any, Any]:
    """Return log-strengths that sum to 0 and their covariance: Newton's method on the concave log-likelihood."""
    import numpy as np

    # Features of the three outcomes of each pair: the winner's strength; half of both and the readiness to tie.
    rows = np.arange(len(first))
    features = np.zeros((len(first), 3, competitors + 1))
    features[rows, 0, first] = features[rows, 1, second] = 1
    features[rows, 2, first] = features[rows, 2, second] = 0.5
    features[:, 2, -1] = 1
    offset = np.array([0.0, 0.0, 0.0 if tied else -np.inf])
    theta, totals = np.zeros(competitors + 1), counts.sum(axis=1, keepdims=True)
    for _ in range(200):
        logits = features @ theta + offset
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        gradient = ((counts - totals * shares)[..., None] * features).sum(axis=(0, 1))
        centred = features - (shares[..., None] * features).sum(axis=1, keepdims=True)
        weights = (totals * shares)[..., None, None]
        information = (weights * centred[..., :, None] * centred[..., None, :]).sum(axis=(0, 1))
        inverse = np.linalg.pinv(information)
        step = inverse @ gradient
        theta = theta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    return theta[:-1] - theta[:-1].mean(), inverse[:-1, :-1]
