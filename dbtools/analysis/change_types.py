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

_LAST_LEVEL = 60  # positions from here on are one level
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
        The same adjusted for the parent's score, the chain and the position in it, less the mean of all types, with
        its 95% interval; None where the data cannot tell.
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

    Columns: prompt_id, chain, position, scale, version_id, parent_version_id, change_type, score, parent_score.
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
    kept = ("prompt_id", "chain", "position", "scale", "version_id", "parent_version_id", "change_type", "score")
    changes = {name: np.asarray(timeline[name])[np.array(children, int)] for name in kept}
    return {**changes, "parent_score": np.array(above, float)}


def by_scale(changes: Columns) -> Iterator[Columns]:
    """Yield the changes on each scale."""
    for scale in sorted(set(changes["scale"].tolist())):
        yield {name: column[changes["scale"] == scale] for name, column in changes.items()}


def change_effects(changes: Columns, rng: np.random.Generator, permutations: int = 999) -> list[ChangeEffect]:
    """Compare the types of change on one scale, one item per type; `changes` as `by_scale` yields them.

    Least squares, child ~ type + parent + chain + position (types sum to zero), with t intervals. The p values permute
    the residuals of the model without types within chains, (1 + b) / (1 + B): D. Freedman and D. Lane, J. Business &
    Economic Statistics 1 (1983) 292–298; A. Winkler and others, NeuroImage 92 (2014) 381–397. Statistics are each
    effect's t and the sum of squares that all types explain. Assumes that what remains of a chain is interchangeable.
    """
    import numpy as np
    from scipy.special import stdtrit

    scale, child, parent = str(changes["scale"][0]), changes["score"].astype(float), changes["parent_score"]
    names, codes = np.unique(changes["change_type"].astype(str), return_inverse=True)
    chains = list(zip(changes["prompt_id"].tolist(), changes["chain"].tolist(), strict=True))
    numbers = {chain: number for number, chain in enumerate(sorted(set(chains)))}
    blocks = np.array([numbers[chain] for chain in chains], dtype=np.intp)
    design = _Design.of(codes, blocks, changes["position"].astype(float), parent)
    residuals = design.less_the_rest(child[:, None])
    fit = design.fit(residuals)
    own, any_p = _p_values(design, residuals[:, 0], fit, rng, permutations)
    effects = fit.effects[0]
    reach = float(stdtrit(max(design.free, 1), 0.975)) * fit.errors[0]
    mean = np.bincount(codes, weights=child - parent) / np.bincount(codes)
    found = []
    for j, name in enumerate(names.tolist()):
        effect, low, high, p = (
            float(v) if design.separable[j] else None
            for v in (effects[j], effects[j] - reach[j], effects[j] + reach[j], own[j])
        )
        n = int((codes == j).sum())
        found.append(ChangeEffect(scale, name, n, design.chains, float(mean[j]), effect, low, high, p, any_p))
    return found


@dataclass(frozen=True)
class _Fit:
    """Effects that sum to zero, one row per outcome."""

    effects: Numbers
    errors: Numbers
    t: Numbers
    explained: Numbers


