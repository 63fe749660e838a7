"""How often evidence that is looked at after every contest errs, and how soon it finds what is there."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from planted_samples import samples

from dbtools.analysis.length import at_equal_length
from dbtools.analysis.sequential import ENOUGH, outside_sequence, rating_evidence, score_evidence

SAMPLES, LOOKS = samples(1_000, 200), 2_000
LOG = logging.getLogger(__name__)


def ever_enough(n):
    """Return the exact chance that fair ratings ever reach enough evidence within n, by dynamic programming."""
    alive, lost = np.zeros(2 * n + 1), []
    alive[n] = 1
    wins_less_losses = np.arange(-n, n + 1)
    for rated in range(1, n + 1):
        alive = (np.roll(alive, 1) + np.roll(alive, -1)) / 2
        limit = smallest_enough(rated)
        over = np.abs(wins_less_losses) >= limit
        lost.append(alive[over].sum())
        alive[over] = 0
    return np.cumsum(lost)


def smallest_enough(rated):
    """Return the smallest lead of wins over losses that is enough after so many ratings."""
    leads = range(rated % 2, rated + 1, 2)
    low, high = 0, len(leads)
    while low < high:
        middle = (low + high) // 2
        lead = leads[middle]
        enough = rating_evidence((rated + lead) // 2, (rated - lead) // 2) > ENOUGH
        low, high = (low, middle) if enough else (middle + 1, high)
    return leads[low] if low < len(leads) else rated + 1


def test_ratings_without_a_preference_reach_enough_evidence_in_less_than_five_percent():
    n = samples(LOOKS, 400)
    chances = ever_enough(n)
    said = ", ".join(f"by {looks} {chances[looks - 1]:.2%}" for looks in (20, 200, n))
    LOG.info(f"ratings without a preference, exact: enough evidence {said}")
    assert chances[-1] < 0.05


@pytest.mark.parametrize(("preference", "by"), [(0.65, 220), (0.75, 80), (0.85, 40)])
def test_a_preference_is_found_in_few_ratings(preference, by):
    rng, limits = np.random.default_rng(7), np.array([smallest_enough(rated) for rated in range(1, 401)])
    leads = np.cumsum(2 * (rng.random((SAMPLES, 400)) < preference) - 1, axis=1)
    decided = (leads >= limits).argmax(axis=1) + 1
    decided[~(leads >= limits).any(axis=1)] = 1_000
    LOG.info(
        f"preference {preference:.0%}: median {np.median(decided):.0f} ratings, {np.mean(decided <= by):.1%} by {by}"
    )
    assert np.mean(decided <= by) >= 0.85


SHAPES = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "heavy tails (t, 3)": lambda rng, n: rng.standard_t(3, n),
    "agents alike, skewed scores": lambda rng, n: rng.lognormal(0, 0.8, n) - rng.lognormal(0, 0.8, n),
    "spread grows from 1 to 5": lambda rng, n: rng.normal(0, np.linspace(1, 5, n)),
}
SKEWED = {
    "lognormal of mean 0": lambda rng, n: rng.lognormal(0, 0.8, n) - np.exp(0.32),
    "+1.8, and −13.2 in 12%": lambda rng, n: 1.8 - 15 * (rng.random(n) < 0.12) + rng.normal(0, 1.4, n),
}


def ever(shape, seed):
    rng, found, tested = np.random.default_rng(seed), 0, 0
    for _ in range(SAMPLES):
        d = shape(rng, LOOKS)
        enough = (score_evidence(d) > ENOUGH) & outside_sequence(d)
        found += bool(enough[19:].any())
        looks = np.arange(20, LOOKS + 1, 10)
        total, squares = np.cumsum(d)[looks - 1], np.cumsum(d * d)[looks - 1]
        tested += bool((np.abs(total) > 1.96 * np.sqrt(squares)).any())
    return found / SAMPLES, tested / SAMPLES


@pytest.mark.parametrize("shape", SHAPES)
def test_interchangeable_agents_are_ever_told_apart_in_at_most_five_percent(shape):
    found, tested = ever(SHAPES[shape], 8)
    LOG.info(f"scores, {shape}: ever claimed in {found:.1%}; the test for one look, every 10 contests: {tested:.1%}")
    assert found <= 0.05 + samples(0, 4) / SAMPLES  # a quick run varies more


@pytest.mark.parametrize("shape", SKEWED)
def test_strongly_skewed_differences_are_ever_claimed_more_often(shape):
    found, tested = ever(SKEWED[shape], 9)
    LOG.info(f"scores, {shape}: ever claimed in {found:.1%}; the test for one look, every 10 contests: {tested:.1%}")
    assert found <= 0.2


@pytest.mark.parametrize("agents", [3, 4])
def test_several_agents_are_claimed_less_often_than_two(agents):
    rng, claimed, tied = np.random.default_rng(agents), 0, 0
    for _ in range(SAMPLES):
        scores = rng.normal(0, 1, (agents, 400))
        claimed += any_claimed(scores)
        scores[:2] += 0.6
        tied += any_claimed(scores)
    LOG.info(
        f"{agents} agents, 400 looks: ever claimed {claimed / SAMPLES:.1%} all equal, {tied / SAMPLES:.1%} two best"
    )
    assert max(claimed, tied) / SAMPLES <= 0.06


def any_claimed(scores):
    """Tell whether one agent is ever ahead of every rival with enough evidence."""
    for one in range(len(scores)):
        ahead = np.ones(scores.shape[1], dtype=bool)
        for other in set(range(len(scores))) - {one}:
            d = scores[one] - scores[other]
            ahead &= (score_evidence(d) > ENOUGH) & outside_sequence(d) & (np.cumsum(d) > 0)
        if ahead.any():
            return True
    return False


@pytest.mark.parametrize("repeats", [1, 4])
def test_the_interval_at_equal_length_covers_and_pure_length_is_no_lead(repeats):
    rng, texts = np.random.default_rng(10 + repeats), 80 // repeats
    clusters, covered, leads = np.repeat(np.arange(texts), repeats), 0, 0
    for _ in range(2 * SAMPLES):
        x = rng.normal(0.5, 0.5, 80)
        d = 3 * x + rng.normal(0, 2, 80) + rng.normal(0, 1, texts)[clusters]
        equal = at_equal_length(d, x, clusters)
        covered += equal.low <= 0 <= equal.high
        leads += equal.low > 0
    share, n = covered / (2 * SAMPLES), 2 * SAMPLES
    LOG.info(f"equal length, {texts} texts × {repeats}: covers {share:.1%}, false leads {leads / n:.1%} of {n} samples")
    assert 0.91 <= share <= 0.98
