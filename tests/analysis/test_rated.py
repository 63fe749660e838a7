from __future__ import annotations

import json

import pytest
from rating_projects import own_marks_project, rate
from scipy.stats import binomtest
from support import hex_id

from dbtools import analysis, attach
from dbtools.analysis.rated import consistency, paired, side_bias
from dbtools.analysis.ratings import Comparison
from dbtools.analysis.sequential import ENOUGH, rating_evidence

A, B, C = "domain", "structure", "syntax"


def one(text, outcome, *, rater="ann", left_a=True, a="a", b="b", equal=False):
    return Comparison(rater, text, text, a, b, outcome, left_a, (text + a, text + b), equal)


def result(root, **options):
    with attach(root) as db:
        return analysis.effectiveness(db, **{"wins": "rated", **options})


@pytest.mark.slow
def test_the_shares_pairs_and_ranking_are_those_of_the_ratings(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=8)
    for number in range(8):
        rate(root, number, A, B, A if number else "tie")
        rate(root, number, A, C, A, swap=True)
        rate(root, number, B, C, B if number > 2 else C)
    found = result(root)
    assert {agent.agent: (agent.contests, agent.wins) for agent in found.agents} == {
        A: (16, 15.5),
        B: (16, 0.5 + 5),
        C: (16, 3),
    }
    first = found.pairs[0]
    assert (first.a, first.b, first.n, first.difference, first.p_exact) == (A, C, 8, 1, 2 / 2**8)
    assert [strength.name for strength in found.ranking.strengths] == [A, B, C]
    assert found.wins == "rated"
    assert found.rated.texts == 8
    assert "domain 15.5 of 16" in " ".join(found.details)


@pytest.mark.slow
def test_the_decision_is_the_one_that_may_be_looked_at_after_each_rating(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=14, agents=(A, B))
    won = next(n for n in range(20) if rating_evidence(n, 0) > ENOUGH)
    for number in range(won - 1):
        rate(root, number, A, B, A)
    early = result(root)
    assert (early.claim.verdict, early.claim.leader) == ("undecided", A)
    assert "Rate" in early.sentence
    rate(root, won - 1, A, B, A)
    found = result(root)
    assert (found.claim.verdict, found.claim.leader) == ("best", A)
    assert found.sentence == (
        "domain is best by blind ratings: it is preferred to structure, its closest rival, "
        f"in {won} of {won} prompt texts."
    )
    assert found.rated.missing == 0


@pytest.mark.slow
def test_ratings_that_compare_no_agents_are_counted_and_left_out(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=3)
    made = rate(root, 0, A, B, A)
    rate(root, 1, A, B, "skip")
    line = made.to_line()
    foreign = {**line, "id": "f", "left": hex_id("nowhere")}
    mismatched = {**line, "id": "m", "prompt": hex_id("prompt", 2)}
    with (root / "ratings.jsonl").open("a") as file:
        file.writelines(json.dumps(some) + "\n" for some in (foreign, mismatched))
        file.write('{"torn')
    found = result(root)
    assert (found.rated.n, found.rated.skipped) == (1, 1)
    assert found.rated.unused == {"foreign": 1, "mismatched": 1}
    said = " ".join(found.details)
    assert "1 name a version that the database does not have" in said
    assert "1 end in the middle" in said
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["ratings"]["unused"] == found.rated.unused


@pytest.mark.slow
def test_a_filtered_database_counts_its_own_ratings_only(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=6)
    for number in range(6):
        rate(root, number, A, B, A)
    with attach(root) as db, db.filter(since="2025-11-03") as some:
        assert analysis.effectiveness(some, wins="rated").rated.n == 4


@pytest.mark.slow
def test_the_agreement_with_other_kinds_of_win_is_over_the_pairs_that_both_decide(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=8, agents=(A, B))
    with attach(root) as db:
        heads = db.sql(
            "SELECT p.original_text, v.source FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id "
            "JOIN prompts AS p ON p.id = h.prompt_id"
        ).fetchall()
    for text, source in heads:
        number = int(text.split()[1])
        other = A if source == B else B
        rate(root, number, A, B, source if number < 6 else other)
    found = result(root).rated.agreements
    assert (found["recorded"].n, found["recorded"].raw) == (8, 0.75)
    assert "user" not in found


@pytest.mark.slow
def test_two_raters_agree_on_the_first_the_second_or_a_tie(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=5, agents=(A, B))
    for number, other in enumerate((A, A, B, "tie", A)):
        rate(root, number, A, B, A if number < 4 else "skip")
        rate(root, number, A, B, other, rater="bob", swap=True)
    found = result(root).rated.agreements["raters"]
    assert (found.n, found.raw) == (4, 0.5)


def test_a_preference_for_a_side_is_found(tmp_path):
    texts = [f"t{number}" for number in range(14)]
    biased = [one(text, 1 if place % 2 else -1, left_a=bool(place % 2)) for place, text in enumerate(texts)]
    side = side_bias(biased)
    assert (side.n, side.left) == (14, 14)
    assert side.p == pytest.approx(binomtest(14, 14).pvalue)
    fair = [one(text, 1, left_a=bool(place % 2)) for place, text in enumerate(texts)]
    assert side_bias(fair).p == pytest.approx(binomtest(7, 14).pvalue)
    assert side_bias([one("t", 0)]) is None


def test_pairs_seen_both_ways_round_tell_whether_a_rater_is_consistent():
    seen = [
        *(one("t1", 1, left_a=way) for way in (True, False)),
        one("t2", 1),
        one("t2", -1, left_a=False),
        one("t3", 1),
        one("t3", 1, left_a=False, rater="bob"),
    ]
    assert consistency(seen) == (2, 1)


def test_repeated_ratings_of_a_text_are_one_cluster():
    (sums,) = paired([one("t", 1), one("t", 1, rater="bob"), one("u", -1)])
    assert sums.listed == ((2, 2), (-1, 1))
    assert (sums.sums.n, sums.sums.clusters, sums.above, sums.ties) == (3, 2, 2, 0)
