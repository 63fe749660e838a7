"""Which agent wins how often: contests, wins, rates with intervals, mean totals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.analysis.statistics import wilson_interval
from dbtools.errors import ParameterError
from dbtools.source import Database
from dbtools.tables import table

if TYPE_CHECKING:
    import pandas as pd

PROVENANCES = ("real", "generated", "placeholder", "unknown", "all")
WINS = ("recorded", "score")


@dataclass(frozen=True)
class AgentResult:
    """How one agent fared.

    Attributes
    ----------
    contests, wins : int, float
        Contests in which the kind of win can be told, and those won (a shared win counts as a fraction).
    win_rate, low, high : float or None
        Share of contests won and its 95 % Wilson interval; None without contests.
    mean_total, scored : float or None, int
        Mean total on the judge's scale of 0–50, and over how many versions.
    """

    agent: str
    contests: int
    wins: float
    win_rate: float | None
    low: float | None
    high: float | None
    mean_total: float | None
    scored: int


@dataclass(frozen=True, repr=False)
class Effectiveness:
    """The agents side by side, with what was left out.

    Attributes
    ----------
    left_out : dict
        By relation: how many rows of other provenance were not used.
    not_competing : dict
        By source that is no agent: its versions within the provenance, not used either.
    """

    provenance: str
    wins: str
    agents: tuple[AgentResult, ...]
    left_out: dict[str, dict[str, int]]
    not_competing: dict[str, int]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per agent: agent, contests, wins, win_rate, low, high, mean_total, scored."""
        import pandas as pd

        columns = list(AgentResult.__dataclass_fields__)
        return pd.DataFrame([a.__dict__ for a in self.agents], columns=columns)

    @cached_property
    def left_out_frame(self) -> pd.DataFrame:
        """One row per kind of row not used: rows, why, count."""
        import pandas as pd

        out = [(r, f"{kind} rows", n) for r, kinds in self.left_out.items() for kind, n in kinds.items()]
        out += [("versions", f"{source} does not compete", n) for source, n in self.not_competing.items()]
        return pd.DataFrame(out, columns=["relation", "why", "rows"])

    @property
    def sentence(self) -> str:
        """What the numbers say, and what they leave out. It describes; it does not name a best agent."""
        kind = "recorded wins" if self.wins == "recorded" else "wins by score"
        rows = "rows of any provenance" if self.provenance == "all" else f"{self.provenance} rows"
        out = self.left_out.get("versions", {})
        left = ", ".join(f"{n:,} {kind}" for kind, n in out.items() if n) or "no"
        tail = f"left out: {left} versions"
        if self.not_competing:
            others = ", ".join(f"{n:,} by {source}" for source, n in self.not_competing.items())
            tail += f"; not competing: {others}"
        told = [a for a in self.agents if a.contests]
        if not told:
            return f"Undecided: there are no contests with {kind} among {rows}; {tail}."
        shares = ", ".join(
            f"{a.agent} {a.wins:g} of {a.contests:,} ({100 * (a.low or 0):.0f}–{100 * (a.high or 0):.0f} %)"
            for a in told
        )
        return f"Share of {kind} among {rows}, with 95 % interval: {shares}; {tail}."

    def __repr__(self) -> str:
        return f"Effectiveness({self.sentence})"

    def _repr_html_(self) -> str:
        return table(self.frame, caption=self.sentence, formats={"win_rate": ".1%", "low": ".1%", "high": ".1%"})

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {
            "provenance": self.provenance,
            "wins": self.wins,
            "agents": [dict(a.__dict__) for a in self.agents],
            "left_out": self.left_out,
            "not_competing": self.not_competing,
            "sentence": self.sentence,
        }


def effectiveness(db: Database, provenance: str = "real", wins: str = "recorded") -> Effectiveness:
    """Compare the agents over the contests of one provenance. Reads only.

    Parameters
    ----------
    provenance : {"real", "generated", "placeholder", "unknown", "all"}
        Which rows count.
    wins : {"recorded", "score"}
        The stored heads, or the highest total among agents scored on one scale (a tie of k counts 1/k each).

    Raises
    ------
    ParameterError
        `provenance` or `wins` is none of these words.
    """
    if provenance not in PROVENANCES:
        raise ParameterError("No such provenance", provenance, f"use one of {', '.join(PROVENANCES)}")
    if wins not in WINS:
        raise ParameterError("No such kind of win", wins, f"use one of {', '.join(WINS)}")
    agents = []
    for agent, contests, won, rate, mean, scored in _query(db, "agents", provenance=provenance, wins=wins):
        low, high = wilson_interval(won, contests) if contests else (None, None)
        agents.append(AgentResult(agent, contests, won, rate, low, high, mean, scored))
    left_out: dict[str, dict[str, int]] = {}
    for relation, kind, rows, used in _query(db, "left_out", provenance=provenance):
        if not used:
            left_out.setdefault(relation, {})[kind] = rows
    others = dict(_query(db, "not_competing", provenance=provenance))
    return Effectiveness(provenance, wins, tuple(agents), left_out, others)


def _query(db: Database, name: str, **parameters: str) -> list[Any]:
    text = files("dbtools.analysis").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
    return db.sql(text, parameters).fetchall()
