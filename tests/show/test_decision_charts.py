from __future__ import annotations

import re

import pandas as pd

from dbtools.show import charts, style


def texts(chart) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", style.svg(chart))


CHOICES = pd.DataFrame(
    {
        "agent": ["structure", "domain", "syntax"],
        "adjusted": [35.1, 34.4, 33.3],
        "dollars": [2.0e-4, 1.5e-4, 1.8e-4],
        "frontier": [True, True, False],
    }
)
PLAN = pd.DataFrame(
    {
        "lead": ["today's leads"] * 3 + ["1 point"] * 3,
        "contests": [10, 20, 40] * 2,
        "power": [0.2, 0.5, 0.9, 0.1, 0.3, 0.6],
        "today": [False, True, False] * 2,
    }
)


def test_the_frontier_names_every_agent_whose_cost_is_known():
    assert {"structure", "domain", "syntax"} <= set(texts(charts.frontier(CHOICES)))
    unknown = CHOICES.assign(dollars=[2.0e-4, None, None], frontier=None)
    assert not {"domain", "syntax"} & set(texts(charts.frontier(unknown)))


def test_without_costs_or_a_plan_there_is_nothing_to_draw():
    assert "There is nothing to draw." in texts(charts.frontier(CHOICES.assign(dollars=None)))
    assert "There is nothing to draw." in texts(charts.power(PLAN.head(0)))


def test_the_plan_marks_the_contests_of_today():
    drawn = texts(charts.power(PLAN))
    assert "today: 20" in drawn
    assert {"1 point", "80%"} <= set(drawn)
