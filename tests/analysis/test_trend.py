from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy import stats

from dbtools.analysis.trend import (
    LONGEST,
    change_point,
    critical_trend,
    drift_test,
    mann_kendall,
    robust_trend,
    trend,
)


def generator(seed=1):
    return np.random.default_rng(seed)


def series(n, slope=0.0, noise=1.0, seed=1):
    return np.arange(n, dtype=float), slope * np.arange(n) + generator(seed).normal(0, noise, n)


def test_the_slope_is_the_median_of_all_pairwise_slopes():
    times, marks = series(15, 0.4)
    slopes = [(marks[j] - marks[i]) / (times[j] - times[i]) for i in range(15) for j in range(i + 1, 15)]
    found = trend(times, marks, 0)
    assert found.slope == pytest.approx(np.median(slopes))
    assert found.low < found.slope < found.high
    assert found.change == pytest.approx(14 * found.slope)


def test_the_p_value_of_a_short_series_is_that_of_all_orders():
    times, marks = np.arange(6.0), np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])

    def score(order):
        return sum(np.sign(order[j] - order[i]) for i in range(6) for j in range(i + 1, 6))

    all_scores = [abs(score(order)) for order in permutations(marks)]
    exact = np.mean([s >= abs(score(marks)) for s in all_scores])
    assert trend(times, marks, 0).p == pytest.approx(exact)


def test_ties_are_corrected_as_mann_and_kendall_do():
    times, marks = np.arange(40.0), np.round(series(40, 0.02)[1])
    n, (_, tied) = 40, np.unique(marks, return_counts=True)
    score = sum(np.sign(marks[j] - marks[i]) for i in range(n) for j in range(i + 1, n))
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in tied)) / 18
    assert trend(times, marks, 0).p == pytest.approx(2 * stats.norm.sf(abs(score) / variance**0.5), rel=1e-6)


@pytest.mark.parametrize("times", [[0, 0, 0, 1, 1], [0, 0, 1, 1, 2, 2]])
def test_with_few_distinct_times_the_p_is_that_of_all_orders(times):
    times = np.array(times, dtype=float)
    scores = np.array([1.0, 2.0, 2.5, 3.0, 4.0, 4.0])[: len(times)]

    def score(order):
        return sum(
            np.sign(times[j] - times[i]) * np.sign(order[j] - order[i])
            for i in range(len(times))
            for j in range(i + 1, len(times))
        )

    exact = np.mean([abs(score(order)) >= abs(score(scores)) for order in permutations(scores)])
    assert mann_kendall(times, scores) == pytest.approx(exact)


def test_a_series_that_drifts_like_a_random_walk_is_no_rise():
    scores = np.array([2.0, -0.5, -0.1, -0.7, -1.1, -1.3, -3.4, -3.6, -4.4, -1.1])
    found = trend(np.arange(10.0), scores, 0)
    assert found.p < 0.01
    assert (found.verdict, found.claims) == ("drifting", False)


def test_the_p_of_drifting_flips_the_increments():
    scores = np.array([1.0, 2.0, 1.5, 4.0, 4.5, 7.0])
    increments = np.diff(scores)
    sums = [abs(np.dot(signs, increments)) for signs in product((-1, 1), repeat=5)]
    assert drift_test(scores) == pytest.approx(np.mean([one >= 6 - 1e-9 for one in sums]))


@pytest.mark.parametrize("n", [6, 12, 25])
def test_the_critical_value_is_passed_by_four_in_a_hundred_random_walks(n):
    walks = np.cumsum(generator(n).normal(0, 1, (6_000, n)), axis=1)
    assert np.mean(np.abs(robust_trend(walks)) > critical_trend(n)) == pytest.approx(0.04, abs=0.008)


def test_the_robust_t_of_a_line_with_little_noise_is_large():
    assert robust_trend(np.arange(20.0) + generator().normal(0, 0.1, 20)) > 3 * critical_trend(20)
    assert robust_trend(np.arange(20.0)) == np.inf


