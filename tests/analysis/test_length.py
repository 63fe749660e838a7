"""The difference at equal length, against whole matrices and a planted effect of length."""

import numpy as np
import pytest
from planted_samples import paired_sums_of
from scipy import stats

from dbtools.analysis.claim import make_claim
from dbtools.analysis.length import at_equal_length, clustered_intercept
from dbtools.analysis.pairs import ContestDifferences, compare, with_lengths


def by_matrices(y, x, place):
    """Return the intercept, its CR2 error and Bell-McCaffrey degrees of freedom from n x n matrices."""
    design = np.column_stack([np.ones(len(x)), x])
    inverse = np.linalg.inv(design.T @ design)
    residual = np.eye(len(x)) - design @ inverse @ design.T
    rest, vectors = residual @ y, []
    for group in range(place.max() + 1):
        inside = place == group
        values, rotation = np.linalg.eigh(residual[np.ix_(inside, inside)])
        root = rotation @ np.diag(values**-0.5) @ rotation.T
        vectors.append(residual[:, inside] @ root @ design[inside] @ inverse[0])
    gram = np.array(vectors) @ np.array(vectors).T
    error = np.sqrt(sum((vector @ rest) ** 2 for vector in vectors))
    return (inverse @ design.T @ y)[0], error, np.trace(gram) ** 2 / (gram**2).sum()


@pytest.mark.parametrize("sizes", [[1] * 25, [5, 1, 1, 3, 2, 2, 1, 1, 1, 4], [12, 1, 1, 1, 1, 1]])
def test_intercept_error_and_freedom_are_those_of_the_whole_matrices(sizes):
    rng = np.random.default_rng(len(sizes))
    place = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(0.3, 1, len(place))
    y = 1 + 2 * x + rng.normal(0, 1, len(place)) + rng.normal(0, 1, len(sizes))[place]
    shuffled = rng.permutation(len(place))
    assert clustered_intercept(y[shuffled], x[shuffled], place[shuffled]) == pytest.approx(by_matrices(y, x, place))


def test_many_clusters_have_the_error_of_a_mean_where_length_says_nothing():
    rng = np.random.default_rng(5)
    y, x = rng.normal(1, 2, 4_000), rng.normal(0, 1, 4_000)
    estimate, error, free = clustered_intercept(y, x - x.mean(), np.arange(4_000))
    assert (estimate, error, free) == (pytest.approx(y.mean()), pytest.approx(stats.sem(y), rel=0.01), 3_999)


def planted(mean_ratio=1.9, spread=1.6, n=60):
    """Return d and log ratios: an agent that is 0.92 points worse gains 3 points for each unit of log length."""
    rng = np.random.default_rng(15)
    x, noise = rng.normal(0, spread, n), rng.normal(0, 1.5, n)
    x += mean_ratio - x.mean()
    design = np.column_stack([np.ones(n), x])
    return -0.92 + 3 * x + noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0], x


def claim_of(d, x):
    texts = np.arange(len(d))
    pairs = compare(paired_sums_of({"domain": 30 + d, "structure": np.full(len(d), 30.0)}, texts))
    pairs = with_lengths(pairs, {("domain", "structure"): ContestDifferences(texts, d, x)})
    return make_claim(pairs, ("domain", "structure"), {"real"}), pairs[0]


def test_a_lead_that_length_alone_explains_is_named_in_the_sentence():
    claim, pair = claim_of(*planted())
    assert (pair.difference, pair.equal_length) == (pytest.approx(4.78), pytest.approx(-0.92))
    assert pair.low_equal_length < pair.equal_length < pair.high_equal_length
    assert claim.verdict == "best"
    assert "but not significantly at equal length (−0.92)" in claim.sentence
    assert len(claim.sentence.split()) <= 25
    assert any("With texts of equal length, domain against structure: −0.92 points" in text for text in claim.details)


def test_a_lead_that_length_does_not_explain_is_not_questioned():
    d, x = planted(mean_ratio=0.1, spread=0.8)
    claim, pair = claim_of(d + 5, x)
    assert pair.low_equal_length > 0
    assert "closest rival" in claim.sentence
    assert "equal length" not in claim.sentence


def test_an_unsure_lead_that_turns_at_equal_length_is_named_in_the_sentence():
    d, x = planted(mean_ratio=0.4, spread=0.8)
    claim, pair = claim_of(d, x)
    assert pair.difference > 0 > pair.equal_length
    assert claim.verdict == "undecided"
    assert claim.sentence.endswith("At equal length, structure leads by 0.9.")
    assert len(claim.sentence.split()) <= 25


def test_the_figures_turn_with_the_pair():
    _, pair = claim_of(*planted())
    turned = pair.seen_by("structure")
    assert turned.equal_length == pytest.approx(0.92)
    assert (turned.low_equal_length, turned.high_equal_length) == (-pair.high_equal_length, -pair.low_equal_length)


def test_an_agent_that_always_writes_more_is_an_extrapolation():
    claim, pair = claim_of(*planted(mean_ratio=2.5, spread=0.2))
    assert pair.extrapolated
    assert "extrapolated" in claim.sentence
    assert len(claim.sentence.split()) <= 25
    twice = at_equal_length(np.arange(9.0), np.full(9, np.log(2)), np.arange(9))
    assert (twice.difference, twice.extrapolated) == (None, True)


def test_texts_of_one_length_or_of_none_need_no_adjustment():
    assert at_equal_length(np.arange(9.0), np.zeros(9), np.arange(9)) is None
    assert at_equal_length(np.arange(9.0), np.full(9, 0.09), np.arange(9)) is None
    assert at_equal_length(np.arange(9.0), np.full(9, np.nan), np.arange(9)) is None
