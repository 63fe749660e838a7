from __future__ import annotations

import pytest
from statsmodels.stats.proportion import proportion_confint

from dbtools.analysis.statistics.proportions import INTERVALS, exact_interval, jeffreys_interval, wilson_interval

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


@pytest.mark.parametrize("interval", INTERVALS.values(), ids=INTERVALS)
def test_without_contests_nothing_is_known(interval):
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("interval", "method"), [(wilson_interval, "wilson"), (exact_interval, "beta")])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_intervals_are_those_of_statsmodels(interval, method, confidence):
    for contests in (1, 7, 60):
        for wins in range(contests + 1):
            expected = proportion_confint(wins, contests, 1 - confidence, method)
            assert interval(wins, contests, confidence) == pytest.approx(expected, abs=1e-9)


def test_jeffreys_interval_is_that_of_statsmodels_but_for_the_certain_ends():
    for wins in range(1, 20):
        assert jeffreys_interval(wins, 20) == pytest.approx(proportion_confint(wins, 20, method="jeffreys"), abs=1e-9)
    assert jeffreys_interval(0, 20)[0] == 0
    assert jeffreys_interval(20, 20)[1] == 1
