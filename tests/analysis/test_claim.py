from __future__ import annotations

import re

import numpy as np
import pytest
from planted_samples import paired_sums_of

from dbtools.analysis.claim import LEAST_TEXTS, contests_needed, detectable_lead, gate_power, lead, make_claim
from dbtools.analysis.pairs import compare

AGENTS = ("domain", "structure", "syntax")
PRAISE = re.compile("best|better|improves")


def pairs(advantage, n=40, agents=AGENTS, seed=1):
    rng = np.random.default_rng(seed)
    return compare(paired_sums_of({a: rng.normal(35 + (a == "structure") * advantage, 1.5, n) for a in agents}))


def test_an_agent_above_every_rival_on_real_rows_is_called_best():
    claim = make_claim(pairs(3), AGENTS, {"real"})
    assert (claim.verdict, claim.leader) == ("best", "structure")
    assert re.fullmatch(
        r"structure is best by score: \d\.\d of 50 points ahead of \w+, its closest rival "
        r"\(p < 0.001, 40 contests\)\.",
        claim.sentence,
    )
    assert "n = 40 contests over G = 40 texts" in claim.details[0]
    assert "p < 0.001" in claim.details[0]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"generated"}, "among rows that are not real"),
        ({"real", "placeholder"}, "among rows that are not all real"),
        ({"unknown"}, "rows that are not real"),
    ],
)
def test_nothing_is_claimed_of_rows_that_are_not_all_real(kinds, words):
    claim = make_claim(pairs(3), AGENTS, kinds)
    assert (claim.verdict, claim.leader) == ("undecided", "structure")
    assert words in claim.sentence
    assert not PRAISE.search(claim.sentence)


@pytest.mark.parametrize("scale", ["self", "heuristic", "synthetic"])
def test_nothing_is_claimed_of_scores_that_no_judge_gave(scale):
    claim = make_claim(pairs(3), AGENTS, {"real"}, scale)
    assert (claim.verdict, claim.leader) == ("undecided", "structure")
    assert "Needed: a judge's scores" in claim.sentence
    assert not PRAISE.search(claim.sentence)


def test_a_difference_that_chance_explains_is_undecided_and_says_what_would_decide():
    claim = make_claim(pairs(0.4), AGENTS, {"real"})
    assert claim.verdict == "undecided"
    assert not PRAISE.search(claim.sentence)
    assert f"With about {claim.needed:,} contests in all, the chance of a clear answer is 80%" in claim.details[1]
    assert "would be missed more than 1 time in 5" in claim.details[2]
    assert f"About {claim.needed - 40:,} more contests may decide; there are 40." in claim.sentence
    assert claim.needed > 40


def test_a_leader_that_one_rival_matches_is_not_called_best():
    rng = np.random.default_rng(2)
    level = rng.normal(38, 1.5, 40)
    close = {"structure": level, "domain": level + rng.normal(0, 0.5, 40), "syntax": rng.normal(35, 1.5, 40)}
    found = compare(paired_sums_of(close))
    assert sum(pair.p_holm < 0.05 for pair in found) == 2
    assert make_claim(found, AGENTS, {"real"}).verdict == "undecided"


def test_an_agent_that_the_leader_never_met_keeps_it_from_being_called_best():
    claim = make_claim(pairs(3), (*AGENTS, "poet"), {"real"})
    assert claim.verdict == "undecided"
    assert "but has no contest against poet" in claim.sentence


def test_five_texts_can_decide_nothing():
    claim = make_claim(pairs(9, n=5), AGENTS, {"real"})
    assert claim.verdict == "undecided"
    assert claim.needed >= LEAST_TEXTS
    assert claim.sentence.endswith("Needed: 6 texts; there are 5.")


def test_six_texts_are_the_least_that_can_decide():
    for texts, decided in ((LEAST_TEXTS - 1, False), (LEAST_TEXTS, True)):
        same = compare(paired_sums_of({"a": np.arange(texts) + 3.0, "b": np.zeros(texts)}))
        assert (make_claim(same, ("a", "b"), {"real"}).verdict == "best") == decided


