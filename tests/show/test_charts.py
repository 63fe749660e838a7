from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from dbtools import analysis, attach, demo
from dbtools.show import charts, evolution_charts, style


def texts(chart) -> list[str]:
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", style.svg(chart)) if t]


AGENTS = pd.DataFrame(
    {
        "agent": ["syntax", "structure", "domain"],
        "contests": [15, 15, 12],
        "wins": [4, 5, 6],
        "win_rate": [4 / 15, 5 / 15, 6 / 12],
        "text": ["PROMPT", "PROMPT", "PROMPT"],
    }
)
FOUND = pd.DataFrame(
    {
        "check": ["generated_rows", "orphans", "foreign_users", "bad_scores"],
        "severity": ["info", "critical", "info", "error"],
        "count": [4400, 3, 0, 165],
        "sample": ["PROMPT"] * 4,
    }
)


@pytest.mark.slow
def test_an_agent_without_a_rival_has_no_contests():
    alone = AGENTS.head(1).assign(contests=0, wins=0.0, win_rate=None, low=None, high=None)
    assert "no contests" in texts(charts.win_rates(alone))


@pytest.mark.slow
def test_win_rates_are_ordered_and_say_what_they_rest_on():
    shown = texts(charts.win_rates(AGENTS))
    assert [t for t in shown if t in set(AGENTS["agent"])] == ["domain", "structure", "syntax"]
    assert [t for t in shown if "%" in t and " of " in t] == ["50% (6 of 12)", "33% (5 of 15)", "27% (4 of 15)"]
    assert "share of its contests that the agent won" in shown


def test_an_interval_is_drawn_when_there_is_one():
    plain = charts.win_rates(AGENTS).to_dict()
    ranged = charts.win_rates(AGENTS.assign(low=0.1, high=0.6)).to_dict()
    assert [layer["mark"]["type"] for layer in plain["layer"]] == ["bar", "text"]
    assert [layer["mark"]["type"] for layer in ranged["layer"]] == ["bar", "rule", "text"]


def test_findings_stand_worst_first_without_the_empty_checks():
    shown = texts(charts.findings(FOUND))
    assert [t for t in shown if t in set(FOUND["check"])] == ["orphans", "bad_scores", "generated_rows"]
    assert "What the audit found (3 of 4 checks found something)" in shown
    assert [t for t in shown if t in style.SEVERITIES] == ["critical", "error", "info"]
    assert {"3", "165", "4,400"} <= set(shown)


def test_bars_of_nothing_are_still_a_chart():
    nothing = "There is nothing to draw."
    assert texts(charts.findings(FOUND.head(0))) == [nothing, "What the audit found (0 of 0 checks found something)"]
    assert texts(charts.win_rates(AGENTS.head(0))) == [nothing, "Who wins (no contests)"]


@pytest.mark.parametrize("chart", [charts.win_rates(AGENTS), charts.findings(FOUND)])
def test_only_the_columns_that_are_drawn_travel_with_a_chart(chart):
    assert "PROMPT" not in chart.to_json()


AREAS = pd.DataFrame(
    {
        "check": ["a", "b", "c", "d", "e"],
        "severity": ["info", "critical", "warning", "error", "warning"],
        "area": ["scores", "secrets", "scores", "scores", "usage"],
        "count": pd.array([4400, 3, 0, 165, None], dtype="Int64"),
        "sample": ["PROMPT"] * 5,
    }
)
SCALES = pd.DataFrame(
    {"source": ["domain", "syntax", "history"], "scale": ["judge", "judge", "synthetic"], "versions": [15, 15, 120]}
)


def test_the_area_with_the_worst_finding_stands_first_and_silence_is_no_health():
    shown = texts(charts.health(AREAS))
    assert [t for t in shown if t in set(AREAS["area"])] == ["secrets", "scores", "usage"]
    assert "How healthy each area is (3 of 4 checks found something)" in shown
    assert [t for t in shown if t in {*style.SEVERITIES, "nothing found", "not applicable"}] == [
        "critical",
        "error",
        "info",
        "nothing found",
        "not applicable",
    ]


def test_the_scales_of_every_source_are_counted():
    shown = texts(charts.score_scales(SCALES))
    assert [t for t in shown if t in set(SCALES["source"])] == ["history", "domain", "syntax"]
    assert "On which scale the scores are (n = 150 versions)" in shown
    assert [t for t in shown if t in set(SCALES["scale"])] == ["judge", "synthetic"]


def test_many_sources_are_cut_and_said_so():
    many = pd.DataFrame({"source": [f"s{n:02}" for n in range(30)], "scale": "judge", "versions": range(30, 0, -1)})
    assert any("the 20 largest of 30 sources" in t for t in texts(charts.score_scales(many)))


def test_a_stacked_chart_of_nothing_is_still_a_chart():
    assert texts(charts.health(AREAS.head(0)))[0] == "There is nothing to draw."
    assert texts(charts.score_scales(SCALES.head(0)))[0] == "There is nothing to draw."
    unscored = pd.DataFrame([], columns=["source", "scale", "versions"])  # as a report without any score has it
    assert any("n = 0" in t for t in texts(charts.score_scales(unscored)))
    assert "e+" not in style.svg(charts.score_scales(unscored)).split(">")[0]  # a size that can be shown


