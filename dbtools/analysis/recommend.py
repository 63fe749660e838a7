"""What to do now: what each choice of an agent may lose, what it costs, and what more contests would decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools.analysis.claim import LEAST_TEXTS, gate_power, lead, standard_errors
from dbtools.analysis.effectiveness import Effectiveness, effectiveness
from dbtools.analysis.pairs import Pair
from dbtools.analysis.usage import Usage, usage
from dbtools.database import Database
from dbtools.database.attach import takes_project
from dbtools.html import table
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Numbers = npt.NDArray[np.float64]

SHOWN = {
    "agent": "",
    "expected_loss": ".2f",
    "chance_best": ".0%",
    "adjusted": ".2f",
    "tokens": ",.0f",
    "dollars": ".6f",
    "failure_rate": ".1%",
    "frontier": "",
}
"""The columns of a table of choices, each with its format."""
LEADS = (0.5, 1.0, 2.0)
"""The leads over every rival, in points of 50, whose power the plan shows beside today's lead."""
_DRAWS = 20_000


@dataclass(frozen=True)
class Choice:
    """What it means to use one agent from now on.

    Attributes
    ----------
    expected_loss : float
        By how many points of 50 the truly best agent is expected to be above this one.
    chance_best : float
        How probable it is that no agent is better.
    adjusted : float
        Mean total as if every agent had met every prompt of the comparison.
    tokens, dollars : float or None
        Per prompt; None where the database does not know.
    failure_rate : float or None
        Share of its prompts in which a run of it failed.
    frontier : bool or None
        Whether no other agent is both cheaper and better; None where a cost is not known.
    """

    agent: str
    expected_loss: float
    chance_best: float
    adjusted: float
    tokens: float | None
    dollars: float | None
    failure_rate: float | None
    frontier: bool | None


