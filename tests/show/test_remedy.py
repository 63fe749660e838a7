from __future__ import annotations

from datetime import date

import pytest

from dbtools.show.explorer.remedy import remedy
from dbtools.show.explorer.selection import Filters

GENERATED = {"provenance generated": 165, "scale judge": 45, "scale synthetic": 120}


@pytest.mark.parametrize(
    ("filters", "counts", "expected"),
    [
        (
            Filters(),
            GENERATED,
            ("All 165 versions are generated.", "Show generated versions", {"provenance": "generated"}),
        ),
        (
            Filters(),
            {"provenance unknown": 1},
            ("The only version is unknown.", "Show unknown versions", {"provenance": "unknown"}),
        ),
        (Filters(), {}, ("The database has no versions.", "", {})),
        (
            Filters(dates=(date(2031, 1, 1), None)),
            {},
            (
                "The chosen users and days have no versions.",
                "Show all users and days",
                {"users": [], "date_range": (None, None)},
            ),
        ),
        (
            Filters(provenance="generated", scale="self", search="no such text"),
            GENERATED,
            (
                "No scored versions match these filters.",
                "Clear filters",
                {"agents": [], "search": "", "provenance": "all", "scale": "synthetic"},
            ),
        ),
        (
            Filters(agents=("nobody",)),
            {**GENERATED, "provenance real": 3},
            (
                "No scored versions match these filters.",
                "Clear filters",
                {"agents": [], "search": "", "provenance": "all", "scale": "judge"},
            ),
        ),
    ],
)
def test_where_filters_leave_nothing_one_sentence_says_why_and_a_button_helps(filters, counts, expected):
    assert remedy(filters, counts) == expected
