from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from dbtools.analysis.statistics.ranking import bradley_terry, chance_of_first

MET = {("a", "b"): (12, 7, 3), ("a", "c"): (15, 4, 2), ("b", "c"): (9, 8, 5), ("c", "d"): (6, 9, 1)}
NAMES = ("a", "b", "c", "d")


def log_linear(names, met, ties):
    """Fit the same model as a Poisson regression with one nuisance term per pair (C. D. Sinclair, 1982)."""
    rows, counts = [], []
    for pair, ((a, b), outcome) in enumerate(met.items()):
        for kind in range(3 if ties else 2):
            nuisance = [float(pair == i) for i in range(len(met))]
            worth = {0: {a: 1.0}, 1: {b: 1.0}, 2: {a: 0.5, b: 0.5}}[kind]
            rows.append(nuisance + [worth.get(name, 0.0) for name in names[1:]] + [float(kind == 2)] * ties)
            counts.append(outcome[kind])
    fitted = sm.GLM(counts, np.array(rows), family=sm.families.Poisson()).fit()
    first = len(met)
    return np.array([0.0, *fitted.params[first : first + len(names) - 1]])


@pytest.mark.parametrize("ties", [True, False])
def test_the_strengths_are_those_of_the_log_linear_model(ties):
    met = MET if ties else {pair: (won, lost, 0) for pair, (won, lost, _) in MET.items()}
    found = {s.name: s for s in bradley_terry(NAMES, met).strengths}
    expected = log_linear(NAMES, met, ties)
    strengths = np.array([found[name].strength for name in NAMES])
    assert strengths - strengths[0] == pytest.approx(expected, abs=1e-6)
    assert strengths.sum() == pytest.approx(0)


def test_the_interval_of_two_competitors_is_that_of_their_log_odds():
    (first, second) = bradley_terry(("a", "b"), {("a", "b"): (30, 10, 0)}).strengths
    odds, error = np.log(3), np.sqrt(1 / 30 + 1 / 10)
    assert first.strength - second.strength == pytest.approx(odds)
    assert first.high - first.low == pytest.approx(2 * 1.959964 * error / 2)


def test_who_wins_everything_is_separated_instead_of_ranked():
    met = {("a", "b"): (15, 0, 0), ("a", "c"): (15, 0, 0), ("b", "c"): (8, 7, 0)}
    ranking = bradley_terry(("a", "b", "c"), met)
    assert (ranking.state, ranking.strengths) == ("separated", ())
    assert bradley_terry(("a", "b", "c"), {**met, ("a", "c"): (14, 0, 1)}).state == "ranked"


def test_who_never_met_is_unconnected():
    assert bradley_terry(NAMES, {("a", "b"): (3, 2, 0), ("c", "d"): (3, 2, 0)}).state == "unconnected"
    assert bradley_terry(("a",), {}).state == "empty"


def test_the_chance_of_first_is_that_of_a_beta_posterior():
    from scipy.stats import beta

    (first, lost), (other, _) = chance_of_first([8, 3])
    assert first == pytest.approx(beta.sf(0.5, 8.5, 3.5), abs=0.01)
    assert first + other == pytest.approx(1)
    assert 0 < lost < 0.05
    assert chance_of_first([0, 0, 0]) == [(pytest.approx(1 / 3, abs=0.01), pytest.approx(0.4, abs=0.1))] * 3