@pytest.mark.parametrize(
    ("slope", "smallest", "verdict"),
    [(0.5, 1, "rises"), (-0.5, 1, "falls"), (0.5, 100, "too small"), (0, 0, "no trend")],
)
def test_a_verdict_needs_significance_and_size(slope, smallest, verdict):
    assert trend(*series(30, slope), smallest).verdict == verdict


def test_a_verdict_needs_five_distinct_times():
    times = np.repeat([0.0, 1.0, 2.0, 3.0], 10)
    found = trend(times, times + series(40, noise=0.1)[1], 0)
    assert (found.times, found.verdict, found.claims) == (4, "too few times", False)
    assert found.p < 0.001


@pytest.mark.parametrize("n", [0, 1, 3])
def test_without_two_times_nothing_is_told(n):
    found = trend(np.zeros(n), np.arange(float(n)), 0)
    assert (found.n, found.slope, found.p, found.verdict) == (n, None, None, "too few times")


def test_equal_marks_are_no_trend():
    found = trend(np.arange(9.0), np.full(9, 7.0), 0)
    assert (found.slope, found.p, found.verdict, found.lag1) == (0.0, 1.0, "no trend", None)


def test_a_very_long_series_is_thinned_from_end_to_end():
    found = trend(*series(LONGEST * 5, 0.01), 0)
    assert found.n == LONGEST
    assert found.change == pytest.approx((LONGEST * 5 - 1) * found.slope)


def test_neighbours_that_are_alike_are_shown():
    steps = generator().normal(0, 1, 200)
    assert trend(np.arange(200.0), np.cumsum(steps), 0).lag1 > 0.7
    assert abs(trend(np.arange(200.0), steps, 0).lag1) < 0.2


@pytest.mark.slow
def test_chance_alone_seldom_makes_a_trend():
    verdicts = [trend(*series(20, seed=seed), 0).claims for seed in range(400)]
    assert np.mean(verdicts) <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


@pytest.mark.slow
def test_the_interval_covers_a_planted_slope():
    covered = 0
    for seed in range(300):
        found = trend(*series(25, 0.3, seed=seed), 0)
        covered += found.low <= 0.3 <= found.high
    assert 0.92 <= covered / 300 <= 0.985


def steps(*levels, each=20, noise=1.0, seed=1):
    return np.repeat(levels, each) + generator(seed).normal(0, noise, each * len(levels))


def test_a_planted_step_is_found_where_it_is():
    found = change_point(steps(0.0, 5.0), ["judge"] * 40, generator())
    assert (found.place, found.kind) == (20, "level")
    assert found.after - found.before == pytest.approx(5, abs=1)


def test_a_gradual_rise_is_no_step():
    assert change_point(series(40, 0.3)[1], ["judge"] * 40, generator()).kind == "trend"


def test_a_change_of_scale_is_told_from_a_change_of_level():
    scales = ["judge"] * 20 + ["synthetic"] * 20
    assert change_point(steps(8.0, 70.0), scales, generator()).kind == "scale"


def test_chance_alone_seldom_makes_a_change_point():
    kinds = [change_point(series(15, seed=s)[1], ["judge"] * 15, generator(s), 199).kind for s in range(200)]
    assert np.mean([kind != "none" for kind in kinds]) <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


def test_the_permutation_p_is_near_that_of_all_orders():
    marks = np.array([1.0, 2.0, 2.5, 6.0, 5.0, 7.0])

    def statistic(order):
        signs = [sum(np.sign(order[i] - order[j]) for i in range(t) for j in range(t, 6)) for t in range(1, 6)]
        return max(map(abs, signs))

    exact = np.mean([statistic(order) >= statistic(marks) for order in permutations(marks)])
    found = change_point(marks, ["judge"] * 6, generator(), 4999)
    assert found.p == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 4999) ** 0.5)
