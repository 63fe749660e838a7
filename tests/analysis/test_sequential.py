"""Evidence that holds however often one looks, against direct integration and enumeration."""

from itertools import product
from math import cosh, exp, log, pi, sqrt

import pytest
from scipy.integrate import quad

from dbtools.analysis.sequential import ENOUGH, lead_by_ratings, rating_evidence


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