@dataclass(frozen=True)
class _Design:
    """What the types are compared by: everything but the outcome.

    Attributes
    ----------
    blocks, chains : array, int
        The chain of each change, by number, and how many chains there are.
    rest : array
        An orthonormal basis of position and parent's score, less the means of the chains.
    types : array
        An indicator per type, less what chains, position and parent's score tell of it.
    inverse : array
        The inverse of the types' normal equations. All types together are the constant, so it is a pseudo-inverse, and
        gives effects that sum to zero.
    separable, free : array, int
        Which types can be told from the rest, and how many degrees of freedom are left.
    """

    blocks: Indices
    chains: int
    rest: Numbers
    types: Numbers
    inverse: Numbers
    separable: npt.NDArray[np.bool_]
    free: int

    @classmethod
    def of(cls, codes: Indices, blocks: Indices, positions: Numbers, parent: Numbers) -> _Design:
        import numpy as np

        chains, k = int(blocks.max()) + 1, int(codes.max()) + 1
        columns = np.column_stack([_places(positions, blocks), parent])
        u, size, _ = np.linalg.svd(_centred(columns, blocks), full_matrices=False)
        rest = u[:, size > 1e-9 * max(float(size.max(initial=0)), 1.0)]
        types = _centred(np.eye(k)[codes], blocks)
        types -= rest @ (rest.T @ types)
        gram = types.T @ types
        inverse: Numbers = np.linalg.pinv(gram, rcond=1e-9, hermitian=True).astype(float)
        kept = inverse @ gram
        free = len(codes) - chains - rest.shape[1] - round(float(np.trace(kept)))
        contrasts = np.eye(k) - 1 / k
        separable = (np.abs(contrasts - kept @ contrasts).max(axis=0) < 1e-6) & (np.diag(inverse) > 1e-12) & (free > 0)
        return cls(blocks, chains, rest, types, inverse, separable, free)

    def less_the_rest(self, values: Numbers) -> Numbers:
        """Return what chains, position and parent's score do not tell of values: a column per outcome."""
        centred = _centred(values, self.blocks)
        left: Numbers = centred - self.rest @ (self.rest.T @ centred)
        return left

    def fit(self, residuals: Numbers) -> _Fit:
        """Fit the types to residuals, as `less_the_rest` returns them."""
        import numpy as np

        sums = residuals.T @ self.types
        effects = sums @ self.inverse
        explained = (effects * sums).sum(axis=1)
        left = ((residuals**2).sum(axis=0) - explained).clip(0) / max(self.free, 1)
        errors = np.sqrt(left[:, None] * np.diag(self.inverse).clip(0))
        t = np.divide(effects, errors, out=np.zeros_like(effects), where=errors > 1e-12)
        # The share explained: the residuals that are permuted no longer add up to one sum of squares.
        share = explained / (explained + left * max(self.free, 1) + 1e-12)
        return _Fit(effects, errors, t, share)


def _centred(values: Numbers, blocks: Indices) -> Numbers:
    """Return columns less the means of their chains."""
    import numpy as np

    sizes = np.bincount(blocks)
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, blocks, values)
    centred: Numbers = values - (sums / sizes[:, None])[blocks]
    return centred


def _places(positions: Numbers, blocks: Indices) -> Numbers:
    """Return an indicator per position; a curve of second degree where indicators would leave too little."""
    import numpy as np

    levels, codes = np.unique(np.minimum(positions, _LAST_LEVEL), return_inverse=True)
    if len(positions) - len(levels) - int(blocks.max()) - 1 >= len(positions) / 3:
        return np.eye(len(levels))[codes]
    line = positions - positions.mean()
    return np.column_stack([line, line**2])


def _p_values(
    design: _Design, residuals: Numbers, fit: _Fit, rng: np.random.Generator, permutations: int
) -> tuple[Numbers, float | None]:
    import numpy as np

    own = np.full(len(design.separable), np.nan)
    if not design.separable.any():
        return own, None
    blocks = design.blocks
    places, as_large = np.argsort(blocks, kind="stable"), np.zeros(len(own) + 1)
    portion = 1 + 1_000_000 // len(blocks)
    for done in range(0, permutations, portion):
        count = min(portion, permutations - done)
        drawn = np.empty((len(blocks), count))
        drawn[places] = residuals[np.argsort(blocks[:, None] + rng.random((len(blocks), count)), axis=0)]
        permuted = design.fit(design.less_the_rest(drawn))
        as_large[:-1] += (np.abs(permuted.t) >= np.abs(fit.t) - 1e-9).sum(axis=0)
        as_large[-1] += (permuted.explained >= fit.explained * (1 - 1e-9)).sum()
    p = (1 + as_large) / (1 + permutations)
    own[design.separable] = holm(p[:-1][design.separable].tolist())
    return own, float(p[-1])


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
