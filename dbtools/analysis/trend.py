"""Whether the scores of a prompt's versions rise or fall: from parent to child, and over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from math import inf, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

from dbtools.analysis.query import Columns
from dbtools.analysis.statistics import kendall, mid_ranks, sign_flip, theil_sen
from dbtools.progress import step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

FEWEST_TIMES = 5
SCALE_TOPS = {"judge": 10, "unit": 1, "heuristic": 10, "self": 20, "synthetic": 100}
"""The highest score of one dimension on each scale."""
_DRAWS, _PERMUTED, _ALL_ORDERS = 1_999, 30, 7
DRIFT_LEVEL = 0.025
DIRECTED_FROM = 12
"""Fewer scores can seldom tell a trend from a random walk."""
_CRITICAL = {
    5: 3.48, 6: 2.98, 7: 2.99, 8: 2.94, 9: 2.99, 10: 3.1, 11: 3.18, 12: 3.26, 14: 3.42, 17: 3.63, 20: 3.73, 25: 3.92,
    30: 4.17, 40: 4.24, 60: 4.5, 100: 4.52,
}  # fmt: skip
"""The 96% points of `robust_trend` under a random walk, the worst case, by number of scores (simulated)."""
LONGEST = 1_000
"""Longer series are thinned evenly, because Theil–Sen looks at every pair."""


@dataclass(frozen=True)
class Trend:
    """The trend of a series of scores.

    Attributes
    ----------
    n, times : int
        Scores used, and distinct times among them.
    slope, low, high : float or None
        Theil–Sen slope per unit of the order, None without two distinct times, and its 95% interval, None for fewer
        than five scores.
    change : float or None
        Slope times span.
    p : float or None
        Mann–Kendall, which takes the scores as independent.
    verdict : str
        ``rises`` or ``falls`` (p < 0.05, not explained by drifting, and more than the smallest change), ``drifting``
        (p < 0.05, but a series that drifts without a direction looks alike), ``no trend``, ``too small`` (not above
        the smallest) or ``too few times``.
    lag1 : float or None
        Lag-1 autocorrelation of the residuals. Where it is well above 0, `p` and the interval are too optimistic.
    p_drift : float or None
        Whether a random walk without direction explains the change: the sign-flip test of the increments.
    robust_t : float or None
        t of a linear trend that holds for autocorrelated scores; None for fewer than five.
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
    p_drift: float | None = None
    robust_t: float | None = None

    @property
    def claims(self) -> bool:
        """Whether the verdict is that the scores rise or fall."""
        return self.verdict in ("rises", "falls")


@dataclass(frozen=True)
class ChangePoint:
    """Where a series changes most.

    Attributes
    ----------
    place : int
        How many scores lie before the change.
    before, after : float
        The medians on both sides.
    kind : str
        ``none`` (may be chance), ``scale`` (the scale changes there), ``level``, or ``trend``
        (a line fits better than a step).
    """

    n: int
    place: int
    before: float
    after: float
    p: float
    kind: str


def trend(times: Numbers, scores: Numbers, smallest: float) -> Trend:
    """Judge whether `scores` rise or fall over `times`, by more than `smallest` over the span.

    Slope and interval: Theil (1950) and Sen, JASA 63 (1968) 1379–1389, the interval by Kendall's distribution. Test:
    `mann_kendall`, which assumes independent scores. A version is made from its parent, so the verdict must also hold
    against dependence: `robust_trend` above its critical value, or p < 0.025 of the flipped increments.
    """
    import numpy as np

    times, scores = _thin(times), _thin(scores)
    n, distinct = len(scores), len(set(times.tolist()))
    if distinct < 2:
        return Trend(n, distinct, None, None, None, None, None, "too few times")
    slope, low, high = theil_sen(times, scores)
    p = mann_kendall(times, scores)
    in_order = scores[np.argsort(times, kind="stable")]
    drift, robust = drift_test(in_order), robust_trend(in_order) if n >= FEWEST_TIMES else None
    directed = robust is not None and (abs(robust) > critical_trend(n) or drift < DRIFT_LEVEL)
    change = slope * float(times.max() - times.min())
    if distinct < FEWEST_TIMES:
        verdict = "too few times"
    elif not p < 0.05:
        verdict = "no trend"
    elif abs(change) <= smallest:
        verdict = "too small"
    elif not directed:
        verdict = "drifting"
    else:
        verdict = "rises" if change > 0 else "falls"
    if n < FEWEST_TIMES:  # so few scores bound no interval
        low, high = nan, nan
    lag1, t = _lag1(scores - slope * times), robust if robust is None else _finite(robust)
    return Trend(n, distinct, slope, _finite(low), _finite(high), change, p, verdict, lag1, drift, t)


