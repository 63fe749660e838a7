"""Intervals of a proportion, by three schools."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

Interval = tuple[float, float]


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
