"""How often a run of an agent fails, and which agents fail more often than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbtools.analysis.query import RowFilter, materialize_query, rows, size_tables
from dbtools.analysis.statistics import clustered_share, holm, sign_flip_of
from dbtools.html import p_value, percents

if TYPE_CHECKING:
    from dbtools.database.engine import Engine

_LEVEL = 0.05


@dataclass(frozen=True)
class FailureRate:
    """In how many of an agent's prompts a run of it failed, and the 95% interval of the share, clustered by text."""

    prompts: int
    failed: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share of prompts with a failed run."""
        return self.failed / self.prompts


def failure_rates(connection: Engine, row_filter: RowFilter) -> dict[str, FailureRate]:
    """Return every agent's failure rate, over the prompts that some agent answered. Reads only.

    A failed run is a version that is a placeholder. An agent that was run again and answered has failed all the same.
    """
    materialize_query(connection, "attempts", kinds=list(row_filter.answers))
    return {
        agent: FailureRate(table.n, round(sum(table.totals)), *clustered_share(table))
        for agent, table in size_tables(connection, "failures").items()
    }


def more_failures(connection: Engine) -> dict[tuple[str, str], float]:
    """Return, by (agent, rival), the p-value where the agent fails more often than the rival. Reads only.

    The sign-flip test over texts, in the prompts in which both took part, Holm-adjusted for the number of pairs; below
    0.05 only. Uses the working table of the last `failure_rates`.
    """
    sums: dict[tuple[str, str], list[float]] = {}
    for row in rows(connection, "failure_differences"):
        sums.setdefault((row["a"], row["b"]), []).append(float(row["s"]))
    adjusted = holm([sign_flip_of(values, [1] * len(values)).p for values in sums.values()])
    return {
        pair if sum(values) > 0 else pair[::-1]: p
        for (pair, values), p in zip(sums.items(), adjusted, strict=True)
        if p < _LEVEL
    }


def failure_details(rates: Mapping[str, FailureRate], more: Mapping[tuple[str, str], float]) -> list[str]:
    """Say how often the agents fail, and who fails more often; nothing where no run failed."""
    if not any(rate.failed for rate in rates.values()):
        return []
    shares = ", ".join(
        f"{agent} {rate.failed:,} of {rate.prompts:,} ({percents(rate.low, rate.high)})"
        for agent, rate in sorted(rates.items(), key=lambda item: (-item[1].rate, item[0]))
    )
    differ = [f"{agent} fails more often than {rival} ({p_value(p)})." for (agent, rival), p in more.items()]
    return [" ".join([f"Prompts with a failed run, with 95% interval: {shares}.", *differ])]
