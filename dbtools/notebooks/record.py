"""The verdict and the values of a notebook, stored as one output of its last cell."""

from __future__ import annotations

import datetime
import html
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from dbtools.errors import ParameterError, VerdictError, printable, readable
from dbtools.html import LEVELS, text
from dbtools.redact import redact
from dbtools.result import Highlight, Result

MIME = "application/vnd.dbtools.record"
VERDICT = "application/vnd.dbtools.verdict"


@dataclass(frozen=True)
class Recorded:
    """What a notebook recorded last: its values, and its verdict in words with a level of `dbtools.html.LEVELS`."""

    values: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    passed: bool = True
    level: str = "good"
    highlights: tuple[str, ...] = ()


def record(values: Mapping[str, Any], *, passed: bool = True, reason: str = "", result: Result | None = None) -> None:
    """Show the verdict and store `values`, which become ``NAME.json`` when dbtools runs the notebook.

    Reads only. Values are plain data or numpy scalars; NaN and infinity become null. Without a reason, the verdict is
    the sentence of `result`, with its level and what matters most in it.

    Raises
    ------
    VerdictError
        Not `passed`; raised after the values are stored.
    ParameterError
        A value cannot be written as JSON.
    """
    from IPython.display import display

    sentence = redact(printable(reason or (result.sentence if result else "")))
    level = result.level if result else "good"
    if not passed:
        level = level if level in ("critical", "error") else "error"
    sign, colour = LEVELS[level]
    highlights = result.highlights if result else []
    shown = sentence[:1].upper() + sentence[1:]
    said = f"failed: {sentence}" if sentence and not passed else shown or ("passed" if passed else "failed")
    style = f"border-left:6px solid {colour};padding:.5em .9em;margin:.4em 0;font-weight:600"
    bundle = {
        # Strings, not objects: nbval sanitizes strings only.
        MIME: json.dumps(plain(values), ensure_ascii=False, allow_nan=False),
        VERDICT: json.dumps(
            {
                "reason": sentence,
                "passed": passed,
                "level": level,
                "highlights": [redact(text) for _, text, _ in highlights],
            },
            ensure_ascii=False,
        ),
        "text/plain": f"{sign} {said}",
        "text/html": f'<div class="verdict {level}" style="{style}">{html.escape(f"{sign} {said}")}</div>'
        f"{_listed(highlights)}",
    }
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
    if not passed:
        raise VerdictError((sentence or "The notebook's own checks failed").removesuffix("."))


def _listed(highlights: Sequence[Highlight]) -> str:
    """Return what matters most as a list of links to the places that explain it."""
    lines = "".join(
        f'<li><span style="color:{LEVELS[found.level][1]};font-weight:600">{LEVELS[found.level][0]}</span> '
        f'<a href="#{html.escape(found.anchor)}">{text(found.text)}</a></li>'
        for found in highlights
    )
    return f'<ul class="highlights" style="list-style:none;padding-left:1.2em">{lines}</ul>' if lines else ""


def is_record(output: Any) -> bool:
    """Tell whether an output of a notebook is what `record` displayed. Reads only."""
    return MIME in output.get("data", {})


def recorded(notebook: Any) -> Recorded:
    """Return what an executed notebook recorded last. Reads only."""
    found = [o["data"] for cell in notebook.cells for o in cell.get("outputs", ()) if is_record(o)]
    if not found:
        return Recorded()
    verdict = json.loads("".join(found[-1].get(VERDICT, "{}")))
    return Recorded(
        **{**verdict, "highlights": tuple(verdict.get("highlights", ()))}, values=json.loads("".join(found[-1][MIME]))
    )


def _shown(words: str) -> str:
    return redact(readable(words))


def plain(value: Any) -> Any:
    """Return `value` as strict JSON data: dicts with text keys, lists, text, numbers, booleans, None.

    Reads only. Times become ISO 8601, paths and UUIDs text, sets sorted lists. Secrets in texts are hidden.

    Raises
    ------
    ParameterError
        A value is of another kind.
    """
    if isinstance(value, Mapping):
        return {_shown(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        # The last digit of a sum that threads compute differs from run to run.
        return float(f"{value:.12g}") if math.isfinite(value) else None
    if type(value) is str:
        return _shown(value)
    if value is None or type(value) in (bool, int, float):
        return value
    # The missing values of pandas: neither is a float, and NaT is an instance of datetime.
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return _shown(value.as_posix())
    if isinstance(value, uuid.UUID):
        return str(value)
    for base in (int, float, str):
        # numpy and enum subclass these; json would write their text, not their value.
        if isinstance(value, base):
            return plain(base(value))
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    raise ParameterError("Cannot be recorded", type(value).__name__, "record plain data")
