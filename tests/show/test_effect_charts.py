import json
import re

import pandas as pd
import pytest

from dbtools.show import charts, effect_charts

PAIRS = pd.DataFrame(
    {
        "a": ["structure", "structure"],
        "b": ["syntax", "domain"],
        "n": [1500, 15],
        "clusters": [1000, 10],
        "difference": [5.64, -0.8],
        "low": [5.2, -1.2],
        "high": [6.1, -0.4],
        "low_clustered": [5.1, -1.3],
        "high_clustered": [6.2, -0.3],
        "p_holm": [0.0059, 0.031],
        "text": ["PROMPT", "PROMPT"],
    }
)
MARKS = pd.DataFrame(
    {
        "agent": ["syntax", "syntax", "domain"],
        "dimension": ["context_use"] * 3,
        "bin": [6.5, 7.0, 9.5],
        "rows": [3, 1, 5],
    }
)
FILTERS = pd.DataFrame(
    {
        "filter": ["as asked", "real rows", "wins recorded"],
        "outcome": ["total", "total", "recorded"],
        "n": [15, 0, 12],
        "clusters": [10, 0, 9],
        "leader": ["structure", None, "domain"],
        "rival": ["syntax", None, "structure"],
        "difference": [5.6, None, 0.2],
        "low": [5.2, None, -0.1],
        "high": [6.1, None, 0.5],
    }
)


def texts(chart) -> list[str]:
    svg = charts._bundle(chart.to_dict())["image/svg+xml"]
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t]


def test_every_difference_says_what_it_rests_on():
    shown = texts(effect_charts.forest(PAIRS))
    assert [t for t in shown if " − " in t] == ["structure − syntax", "structure − domain"]
    assert "+5.64, Holm-adjusted p = 0.0059 (n = 1,500, 1,000 texts)" in shown
    assert "−0.80, Holm-adjusted p = 0.031 (n = 15, 10 texts)" in shown
    assert "Who is above whom (2 pairs, up to 1,500 contests each)" in shown


def test_of_very_many_pairs_the_largest_differences_are_drawn_and_the_others_counted():
    many = pd.concat([PAIRS.assign(b=f"agent-{i}") for i in range(20)])
    assert "Who is above whom (15 of 40 pairs, up to 1,500 contests each)" in texts(effect_charts.forest(many))


def test_marks_are_spread_over_a_panel_per_agent_and_dimension():
    shown = texts(effect_charts.distributions(MARKS))
    assert {"syntax (n = 4)", "domain (n = 5)", "context use"} <= set(shown)


def test_the_marks_of_a_million_versions_are_no_more_than_their_bins():
    million = MARKS.assign(rows=MARKS["rows"] * 1_000_000)
    spec = effect_charts.distributions(million).to_dict()
    assert len(json.dumps(spec)) < 20_000


def test_the_filters_show_who_leads_and_whether_that_changes():
    shown = texts(effect_charts.specification_curve(FILTERS))
    assert {"structure over syntax, n = 15 (10 texts)", "no leader, n = 0"} <= set(shown)
    assert "domain over structure, n = 12 (9 texts)" in shown
    assert "Does the filter decide? (2 different leaders)" in shown
    one = effect_charts.specification_curve(FILTERS.head(2))
    assert "Does the filter decide? (the same leader wherever there is one)" in texts(one)
    led = effect_charts.specification_curve(FILTERS.dropna(subset="leader").head(1))
    assert "Does the filter decide? (the same leader throughout)" in texts(led)


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        (effect_charts.forest, PAIRS),
        (effect_charts.distributions, MARKS),
        (effect_charts.specification_curve, FILTERS),
    ],
)
def test_a_chart_of_nothing_is_still_a_chart(draw, frame):
    assert texts(draw(frame.head(0)))[0] == "There is nothing to draw."


def test_only_the_columns_that_are_drawn_travel_with_a_chart():
    assert "PROMPT" not in effect_charts.forest(PAIRS).to_json()
