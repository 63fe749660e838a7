"""The statistics that the analyses share: functions of numbers that know nothing of prompts and agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, sqrt
from typing import Any

DRAWS = 9_999
_EXACT = 16
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


def wilson_interval(wins: float, contests: int, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion, as fractions of 1.

    Source: E. B. Wilson, JASA 22 (1927) 209–212. Assumes independent contests; wins may be fractional (shared ties).
    Without contests the interval is the whole of 0–1.
    """
    if not contests:
        return 0.0, 1.0
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, spread = wins / contests, z * z / contests
    middle = (rate + spread / 2) / (1 + spread)
    half = z * sqrt(rate * (1 - rate) / contests + spread / (4 * contests)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def exact_interval(wins: float, contests: int, confidence: float = 0.95) -> Interval:
    """Return the interval that covers at least as often as it says, whatever the true rate.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404–413. Assumes independent contests.
    """
    return _beta_interval(wins, wins + 1, contests, confidence)


def jeffreys_interval(wins: float, contests: int, confidence: float = 0.95) -> Interval:
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


def _beta_interval(below: float, above: float, contests: int, confidence: float) -> Interval:
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

    rates = np.random.default_rng(seed).dirichlet(np.asarray(wins, dtype=float) + 0.5, size=_POSTERIOR_DRAWS)
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