def mann_kendall(times: Numbers, scores: Numbers) -> float:
    """Return the two-sided p of Kendall's S of scores against times.

    Sources: H. B. Mann, Econometrica 13 (1945) 245–259; M. G. Kendall, Rank Correlation Methods (1970). Exact without
    ties in short series. With tied times and up to 30 scores, or tied scores and up to 7, by permutation (all orders up
    to 7, else the same 1,999), as the normal law fails there. Else normal with the variance corrected for ties.
    """
    import numpy as np

    n = len(scores)
    if bool((scores == scores[0]).all()):  # no tau, and no evidence of a trend
        return 1.0
    ties_in_time, ties = len(set(times.tolist())) < n, len(set(scores.tolist())) < n
    if n > _PERMUTED or not (ties_in_time or (ties and n <= _ALL_ORDERS)):
        return kendall(times, scores)
    a, b = np.triu_indices(n, 1)
    signs = np.sign(times[b] - times[a])
    if n <= _ALL_ORDERS:
        orders, extra = np.array(list(permutations(range(n)))), 0
    else:
        orders, extra = np.argsort(np.random.default_rng(n).random((_DRAWS, n)), axis=1), 1
    shuffled = scores[orders]
    drawn = np.abs(np.sign(shuffled[:, b] - shuffled[:, a]) @ signs)
    observed = abs(float(np.sign(scores[b] - scores[a]) @ signs))
    return (int((drawn >= observed - 1e-9).sum()) + extra) / (len(orders) + extra)


def drift_test(scores: Numbers) -> float:
    """Return the two-sided p of no direction in a random walk: the sign-flip test of the increments.

    Exact for independent, symmetric increments. Conservative for independent scores, whose increments alternate.
    """
    import numpy as np

    increments = np.diff(scores)
    increments = increments[increments != 0]
    return sign_flip(increments.tolist()).p if len(increments) else 1.0


def robust_trend(scores: Any) -> Any:
    """Return the t of a linear trend under AR(1) errors of unknown strength, a random walk included.

    Takes one series, or one per row. Feasible generalised least squares after P. Perron and T. Yabu, J. Econometrics
    151 (2009) 56–69. In short series the root of a detrended walk is estimated about 10/n too low: so much is added.
    """
    import numpy as np

    y = np.atleast_2d(np.asarray(scores, dtype=float))
    rows, n = y.shape
    line = np.arange(n) - (n - 1) / 2
    residual = y - y.mean(axis=1, keepdims=True)
    residual = residual - np.outer(residual @ line / (line @ line), line)
    below = (residual[:, :-1] ** 2).sum(axis=1)
    above = (residual[:, 1:] * residual[:, :-1]).sum(axis=1)
    root = np.clip(np.divide(above, below, out=np.zeros(rows), where=below > 1e-12) + 10 / n, 0, 1)[:, None]

    def filtered(values: Any) -> Any:
        first = np.sqrt(1 - root**2) * values[:, :1]
        return np.concatenate([first, values[:, 1:] - root * values[:, :-1]], axis=1)

    level, time, z = filtered(np.ones_like(y)), filtered(np.broadcast_to(line, y.shape)), filtered(y)
    ll, lt, tt = (level**2).sum(axis=1), (level * time).sum(axis=1), (time**2).sum(axis=1)
    lz, tz = (level * z).sum(axis=1), (time * z).sum(axis=1)
    walk = ll < 1e-9  # root 1: the level drops out, and the slope is the mean increment
    ll = np.where(walk, 1, ll)
    spread = np.where(walk, tt, tt - lt**2 / ll)
    slope = np.where(walk, tz, tz - lt * lz / ll) / spread
    intercept = np.where(walk, 0, (lz - lt * slope) / ll)
    left = ((z - intercept[:, None] * level - slope[:, None] * time) ** 2).sum(axis=1) / (n - 2)
    error = np.sqrt(left / spread)
    infinite = np.where(np.abs(slope) > 1e-12, np.copysign(np.inf, slope), 0.0)
    t = np.divide(slope, error, out=infinite, where=error > 1e-9 * np.abs(y).max())
    return t if np.ndim(scores) > 1 else float(t[0])


def critical_trend(n: int) -> float:
    """Return the critical value of `robust_trend` for n scores: linear in 1/n between the simulated ones."""
    import numpy as np

    known = sorted(_CRITICAL)
    return float(np.interp(-1 / n, [-1 / k for k in known], [_CRITICAL[k] for k in known]))


