"""The page that lists the reports of a folder, made of the JSON files that lie in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dbtools import disk
from dbtools.errors import printable
from dbtools.html import LEVELS
from dbtools.redact import redact

NAME = "index.html"
KEY = "report"
"""The key of a report's JSON file under which its verdict, project, time, parameters and history stand."""
_SHOWN = 10  # earlier verdicts
_KEPT = 100
_WORDS = {
    "critical": "critical findings",
    "error": "errors found",
    "warning": "warnings found",
    "info": "notes only",
    "neutral": "undecided",
    "good": "passed",
}
_BRIEF = ("time", "passed", "level", "reason")
_FOLDER = Path(__file__).parent


def word(level: str, passed: bool) -> str:
    """Return a verdict as one or two words."""
    return _WORDS[level] if passed else "FAILED"


def with_history(about: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says about itself, with the verdicts of the `earlier` report on the same project."""
    same = earlier.get("project") == about["project"]
    before = [*earlier.get("history", ()), {key: earlier.get(key) for key in _BRIEF}] if same else []
    return {**about, "history": before[-_KEPT:]}


def about_report(path: Path) -> dict[str, Any]:
    """Return what the JSON file of a report says about it; nothing if there is no such file. Reads only."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))[KEY]
        whole = {"title", "project", "version"} <= set(found) and isinstance(found["parameters"], dict)
        return found if whole and _is_verdict(found) and isinstance(found["history"], list) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_verdict(entry: object) -> bool:
    return isinstance(entry, dict) and set(_BRIEF) <= set(entry) and str(entry["level"]) in LEVELS


def write_index(folder: Path) -> Path:
    """Write ``index.html`` of the reports in `folder`, the newest first.

    Changes files: that one, in one step.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    with disk.temporary_folder(".dbtools-report-", folder) as staging, disk.locked_folder(folder, wait=True):
        (staging / NAME).write_text(render_index(folder), encoding="utf-8")
        disk.publish([(staging / NAME, folder / NAME)])
    return folder / NAME


def render_index(folder: Path) -> str:
    """Return the page of the reports in `folder`. Reads only."""
    import jinja2

    whole = {
        path.stem: about
        for path in folder.glob("*.json")
        if path.is_file() and (about := about_report(path)) and path.with_suffix(".html").is_file()
    }
    reports = [_shown({**about, "page": page}) for page, about in whole.items()]
    reports.sort(key=lambda report: (str(report["time"]), report["page"]), reverse=True)
    stopped = sorted(p.stem for p in folder.glob("*.ipynb") if p.stem not in whole and p.with_suffix(".html").is_file())
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string((_FOLDER / "index.html.j2").read_text(encoding="utf-8"))
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    projects = sorted({report["project"] for report in reports})
    return page.render(reports=reports, stopped=stopped, css=css, projects=projects)


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report as its card shows it: newest verdicts first, text printable and without secrets."""
    history = [entry for entry in report["history"] if _is_verdict(entry)]
    return {
        **{key: redact(printable(str(report[key]))) for key in ("title", "project", "page", "version")},
        "parameters": [redact(printable(f"{name} = {value!r}")) for name, value in report["parameters"].items()],
        **_verdict(report),
        "history": [_verdict(entry) for entry in reversed(history)][:_SHOWN],
        "older": max(0, len(history) - _SHOWN),
    }


def _verdict(entry: Mapping[str, Any]) -> dict[str, Any]:
    level, passed = str(entry["level"]), bool(entry["passed"])
    sign, colour = LEVELS[level]
    reason = redact(printable(str(entry["reason"] or word(level, passed))))
    return {"time": entry["time"], "when": when(entry["time"]), "sign": sign, "colour": colour, "level": level} | {
        "word": word(level, passed),
        "reason": reason,
    }


def when(time: object) -> str:
    """Return a time of a report as people read it: ``20 Nov 2026, 14:05 UTC``."""
    try:
        return datetime.fromisoformat(str(time)).strftime("%-d %b %Y, %H:%M UTC")
    except ValueError:
        return printable(str(time))
