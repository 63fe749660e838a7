"""The headline again under every filter that could be defended, and whether the leader changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbtools.analysis.claim import Claim, judge
from dbtools.analysis.pairs import Meetings, compare, meetings
from dbtools.analysis.questions import KINDS, WINS, Chosen, Row

if TYPE_CHECKING:
    from dbtools.database.engine import Engine


@dataclass(frozen=True)
class Specification:
    """The headline under one filter.

    Attributes
    ----------
    outcome : str
        ``total``: points on 0–50; else the kind of win, as a share of contests.
    n, clusters : int
        Contests and texts of the closest pair.
    difference, low, high : float or None
        The leader against the rival it is least surely above, with the clustered 95% interval.
    verdict : str
        By the same gate as the headline's: ``best`` or ``undecided``.
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


def multiverse(
    connection: Engine, chosen: Chosen, present: list[Row], asked: Sequence[Meetings]
) -> tuple[Specification, ...]:
    """Answer the headline's question under every filter. Reads only.

    Parameters
    ----------
    present : list of dict
        Which provenances and scales there are among the competing rows, as ``filters.sql`` returns them.
    asked : sequence of Meetings
        The headline's own, by total.
    """
    found = []
    known: dict[object, Sequence[Meetings]] = {(kinds_of(chosen, present), chosen.scale, "total", False): asked}
    for name, rows, outcome, distinct in _filters(chosen, present):
        kinds = kinds_of(rows, present, outcome)
        # Filters that keep the same rows need no second pass over a million contests.
        key = kinds, rows.scale, outcome, distinct
        if key not in known:
            known[key] = meetings(connection, rows, outcome, distinct=distinct, ranked=False)
        pairs = compare(known[key])
        claim = judge(pairs, {name for pair in pairs for name in (pair.a, pair.b)}, kinds, rows.scale)
        found.append(_specification(name, outcome, claim))
    return tuple(found)


def kinds_of(chosen: Chosen, present: list[Row], outcome: str = "total") -> frozenset[str]:
    """Return the provenances of the rows that are compared: totals have a scale, the other kinds of win have none."""
    rows = [row for row in present if outcome != "total" or row["scale"] == chosen.scale]
    return frozenset(row["provenance"] for row in rows) & frozenset(chosen.kinds)


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
    )


def _filters(chosen: Chosen, present: list[Row]) -> Iterator[tuple[str, Chosen, str, bool]]:
    """Name the filters, with the rows each keeps, the outcome it compares, and whether one contest per text counts."""
    yield "as asked", chosen, "total", False
    yield "one contest per text", chosen, "total", True
    for name, kinds in (
        ("real rows", ("real",)),
        ("generated rows", ("generated",)),
        ("all rows", KINDS),
        ("all but placeholders", tuple(kind for kind in KINDS if kind != "placeholder")),
    ):
        if kinds != chosen.kinds:
            yield name, Chosen(kinds, chosen.scale), "total", False
    scales = {row["scale"] for row in present if row["provenance"] in chosen.kinds}
    for scale in sorted(scales - {chosen.scale, "unknown", None}):
        yield f"scale {scale}", Chosen(chosen.kinds, scale), "total", False
    for kind in WINS:
        yield f"wins {kind}", chosen, kind, False
