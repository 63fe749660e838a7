"""The statistics that the analyses share: functions of numbers that know nothing of prompts and agents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, erfc, nan, sqrt
from statistics import NormalDist
from typing import Any

DRAWS = 9_999
LISTED = 1_000
"""Clusters whose sums are listed one by one; of more, only the sums over all are used."""
_BLOCK = 256  # sign patterns at a time: so many fit into the cache of a processor
_EXACT, _EXACT_RANKS, _EXACT_ORDERS = 16, 50, 33
_TINY = 1e-9
_Z_TEST, _Z_POWER = 1.959963984540054, 0.8416212335729143
_POSTERIOR_DRAWS = 20_000
Interval = tuple[float, float]


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

    @classmethod
    def of(cls, sums: Sequence[float], sizes: Sequence[int], squares: float = 0.0) -> ClusterSums:
        """Return the sums over clusters with these sums and sizes; `squares` is needed for `deviation` only."""
        import numpy as np

        s, n = np.asarray(sums, dtype=float), np.asarray(sizes, dtype=float)
        return cls(int(n.sum()), len(s), float(s.sum()), squares, float(s @ s), float(s @ n), float(n @ n))

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


@dataclass(frozen=True)
class FlipTest:
    """A sign-flip test of a mean, and the 95% interval of all means that the same test does not reject.

    The ends are None for fewer than six clusters. `method`: ``exact``, ``monte carlo``, or ``normal`` (the limit).
    """

    p: float
    low: float | None
    high: float | None
    method: str


def sign_flip(sums: Sequence[float], sizes: Sequence[int] | None = None, level: float = 0.05) -> FlipTest:
    """Test whether the mean is zero by flipping the sign of whole clusters, given the sum and size of each.

    Sources: E. J. G. Pitman, Suppl. J. Royal Statistical Society 4 (1937) 119–130; the interval: J. A. Hartigan, JASA
    64 (1969) 1303–1317. A pattern is as extreme at a mean θ as the data where θ lies between the mean of the flipped
    clusters and that of the others, so the ends of the interval are two order statistics. Assumes independent
    clusters, symmetric about the mean. All 2^G patterns for G ≤ 16; beyond, the same 9,999 random ones on every call,
    p = (1 + b)/(1 + B) (Phipson and Smyth 2010).
    """
    import numpy as np

    s = np.asarray(sums, dtype=float)
    n = np.ones(len(s)) if sizes is None else np.asarray(sizes, dtype=float)
    total, size, slack = s.sum(), n.sum(), _TINY * float(np.abs(s).sum())
    patterns, extra = _patterns(len(s)), int(len(s) > _EXACT)
    extreme, lows, highs = extra, [], []
    for block in np.array_split(patterns, 1 + len(patterns) // _BLOCK):
        s_flipped, n_flipped = ((block < 0).astype(float) @ np.column_stack((s, n))).T
        extreme += int((np.abs(total - 2 * s_flipped) >= abs(total) - slack).sum())
        both = (n_flipped > 0) & (n_flipped < size)
        ends = [
            np.divide(a, b, out=np.full(len(block), np.nan), where=both)
            for a, b in ((s_flipped, n_flipped), (total - s_flipped, size - n_flipped))
        ]
        lows.append(np.where(both, np.minimum(*ends), -np.inf))
        highs.append(np.where(both, np.maximum(*ends), np.inf))
    count = len(patterns) + extra
    # The smallest mean that at least `enough` patterns reach has p ≥ level.
    enough = ceil(level * count - _TINY) - extra
    low, high = np.sort(np.concatenate(lows))[enough - 1], np.sort(np.concatenate(highs))[-enough]
    bounded = bool(np.isfinite(low) and np.isfinite(high))
    method = "monte carlo" if extra else "exact"
    return FlipTest(extreme / count, float(low) if bounded else None, float(high) if bounded else None, method)


def sign_flip_limit(sums: ClusterSums) -> FlipTest:
    """Return the limit of `sign_flip` for many clusters.

    A flipped sum has mean 0 and variance Σ (S_g − θ n_g)², and is normal when no cluster dominates (Lindeberg).
    """
    if not sums.sum_squares:
        return FlipTest(1.0, 0.0, 0.0, "normal")
    p = erfc(abs(sums.total) / sqrt(2 * sums.sum_squares))
    z = _Z_TEST**2
    a = sums.n**2 - z * sums.sizes
    b = sums.total * sums.n - z * sums.cross
    c = sums.total**2 - z * sums.sum_squares
    if a <= 0:
        return FlipTest(p, None, None, "normal")
    root = sqrt(max(0.0, b * b - a * c))
    return FlipTest(p, float(b - root) / a, float(b + root) / a, "normal")


def sign_flip_of(sums: Sequence[float], sizes: Sequence[int]) -> FlipTest:
    """Return `sign_flip`, or its limit for more than `LISTED` clusters."""
    return sign_flip(sums, sizes) if len(sums) <= LISTED else sign_flip_limit(ClusterSums.of(sums, sizes))


def signed_rank(values: Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test.

    Source: F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83; zeros are left out. Up to 16 values exact, as the
    sign-flip test of the ranks, ties and all; up to 50 without ties exact; else by the normal limit. Assumes
    independent values, symmetric under the null.
    """
    import numpy as np

    nonzero = np.asarray([value for value in values if abs(value) > _TINY])
    n, ranks = len(nonzero), mid_ranks(np.abs(nonzero))
    if n <= _EXACT:
        return sign_flip(np.sign(nonzero) * ranks).p
    positive = float(ranks[nonzero > 0].sum())
    _, times = np.unique(ranks, return_counts=True)
    if n > _EXACT_RANKS or times.max() > 1:
        return signed_rank_limit(n, positive, float((times**3 - times).sum()))
    ways = np.ones(1)  # by sum of the ranks above zero: how many sets of ranks have it
    for rank in range(1, n + 1):
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    tail = float(ways[: round(min(positive, n * (n + 1) / 2 - positive)) + 1].sum())
    return min(1.0, tail / float(2 ** (n - 1)))


