from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from dbtools.analysis.ranking import bradley_terry

COUNTS = {("a", "b"): (12, 7, 3), ("a", "c"): (15, 4, 2), ("b", "c"): (9, 8, 5), ("c", "d"): (6, 9, 1)}
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
    met = COUNTS if ties else {pair: (won, lost, 0) for pair, (won, lost, _) in COUNTS.items()}
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
