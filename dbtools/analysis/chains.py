"""The order of a prompt's versions, along the links to their parents and by the clock, and the trends along both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from dbtools.analysis.trend import FEWEST_TIMES, ChangePoint, Trend, change_point, trend
from dbtools.progress import step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]

SCALE_TOPS = {"judge": 10, "heuristic": 10, "self": 20, "synthetic": 100}
"""The highest mark of one dimension on each scale."""


@dataclass(frozen=True)
class PromptTrend:
    """How one prompt goes, by chain order and by the clock, over the longest run of one chain on one scale.

    Attributes
    ----------
    versions, used : int
        All versions of the prompt, and those in that run.
    edges, backward : int
        Links from parent to child, and those whose child is older than its parent.
    trend_chain, trend_clock : Trend
        In points per dimension on the scale's own range, per version and per day (the velocity).
    orders_disagree : bool
        Whether one order shows a rise or fall that the other does not.
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
    """Return for each version which chain it belongs to (the place of its root) and its position, from 1.

    Versions are given in the order to fall back on. Without a single link they are one chain in that order. A parent
    that is not among them, or is the version itself, makes it a root; a cycle is cut above its first member.
    """
    places = {identifier: place for place, identifier in enumerate(ids)}
    found = [places.get(parent) if parent is not None else None for parent in parents]
    up = [None if parent == place else parent for place, parent in enumerate(found)]
    if all(parent is None for parent in up):
        return [(0, place + 1) for place in range(len(up))]
    chains: list[tuple[int, int] | None] = [None] * len(up)
    for start in range(len(up)):
        _settle(start, up, chains)
    return [chain for chain in chains if chain is not None]


def _settle(start: int, up: list[int | None], chains: list[tuple[int, int] | None]) -> None:
    """Find the chain and position of one version and of all above it."""
    path: dict[int, None] = {}
    at: int | None = start
    while at is not None and chains[at] is None:
        if at in path:
            climbed = list(path)
            up[min(climbed[climbed.index(at) :])] = None
            path, at = {}, start
            continue
        path[at] = None
        at = up[at]
    for place in reversed(path):
        parent = up[place]
        above = chains[parent] if parent is not None else None
        chains[place] = (above[0], above[1] + 1) if above else (place, 1)


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Add to the versions their chain, position and whether they are in the run their prompt is judged by (`used`).

    The versions of a prompt are given together.
    """
    known = rows["mark"].notna() & rows["scale"].notna()
    names = ("prompt_id", "version_id", "parent_version_id", "scale")
    prompts, ids, parents, scales = (rows[name].tolist() for name in names)
    marked, chains, positions, used = known.tolist(), [], [], []
    # Lists, as pandas would take longer for each of many small prompts than all of this for all.
    for _, group in groupby(range(len(rows)), prompts.__getitem__):
        of = list(group)
        order = chain_order([ids[i] for i in of], [_given(parents[i]) for i in of])
        runs = Counter((chain, scales[i]) for i, (chain, _) in zip(of, order, strict=True) if marked[i])
        # The first of the longest: a prompt is judged by one chain on one scale, never by a mixture.
        run = min(runs, key=lambda run: (-runs[run], run), default=None)
        chains += [chain for chain, _ in order]
        positions += [position for _, position in order]
        used += [marked[i] and (chain, scales[i]) == run for i, (chain, _) in zip(of, order, strict=True)]
    return rows.assign(chain=chains, position=positions, used=used).astype({"used": bool})


def by_prompt(rows: pd.DataFrame) -> Iterator[Arrays]:
    """Yield the versions of each prompt, as `ordered` returns them, as one array per column."""
    # Slices, as pandas would take ten times as long to group and choose among a few rows at a time.
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    prompts = columns["prompt_id"].tolist()
    for _, group in groupby(range(len(rows)), prompts.__getitem__):
        of = list(group)
        yield {name: column[of[0] : of[-1] + 1] for name, column in columns.items()}


def follow(of: Arrays, smallest: float, rng: np.random.Generator) -> PromptTrend:
    """Judge one prompt's versions, as `by_prompt` yields them; `smallest` is in points of 50."""
    import numpy as np

    step("trends")
    positions, marks, made = of["position"].astype(float), of["mark"].astype(float), of["created_at"]
    order = positions.argsort(kind="stable")
    run = order[of["used"][order]]
    scale = str(of["scale"][run[0]]) if len(run) else None
    least = smallest / 50 * SCALE_TOPS[scale] if scale else 0.0
    by_chain = trend(positions[run], marks[run], least)
    dated = run[~np.isnat(made[run])]
    by_clock = trend(_days(made[dated]), marks[dated], least)
    edges, backward = _edges(of)
    disagree = by_chain.claims != by_clock.claims or (by_chain.claims and by_chain.verdict != by_clock.verdict)
    return PromptTrend(
        str(of["prompt_id"][0]),
        len(marks),
        scale,
        len(run),
        edges,
        backward,
        by_chain,
        by_clock,
        disagree,
        _change_point(of, run, order, rng),
    )


def _change_point(of: Arrays, run: Any, order: Any, rng: np.random.Generator) -> ChangePoint | None:
    """Look along the whole chain first, where the scale may change, then along its run on one scale."""
    import numpy as np

    if not len(run):
        return None
    marks, scales = of["mark"].astype(float), of["scale"]
    chain = order[(of["chain"] == of["chain"][run[0]])[order] & ~np.isnan(marks[order])]
    several = len({scale for scale in scales[chain] if isinstance(scale, str)}) > 1
    for places in (chain, run) if several else (run,):
        if len(places) < FEWEST_TIMES:
            continue
        found = change_point(marks[places], scales[places].tolist(), rng)
        if found.kind == "scale" or places is run:
            return found
    return None


def _days(times: Any) -> Any:
    """Return the days since the first of the times."""
    # Whole seconds: older rows hold no more, and stamps of one loop that differ by microseconds are one time.
    whole = times.astype("datetime64[s]").astype(float)
    return (whole - whole.min(initial=math.inf)) / 86_400


def _edges(of: Arrays) -> tuple[int, int]:
    made = dict(zip(of["version_id"], of["created_at"], strict=True))
    links = [(child, made[p]) for child, p in zip(of["created_at"], of["parent_version_id"], strict=True) if p in made]
    return len(links), sum(bool(child < parent) for child, parent in links)


def _given(value: Any) -> Any:
    return value if isinstance(value, str) else None