def test_only_the_areas_travel_with_a_chart():
    assert "PROMPT" not in charts.health(AREAS).to_json()


def test_the_bars_of_findings_leave_out_what_does_not_apply():
    shown = texts(charts.findings(AREAS))
    assert [t for t in shown if t in set(AREAS["check"])] == ["b", "d", "a"]


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
SPREAD = pd.DataFrame(
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


def test_every_difference_says_what_it_rests_on():
    shown = texts(charts.forest(PAIRS))
    assert [t for t in shown if " − " in t] == ["structure − syntax", "structure − domain"]
    assert "+5.64, Holm-adjusted p = 0.0059 (n = 1,500, 1,000 texts)" in shown
    assert "−0.80, Holm-adjusted p = 0.031 (n = 15, 10 texts)" in shown
    assert "Which agent is better, pair by pair (2 pairs, up to 1,500 contests each)" in shown


@pytest.mark.slow
def test_of_very_many_pairs_the_largest_differences_are_drawn_and_the_others_counted():
    many = pd.concat([PAIRS.assign(b=f"agent-{i}") for i in range(20)])
    assert "Which agent is better, pair by pair (15 of 40 pairs, up to 1,500 contests each)" in texts(
        charts.forest(many)
    )


def test_scores_are_spread_over_a_panel_per_agent_and_dimension():
    shown = texts(charts.distributions(SPREAD))
    assert {"syntax (n = 4)", "domain (n = 5)", "context use"} <= set(shown)


def test_the_scores_of_a_million_versions_are_no_more_than_their_bins():
    million = SPREAD.assign(rows=SPREAD["rows"] * 1_000_000)
    spec = charts.distributions(million).to_dict()
    assert len(json.dumps(spec)) < 20_000


@pytest.mark.slow
def test_the_filters_show_who_leads_and_whether_that_changes():
    shown = texts(charts.specification_curve(FILTERS))
    assert {"structure over syntax, n = 15 (10 texts)", "no leader, n = 0"} <= set(shown)
    assert "domain over structure, n = 12 (9 texts)" in shown
    assert "Does the result depend on the filter? (2 different leaders)" in shown
    one = charts.specification_curve(FILTERS.head(2))
    assert "Does the result depend on the filter? (the same leader wherever there is one)" in texts(one)
    none = charts.specification_curve(FILTERS.iloc[[1, 0]].assign(filter=["as asked", "generated rows"]))
    assert "Does the result depend on the filter? (no leader as asked)" in texts(none)
    assert "structure over syntax, n = 15 (no evidence)" in texts(none)
    led = charts.specification_curve(FILTERS.dropna(subset="leader").head(1))
    assert "Does the result depend on the filter? (the same leader throughout)" in texts(led)


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        (charts.forest, PAIRS),
        (charts.distributions, SPREAD),
        (charts.specification_curve, FILTERS),
    ],
)
def test_a_comparison_of_nothing_is_still_a_chart(draw, frame):
    assert texts(draw(frame.head(0)))[0] == "There is nothing to draw."


def test_only_the_differences_travel_with_a_chart():
    assert "PROMPT" not in charts.forest(PAIRS).to_json()


@pytest.fixture
def evolution(field):
    with attach(field) as db:
        return analysis.evolution(db, provenance="generated")


@pytest.mark.slow
def test_each_panel_names_its_prompt_its_n_and_what_is_found(evolution):
    shown = texts(charts.chains(evolution))
    assert "Scores along the chain (2 of 15 prompts)" in shown
    panels = [t for t in shown if t.startswith("prompt ")]
    assert len(panels) == 2
    assert all("n = 60: rises; +0.3" in panel and "per version" in panel for panel in panels)


@pytest.mark.slow
def test_where_the_clock_tells_nothing_no_line_is_drawn(evolution):
    chart = charts.chains(evolution, "clock").to_dict()
    assert {layer["mark"]["type"] for panel in chart["vconcat"] for layer in panel["layer"]} == {"circle"}
    shown = texts(charts.chains(evolution, "clock"))
    assert shown.count("hours since the first version") == 2
    assert any(t.endswith("n = 60: too few times") for t in shown)


@pytest.mark.slow
def test_the_types_of_change_stand_with_their_n_and_interval(evolution):
    shown = texts(charts.change_types(evolution.change_effects))
    assert "What a type of change does (n = 118 changes)" in shown
    assert "wording (synthetic, n = 33)" in shown


@pytest.mark.slow
def test_a_type_nobody_knows_is_not_written_into_a_chart(evolution):
    odd = evolution.change_effects.assign(change_type="SECRET TEXT")
    assert "SECRET TEXT" not in charts.change_types(odd).to_json()


@pytest.mark.slow
def test_agents_are_drawn_over_time_with_their_numbers_of_versions(evolution):
    shown = texts(charts.agents_over_time(evolution.agents))
    assert "Agents over time (n = 45 versions, judge scale)" in shown
    assert shown.count("15") == 3


