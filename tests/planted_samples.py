"""Samples with planted effects, as the sums that the analysis reads from the database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import numpy as np

from dbtools.analysis.pairs import PairedSums
from dbtools.analysis.statistics import ClusterSums


def samples(documented: int, quick: int) -> int:
    """Return how many samples to draw: those that docs/statistics.md tells of with ``make calibration``, else few."""
    return documented if os.environ.get("CALIBRATION") == "all" else quick


def sums_of(values: Iterable[float], group: Iterable[int]) -> ClusterSums:
    """Return the sums of values in clusters."""
    values, group = np.asarray(list(values), dtype=float), np.asarray(list(group))
    _, place = np.unique(group, return_inverse=True)
    s, n = np.bincount(place, values), np.bincount(place)
    return ClusterSums(len(values), len(s), values.sum(), (values**2).sum(), (s**2).sum(), (s * n).sum(), (n**2).sum())


def paired_sums_of(totals: Mapping[str, np.ndarray], group: Iterable[int] | None = None) -> list[PairedSums]:
    """Return the sums of every pair of agents, from every agent's total in each contest."""
    names, found = sorted(totals), []
    for a, b in ((a, b) for a in names for b in names if a < b):
        d = totals[a] - totals[b]
        clusters = np.arange(len(d)) if group is None else np.asarray(group)
        _, place = np.unique(clusters, return_inverse=True)
        s = np.bincount(place, d)
        listed = tuple(zip(s, np.bincount(place), strict=True))
        found.append(PairedSums(a, b, sums_of(d, clusters), int((d > 0).sum()), int((d == 0).sum()), listed))
    return found
