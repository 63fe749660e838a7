"""Evidence that holds however often one looks, against direct integration and enumeration."""

from itertools import product
from math import cosh, exp, log, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from dbtools.analysis.sequential import (
    ENOUGH,
    first_of_each,
    lead_by_ratings,
    lead_by_scores,
    outside_sequence,
    rating_evidence,
    score_evidence,
)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (7, 1), (12, 4), (30, 30), (60, 20), (900, 800)])
def test_the_evidence_of_ratings_is_the_normal_mixture_of_the_fair_coin_martingales(wins, losses):
    def weighted(x):
        return exp(x * (wins - losses) - x * x / 0.5 - (wins + losses) * log(cosh(x))) / (0.5 * sqrt(2 * pi))

    assert rating_evidence(wins, losses) == pytest.approx(
        quad(weighted, -3, 3, points=[0, 0.05, 0.5], limit=200)[0], rel=1e-5
    )


def test_the_evidence_of_ratings_does_not_depend_on_who_comes_first():
    assert rating_evidence(14, 3) == pytest.approx(rating_evidence(3, 14), rel=1e-12)


def test_the_mean_evidence_over_all_sequences_of_fair_ratings_is_exactly_one():
    values = [rating_evidence(sum(one), 10 - sum(one)) for one in product((0, 1), repeat=10)]
    assert sum(values) / 2**10 == pytest.approx(1, rel=1e-12)


def test_many_ratings_of_one_kind_do_not_overflow():
    assert ENOUGH < rating_evidence(1_000_000, 0) < float("inf")
    assert 0 <= rating_evidence(1_000_000, 1_000_000) < 1


def test_an_agent_leads_where_it_is_preferred_to_every_rival_and_its_weakest_pair_counts():
    wins = {("a", "b"): 20, ("b", "a"): 1, ("a", "c"): 12, ("c", "a"): 4, ("b", "c"): 3}
    lead = lead_by_ratings(wins, ["c", "a", "b"])
    assert (lead.agent, lead.rival, lead.holds) == ("a", "c", False)
    assert lead.evidence == rating_evidence(12, 4) < ENOUGH < rating_evidence(20, 1)
    assert lead_by_ratings({**wins, ("a", "c"): 20}, ["a", "b", "c"]).holds


def test_no_agent_leads_in_a_cycle_without_ratings_or_alone():
    cycle = {("a", "b"): 9, ("b", "c"): 9, ("c", "a"): 9}
    assert lead_by_ratings(cycle, "abc") is None
    assert lead_by_ratings({("a", "b"): 9}, "abc") is None
    assert lead_by_ratings({}, ["a"]) is None
    assert lead_by_ratings({("a", "b"): 2, ("b", "a"): 2}, "ab") is None


def test_the_evidence_of_scores_is_the_normal_mixture_over_scaled_differences():
    d = np.random.default_rng(3).normal(0.5, 2, 30)
    d[4] = 0
    total = variance = 0.0
    for place, value in enumerate(d, 1):
        seen = d[:place][d[:place] != 0]
        x = value / sqrt((seen**2).mean()) if value else 0.0
        total, variance = total + x, variance + x * x

    def weighted(x):
        return exp(x * total - x * x * variance / 2) * exp(-x * x / 0.2) / sqrt(0.2 * pi)

    assert score_evidence(d)[-1] == pytest.approx(quad(weighted, -6, 6)[0])
    assert score_evidence(1_000 * d) == pytest.approx(score_evidence(d))


def test_the_confidence_sequence_needs_twenty_contests_and_finds_a_large_mean():
    assert not outside_sequence(np.full(19, 3.0)).any()
    d = np.random.default_rng(4).normal(2, 1, 60)
    assert outside_sequence(d)[20:].all()
    assert not outside_sequence(d - d.mean())[-1]


def test_scores_put_an_agent_ahead_only_where_every_rival_is_below():
    rng = np.random.default_rng(5)
    clear, weak = rng.normal(2, 1, 60), rng.normal(0.2, 1, 60)
    assert lead_by_scores("a", {"b": clear, "c": clear + 1}).holds
    lead = lead_by_scores("a", {"b": clear, "c": weak})
    assert (lead.agent, lead.rival, lead.holds) == ("a", "c", False)
    assert lead_by_scores("a", {"b": -clear}).evidence == 0
    assert lead_by_scores("a", {}) is None
    assert lead_by_scores("a", {"b": clear[:0]}) is None


def test_the_first_contest_of_each_text_is_kept_in_order():
    assert [*first_of_each(np.array([7, 3, 7, 1, 3, 9]))] == [0, 1, 3, 5]
