"""The comparison under every defensible filter, and whether the leader changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dbtools.analysis.claim import Claim, make_claim
from dbtools.analysis.pairs import PairedSums, compare, paired_sums
from dbtools.analysis.query import KINDS, WINS, Row, RowFilter, select_entries

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

GENERATED = "generated rows"
"""The filter whose rows are no evidence, whoever leads in them."""


@dataclass(frozen=True)
class Specification:
    """The comparison under one filter.

    Attributes
    ----------
    outcome : str
        ``total``: points on 0–50; else the kind of win, as a share of contests.
    n, clusters : int
        Contests and texts of the closest pair.
    difference, low, high : float or None
        The leader against the rival whose difference from it is least certain, and its 95% interval by the sign-flip
        test.
    verdict : str
        By the same rule as the claim's: ``best`` or ``undecided``.
    """

    filter: str
    outcome: str
    n: int
    clusters: int
    leader: str | None
    rival: str | None
    difference: float | None
    low: float | None
    high: float | None
    p_holm: float | None
    verdict: str
    p: float | None = None


def multiverse(
    connection: Engine, row_filter: RowFilter, present: list[Row], asked: Sequence[PairedSums]
) -> tuple[Specification, ...]:
    """Repeat the comparison under every filter. Reads only; selects other entries.

    Parameters
    ----------
    present : list of dict
        Which provenances and scales there are among the competing rows, as ``filters.sql`` returns them.
    asked : sequence of PairedSums
        Those of the filter asked for, by total.
    """
    found: dict[str, Specification] = {}
    known: dict[object, Sequence[PairedSums]] = {
        (kinds_of(row_filter, present), row_filter.scale, row_filter.failures, "total", False): asked
    }
    filters, selected = list(_filters(row_filter, present)), _selection(row_filter)
    # The filters on the same provenances together: selecting the entries takes the longest.
    first = selected
    for name, some, outcome, distinct in sorted(filters, key=lambda item: _selection(item[1]) != first):
        kinds = kinds_of(some, present, outcome)
        key = kinds, some.scale, some.failures, outcome, distinct
        if key not in known:
            if selected != _selection(some):
                select_entries(connection, some)
                selected = _selection(some)
            known[key] = paired_sums(connection, some, outcome, distinct=distinct, ranked=False)
        pairs = compare(known[key])
        claim = make_claim(pairs, {name for pair in pairs for name in (pair.a, pair.b)}, kinds, some.scale)
        found[name] = _specification(name, outcome, claim)
    return tuple(found[name] for name, *_ in filters)


def kinds_of(row_filter: RowFilter, present: list[Row], outcome: str = "total") -> frozenset[str]:
    """Return the provenances of the rows that are compared: totals have a scale, kinds of win have none."""
    rows = [row for row in present if outcome != "total" or row["scale"] == row_filter.scale]
    counted = row_filter.answers if row_filter.failures == "losses" else row_filter.kinds
    return frozenset(row["provenance"] for row in rows) & frozenset(counted)


def _selection(row_filter: RowFilter) -> tuple[object, ...]:
    """Return what decides which entries there are: the scale only where failed runs get points on it."""
    return row_filter.kinds, row_filter.scale if row_filter.failures == "losses" else None


def _specification(name: str, outcome: str, claim: Claim) -> Specification:
    pair, leads = claim.closest, claim.leader is not None
    if pair is None:
        return Specification(name, outcome, 0, 0, None, None, None, None, None, None, claim.verdict)
    return Specification(
        filter=name,
        outcome=outcome,
        n=pair.n,
        clusters=pair.clusters,
        leader=claim.leader,
        rival=pair.b if leads else None,
        difference=pair.difference,
        low=pair.low_clustered,
        high=pair.high_clustered,
        p_holm=pair.p_holm,
        verdict=claim.verdict,
        p=pair.p_exact,
    )


def _filters(row_filter: RowFilter, present: list[Row]) -> Iterator[tuple[str, RowFilter, str, bool]]:
    """Yield each filter: its name, its rows, the outcome compared, and whether one contest per text counts."""
    yield "as asked", row_filter, "total", False
    yield "one contest per text", row_filter, "total", True
    for name, kinds in (
        ("real rows", ("real",)),
        (GENERATED, ("generated",)),
        ("all rows", KINDS),
        ("all but placeholders", tuple(kind for kind in KINDS if kind != "placeholder")),
    ):
        if kinds != row_filter.kinds:
            yield name, replace(row_filter, kinds=kinds).with_failures(row_filter.failures), "total", False
    if row_filter.failures == "losses":
        yield "failed runs left out", RowFilter(row_filter.answers, row_filter.scale), "total", False
    elif row_filter.answers and any(row["provenance"] == "placeholder" for row in present):
        yield "failed runs as losses", row_filter.with_failures("losses"), "total", False
    scales = {row["scale"] for row in present if row["provenance"] in row_filter.kinds}
    for scale in sorted(scales - {row_filter.scale, "unknown", "stuck", None}):
        yield f"scale {scale}", replace(row_filter, scale=scale), "total", False
    for kind in WINS:
        yield f"wins {kind}", row_filter, kind, False
