"""What tokens cost at list prices, and what a win and a point cost."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Numbers = npt.NDArray[np.float64]

GROUPS = 2_000
"""Up to so many prompts are resampled one by one; more are dealt into so many groups, and the groups resampled."""


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
        Versions on the judge's scale, their mean total (0–50) and its interval.
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


def agent_costs(parts: pd.DataFrame, rng: np.random.Generator, resamples: int = 1_999) -> list[AgentCost]:
    """Divide costs by wins and by points gained, with a bootstrap over prompts; `parts` as ``cost.sql`` returns them.

    Percentile bootstrap of a ratio of sums: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
    Assumes prompts are independent; all agents of a prompt are drawn together. A resample without a win or gain counts
    as infinitely dear.
    """
    import numpy as np

    if not len(parts):
        return []
    names = sorted(parts["agent"].unique())
    columns = [c for c in parts.columns if c not in ("agent", "part")]
    width = int(parts["part"].max()) + 1
    table = np.zeros((width, len(names), len(columns)))
    table[parts["part"], [names.index(a) for a in parts["agent"]]] = parts[columns].to_numpy(float)
    weights = rng.multinomial(width, np.full(width, 1 / width), size=resamples)
    drawn = np.tensordot(weights, table, axes=1)
    return [_agent_cost(name, table[:, j].sum(axis=0), drawn[:, j], columns) for j, name in enumerate(names)]


def _agent_cost(name: str, sums: Numbers, drawn: Numbers, columns: list[str]) -> AgentCost:
    at = dict(zip(columns, sums.tolist(), strict=True))
    again = dict(zip(columns, drawn.T, strict=True))
    per_win = _ratio(at["cost_of_contests"], at["wins"], again["cost_of_contests"], again["wins"])
    per_point = _ratio(at["cost_of_gains"], at["gained"], again["cost_of_gains"], again["gained"])
    mean, mean_low, mean_high = _ratio(at["total"], at["scored"], again["total"], again["scored"])
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
