"""What the application uses and gets: tokens and cost, what users choose, what is checked for risk."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.analysis.query import PROVENANCES, Columns, Row, check_word, columns, left_out, query, records
from dbtools.analysis.statistics import SizeTable, clustered_interval, wilson_interval
from dbtools.database import Database
from dbtools.database.attach import takes_project
from dbtools.database.engine import cache
from dbtools.errors import ParameterError
from dbtools.html import counted, percents, table
from dbtools.redact import redact
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from dbtools.database.engine import Engine

    Numbers = npt.NDArray[np.float64]

VOTE_WORDS = {
    "n": ("votes", "All votes with a choice; of an agent, those in which its answer was the one shown."),
    "wins": ("chosen", "How often it was chosen."),
    "win_rate": ("share chosen", "Chosen, as a share of the votes."),
}
"""Headings and notes of the table of votes."""
GROUPS = 2_000
"""Up to so many prompt texts are resampled one by one. More are divided into so many groups, which are resampled."""
LEARNED = 10
"""The application calls itself "Learned" from so many votes on, "Warming Up" below, "Cold Start" without any."""
FORMATS = {**dict.fromkeys(("cost_usd", "recomputed_usd"), ".6f"), **dict.fromkeys(("win_rate", "low", "high"), ".1%")}
_ROWS = 366  # groups shown of each kind
_TEXTS, _TEXT = 20, 160  # texts shown when asked for, and characters of each


@dataclass(frozen=True)
class Feedback:
    """The users' votes as a whole.

    Attributes
    ----------
    n, users, requests : int
        Votes, users who voted, and requests there were to vote on.
    agreement, low, high : float or None
        Share of votes in which the judge was right, with its 95% Wilson interval; None where not computed.
    refused : str
        Why the agreement is not computed; empty where it is.
    learning_status : str
        By the application's own thresholds.
    """

    n: int
    users: int
    requests: int
    judged: int
    agreement: float | None
    low: float | None
    high: float | None
    refused: str
    learning_status: str


@dataclass(frozen=True, repr=False)
class Usage(Result):
    """Tokens, cost, feedback and security inputs, with what was left out.

    Attributes
    ----------
    unknown_models : tuple of str
        Models without a price.
    filter_note : str
        Which prompts alone count, where the database offers no others.
    """

    provenance: str
    basis: str
    costs: tuple[AgentCost, ...]
    unknown_models: tuple[str, ...]
    votes: Feedback
    left_out: dict[str, dict[str, int]]
    filter_note: str
    _tokens: Columns
    _feedback: Columns
    _security: Columns
    _texts: Columns | None

    @cached_property
    def tokens(self) -> pd.DataFrame:
        """By kind (all, agent, model, day, user) and name: calls, tokens, and cost.

        The stored and recomputed cost, and how many calls have a stored cost, can be priced, and differ by more than
        1%.
        """
        return frame_of(self._tokens)

    @cached_property
    def feedback(self) -> pd.DataFrame:
        """By kind (choice, agent) and name: n, wins, win rate with its 95% Wilson interval (votes are independent)."""
        return frame_of(self._feedback)

    @cached_property
    def security(self) -> pd.DataFrame:
        """By kind (all, label, score, time) and name: inputs, blocked, blocked share with interval, risk scores."""
        return frame_of(self._security)

    @cached_property
    def texts(self) -> pd.DataFrame | None:
        """The inputs of highest risk, cut and with credentials hidden; only when asked for, never in `to_dict`."""
        return None if self._texts is None else frame_of(self._texts)

    @cached_property
    def cost(self) -> pd.DataFrame:
        """One row per agent: cost, cost per win and per point gained with 95% intervals, mean total."""
        return frame_of(self.costs, AgentCost)

    @property
    def frame(self) -> pd.DataFrame:
        """The tokens."""
        return self.tokens

    @property
    def recomputed(self) -> dict[str, Any]:
        """What the stored costs come to at list prices, over all calls."""
        none = dict.fromkeys(("calls", "costed", "priced", "differing"), 0)
        whole = _row(self._tokens, "all", "all") or none
        whole = {k: whole.get(k) for k in ("calls", "cost_usd", "costed", "recomputed_usd", "priced", "differing")}
        return {**whole, "unpriced": whole["calls"] - whole["priced"], "unknown_models": list(self.unknown_models)}

    @property
    def sentence(self) -> str:
        """What was spent, what users chose, and what was blocked."""
        whole, rows = self.recomputed, "all rows" if self.provenance == "all" else f"{self.provenance} rows"
        calls = f"{whole['calls']:,} calls cost ${whole['cost_usd'] or 0:.4f}" if whole["calls"] else "no calls"
        chosen, checked = _row(self._feedback, "choice", "multi"), _row(self._security, "all", "all")
        share = chosen["win_rate"] if chosen else 0
        votes = (
            f"users chose the agents' answer in {share:.0%} of {self.votes.n:,} votes" if self.votes.n else "no votes"
        )
        blocked = f"{checked['blocked']:,} of {checked['n']:,} inputs blocked" if checked else "no inputs checked"
        return f"Among {rows}: {calls}; {votes}; {blocked}."

    @property
    def details(self) -> list[str]:
        """Costs, votes and checks with their intervals, and what is left out."""
        out = ", ".join(
            f"{n:,} {kind} {_COUNTED[relation]}"
            for relation, kinds in self.left_out.items()
            for kind, n in kinds.items()
        )
        some = f"Counted are {self.filter_note} only." if self.filter_note else ""
        found = [*self._cost_said(), *self._votes_said(), *self._checks_said(), some, f"Left out: {out or 'nothing'}."]
        return [text for text in found if text]

    @property
    def level(self) -> str:
        """Good where there is something to tell, else neutral."""
        return "good" if self.recomputed["calls"] or self.votes.n or len(self._security["n"]) else "neutral"

    @property
    def highlights(self) -> list[Highlight]:
        """Costs, votes and checks with their intervals."""
        votes, checks = "what-do-users-choose", "what-was-checked-for-risk"
        found = [Highlight("info", text, "what-do-the-calls-cost") for text in self._cost_said()]
        found += [Highlight("info", text, votes) for text in self._votes_said() if self.votes.n]
        return found + [
            Highlight("info", text, checks) for text in self._checks_said() if _row(self._security, "all", "all")
        ]

    def _cost_said(self) -> list[str]:
        whole = self.recomputed
        if not whole["calls"]:
            return []
        unknown = f" (no price for {', '.join(self.unknown_models)})" if self.unknown_models else ""
        return [
            f"Cost of the {whole['calls']:,} calls: ${whole['cost_usd'] or 0:.4f} as stored, "
            f"${whole['recomputed_usd'] or 0:.4f} at list prices; {whole['differing']:,} differ by more than 1%, "
            f"{whole['unpriced']:,} cannot be priced{unknown}."
        ]

    def _votes_said(self) -> list[str]:
        votes = self.votes
        status = (
            f'The application calls its learning status "{votes.learning_status}"; "Learned" needs {LEARNED} votes.'
        )
        if not votes.n:
            return [f"No feedback. {status}"]
        chosen = _row(self._feedback, "choice", "multi")
        share = "never chose the agents' answer"
        if chosen:
            between = percents(chosen["low"], chosen["high"])
            share = f"chose the agents' answer in {chosen['win_rate']:.0%} (95% interval {between})"
        judge = f"Agreement of judge and users is not computed: {votes.refused}."
        if votes.agreement is not None:
            between = percents(votes.low or 0, votes.high or 0)
            judge = f"The judge was right in {votes.agreement:.0%} of {votes.judged:,} (95% interval {between})."
        cast = f"{counted(votes.users, 'user')} cast {counted(votes.n, 'vote')}"
        return [f"{cast} and {share}.", status, judge]

    def _checks_said(self) -> list[str]:
        checked = _row(self._security, "all", "all")
        if not checked:
            return ["No inputs were checked for risk."]
        odd = f", {checked['disagree']:,} with a label that contradicts it" if checked["disagree"] else ""
        share = f"{checked['blocked_share']:.0%}, 95% interval {percents(checked['low'], checked['high'])}"
        return [f"{checked['blocked']:,} of {checked['n']:,} checked inputs were blocked ({share}){odd}."]

    def _table(self) -> str:
        shown = self.tokens[self.tokens["kind"].isin(["all", "agent", "model"])].drop(columns=["costed", "priced"])
        return table(shown, caption=self._caption, formats=FORMATS)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values, without any text of an input."""
        return {
            "provenance": self.provenance,
            "tokens": records(self._tokens),
            "cost": {"basis": self.basis, "agents": [asdict(c) for c in self.costs], "recomputed": self.recomputed},
            "feedback": {**asdict(self.votes), "wins": records(self._feedback)},
            "security": records(self._security),
            "left_out": self.left_out,
            "sentence": self.sentence,
            "details": self.details,
        }


