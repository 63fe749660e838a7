"""The statistics the analyses share."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(wins: float, contests: int, confidence: float = 0.95) -> tuple[float, float]:
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
