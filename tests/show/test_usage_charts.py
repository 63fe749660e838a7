from __future__ import annotations

import re

import pytest

from dbtools import analysis, attach, demo
from dbtools.show import charts, usage_charts


def texts(chart) -> list[str]:
    svg = charts._bundle(chart.to_dict())["image/svg+xml"]
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t]


def drawn(result) -> list:
    return [
        usage_charts.cost_and_quality(result.cost),
        usage_charts.cost_per_win(result.cost),
        usage_charts.cost_by_day(result.tokens),
        usage_charts.votes(result.feedback),
        usage_charts.risks(result.security),
        usage_charts.risk_scores(result.security),
    ]


@pytest.fixture
def result(tmp_path):
    with attach(demo.build(tmp_path / "demo")) as db:
        return analysis.usage(db, texts=True)


def test_every_chart_says_its_n(result):
    titles = [charts._bundle(chart.to_dict())["text/plain"] for chart in drawn(result)]
    assert titles == [
        "Chart: Cost against quality (n = 33 scored versions)",
        "Chart: What a win costs (up to 11 contests per agent)",
        "Chart: Cost by day (n = 66 calls on 11 days)",
        "Chart: What users choose (n = 10 votes)",
        "Chart: Inputs checked for risk (n = 12)",
        "Chart: Risk scores (n = 12)",
    ]


def test_an_interval_without_an_upper_end_has_an_arrow(result):
    shown = texts(usage_charts.cost_per_win(result.cost))
    assert shown.count("▸") == result.cost["win_high"].isna().sum() == 2


def test_labels_are_ordered_by_risk_and_strange_ones_are_not_written_out(result):
    shown = texts(usage_charts.risks(result.security))
    assert [t for t in shown if t in usage_charts.LABELS] == ["safe", "low-risk", "medium-risk", "high-risk", "blocked"]
    odd = result.security.assign(name="SECRET TEXT")
    assert "SECRET TEXT" not in usage_charts.risks(odd).to_json()


def test_no_text_and_no_user_travels_with_a_chart(result):
    made = "".join(chart.to_json() for chart in drawn(result))
    assert "DROP TABLE" in "".join(result.texts["text"])
    assert "DROP TABLE" not in made
    users = result.tokens.loc[result.tokens["kind"] == "user", "name"]
    assert not any(user in made for user in users if user != "(none)")


def test_charts_of_nothing_are_still_charts(field):
    with attach(field) as db:
        nothing = analysis.usage(db)
    assert {texts(chart)[0] for chart in drawn(nothing)} == {"There is nothing to draw."}