_COUNTED = {"token_usage": "calls", "feedback": "votes", "security_inputs": "checked inputs"}


@takes_project
def usage(
    db: Database,
    provenance: str = "real",
    *,
    basis: str = "stored",
    prices: Path | None = None,
    texts: bool = False,
    seed: int = 0,
) -> Usage:
    """Add up tokens, cost, feedback and security inputs. Reads only.

    Parameters
    ----------
    provenance : {"real", "generated", "placeholder", "unknown", "all"}
        Which rows count: calls by that of their version, votes by that of their prompt, inputs by their user id.
    basis : {"stored", "recomputed"}
        Which costs are divided by wins and points.
    prices : Path, optional
        A price table to use instead of the package's: a CSV of the same columns.
    texts : bool
        Whether to return the inputs of highest risk too.

    Raises
    ------
    ParameterError
        A word is none of these, the price table cannot be used, the texts are not loaded, or a server reads the lake.
    """
    import numpy as np

    db.needs_duckdb("Usage")
    check_word("provenance", provenance, PROVENANCES)
    check_word("basis of cost", basis, ("stored", "recomputed"))
    if texts and not db.origin["texts"]:
        raise ParameterError("The texts are not loaded", db.origin["path"], "attach it with texts=True")
    listed = read_prices(prices)
    with db.session() as connection:
        cache(connection, "row_provenance")
        tokens = columns(connection, "duckdb/tokens", provenance=provenance, prices=listed, rows=_ROWS)
        parts = None
        if len(tokens["kind"]):  # without calls nothing has a cost
            groups = {"groups": GROUPS, "basis": basis}
            parts = columns(connection, "duckdb/cost", provenance=provenance, prices=listed, **groups)
        models = zip(tokens["kind"], tokens["name"], tokens["priced"], strict=True)
        return Usage(
            provenance,
            basis,
            tuple(agent_costs(parts, np.random.default_rng(seed))) if parts else (),
            tuple(name for kind, name, priced in models if kind == "model" and not priced),
            _votes(connection, provenance),
            left_out(connection, provenance, *_COUNTED),
            db.filter_note,
            tokens,
            _with_interval(columns(connection, "duckdb/feedback", provenance=provenance), "wins", "win_rate"),
            _with_interval(columns(connection, "duckdb/security", provenance=provenance), "blocked", "blocked_share"),
            _texts(connection, provenance) if texts else None,
        )