def mid_ranks(values: Any) -> Any:
    """Return the rank of each value from 1, equal values sharing the mean of their ranks."""
    import numpy as np

    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Any = np.cumsum(times) - (times - 1) / 2
    return ranks[place]


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


def kendall(first: Any, second: Any) -> float:
    """Return the two-sided p of Kendall's rank correlation.

    Source: M. G. Kendall, Rank Correlation Methods (1970): without ties exact up to 33 values, else normal with the
    variance corrected for ties. Assumes independent values.
    """
    import numpy as np

    n = len(first)
    a, b = np.triu_indices(n, 1)
    score = float(np.sign(first[b] - first[a]) @ np.sign(second[b] - second[a]))
    ties = [np.unique(values, return_counts=True)[1].astype(float) for values in (first, second)]
    if n <= _EXACT_ORDERS and all(times.max() == 1 for times in ties):
        orders = np.ones(1)  # by number of pairs in the wrong order
        for size in range(2, n + 1):
            orders = np.convolve(orders, np.ones(size))
        return min(1.0, 2 * float(orders[: round((len(a) - abs(score)) / 2) + 1].sum() / orders.sum()))
    pairs = [float((times * (times - 1)).sum()) for times in ties]
    triples = [float((times * (times - 1) * (times - 2)).sum()) for times in ties]
    weighted = [float((times * (times - 1) * (2 * times + 5)).sum()) for times in ties]
    ordered = n * (n - 1)
    variance = (ordered * (2 * n + 5) - sum(weighted)) / 18 + pairs[0] * pairs[1] / (2 * ordered)
    variance += triples[0] * triples[1] / (9 * ordered * (n - 2)) if n > 2 else 0
    return erfc(abs(score) / sqrt(2 * variance)) if variance > 0 else 1.0


def theil_sen(x: Any, y: Any) -> tuple[float, float, float]:
    """Return the median slope of y over x, and its 95% interval; NaN where there are too few slopes.

    Sources: H. Theil (1950); P. K. Sen, JASA 63 (1968) 1379–1389, the interval by Kendall's distribution.
    """
    import numpy as np

    n = len(x)
    a, b = np.triu_indices(n, 1)
    run, rise = x[b] - x[a], y[b] - y[a]
    slopes = np.sort(rise[run != 0] / run[run != 0])
    ties = [np.unique(values, return_counts=True)[1].astype(float) for values in (x, y)]
    tied = sum(float((times * (times - 1) * (2 * times + 5)).sum()) for times in ties)
    spread = n * (n - 1) * (2 * n + 5) - tied
    if spread < 0 or not len(slopes):
        return float(np.median(slopes)), nan, nan
    reach = _Z_TEST * sqrt(spread / 18)
    low = slopes[max(round((len(slopes) - reach) / 2) - 1, 0)]
    high = slopes[min(round((len(slopes) + reach) / 2), len(slopes) - 1)]
    return float(np.median(slopes)), float(low), float(high)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that rises from below zero at `low` reaches zero, by bisection."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return middle


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


