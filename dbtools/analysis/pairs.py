"""Agents compared in pairs, within the same prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dbtools.analysis.length import at_equal_length
from dbtools.analysis.query import Row, RowFilter, columns, materialize_query, rows
from dbtools.analysis.statistics import (
    LISTED,
    ClusterSums,
    holm,
    sign_flip,
    sign_flip_limit,
    signed_rank,
    signed_rank_limit,
)
from dbtools.database.engine import register

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

SHOWN = {
    "a": "",
    "b": "",
    "n": "",
    "clusters": "",
    "difference": "+.2f",
    "low_clustered": "+.2f",
    "high_clustered": "+.2f",
    "effect": ".2f",
    "superiority": ".2f",
    "equal_length": "+.2f",
    "low_equal_length": "+.2f",
    "high_equal_length": "+.2f",
    "mde": ".2f",
    "p_exact": "",
    "p_holm": "",
    "p_wilcoxon": "",
}
"""The columns of the pairs that a table shows, each with its format; empty: the table's default."""


@dataclass(frozen=True)
class PairedSums:
    """The contests between two agents, as sums: d is the outcome of `a` less that of `b`.

    Attributes
    ----------
    above, ties : int
        Contests with d > 0, and with d = 0.
    listed : tuple of (sum, size), or None
        d over each cluster; None for more than `LISTED` clusters.
    ranks : (int, float, float)
        Of the cluster means that are not 0: how many, the rank sum of those above 0, the correction for ties.
    """

    a: str
    b: str
    sums: ClusterSums
    above: int
    ties: int
    listed: tuple[tuple[float, int], ...] | None
    ranks: tuple[int, float, float] = (0, 0.0, 0.0)


@dataclass(frozen=True)
class Pair:
    """By how much agent `a` is above agent `b` in the contests of both.

    Attributes
    ----------
    n, clusters : int
        Contests, and different prompt texts among them.
    difference, low, high : float
        Mean paired difference and its 95% t interval over contests, each taken as independent.
    low_clustered, high_clustered : float or None
        The interval of the sign-flip test, with repeated texts as one draw: 0 is outside where `p_exact` < 0.05.
        None for fewer than six texts.
    effect : float or None
        The difference in standard deviations of single differences (Cohen's d_z).
    superiority : float
        P(a above b) + ½ P(tie).
    p_exact, method : float, str
        Sign-flip test over clusters: ``exact``, ``monte carlo``, or ``normal`` (its limit).
    p_holm : float
        `p_exact` adjusted for all pairs compared.
    p_wilcoxon : float
        Signed-rank test of the cluster means, as a cross-check.
    mde : float or None
        Minimum detectable effect of this pair alone: smaller true differences would be missed more than 1 time in 5.
    error : float or None
        The clustered standard error of the difference.
    equal_length, low_equal_length, high_equal_length : float or None
        The difference with the length of the two texts held equal, and its 95% interval; None where the texts are
        about equally long, or length and agent cannot be separated.
    extrapolated : bool
        Whether one of the two nearly always writes the longer text, so that `equal_length` is an extrapolation.
    """

    a: str
    b: str
    n: int
    clusters: int
    difference: float
    low: float | None
    high: float | None
    low_clustered: float | None
    high_clustered: float | None
    effect: float | None
    superiority: float
    p_exact: float
    p_holm: float
    p_wilcoxon: float
    mde: float | None
    method: str
    error: float | None = None
    equal_length: float | None = None
    low_equal_length: float | None = None
    high_equal_length: float | None = None
    extrapolated: bool = False

    def seen_by(self, agent: str) -> Pair:
        """Return the pair with `agent` as the first of the two."""
        if agent == self.a:
            return self
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=-self.difference,
            low=_minus(self.high),
            high=_minus(self.low),
            low_clustered=_minus(self.high_clustered),
            high_clustered=_minus(self.low_clustered),
            effect=_minus(self.effect),
            superiority=1 - self.superiority,
            equal_length=_minus(self.equal_length),
            low_equal_length=_minus(self.high_equal_length),
            high_equal_length=_minus(self.low_equal_length),
        )


@dataclass(frozen=True)
class ContestDifferences:
    """The contests between two agents in time order: arrays of the cluster, d, and the log ratio of the lengths."""

    clusters: Any
    differences: Any
    ratios: Any


def paired_sums(
    connection: Engine,
    row_filter: RowFilter,
    outcome: str = "total",
    *,
    distinct: bool = False,
    ranked: bool = True,
) -> list[PairedSums]:
    """Return the sums of every pair of agents for an outcome (``total``, or a kind of win). Reads only.

    The rows are those of the last `select_entries`.

    Without ranks (the slowest part), `Pair.p_wilcoxon` of more than `LISTED` texts is 1.
    """
    materialize_query(connection, "clusters", scale=row_filter.scale, outcome=outcome, distinct=distinct)
    pairs = rows(connection, "pairs")
    listed: dict[tuple[str, str], list[tuple[float, int]]] = {}
    ranks: dict[tuple[str, str], tuple[int, float, float]] = {}
    if any(row["clusters"] <= LISTED for row in pairs):
        for row in rows(connection, "text_differences", limit=LISTED):
            listed.setdefault((row["a"], row["b"]), []).append((row["s"], row["n"]))
    if ranked and any(row["clusters"] > LISTED for row in pairs):
        for row in rows(connection, "ranks"):
            ranks[row["a"], row["b"]] = int(row["ranked"]), float(row["positive"]), float(row["rank_ties"])
    return [_paired_sums(row, listed.get((row["a"], row["b"])), ranks.get((row["a"], row["b"]))) for row in pairs]