def _row(found: Columns, kind: str, name: str) -> Row | None:
    names = zip(found["kind"], found["name"], strict=True)
    at = next((i for i, one in enumerate(names) if one == (kind, name)), None)
    return None if at is None else records({column: cells[at : at + 1] for column, cells in found.items()})[0]


def _votes(connection: Engine, provenance: str) -> Feedback:
    (row,) = query(connection, "duckdb/feedback_facts", provenance=provenance).fetchall()
    n, users, judged, correct, repeats, requests = row
    status = "Cold Start" if not n else "Warming Up" if n < LEARNED else "Learned"
    unjudged = "no vote says whether the judge was right"
    refused = "judge_correct only repeats the user's choice" if repeats else "" if judged else unjudged
    if refused:
        return Feedback(n, users, requests, judged, None, None, None, refused, status)
    low, high = wilson_interval(correct, judged)
    return Feedback(n, users, requests, judged, correct / judged, low, high, "", status)


def _with_interval(found: Columns, wins: str, rate: str) -> Columns:
    import numpy as np

    ends = [wilson_interval(won, n) for won, n in zip(found[wins].tolist(), found["n"].tolist(), strict=True)]
    low, high = np.array(ends, dtype=float).reshape(-1, 2).T
    return {**found, rate: found[wins] / found["n"], "low": low, "high": high}


def _texts(connection: Engine, provenance: str) -> Columns:
    import numpy as np

    found = columns(connection, "duckdb/security_texts", provenance=provenance, rows=_TEXTS)
    # Redacted before it is cut: half a credential is no longer recognised.
    return {**found, "text": np.array([redact(text or "")[:_TEXT] for text in found["text"]], dtype=object)}


