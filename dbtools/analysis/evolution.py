"""How the versions of a prompt change: along the chain, over time, and by the type of change."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools.analysis.change_types import ChangeEffect, by_scale, change_effects, changes_of, stored_types
from dbtools.analysis.query import (
    PROVENANCES,
    Columns,
    check_word,
    columns,
    left_out,
    query,
    records,
    said_instead,
)
from dbtools.analysis.textdiff import TextDiff, compare
from dbtools.analysis.trend import (
    DIRECTED_FROM,
    FEWEST_TIMES,
    ChangePoint,
    PromptTrend,
    Trend,
    by_prompt,
    follow,
    ordered,
)
from dbtools.database import Database
from dbtools.database.attach import takes_project
from dbtools.database.engine import cache, register
from dbtools.errors import ParameterError
from dbtools.html import counted, p_value, table
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

    from dbtools.database.engine import Engine

_BEGINNING = re.compile("[0-9a-f]{8,32}")
_PARTS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))  # of an id that is written with dashes
_PROMPTS, _VERSIONS = 200, 20_000  # at most so many go to Python; the rest is summed in DuckDB


@dataclass(frozen=True, repr=False)
class Evolution(Result):
    """The trends of prompts, with what was left out.

    Attributes
    ----------
    smallest : float
        Changes of the total (0–50) over the span up to this are not called a rise or fall.
    """

    provenance: str
    smallest: float
    prompts: tuple[PromptTrend, ...]
    effects: tuple[ChangeEffect, ...]
    unlisted: int
    left_out: dict[str, dict[str, int]]
    filter_note: str
    _timeline: Columns
    _agents: Columns
    _stored_types: Columns
    _texts: dict[str, str]

    @cached_property
    def timeline(self) -> pd.DataFrame:
        """One row per version: prompt, chain, position, times, scale, score, total (on 0–50), type of change.

        The score is in points per dimension on its own scale.
        """
        return frame_of(self._timeline)

    @cached_property
    def agents(self) -> pd.DataFrame:
        """One row per agent, scale and period: n, mean_total on 0–50, se (versions taken as independent)."""
        return frame_of(self._agents)

    @cached_property
    def stored_types(self) -> pd.DataFrame:
        """Stored type of change beside the type recomputed from the texts, with counts; empty without texts."""
        return frame_of(self._stored_types)

    @cached_property
    def trend(self) -> pd.DataFrame:
        """One row per prompt and order (chain, clock)."""
        rows = [
            {"prompt_id": p.prompt_id, "order": order, "scale": p.scale, **asdict(t)}
            for p in self.prompts
            for order, t in (("chain", p.trend_chain), ("clock", p.trend_clock))
        ]
        return frame_of(rows, ["prompt_id", "order", "scale", *Trend.__dataclass_fields__])

    @cached_property
    def change_effects(self) -> pd.DataFrame:
        """One row per scale and type of change."""
        return frame_of(self.effects, ChangeEffect)

    @cached_property
    def change_points(self) -> pd.DataFrame:
        """One row per prompt with at least five scores: where they change most, and the kind of that change point."""
        rows = [{"prompt_id": p.prompt_id, **asdict(p.change_point)} for p in self.prompts if p.change_point]
        return frame_of(rows, ["prompt_id", *ChangePoint.__dataclass_fields__])

    @property
    def frame(self) -> pd.DataFrame:
        """The trends."""
        return self.trend

    @property
    def sentence(self) -> str:
        """How many prompts rise or fall along their chain, and whether the type of change matters."""
        rows = "rows of any provenance" if self.provenance == "all" else f"{self.provenance} rows"
        if not self.prompts:
            return f"Undecided: there are no versions among {rows}{said_instead(self.left_out.get('versions', {}))}."
        judged = self._judged
        if not judged:
            most = max(p.trend_chain.times for p in self.prompts)
            return (
                f"Undecided: none of {len(self.prompts):,} prompts ({rows}) has {FEWEST_TIMES} scored versions of one "
                f"scale in a chain; the longest has {most}."
            )
        rises, falls = (sum(p.trend_chain.verdict == word for p in judged) for word in ("rises", "falls"))
        types = [e.p_any for e in self.effects if e.p_any is not None]
        matters = "matters" if any(p < 0.05 for p in types) else "shows no clear effect" if types else "is not judged"
        return (
            f"{counted(len(judged), 'prompt')} can be judged: {rises:,} better, {falls:,} worse, "
            f"{len(judged) - rises - falls:,} undecided; the type of change {matters}."
        )

    @property
    def details(self) -> list[str]:
        """The trends by both orders, the types of change, and what is left out."""
        kinds = self.left_out.get("versions", {})
        out = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n) or "no"
        fewer = f", and {counted(self.unlisted, 'prompt')} with fewer versions" if self.unlisted else ""
        some = f"Followed are {self.filter_note} only." if self.filter_note else ""
        found = [*self._trends_said(), self._types_said(), some]
        return [text for text in (*found, f"Left out: {out} versions{fewer}.") if text]

    @property
    def level(self) -> str:
        """Good where at least one prompt can be judged, else neutral."""
        return "good" if self._judged else "neutral"

    @property
    def highlights(self) -> list[Highlight]:
        """The trends by both orders, and the types of change."""
        anchors = ("does-a-prompt-get-better-along-its-chain", "does-a-prompt-get-better-over-time")
        found = [Highlight("info", text, anchor) for text, anchor in zip(self._trends_said(), anchors, strict=False)]
        types = self._types_said()
        return found + ([Highlight("info", types, "which-type-of-change-helps")] if types else [])

    @property
    def _judged(self) -> list[PromptTrend]:
        return [p for p in self.prompts if p.trend_chain.times >= FEWEST_TIMES]

    def _trends_said(self) -> list[str]:
        judged = self._judged
        if not judged:
            return []
        found = []
        for name, trends in (
            ("By chain order", [p.trend_chain for p in judged]),
            ("Over time", [p.trend_clock for p in judged]),
        ):
            rises, falls = (sum(t.verdict == word for t in trends) for word in ("rises", "falls"))
            found.append(f"{name}: {rises} rise, {falls} fall, {len(trends) - rises - falls} undecided.")
        drifting = [p.trend_chain.n for p in judged if p.trend_chain.verdict == "drifting"]
        if drifting:
            few = sum(n < DIRECTED_FROM for n in drifting)
            why = f"; {few:,} of {len(drifting):,} with too few versions to tell the two apart" if few else ""
            also = f"{counted(len(drifting), 'undecided prompt')} with p < 0.05, but a random walk can look the same"
            found.append(f"{also}{why}.")
        disagree = sum(p.orders_disagree for p in judged)
        found.append(f"The order of the chain and the order in time disagree in {counted(disagree, 'prompt')}.")
        found.append(f"A rise or fall needs p < 0.05, no drifting, and more than {self.smallest:g} of 50 points.")
        if len(judged) >= 20:
            found.append(f"Up to about {0.05 * len(judged):.0f} would rise or fall by chance alone.")
        found.append(f"{len(judged):,} of {len(self.prompts):,} prompts can be judged.")
        return found

    def _types_said(self) -> str:
        if not self._judged:
            return ""
        if not self.effects:
            return "The type of change cannot be judged: no scored parent and child on one scale."
        parts = []
        for scale in dict.fromkeys(e.scale for e in self.effects):
            of = [e for e in self.effects if e.scale == scale]
            p = of[0].p_any
            word = "cannot be judged" if p is None else "matters" if p < 0.05 else "shows no clear effect"
            value = "" if p is None else f"{p_value(p)}, "
            parts.append(f"{word} ({value}{sum(e.n for e in of):,} changes in {of[0].chains:,} chains, {scale} scale)")
        return f"The type of change {'; '.join(parts)}."

    def diff(self, version_a: object = None, version_b: object = None) -> TextDiff:
        """Compare the texts of two versions by id; by default the first and last on the longest part of one chain.

        Raises
        ------
        ParameterError
            A version is not in the timeline.
        """
        if version_a is None or version_b is None:
            run = self.timeline[self.timeline["used"]]
            run = run[run["prompt_id"] == self.prompts[0].prompt_id] if self.prompts else run
            ids = run.sort_values("position")["version_id"].tolist()
            if len(ids) < 2:
                return TextDiff("There are no two versions to compare.")
            version_a, version_b = version_a or ids[0], version_b or ids[-1]
        known = dict(zip(self.timeline["version_id"], self.timeline["version_no"], strict=True))
        a, b = (_version_id(v) for v in (version_a, version_b))
        for identifier in (a, b):
            if identifier not in known:
                raise ParameterError("No such version in the timeline", identifier, "take an id of .timeline")
        if a not in self._texts or b not in self._texts:
            return TextDiff("The texts are not loaded; attach(…, texts=True) loads them.")
        name_a, name_b = (f"version {known[v]} ({v[:8]})" for v in (a, b))
        return compare(name_a, self._texts[a], name_b, self._texts[b])

    def _table(self) -> str:
        # The slope of a few points means nothing; `trend` still has it.
        numbers = ["slope", "low", "high", "change", "p", "lag1"]
        shown = self.trend.drop(columns=["p_drift", "robust_t"])
        shown[numbers] = shown[numbers].astype(float).where(shown["times"] >= FEWEST_TIMES)
        return table(shown, caption=self._caption, formats=dict.fromkeys(numbers, ".3g"))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {
            "provenance": self.provenance,
            "smallest": self.smallest,
            "prompts": [asdict(p) for p in self.prompts],
            "change_types": [asdict(e) for e in self.effects],
            "stored_types": records(self._stored_types),
            "agents": records(self._agents),
            "unlisted_prompts": self.unlisted,
            "left_out": self.left_out,
            "sentence": self.sentence,
            "details": self.details,
        }


@takes_project
def evolution(
    db: Database, prompt_id: str | None = None, provenance: str = "real", smallest: float = 1.0, seed: int = 0
) -> Evolution:
    """Follow one prompt, or all, over their versions. Reads only.

    At most the 200 prompts with the most versions, and 20,000 versions, are followed one by one; the result says
    how many more there are. What it says of agents counts all rows.

    Parameters
    ----------
    prompt_id : str, optional
        With dashes or without; its first eight characters are enough. Empty or None: all prompts.
    provenance : {"real", "generated", "placeholder", "unknown", "all"}
        Which versions count.
    smallest : float
        Changes over the span up to this, in points of 50, are not called a rise or fall.

    Raises
    ------
    ParameterError
        No such provenance or prompt.
    """
    import numpy as np

    check_word("provenance", provenance, PROVENANCES)
    rng = np.random.default_rng(seed)
    with db.session() as connection:
        if prompt_id is None:  # of one prompt, a query computes that prompt only
            cache(connection, "row_provenance", "scored_versions")
        asked = {"provenance": provenance, "prompt_id": _known_prompt(connection, prompt_id)}
        rows = columns(connection, "timeline", **asked, prompts=_PROMPTS, versions=_VERSIONS)
        texts: dict[str, str] = {}
        if db.origin["texts"]:
            register(connection, "listed_versions", "id UUID", [(version,) for version in rows["version_id"].tolist()])
            texts = dict(query(connection, "duckdb/texts").fetchall())
        agents = columns(connection, "agents_over_time", **asked)
        out = left_out(connection, provenance, "prompts", "versions", "scores")
    there = int(rows.pop("prompts").max(initial=0))
    timeline = ordered(rows)
    prompts = tuple(follow(of, smallest, rng) for of in by_prompt(timeline))
    changes = changes_of(timeline)
    effects = tuple(effect for of in by_scale(changes) for effect in change_effects(of, rng))
    types, less = stored_types(changes, texts), there - len(prompts)
    return Evolution(provenance, smallest, prompts, effects, less, out, db.filter_note, timeline, agents, types, texts)


def _known_prompt(connection: Engine, prompt_id: str | None) -> str | None:
    if not prompt_id:
        return None
    digits = str(prompt_id).strip().lower().replace("-", "")
    if not _BEGINNING.fullmatch(digits):
        raise ParameterError("Not the id of a prompt", prompt_id, "give its 32 hexadecimal digits, or the first eight")
    dashed = "-".join(part for part in (digits[a:b] for a, b in _PARTS) if part)
    found = query(connection, "prompt_exists", prompt_id=dashed).fetchall()
    if len(found) > 1:
        raise ParameterError("Several prompts have ids that begin so", prompt_id, "give more of its digits")
    if not found:
        raise ParameterError("No such prompt", prompt_id, "db.frame('prompts') lists them")
    return str(found[0][0])


def _version_id(given: object) -> str:
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise ParameterError("Not the id of a version", given, "give 32 hexadecimal digits") from None
