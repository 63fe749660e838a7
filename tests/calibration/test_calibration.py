"""How often the claim gate errs, and how often it finds what is there: simulated projects with a known truth.

``make calibration`` draws as many samples as docs/statistics.md tells of, and shows the figures that every test logs.
"""

from __future__ import annotations

import logging

import numpy as np
import pytest
from planted_samples import paired_sums_of, samples
from scipy.stats import binom

from dbtools.analysis.claim import make_claim
from dbtools.analysis.pairs import compare
from dbtools.analysis.statistics import SizeTable, clustered_share, sign_flip, wilson_interval
from dbtools.analysis.trend import trend
from dbtools.audit.compare import change_of_ratio

AGENTS = ("domain", "structure", "syntax")
PROJECTS = samples(1_000, 250)
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
    runs = samples(400, 100)
    found = [claimed(project(rng, 60, advantage=1)) for _ in range(runs)]
    right, wrong = np.mean([one == "domain" for one in found]), np.mean([one not in (None, "domain") for one in found])
    LOG.info(f"1 point, sd 2, n = 60, 3 agents: found in {right:.1%}, another agent named in {wrong:.1%} of {runs}")
    assert right >= 0.8
    assert wrong <= 0.001


def test_the_smallest_detectable_difference_is_found_in_about_four_of_five():
    rng = np.random.default_rng(2)
    pair = [compare(project(rng, 60, agents=AGENTS[:2]))[0] for _ in range(100)]
    mde = np.mean([one.mde for one in pair])
    runs = samples(600, 300)
    later = [compare(project(rng, 60, advantage=mde, agents=AGENTS[:2]))[0] for _ in range(runs)]
    found = np.mean([one.p_exact < 0.05 for one in later])
    LOG.info(f"mde at n = 60, sd 2: {mde:.2f} points, found in {found:.1%} of {runs} projects")
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


DESIGNS = {
    "60 texts asked once": [1] * 60,
    "20 texts asked three times": [3] * 20,
    "30 texts asked once, one 30 times": [1] * 30 + [30],
    "10 texts of 1 to 10 contests": list(range(1, 11)),
    "100 texts asked up to eight times": [1] * 60 + [3] * 30 + [8] * 10,
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("within", [0.0, 0.7])
def test_the_interval_of_a_difference_covers_as_it_says(design, within):
    rng, sizes = np.random.default_rng(3), np.array(DESIGNS[design])
    covered, runs = [], 600
    for _ in range(runs):
        shared = rng.normal(0, np.sqrt(within), len(sizes)) * sizes
        sums = 1.0 * sizes + shared + rng.normal(0, 1, len(sizes)) * np.sqrt((1 - within) * sizes)
        found = sign_flip(sums, sizes)
        covered.append(found.low <= 1 <= found.high)
    LOG.info(f"sign-flip interval, {design}, correlation {within}: covers {np.mean(covered):.1%} of {runs} samples")
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("design", DESIGNS)
def test_the_interval_of_a_clustered_share_covers_as_it_says(design):
    rng, sizes = np.random.default_rng(4), np.array(DESIGNS[design])
    covered, runs = [], samples(1_000, 250)
    for _ in range(runs):
        sums = rng.binomial(sizes, rng.beta(1.5, 1.5, len(sizes)))  # half of the variance belongs to the text
        rows = [
            (int(k), int((sizes == k).sum()), sums[sizes == k].sum(), (sums[sizes == k] ** 2).sum())
            for k in np.unique(sizes)
        ]
        low, high = clustered_share(SizeTable(*zip(*rows, strict=True)))
        covered.append(low <= 0.5 <= high)
    LOG.info(f"clustered share, {design}: covers {np.mean(covered):.1%} of {runs:,} samples")
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize("agents", [2, 3, 4, 5])
def test_the_detectable_lead_is_found_in_about_four_of_five_for_any_number_of_agents(agents):
    rng, names = np.random.default_rng(6), tuple("abcde"[:agents])
    leads = [make_claim(compare(project(rng, 60, agents=names)), names, {"real"}).detectable for _ in range(20)]
    lead = float(np.mean(leads))
    runs = samples(400, 100)
    found = np.mean([claimed(project(rng, 60, advantage=lead, agents=names), names) == "a" for _ in range(runs)])
    LOG.info(f"{agents} agents, 60 prompts: a lead of {lead:.2f} is found in {found:.1%} of {runs} projects")
    assert 0.72 <= found <= 0.88


def independent(rng, n):
    return rng.normal(0, 1, n)


def autocorrelated(rng, n):
    found = [rng.normal(0, 1) / np.sqrt(0.75)]
    for _ in range(n - 1):
        found.append(0.5 * found[-1] + rng.normal(0, 1))
    return np.array(found)


def random_walk(rng, n):
    return np.cumsum(rng.normal(0, 1, n))


@pytest.mark.parametrize("series", [independent, autocorrelated, random_walk])
@pytest.mark.parametrize("n", [6, 10, 14, 20, 30])
def test_a_series_without_direction_is_seldom_called_a_rise_or_fall(series, n):
    rng, runs = np.random.default_rng(n), samples(300, 100)
    claims = np.mean([trend(np.arange(float(n)), series(rng, n), 0.0).claims for _ in range(runs)])
    LOG.info(f"trend of {n} scores, {series.__name__}: a rise or fall is claimed in {claims:.1%} of {runs} series")
    assert claims <= 0.07 + 2.5 * np.sqrt(0.07 * 0.93 / runs)


@pytest.mark.parametrize(("n", "least"), [(14, 0.7), (20, 0.85)])
def test_a_drift_of_one_standard_deviation_in_a_random_walk_is_found(n, least):
    rng, runs = np.random.default_rng(n), samples(300, 60)
    found = np.mean([trend(np.arange(float(n)), random_walk(rng, n) + np.arange(n), 0.0).claims for _ in range(runs)])
    LOG.info(f"trend of {n} scores, random walk with a drift of 1: found in {found:.1%} of {runs} series")
    assert found >= least


@pytest.mark.parametrize(("before", "new"), [(10, 5), (20, 10), (40, 15), (100, 10), (100, 100)])
def test_the_interval_of_a_change_of_a_win_rate_covers_as_it_says(before, new):
    # An agent wins with a chance of its own in each text; the later state has more texts.
    rng, covered, runs = np.random.default_rng(7), 0, samples(4_000, 1_000)
    early = np.arange(before + new) < before
    for _ in range(runs):
        chance, size = rng.beta(3, 3, len(early)), rng.integers(1, 4, len(early))
        wins = rng.binomial(size, chance)
        n0, w0, n1, w1 = size[early].sum(), wins[early].sum(), size.sum(), wins.sum()
        parts = (wins - w1 / n1 * size) / n1 - np.where(early, (wins - w0 / n0 * size) / n0, 0)
        _, low, high = change_of_ratio(w0 / n0, w1 / n1, float((parts**2).sum()), len(early))
        covered += low <= 0 <= high
    LOG.info(f"change of a win rate, {before} texts and {new} new ones: covered {covered / runs:.1%}")
    assert covered / runs >= 0.94