def change_point(scores: Numbers, scales: list[str], rng: np.random.Generator, permutations: int = 999) -> ChangePoint:
    """Find where `scores` change most, by Pettitt's test; `scales` names the scale of each.

    Source: A. N. Pettitt, Applied Statistics 28 (1979) 126–135; p by permutation, (1 + b) / (1 + B), which needs no
    large sample and holds with ties. Assumes that without a change any order of the scores is as likely as another.
    Step or Theil–Sen line: whichever leaves the smaller absolute residuals.
    """
    import numpy as np

    scales = [scales[i] for i in _thinned(len(scales))]
    scores, n = _thin(scores), len(scales)
    ranks = mid_ranks(scores)
    walk = np.abs(_walk(ranks))
    place = int(walk.argmax()) + 1
    shuffled = rng.permuted(np.broadcast_to(ranks, (permutations, n)), axis=1)
    as_large = int((np.abs(_walk(shuffled)).max(axis=1) >= walk.max() - 1e-9).sum())
    p = (1 + as_large) / (1 + permutations)
    before, after = float(np.median(scores[:place])), float(np.median(scores[place:]))
    kind = "none"
    if p < 0.05:
        kind = "scale" if _usual(scales[:place]) != _usual(scales[place:]) else _shape(scores, place)
    return ChangePoint(n, place, before, after, p, kind)


def _walk(ranks: Numbers) -> Numbers:
    """Pettitt's U after each score but the last: twice the sum of ranks so far, less what is expected."""
    import numpy as np

    n = ranks.shape[-1]
    walk: Numbers = 2 * np.cumsum(ranks, axis=-1)[..., :-1] - np.arange(1, n) * (n + 1)
    return walk


def _shape(scores: Numbers, place: int) -> str:
    import numpy as np

    order = np.arange(len(scores), dtype=float)
    slope, _, _ = theil_sen(order, scores)
    intercept = np.median(scores) - slope * np.median(order)
    line = np.abs(scores - intercept - slope * order).sum()
    sides = (scores[:place], scores[place:])
    step = sum(float(np.abs(side - np.median(side)).sum()) for side in sides)
    return "level" if step < line else "trend"


def _usual(scales: list[str]) -> str:
    return max(sorted(set(scales)), key=scales.count)


def _lag1(residuals: Numbers) -> float | None:
    centred = residuals - residuals.mean()
    spread = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum()) / spread if spread > 1e-12 * len(residuals) else None


def _thinned(n: int) -> list[int]:
    return list(range(n)) if n <= LONGEST else [round(i * (n - 1) / (LONGEST - 1)) for i in range(LONGEST)]


def _thin(values: Any) -> Numbers:
    import numpy as np

    array: Numbers = np.asarray(values, dtype=float)[_thinned(len(values))]
    return array


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


@dataclass(frozen=True)
class PromptTrend:
    """The trend of one prompt, by order in the chain and over time, in the longest run of one chain on one scale.

    Attributes
    ----------
    versions, used : int
        All versions of the prompt, and those in that run.
    edges, backward : int
        Links from parent to child, and those whose child is older than its parent.
    trend_chain, trend_clock : Trend
        In points per dimension on the scale's own range, per version and per day (the velocity).
    orders_disagree : bool
        Whether only one of the two orders shows a rise or fall.
    """

    prompt_id: str
    versions: int
    scale: str | None
    used: int
    edges: int
    backward: int
    trend_chain: Trend
    trend_clock: Trend
    orders_disagree: bool
    change_point: ChangePoint | None


def chain_order(ids: Sequence[Hashable], parents: Sequence[Hashable | None]) -> list[tuple[int, int]]:
    """Return for each version which chain it belongs to (the index of its root) and its position, from 1.

    Versions are given in the order to use where there are no links: they are then one chain. A version whose parent is
    missing, or is the version itself, is a root. A cycle is cut above its first member.
    """
    indices = {identifier: index for index, identifier in enumerate(ids)}
    found = [indices.get(parent) if parent is not None else None for parent in parents]
    up = [None if parent == index else parent for index, parent in enumerate(found)]
    if all(parent is None for parent in up):
        return [(0, index + 1) for index in range(len(up))]
    chains: list[tuple[int, int] | None] = [None] * len(up)
    for start in range(len(up)):
        _assign_chain(start, up, chains)
    return [chain for chain in chains if chain is not None]


