"""What the application uses and gets: tokens and cost, what users choose, what is checked for risk."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.analysis.cost import GROUPS, AgentCost, agent_costs, read_prices
from dbtools.analysis.query import ask, left_out, records
from dbtools.analysis.questions import PROVENANCES, check_word
from dbtools.analysis.statistics import wilson_interval
from dbtools.database import Database
from dbtools.errors import ParameterError
from dbtools.html import percents, redact, table
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd

LEARNED = 10
FORMATS = {**dict.fromkeys(("cost_usd", "recomputed_usd"), ".6f"), **dict.fromkeys(("win_rate", "low", "high"), ".1%")}
"""How tables show the columns of a result."""
"""The application calls itself "Learned" from so many votes on, "Warming Up" below, "Cold Start" without any."""

_ROWS = 366  # groups shown of each kind
_TEXTS, _TEXT = 20, 160  # texts shown when asked for, and characters of each


@dataclass(frozen=True)
class Feedback:
    """What the users' votes say as a whole.

    Attributes
    ----------
    n, users, requests : int
        Votes, users who voted, and requests there were to vote on.
    agreement, low, high : float or None
        Share of votes in which the judge was right, with its 95% Wilson interval; None when refused.
    refused : str
        Why the agreement is refused; empty when it is not.
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
    tokens : pandas.DataFrame
        By kind (all, agent, model, day, user) and name: calls, tokens, stored and recomputed cost, and how many calls
        have a stored cost, can be priced, and differ by more than 1%.
    feedback : pandas.DataFrame
        By kind (choice, agent) and name: n, wins, win rate with its 95% Wilson interval (votes are independent).
    security : pandas.DataFrame
        By kind (all, label, score, time) and name: inputs, blocked, blocked share with interval, risk scores.
    texts : pandas.DataFrame or None
        The inputs of highest risk, cut and with credentials hidden; only when asked for, never in `to_dict`.
    unknown_models : tuple of str
        Models without a price.
    filter_note : str
        Which prompts alone count, where the database offers no others.
    """

    provenance: str
    basis: str
    tokens: pd.DataFrame
    costs: tuple[AgentCost, ...]
    unknown_models: tuple[str, ...]
    feedback: pd.DataFrame
    votes: Feedback
    security: pd.DataFrame
    texts: pd.DataFrame | None
    left_out: dict[str, dict[str, int]]
    filter_note: str = ""

    @cached_property
    def cost(self) -> pd.DataFrame:
        """One row per agent: cost, cost per win and per point gained with 95% intervals, mean total."""
        import pandas as pd

        return pd.DataFrame([asdict(c) for c in self.costs], columns=list(AgentCost.__dataclass_fields__))

    @property
    def frame(self) -> pd.DataFrame:
        """The tokens."""
        return self.tokens

    @property
    def recomputed(self) -> dict[str, Any]:
        """What the stored costs come to at list prices, over all calls."""
        found = records(self.tokens[self.tokens["kind"] == "all"])
        whole = found[0] if found else dict.fromkeys(("calls", "costed", "priced", "differing"), 0)
        whole = {k: whole.get(k) for k in ("calls", "cost_usd", "costed", "recomputed_usd", "priced", "differing")}
        return {**whole, "unpriced": whole["calls"] - whole["priced"], "unknown_models": list(self.unknown_models)}

    @property
    def sentence(self) -> str:
        """What the numbers say, and what they leave out."""
        rows = "rows of any provenance" if self.provenance == "all" else f"{self.provenance} rows"
        out = ", ".join(
            f"{n:,} {kind} {_WORDS[relation]}" for relation, kinds in self.left_out.items() for kind, n in kinds.items()
        )
        parts = [self._tokens_said(), self._votes_said(), self._security_said()]
        out = "; ".join(filter(None, (self.filter_note, out)))
        return f"Among {rows}: {'; '.join(parts)}. Left out: {out or 'nothing'}."

    def _tokens_said(self) -> str:
        whole = self.recomputed
        if not whole["calls"]:
            return "no calls"
        unknown = f" (no price for {', '.join(self.unknown_models)})" if self.unknown_models else ""
        return (
            f"{whole['calls']:,} calls cost ${whole['cost_usd'] or 0:.4f} as stored and "
            f"${whole['recomputed_usd'] or 0:.4f} at list prices; {whole['differing']:,} differ by more than 1%, "
            f"and {whole['unpriced']:,} cannot be priced{unknown}"
        )

    def _votes_said(self) -> str:
        votes = self.votes
        if not votes.n:
            return f"no feedback (learning status {votes.learning_status})"
        multi = self.feedback[(self.feedback["kind"] == "choice") & (self.feedback["name"] == "multi")]
        liked = "never chose the agents' answer"
        if len(multi):
            row = multi.iloc[0]
            between = percents(row["low"], row["high"])
            liked = f"chose the agents' answer in {row['win_rate']:.0%} (95% interval {between})"
        judge = f"judge–user agreement refused: {votes.refused}"
        if votes.agreement is not None:
            between = percents(votes.low or 0, votes.high or 0)
            judge = f"the judge was right in {votes.agreement:.0%} of {votes.judged:,} (95% interval {between})"
        return (
            f"{votes.users:,} users in {votes.n:,} votes {liked}, learning status {votes.learning_status} "
            f"(Learned from {LEARNED} votes on); {judge}"
        )

    def _security_said(self) -> str:
        whole = self.security[self.security["kind"] == "all"]
        if not len(whole):
            return "no inputs checked for risk"
        row = whole.iloc[0]
        odd = f", {row['disagree']:,} with a label that contradicts it" if row["disagree"] else ""
        share = f"{row['blocked_share']:.0%}, 95% interval {percents(row['low'], row['high'])}"
        return f"{row['blocked']:,} of {row['n']:,} inputs blocked ({share}){odd}"

    def _table(self) -> str:
        shown = self.tokens[self.tokens["kind"].isin(["all", "agent", "model"])].drop(columns=["costed", "priced"])
        return table(shown, caption=self._caption, formats=FORMATS)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values, without any text of an input."""
        return {
            "provenance": self.provenance,
            "tokens": records(self.tokens),
            "cost": {"basis": self.basis, "agents": [asdict(c) for c in self.costs], "recomputed": self.recomputed},
            "feedback": {**asdict(self.votes), "wins": records(self.feedback)},
            "security": records(self.security),
            "left_out": self.left_out,
            "sentence": self.sentence,
        }


