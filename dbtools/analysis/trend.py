"""Whether a series of marks rises or falls, and where it changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

FEWEST_TIMES = 5
LONGEST = 1_000
"""Series longer than this are thinned evenly: Theil–Sen looks at every pair."""


@dataclass(frozen=True)
class Trend:
    """How a series of marks goes along one order.

    Attributes
    ----------
    n, times : int
        Marks used, and distinct times among them.
    slope, low, high : float or None
        Theil–Sen slope per unit of the order, None without two distinct times, and its 95% interval, None for fewer
        than five marks.
    change : float or None
        What the slope comes to over the whole span.
    p : float or None
        Mann–Kendall.
    verdict : str
        ``rises``, ``falls``, ``no trend``, ``too small`` (told from none, yet not above the smallest) or
        ``too few times``.
    lag1 : float or None
        Lag-1 autocorrelation of the residuals. Where it is well above 0, `p` and the interval are too optimistic.
    """

    n: int
    times: int
    slope: float | None
    low: float | None
    high: float | None
    change: float | None
    p: float | None
    verdict: str
    lag1: float | None = None

    @property
    def claims(self) -> bool:
        """Whether the verdict is that the marks rise or fall."""
        return self.verdict in ("rises", "falls")


@dataclass(frozen=True)
class ChangePoint:
    """Where a series is most unlike before and after.

    Attributes
    ----------
    place : int
        How many marks lie before the change.
    before, after : float
        The medians on both sides.
    kind : str
        ``none`` (not told from chance), ``scale`` (the marks are of another scale afterwards), ``level``, or ``trend``
        (the marks go up or down gradually: the line fits better than the step).
    """

    n: int
    place: int
    before: float
    after: float
    p: float
    kind: str


def trend(times: Numbers, marks: Numbers, smallest: float) -> Trend:
    """Judge whether `marks` rise or fall over `times`, by more than `smallest` over the span.

    Slope and interval: Theil (1950) and Sen, JASA 63 (1968) 1379–1389, the interval by Kendall's distribution. Test:
    Mann (1945) and Kendall (1970) as Kendall's tau against time, exact for short series without ties, else normal with
    the variance corrected for ties in marks and in times. Assumes independent marks; robust to outliers.
    """
    from scipy import stats

    times, marks = _thin(times), _thin(marks)
    n, distinct = len(marks), len(set(times.tolist()))
    if distinct < 2:
        return Trend(n, distinct, None, None, None, None, None, "too few times")
    slope, _, low, high = (float(v) for v in stats.theilslopes(marks, times, 0.95))
    # Marks all equal have no tau; they are no evidence of a trend.
    flat = bool((marks == marks[0]).all())
    p = 1.0 if flat else float(stats.kendalltau(times, marks).pvalue)
    change = slope * float(times.max() - times.min())
    if distinct < FEWEST_TIMES:
        verdict = "too few times"
    elif not p < 0.05:
        verdict = "no trend"
    elif abs(change) <= smallest:
        verdict = "too small"
    else:
        verdict = "rises" if change > 0 else "falls"
    if n < FEWEST_TIMES:  # no order of so few marks is rare enough to bound an interval
        low, high = math.nan, math.nan
    return Trend(n, distinct, slope, _finite(low), _finite(high), change, p, verdict, _lag1(marks - slope * times))


def change_point(marks: Numbers, scales: list[str], rng: np.random.Generator, permutations: int = 999) -> ChangePoint:
    """Find where `marks` change most, by Pettitt's test; `scales` names the scale of each.

    Source: A. N. Pettitt, Applied Statistics 28 (1979) 126–135; p by permutation, (1 + b) / (1 + B), which needs no
    large sample and holds with ties. Assumes that without a change any order of the marks is as likely as another.
    A step and the Theil–Sen line are told apart by which leaves the smaller absolute residuals.
    """
    import numpy as np
    from scipy import stats

    marks, n = _thin(marks), len(_thin(marks))
    scales = [scales[i] for i in _kept(len(scales))]
    ranks = stats.rankdata(marks)
    walk = np.abs(_walk(ranks))
    place = int(walk.argmax()) + 1
    shuffled = rng.permuted(np.broadcast_to(ranks, (permutations, n)), axis=1)
    as_large = int((np.abs(_walk(shuffled)).max(axis=1) >= walk.max() - 1e-9).sum())
    p = (1 + as_large) / (1 + permutations)
    before, after = float(np.median(marks[:place])), float(np.median(marks[place:]))
    kind = "none"
    if p < 0.05:
        kind = "scale" if _usual(scales[:place]) != _usual(scales[place:]) else _shape(marks, place)
    return ChangePoint(n, place, before, after, p, kind)


def _walk(ranks: Numbers) -> Numbers:
    """Pettitt's U after each mark but the last: twice the sum of ranks so far, less what is expected."""
    import numpy as np

    n = ranks.shape[-1]
    walk: Numbers = 2 * np.cumsum(ranks, axis=-1)[..., :-1] - np.arange(1, n) * (n + 1)
    return walk


def _shape(marks: Numbers, place: int) -> str:
    import numpy as np
    from scipy import stats

    order = np.arange(len(marks), dtype=float)
    fit = stats.theilslopes(marks, order)
    line = np.abs(marks - fit.intercept - fit.slope * order).sum()
    sides = (marks[:place], marks[place:])
    step = sum(float(np.abs(side - np.median(side)).sum()) for side in sides)
    return "level" if step < line else "trend"


def _usual(scales: list[str]) -> str:
    return max(sorted(set(scales)), key=scales.count)


def _lag1(residuals: Numbers) -> float | None:
    centred = residuals - residuals.mean()
    spread = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum()) / spread if spread > 1e-12 * len(residuals) else None


def _kept(n: int) -> list[int]:
    return list(range(n)) if n <= LONGEST else [round(i * (n - 1) / (LONGEST - 1)) for i in range(LONGEST)]


def _thin(values: Any) -> Numbers:
    import numpy as np

    array: Numbers = np.asarray(values, dtype=float)
    return array if len(array) <= LONGEST else array[_kept(len(array))]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
