"""What the blind ratings say of the agents, and how far they can be relied on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from dbtools.analysis.pairs import Pair, PairedSums, compare
from dbtools.analysis.query import WINS, RowFilter, rows
from dbtools.analysis.ranking import Ranking, bradley_terry
from dbtools.analysis.ratings import (
    Agents,
    Comparison,
    compare_agents,
    first_wins,
    leader_and_rivals,
    missing_ratings,
    rated_versions,
)
from dbtools.analysis.sequential import Lead, lead_by_ratings
from dbtools.analysis.statistics import (
    LISTED,
    Agreement,
    ClusterSums,
    SizeTable,
    agreement,
    clustered_share,
    sign_flip,
)
from dbtools.database import Database
from dbtools.database.engine import register
from dbtools.html import counted, p_value, percents

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

_UNUSED = {
    "foreign": "name a version that the database does not have",
    "mismatched": "do not compare two agents in one prompt",
    "not competing": "are of a source that does not compete",
    "other rows": "are of rows that do not count here",
}


@dataclass(frozen=True)
class SideBias:
    """How often the text on the left was preferred, with its 95% interval, and the p of no preference for a side."""

    n: int
    left: int
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Rated:
    """The blind ratings, as comparisons of agents.

    Attributes
    ----------
    n, texts, skipped : int
        Ratings that compare two competing agents, their different prompt texts, and pairs that were skipped.
    raters : dict
        By rater: how many of them.
    tables : dict
        By agent: its wins per prompt text, a tie as half a win.
    pairs : tuple of Pair
        The share of texts preferred less the share not preferred (−1 to 1), over prompt texts.
    ranking : Ranking
        Bradley–Terry with ties.
    lead : Lead or None
        The agent that is preferred to every other, and whether that holds however often one looks.
    wins : dict
        By (one, other): in how many texts the first rating prefers one to the other.
    missing, free : int
        About how many more ratings lead to a decision, and how many there can be: of the pairs of agents that are open,
        the prompt texts that are not yet rated (0 where the claim is not by ratings).
    texts_by_pair : dict
        By pair of agents: the prompt texts that were rated.
    agreements : dict
        ``raters``: of two raters on the same two versions; and by kind of win: of the ratings with it.
    side : SideBias or None
        Whether one side is preferred.
    swapped, same : int
        Pairs that a rater saw both ways round, and those among them with the same answer.
    unused : dict
        By reason: ratings that count for nothing here.
    note : str
        Which lines of the file could not be used.
    """

    n: int = 0
    texts: int = 0
    skipped: int = 0
    raters: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, SizeTable] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    ranking: Ranking = field(default_factory=lambda: Ranking("empty"))
    lead: Lead | None = None
    wins: Mapping[Agents, int] = field(default_factory=dict)
    missing: int = 0
    free: int = 0
    texts_by_pair: Mapping[Agents, int] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    side: SideBias | None = None
    swapped: int = 0
    same: int = 0
    unused: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready values, without the name of any rater."""
        side = self.side and {"n": self.side.n, "left": self.side.left, "p": self.side.p}
        return {
            "n": self.n,
            "texts": self.texts,
            "raters": len(self.raters),
            "skipped": self.skipped,
            "leader": self.lead.agent if self.lead else None,
            "evidence": self.lead.evidence if self.lead else None,
            "decided": bool(self.lead and self.lead.holds),
            "missing": self.missing,
            "free": self.free,
            "agreement": {kind: found.ac1 for kind, found in self.agreements.items()},
            "side": side,
            "swapped": self.swapped,
            "same": self.same,
            "unused": dict(self.unused),
        }


def rate(db: Database, connection: Engine, row_filter: RowFilter) -> Rated:
    """Return what the ratings of a project say of the agents. Reads only.

    `connection` is a `working_table` with the entries selected.
    """
    found, agents = db.ratings, [row["agent"] for row in rows(connection, "agent_names")]
    if not found.ratings:
        return Rated(missing=missing_ratings(agents, {}), note=found.note)
    ids = {name for one in found.ratings for name in (one.left, one.right)}
    answers = list(compare_agents(found.ratings, rated_versions(connection, ids), row_filter.kinds))
    compared = [one for one, _ in answers if one]
    rated = summarize([one for one in compared if one.outcome is not None], agents)
    unused = Counter(why for one, why in answers if not one)
    if db.prompts:  # their versions are not offered
        unused["other rows"] += unused.pop("foreign", 0)
    others = _other_kinds(connection, row_filter, compared)
    return Rated(
        **rated,
        skipped=sum(one.outcome is None for one in compared),
        agreements={"raters": _between_raters(compared), **others},
        unused={why: count for why, count in sorted(unused.items()) if count},
        note=found.note,
    )


