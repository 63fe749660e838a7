"""Which agent is effective, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools.analysis import sentences
from dbtools.analysis.agents import SHOWN, AgentResult, agreements, logged_selections, standings
from dbtools.analysis.claim import Claim, judge
from dbtools.analysis.confounders import Confounder, confounders
from dbtools.analysis.multiverse import Specification, kinds_of, multiverse
from dbtools.analysis.pairs import Meetings, Pair, compare, meetings
from dbtools.analysis.questions import PROVENANCES, SCALES, WINS, Chosen, Row, ask, check_word, working_table
from dbtools.analysis.statistics import INTERVALS
from dbtools.analysis.statistics.agreement import Agreement
from dbtools.analysis.statistics.ranking import Ranking, bradley_terry
from dbtools.database import Database
from dbtools.errors import ParameterError, readable
from dbtools.html import table
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd

    from dbtools.database.engine import Engine

_NOT_SHOWN = {"told", "won", "dimensions"}


@dataclass(frozen=True, repr=False)
class Effectiveness(Result):
    """The agents side by side, what may be claimed of them, and what was left out.

    Attributes
    ----------
    pairs : tuple of Pair
        Agents compared within prompts, by total; the first of each pair is the one above.
    agreements : dict
        By pair of kinds of win: how far they name the same agent.
    regret : float or None
        Mean, in points of 50, of the contest's highest total less that of the recorded head's agent.
    ranking : Ranking
        Bradley–Terry with ties, by total.
    origins : dict
        By relation and provenance: how many rows there are.
    contests : dict
        Contests, their texts, and those that tell no win: of one agent alone, headless, of mixed scales or unscored.
    not_competing : dict
        By source that is no agent: its versions within the provenance, not used.
    logged : int
        Runs from rescued logs that count among the wins ``selected``.
    filter_note : str
        Which prompts alone were looked at (`Database.only`); empty: all.
    """

    provenance: str
    wins: str
    scale: str
    agents: tuple[AgentResult, ...]
    pairs: tuple[Pair, ...]
    claim: Claim
    multiverse: tuple[Specification, ...]
    agreements: Mapping[tuple[str, str], Agreement]
    regret: float | None
    ranking: Ranking
    confounders: tuple[Confounder, ...]
    distributions: tuple[Row, ...]
    origins: dict[str, dict[str, int]]
    contests: Row
    not_competing: dict[str, int]
    logged: int
    filter_note: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per agent: what `AgentResult` has, but ``told``, ``won`` and ``dimensions``."""
        return _frame(self.agents, AgentResult)

    @cached_property
    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair of agents, the largest difference first: the attributes of `Pair`."""
        return _frame(self.pairs, Pair)

    @cached_property
    def multiverse_frame(self) -> pd.DataFrame:
        """One row per filter: the attributes of `Specification`."""
        return _frame(self.multiverse, Specification)

    @cached_property
    def wins_frame(self) -> pd.DataFrame:
        """One row per agent: contests won by each kind of win, empty where that kind cannot be told."""
        import pandas as pd

        rows = [{"agent": a.agent, **{k: a.won[k] if a.told[k] else None for k in WINS}} for a in self.agents]
        return pd.DataFrame(rows, columns=["agent", *WINS]).astype(dict.fromkeys(WINS, float))

    @cached_property
    def agreement_frame(self) -> pd.DataFrame:
        """One row per pair of kinds of win: one, other, n, raw, kappa, kappa_degenerate, ac1."""
        import pandas as pd

        rows = [{"one": x, "other": y, **asdict(a)} for (x, y), a in self.agreements.items()]
        return pd.DataFrame(rows, columns=["one", "other", *Agreement.__dataclass_fields__])

    @cached_property
    def dimensions_frame(self) -> pd.DataFrame:
        """One row per agent and dimension: agent, dimension, mean (0–10), se, low, high."""
        import pandas as pd

        rows = [
            {"agent": a.agent, "dimension": d, **asdict(mean)} for a in self.agents for d, mean in a.dimensions.items()
        ]
        return pd.DataFrame(rows, columns=["agent", "dimension", "mean", "se", "low", "high"])

    @cached_property
    def distributions_frame(self) -> pd.DataFrame:
        """One row per agent, dimension and half a mark: agent, dimension, bin (its lower end), rows."""
        import pandas as pd

        return pd.DataFrame(list(self.distributions), columns=["agent", "dimension", "bin", "rows"])

    @cached_property
    def confounders_frame(self) -> pd.DataFrame:
        """One row per other explanation: name, sentence."""
        import pandas as pd

        return pd.DataFrame([(c.name, c.sentence) for c in self.confounders], columns=["name", "sentence"])

    @property
    def left_out(self) -> dict[str, dict[str, int]]:
        """By relation and provenance: how many rows were not used because of it."""
        used = Chosen.of(self.provenance, self.scale).kinds
        kept = {r: {kind: n for kind, n in kinds.items() if kind not in used} for r, kinds in self.origins.items()}
        return {relation: kinds for relation, kinds in kept.items() if kinds}

    @cached_property
    def left_out_frame(self) -> pd.DataFrame:
        """One row per kind of row not used: relation, why, rows."""
        import pandas as pd

        return pd.DataFrame(sentences.left_out(self), columns=["relation", "why", "rows"])

    @cached_property
    def sentence(self) -> str:
        """What may be claimed, on how many contests and texts, and what is left out."""
        return sentences.headline(self)

    def _table(self) -> str:
        return table(self.frame[[*SHOWN]], caption=self._caption, formats=SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return sentences.as_json(self)


def effectiveness(
    db: Database,
    provenance: str = "real",
    wins: str = "recorded",
    *,
    scale: str = "judge",
    agents: Sequence[str] | None = None,
    interval: str = "wilson",
    logs: bool = False,
    table: Engine | None = None,
) -> Effectiveness:
    """Compare the agents over the contests of one provenance. Reads only.

    Parameters
    ----------
    provenance : {"real", "generated", "placeholder", "unknown", "all"}
        Which rows count.
    wins : {"recorded", "score", "selected", "user"}
        Which wins the rates count: the stored heads, the highest total of the contest, the application's own
        selection, or the users' choices. The pairs, the claim and the ranking are always by total.
    scale : {"judge", "heuristic", "self", "synthetic"}
        The scale whose scores count; scores of two scales are never compared.
    agents : sequence of str, optional
        The sources that compete; by default all but the known non-agents (``original``, ``user_input``, …).
    interval : {"wilson", "clopper-pearson", "jeffreys"}
        The interval of the win rates.
    logs : bool
        Whether runs in rescued logs count among the application's selections.
    table : connection, optional
        An open `working_table` of the same database and agents, for whoever asks more than once.

    Raises
    ------
    ParameterError
        A parameter is none of these words, `agents` is a text, or none of them has written anything.
    """
    check_word("provenance", provenance, PROVENANCES)
    check_word("kind of win", wins, WINS)
    check_word("scale", scale, SCALES)
    check_word("interval", interval, tuple(INTERVALS))
    if isinstance(agents, str):
        raise ParameterError("Agents are a list", agents, "put the name in brackets")
    chosen, names = Chosen.of(provenance, scale), list(map(readable, agents)) if agents else None
    with nullcontext(table) if table else working_table(db, names) as connection:
        logged = logged_selections(connection, [r for r in db.relations if r.startswith("rescued_")]) if logs else {}
        origins = ask(connection, "provenance")
        _check_agents(names, origins)
        standing = standings(connection, chosen, wins, interval, logged)
        facts = _scores(connection, chosen, standing, provenance)
        (contests,) = ask(connection, "contests", **chosen.bound)
        return Effectiveness(
            provenance=provenance,
            wins=wins,
            scale=scale,
            agents=standing,
            agreements=agreements(connection, chosen),
            regret=contests.pop("regret"),
            distributions=tuple(ask(connection, "distributions", **chosen.bound)),
            origins=_origins(origins),
            contests=contests,
            not_competing=_not_competing(origins, chosen),
            logged=sum(won for _, won in logged.values()),
            filter_note=db.filter_note,
            **facts,
        )


def _scores(connection: Engine, chosen: Chosen, standing: Sequence[AgentResult], asked: str) -> Row:
    """Return all that rests on comparing totals within contests."""
    present = ask(connection, "filters")
    family = meetings(connection, chosen)
    pairs, scored = compare(family), [a.agent for a in standing if a.scored]
    return {
        "pairs": pairs,
        "claim": judge(pairs, scored, kinds_of(chosen, present), chosen.scale, asked),
        "ranking": _ranking(family),
        "multiverse": multiverse(connection, chosen, present, family),
        "confounders": confounders(connection, chosen, present),
    }


def _ranking(family: Sequence[Meetings]) -> Ranking:
    names = sorted({name for met in family for name in (met.a, met.b)})
    counts = {}
    for met in family:
        # Repeated texts are counted once, so that they do not make the ranking surer than it is.
        worth = met.sums.n_effective / met.sums.n
        below = met.sums.n - met.above - met.ties
        counts[met.a, met.b] = (met.above * worth, below * worth, met.ties * worth)
    return bradley_terry(names, counts)


def _origins(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        kinds = found.setdefault(row["relation"], {})
        kinds[row["provenance"]] = kinds.get(row["provenance"], 0) + row["rows"]
    return found


def _check_agents(names: Sequence[str] | None, rows: Sequence[Row]) -> None:
    others = [row["source"] for row in rows if row["relation"] == "versions"]
    if names and others and all(others):  # None: those who compete
        todo = f"use some of {', '.join(sorted(set(others)))}"
        raise ParameterError("No version is by any such agent", ", ".join(names), todo)


def _not_competing(rows: Sequence[Row], chosen: Chosen) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row["source"] is not None and row["provenance"] in chosen.kinds:
            found[row["source"]] = found.get(row["source"], 0) + row["rows"]
    return dict(sorted(found.items()))


def _frame(items: Sequence[object], kind: type[AgentResult | Pair | Specification]) -> pd.DataFrame:
    import pandas as pd

    columns = [name for name in kind.__dataclass_fields__ if name not in _NOT_SHOWN]
    return pd.DataFrame([[getattr(item, name) for name in columns] for item in items], columns=columns)
