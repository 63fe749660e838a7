"""The CSV layouts the application has written over time, told apart by their header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """One kind of CSV file.

    Attributes
    ----------
    name : str
        The layout's name.
    needs : frozenset of str
        The columns that tell it; a header with all of them is of this layout.
    id : str
        The column that holds an id of the database, or empty.
    owner : str
        What the id names: ``versions``, ``prompts`` or ``scores``.
    texts : tuple of str
        The columns whose texts the database must hold, the one that belongs to the id first.
    demo : bool
        Whether only demonstrations wrote it.
    """

    name: str
    needs: frozenset[str]
    id: str
    owner: str
    texts: tuple[str, ...]
    demo: bool = False


_IMPROVED = ("syntax_improved", "structure_improved", "domain_improved")
LAYOUTS = (
    Layout(
        "multi_agent_log",
        frozenset({"request_id", "original_prompt", "final_prompt", "selected_agent"}),
        "request_id",
        "prompts",
        ("original_prompt", "final_prompt", *_IMPROVED),
    ),
    Layout(
        "temporal_versions",
        frozenset({"version_id", "prompt_id", "text", "change_type"}),
        "version_id",
        "versions",
        ("text",),
    ),
    Layout(
        "prompt_versions",
        frozenset({"prompt_id", "version_no", "version_uuid", "text"}),
        "version_uuid",
        "versions",
        ("text",),
    ),
    Layout(
        "judge_scores",
        frozenset({"version_id", "clarity", "specificity", "actionability", "structure", "context_use"}),
        "version_id",
        "scores",
        (),
    ),
    Layout(
        "learning_log",
        frozenset({"llm_name", "prompt", "original_response"}),
        "",
        "prompts",
        ("prompt", "rewritten_prompt"),
        demo=True,
    ),
)


def recognise(header: Sequence[str]) -> Layout | None:
    """Return the layout whose columns the header holds, or None. Pure."""
    if "_" not in "".join(header):
        return None  # every layout needs a name with one; rows are asked by the million
    present = {name.strip().lower() for name in header}
    return next((layout for layout in LAYOUTS if layout.needs <= present), None)