def with_free(connection: Engine, rated: Rated, agents: Sequence[str]) -> Rated:
    """Return the figures with `Rated.free`. Reads only; reads the entries that were selected last."""
    if len(agents) < 2:
        return rated
    texts = {(row["a"], row["b"]): int(row["texts"]) for row in rows(connection, "pair_texts")}
    leader, rivals = leader_and_rivals(agents, rated.wins)
    wanted = [(min(leader, rival), max(leader, rival)) for rival in rivals]
    return replace(rated, free=sum(max(0, texts.get(p, 0) - rated.texts_by_pair.get(p, 0)) for p in wanted))


def summarize(compared: Sequence[Comparison], agents: Sequence[str]) -> dict[str, Any]:
    """Return the figures that need nothing but the comparisons."""
    family, wins = paired(compared), first_wins(compared)
    side, (swapped, same) = side_bias(compared), consistency(compared)
    return {
        "n": len(compared),
        "texts": len({one.text for one in compared}),
        "raters": dict(sorted(Counter(one.rater for one in compared).items())),
        "tables": _tables(compared),
        "pairs": compare(family),
        "ranking": rank(family),
        "lead": lead_by_ratings(wins, agents),
        "wins": wins,
        "missing": missing_ratings(agents, wins),
        "texts_by_pair": {(sums.a, sums.b): sums.sums.clusters for sums in family},
        "side": side,
        "swapped": swapped,
        "same": same,
    }


def paired(compared: Iterable[Comparison]) -> list[PairedSums]:
    """Return the comparisons of each pair of agents as sums over prompt texts."""
    found: dict[Agents, dict[str, list[int]]] = {}
    for one in compared:
        if one.outcome is not None:
            found.setdefault((one.a, one.b), {}).setdefault(one.text, []).append(one.outcome)
    return [_paired_sums(a, b, list(texts.values())) for (a, b), texts in sorted(found.items())]


def rank(family: Sequence[PairedSums]) -> Ranking:
    """Rank the agents of all pairs by Bradley–Terry with ties."""
    names = sorted({name for sums in family for name in (sums.a, sums.b)})
    counts = {}
    for pair in family:
        # Repeated texts count once: they must not make the ranking more certain.
        weight = pair.sums.n_effective / pair.sums.n
        below = pair.sums.n - pair.above - pair.ties
        counts[pair.a, pair.b] = (pair.above * weight, below * weight, pair.ties * weight)
    return bradley_terry(names, counts)


def side_bias(compared: Iterable[Comparison]) -> SideBias | None:
    """Return how often the left text was preferred; None without a preference.

    The test flips the signs of whole prompt texts (`sign_flip`): if sides do not matter, left and right are equally
    likely, whatever the texts.
    """
    texts: dict[str, list[int]] = {}
    for one in compared:
        if one.outcome and not one.equal:
            texts.setdefault(one.text, []).append(one.outcome if one.left_a else -one.outcome)
    if not texts:
        return None
    n, left = sum(map(len, texts.values())), sum(value > 0 for some in texts.values() for value in some)
    table = _size_table([[(value + 1) / 2 for value in some] for some in texts.values()])
    return SideBias(n, left, *clustered_share(table), sign_flip([sum(some) for some in texts.values()]).p)


def consistency(compared: Iterable[Comparison]) -> tuple[int, int]:
    """Count the pairs of versions that a rater saw both ways round, and those with the same answer."""
    ways: dict[tuple[str, tuple[str, str]], dict[bool, int]] = {}
    for one in compared:
        if one.outcome is not None and not one.equal:
            ways.setdefault((one.rater, one.versions), {})[one.left_a] = one.outcome
    both = [answers for answers in ways.values() if len(answers) == 2]
    return len(both), sum(answers[True] == answers[False] for answers in both)


