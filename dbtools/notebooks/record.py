"""What a notebook found out, kept as one output of its last cell."""

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

from dbtools.errors import ParameterError, VerdictError, readable

MIME = "application/vnd.dbtools.record"
_PASSED, _FAILED = "#009e73", "#d55e00"
_SILENT = "✓ passed", "✗ failed"


def record(values: Mapping[str, Any], *, passed: bool = True, reason: str = "") -> None:
    """Show the verdict and keep `values`, which become ``NAME.json`` when the notebook is run by dbtools.

    Reads only. Values are plain data or numpy scalars; NaN and infinity become null.

    Raises
    ------
    VerdictError
        Not `passed`; raised after the values are kept.
    ParameterError
        A value cannot be written as JSON.
    """
    from IPython.display import display

    # What passed is said; of what failed, that it did so is said first.
    said = readable(reason)
    verdict = (f"✓ {said}" if said else _SILENT[0]) if passed else _SILENT[1] + (f": {said}" if said else "")
    colour = _PASSED if passed else _FAILED
    style = f"border-left:4px solid {colour};padding:.4em .8em;margin:.4em 0;font-weight:600"
    bundle = {
        # A string, not an object: only strings pass through nbval's sanitizers.
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
    said = "".join(found[-1]["text/plain"])
    reason = "" if said in _SILENT else re.sub(f"^(?:✓ |{_SILENT[1]}: )", "", said)
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
        # Sums made in parallel differ in their last digit from run to run.
        return float(f"{value:.12g}") if math.isfinite(value) else None
    if type(value) is str:
        return readable(value)
    if value is None or type(value) in (bool, int, float):
        return value
    # pandas' two missing values: neither is a float, and NaT passes for a datetime.
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return readable(value.as_posix())
    if isinstance(value, uuid.UUID):
        return str(value)
    for base in (int, float, str):
        # numpy and enum subclass these; json would write what they say, not what they are.
        if isinstance(value, base):
            return plain(base(value))
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    raise ParameterError("Cannot be recorded", type(value).__name__, "record plain data")