_WORDS = {"token_usage": "calls", "feedback": "votes", "security_inputs": "checked inputs"}


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
    _check(db, provenance, basis, texts)
    listed = read_prices(prices)
    tokens = ask(db, "tokens", provenance=provenance, prices=listed, rows=_ROWS).df()
    parts = tokens  # without calls nothing has a cost
    if len(tokens):
        parts = ask(db, "cost", provenance=provenance, prices=listed, groups=GROUPS, basis=basis).df()
    unpriced = tokens[(tokens["kind"] == "model") & (tokens["priced"] == 0)]
    security = ask(db, "security", provenance=provenance).df()
    return Usage(
        provenance,
        basis,
        tokens,
        tuple(agent_costs(parts, np.random.default_rng(seed))),
        tuple(unpriced["name"]),
        _with_interval(ask(db, "feedback", provenance=provenance).df(), "wins", "win_rate"),
        _votes(db, provenance),
        _with_interval(security, "blocked", "blocked_share"),
        _texts(db, provenance) if texts else None,
        left_out(db, provenance, *_WORDS),
        db.filter_note,
    )


def _check(db: Database, provenance: str, basis: str, texts: bool) -> None:
    check_word("provenance", provenance, PROVENANCES)
    check_word("basis of cost", basis, ("stored", "recomputed"))
    if texts and not db.origin["texts"]:
        raise ParameterError("The texts are not loaded", db.origin["path"], "attach it with texts=True")


def _votes(db: Database, provenance: str) -> Feedback:
    (row,) = ask(db, "feedback_facts", provenance=provenance).fetchall()
    n, users, judged, correct, repeats, requests = row
    status = "Cold Start" if not n else "Warming Up" if n < LEARNED else "Learned"
    untold = "no vote says whether the judge was right"
    refused = "judge_correct only repeats the user's choice" if repeats else "" if judged else untold
    if refused:
        return Feedback(n, users, requests, judged, None, None, None, refused, status)
    low, high = wilson_interval(correct, judged)
    return Feedback(n, users, requests, judged, correct / judged, low, high, "", status)


def _with_interval(frame: pd.DataFrame, wins: str, rate: str) -> pd.DataFrame:
    ends = [wilson_interval(won, n) for won, n in zip(frame[wins], frame["n"], strict=True)]
    frame[rate] = frame[wins] / frame["n"]
    frame["low"], frame["high"] = [low for low, _ in ends], [high for _, high in ends]
    return frame


def _texts(db: Database, provenance: str) -> pd.DataFrame:
    found = ask(db, "security_texts", provenance=provenance, rows=_TEXTS).df()
    # Hidden before it is cut: half a credential is still one, and no longer looks like it.
    return found.assign(text=[redact(text or "")[:_TEXT] for text in found["text"]])
