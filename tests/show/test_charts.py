import re

import altair as alt
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dbtools.show import charts

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


def texts(chart) -> list[str]:
    svg = charts._bundle(chart.to_dict())["image/svg+xml"]
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t]


@pytest.fixture
def renderer():
    before = alt.renderers.active
    charts.enable()
    yield
    alt.renderers.enable(before)


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
    assert [t for t in shown if t in charts.SEVERITIES] == ["critical", "error", "info"]
    assert {"3", "165", "4,400"} <= set(shown)


def test_a_chart_of_nothing_is_still_a_chart():
    nothing = "There is nothing to draw."
    assert texts(charts.findings(FOUND.head(0))) == [nothing, "What the audit found (0 of 0 checks found something)"]
    assert texts(charts.win_rates(AGENTS.head(0))) == [nothing, "Who wins (no contests)"]


@pytest.mark.parametrize("chart", [charts.win_rates(AGENTS), charts.findings(FOUND)])
def test_only_the_columns_that_are_drawn_travel_with_a_chart(chart):
    assert "PROMPT" not in chart.to_json()


@pytest.mark.usefixtures("renderer")
def test_a_chart_is_shown_as_version_five_for_jupyterlab_and_as_svg(tmp_path):
    InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=str(tmp_path))
    try:
        bundle = charts.win_rates(AGENTS)._repr_mimebundle_()
    finally:
        InteractiveShell.clear_instance()
    assert set(bundle) == {"application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"}
    lab = bundle["application/vnd.vegalite.v5+json"]
    assert lab["$schema"].endswith("/vega-lite/v5.json")
    # In the lab: the colours of its theme, which only SVG can take, and a name to be read out.
    assert lab["usermeta"] == {"embedOptions": {"renderer": "svg"}}
    assert lab["config"]["background"] == "transparent"
    assert lab["config"]["title"]["color"] == "var(--jp-content-font-color1,#1f2328)"
    assert lab["description"] == "Chart: Who wins (up to 15 contests per agent)"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == "Chart: Who wins (up to 15 contests per agent)"


def test_the_same_numbers_give_the_same_bytes():
    first, again = (charts._bundle(charts.findings(FOUND).to_dict()) for _ in range(2))
    assert first == again


def test_every_ink_of_a_chart_has_a_counterpart_for_dark_mode():
    svg = charts._bundle(charts.win_rates(AGENTS.assign(low=0.1, high=0.6)).to_dict())["image/svg+xml"]
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg))
    assert used - {charts.BLUE} <= set(charts.DARK)
    assert used & set(charts.DARK)