def contest_differences(
    connection: Engine, row_filter: RowFilter, family: Sequence[PairedSums]
) -> dict[tuple[str, str], ContestDifferences]:
    """Return the single contests of every pair of a family, by total. Reads only."""
    import numpy as np

    numbers = [(pair.a, pair.b, number) for number, pair in enumerate(family)]
    register(connection, "pair_numbers", "a VARCHAR, b VARCHAR, pair INTEGER", numbers)
    found = columns(connection, "differences", scale=row_filter.scale)
    ends = np.searchsorted(found["pair"], np.arange(len(family) + 1))
    parts = found["cluster"], found["d"], np.asarray(found["ratio"], dtype=float)
    return {
        (pair.a, pair.b): ContestDifferences(*(part[start:end] for part in parts))
        for pair, start, end in zip(family, ends, ends[1:], strict=False)
    }


def with_lengths(pairs: Iterable[Pair], differences: Mapping[tuple[str, str], ContestDifferences]) -> tuple[Pair, ...]:
    """Add to every pair its difference at equal length."""
    return tuple(_with_length(pair, differences) for pair in pairs)


def _with_length(pair: Pair, differences: Mapping[tuple[str, str], ContestDifferences]) -> Pair:
    turned = (pair.a, pair.b) not in differences
    found = differences[(pair.b, pair.a) if turned else (pair.a, pair.b)]
    equal = at_equal_length(found.differences, found.ratios, found.clusters)
    if equal is None:
        return pair
    first = pair.seen_by(pair.b) if turned else pair
    first = replace(
        first,
        equal_length=equal.difference,
        low_equal_length=equal.low,
        high_equal_length=equal.high,
        extrapolated=equal.extrapolated,
    )
    return first.seen_by(pair.a)


def compare(family: Iterable[PairedSums]) -> tuple[Pair, ...]:
    """Compare every pair of a family; the first of each pair is the one above, the largest difference first."""
    pairs = [_pair(pair_sums if pair_sums.sums.total >= 0 else _turned(pair_sums)) for pair_sums in family]
    adjusted = holm([pair.p_exact for pair in pairs])
    pairs = [replace(pair, p_holm=p) for pair, p in zip(pairs, adjusted, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: (-pair.difference, pair.a, pair.b)))


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _paired_sums(
    row: Row, listed: list[tuple[float, int]] | None, ranks: tuple[int, float, float] | None
) -> PairedSums:
    sums = ClusterSums(
        int(row["n"]),
        int(row["clusters"]),
        *(float(row[name]) for name in ("total", "squares", "sum_squares", "crossed", "sizes")),
    )
    above, ties = int(row["above"]), int(row["ties"])
    return PairedSums(row["a"], row["b"], sums, above, ties, tuple(listed) if listed else None, ranks or (0, 0.0, 0.0))


def _turned(pair_sums: PairedSums) -> PairedSums:
    sums = replace(pair_sums.sums, total=-pair_sums.sums.total, cross=-pair_sums.sums.cross)
    listed = pair_sums.listed and tuple((-s, n) for s, n in pair_sums.listed)
    n, positive, ties = pair_sums.ranks
    ranks = (n, n * (n + 1) / 2 - positive, ties)
    return PairedSums(
        pair_sums.b,
        pair_sums.a,
        sums,
        pair_sums.sums.n - pair_sums.above - pair_sums.ties,
        pair_sums.ties,
        listed,
        ranks,
    )


def _pair(pair_sums: PairedSums) -> Pair:
    sums = pair_sums.sums
    if pair_sums.listed is not None:
        flip = sign_flip([s for s, _ in pair_sums.listed], [n for _, n in pair_sums.listed])
        p_wilcoxon = signed_rank([round(s / n, 9) for s, n in pair_sums.listed])
    else:
        flip = sign_flip_limit(sums)
        p_wilcoxon = signed_rank_limit(*pair_sums.ranks)
    low, high = sums.interval(clustered=False)
    return Pair(
        a=pair_sums.a,
        b=pair_sums.b,
        n=sums.n,
        clusters=sums.clusters,
        difference=sums.mean,
        low=low,
        high=high,
        low_clustered=flip.low,
        high_clustered=flip.high,
        effect=sums.mean / sums.deviation if sums.deviation else None,
        superiority=(pair_sums.above + pair_sums.ties / 2) / sums.n,
        p_exact=flip.p,
        p_holm=flip.p,
        p_wilcoxon=p_wilcoxon,
        mde=sums.detectable,
        method=flip.method,
        error=sums.error,
    )
