"""Which agent for which kind of prompt: the lead of one agent over another, by segments of the prompts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from dbtools.analysis.claim import LEAST_TEXTS, lead
from dbtools.analysis.pairs import compare, paired_sums
from dbtools.analysis.query import (
    PROVENANCES,
    SCALES,
    RowFilter,
    check_word,
    listed_agents,
    read,
    rows,
    select_entries,
    working_table,
)
from dbtools.analysis.statistics import SizeTable, clustered_mean, root, sign_flip_of
from dbtools.database import Database
from dbtools.database.attach import takes_project
from dbtools.database.engine import materialize, register
from dbtools.errors import ParameterError
from dbtools.html import counted, p_value, table
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from dbtools.database.engine import Engine

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

BY = ("user", "month", "length", "form", "script")
"""What a prompt is divided by; each is a query of ``queries/segments``."""
SHOWN = {
    "segment": "",
    "n": "",
    "texts": "",
    "difference": "+.2f",
    "low": "+.2f",
    "high": "+.2f",
    "shrunk": "+.2f",
    "shrunk_low": "+.2f",
    "shrunk_high": "+.2f",
    "p": "",
}
"""The columns of a table of segments, each with its format."""
_DRAWS, _MOST = 999, 30
_SMALL = "(small segments)"


@dataclass(frozen=True)
class Segment:
    """By how much the leader is above its rival in one segment of the prompts.

    Attributes
    ----------
    n, texts : int
        Contests, and different prompt texts among them.
    difference, low, high : float or None
        Mean difference of totals and the 95% interval of the sign-flip test over texts.
    shrunk, shrunk_low, shrunk_high : float
        The same, shrunk towards the difference of all segments: the more, the more alike the segments are.
    p : float
        Whether the difference is 0: sign-flip test, adjusted for the number of segments (Benjamini–Hochberg).
    """

    segment: str
    n: int
    texts: int
    difference: float
    low: float | None
    high: float | None
    shrunk: float
    shrunk_low: float
    shrunk_high: float
    p: float


@dataclass(frozen=True, repr=False)
class Segments(Result):
    """The lead of one agent over another, by segments.

    Attributes
    ----------
    by : str
        What the prompts are divided by.
    leader, rival : str
        The agents compared; empty where no two agents have scores in one prompt.
    p : float or None
        Whether segments differ at all; None where there are fewer than two.
    outside : int
        Contests whose prompt is in no segment.
    refused : str
        Why the question could not be asked; empty where it could.
    """

    by: str
    leader: str
    rival: str
    segments: tuple[Segment, ...]
    p: float | None
    outside: int
    provenance: str
    filter_note: str = ""
    refused: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per segment: the attributes of `Segment`."""
        return frame_of(self.segments, Segment)

    @property
    def differ(self) -> bool:
        """Whether there is evidence that segments differ."""
        return self.p is not None and self.p < 0.05

    @property
    def reversed(self) -> tuple[Segment, ...]:
        """The segments in which the rival is ahead, with evidence."""
        return tuple(s for s in self.segments if self.differ and s.shrunk < 0 and s.p < 0.05)

    @property
    def sentence(self) -> str:
        """Whether the lead differs between segments, and where the rival is ahead; silent without evidence."""
        if self.refused:
            return self.refused
        if not self.leader:
            return f"Segments by {self.by} cannot be compared: no two agents have scores in one prompt."
        if self.p is None:
            return f"Segments by {self.by} cannot be compared: at least two need {LEAST_TEXTS} prompt texts each."
        if not self.differ:
            lead_of = f"the lead of {self.leader} over {self.rival}"
            return f"No evidence that {lead_of} differs by {self.by} ({p_value(self.p)})."
        if self.reversed:
            worst = min(self.reversed, key=lambda s: s.shrunk)
            more = f" and {len(self.reversed) - 1} more" if len(self.reversed) > 1 else ""
            return (
                f"By {self.by}, {self.rival} is ahead of {self.leader} in {worst.segment}{more} "
                f"(by {-worst.shrunk:.1f} points, {p_value(worst.p)})."
            )
        largest, *_, smallest = sorted(self.segments, key=lambda s: -s.shrunk)
        return (
            f"The lead of {self.leader} over {self.rival} differs by {self.by} ({p_value(self.p)}): "
            f"{largest.shrunk:+.1f} points in {largest.segment}, {smallest.shrunk:+.1f} in {smallest.segment}."
        )

    @property
    def details(self) -> list[str]:
        """What was compared, how the test works, and what is left out."""
        if not self.segments:
            return [self.filter_note] if self.filter_note else []
        found = [
            f"Compared are {sum(s.n for s in self.segments):,} contests of {self.leader} and {self.rival} "
            f"({self.provenance} rows) in {counted(len(self.segments), 'segment')}.",
            "Differences are totals of the leader less those of the rival. Shrunk ones are pulled towards the overall "
            "mean.",
        ]
        if self.p is not None:
            found.append(f"One permutation test over prompt texts asks whether segments differ: {p_value(self.p)}.")
        if self.outside:
            found.append(f"{self.outside:,} contests are in no segment.")
        return [*found, f"Compared are {self.filter_note} only."] if self.filter_note else found

    def _table(self) -> str:
        return table(self.frame[[*SHOWN]], caption=self._caption, formats=SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {
            "by": self.by,
            "leader": self.leader,
            "rival": self.rival,
            "p": self.p,
            "segments": [asdict(s) for s in self.segments],
            "outside": self.outside,
            "sentence": self.sentence,
            "details": self.details,
        }


@takes_project
def segments(
    db: Database,
    by: Any = "user",
    *,
    provenance: str = "real",
    scale: str = "judge",
    agents: Sequence[str] | None = None,
    seed: int = 0,
    table: Engine | None = None,
) -> Segments:
    """Compare the leading agent with its nearest rival in each segment of the prompts. Reads only.

    Parameters
    ----------
    by : {"user", "month", "length", "form", "script"} or frame
        What divides the prompts; or your own labels: a data frame or relation with the column ``prompt_id`` and one
        other, which names the segment. Form (code, list, question) and script need the long texts.
    agents : sequence of str, optional
        The two agents to compare, or those of which the leader and its nearest rival are compared.
    table : connection, optional
        An open `working_table` of the same database and agents.

    Raises
    ------
    ParameterError
        A parameter is none of these, or the database cannot answer.
    """
    check_word("provenance", provenance, PROVENANCES)
    check_word("scale", scale, SCALES)
    if db.engine:
        refused = "Segments cannot be asked of a server; attach the lake without engine."
        return Segments(str(by), "", "", (), None, 0, provenance, db.filter_note, refused)
    name, labels = _labels(db, by)
    row_filter = RowFilter.of(provenance, scale)
    with nullcontext(table) if table else working_table(db, listed_agents(agents)) as connection:
        select_entries(connection, row_filter)
        leader, own = lead(compare(paired_sums(connection, row_filter, ranked=False)))
        if leader is None:
            return Segments(name, "", "", (), None, 0, provenance, db.filter_note)
        rival = own[0].b
        _offer(connection, name, labels)
        found = rows(connection, "duckdb/segments", a=leader, b=rival, scale=scale)
    inside = [row for row in found if row["segment"] is not None]
    compared, p = compare_segments(
        [row["d"] for row in inside],
        [row["cluster"] for row in inside],
        [str(row["segment"]) for row in inside],
        seed,
    )
    outside = len(found) - len(inside)
    return Segments(name, leader, rival, compared, p, outside, provenance, db.filter_note)


def _labels(db: Database, by: Any) -> tuple[str, list[tuple[str, str]] | None]:
    """Return the name of what divides the prompts, and the user's own labels."""
    if isinstance(by, str):
        check_word("division into segments", by, BY)
        if by in ("form", "script") and not db.origin["texts"]:
            raise ParameterError("The long texts are not loaded", by, "attach(…, texts=True) loads them")
        return by, None
    given = by.df() if hasattr(by, "df") else by
    columns = list(getattr(given, "columns", ()))
    if len(columns) != 2 or "prompt_id" not in columns:
        todo = "give a frame with the column prompt_id and one that names the segment"
        raise ParameterError("These are no labels of prompts", ", ".join(map(str, columns)) or type(by).__name__, todo)
    (name,) = (column for column in columns if column != "prompt_id")
    try:
        return str(name), [
            (str(uuid.UUID(str(prompt))), str(label))
            for prompt, label in zip(given["prompt_id"], given[name], strict=True)
            if label is not None and label == label  # a missing label
        ]
    except ValueError as error:
        raise ParameterError("A prompt_id is no id", str(error), "take the ids of db.frame('prompts')") from None


def _offer(connection: Engine, name: str, labels: list[tuple[str, str]] | None) -> None:
    """Create the working table ``segment_labels``."""
    connection.execute("DROP TABLE IF EXISTS segment_labels")
    if labels is None:
        materialize(connection, "segment_labels", read(f"segments/{name}"))
    else:
        register(connection, "segment_labels", "prompt_id UUID, segment VARCHAR", labels)


def compare_segments(
    d: Sequence[float], clusters: Sequence[int], labels: Sequence[str], seed: int = 0, draws: int = _DRAWS
) -> tuple[tuple[Segment, ...], float | None]:
    """Compare the mean of `d` between segments, and with 0 in each. Pure.

    A cluster counts in the segment in which it is most often. Segments of fewer than six clusters become one.

    Returns
    -------
    tuple
        The segments, the largest first, and the p value of the one test whether they differ; None for fewer than two
        segments of six clusters.
    """
    import numpy as np

    if not len(d):
        return (), None
    values = np.asarray(d, dtype=float)
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(place, values).astype(float), np.bincount(place).astype(float)
    names, codes = _named(place, np.asarray(labels))
    found = [_segment(name, sums[codes == code], sizes[codes == code]) for code, name in enumerate(names)]
    shrunk = shrink([s.difference for s, _ in found], [v for _, v in found], float(values.std()) / 2)
    adjusted = benjamini_hochberg([s.p for s, _ in found])
    compared = [
        replace(s, shrunk=mid, shrunk_low=low, shrunk_high=high, p=p)
        for (s, _), (mid, low, high), p in zip(found, shrunk, adjusted, strict=True)
    ]
    large = np.bincount(codes) >= LEAST_TEXTS
    p = None
    if large.sum() > 1:
        kept = large[codes]
        numbers = (np.cumsum(large) - 1)[codes[kept]].astype(np.intp)
        p = permutation_p(sums[kept], sizes[kept], numbers, np.random.default_rng(seed), draws)
    return tuple(sorted(compared, key=lambda s: (s.segment == _SMALL, -s.n, s.segment))), p


def _named(place: Indices, labels: npt.NDArray[np.str_]) -> tuple[list[str], Indices]:
    """Return the names of the segments, and each cluster's by number; small ones and those past the 30th are one."""
    import numpy as np

    names, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((int(place.max()) + 1, len(names)), dtype=np.int32)
    np.add.at(counts, (place, codes), 1)
    own = counts.argmax(axis=1)
    clusters = np.bincount(own, minlength=len(names))
    by_size = np.argsort(-clusters, kind="stable")
    kept = [int(k) for k in by_size[:_MOST] if clusters[k] >= LEAST_TEXTS]
    number = np.full(len(names), len(kept))
    number[kept] = np.arange(len(kept))
    shown = [str(names[k]) for k in kept]
    return (shown if np.isin(own, kept).all() else [*shown, _SMALL]), number[own]


def _segment(name: str, sums: Numbers, sizes: Numbers) -> tuple[Segment, float]:
    """Return a segment before it is compared with the others, and the variance of its mean."""
    n, texts = int(sizes.sum()), len(sums)
    listed = sums.tolist(), sizes.astype(int).tolist()
    flip = sign_flip_of(*listed)
    mean, error, df = clustered_mean(SizeTable.of(*listed))
    # The mean is of Student's distribution, with a wider spread than its error says; of one text nothing is known.
    wide = 3.0 if df is None or df <= 3 else df / (df - 2)
    variance = 1e6 if error is None else max(error, 1e-9) ** 2 * wide
    return Segment(name, n, texts, mean, flip.low, flip.high, mean, mean, mean, flip.p), variance


def permutation_p(sums: Numbers, sizes: Numbers, codes: Indices, rng: np.random.Generator, draws: int) -> float:
    """Return the p value of the test whether the means of segments differ: the labels of clusters are permuted.

    The statistic is Welch's, Σ w_s (m_s − m)² with w_s = 1/var(m_s), so that segments of unequal spread are no
    difference: E. Chung and J. P. Romano, Annals of Statistics 41 (2013) 484–507.
    """
    import numpy as np

    def statistic(labels: Indices) -> float:
        n, s, ss, sn, nn = (np.bincount(labels, weights) for weights in (sizes, sums, sums**2, sums * sizes, sizes**2))
        clusters = np.bincount(labels)
        mean = s / n
        left = np.maximum(ss - 2 * mean * sn + mean**2 * nn, 1e-12)
        weight = n**2 * (clusters - 1) / (left * clusters)
        whole = (weight @ mean) / weight.sum()
        return float(weight @ (mean - whole) ** 2)

    seen = statistic(codes)
    as_large = sum(statistic(rng.permutation(codes)) >= seen - 1e-9 for _ in range(draws))
    return (1 + as_large) / (1 + draws)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for the share of false findings, in their order.

    Source: Y. Benjamini and Y. Hochberg, J. Royal Statistical Society B 57 (1995) 289–300.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    adjusted, lowest = [0.0] * len(p_values), 1.0
    for rank, place in enumerate(order):
        lowest = min(lowest, p_values[place] * len(p_values) / (len(p_values) - rank))
        adjusted[place] = lowest
    return adjusted


def shrink(
    means: Sequence[float], variances: Sequence[float], scale: float, confidence: float = 0.95
) -> list[tuple[float, float, float]]:
    """Return the posterior mean and interval of each segment's true difference, shrunk towards that of all segments.

    Normal means whose spread between segments has a half-Cauchy prior of this scale and is integrated out (80 nodes of
    equal prior mass); the whole has a flat prior: A. Gelman, Bayesian Analysis 1 (2006) 515–534. Empirical Bayes
    (C. N. Morris, JASA 78 (1983) 47–65) with one estimated spread would be too sure of two or three segments.
    """
    import numpy as np

    if len(means) < 2:
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        return [(m, m - z * v**0.5, m + z * v**0.5) for m, v in zip(means, variances, strict=True)]
    m, v = np.asarray(means, dtype=float)[:, None], np.asarray(variances, dtype=float)[:, None]
    spread = max(scale, 1e-6) * np.tan(np.pi / 2 * (np.arange(80) + 0.5) / 80)[None, :]
    weight = 1 / (v + spread**2)
    whole = (weight * m).sum(axis=0) / weight.sum(axis=0)
    log = (np.log(weight).sum(axis=0) - np.log(weight.sum(axis=0)) - (weight * (m - whole) ** 2).sum(axis=0)) / 2
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    kept = spread**2 * weight
    centres = whole + kept * (m - whole)
    errors = np.sqrt(v * kept + (1 - kept) ** 2 / weight.sum(axis=0))
    tail = (1 - confidence) / 2
    return [
        (float(mass @ c), mixture_quantile(tail, c, e, mass), mixture_quantile(1 - tail, c, e, mass))
        for c, e in zip(centres, errors, strict=True)
    ]


def mixture_quantile(p: float, centres: Numbers, errors: Numbers, mass: Numbers) -> float:
    """Return a quantile of a mixture of normal distributions, by bisection."""
    from scipy.special import ndtr

    low, high = float((centres - 9 * errors).min()), float((centres + 9 * errors).max())
    return root(lambda value: float(mass @ ndtr((value - centres) / errors)) - p, low, high)
