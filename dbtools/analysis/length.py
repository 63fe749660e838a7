"""The difference between two agents with the length of their texts held equal."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from dbtools.analysis.statistics import LISTED

_TINY = 1e-9
_RARE = 0.1
_EQUAL = 0.1


@dataclass(frozen=True)
class EqualLength:
    """The mean difference at equal length.

    Attributes
    ----------
    difference, low, high : float or None
        The difference and its 95% interval; None where the effect of the length cannot be separated.
    extrapolated : bool
        Whether one agent writes the shorter text in fewer than 10% of the contests: the difference at equal length then
        rests on the straight line.
    """

    difference: float | None
    low: float | None
    high: float | None
    extrapolated: bool


def at_equal_length(differences: Any, ratios: Any, clusters: Any) -> EqualLength | None:
    """Return the difference at equal length: the intercept of a regression on the log ratio of the two lengths.

    Sources, for votes: T. Li and others, "Does style matter?" (LMSYS, 2024); Y. Dubois and others, arXiv 2404.04475.
    Here for scores within prompts, with the CR2 standard error and Bell–McCaffrey degrees of freedom. None where the
    lengths differ by less than 10% on average, or are unknown. Assumes that the score is linear in the log length.

    Parameters
    ----------
    differences, ratios, clusters : array
        Per contest: d, the logarithm of the length of one text over that of the other (nan: unknown), and its cluster.
    """
    import numpy as np
    from scipy.special import stdtrit

    known = np.isfinite(ratios)
    d, x = np.asarray(differences, dtype=float)[known], np.asarray(ratios, dtype=float)[known]
    _, place = np.unique(np.asarray(clusters)[known], return_inverse=True)
    if not len(x) or np.abs(x).mean() < _EQUAL:
        return None
    extrapolated = bool(min((x <= 0).mean(), (x >= 0).mean()) < _RARE)
    if place.max() < 2 or np.ptp(x) < _TINY:
        return EqualLength(None, None, None, extrapolated)
    intercept, error, free = clustered_intercept(d, x, place)
    half = float(stdtrit(free, 0.975)) * error if error else 0.0
    return EqualLength(intercept, intercept - half, intercept + half, extrapolated)


def clustered_intercept(y: Any, x: Any, place: Any) -> tuple[float, float, float]:
    """Return the intercept of a line, its clustered standard error, and the degrees of freedom.

    Sources: R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002) 169–181; G. W. Imbens and M. Kolesár, Review
    of Economics and Statistics 98 (2016) 701–712. Beyond 1,000 clusters the plain sandwich with G/(G − 1) is the same.

    Parameters
    ----------
    place : array
        The number of each observation's cluster, from 0.
    """
    import numpy as np

    design = np.column_stack([np.ones(len(x)), x])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ (design.T @ y)
    rest, weight, groups = y - design @ beta, design @ inverse[0], int(place.max()) + 1
    if float(rest @ rest) <= _TINY * float(y @ y):
        return float(beta[0]), 0.0, float(groups - 1)
    if groups > LISTED:
        spread = float((np.bincount(place, weight * rest) ** 2).sum())
        error = sqrt(spread * groups / (groups - 1))
        return float(beta[0]), error, float(groups - 1)
    order = np.argsort(place, kind="stable")
    scores: list[float] = []
    lengths: list[float] = []
    sums = []
    for rows in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        part = design[rows]
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - part @ inverse @ part.T)
        roots = np.where(values > _TINY, 1 / np.sqrt(np.maximum(values, _TINY)), 0.0)
        adjusted = (vectors * roots) @ (vectors.T @ weight[rows])
        scores.append(float(adjusted @ rest[rows]))
        lengths.append(float(adjusted @ adjusted))
        sums.append(part.T @ adjusted)
    return float(beta[0]), sqrt(sum(s * s for s in scores)), _freedom(lengths, np.array(sums), inverse)


def _freedom(lengths: list[float], sums: Any, inverse: Any) -> float:
    """Return (Σ λ)²/Σ λ² of the matrix (p_g · p_h) of the adjusted scores, without building it."""
    import numpy as np

    own = np.array(lengths)
    inner = np.einsum("gi,ij,gj->g", sums, inverse, sums)
    cross = inverse @ (sums.T @ sums)
    squares = float((own**2).sum() - 2 * (own * inner).sum() + np.trace(cross @ cross))
    return float(own.sum() - inner.sum()) ** 2 / squares
