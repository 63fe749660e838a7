"""What can be said of the agents without a judge's scores: each kind of evidence, what it is worth, the next step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from dbtools.analysis.claim import Claim, lead
from dbtools.analysis.query import rows, size_tables
from dbtools.analysis.rated import Rated
from dbtools.analysis.ratings import leader_and_rivals
from dbtools.analysis.sequential import ENOUGH
from dbtools.analysis.statistics import SizeTable, clustered_share
from dbtools.html import percents

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

_WHERE = "(Explorer, tab Rate)"
_SAID = 5  # agents


@dataclass(frozen=True)
class Share:
    """What share of the contests an agent won, with its 95% interval, clustered by prompt text."""

    agent: str
    n: int
    won: float
    low: float
    high: float


@dataclass(frozen=True)
class Evidence:
    """One kind of evidence that is no judge's score.

    Attributes
    ----------
    kind : str
        ``own marks``, ``heads``, ``votes`` or ``ratings``.
    n : int
        Versions with an own mark, contests with a head or a vote, ratings.
    worth : str
        What it can tell.
    shares : tuple of Share
        Of each agent; none of own marks, which are not compared.
    chance : float or None
        The share that an agent would win by chance.
    """

    kind: str
    n: int
    worth: str
    shares: tuple[Share, ...] = ()
    chance: float | None = None

    @property
    def sentence(self) -> str:
        """The figures in one sentence."""
        if not self.shares:
            return f"{self.n:,} versions carry their agents' own marks: {self.worth}."
        said = [
            f"{s.agent} {s.won:,.{0 if s.won == round(s.won) else 1}f} of {s.n:,} ({percents(s.low, s.high)})"
            for s in self.shares[:_SAID]
        ]
        more = f" and {len(self.shares) - _SAID} more agents" if len(self.shares) > _SAID else ""
        chance = f"; by chance {self.chance:.0%}" if self.chance else ""
        return f"{self.kind.capitalize()}, which are {self.worth}: {', '.join(said)}{more}{chance}."


def collect(connection: Engine, scale: str, own_marks: int, rated: Rated) -> tuple[Evidence, ...]:
    """Return each kind of evidence that there is, apart from a judge's scores. Reads only.

    Reads the entries that were selected last.
    """
    (chance,) = rows(connection, "chance")
    found = []
    if own_marks:
        found.append(Evidence("own marks", own_marks, "they rate the prompt, not the text, and are not compared"))
    worth = "chosen by own mark × confidence" if own_marks else "the application's own choice"
    for kind, outcome, name, said in (
        ("heads", "recorded", "recorded", worth),
        ("votes", "user", "voted", "users' choices among texts whose agents they may know"),
    ):
        if n := chance[f"{name}_contests"]:
            shares = _shares(size_tables(connection, "agent_clusters", scale=scale, outcome=outcome))
            found.append(Evidence(kind, n, said, shares, chance[name]))
    if rated.n:
        found.append(Evidence("ratings", rated.n, "blind comparisons of two texts", _shares(rated.tables), 0.5))
    return tuple(found)


def rated_claim(rated: Rated, agents: Sequence[str], kinds: Collection[str]) -> Claim:
    """Decide what the blind ratings allow to say.

    The evidence may be looked at after every rating: `dbtools.analysis.sequential`.
    """
    if len(agents) < 2:
        return Claim("undecided", "Undecided: fewer than two agents have versions to compare.")
    step = next_step(rated, more=rated.n > 0)
    if not rated.n:
        return Claim("undecided", f"Undecided: there are no blind ratings. {step}")
    _, own = lead(rated.pairs)
    closest = own[0] if own else None
    held = rated.lead if rated.lead and rated.lead.holds else None
    leader, rivals = (held.agent, [held.rival]) if held else leader_and_rivals(agents, rated.wins)
    rival = rivals[0]
    won, lost = rated.wins.get((leader, rival), 0), rated.wins.get((rival, leader), 0)
    of = f"in {won:,} of {won + lost:,} prompt texts"
    details = (_evidence(rated),)
    if held and set(kinds) == {"real"}:
        said = f"{leader} is best by blind ratings: it is preferred to {rival}, its closest rival, {of}."
        return Claim("best", said, leader, closest, details=details)
    if held:
        said = f"Undecided: {leader} is preferred {of}, but not all rows are real. Needed: ratings of real rows."
    elif won > lost:
        said = f"Undecided: {leader} is preferred to {rival} {of}, which may be chance. {step}"
    else:
        said = f"Undecided: no agent is preferred to all others in {rated.n:,} blind ratings. {step}"
    needed = rated.n + rated.missing if rated.missing <= rated.free else None
    return Claim("undecided", said, leader if won > lost else None, closest, needed, details=details)


def unscored_claim(
    claim: Claim,
    rated: Rated,
    found: Sequence[Evidence],
    agents: Sequence[str],
    versions: Mapping[str | None, int],
) -> Claim:
    """Return the claim of a project in which no two agents have a judge's scores to compare.

    Parameters
    ----------
    versions : mapping
        The versions that compete, by the scale of their scores; None: without one.
    """
    details = tuple(one.sentence for one in found)
    if len(agents) < 2:
        return replace(claim, details=claim.details + details)
    if rated.n:
        by_ratings = rated_claim(rated, agents, {"real"})
        return replace(by_ratings, details=by_ratings.details + details)
    own, total = versions.get("self", 0), sum(versions.values())
    if own == total:
        why = f"{total:,} versions carry only their agents' own marks"
    elif versions.get("judge"):
        why = "no two agents have judge scores in one prompt"
    elif own:
        why = f"{own:,} of {total:,} versions carry their agents' own marks, and none a judge's score"
    else:
        why = f"{total:,} versions carry no judge's score"
    said = f"Undecided: {why}. {next_step(rated)}"
    return Claim("undecided", said, details=details)


def next_step(rated: Rated, more: bool = False) -> str:
    """Return what to do to decide."""
    if not rated.free:
        needs = "more prompts: all pairs are rated" if more else "prompts that two agents answered"
        return f"Needed: {needs}."
    if rated.missing > rated.free:
        pairs = f"{rated.free:,} pairs {'whose prompt text has no rating yet ' if more else ''}{_WHERE}"
        return f"Rate the {pairs}; more prompts may be needed."
    about = min(10 * ceil(rated.missing / 10), rated.free)
    return f"Rate about {about}{' more' if more else ''} pairs{'' if more else ' to decide'} {_WHERE}."


def _shares(tables: Mapping[str, SizeTable]) -> tuple[Share, ...]:
    found = [Share(agent, t.n, float(sum(t.totals)), *clustered_share(t)) for agent, t in tables.items()]
    return tuple(sorted(found, key=lambda one: (-one.won / one.n, one.agent)))


def _evidence(rated: Rated) -> str:
    if not rated.lead:
        return "No agent is ahead of all others, counting the first rating of each prompt text."
    return (
        f"{rated.lead.agent} against {rated.lead.rival}: evidence {min(rated.lead.evidence, 1e6):,.2g}. Above "
        f"{ENOUGH:g} the claim holds however often you look; only the first rating of a prompt text counts."
    )
