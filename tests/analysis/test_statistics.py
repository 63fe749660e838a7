from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from planted_samples import sums_of
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from dbtools.analysis import statistics
from dbtools.analysis.statistics import (
    INTERVALS,
    agreement,
    chance_of_first,
    exact_interval,
    jeffreys_interval,
    wilson_interval,
)


@pytest.fixture(params=[(30, 8), (200, 40)])
def sample(request):
    """Values in clusters of unequal size that share a level."""
    n, groups = request.param
    rng = np.random.default_rng(n)
    group = rng.integers(0, groups, n)
    return 3 + rng.normal(0, 1, groups)[group] + rng.normal(0, 2, n), group


def test_the_clustered_error_and_interval_are_those_of_a_regression_on_a_constant(sample):
    values, group = sample
    covariance = {"groups": group, "use_correction": True, "df_correction": True}
    fitted = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds=covariance, use_t=True)
    sums, n = sums_of(values, group), len(values)
    # statsmodels adds the factor (n−1)/(n−k), which is 1 for a constant alone.
    assert sums.error == pytest.approx(fitted.bse[0], rel=1e-9)
    assert sums.interval() == pytest.approx(tuple(fitted.conf_int()[0]), rel=1e-9)
    assert sums.deviation == pytest.approx(values.std(ddof=1))
    expected = stats.t.interval(0.95, n - 1, values.mean(), values.std(ddof=1) / np.sqrt(n))
    assert sums.interval(clustered=False) == pytest.approx(expected)


def test_clusters_of_one_change_nothing(sample):
    values, _ = sample
    sums = sums_of(values, np.arange(len(values)))
    assert sums.interval() == pytest.approx(sums.interval(clustered=False))
    assert sums.n_effective == len(values)


def test_a_sample_that_repeats_every_value_is_worth_half_of_it():
    values = np.repeat([1.0, 4.0, 2.0, 7.0], 2)
    doubled, once = sums_of(values, np.repeat(range(4), 2)), sums_of(values[::2], range(4))
    assert doubled.n_effective == 4
    assert doubled.error == pytest.approx(once.error)


def test_equal_values_have_no_spread_but_for_noise():
    sums = sums_of([0.1 + 0.2] * 50, range(50))
    assert (sums.error, sums.deviation, sums.detectable) == (0, 0, None)
    assert sums.interval() == pytest.approx((0.3, 0.3))


def test_one_cluster_tells_no_error():
    sums = sums_of([1.0, 2.0], [0, 0])
    assert (sums.error, sums.interval(), sums.detectable) == (None, (None, None), None)


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_sign_flips_are_all_enumerated_for_few_clusters(size):
    values = np.random.default_rng(size).normal(0.4, 1, size).round(1)
    flipped = [abs(np.dot(signs, values)) for signs in product((-1, 1), repeat=size)]
    expected = np.mean([one >= abs(values.sum()) - 1e-9 for one in flipped])
    found = statistics.sign_flip(values)
    assert (found.p, found.method) == (pytest.approx(expected), "exact")


@pytest.mark.parametrize("seed", range(4))
def test_the_interval_holds_the_means_that_the_flipped_signs_do_not_reject(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, 9)
    sums = rng.normal(0.5, 1, 9) * sizes
    signs = np.array(list(product((-1, 1), repeat=9)))

    def p(mean):
        centred = sums - mean * sizes
        return np.mean(abs(signs @ centred) >= abs(centred.sum()) - 1e-9)

    found = statistics.sign_flip(sums, sizes)
    assert found.p == pytest.approx(p(0))
    for end, outwards in ((found.low, -1e-6), (found.high, 1e-6)):
        assert p(end + outwards) < 0.05 <= p(end - outwards)


def test_the_interval_and_the_verdict_always_agree():
    for seed in range(150):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 6, rng.integers(6, 40))
        found = statistics.sign_flip(np.round(rng.normal(0.4, 1, len(sizes)) * sizes, 1), sizes)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_fewer_than_six_clusters_bound_no_interval():
    assert statistics.sign_flip([5.0] * 5).low is None
    assert statistics.sign_flip([5.0, 4.0, 6.0, 5.0, 5.0, 5.0]).low == 4.0


def test_sixteen_clusters_of_one_sign_have_the_smallest_p_there_is():
    found = statistics.sign_flip(range(1, 17))
    assert (found.p, found.method) == (2 / 2**16, "exact")


