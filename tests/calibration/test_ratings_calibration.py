"""How many blind ratings a decision takes, and how often it is wrong: simulated raters with a known preference."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from statistics import median

import pytest
from planted_samples import samples

from dbtools.analysis.ratings import Candidate, Comparison, Pool, as_tie, choose, first_wins, missing_ratings
from dbtools.analysis.sequential import lead_by_ratings

SEEDS = samples(200, 20)
NEVER = 10**6
LOG = logging.getLogger(__name__)


def pool(agents: int, prompts: int) -> Pool:
    """Return prompts that all agents answered."""
    names = tuple(f"agent {number}" for number in range(agents))
    found = {
        f"p{number}": tuple(Candidate(f"p{number}", f"t{number}", name, f"{number} {name}", "") for name in names)
        for number in range(prompts)
    }
    return Pool(
        None, names, {prompt: tuple(replace(c, same=c.version) for c in some) for prompt, some in found.items()}
    )


def rate(agents: int, ratings: int, preference: float, seed: int, prompts: int = 120) -> tuple[int, bool | None]:
    """Rate until somebody leads surely; return after how many ratings, and whether it is the preferred agent."""
    source, rng, done = pool(agents, prompts), random.Random(seed), list[Comparison]()
    preferred = rng.choice(source.agents)
    for count in range(1, ratings + 1):
        pair = choose(source, done, "rater", seed)
        if pair is None:
            break
        one = as_tie(source, pair, "rater")
        share = {one.a: preference, one.b: 1 - preference}.get(preferred, 0.5)
        done.append(replace(one, outcome=1 if rng.random() < share else -1))
        lead = lead_by_ratings(first_wins(done), source.agents)
        if lead and lead.holds:
            return count, lead.agent == preferred
    return NEVER, None


@pytest.mark.parametrize(("agents", "ratings", "least"), [(2, 80, 0.85), (3, 200, 0.9)])
def test_a_preference_of_75_percent_is_decided(agents, ratings, least):
    found = [rate(agents, ratings, 0.75, seed) for seed in range(SEEDS)]
    decided = sum(right is True for _, right in found) / SEEDS
    wrong = sum(right is False for _, right in found) / SEEDS
    typical = median(count for count, _ in found)
    LOG.info(f"{agents} agents, {ratings} ratings: {decided:.1%} decided, {wrong:.1%} wrongly, median {typical:g}")
    assert decided >= least
    assert wrong <= 0.05


@pytest.mark.parametrize("agents", [2, 3])
def test_nobody_is_called_best_where_nobody_is_preferred(agents):
    ratings = samples(200, 80)
    false = sum(rate(agents, ratings, 0.5, seed)[1] is not None for seed in range(SEEDS)) / SEEDS
    LOG.info(f"{agents} agents, no preference, {ratings} ratings: {false:.1%} decided")
    assert false <= 0.05 + samples(0, 1) / SEEDS  # one more in a quick run


@pytest.mark.parametrize(("preference", "least", "most"), [(0.65, 40, 130), (0.75, 20, 45), (0.85, 10, 25)])
def test_the_median_number_of_ratings_is_the_one_that_is_documented(preference, least, most):
    typical = median(rate(2, 400, preference, seed, prompts=400)[0] for seed in range(SEEDS))
    LOG.info(f"two agents, a preference of {preference:.0%}: {typical:g} ratings at the median")
    assert least <= typical <= most


@pytest.mark.parametrize("agents", [2, 3])
def test_the_number_that_is_announced_is_near_the_median(agents):
    names = [f"agent {number}" for number in range(agents)]
    announced = missing_ratings(names, {})
    typical = median(rate(agents, 300, 0.75, seed)[0] for seed in range(SEEDS))
    LOG.info(f"{agents} agents: {announced} ratings announced, {typical:g} at the median")
    assert typical / 1.6 <= announced <= typical * 1.6
