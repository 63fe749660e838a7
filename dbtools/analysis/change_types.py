"""Whether the type of a change matters for the score that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from dbtools.analysis.query import Columns
from dbtools.analysis.statistics import holm
from dbtools.database.change_type import change_type

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_PAIRS, _LONGEST = 300, 4_000  # texts whose change is recomputed, and how long each may be


@dataclass(frozen=True)
class ChangeEffect:
    """What follows a change of one type, on one scale.

    Attributes
    ----------
    n, chains : int
        Changes of this type, and chains with changes of any type on this scale.
    mean_change : float
        Mean of the score less the parent's score.
    effect, low, high : float or None
        The same adjusted for the parent's score and for the chain, less the mean of all types, with its 95% interval;
        None where the data cannot tell.
    p : float or None
        Whether this type differs from the mean of all, adjusted for their number (Holm).
    p_any : float or None
        Whether the types differ at all on this scale: one number for all of them.
    """

    scale: str
    change_type: str
    n: int
    chains: int
    mean_change: float
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    p_any: float | None


def changes_of(timeline: Columns) -> Columns:
    """Return the links from parent to child that are both scored on one scale: a row per link.

    Columns: prompt_id, chain, scale, version_id, parent_version_id, change_type, score, parent_score.
    """
    import numpy as np

    names = ("prompt_id", "scale", "version_id", "parent_version_id", "score")
    rows = list(zip(*(np.asarray(timeline[name]).tolist() for name in names), strict=True))
    scored = {(prompt, scale, version): score for prompt, scale, version, _, score in rows if not isnan(score)}
    children, above = [], []
    for place, (prompt, scale, version, parent, score) in enumerate(rows):
        if not isnan(score) and parent != version and (prompt, scale, parent) in scored:
            children.append(place)
            above.append(scored[prompt, scale, parent])
    kept = ("prompt_id", "chain", "scale", "version_id", "parent_version_id", "change_type", "score")
    changes = {name: np.asarray(timeline[name])[np.array(children, int)] for name in kept}
    return {**changes, "parent_score": np.array(above, float)}


def by_scale(changes: Columns) -> Iterator[Columns]:
    """Yield the changes on each scale."""
    for scale in sorted(set(changes["scale"].tolist())):
        yield {name: column[changes["scale"] == scale] for name, column in changes.items()}


def change_effects(changes: Columns, rng: np.random.Generator, permutations: int = 999) -> list[ChangeEffect]:
    """Compare the types of change on one scale, one item per type; `changes` as `by_scale` yields them.

    Analysis of covariance, child ~ type + parent + chain (types sum to zero), least squares, t intervals: Maxwell &
    Delaney, Designing Experiments, ch. 9. Assumes one slope on the parent's score and independent errors of one size.
    The p values need neither: the types are shuffled within chains, (1 + b) / (1 + B), and compared by each effect's t
    and by the sum of squares that all explain; they assume that without an effect a chain's types are interchangeable.
    """
    import numpy as np
    from scipy.special import stdtrit

    scale, child, parent = str(changes["scale"][0]), changes["score"].astype(float), changes["parent_score"]
    names, codes = np.unique(changes["change_type"].astype(str), return_inverse=True)
    chains = list(zip(changes["prompt_id"].tolist(), changes["chain"].tolist(), strict=True))
    numbers = {chain: number for number, chain in enumerate(sorted(set(chains)))}
    blocks = np.array([numbers[chain] for chain in chains], dtype=np.intp)
    frame = _Frame.of(child, parent, codes, blocks)
    fit = _fit(codes[None], frame)
    own, any_p = _p_values(codes, blocks, frame, fit, rng, permutations)
    effects = fit.effects[0]
    reach = float(stdtrit(max(fit.free, 1), 0.975)) * fit.errors[0]
    mean = np.bincount(codes, weights=child - parent) / np.bincount(codes)
    found = []
    for j, name in enumerate(names.tolist()):
        effect, low, high, p = (
            float(v) if fit.told[j] else None
            for v in (effects[j], effects[j] - reach[j], effects[j] + reach[j], own[j])
        )
        n = int((codes == j).sum())
        found.append(ChangeEffect(scale, name, n, frame.chains, float(mean[j]), effect, low, high, p, any_p))
    return found


@dataclass(frozen=True)
class _Frame:
    """What stays the same when types are shuffled within chains.

    Attributes
    ----------
    scores : array, shape (n, 2)
        The parents' scores less their chain's mean, and what these leave of the children's.
    gram : array
        The types' normal equations, less the chains' means: the shuffling keeps how often each type is in each chain.
    """

    scores: Numbers
    gram: Numbers
    chains: int
    spread: float

    @classmethod
    def of(cls, child: Numbers, parent: Numbers, codes: Indices, blocks: Indices) -> _Frame:
        import numpy as np

        table = np.zeros((int(blocks.max()) + 1, int(codes.max()) + 1))
        np.add.at(table, (blocks, codes), 1.0)
        sizes = table.sum(axis=1)
        x, y = (v - (np.bincount(blocks, weights=v) / sizes)[blocks] for v in (parent, child))
        spread = float(x @ x)
        spread = spread if spread > 1e-9 else 0.0
        # Frisch & Waugh (1933): what is left of the scores tells the same of the types as the whole regression.
        y = y - x * (float(x @ y) / spread) if spread else y
        gram = np.diag(table.sum(axis=0)) - (table / sizes[:, None]).T @ table
        return cls(np.column_stack([x, y]), gram, len(sizes), spread)


@dataclass(frozen=True)
class _Fit:
    """Effects that sum to zero, one row per order of the types; `told` and `free` are those of the first."""

    effects: Numbers
    errors: Numbers
    t: Numbers
    explained: Numbers
    told: npt.NDArray[np.bool_]
    free: int


def _fit(orders: Indices, frame: _Frame) -> _Fit:
    """Fit the types to the scores, for many orders of the types (rows) at once."""
    import numpy as np

    k = len(frame.gram)
    sums = np.stack([(orders == code) @ frame.scores for code in range(k)], axis=1)
    x, y = sums[..., 0], sums[..., 1]
    gram = np.repeat(frame.gram[None], len(orders), axis=0)
    if frame.spread:
        gram -= x[:, :, None] * x[:, None, :] / frame.spread
    # All types together are the constant: the matrix is singular, and its pseudo-inverse gives effects that sum to 0.
    inverse = np.linalg.pinv(gram, rtol=1e-9, hermitian=True)
    effects = (inverse @ y[..., None])[..., 0]
    explained = (effects * y).sum(axis=1)
    kept = inverse[0] @ gram[0]
    free = len(frame.scores) - frame.chains - bool(frame.spread) - round(float(np.trace(kept)))
    contrasts = np.eye(k) - 1 / k
    own = np.diagonal(inverse, axis1=1, axis2=2).clip(0)
    told = (np.abs(contrasts - kept @ contrasts).max(axis=0) < 1e-6) & (own[0] > 1e-12) & (free > 0)
    left = (float(frame.scores[:, 1] @ frame.scores[:, 1]) - explained).clip(0) / max(free, 1)
    errors = np.sqrt(left[:, None] * own)
    t = np.divide(effects, errors, out=np.zeros_like(effects), where=errors > 1e-12)
    return _Fit(effects, errors, t, explained, told, free)


def _p_values(
    codes: Indices, blocks: Indices, frame: _Frame, fit: _Fit, rng: np.random.Generator, permutations: int
) -> tuple[Numbers, float | None]:
    import numpy as np

    own = np.full(len(fit.told), np.nan)
    if not fit.told.any():
        return own, None
    places, as_large = np.argsort(blocks, kind="stable"), np.zeros(len(fit.told) + 1)
    for count in _portions(permutations, 1 + 1_000_000 // len(codes)):
        orders = np.empty((count, len(codes)), dtype=codes.dtype)
        orders[:, places] = codes[np.argsort(blocks + rng.random((count, len(codes))), axis=1)]
        drawn = _fit(orders, frame)
        as_large[:-1] += (np.abs(drawn.t) >= np.abs(fit.t) - 1e-9).sum(axis=0)
        as_large[-1] += (drawn.explained >= fit.explained * (1 - 1e-9)).sum()
    p = (1 + as_large) / (1 + permutations)
    own[fit.told] = holm(p[:-1][fit.told].tolist())
    return own, float(p[-1])


def _portions(total: int, largest: int) -> list[int]:
    return [min(largest, total - done) for done in range(0, total, largest)]


def stored_types(changes: Columns, texts: dict[str, str]) -> Columns:
    """Count stored against recomputed types, for the first 300 changes between texts of up to 4,000 characters.

    Columns: stored, recomputed, n.
    """
    import numpy as np

    pairs = []
    links = (changes[name].tolist() for name in ("change_type", "parent_version_id", "version_id"))
    for kind, parent, child in zip(*links, strict=True):
        before, after = texts.get(parent), texts.get(child)
        if before is not None and after is not None and max(len(before), len(after)) <= _LONGEST:
            pairs.append((kind, change_type(before, after)))
        if len(pairs) == _PAIRS:
            break
    counted = sorted(Counter(pairs).items())
    stored, recomputed = (np.array([pair[side] for pair, _ in counted], dtype=object) for side in (0, 1))
    return {"stored": stored, "recomputed": recomputed, "n": np.array([n for _, n in counted], dtype=int)}
