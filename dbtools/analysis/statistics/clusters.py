"""Means and differences whose observations come in clusters: from sums over clusters, never from single rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, sqrt
from typing import Any

DRAWS = 9_999
_EXACT = 16
_TINY = 1e-9


@dataclass(frozen=True)
class ClusterSums:
    """What clustered statistics need of a sample: sums over its observations and over its G clusters.

    Attributes
    ----------
    n, clusters : int
        Observations, and the clusters G they come in.
    total, squares : float
        Σ of the observations, and of their squares.
    sum_squares, cross, sizes : float
        Over the clusters, with S_g the sum and n_g the size of one: Σ S_g², Σ S_g n_g, Σ n_g².
    """

    n: int
    clusters: int
    total: float
    squares: float
    sum_squares: float
    cross: float
    sizes: float

    @property
    def mean(self) -> float:
        """The mean of the observations."""
        return self.total / self.n

    @property
    def deviation(self) -> float:
        """The standard deviation of single observations; 0 for fewer than two."""
        spread = self.squares - self.n * self.mean**2
        # Of equal values the difference of two large sums leaves only noise.
        return sqrt(spread / (self.n - 1)) if self.n > 1 and spread > _TINY * self.squares else 0.0

    @property
    def error(self) -> float | None:
        """The standard error of the mean when whole clusters are what was drawn; None for fewer than two clusters.

        Source: E. Miller, "Adding Error Bars to Evals" (2024), arXiv 2411.00640, with the factor G/(G−1) of
        Cameron and Miller, J. Human Resources 50 (2015) 317–372. Assumes independent clusters.
        """
        if self.clusters < 2:
            return None
        spread = self.sum_squares - 2 * self.mean * self.cross + self.mean**2 * self.sizes
        spread = spread if spread > _TINY * self.sum_squares else 0.0
        return sqrt(spread * self.clusters / (self.clusters - 1)) / self.n

    @property
    def n_effective(self) -> float:
        """How many independent observations these are worth at least: n²/Σ n_g².

        Source: L. Kish, Survey Sampling (1965) §8.2, with the correlation within clusters at its largest, 1: a repeated
        text is taken to tell nothing new.
        """
        return self.n**2 / self.sizes if self.sizes else 0.0

    def interval(self, *, clustered: bool = True, confidence: float = 0.95) -> tuple[float | None, float | None]:
        """Return the t interval of the mean: on G − 1 degrees of freedom, or on n − 1 as if no cluster repeated.

        None where there is nothing to estimate a spread from.
        """
        from scipy.special import stdtrit

        error = self.error if clustered else self.deviation / sqrt(self.n) if self.n > 1 else None
        if error is None:
            return None, None
        half = float(stdtrit((self.clusters if clustered else self.n) - 1, (1 + confidence) / 2)) * error
        return self.mean - half, self.mean + half

    @property
    def detectable(self) -> float | None:
        """The smallest true mean that a two-sided 5% test would have found in 80 of 100 such samples.

        Source: H. S. Bloom, Evaluation Review 19 (1995) 547–556: (z.975 + z.80) × the clustered standard error. None
        where nothing varies.
        """
        return (_Z_TEST + _Z_POWER) * self.error if self.error else None


_Z_TEST, _Z_POWER = 1.959963984540054, 0.8416212335729143


def sign_flip(sums: Sequence[float]) -> tuple[float, str]:
    """Return the two-sided p of a sum of clusters being zero, by flipping the sign of whole clusters, and how.

    Source: E. J. G. Pitman, Suppl. J. Royal Statistical Society 4 (1937) 119–130. Assumes independent clusters whose
    sums are symmetric about zero under the null. All 2^G sign patterns for G ≤ 16 ("exact"); beyond, the same 9,999
    random patterns on every call, p = (1 + b)/(1 + B) (Phipson and Smyth 2010; "monte carlo").
    """
    import numpy as np

    values = np.asarray(sums, dtype=float)
    observed = abs(values.sum()) - _TINY * np.abs(values).sum()
    signs = _patterns(len(values))
    extreme = sum(
        int((abs(block @ values) >= observed).sum()) for block in np.array_split(signs, 1 + len(signs) // 2048)
    )
    if len(values) <= _EXACT:
        return extreme / len(signs), "exact"
    return (1 + extreme) / (1 + DRAWS), "monte carlo"


def sign_flip_limit(total: float, sum_squares: float) -> tuple[float, str]:
    """Return what `sign_flip` comes to for very many clusters, from Σ S_g and Σ S_g².

    A flipped sum has mean 0 and variance Σ S_g²; by Lindeberg's theorem it is normal when no cluster dominates.
    """
    return (erfc(abs(total) / sqrt(2 * sum_squares)) if sum_squares else 1.0), "normal"


def signed_rank(values: Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test.

    Source: F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83; zeros are left out. Up to 16 values exact, as the
    sign-flip test of the ranks, ties and all; beyond, by ``scipy.stats.wilcoxon``. Assumes independent values,
    symmetric under the null.
    """
    import numpy as np
    from scipy.stats import rankdata, wilcoxon

    nonzero = np.asarray([value for value in values if abs(value) > _TINY])
    if len(nonzero) <= _EXACT:
        return sign_flip(np.sign(nonzero) * rankdata(abs(nonzero)))[0]
    return float(wilcoxon(nonzero).pvalue)


def signed_rank_limit(n: int, positive: float, ties: float) -> float:
    """Return what `signed_rank` comes to for very many values, from their ranks.

    Parameters
    ----------
    n, positive, ties
        How many values are not zero; the sum of the mid-ranks (by size) of those above zero; Σ (t³ − t) over groups of
        t of the same size.
    """
    variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    return erfc(abs(positive - n * (n + 1) / 4) / sqrt(2 * variance)) if variance > 0 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for being a family, in their order.

    Source: S. Holm, Scandinavian J. Statistics 6 (1979) 65–70. Assumes nothing of how the tests depend on each other.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


@lru_cache(maxsize=4)
def _patterns(clusters: int) -> Any:
    """Return sign patterns, one per row: all of them, or always the same random ones."""
    import numpy as np

    if clusters <= _EXACT:
        # The mirror of a pattern gives the same absolute sum, so half of them stand for all.
        numbers = np.arange(2 ** max(clusters - 1, 0))[:, None] >> np.arange(clusters)
        return np.where(numbers & 1, -1, 1).astype(np.int8)
    rng = np.random.default_rng(clusters)
    return rng.integers(0, 2, size=(DRAWS, clusters), dtype=np.int8) * np.int8(2) - np.int8(1)