def test_sign_flips_are_drawn_for_many_clusters_and_repeat(sample):
    values = np.random.default_rng(4).normal(0.35, 1, 30)
    found = statistics.sign_flip(values)
    expected = stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=20_000, rng=1).pvalue
    assert found.method == "monte carlo"
    assert found.p == pytest.approx(expected, abs=0.01)
    assert statistics.sign_flip(values) == found


def test_the_p_of_drawn_flips_is_never_zero():
    assert statistics.sign_flip(np.ones(100)).p == 1 / 10_000


def test_the_limits_for_very_many_clusters_are_what_they_are_the_limits_of():
    for shift in (0.0, 0.05, 0.1):
        values = np.random.default_rng(7).normal(shift, 1, 1000).round(2)
        found, drawn = statistics.sign_flip_limit(sums_of(values, range(1000))), statistics.sign_flip(values)
        assert found.method == "normal"
        assert (found.p, found.low, found.high) == pytest.approx((drawn.p, drawn.low, drawn.high), abs=0.015)
        nonzero = values[values != 0]
        ranks = stats.rankdata(abs(nonzero))
        sizes = np.unique(abs(nonzero), return_counts=True)[1]
        limit = statistics.signed_rank_limit(len(nonzero), ranks[nonzero > 0].sum(), (sizes**3.0 - sizes).sum())
        assert limit == pytest.approx(statistics.signed_rank(values), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4, 9, 13, 30])
@pytest.mark.parametrize("decimals", [6, 0])
def test_the_signed_rank_test_is_that_of_scipy_with_and_without_ties(size, decimals):
    values = np.random.default_rng(size).normal(1, 2, size).round(decimals)
    expected = stats.wilcoxon(values[values != 0]).pvalue
    assert statistics.signed_rank(values) == pytest.approx(expected)


def test_nothing_but_zeros_is_no_evidence():
    assert statistics.sign_flip([0.0] * 5).p == 1
    assert statistics.sign_flip([0.0] * 50).p == 1
    assert statistics.sign_flip_limit(sums_of([0.0] * 50, range(50))).p == 1
    assert statistics.signed_rank([0.0] * 5) == 1
    assert statistics.signed_rank_limit(0, 0, 0) == 1


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03], [0.5], [], [0.9, 0.8, 0.0001, 0.2, 0.04]])
def test_holm_is_that_of_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1] if p_values else []
    assert statistics.holm(p_values) == pytest.approx(list(expected))


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


def of(table):
    counts = np.asarray(table)
    return agreement(counts.sum(), np.trace(counts), counts.sum(axis=1), counts.sum(axis=0))


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[11, 2, 1], [0, 9, 4], [3, 3, 30]]])
def test_kappa_is_that_of_statsmodels(table):
    assert of(table).kappa == pytest.approx(cohens_kappa(table).kappa)
    assert not of(table).kappa_degenerate


def test_ac1_is_that_of_a_published_example():
    # Gwet (2008), table 2: raters A and B, 125 patients: 118, 5, 2 and 0.
    found = of([[118, 5], [2, 0]])
    assert found.raw == pytest.approx(0.944)
    assert found.ac1 == pytest.approx(0.9408, abs=5e-4)
    assert found.kappa == pytest.approx(-0.0234, abs=5e-4)


def test_a_rater_of_one_category_makes_kappa_degenerate_but_not_ac1():
    found = agreement(15, 11, (11, 2, 2), (15, 0, 0))
    assert (found.kappa, found.kappa_degenerate) == (pytest.approx(0), True)
    assert found.ac1 == pytest.approx(0.697, abs=5e-4)


def test_without_contests_or_with_one_category_there_is_nothing_to_tell():
    assert agreement(0, 0, (), ()).raw is None
    alone = agreement(4, 4, (4,), (4,))
    assert (alone.raw, alone.kappa, alone.ac1, alone.kappa_degenerate) == (1, None, None, True)


@pytest.mark.parametrize(("n", "digits"), [(30, 6), (30, 1), (80, 6)])
def test_the_signed_rank_test_is_that_of_scipy(n, digits):
    values = np.random.default_rng(n + digits).normal(0.3, 1, n).round(digits)
    nonzero = values[values != 0]
    assert statistics.signed_rank(values) == pytest.approx(float(stats.wilcoxon(nonzero).pvalue), rel=1e-9)