@dataclass(frozen=True)
class AgentCost:
    """What one agent cost, in US dollars, over the prompts whose calls all have a cost.

    Attributes
    ----------
    prompts, cost : int, float
        Those prompts, and the cost of all calls for the agent's versions in them.
    contests, wins : int, int
        Those of them in which the recorded winner is known, and those won.
    gains, gained : int, float
        Those in which the agent's version can be compared with the original or its parent, and the points of 50 gained.
    win_low, win_high, point_low, point_high : float or None
        The 95% interval; an end is None where it is not bounded, because some resamples win or gain nothing.
    scored, mean_total, total_low, total_high : int, float or None
        Versions on the judge's scale, their mean total (0–50) and its interval, clustered by prompt text as in
        `effectiveness`.
    """

    agent: str
    prompts: int
    cost: float
    contests: int
    wins: int
    cost_per_win: float | None
    win_low: float | None
    win_high: float | None
    gains: int
    gained: float
    cost_per_point: float | None
    point_low: float | None
    point_high: float | None
    scored: int
    mean_total: float | None
    total_low: float | None
    total_high: float | None


def read_prices(path: Path | None = None) -> list[dict[str, Any]]:
    """Return the dated price table, of the package or of a file of the same columns. Reads only.

    Raises
    ------
    ParameterError
        The file cannot be read as a price table.
    """
    home = path or files("dbtools.database").joinpath("prices.csv")
    try:
        rows = list(csv.DictReader(StringIO(home.read_text(encoding="utf-8"))))
        return [
            {
                "model": row["model"].strip().lower(),
                "prompt_usd": float(row["usd_per_million_prompt"]),
                "completion_usd": float(row["usd_per_million_completion"]),
                "valid_from": date.fromisoformat(row["valid_from"]),
            }
            for row in rows
        ]
    except (OSError, KeyError, ValueError, AttributeError, TypeError):
        todo = "give a CSV with model, usd_per_million_prompt, usd_per_million_completion, valid_from"
        raise ParameterError("Not a price table", home, todo) from None


def agent_costs(parts: Columns, rng: np.random.Generator, resamples: int = 1_999) -> list[AgentCost]:
    """Divide costs by wins and by points gained, with a bootstrap over prompt texts; `parts` is of ``cost.sql``.

    Percentile bootstrap of a ratio of sums: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    Assumes prompt texts are independent; all agents of a text are drawn together. A resample without a win or gain has
    an infinite cost.
    """
    import numpy as np

    agents, part = parts["agent"], np.asarray(parts["part"])
    if not len(part):
        return []
    names, sums = sorted(set(agents)), [c for c in parts if c not in ("agent", "part")]
    width = int(part.max()) + 1
    table = np.zeros((width, len(names), len(sums)))
    cells = np.column_stack([np.asarray(parts[c], dtype=float) for c in sums])
    table[part, [names.index(a) for a in agents]] = cells
    weights = rng.multinomial(width, np.full(width, 1 / width), size=resamples)
    drawn = np.tensordot(weights, table, axes=1)
    return [_agent_cost(name, table[:, j], drawn[:, j], sums) for j, name in enumerate(names)]


def _agent_cost(name: str, parts: Numbers, drawn: Numbers, columns: list[str]) -> AgentCost:
    each = dict(zip(columns, parts.T, strict=True))
    at = {column: float(cells.sum()) for column, cells in each.items()}
    again = dict(zip(columns, drawn.T, strict=True))
    per_win = _ratio(at["cost_of_contests"], at["wins"], again["cost_of_contests"], again["wins"])
    per_point = _ratio(at["cost_of_gains"], at["gained"], again["cost_of_gains"], again["gained"])
    mean = mean_low = mean_high = None
    if at["scored"]:
        some = each["scored"] > 0
        table = SizeTable.of(each["total"][some].tolist(), each["scored"][some].astype(int).tolist())
        mean, (mean_low, mean_high) = at["total"] / at["scored"], clustered_interval(table)
    return AgentCost(
        name,
        int(at["prompts"]),
        at["cost"],
        int(at["contests"]),
        int(at["wins"]),
        *per_win,
        int(at["gains"]),
        at["gained"],
        *per_point,
        int(at["scored"]),
        mean,
        mean_low,
        mean_high,
    )


def _ratio(
    above: float, below: float, aboves: Numbers, belows: Numbers
) -> tuple[float | None, float | None, float | None]:
    import numpy as np

    if below <= 1e-9:
        return None, None, None
    ratios = np.sort(np.divide(aboves, belows, out=np.full(len(aboves), np.inf), where=belows > 1e-9))
    last = len(ratios) - 1
    low, high = (float(ratios[round(share * last)]) for share in (0.025, 0.975))
    return above / below, low if low < np.inf else None, high if high < np.inf else None
