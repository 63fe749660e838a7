"""Which pair of versions to rate next, and what the ratings so far say of each pair of agents."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations
from typing import TYPE_CHECKING

from dbtools.analysis.query import Row, listed_agents, name_agents, rows
from dbtools.analysis.sequential import ENOUGH, rating_evidence
from dbtools.database import Database
from dbtools.database.attach import opened
from dbtools.database.engine import register
from dbtools.database.ratings import Rating, check_rater, read
from dbtools.errors import ParameterError
from dbtools.project import Project

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

_MOST_TEXTS = 5_000  # prompt texts that pairs are drawn from
_FIRST = 3  # ratings of each pair of agents before a leader is looked for
_EXPLORE = 10  # one rating in so many goes to the pair of agents with the fewest
_SIDES = 2  # how much more often one agent may stand on the left
_LIKELY = (6, 2)  # wins and losses that an estimate of what is missing adds: a preference of 75%
_MANY = 500  # ratings; what takes more is not estimated
_OTHERS = 1.25  # of several rivals, some ratings go to pairs that turn out not to matter (tests/calibration)
Agents = tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """One rating as a comparison of two agents, `a` before `b` by name.

    Attributes
    ----------
    text : str
        The prompt text: the same for prompts of the same normalised text.
    outcome : int or None
        1: `a` is preferred; −1: `b`; 0: a tie; None: skipped.
    left_a : bool
        Whether the version of `a` stood on the left.
    versions : (str, str)
        Their ids, that of `a` first.
    equal : bool
        Whether both versions have the same text.
    """

    rater: str
    prompt: str
    text: str
    a: str
    b: str
    outcome: int | None
    left_a: bool
    versions: tuple[str, str]
    equal: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class RatingPair:
    """Two versions of a prompt, by two agents, as a rater is to see them; `left` and `right` are ids of versions."""

    prompt_id: str
    left: str
    right: str
    order: str
    prompt: str = ""
    left_text: str = ""
    right_text: str = ""
    equal: bool = False


@dataclass(frozen=True)
class Candidate:
    """A version that can be rated."""

    prompt: str
    text: str
    agent: str
    version: str
    same: str


@dataclass
class Pool:
    """The versions that can be rated, and whose every rated version is.

    Attributes
    ----------
    prompts : dict
        By prompt: its candidates, one per agent, by the name of the agent.
    known : dict
        By id of a rated version: what `rated_versions.sql` says of it; None for one that is not in the database.
    """

    db: Database
    agents: tuple[str, ...]
    prompts: Mapping[str, tuple[Candidate, ...]]
    named: tuple[str, ...] = ()
    known: dict[str, Row | None] = field(default_factory=dict)

    def comparisons(self, ratings: Sequence[Rating]) -> list[Comparison]:
        """Return the ratings as comparisons of agents, without those that are none. Reads only."""
        wanted = {name for one in ratings for name in (one.left, one.right)} - self.known.keys()
        if wanted:
            with self.db.session() as connection:
                name_agents(connection, self.named)
                self.known |= dict.fromkeys(wanted) | rated_versions(connection, wanted)
        return [one for one, _ in compare_agents(ratings, self.known, ("real",)) if one]


def next_pair(
    source: Database | Project | str | os.PathLike[str],
    rater: str,
    *,
    agents: Sequence[str] | None = None,
    seed: int = 0,
) -> RatingPair | None:
    """Return the pair of versions that a rater is to rate next; None where there is none left. Reads only.

    First come the pairs that the decision needs: the leading agent and the rival whose difference from it
    is least certain. New prompt texts come before repeated ones. The same ratings, rater and seed give the same pair.

    Parameters
    ----------
    source : Database, Project or path
        With its long texts. The file of ratings is read as it is now.
    agents : sequence of str, optional
        The sources that are compared; by default all but the known non-agents.

    Raises
    ------
    ParameterError
        The rater has no name, or the long texts are not loaded.
    """
    with opened(source, texts=True, progress=False) as db:
        name, pool = named_rater(rater), load_pool(db, agents, seed)
        done = pool.comparisons(read(db.project.ratings).ratings if db.project else ())
        while pair := choose(pool, done, name, seed):
            if not pair.equal:
                return with_texts(db, pair)
            done.append(as_tie(pool, pair, name))
        return None


def named_rater(name: str) -> str:
    """Return the name of a rater without blanks around it.

    Raises
    ------
    ParameterError
        It is empty, too long, or has characters that cannot be seen.
    """
    try:
        return check_rater(name)
    except (ValueError, AttributeError):
        raise ParameterError("Not a name of a rater", name, "give up to 100 visible characters") from None


def load_pool(db: Database, agents: Sequence[str] | None = None, seed: int = 0) -> Pool:
    """Return the versions that can be rated. Reads only.

    Raises
    ------
    ParameterError
        The long texts are not loaded, or a server answers the queries.
    """
    db.needs_duckdb("Pairs to rate")
    if not db.origin["texts"]:
        raise ParameterError("Rating needs the long texts", db.origin["path"], "use attach(…, texts=True)")
    named = listed_agents(agents)
    prompts: dict[str, dict[str, Candidate]] = {}
    with db.session() as connection:
        name_agents(connection, named)
        for row in rows(connection, "duckdb/rating_pool", most=_MOST_TEXTS, seed=str(seed)):
            prompts.setdefault(row["prompt"], {}).setdefault(row["agent"], Candidate(**row))
    found = {prompt: tuple(some.values()) for prompt, some in prompts.items()}
    names = sorted({one.agent for some in found.values() for one in some})
    return Pool(db, tuple(names), found, tuple(named))


def with_texts(db: Database, pair: RatingPair) -> RatingPair:
    """Return the pair with the texts of its prompt and versions. Reads only."""
    with db.session() as connection:
        wanted = {"prompt": pair.prompt_id, "left": pair.left, "right": pair.right}
        (texts,) = rows(connection, "duckdb/rating_texts", **wanted)
    return replace(pair, **texts)


def choose(pool: Pool, done: Sequence[Comparison], rater: str, seed: int = 0) -> RatingPair | None:
    """Return the pair to rate next, without its texts; None where this rater has seen all."""
    seen = {frozenset(one.versions) for one in done if one.rater == rater}
    rated = Counter((one.a, one.b, one.text) for one in done if one.outcome is not None)
    per_text = Counter(one.text for one in done if one.outcome is not None)
    free: dict[Agents, list[tuple[int, int, bytes, Candidate, Candidate]]] = {}
    for candidates in pool.prompts.values():
        for a, b in combinations(candidates, 2):
            if frozenset((a.version, b.version)) not in seen:
                place = _hash(seed, rater, a.text, a.prompt, a.agent, b.agent)
                rank = rated[a.agent, b.agent, a.text], per_text[a.text], place
                free.setdefault((a.agent, b.agent), []).append((*rank, a, b))
    best = {agents: min(some, key=lambda one: one[:3]) for agents, some in free.items()}
    order = [agents for agents in priority(pool.agents, done, seed) if agents in best]
    # Of a text that was rated before, the decision learns nothing.
    order.sort(key=lambda agents: best[agents][0] > 0)
    if not order:
        return None
    a, b = best[order[0]][3:]
    ab = _is_left(done, rater, seed, a, b)
    left, right = (a, b) if ab else (b, a)
    return RatingPair(a.prompt, left.version, right.version, "ab" if ab else "ba", equal=a.same == b.same)


def priority(agents: Sequence[str], done: Iterable[Comparison], seed: int = 0) -> list[Agents]:
    """Return the pairs of agents, those first that the decision needs most."""
    done = list(done)
    wins, counts = first_wins(done), Counter((one.a, one.b) for one in done if one.outcome is not None)
    by_count = sorted(combinations(sorted(agents), 2), key=lambda pair: (counts[pair], _hash(seed, *pair)))
    fewest = counts[by_count[0]] if by_count else 0
    if fewest < _FIRST or sum(counts.values()) % _EXPLORE == _EXPLORE - 1:
        return by_count
    leader, rivals = leader_and_rivals(agents, wins)
    first = [(min(leader, rival), max(leader, rival)) for rival in rivals]
    return first + [pair for pair in by_count if pair not in first]


def leader_and_rivals(agents: Sequence[str], wins: Mapping[Agents, int]) -> tuple[str, list[str]]:
    """Return the agent that leads, and the rivals that it is not yet surely ahead of, the least sure first."""

    def share(one: str, other: str) -> float:
        won, lost = wins.get((one, other), 0), wins.get((other, one), 0)
        return (won + 1) / (won + lost + 2)

    leader = max(sorted(agents), key=lambda one: min(share(one, other) for other in agents if other != one))
    sure = {}
    for rival in agents:
        won, lost = wins.get((leader, rival), 0), wins.get((rival, leader), 0)
        evidence = rating_evidence(won, lost) * (1 if won >= lost else -1)
        if rival != leader and evidence <= ENOUGH:
            sure[rival] = evidence
    return leader, sorted(sure, key=lambda rival: (sure[rival], rival))


def first_wins(done: Iterable[Comparison]) -> dict[Agents, int]:
    """Count, by (one, other), in how many prompt texts the first rating prefers one to the other."""
    first: dict[tuple[str, str, str], int] = {}
    for one in done:
        if one.outcome is not None:
            first.setdefault((one.a, one.b, one.text), one.outcome)
    wins: Counter[Agents] = Counter()
    for (a, b, _), outcome in first.items():
        if outcome:
            wins[(a, b) if outcome > 0 else (b, a)] += 1
    return dict(wins)


def missing_ratings(agents: Sequence[str], wins: Mapping[Agents, int]) -> int:
    """Estimate how many more ratings lead to a decision; 0 where it is made."""
    if len(agents) < 2:
        return 0
    leader, rivals = leader_and_rivals(agents, wins)
    needed = sum(_missing(wins.get((leader, rival), 0), wins.get((rival, leader), 0)) for rival in rivals)
    return round(needed * _OTHERS) if len(rivals) > 1 else needed


def rated_versions(connection: Engine, ids: Iterable[str]) -> dict[str, Row]:
    """Return what the database knows of rated versions, by id. Reads only."""
    register(connection, "rated_ids", "id VARCHAR", [(name,) for name in sorted(ids)])
    return {row["id"]: row for row in rows(connection, "rated_versions")}


def compare_agents(
    ratings: Iterable[Rating], known: Mapping[str, Row | None], kinds: Sequence[str]
) -> Iterator[tuple[Comparison | None, str]]:
    """Yield each rating as a comparison of two agents; or None, and why it is none."""
    for rating in ratings:
        left, right = known.get(rating.left), known.get(rating.right)
        if not left or not right:
            yield None, "foreign"
        elif not left["prompt"] == right["prompt"] == rating.prompt or left["agent"] == right["agent"]:
            yield None, "mismatched"
        elif not (left["competes"] and right["competes"]):
            yield None, "not competing"
        elif left["provenance"] not in kinds or right["provenance"] not in kinds:
            yield None, "other rows"
        else:
            yield _comparison(rating, left, right), ""


def _comparison(rating: Rating, left: Row, right: Row) -> Comparison:
    left_a = left["agent"] < right["agent"]
    a, b = (left, right) if left_a else (right, left)
    outcome = {"left": 1, "right": -1, "tie": 0}.get(rating.choice)
    return Comparison(
        rater=rating.rater,
        prompt=rating.prompt,
        text=a["text"],
        a=a["agent"],
        b=b["agent"],
        outcome=outcome if outcome is None or left_a else -outcome,
        left_a=left_a,
        versions=(a["id"], b["id"]),
        equal=a["same"] == b["same"],
        seconds=rating.seconds,
    )


def as_tie(pool: Pool, pair: RatingPair, rater: str) -> Comparison:
    """Return the tie that a pair of equal texts counts as."""
    by_id = {one.version: one for one in pool.prompts[pair.prompt_id]}
    a, b = sorted((by_id[pair.left], by_id[pair.right]), key=lambda one: one.agent)
    versions = a.version, b.version
    return Comparison(rater, a.prompt, a.text, a.agent, b.agent, 0, pair.order == "ab", versions, equal=True)


def _is_left(done: Sequence[Comparison], rater: str, seed: int, a: Candidate, b: Candidate) -> bool:
    """Draw the side of `a`: at random, and forced where one of the two stood on the left too often."""
    both = [one.left_a for one in done if (one.rater, one.a, one.b) == (rater, a.agent, b.agent)]
    more = 2 * sum(both) - len(both)
    if abs(more) >= _SIDES:
        return more < 0
    return bool(_hash(seed, rater, "side", a.version, b.version)[0] & 1)


def _missing(won: int, lost: int) -> int:
    won, lost = max(won, lost), min(won, lost)
    share = (won + _LIKELY[0]) / (won + lost + sum(_LIKELY))
    for more in range(_MANY):
        gained = round(share * more)
        if rating_evidence(won + gained, lost + more - gained) > ENOUGH:
            return more
    return _MANY


@lru_cache(maxsize=1 << 16)  # a pool is looked through anew for each pair
def _hash(*parts: object) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "backslashreplace"), digest_size=8).digest()