def test_the_rivals_need_not_differ_from_each_other():
    # Each p against a rival is below 0.05; adjusted for all six pairs, the closest would not be.
    rng = np.random.default_rng(3)
    agents = {f"rival {i}": rng.normal(35, 1, 40) for i in range(3)}
    agents["leader"] = np.mean(list(agents.values()), axis=0) + rng.normal(0.55, 1, 40)
    found = compare(paired_sums_of(agents))
    own = [pair for pair in found if "leader" in (pair.a, pair.b)]
    assert max(pair.p_exact for pair in own) < 0.05 < max(pair.p_holm for pair in own)
    assert make_claim(found, agents, {"real"}).verdict == "best"


@pytest.mark.slow
@pytest.mark.parametrize(("agents", "lead_by"), [(2, 0.8), (4, 0.8)])
def test_as_many_contests_as_are_said_to_be_needed_find_the_lead(agents, lead_by):
    names = ("leader", "a", "b", "c")[:agents]
    rng, n = np.random.default_rng(5), 40
    # Scaled so that the sample has exactly the lead and the spread that the samples below are drawn with.
    totals = {name: rng.normal(0, 1, n) for name in names}
    totals = {name: (v - v.mean()) / v.std() + (name == "leader") * lead_by for name, v in totals.items()}
    _, own = lead(compare(paired_sums_of(totals)))
    needed = contests_needed(own)
    hits = 0
    for _ in range(100):
        again = {name: rng.normal((name == "leader") * lead_by, 1, needed) for name in names}
        claim = make_claim(compare(paired_sums_of(again)), names, {"real"})
        hits += (claim.verdict, claim.leader) == ("best", "leader")
    assert 0.68 <= hits / 100 <= 0.92


def test_the_power_of_one_rival_is_that_of_the_z_test():
    from scipy.stats import norm

    assert gate_power([2.8], [1.0], [0.5]) == pytest.approx(norm.sf(norm.ppf(0.975) - 2.8), abs=1e-6)
    assert detectable_lead([1.0], [0.5]) == pytest.approx(norm.ppf(0.975) + norm.ppf(0.8), abs=1e-6)


def test_the_power_against_two_rivals_is_that_of_the_bivariate_normal():
    from scipy.stats import multivariate_normal

    bound = np.array([2.5, 3.0]) - 1.959964
    expected = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf(bound)
    assert gate_power([2.5, 3.0], [1.0, 1.0], [0.5, 0.5]) == pytest.approx(expected, abs=1e-4)


def test_no_agent_leads_where_nothing_differs():
    same = compare(paired_sums_of({agent: np.full(30, 35.0) for agent in AGENTS}))
    assert lead(same) == (None, [])
    assert "no agent leads by score" in make_claim(same, AGENTS, {"real"}).sentence


@pytest.mark.parametrize(
    ("agents", "words"),
    [
        ((), "no agent has judge scores"),
        (("syntax",), "only syntax has judge scores"),
        (AGENTS, "no two agents have judge scores"),
    ],
)
def test_without_pairs_the_reason_is_named(agents, words):
    claim = make_claim((), agents, set())
    assert (claim.verdict, claim.leader) == ("undecided", None)
    assert words in claim.sentence


@pytest.mark.parametrize("advantage", [0, 0.4, 3])
@pytest.mark.parametrize("agents", [AGENTS, (*AGENTS, "poet")])
@pytest.mark.parametrize("kinds", [{"real"}, {"generated"}, {"generated", "real"}])
@pytest.mark.parametrize("scale", ["judge", "self"])
def test_the_sentence_has_at_most_25_words(advantage, agents, kinds, scale):
    for found in (pairs(advantage), pairs(advantage, n=4), ()):
        claim = make_claim(found, agents, kinds, scale)
        assert len(claim.sentence.split()) <= 25, claim.sentence
