from __future__ import annotations

import re

import numpy as np
import pytest
from planted import meetings_of

from dbtools.analysis.claim import contests_needed, judge, lead, least_texts
from dbtools.analysis.pairs import compare

AGENTS = ("domain", "structure", "syntax")
PRAISE = re.compile("best|better|improves")


def pairs(advantage, n=40, agents=AGENTS, seed=1):
    rng = np.random.default_rng(seed)
    return compare(meetings_of({a: rng.normal(35 + (a == "structure") * advantage, 1.5, n) for a in agents}))


def test_an_agent_above_every_rival_on_real_rows_is_called_best():
    claim = judge(pairs(3), AGENTS, {"real"})
    assert (claim.verdict, claim.leader) == ("best", "structure")
    assert claim.text.startswith("structure is best by score: +")
    assert "n = 40 contests over G = 40 texts" in claim.text
    assert "Holm-adjusted p < 0.001" in claim.text


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"generated"}, "the rows are not real"),
        ({"real", "placeholder"}, "not all rows are real"),
        ({"unknown"}, "not real"),
    ],
)
def test_nothing_is_claimed_of_rows_that_are_not_all_real(kinds, words):
    claim = judge(pairs(3), AGENTS, kinds)
    assert (claim.verdict, claim.leader) == ("undecided", "structure")
    assert words in claim.text
    assert not PRAISE.search(claim.text)


@pytest.mark.parametrize("scale", ["self", "heuristic", "synthetic"])
def test_nothing_is_claimed_of_scores_that_no_judge_gave(scale):
    claim = judge(pairs(3), AGENTS, {"real"}, scale)
    assert (claim.verdict, claim.leader) == ("undecided", "structure")
    assert "it takes a judge's scores" in claim.text
    assert not PRAISE.search(claim.text)


def test_a_difference_that_chance_explains_is_undecided_and_says_what_would_decide():
    claim = judge(pairs(0.4), AGENTS, {"real"})
    assert claim.verdict == "undecided"
    assert not PRAISE.search(claim.text)
    assert "would be missed more than 1 time in 5" in claim.text
    assert f"about {claim.needed:,} contests would be needed to detect" in claim.text
    assert claim.needed > 40


def test_a_leader_that_one_rival_matches_is_not_called_best():
    rng = np.random.default_rng(2)
    level = rng.normal(38, 1.5, 40)
    close = {"structure": level, "domain": level + rng.normal(0, 0.5, 40), "syntax": rng.normal(35, 1.5, 40)}
    found = compare(meetings_of(close))
    assert sum(pair.p_holm < 0.05 for pair in found) == 2
    assert judge(found, AGENTS, {"real"}).verdict == "undecided"


def test_an_agent_that_the_leader_never_met_keeps_it_from_being_called_best():
    claim = judge(pairs(3), (*AGENTS, "poet"), {"real"})
    assert claim.verdict == "undecided"
    assert "it takes contests against poet" in claim.text


def test_five_texts_can_decide_nothing():
    claim = judge(pairs(9, n=5), AGENTS, {"real"})
    assert claim.verdict == "undecided"
    assert claim.needed >= least_texts(3) == 7


@pytest.mark.parametrize("count", [1, 3, 10, 325])
def test_the_least_number_of_texts_is_where_holm_can_first_be_passed(count):
    texts = least_texts(count)
    assert count * 2.0 ** (1 - texts) < 0.05 <= count * 2.0 ** (2 - texts)


def test_as_many_contests_as_are_said_to_be_needed_find_the_difference():
    (first, *_) = found = pairs(0.8, n=20, agents=AGENTS[:2], seed=4)
    needed = contests_needed(first, len(found))
    rng, hits = np.random.default_rng(5), 0
    spread = first.difference / first.effect
    for _ in range(200):
        d = rng.normal(first.difference, spread, needed)
        hits += compare(meetings_of({"a": d, "b": np.zeros(needed)}))[0].p_holm < 0.05
    assert 0.7 <= hits / 200 <= 0.9


def test_no_agent_leads_where_nothing_differs():
    same = compare(meetings_of({agent: np.full(30, 35.0) for agent in AGENTS}))
    assert lead(same) == (None, None)
    assert "no agent leads by score" in judge(same, AGENTS, {"real"}).text


@pytest.mark.parametrize(
    ("agents", "words"),
    [
        ((), "there are no scores of agents"),
        (("syntax",), "only syntax has scores"),
        (AGENTS, "no two agents have scores"),
    ],
)
def test_without_pairs_the_reason_is_named(agents, words):
    claim = judge((), agents, set())
    assert (claim.verdict, claim.leader) == ("undecided", None)
    assert words in claim.text
