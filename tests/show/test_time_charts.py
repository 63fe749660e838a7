from __future__ import annotations

import re

import pandas as pd
import pytest

from dbtools import analysis, attach
from dbtools.show import charts, time_charts


def texts(chart) -> list[str]:
    svg = charts._bundle(chart.to_dict())["image/svg+xml"]
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t]


@pytest.fixture
def result(field):
    with attach(field) as db:
        return analysis.evolution(db, provenance="generated")


def test_each_panel_names_its_prompt_its_n_and_what_is_found(result):
    shown = texts(time_charts.chains(result))
    assert "Marks along the chain (2 of 15 prompts)" in shown
    panels = [t for t in shown if t.startswith("prompt ")]
    assert len(panels) == 2
    assert all("n = 60: rises; +0.3" in panel and "per version" in panel for panel in panels)


def test_where_the_clock_tells_nothing_no_line_is_drawn(result):
    chart = time_charts.chains(result, "clock").to_dict()
    assert {layer["mark"]["type"] for panel in chart["vconcat"] for layer in panel["layer"]} == {"circle"}
    shown = texts(time_charts.chains(result, "clock"))
    assert shown.count("hours since the first version") == 2
    assert any(t.endswith("n = 60: too few times") for t in shown)


def test_the_types_of_change_stand_with_their_n_and_interval(result):
    shown = texts(time_charts.change_types(result.change_effects))
    assert "What a type of change does (n = 118 changes)" in shown
    assert "wording (synthetic, n = 33)" in shown


def test_a_type_nobody_knows_is_not_written_into_a_chart(result):
    odd = result.change_effects.assign(change_type="SECRET TEXT")
    assert "SECRET TEXT" not in time_charts.change_types(odd).to_json()


def test_agents_are_drawn_over_time_with_their_numbers_of_versions(result):
    shown = texts(time_charts.agents_over_time(result.agents))
    assert "Agents over time (n = 45 versions, judge scale)" in shown
    assert shown.count("15") == 3


def test_only_numbers_and_known_words_travel_with_a_chart(result):
    made = "".join(
        chart.to_json()
        for chart in (
            time_charts.chains(result),
            time_charts.chains(result, "clock"),
            time_charts.agents_over_time(result.agents),
            time_charts.change_types(result.change_effects),
        )
    )
    assert not any(text in made for text in result._texts.values())


def test_charts_of_nothing_are_still_charts(field):
    with attach(field) as db:
        nothing = analysis.evolution(db)
    assert "Marks along the chain (no chains)" in texts(time_charts.chains(nothing))
    assert "Agents over time (no versions)" in texts(time_charts.agents_over_time(nothing.agents))
    assert "What a type of change does (cannot be told)" in texts(time_charts.change_types(nothing.change_effects))


@pytest.mark.parametrize(
    ("seconds", "unit"), [(0, "seconds"), (10, "seconds"), (600, "minutes"), (20_000, "hours"), (10**6, "days")]
)
def test_the_clock_is_shown_in_a_unit_that_suits_its_span(seconds, unit):
    times = pd.Series(pd.to_datetime([0, seconds], unit="s"))
    at, name, days = time_charts._elapsed(times)
    assert name == f"{unit} since the first version"
    assert at.iloc[-1] * days * 86_400 == pytest.approx(seconds)