@dataclass(frozen=True, repr=False)
class Recommendation(Result):
    """The choices, the best first, and the plan.

    Attributes
    ----------
    contests : int or None
        Contests of the leader with its nearest rival today.
    plan : tuple of (str, int, float)
        Lead, number of contests, and the chance that the claim gate then calls the leader best.
    """

    choices: tuple[Choice, ...]
    plan: tuple[tuple[str, int, float], ...]
    contests: int | None
    verdict: str
    filter_note: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per agent, the least expected loss first: the attributes of `Choice`."""
        return frame_of(self.choices, Choice)

    @cached_property
    def plan_frame(self) -> pd.DataFrame:
        """One row per lead and number of contests: lead, contests, power, today."""
        points = frame_of(self.plan, ["lead", "contests", "power"])
        return points.assign(today=points["contests"] == self.contests)

    @property
    def sentence(self) -> str:
        """Which agent to use for now, and what that may lose."""
        if not self.choices:
            return "No agent can be recommended: no two agents have scores in one prompt."
        best, other = self.choices[:2]
        proof = "" if self.verdict == "best" else " This is no proof."
        return (
            f"Use {best.agent} for now: expected loss {best.expected_loss:.2f} of 50 points, against "
            f"{other.expected_loss:.2f} with {other.agent}.{proof}"
        )

    @property
    def details(self) -> list[str]:
        """Chances, costs, failures, and what the numbers assume."""
        if not self.choices:
            return []
        best = self.choices[0]
        found = [f"The chance that {best.agent} has the highest true mean is {best.chance_best:.0%}; this is no test."]
        for other in self.choices[1:]:
            if best.dollars and other.dollars is not None and other.dollars < best.dollars:
                less = 1 - other.dollars / best.dollars
                loss = other.expected_loss - best.expected_loss
                found.append(
                    f"{other.agent} costs {less:.0%} less per prompt; the expected loss is {loss:.2f} points more."
                )
        if any(choice.dollars is None for choice in self.choices):
            found.append("The cost of a prompt is not known for every agent.")
        failing = [f"{c.agent} {c.failure_rate:.1%}" for c in self.choices if c.failure_rate]
        if failing:
            found.append(f"Prompts with a failed run: {', '.join(failing)}; failed runs do not count in the loss.")
        found.append("Losses follow from the paired differences and their standard errors, without a prior preference.")
        return [*found, f"Compared are {self.filter_note} only."] if self.filter_note else found

    def _table(self) -> str:
        return table(self.frame[[*SHOWN]], caption=self._caption, formats=SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {
            "choices": [asdict(c) for c in self.choices],
            "plan": [{"lead": said, "contests": n, "power": power} for said, n, power in self.plan],
            "contests": self.contests,
            "sentence": self.sentence,
            "details": self.details,
        }


@takes_project
def recommend(
    db: Database,
    *,
    provenance: str = "real",
    scale: str = "judge",
    agents: Sequence[str] | None = None,
    seed: int = 0,
    compared: Effectiveness | None = None,
) -> Recommendation:
    """Say which agent to use now, what each choice may lose and costs, and what more contests would decide. Reads only.

    Parameters
    ----------
    compared : Effectiveness, optional
        The comparison of these rows and agents, where it is there already.

    Raises
    ------
    ParameterError
        As `effectiveness`.
    """
    if compared is None or compared.wins == "rated":  # it takes differences of scores
        compared = effectiveness(db, provenance, scale=scale, agents=agents)
    used, pairs = None if db.engine else usage(db, compared.provenance), compared.pairs
    made = choices(compared, used, seed)
    return Recommendation(made, plan(pairs), _today(pairs), compared.claim.verdict, db.filter_note)


def choices(found: Effectiveness, used: Usage | None, seed: int = 0) -> tuple[Choice, ...]:
    """Return what each choice of an agent means, the least expected loss first; none without two agents compared."""
    estimate = adjusted_means(found.pairs)
    if estimate is None:
        return ()
    names, effects, covariance = estimate
    losses, chances = expected_losses(effects, covariance, seed)
    agents = {agent.agent: agent for agent in found.agents}
    totals = [total for name in names if (total := agents[name].mean_total) is not None]
    middle = sum(totals) / max(1, len(totals))
    dollars, tokens = _costs(used)
    made = []
    for name, effect, loss, chance in zip(names, effects, losses, chances, strict=True):
        adjusted, failed = middle + float(effect), agents[name].failure_rate
        made.append(Choice(name, loss, chance, adjusted, tokens.get(name), dollars.get(name), failed, None))
    known = all(choice.dollars is not None for choice in made)
    placed = [_placed(choice, made) if known else choice for choice in made]
    return tuple(sorted(placed, key=lambda choice: (choice.expected_loss, choice.agent)))


def _placed(choice: Choice, others: Sequence[Choice]) -> Choice:
    """Say whether a choice lies on the frontier of cost and quality."""
    own = choice.dollars or 0.0
    beaten = any(
        (o.dollars or 0.0) <= own
        and o.adjusted >= choice.adjusted
        and (o.dollars, o.adjusted) != (own, choice.adjusted)
        for o in others
    )
    return replace(choice, frontier=not beaten)


def _costs(used: Usage | None) -> tuple[dict[str, float], dict[str, float]]:
    """Return dollars and tokens per prompt of each agent, where they are known."""
    if used is None:
        return {}, {}
    prompts = {cost.agent: cost.prompts for cost in used.costs if cost.prompts}
    dollars = {cost.agent: cost.cost / cost.prompts for cost in used.costs if cost.prompts}
    of_agents = used.tokens[used.tokens["kind"] == "agent"]
    totals = zip(of_agents["name"].tolist(), of_agents["total_tokens"].tolist(), strict=True)
    return dollars, {
        name: float(total) / prompts[name] for name, total in totals if name in prompts and isinstance(total, int)
    }


def adjusted_means(pairs: Sequence[Pair]) -> tuple[list[str], Numbers, Numbers] | None:
    """Return the agents, their means less the mean of all, and the covariance of these. None without an error to go by.

    The means are the weighted least squares fit to the paired differences. The covariance is the one in which each
    difference has the variance of its test: −½ J E J with E the squared errors and J = I − 11ᵀ/k (I. J. Schoenberg,
    Annals of Mathematics 36 (1935) 724–732). Two agents that never met are as uncertain as the surest way between them.
    """
    import numpy as np

    names = sorted({name for pair in pairs for name in (pair.a, pair.b)})
    found = [standard_errors([pair]) for pair in pairs]
    if not pairs or any(one is None for one in found):
        return None
    k, place = len(names), {name: i for i, name in enumerate(names)}
    squares = np.where(np.eye(k) > 0, 0.0, np.inf)
    design, differences, weights = np.zeros((len(pairs), k)), np.zeros(len(pairs)), np.zeros(len(pairs))
    for row, (pair, one) in enumerate(zip(pairs, found, strict=True)):
        error = one[0][0] if one else 0.0
        i, j = place[pair.a], place[pair.b]
        squares[i, j] = squares[j, i] = error**2
        design[row, i], design[row, j] = 1.0, -1.0
        differences[row], weights[row] = pair.difference, 1 / error
    for middle in range(k):
        squares = np.minimum(squares, squares[:, [middle]] + squares[[middle], :])
    if not np.isfinite(squares).all():  # two groups of agents that never met
        return None
    effects = np.linalg.lstsq(design * weights[:, None], differences * weights, rcond=None)[0]
    centre = np.eye(k) - 1 / k
    return names, effects - effects.mean(), -centre @ squares @ centre / 2


def expected_losses(effects: Numbers, covariance: Numbers, seed: int = 0) -> tuple[list[float], list[float]]:
    """Return by how much the best agent is expected to be above each, and each one's chance of being the best.

    The true means are normal around the estimated ones; 20,000 draws. Expected loss: D. V. Lindley, Making Decisions
    (1985), ch. 4.
    """
    import numpy as np

    values, vectors = np.linalg.eigh(covariance)
    drawn = np.random.default_rng(seed).normal(size=(_DRAWS, len(effects)))
    true = effects + (drawn * np.sqrt(values.clip(0))) @ vectors.T
    best = true.max(axis=1, keepdims=True)
    return (best - true).mean(axis=0).tolist(), (true == best).mean(axis=0).tolist()


def plan(pairs: Sequence[Pair]) -> tuple[tuple[str, int, float], ...]:
    """Return the power of the claim gate against the number of contests: for today's leads, and for equal ones.

    Errors shrink with the square root of the contests; those against all rivals grow alike.
    """
    leader, own = lead(pairs)
    found = standard_errors(own) if leader else None
    if found is None:
        return ()
    errors, shared = found
    today = own[0].n
    least = max(2, -(-LEAST_TEXTS * own[0].n // own[0].clusters))
    numbers = sorted({today, *(round(today * 2 ** (step / 4)) for step in range(-12, 29))})
    leads = {f"{value:g} point{'' if value == 1 else 's'}": [value] * len(own) for value in LEADS}
    if all(pair.difference > 0 for pair in own):
        leads = {"today's leads": [pair.difference for pair in own], **leads}
    made = []
    for said, points in leads.items():
        for n in numbers:
            if n >= least or n == today:
                scaled = [error * (today / n) ** 0.5 for error in errors]
                made.append((said, n, gate_power(points, scaled, shared) if n >= least else 0.0))
    return tuple(made)


def _today(pairs: Sequence[Pair]) -> int | None:
    leader, own = lead(pairs)
    return own[0].n if leader else None
