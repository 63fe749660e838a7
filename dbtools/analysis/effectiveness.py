"""Which agent is effective, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from dbtools.analysis.agents import SHOWN, AgentResult, agent_summary, agreements, logged_selections
from dbtools.analysis.claim import Claim, make_claim
from dbtools.analysis.confounders import Confounder, confounders
from dbtools.analysis.details import details_of, left_out, looking_often, rows_left_out, shares_of_wins, stability
from dbtools.analysis.evidence import Evidence, collect, rated_claim, unscored_claim
from dbtools.analysis.failures import FailureRate, failure_details, failure_rates, more_failures
from dbtools.analysis.multiverse import Specification, kinds_of, multiverse
from dbtools.analysis.pairs import ContestDifferences, Pair, compare, contest_differences, paired_sums, with_lengths
from dbtools.analysis.query import (
    ALL_WINS,
    CLUSTERS,
    FAILURES,
    PROVENANCES,
    SCALES,
    Row,
    RowFilter,
    add_up,
    check_word,
    listed_agents,
    rows,
    select_entries,
    working_table,
)
from dbtools.analysis.ranking import Ranking
from dbtools.analysis.rated import Rated, rank, rate, with_free
from dbtools.analysis.sequential import Lead, first_of_each, lead_by_scores
from dbtools.analysis.statistics import INTERVALS, Agreement, agreement
from dbtools.database import Database
from dbtools.database.attach import takes_project
from dbtools.errors import ParameterError
from dbtools.html import table
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

    from dbtools.database.engine import Engine

_NOT_SHOWN = {"decidable", "wins_by_kind", "dimensions"}


@dataclass(frozen=True, repr=False)
class Effectiveness(Result):
    """The agents compared, what may be claimed of them, and what was left out.

    Attributes
    ----------
    pairs : tuple of Pair
        Agents compared within prompts, by total; the first of each pair is the one above.
    sequential : Lead or None
        How sure the leader's lead is when the report is looked at again and again; `Lead.holds` is the claim.
    agreements : dict
        By pair of kinds of win: how often they name the same agent.
    regret : float or None
        Mean, in points of 50, of the contest's highest total less that of the recorded head's agent.
    ranking : Ranking
        Bradley–Terry with ties, by total.
    origins : dict
        By relation and provenance: how many rows there are.
    contests : dict
        Contests, their texts, and those without a decidable win: of one agent, headless, or of mixed scales.
    not_competing : dict
        By source that is no agent: its versions within the provenance, not used.
    version_use : dict
        Of the competing agents' versions within the provenance: how many are ``compared``, ``superseded`` by a later
        one of the same agent and prompt, ``unscored``, on an ``other_scale``, or ``unopposed`` in their prompt.
    logged : int
        Runs from rescued logs that count among the wins ``selected``.
    rated : Rated
        What the blind ratings say; with the wins ``rated``, `pairs`, `claim` and `ranking` are by them.
    evidence : tuple of Evidence
        Where no two agents have scores of the judge in one prompt: what else there is, and what it is worth.
    failures, failure_details : str, tuple of str
        Whether failed runs are left out or lose; and who fails how often, in words.
    cluster : str
        Which prompts count as one observation.
    filter_note : str
        Which prompts alone count (`Database.filter`); empty: all.
    """

    provenance: str
    wins: str
    scale: str
    agents: tuple[AgentResult, ...]
    pairs: tuple[Pair, ...]
    claim: Claim
    sequential: Lead | None
    multiverse: tuple[Specification, ...]
    agreements: Mapping[tuple[str, str], Agreement]
    regret: float | None
    ranking: Ranking
    confounders: tuple[Confounder, ...]
    distributions: tuple[Row, ...]
    origins: dict[str, dict[str, int]]
    contests: Row
    not_competing: dict[str, int]
    version_use: dict[str, int]
    logged: int
    rated: Rated
    evidence: tuple[Evidence, ...] = ()
    failures: str = "excluded"
    cluster: str = "text"
    failure_details: tuple[str, ...] = ()
    filter_note: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per agent: the attributes of `AgentResult` but the dicts."""
        return frame_of(self.agents, [name for name in AgentResult.__dataclass_fields__ if name not in _NOT_SHOWN])

    @cached_property
    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair of agents, the largest difference first: the attributes of `Pair`."""
        return frame_of(self.pairs, Pair)

    @cached_property
    def multiverse_frame(self) -> pd.DataFrame:
        """One row per filter: the attributes of `Specification`."""
        return frame_of(self.multiverse, Specification)

    @cached_property
    def wins_frame(self) -> pd.DataFrame:
        """One row per agent: contests won by each kind of win, empty where that kind is not decidable."""
        found = [{"agent": a.agent, **_wins_json(a)} for a in self.agents]
        return frame_of(found, ["agent", *ALL_WINS]).astype(dict.fromkeys(ALL_WINS, float))

    @cached_property
    def agreement_frame(self) -> pd.DataFrame:
        """One row per pair of kinds of win: one, other, n, raw, kappa, kappa_degenerate, ac1."""
        found = [{"one": x, "other": y, **asdict(a)} for (x, y), a in self.agreements.items()]
        return frame_of(found, ["one", "other", *Agreement.__dataclass_fields__])

    @cached_property
    def dimensions_frame(self) -> pd.DataFrame:
        """One row per agent and dimension: agent, dimension, mean (0–10), se, low, high."""
        found = [
            {"agent": a.agent, "dimension": d, **asdict(mean)} for a in self.agents for d, mean in a.dimensions.items()
        ]
        return frame_of(found, ["agent", "dimension", "mean", "se", "low", "high"])

    @cached_property
    def distributions_frame(self) -> pd.DataFrame:
        """One row per agent, dimension and half a point: agent, dimension, bin (its lower end), rows."""
        return frame_of(list(self.distributions), ["agent", "dimension", "bin", "rows"])

    @cached_property
    def confounders_frame(self) -> pd.DataFrame:
        """One row per other explanation: name, sentence."""
        return frame_of([(c.name, c.sentence) for c in self.confounders], ["name", "sentence"])

    @property
    def left_out(self) -> dict[str, dict[str, int]]:
        """By relation and provenance: how many rows were not used because of it."""
        used = RowFilter.of(self.provenance, self.scale, self.failures).kinds
        unused = {r: {kind: n for kind, n in kinds.items() if kind not in used} for r, kinds in self.origins.items()}
        return {relation: kinds for relation, kinds in unused.items() if kinds}

    @cached_property
    def left_out_frame(self) -> pd.DataFrame:
        """One row per kind of row not used: relation, why, rows."""
        return frame_of(rows_left_out(self), ["relation", "why", "rows"])

    @property
    def sentence(self) -> str:
        """The decision, its size, its risk and what to do."""
        return self.claim.sentence

    @cached_property
    def details(self) -> list[str]:
        """The figures behind the sentence, the shares of wins, the caveats, and what is left out."""
        return details_of(self)

    @property
    def level(self) -> str:
        """Good where an agent is called best, else neutral."""
        return "good" if self.claim.verdict == "best" else "neutral"

    @property
    def highlights(self) -> list[Highlight]:
        """The figures behind the sentence, the shares of wins, how the filter matters, and what is left out."""
        said = [
            *((text, "by-how-much") for text in self.claim.details[:1]),
            (looking_often(self), "by-how-much"),
            (shares_of_wins(self), "who-wins"),
            (stability(self), "does-the-result-depend-on-the-filter"),
            (left_out(self)[1], "what-else-could-explain-it-and-what-is-left-out"),
        ]
        return [Highlight("info", text, anchor) for text, anchor in said if text]

    def _table(self) -> str:
        return table(self.frame[[*SHOWN]], caption=self._caption, formats=SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        recorded = self.agreements.get(("recorded", "score"), agreement(0, 0, (), ()))
        kinds = {"one": "recorded", "other": "score"}
        return {
            "provenance": self.origins,
            "rows": self.provenance,
            "failures": self.failures,
            "cluster": self.cluster,
            "wins": self.wins,
            "scale": self.scale,
            "agents": [_agent_json(a) for a in self.agents],
            "pairs": [asdict(p) for p in self.pairs],
            "agreement": {**kinds, **asdict(recorded)},
            "agreements": [{"one": x, "other": y, **asdict(a)} for (x, y), a in self.agreements.items()],
            "regret": self.regret,
            "ranking": asdict(self.ranking),
            "separated": self.ranking.state == "separated",
            "confounders": [asdict(c) for c in self.confounders],
            "contests": dict(self.contests),
            "left_out": self.left_out,
            "not_competing": self.not_competing,
            "version_use": self.version_use,
            "logged_selections": self.logged,
            "ratings": self.rated.to_dict(),
            "evidence": [asdict(one) for one in self.evidence],
            "narrowed": self.filter_note,
            "leader": self.claim.leader,
            "needed": self.claim.needed,
            "detectable": self.claim.detectable,
            "verdict": self.claim.verdict,
            "sequential": asdict(self.sequential) if self.sequential else None,
            "sentence": self.sentence,
            "details": self.details,
            "multiverse": [asdict(s) for s in self.multiverse],
        }


@takes_project
def effectiveness(
    db: Database,
    provenance: str = "real",
    wins: str = "recorded",
    *,
    scale: str = "judge",
    agents: Sequence[str] | None = None,
    interval: str = "wilson",
    logs: bool = False,
    failures: str = "excluded",
    cluster: str = "text",
    table: Engine | None = None,
) -> Effectiveness:
    """Compare the agents over the contests of one provenance. Reads only.

    Parameters
    ----------
    provenance : {"real", "generated", "placeholder", "unknown", "all"}
        Which rows count.
    wins : {"recorded", "score", "selected", "user", "rated"}
        Which wins the rates count: the stored heads, the highest total of the contest, the application's own
        selection, the users' choices, or the blind ratings. The pairs, the claim and the ranking are by total, with
        ``rated`` by the ratings.
    scale : {"judge", "unit", "heuristic", "self", "synthetic"}
        The scale whose scores count; scores of two scales are never compared.
    agents : sequence of str, optional
        The sources that compete; by default all but the known non-agents (``original``, ``user_input``, …).
    interval : {"wilson", "clopper-pearson", "jeffreys"}
        The interval of the win rates.
    logs : bool
        Whether runs in rescued logs count among the application's selections.
    failures : {"excluded", "losses"}
        Whether failed runs are left out, or lose with 0 points in the prompts that another agent answered.
    cluster : {"text", "near", "user", "day"}
        Which prompts count as one observation: of one text, of texts that differ in digits and punctuation only, of
        one user, or of one day. A `table` brings its own.
    table : connection, optional
        An open `working_table` of the same database and agents, to ask more than once.

    Raises
    ------
    ParameterError
        A parameter is none of these words, `agents` is a text, or no version is by any of them.
    """
    check_word("provenance", provenance, PROVENANCES)
    check_word("kind of win", wins, ALL_WINS)
    check_word("scale", scale, SCALES)
    check_word("interval", interval, tuple(INTERVALS))
    check_word("use of failures", failures, FAILURES)
    check_word("cluster", cluster, tuple(CLUSTERS))
    row_filter, names = RowFilter.of(provenance, scale, failures), listed_agents(agents)
    with nullcontext(table) if table else working_table(db, names, cluster) as connection:
        logged = logged_selections(connection, [r for r in db.relations if r.startswith("rescued_")]) if logs else {}
        counted = rows(connection, "provenance")
        _check_agents(names, counted)
        origins = {name: add_up(some, "provenance") for name, some in groupby(counted, itemgetter("relation"))}
        select_entries(connection, row_filter)
        rates, rated = failure_rates(connection, row_filter), rate(db, connection, row_filter)
        summary = agent_summary(connection, row_filter, wins, interval, logged, rated.tables, rates)
        (contests,) = rows(connection, "contests", scale=scale)
        return Effectiveness(
            provenance=provenance,
            wins=wins,
            scale=scale,
            agents=summary,
            agreements=agreements(connection, scale),
            regret=contests.pop("regret"),
            distributions=tuple(rows(connection, "distributions", scale=scale)),
            origins=origins,
            contests=contests,
            not_competing=_not_competing(counted, row_filter),
            version_use=_version_use(connection, row_filter, counted),
            failures=failures,
            cluster=cluster,
            logged=sum(won for _, won in logged.values()),
            filter_note=db.filter_note,
            # Last: it selects others.
            **_comparison(
                connection,
                row_filter,
                summary,
                provenance,
                wins,
                rated,
                rates,
                cluster,
                origins.get("versions", {}),
            ),
        )


def _comparison(
    connection: Engine,
    row_filter: RowFilter,
    summary: Sequence[AgentResult],
    asked: str,
    wins: str,
    rated: Rated,
    rates: Mapping[str, FailureRate],
    cluster: str,
    origins: Mapping[str, int],
) -> Row:
    """Return everything that compares agents within contests."""
    present = rows(connection, "filters")
    family = paired_sums(connection, row_filter)
    contests = contest_differences(connection, row_filter, family)
    pairs, scored = with_lengths(compare(family), contests), [a.agent for a in summary if a.scored]
    more = more_failures(connection) if any(rate.failed for rate in rates.values()) else {}
    # Where failed runs are losses, the scores already hold them.
    surely = {} if row_filter.failures == "losses" else more
    said = {(a, b): f"{rates[a].rate:.0%} against {rates[b].rate:.0%}" for a, b in surely}
    versions = add_up((row for row in present if row["provenance"] in row_filter.kinds), "scale")
    instead = {} if set(origins) & set(row_filter.kinds) else origins
    kinds = kinds_of(row_filter, present)
    claim = make_claim(pairs, scored, kinds, row_filter.scale, asked, said, CLUSTERS[cluster], instead)
    evidence: tuple[Evidence, ...] = ()
    by_rating, agents = wins == "rated", [a.agent for a in summary]
    unscored = not pairs and row_filter.scale == "judge" and asked == "real"
    sequential = _sequential(claim, contests)
    if by_rating or unscored:
        rated, sequential = with_free(connection, rated, agents), rated.lead
    if unscored:
        evidence = collect(connection, row_filter.scale, versions.get("self", 0), rated)
        claim = unscored_claim(claim, rated, evidence, agents, versions)
    return {
        "rated": rated,
        "pairs": rated.pairs if by_rating else pairs,
        "claim": rated_claim(rated, agents, row_filter.kinds) if by_rating else claim,
        "sequential": sequential,
        "failure_details": tuple(failure_details(rates, more)),
        "ranking": rated.ranking if by_rating else rank(family),
        "evidence": evidence,
        "confounders": tuple(confounders(connection, row_filter.scale, versions)),
        "multiverse": multiverse(connection, row_filter, present, family),
    }


def _sequential(claim: Claim, contests: Mapping[tuple[str, str], ContestDifferences]) -> Lead | None:
    """Return how sure the lead is, however often one looks: by the first contest of each text."""
    if claim.leader is None:
        return None
    against = {}
    for (a, b), found in contests.items():
        if claim.leader in (a, b):
            first = found.differences[first_of_each(found.clusters)]
            against[b if claim.leader == a else a] = first if claim.leader == a else -first
    lead = lead_by_scores(claim.leader, against)
    return lead and replace(lead, holds=lead.holds and claim.allowed)


def _check_agents(names: Sequence[str], counted: Sequence[Row]) -> None:
    others = [row["source"] for row in counted if row["relation"] == "versions"]
    if names and others and all(others):  # None: those who compete
        todo = f"use some of {', '.join(sorted(set(others)))}"
        raise ParameterError("No version is by any such agent", ", ".join(names), todo)


def _not_competing(counted: Sequence[Row], row_filter: RowFilter) -> dict[str, int]:
    others = [row for row in counted if row["source"] is not None and row["provenance"] in row_filter.kinds]
    return dict(sorted(add_up(others, "source").items()))


def _version_use(connection: Engine, row_filter: RowFilter, counted: Sequence[Row]) -> dict[str, int]:
    (found,) = rows(connection, "version_use", scale=row_filter.scale)
    versions = [row for row in counted if row["relation"] == "versions" and row["source"] is None]
    competing = sum(row["rows"] for row in versions if row["provenance"] in row_filter.kinds)
    unanswered = found["unanswered"] if row_filter.failures == "losses" else 0
    return {
        "compared": found["compared"],
        "superseded": competing - found["entries"] - unanswered,
        **{why: found[why] for why in ("unscored", "other_scale", "unopposed")},
        "unanswered": unanswered,
    }


def _agent_json(agent: AgentResult) -> dict[str, Any]:
    values = asdict(agent)
    del values["wins_by_kind"]
    values["wins"], values["told"] = _wins_json(agent), values.pop("decidable")
    return values


def _wins_json(agent: AgentResult) -> dict[str, float | None]:
    return {kind: agent.wins_by_kind[kind] if agent.decidable[kind] else None for kind in ALL_WINS}
