"""How often types of change are said to matter although none does, and how often a true effect is found."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from planted_samples import samples

from dbtools.analysis.change_types import change_effects

LOG = logging.getLogger(__name__)
PROJECTS = samples(400, 100)
SHORT, LONG = (30, 5), (1, 40)  # chains, changes in each


def chains(rng: np.random.Generator, kind: str, shape: tuple[int, int], effect: float = 0.0) -> dict[str, np.ndarray]:
    """Make chains whose scores keep a level, rise with the position or wander; `effect` follows each rewrite."""
    count, length = shape
    rows = []
    for chain in range(count):
        level = rng.normal(6, 1)
        before = level + rng.normal(0, 0.5)
        for place in range(1, length + 1):
            chance = 1 / 3
            if kind == "rewrites early, scores rise":
                chance = 0.8 if place <= 0.4 * length else 0.15
            elif kind == "rewrites after a low score":
                chance = 1.0 if before < level - 0.2 else 0.15
            rewrite = rng.random() < chance
            type_ = "structure" if rewrite else str(rng.choice(["wording", "length"]))
            rise = 1.25 * place / length if kind == "rewrites early, scores rise" else 0.0
            start = before if kind == "a random walk" else level
            score = start + rise + effect * rewrite + rng.normal(0, 0.5)
            rows.append((chain, 0, place, type_, before, score))
            before = score
    names = ("prompt_id", "chain", "position", "change_type", "parent_score", "score")
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {**columns, "scale": np.full(len(rows), "judge")}


def share_found(kind: str, shape: tuple[int, int], effect: float = 0.0, projects: int = PROJECTS) -> float:
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(projects):
        found = change_effects(chains(rng, kind, shape, effect), rng, 199)
        hits += found[0].p_any is not None and found[0].p_any < 0.05
    return hits / projects


@pytest.mark.parametrize("shape", [SHORT, LONG], ids=["30 chains of 5", "1 chain of 40"])
@pytest.mark.parametrize(
    "kind", ["at random", "rewrites after a low score", "rewrites early, scores rise", "a random walk"]
)
def test_types_without_an_effect_are_said_to_matter_in_at_most_six_percent(kind, shape):
    share = share_found(kind, shape)
    LOG.info(f"types of change, no effect, {kind}, {shape[0]} x {shape[1]}: 'matters' in {share:.1%} of {PROJECTS}")
    assert share <= 0.06 + 2 * (0.06 * 0.94 / PROJECTS) ** 0.5


@pytest.mark.parametrize("kind", ["at random", "rewrites early, scores rise"])
def test_an_effect_of_half_a_point_is_found(kind):
    runs = samples(200, 40)
    share = share_found(kind, SHORT, effect=0.5, projects=runs)
    LOG.info(f"types of change, rewrites + 0.5, {kind}: found in {share:.1%} of {runs}")
    assert share >= 0.8
