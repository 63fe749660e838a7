"""The verdict and the values of a notebook, stored as one output of its last cell."""

from __future__ import annotations

import datetime
import html
import json
import math
import re
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from dbtools.errors import ParameterError, VerdictError, printable, readable

MIME = "application/vnd.dbtools.record"
_PASSED, _FAILED = "#009e73", "#d55e00"
_BARE = "✓ passed", "✗ failed"


def record(values: Mapping[str, Any], *, passed: bool = True, reason: str = "") -> None:
    """Show the verdict and store `values`, which become ``NAME.json`` when dbtools runs the notebook.

    Reads only. Values are plain data or numpy scalars; NaN and infinity become null.

    Raises
    ------
    VerdictError
        Not `passed`; raised after the values are stored.
    ParameterError
        A value cannot be written as JSON.
    """
    from IPython.display import display

    sentence = printable(reason)
    if passed:
        verdict = f"✓ {sentence}" if sentence else _BARE[0]
    else:
        verdict = f"{_BARE[1]}: {sentence}" if sentence else _BARE[1]
    colour = _PASSED if passed else _FAILED
    style = f"border-left:4px solid {colour};padding:.4em .8em;margin:.4em 0;font-weight:600"
    bundle = {
        # A string, not an object: nbval sanitizes strings only.
        MIME: json.dumps(plain(values), ensure_ascii=False, allow_nan=False),
        "text/plain": verdict,
        "text/html": f'<div style="{style}">{html.escape(verdict)}</div>',
    }
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
    if not passed:
        raise VerdictError((reason or "The notebook's own checks failed").removesuffix("."))


def is_record(output: Any) -> bool:
    """Tell whether an output of a notebook is what `record` displayed. Reads only."""
    return MIME in output.get("data", {})


def recorded(notebook: Any) -> tuple[dict[str, Any], str]:
    """Return the values that an executed notebook recorded last, and the reason of its verdict. Reads only."""
    found = [o["data"] for cell in notebook.cells for o in cell.get("outputs", ()) if is_record(o)]
    if not found:
        return {}, ""
    verdict = "".join(found[-1]["text/plain"])
    reason = "" if verdict in _BARE else re.sub(f"^(?:✓ |{_BARE[1]}: )", "", verdict)
    return json.loads("".join(found[-1][MIME])), reason


def plain(value: Any) -> Any:
    """Return `value` as strict JSON data: dicts with text keys, lists, text, numbers, booleans, None.

    Reads only. Times become ISO 8601, paths and UUIDs text, sets sorted lists.

    Raises
    ------
    ParameterError
        A value is of another kind.
    """
    if isinstance(value, Mapping):
        return {readable(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        # The last digit of a sum that threads compute differs from run to run.
        return float(f"{value:.12g}") if math.isfinite(value) else None
    if type(value) is str:
        return readable(value)
    if value is None or type(value) in (bool, int, float):
        return value
    # The missing values of pandas: neither is a float, and NaT is an instance of datetime.
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return readable(value.as_posix())
    if isinstance(value, uuid.UUID):
        return str(value)
    for base in (int, float, str):
        # numpy and enum subclass these; json would write their text, not their value.
        if isinstance(value, base):
            return plain(base(value))
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    raise ParameterError("Cannot be recorded", type(value).__name__, "record plain data")
