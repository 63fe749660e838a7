"""How often segments are said to differ although they do not, and how often a reversal is found."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from planted_samples import samples

from dbtools.analysis.segments import compare_segments

LOG = logging.getLogger(__name__)
PROJECTS = samples(300, 100)
NULL = {
    "2 segments of 60": [(60, 0.0)] * 2,
    "6 segments of 30, a lead of 1": [(30, 1.0)] * 6,
    "segments of 80, 30 and 10": [(80, 0.0), (30, 0.0), (10, 0.0)],
}


def sample(rng, plan, repeats=False, spread=2.0):
    """Return differences, texts and segments; single totals have standard deviation `spread`."""
    labels = np.repeat([f"segment {k}" for k in range(len(plan))], [n for n, _ in plan])
    true = np.repeat([lead for _, lead in plan], [n for n, _ in plan])
    texts = np.arange(len(labels)) // 2 if repeats else np.arange(len(labels))
    shared = rng.normal(0, spread, len(labels))[texts] if repeats else 0.0
    return true + shared + rng.normal(0, spread * 2**0.5, len(labels)), texts, labels


@pytest.mark.parametrize("repeats", [False, True], ids=["texts once", "texts twice"])
@pytest.mark.parametrize("case", NULL)
def test_segments_alike_are_said_to_differ_in_at_most_five_percent(case, repeats):
    rng = np.random.default_rng(11)
    p = [compare_segments(*sample(rng, NULL[case], repeats), seed=k, draws=199)[1] for k in range(PROJECTS)]
    share = float(np.mean([value < 0.05 for value in p if value is not None]))
    LOG.info(f"segments, {case}, {'texts twice' if repeats else 'texts once'}: differ in {share:.1%} of {PROJECTS}")
    assert share <= 0.05 + 2 * (0.05 * 0.95 / PROJECTS) ** 0.5


@pytest.mark.parametrize(("lead", "least"), [(1.5, 0.8), (0.75, 0.2)])
def test_a_planted_reversal_is_found_in_both_segments(lead, least):
    rng, found, covered, runs = np.random.default_rng(12), 0, [], samples(1_000, 50)
    for seed in range(runs):
        compared, p = compare_segments(*sample(rng, [(60, lead), (60, -lead)]), seed=seed, draws=199)
        signs = {s.segment: np.sign(s.shrunk) for s in compared if s.p < 0.05}
        found += p is not None and p < 0.05 and signs == {"segment 0": 1.0, "segment 1": -1.0}
        truth = {"segment 0": lead, "segment 1": -lead}
        covered += [s.shrunk_low <= truth[s.segment] <= s.shrunk_high for s in compared]
    share, cover = found / runs, np.mean(covered)
    LOG.info(f"segments, reversal of {lead} in 2 x 60: found in {share:.1%}, shrunk intervals cover {cover:.1%}")
    assert share >= least
    assert cover >= 0.9