def _assign_chain(start: int, up: list[int | None], chains: list[tuple[int, int] | None]) -> None:
    """Find the chain and position of one version and of its ancestors."""
    path: dict[int, None] = {}
    at: int | None = start
    while at is not None and chains[at] is None:
        if at in path:
            visited = list(path)
            up[min(visited[visited.index(at) :])] = None
            path, at = {}, start
            continue
        path[at] = None
        at = up[at]
    for index in reversed(path):
        parent = up[index]
        above = chains[parent] if parent is not None else None
        chains[index] = (above[0], above[1] + 1) if above else (index, 1)


def ordered(rows: Columns) -> Columns:
    """Add chain, position and `used` (whether the version is in the run that its prompt is judged by).

    The versions of a prompt must be adjacent.
    """
    import numpy as np

    ids, parents, scales = (rows[name].tolist() for name in ("version_id", "parent_version_id", "scale"))
    scored = [
        scale is not None and not isnan(score) for scale, score in zip(scales, rows["score"].tolist(), strict=True)
    ]
    chains, positions, used = [], [], []
    for of in _places(rows):
        order = chain_order(ids[of], parents[of])
        keys = [(chain, scale) for (chain, _), scale in zip(order, scales[of], strict=True)]
        runs = Counter(key for key, known in zip(keys, scored[of], strict=True) if known)
        # The longest run, the first of several: one chain on one scale, never a mixture.
        run = min(runs, key=lambda run: (-runs[run], run), default=None)
        chains += [chain for chain, _ in order]
        positions += [position for _, position in order]
        used += [known and key == run for key, known in zip(keys, scored[of], strict=True)]
    return {**rows, "chain": np.array(chains, int), "position": np.array(positions, int), "used": np.array(used, bool)}


def by_prompt(rows: Columns) -> Iterator[Columns]:
    """Yield the versions of each prompt, as `ordered` returns them."""
    for of in _places(rows):
        yield {name: column[of] for name, column in rows.items()}


def _places(rows: Columns) -> Iterator[slice]:
    """Yield where the versions of each prompt are."""
    prompts, start = rows["prompt_id"].tolist(), 0
    for _, group in groupby(prompts):
        end = start + len(list(group))
        yield slice(start, end)
        start = end


def follow(of: Columns, smallest: float, rng: np.random.Generator) -> PromptTrend:
    """Judge one prompt's versions, as `by_prompt` yields them; `smallest` is in points of 50."""
    import numpy as np

    step("trends")
    positions, scores, made = of["position"].astype(float), of["score"].astype(float), of["created_at"]
    order = positions.argsort(kind="stable")
    run = order[of["used"][order]]
    scale = str(of["scale"][run[0]]) if len(run) else None
    least = smallest / 50 * SCALE_TOPS[scale] if scale else 0.0
    by_chain = trend(positions[run], scores[run], least)
    dated = run[~np.isnat(made[run])]
    by_clock = trend(_days(made[dated]), scores[dated], least)
    edges, backward = _edges(of)
    disagree = by_chain.claims != by_clock.claims or (by_chain.claims and by_chain.verdict != by_clock.verdict)
    return PromptTrend(
        str(of["prompt_id"][0]),
        len(scores),
        scale,
        len(run),
        edges,
        backward,
        by_chain,
        by_clock,
        disagree,
        _change_point(of, run, order, rng),
    )


def _change_point(of: Columns, run: Any, order: Any, rng: np.random.Generator) -> ChangePoint | None:
    """Look along the whole chain first, where the scale may change, then along the run on one scale."""
    import numpy as np

    if not len(run):
        return None
    scores, scales = of["score"].astype(float), of["scale"]
    chain = order[(of["chain"] == of["chain"][run[0]])[order] & ~np.isnan(scores[order])]
    several = len({scale for scale in scales[chain] if isinstance(scale, str)}) > 1
    for places in (chain, run) if several else (run,):
        if len(places) < FEWEST_TIMES:
            continue
        found = change_point(scores[places], scales[places].tolist(), rng)
        if found.kind == "scale" or places is run:
            return found
    return None


def _days(times: Any) -> Any:
    """Return the days since the first of the times."""
    # Whole seconds: older rows have no more, and times of one loop that differ by microseconds are one time.
    whole = times.astype("datetime64[s]").astype(float)
    return (whole - whole.min(initial=inf)) / 86_400


def _edges(of: Columns) -> tuple[int, int]:
    made = dict(zip(of["version_id"], of["created_at"], strict=True))
    links = [(child, made[p]) for child, p in zip(of["created_at"], of["parent_version_id"], strict=True) if p in made]
    return len(links), sum(bool(child < parent) for child, parent in links)
