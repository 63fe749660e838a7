"""One version with all that is known of it, and two side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.analysis.textdiff import compare
from dbtools.database.schema import DIMENSIONS
from dbtools.html import table
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import read_version

if TYPE_CHECKING:
    from dbtools.show.explorer.worker import Desk

MARKS = {
    "generated-source": "its source is the generator",
    "generated-explanation": "its explanation says it is synthetic",
    "generated-text": "its text carries the mark of a generator",
    "generated-feedback": "the feedback of its score says it is synthetic",
    "generated-user": "its prompt is of a test user",
}
_NO_TEXTS = "The long texts are not loaded; “Load the texts” loads them."


def html(desk: Desk, version_id: str) -> str:
    """Return one version: scores, provenance with its evidence, explanation, texts. Reads only."""
    found = read_version(desk, version_id)
    if found is None:
        return page.note("No such version.", "warning")
    parts = [
        page.head(_name(found), _where(found)),
        page.note(evidence(found), "" if found["provenance"] == "real" else "warning"),
        _scores(found),
    ]
    if "text" in found:
        for name, text in (
            ("Text", found["text"]),
            ("The user's prompt", found["original_text"]),
            ("Explanation", found["explanation"]),
            ("Feedback of the score", found["feedback"]),
        ):
            parts += [page.head(name), page.text_box(text)]
    else:
        parts.append(page.quiet(_NO_TEXTS))
    return "".join(parts)


def pair_html(desk: Desk, first: str, second: str) -> str:
    """Return two versions side by side, with what differs marked. Reads only."""
    a, b = read_version(desk, first), read_version(desk, second)
    if a is None or b is None:
        return page.note("No such version.", "warning")
    names = _name(a), _name(b)
    parts = [page.head(f"{names[0]}  →  {names[1]}"), _scores(a, b)]
    if "text" in a and "text" in b:
        diff = compare(names[0], a["text"] or "", names[1], b["text"] or "")
        parts += [page.quiet(diff.sentence), page.sides(names, diff.parts)]
    else:
        parts.append(page.quiet(_NO_TEXTS))
    if a["prompt_id"] != b["prompt_id"]:
        parts.insert(1, page.note("These are versions of two different prompts.", "warning"))
    return "".join(parts)


def evidence(found: dict[str, Any]) -> str:
    """Return the provenance of a version, and how that is known."""
    kind, marks = found["provenance"], found["marks"] or []
    if marks:
        why = "; ".join(MARKS.get(mark, mark) for mark in marks)
    elif kind == "placeholder":
        why = "the agent's run or call failed, and its result was stored as if it were real"
    elif kind == "unknown":
        why = "its prompt does not exist"
    else:
        why = "nothing marks it as generated or failed"
    return f"Provenance: {kind} ({why})."


def _name(found: dict[str, Any]) -> str:
    return f"{found['source'] or 'no source'}, version {found['version_no']} ({found['version_id'][:8]})"


def _where(found: dict[str, Any]) -> str:
    by = f" of user {found['user_id']}" if found["user_id"] else ""
    written = f"written {found['created_at']:%Y-%m-%d %H:%M:%S} UTC" if found["created_at"] else "without a time"
    parent = f"; from {found['parent_version_id'][:8]}" if found["parent_version_id"] else ""
    change = f"; change {found['change_type']}" if found["change_type"] else ""
    return f"Version {found['version_id']} of prompt {found['prompt_id']}{by}; {written}{parent}{change}"


def _scores(*found: dict[str, Any]) -> str:
    import pandas as pd

    rows = [
        {
            "version": _name(one),
            **{name: one[name] for name in DIMENSIONS},
            "total of 50": one["total"],
            "scale": one["scale"],
            "head": one["is_head"],
            "best of its prompt": one["is_best"],
        }
        for one in found
    ]
    return table(pd.DataFrame(rows), formats={"total of 50": ".2f"})
