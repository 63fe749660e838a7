"""How far two ways to name the winner agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """Agreement of two raters, raw and beyond chance.

    Attributes
    ----------
    raw, kappa, ac1 : float or None
        Share of contests agreed on, Cohen's κ and Gwet's AC1; None where not defined.
    kappa_degenerate : bool
        Whether a rater names one category only: κ is then 0 or not defined, however well the two agree.
    """

    n: int
    raw: float | None
    kappa: float | None
    kappa_degenerate: bool
    ac1: float | None


def agreement(n: int, agreed: float, first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return raw agreement, Cohen's κ and Gwet's AC1 from the agreed count and each rater's counts per category.

    Sources: J. Cohen, Educational and Psychological Measurement 20 (1960) 37–46; K. L. Gwet, British J. Mathematical
    and Statistical Psychology 61 (2008) 29–48. A shared win counts as a fraction. Assumes independent contests.
    """
    if not n:
        return Agreement(0, None, None, True, None)
    raw, categories = agreed / n, len(first)
    ours, theirs = [count / n for count in first], [count / n for count in second]
    chance = sum(a * b for a, b in zip(ours, theirs, strict=True))
    degenerate = max(ours) > 1 - 1e-9 or max(theirs) > 1 - 1e-9
    means = [(a + b) / 2 for a, b in zip(ours, theirs, strict=True)]
    spread = sum(mean * (1 - mean) for mean in means) / (categories - 1) if categories > 1 else None
    return Agreement(
        n,
        raw,
        (raw - chance) / (1 - chance) if chance < 1 - 1e-9 else None,
        degenerate,
        (raw - spread) / (1 - spread) if spread is not None else None,
    )
