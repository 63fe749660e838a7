from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from planted_samples import paired_sums_of
from support import make_database

from dbtools import analysis, attach
from dbtools.analysis.claim import contests_needed, gate_power, lead, standard_errors
from dbtools.analysis.pairs import compare
from dbtools.analysis.recommend import LEADS, Recommendation, adjusted_means, expected_losses, plan


def compared(n=60, leads=(1.0, 0.5, 0.0), seed=1):
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(35, 4, n)
    return compare(
        paired_sums_of({f"agent {k}": difficulty + lead + rng.normal(0, 2, n) for k, lead in enumerate(leads)})
    )


def test_adjusted_means_have_the_paired_differences_and_their_errors():
    pairs = compared()
    names, effects, covariance = adjusted_means(pairs)
    place = {name: i for i, name in enumerate(names)}
    for pair in pairs:
        i, j = place[pair.a], place[pair.b]
        assert effects[i] - effects[j] == pytest.approx(pair.difference, abs=1e-6)
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        assert variance**0.5 == pytest.approx(standard_errors([pair])[0][0])
    assert effects.sum() == pytest.approx(0, abs=1e-9)


def test_agents_that_never_met_are_compared_by_way_of_a_third():
    rng = np.random.default_rng(2)
    level = rng.normal(35, 3, 40)
    a, b, c = (level + shift + rng.normal(0, 1, 40) for shift in (2.0, 1.0, 0.0))
    pairs = compare([*paired_sums_of({"a": a, "b": b}), *paired_sums_of({"b": b, "c": c})])
    names, effects, covariance = adjusted_means(pairs)
    assert names == ["a", "b", "c"]
    assert effects[0] - effects[2] == pytest.approx((a - b).mean() + (b - c).mean())
    total = sum(standard_errors([pair])[0][0] ** 2 for pair in pairs)
    assert covariance[0, 0] + covariance[2, 2] - 2 * covariance[0, 2] == pytest.approx(total)


def test_the_expected_loss_of_two_agents_is_that_of_the_normal_distribution():
    from scipy.stats import norm

    d, error = 0.6, 1.1
    losses, chances = expected_losses(np.array([d / 2, -d / 2]), np.array([[1, -1], [-1, 1]]) * error**2 / 4)
    loss = error * norm.pdf(d / error) - d * norm.cdf(-d / error)
    assert losses == pytest.approx([loss, loss + d], abs=0.02)
    assert chances == pytest.approx([norm.cdf(d / error), norm.cdf(-d / error)], abs=0.02)


def test_the_plan_is_the_power_of_the_gate_and_reaches_80_percent_where_the_claim_says():
    pairs = compared(n=30, leads=(1.0, 0.0, 0.0), seed=4)
    points = plan(pairs)
    _, own = lead(pairs)
    errors, shared = standard_errors(own)
    today = {said: power for said, n, power in points if n == own[0].n}
    assert today["1 point"] == pytest.approx(gate_power([1.0, 1.0], errors, shared))
    assert [*today] == ["today's leads", *(f"{value:g} point{'' if value == 1 else 's'}" for value in LEADS)]
    needed = contests_needed(own)
    seen = [(n, power) for said, n, power in points if said == "today's leads"]
    assert max(n for n, power in seen if power < 0.8) <= needed <= min(n for n, power in seen if power >= 0.8) + 1


@pytest.mark.slow
def test_the_recommendation_of_a_project_has_costs_and_says_that_it_is_no_proof(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=7)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE judge_scores SET clarity = clarity - rowid * 7 % 11 / 10.0")
        connection.execute("UPDATE token_usage SET prompt_tokens = 10 * rowid, completion_tokens = 5")
        connection.execute("UPDATE token_usage SET total_tokens = prompt_tokens + completion_tokens")
    with attach(path) as db:
        found = analysis.recommend(db)
        versions = db.frame("versions")[["id", "source"]]
        calls = db.frame("token_usage").merge(versions, left_on="prompt_version_id", right_on="id").groupby("source")
    dollars, tokens = (calls[name].sum() / 7 for name in ("cost_usd", "total_tokens"))
    assert {c.agent: c.dollars for c in found.choices} == pytest.approx(dollars.to_dict())
    assert {c.agent: c.tokens for c in found.choices} == pytest.approx(tokens.to_dict())
    assert found.choices[0].frontier
    assert found.sentence.startswith(f"Use {found.choices[0].agent} for now")
    assert len(found.sentence.split()) <= 25
    assert found.plan_frame.today.any()


def test_without_two_agents_nothing_is_recommended():
    assert Recommendation((), (), None, "undecided").sentence.startswith("No agent can be recommended")
    assert adjusted_means(()) is None
    assert plan(()) == ()