def test_mid_ranks_are_those_of_scipy():
    values = np.random.default_rng(1).integers(0, 9, 40)
    assert statistics.mid_ranks(values).tolist() == stats.rankdata(values).tolist()


@pytest.mark.parametrize(("n", "times", "scores"), [(12, 99, 99), (30, 8, 5), (60, 99, 99), (60, 10, 6)])
def test_the_rank_correlation_and_the_median_slope_are_those_of_scipy(n, times, scores):
    rng = np.random.default_rng(n + times)
    x = rng.permutation(n).astype(float) if times == 99 else rng.integers(0, times, n).astype(float)
    y = rng.normal(0, 1, n) if scores == 99 else rng.integers(0, scores, n).astype(float)
    assert statistics.kendall(x, y) == pytest.approx(float(stats.kendalltau(x, y).pvalue), rel=1e-9)
    slope, _, low, high = stats.theilslopes(y, x)
    assert statistics.theil_sen(x, y) == pytest.approx((slope, low, high))


def test_a_root_is_found_as_exactly_as_numbers_go():
    assert statistics.root(lambda x: x**3 - 2, 0, 1e12) == pytest.approx(2 ** (1 / 3), rel=1e-15)


def test_the_chance_of_first_is_that_of_a_beta_posterior():
    from scipy.stats import beta

    (first, lost), (other, _) = chance_of_first([8, 3])
    assert first == pytest.approx(beta.sf(0.5, 8.5, 3.5), abs=0.01)
    assert first + other == pytest.approx(1)
    assert 0 < lost < 0.05
    assert chance_of_first([0, 0, 0]) == [(pytest.approx(1 / 3, abs=0.01), pytest.approx(0.4, abs=0.1))] * 3


def sizes_of(values, group):
    """Return the size table of values in clusters."""
    _, place = np.unique(group, return_inverse=True)
    s, n = np.bincount(place, values), np.bincount(place)
    rows = [(int(k), int((n == k).sum()), s[n == k].sum(), (s[n == k] ** 2).sum()) for k in np.unique(n)]
    return statistics.SizeTable(*zip(*rows, strict=True))


def test_the_cr2_error_and_its_degrees_of_freedom_are_those_of_the_matrices(sample):
    values, group = sample
    n, ones = len(values), np.ones((len(values), 1))
    hat = ones @ ones.T / n
    blocks = [np.flatnonzero(group == g) for g in np.unique(group)]
    residuals, meat, columns = values - values.mean(), 0.0, []
    for block in blocks:
        own = np.eye(len(block)) - hat[np.ix_(block, block)]
        value, vector = np.linalg.eigh(own)
        adjusted = (vector / np.sqrt(value)) @ vector.T @ ones[block]
        meat += float(adjusted[:, 0] @ residuals[block]) ** 2
        columns.append(((np.eye(n) - hat)[:, block] @ adjusted)[:, 0])
    matrix = np.array(columns) @ np.array(columns).T
    mean, error, free = statistics.clustered_mean(sizes_of(values, group))
    assert (mean, error) == (pytest.approx(values.mean()), pytest.approx(np.sqrt(meat) / n))
    assert free == pytest.approx(np.trace(matrix) ** 2 / (matrix**2).sum())


def test_clusters_of_one_give_the_usual_t_interval():
    values = np.random.default_rng(3).normal(2, 1, 25)
    expected = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
    assert statistics.clustered_interval(sizes_of(values, range(25))) == pytest.approx(expected)
    assert statistics.clustered_interval(sizes_of(values, [0] * 25)) == (None, None)


def test_a_share_of_independent_contests_is_nearly_wilsons():
    won = np.arange(400) < 120
    low, high = statistics.clustered_share(sizes_of(won.astype(float), range(400)))
    assert (low, high) == pytest.approx(wilson_interval(120, 400), abs=0.001)


def test_repeated_texts_widen_the_interval_of_a_share():
    won, group = np.repeat(np.arange(20) < 9, 5).astype(float), np.repeat(np.arange(20), 5)
    # Every text is won five times or never: it is worth one contest.
    assert statistics.clustered_share(sizes_of(won, group)) == pytest.approx(wilson_interval(9, 20), abs=0.02)
