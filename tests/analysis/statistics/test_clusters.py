from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from planted import sums_of
from scipy import stats
from statsmodels.stats.multitest import multipletests

from dbtools.analysis.statistics import clusters


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
    assert clusters.sign_flip(values) == (pytest.approx(expected), "exact")


def test_sixteen_clusters_of_one_sign_have_the_smallest_p_there_is():
    assert clusters.sign_flip(range(1, 17)) == (2 / 2**16, "exact")


def test_sign_flips_are_drawn_for_many_clusters_and_repeat(sample):
    values = np.random.default_rng(4).normal(0.35, 1, 30)
    p, method = clusters.sign_flip(values)
    expected = stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=20_000, rng=1).pvalue
    assert method == "monte carlo"
    assert p == pytest.approx(expected, abs=0.01)
    assert clusters.sign_flip(values)[0] == p


def test_the_p_of_drawn_flips_is_never_zero():
    assert clusters.sign_flip(np.ones(100)) == (1 / 10_000, "monte carlo")


def test_the_limits_for_very_many_clusters_are_what_they_are_the_limits_of():
    for shift in (0.0, 0.05, 0.1):
        values = np.random.default_rng(7).normal(shift, 1, 1000).round(2)
        p, method = clusters.sign_flip_limit(values.sum(), (values**2).sum())
        assert method == "normal"
        assert p == pytest.approx(clusters.sign_flip(values)[0], abs=0.015)
        nonzero = values[values != 0]
        ranks = stats.rankdata(abs(nonzero))
        sizes = np.unique(abs(nonzero), return_counts=True)[1]
        limit = clusters.signed_rank_limit(len(nonzero), ranks[nonzero > 0].sum(), (sizes**3.0 - sizes).sum())
        assert limit == pytest.approx(clusters.signed_rank(values), abs=1e-9)


@pytest.mark.parametrize("size", [1, 4, 9, 13, 30])
@pytest.mark.parametrize("decimals", [6, 0])
def test_the_signed_rank_test_is_that_of_scipy_with_and_without_ties(size, decimals):
    values = np.random.default_rng(size).normal(1, 2, size).round(decimals)
    expected = stats.wilcoxon(values[values != 0]).pvalue
    assert clusters.signed_rank(values) == pytest.approx(expected)


def test_nothing_but_zeros_is_no_evidence():
    assert clusters.sign_flip([0.0] * 5)[0] == 1
    assert clusters.sign_flip([0.0] * 50)[0] == 1
    assert clusters.sign_flip_limit(0, 0)[0] == 1
    assert clusters.signed_rank([0.0] * 5) == 1
    assert clusters.signed_rank_limit(0, 0, 0) == 1


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03], [0.5], [], [0.9, 0.8, 0.0001, 0.2, 0.04]])
def test_holm_is_that_of_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1] if p_values else []
    assert clusters.holm(p_values) == pytest.approx(list(expected))