@pytest.mark.slow
def test_only_numbers_and_known_words_travel_with_a_chart(evolution):
    made = "".join(
        chart.to_json()
        for chart in (
            charts.chains(evolution),
            charts.chains(evolution, "clock"),
            charts.agents_over_time(evolution.agents),
            charts.change_types(evolution.change_effects),
        )
    )
    assert not any(text in made for text in evolution._texts.values())


@pytest.mark.slow
def test_charts_of_no_chains_are_still_charts(field):
    with attach(field) as db:
        nothing = analysis.evolution(db)
    assert "Scores along the chain (no chains)" in texts(charts.chains(nothing))
    assert "Agents over time (no versions)" in texts(charts.agents_over_time(nothing.agents))
    assert "What a type of change does (cannot be told)" in texts(charts.change_types(nothing.change_effects))


@pytest.mark.parametrize(
    ("seconds", "unit"), [(0, "seconds"), (10, "seconds"), (600, "minutes"), (20_000, "hours"), (10**6, "days")]
)
def test_the_clock_is_shown_in_a_unit_that_suits_its_span(seconds, unit):
    times = pd.Series(pd.to_datetime([0, seconds], unit="s"))
    at, name, days = evolution_charts._elapsed(times)
    assert name == f"{unit} since the first version"
    assert at.iloc[-1] * days * 86_400 == pytest.approx(seconds)


def drawn(usage) -> list:
    return [
        charts.cost_and_quality(usage.cost),
        charts.cost_per_win(usage.cost),
        charts.cost_by_day(usage.tokens),
        charts.votes(usage.feedback),
        charts.risks(usage.security),
        charts.risk_scores(usage.security),
    ]


@pytest.fixture
def usage(tmp_path):
    with attach(demo.build(tmp_path / "demo")) as db:
        return analysis.usage(db, texts=True)


@pytest.mark.slow
def test_every_chart_says_its_n(usage):
    titles = [style.bundle(chart.to_dict())["text/plain"] for chart in drawn(usage)]
    assert titles == [
        "Chart: Cost against quality (n = 33 scored versions)",
        "Chart: What a win costs (up to 11 contests per agent)",
        "Chart: Cost by day (n = 76 calls on 13 days)",
        "Chart: What users choose (n = 10 votes)",
        "Chart: Inputs checked for risk (n = 12)",
        "Chart: Risk scores (n = 12)",
    ]


def test_a_mark_says_its_number_its_n_and_its_interval():
    drawn = style.svg(charts.forest(PAIRS))
    assert 'aria-label="structure − syntax: +5.64, Holm-adjusted p = 0.0059 (n = 1,500, 1,000 texts); ' in drawn
    assert "95% interval 5.1 to 6.2" in drawn


@pytest.mark.slow
def test_a_chart_is_made_for_a_narrow_page_with_letters_as_large_as_before():
    wide, narrow = style.svg(charts.forest(PAIRS)), style.svg(charts.forest(PAIRS), 560)
    widths = [float(re.search(r'width="([0-9.]+)"', drawn)[1]) for drawn in (wide, narrow)]
    assert widths[1] <= 560 < widths[0]
    assert re.findall(r'font-size="[^"]+"', narrow)[:3] == re.findall(r'font-size="[^"]+"', wide)[:3]


@pytest.mark.slow
def test_an_interval_without_an_upper_end_has_an_arrow(usage):
    said = re.findall(r'aria-label="([^"]+)"', style.svg(charts.cost_per_win(usage.cost)))
    assert any(words.endswith(" and more") for words in said)
    shown = texts(charts.cost_per_win(usage.cost))
    assert shown.count("▸") == usage.cost["win_high"].isna().sum() == 2


@pytest.mark.slow
def test_labels_are_ordered_by_risk_and_strange_ones_are_not_written_out(usage):
    shown = texts(charts.risks(usage.security))
    assert [t for t in shown if t in charts._RISKS] == ["safe", "low-risk", "medium-risk", "high-risk", "blocked"]
    odd = usage.security.assign(name="SECRET TEXT")
    assert "SECRET TEXT" not in charts.risks(odd).to_json()


@pytest.mark.slow
def test_no_text_and_no_user_travels_with_a_chart(usage):
    made = "".join(chart.to_json() for chart in drawn(usage))
    assert "DROP TABLE" in "".join(usage.texts["text"])
    assert "DROP TABLE" not in made
    users = usage.tokens.loc[usage.tokens["kind"] == "user", "name"]
    assert not any(user in made for user in users if user != "(none)")


@pytest.mark.slow
def test_charts_of_no_usage_are_still_charts(field):
    with attach(field) as db:
        nothing = analysis.usage(db)
    assert {texts(chart)[0] for chart in drawn(nothing)} == {"There is nothing to draw."}


def test_a_chart_of_nothing_is_one_line_in_a_report():
    shown = style.bundle(charts.win_rates(AGENTS.head(0)).to_dict())
    assert shown["text/html"] == '<p class="nothing">Who wins (no contests): there is nothing to draw.</p>'
    assert "image/svg+xml" not in shown
