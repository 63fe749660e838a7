from __future__ import annotations

import pytest

from dbtools.analysis.statistics import wilson_interval

Z = 1.959963984540054


@pytest.mark.parametrize(("wins", "contests"), [(11, 15), (0, 15), (15, 15), (50, 100), (3.5, 4), (1, 1_000_000)])
def test_the_ends_are_the_rates_that_a_score_test_just_does_not_reject(wins, contests):
    for end in wilson_interval(wins, contests):
        distance, variance = wins / contests - end, end * (1 - end) / contests
        assert distance**2 == pytest.approx(Z**2 * variance, abs=1e-12)


def test_the_known_interval_of_eleven_in_fifteen():
    assert wilson_interval(11, 15) == (pytest.approx(0.480, abs=5e-4), pytest.approx(0.891, abs=5e-4))


def test_more_confidence_is_wider():
    narrow, wide = wilson_interval(5, 10, 0.9), wilson_interval(5, 10, 0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_without_contests_nothing_is_known():
    assert wilson_interval(0, 0) == (0.0, 1.0)
