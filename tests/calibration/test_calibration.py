"""How often the claim gate errs, and how often it finds what is there: simulated projects with a known truth.

Every test logs its figures (``pytest --log-cli-level=INFO``).
"""

from __future__ import annotations

import logging

import numpy as np
import pytest
from planted import paired_sums_of, sums_of
from scipy.stats import binom

from dbtools.analysis.claim import make_claim
from dbtools.analysis.pairs import compare
from dbtools.analysis.statistics import wilson_interval

AGENTS = ("domain", "structure", "syntax")
PROJECTS = 1_000
LOG = logging.getLogger(__name__)


def project(rng, n, *, advantage=0.0, texts=None, agents=AGENTS):
    """Return totals whose paired differences have standard deviation 2, the first agent better by `advantage`.

    With `texts`, prompts repeat a text, and half of the variance belongs to the text.
    """
    group = np.arange(n) if texts is None else rng.integers(0, texts, n)
    shared = 0.0 if texts is None else np.sqrt(0.5)
    totals = {}
    for place, agent in enumerate(agents):
        own = rng.normal(0, 1, n) * np.sqrt(1 - shared**2) + rng.normal(0, 1, n)[group] * shared
        totals[agent] = 35 + own * np.sqrt(2) + advantage * (place == 0)
    return paired_sums_of(totals, group)


def claimed(met, agents=AGENTS):
    claim = make_claim(compare(met), agents, {"real"})
    return claim.leader if claim.verdict == "best" else None


@pytest.mark.parametrize(
    ("case", "n", "options"),
    [
        ("3 agents, 12 prompts", 12, {}),
        ("3 agents, 60 prompts over 20 texts", 60, {"texts": 20}),
        ("2 agents, 15 prompts over 10 texts", 15, {"texts": 10, "agents": AGENTS[:2]}),
    ],
)
def test_in_null_projects_the_gate_claims_a_best_agent_in_at_most_five_percent(case, n, options):
    rng = np.random.default_rng(20251204)
    agents = options.get("agents", AGENTS)
    share = np.mean([claimed(project(rng, n, **options), agents) is not None for _ in range(PROJECTS)])
    LOG.info(f"null, {case}: a best agent is claimed in {share:.1%} of {PROJECTS:,} projects")
    assert share <= 0.05


def test_a_planted_point_is_found_in_sixty_prompts():
    rng = np.random.default_rng(1)
    found = [claimed(project(rng, 60, advantage=1)) for _ in range(400)]
    right, wrong = np.mean([one == "domain" for one in found]), np.mean([one not in (None, "domain") for one in found])
    LOG.info(
        f"1 point, sd 2, n = 60, 3 agents: found in {right:.1%}, another agent claimed in {wrong:.1%} of 400 projects"
    )
    assert right >= 0.8
    assert wrong <= 0.001


def test_the_smallest_detectable_difference_is_found_in_about_four_of_five():
    rng = np.random.default_rng(2)
    pair = [compare(project(rng, 60, agents=AGENTS[:2]))[0] for _ in range(100)]
    mde = np.mean([one.mde for one in pair])
    found = np.mean([compare(project(rng, 60, advantage=mde, agents=AGENTS[:2]))[0].p_exact < 0.05 for _ in range(600)])
    LOG.info(f"mde at n = 60, sd 2: {mde:.2f} points, found in {found:.1%} of 600 projects")
    assert mde == pytest.approx(2.8 * 2 / np.sqrt(60), rel=0.02)
    assert 0.75 <= found <= 0.85


@pytest.mark.parametrize("n", [15, 60, 200])
def test_the_interval_of_a_win_rate_covers_as_it_says(n):
    # Exact: the chance of every count of wins, at many true rates.
    rates, wins = np.linspace(0.05, 0.95, 181), np.arange(n + 1)
    low, high = np.array([wilson_interval(one, n) for one in wins]).T
    covered = ((low <= rates[:, None]) & (rates[:, None] <= high)) * binom.pmf(wins, n, rates[:, None])
    mean = covered.sum(axis=1).mean()
    LOG.info(f"Wilson, n = {n}: covers {mean:.1%} on average over true rates of 5 to 95%")
    assert 0.93 <= mean <= 0.97


@pytest.mark.parametrize(("n", "texts"), [(60, None), (15, 10), (60, 20), (300, 100)])
def test_the_interval_of_a_difference_covers_as_it_says(n, texts):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(4_000):
        group = np.arange(n) if texts is None else rng.integers(0, texts, n)
        d = 1 + rng.normal(0, np.sqrt(2), n) + rng.normal(0, np.sqrt(2), n)[group]
        low, high = sums_of(d, group).interval()
        covered.append(low <= 1 <= high)
    LOG.info(f"clustered t, n = {n} over {texts or n} texts: covers {np.mean(covered):.1%} of 4,000 samples")
    assert 0.93 <= np.mean(covered) <= 0.97
