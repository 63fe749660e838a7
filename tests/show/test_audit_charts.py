import re

import pandas as pd

from dbtools.show import audit_charts, charts

FOUND = pd.DataFrame(
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


def texts(chart) -> list[str]:
    svg = charts._bundle(chart.to_dict())["image/svg+xml"]
    return [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t]


def test_the_area_with_the_worst_finding_stands_first_and_silence_is_no_health():
    shown = texts(audit_charts.health(FOUND))
    assert [t for t in shown if t in set(FOUND["area"])] == ["secrets", "scores", "usage"]
    assert "How healthy each area is (3 of 4 checks found something)" in shown
    assert [t for t in shown if t in {*charts.SEVERITIES, "nothing found", "not applicable"}] == [
        "critical",
        "error",
        "info",
        "nothing found",
        "not applicable",
    ]


def test_the_scales_of_every_source_are_counted():
    shown = texts(audit_charts.score_scales(SCALES))
    assert [t for t in shown if t in set(SCALES["source"])] == ["history", "domain", "syntax"]
    assert "On which scale the scores are (n = 150 versions)" in shown
    assert [t for t in shown if t in set(SCALES["scale"])] == ["judge", "synthetic"]


def test_many_sources_are_cut_and_said_so():
    many = pd.DataFrame({"source": [f"s{n:02}" for n in range(30)], "scale": "judge", "versions": range(30, 0, -1)})
    assert any("the 20 largest of 30 sources" in t for t in texts(audit_charts.score_scales(many)))


def test_a_chart_of_nothing_is_still_a_chart():
    assert texts(audit_charts.health(FOUND.head(0)))[0] == "There is nothing to draw."
    assert texts(audit_charts.score_scales(SCALES.head(0)))[0] == "There is nothing to draw."
    unscored = pd.DataFrame([], columns=["source", "scale", "versions"])  # as a report without any score has it
    assert any("n = 0" in t for t in texts(audit_charts.score_scales(unscored)))
    assert "e+" not in charts.svg(audit_charts.score_scales(unscored)).split(">")[0]  # a size that can be shown


def test_only_what_is_drawn_travels_with_a_chart():
    assert "PROMPT" not in audit_charts.health(FOUND).to_json()


def test_the_bars_of_findings_leave_out_what_does_not_apply():
    shown = texts(charts.findings(FOUND))
    assert [t for t in shown if t in set(FOUND["check"])] == ["b", "d", "a"]
