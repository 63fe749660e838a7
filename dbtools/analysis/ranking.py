"""A ranking of competitors by their wins over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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


def bradley_terry(names: Sequence[str], results: Mapping[tuple[str, str], tuple[float, float, float]]) -> Ranking:
    """Rank competitors by their wins over each other, ties as an outcome of their own.

    Source: R. R. Davidson, JASA 65 (1970) 317–328; separation by Ford's condition (L. R. Ford, American Mathematical
    Monthly 64 (1957) 28–33). Intervals are Wald's, from the observed information; contests are taken as independent.

    Parameters
    ----------
    results : mapping
        (a, b) → how often a won, b won, and both were equal.
    """
    import numpy as np

    place = {name: i for i, name in enumerate(names)}
    pairs = [(place[a], place[b], *counts) for (a, b), counts in results.items() if sum(counts)]
    state = _state(len(names), pairs)
    if state != "ranked":
        return Ranking(state)
    first, second = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    counts = np.array([pair[2:] for pair in pairs], dtype=float)
    tied = bool(counts[:, 2].any())
    estimate, covariance = _fit(len(names), first, second, counts, tied)
    errors = 1.959964 * np.sqrt(np.clip(np.diag(covariance), 0, None))
    # Digits beyond those that the fit settles differ from one processor to the next; 0.0 has no sign.
    limits = np.round([estimate, estimate - errors, estimate + errors], 12).T + 0.0
    found = [Strength(name, *map(float, row)) for name, row in zip(names, limits, strict=True)]
    return Ranking("ranked", tuple(sorted(found, key=lambda one: (-one.strength, one.name))))


def _state(competitors: int, pairs: Sequence[tuple[Any, ...]]) -> str:
    import numpy as np

    if competitors < 2 or not pairs:
        return "empty"
    # From each to whom it won against at least half a time; estimates are finite when that leads round everywhere.
    beats = np.eye(competitors, dtype=bool)
    for a, b, won, lost, tied in pairs:
        beats[a, b] |= bool(won + tied)
        beats[b, a] |= bool(lost + tied)
    if not reachable(beats | beats.T).all():
        return "unconnected"
    return "ranked" if reachable(beats).all() else "separated"


def reachable(edges: Any) -> Any:
    """Return who can be reached from whom over any number of edges; each must have an edge to itself."""
    for _ in range(len(edges).bit_length()):
        edges = edges @ edges
    return edges


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