@dataclass(frozen=True)
class SizeTable:
    """What a clustered mean needs: per size n_g, the number of clusters of this size, and their Σ S_g and Σ S_g²."""

    sizes: tuple[int, ...]
    clusters: tuple[int, ...]
    totals: tuple[float, ...]
    squares: tuple[float, ...]

    @classmethod
    def of(cls, sums: Sequence[float], sizes: Sequence[int]) -> SizeTable:
        """Return the table of clusters with these sums and sizes."""
        by_size: dict[int, list[float]] = {}
        for total, size in zip(sums, sizes, strict=True):
            by_size.setdefault(size, []).append(total)
        found = [(size, len(some), sum(some), sum(s * s for s in some)) for size, some in sorted(by_size.items())]
        return cls(*zip(*found, strict=True))

    @property
    def n(self) -> int:
        """The number of observations."""
        return sum(size * count for size, count in zip(self.sizes, self.clusters, strict=True))

    @property
    def n_effective(self) -> float:
        """The least number of independent observations that these are worth: n²/Σ n_g² (Kish 1965, §8.2)."""
        return self.n**2 / sum(size**2 * count for size, count in zip(self.sizes, self.clusters, strict=True))


def clustered_mean(table: SizeTable) -> tuple[float, float | None, float | None]:
    """Return the mean, its CR2 standard error and the degrees of freedom; None for fewer than two clusters.

    Sources: R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002) 169–181; J. E. Pustejovsky and E. Tipton,
    JBES 36 (2018) 672–683. For a mean, each cluster weighs w_g = 1/(1 − n_g/n). Assumes independent clusters.
    """
    import numpy as np

    size, count, total, square = (
        np.asarray(column, dtype=float) for column in (table.sizes, table.clusters, table.totals, table.squares)
    )
    n = table.n
    mean = float(total.sum()) / n
    if count.sum() < 2:
        return mean, None, None
    weight = 1 / (1 - size / n)
    spread = float((weight * (square - 2 * mean * size * total + mean**2 * size**2 * count)).sum())
    spread = spread if spread > _TINY * float((weight * square).sum()) else 0.0
    wide = float((weight * size**2) @ count) ** 2 - float((weight**2 * size**4) @ count)
    return mean, sqrt(spread) / n, n**2 / (float(size**2 @ count) + wide / n**2)