def details(rated: Rated) -> list[str]:
    """Return how the ratings were made and how far they can be relied on, one sentence each."""
    if not rated.n and not rated.note and not rated.unused:
        return []
    skipped = f"; {counted(rated.skipped, 'pair')} skipped" if rated.skipped else ""
    found = [
        f"{counted(len(rated.raters), 'rater')} compared {counted(rated.n, 'pair')} blind, on "
        f"{counted(rated.texts, 'prompt text')}{skipped}."
    ]
    raters = rated.agreements.get("raters")
    if raters and raters.n and raters.ac1 is not None:
        found.append(f"Two raters of the same pair agree in {raters.raw:.0%} of {raters.n:,} (AC1 {raters.ac1:.2f}).")
    kinds = [
        f"{kind} in {some.raw:.0%} of {counted(some.n, 'case')}"
        + (f" (AC1 {some.ac1:.2f})" if some.ac1 is not None else "")
        for kind, some in rated.agreements.items()
        if kind != "raters" and some.n
    ]
    if kinds:
        found.append(f"Ratings and wins name the same agent: {', '.join(kinds)}.")
    if rated.side:
        side = rated.side
        found.append(
            f"The left text was preferred in {side.left:,} of {side.n:,} ({percents(side.low, side.high)}, "
            f"{p_value(side.p)}): {'one side is preferred' if side.p < 0.05 else 'no preference for a side shows'}."
        )
    if rated.swapped:
        found.append(f"Of {rated.swapped:,} pairs seen both ways round, {rated.same:,} have the same answer.")
    unused = [f"{count:,} {_UNUSED[why]}" for why, count in rated.unused.items()]
    if unused:
        found.append(f"Ratings left out: {', '.join(unused)}.")
    return [*found, rated.note] if rated.note else found


def _paired_sums(a: str, b: str, texts: Sequence[Sequence[int]]) -> PairedSums:
    every = [value for some in texts for value in some]
    totals, sizes = [float(sum(some)) for some in texts], [len(some) for some in texts]
    sums = ClusterSums.of(totals, sizes, squares=float(sum(map(abs, every))))
    listed = tuple(zip(totals, sizes, strict=True)) if len(texts) <= LISTED else None
    return PairedSums(a, b, sums, every.count(1), every.count(0), listed)


def _tables(compared: Iterable[Comparison]) -> dict[str, SizeTable]:
    found: dict[str, dict[str, list[float]]] = {}
    for one in compared:
        if one.outcome is not None:
            won = (one.outcome + 1) / 2
            found.setdefault(one.a, {}).setdefault(one.text, []).append(won)
            found.setdefault(one.b, {}).setdefault(one.text, []).append(1 - won)
    return {agent: _size_table(list(texts.values())) for agent, texts in sorted(found.items())}


def _size_table(texts: Sequence[Sequence[float]]) -> SizeTable:
    return SizeTable.of([sum(some) for some in texts], [len(some) for some in texts])


def _between_raters(compared: Iterable[Comparison]) -> Agreement:
    """Return how far two raters of the same two versions agree: on the first, the second, or a tie."""
    answers: dict[tuple[str, str], Counter[str]] = {}
    for one in compared:
        if one.outcome is not None and not one.equal:
            answers.setdefault(one.versions, Counter())[one.rater] += one.outcome
    found = []
    for some in answers.values():
        found += [(_sign(some[x]), _sign(some[y])) for x, y in combinations(sorted(some), 2)]
    return _agreement(found, (1, 0, -1))


def _other_kinds(connection: Engine, row_filter: RowFilter, compared: Sequence[Comparison]) -> dict[str, Agreement]:
    """Return, by kind of win, how often the ratings of two versions name the same agent."""
    answers: Counter[tuple[str, str, str]] = Counter()
    for one in compared:
        if one.outcome and not one.equal:
            answers[one.prompt, one.a, one.b] += one.outcome
    register(connection, "rated_prompts", "id VARCHAR", [(name,) for name in sorted({key[0] for key in answers})])
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in WINS}
    for row in rows(connection, "rated_contests", scale=row_filter.scale):
        rating = answers.get((str(row["prompt"]), row["a"], row["b"]))
        if not rating:
            continue
        for kind in WINS:
            other = row["voted" if kind == "user" else kind]
            if other:
                found[kind].append((row["a"] if rating > 0 else row["b"], row["a"] if other > 0 else row["b"]))
    return {
        kind: _agreement(some, sorted({name for both in some for name in both})) for kind, some in found.items() if some
    }


def _agreement(answers: Sequence[tuple[Any, Any]], categories: Sequence[Any]) -> Agreement:
    first, second = Counter(one for one, _ in answers), Counter(other for _, other in answers)
    agreed = sum(one == other for one, other in answers)
    return agreement(len(answers), agreed, [first[c] for c in categories], [second[c] for c in categories])


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
