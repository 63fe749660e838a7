from __future__ import annotations

import re
from datetime import datetime

import pytest
from explorers import html_of

from dbtools import attach, demo
from dbtools.show import Explorer
from dbtools.show.explorer.profile import headings, shares

COUNTS = {
    "rows": 3, "source": {"<b>": 2, "syntax": 1}, "scale": {"judge": 3}, "provenance": {"real": 3},
    "total": {30.0: 1, 35.0: 1}, "scored": 2, "shortest": 9, "longest": 96, "first_time": datetime(2025, 1, 2),
    "last_time": datetime(2025, 3, 4), "numbers": 2, "heads": 1, "prompts": 3,
}  # fmt: skip


def test_each_column_has_its_spread_or_its_ends():
    found = headings(COUNTS)
    assert "9 to 96 letters" in found["text"]
    assert "2025-01-02 to 2025-03-04" in found["created_at"]
    assert found["total"].count("<rect") == 2
    assert "33% none" in found["total"]
    assert "&lt;b&gt;: 2 of 3" in found["source"]
    assert "<b>" not in found["source"]


def test_the_parts_of_a_bar_fill_it():
    wide = [float(width) for width in re.findall(r'width="([\d.]+)" height="8"', shares({"a": 3, "b": 1}, "agents"))]
    assert (wide[0] + 1) / (wide[1] + 1) == 3


def test_no_rows_have_no_headings():
    assert headings({**COUNTS, "rows": 0}) == {}


@pytest.mark.slow
def test_a_part_of_a_heading_becomes_a_filter_and_the_counts_are_those_of_pandas(tmp_path):
    project = demo.build(tmp_path / "demo")
    with Explorer(project, tab="versions", provenance="all") as explorer, attach(project) as db:
        explorer._refresh()
        assert explorer.wait()
        found = explorer.tabs["versions"].found.profile
        frame = db.frame("scored_versions")
        assert found["source"] == frame["source"].value_counts().to_dict()
        assert sum(found["total"].values()) == frame["total"].notna().sum()
        explorer.follow("filter", "total=30")
        assert explorer.wait()
        assert explorer.totals == (30.0, 35.0)
        assert len(explorer.frame) == int(((frame["total"] >= 30) & (frame["total"] < 35)).sum())
        assert "by the filters: scale judge, total 30 to 35." in html_of(explorer.tabs["versions"].widget)
        explorer.follow("remove", "totals")
        explorer.follow("filter", "agents=syntax")
        assert explorer.agents == ["syntax"]
        assert explorer.wait()