def clustered_interval(table: SizeTable, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Return the t interval of a clustered mean; None for fewer than two clusters."""
    from scipy.special import stdtrit

    mean, error, free = clustered_mean(table)
    if error is None or free is None:
        return None, None
    half = float(stdtrit(free, (1 + confidence) / 2)) * error
    return mean - half, mean + half


def clustered_share(table: SizeTable, interval: str = "wilson", confidence: float = 0.95) -> Interval:
    """Return the interval of a share of wins, with the number of contests replaced by the effective number.

    Sources: E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193–201: n* = p(1 − p)/se² (z/t)², at most n;
    in Wilson's interval: C. Franco and others, J. Survey Statistics and Methodology 7 (2019) 334–364. Where nothing
    varies, n* is n²/Σ n_g² (z/t)².
    """
    from scipy.special import stdtrit

    share, error, free = clustered_mean(table)
    if error is None or free is None:
        return INTERVALS[interval](share, 1.0, confidence)
    z = float(stdtrit(1e9, (1 + confidence) / 2))
    worth = share * (1 - share) / error**2 if error else table.n_effective
    effective = min(table.n, max(1.0, worth) * (z / float(stdtrit(free, (1 + confidence) / 2))) ** 2)
    return INTERVALS[interval](share * effective, effective, confidence)


def wilson_interval(wins: float, contests: float, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion, as fractions of 1.

    Source: E. B. Wilson, JASA 22 (1927) 209–212. Assumes independent contests; wins may be fractional (shared ties).
    Without contests the interval is the whole of 0–1.
    """
    if not contests:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, spread = wins / contests, z * z / contests
    middle = (rate + spread / 2) / (1 + spread)
    half = z * sqrt(rate * (1 - rate) / contests + spread / (4 * contests)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def exact_interval(wins: float, contests: float, confidence: float = 0.95) -> Interval:
    """Return the interval that covers at least as often as it says, whatever the true rate.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404–413. Assumes independent contests.
    """
    return _beta_interval(wins, wins + 1, contests, confidence)


def jeffreys_interval(wins: float, contests: float, confidence: float = 0.95) -> Interval:
    """Return the equal-tailed posterior interval under Jeffreys' prior, Beta(½, ½).

    Source: Brown, Cai and DasGupta, Statistical Science 16 (2001) 101–133, with their ends at 0 and 1. Assumes
    independent contests.
    """
    return _beta_interval(wins + 0.5, wins + 0.5, contests, confidence)


INTERVALS: dict[str, Callable[..., Interval]] = {
    "wilson": wilson_interval,
    "clopper-pearson": exact_interval,
    "jeffreys": jeffreys_interval,
}


def _beta_interval(below: float, above: float, contests: float, confidence: float) -> Interval:
    from scipy.special import betaincinv

    if not contests:
        return 0.0, 1.0
    tail, total = (1 - confidence) / 2, contests + 1
    # Without a win nothing lies below the rate, and without a loss nothing above it.
    low = 0.0 if below <= 0.5 else float(betaincinv(below, total - below, tail))
    high = 1.0 if total - above <= 0.5 else float(betaincinv(above, total - above, 1 - tail))
    return low, high


@dataclass(frozen=True)
class Agreement:
    """Agreement of two raters, raw and beyond chance.

    Attributes
    ----------
    raw, kappa, ac1 : float or None
        Share of contests agreed on, Cohen's κ and Gwet's AC1; None where not defined.
    kappa_degenerate : bool
        Whether a rater names one category only: κ is then 0 or not defined, however well the two agree.
    """

    n: int
    raw: float | None
    kappa: float | None
    kappa_degenerate: bool
    ac1: float | None


def agreement(n: int, agreed: float, first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return raw agreement, Cohen's κ and Gwet's AC1 from the agreed count and each rater's counts per category.

    Sources: J. Cohen, Educational and Psychological Measurement 20 (1960) 37–46; K. L. Gwet, British J. Mathematical
    and Statistical Psychology 61 (2008) 29–48. A shared win counts as a fraction. Assumes independent contests.
    """
    if not n:
        return Agreement(0, None, None, True, None)
    raw, categories = agreed / n, len(first)
    ours, theirs = [count / n for count in first], [count / n for count in second]
    chance = sum(a * b for a, b in zip(ours, theirs, strict=True))
    degenerate = max(ours) > 1 - 1e-9 or max(theirs) > 1 - 1e-9
    means = [(a + b) / 2 for a, b in zip(ours, theirs, strict=True)]
    spread = sum(mean * (1 - mean) for mean in means) / (categories - 1) if categories > 1 else None
    return Agreement(
        n,
        raw,
        (raw - chance) / (1 - chance) if chance < 1 - 1e-9 else None,
        degenerate,
        (raw - spread) / (1 - spread) if spread is not None else None,
    )


def chance_of_first(wins: Sequence[float], seed: int = 0) -> list[tuple[float, float]]:
    """Return per competitor the posterior chance of the highest win rate, and the win rate lost by choosing it.

    Dirichlet posterior with Jeffreys' prior of ½ each (A. Gelman and others, Bayesian Data Analysis, 3rd ed.
    (2013) §3.4), by 20,000 seeded draws. Assumes independent contests with one win to share among all competitors.
    """
    import numpy as np

    rates = np.random.default_rng(seed).dirichlet(np.asarray(wins, dtype=float) + 0.5, size=_POSTERIOR_DRAWS)
    highest = rates.max(axis=1, keepdims=True)
    first, regret = (rates == highest).mean(axis=0), (highest - rates).mean(axis=0)
    return [(float(p), float(r)) for p, r in zip(first, regret, strict=True)]
