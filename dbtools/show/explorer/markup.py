"""HTML that the tabs share. Text from a database is escaped here or by `dbtools.html`."""

from __future__ import annotations

import html
import json
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools.html import CSV_OPENS
from dbtools.html import table as plain_table
from dbtools.html import text as escaped
from dbtools.redact import redact
from dbtools.show import style

if TYPE_CHECKING:
    import pandas as pd

# What a sentence means: the class of its colour, and its sign. Colour is never alone.
KINDS = {
    "critical": ("bad", "✖"),
    "error": ("bad", "✖"),
    "warning": ("warn", "▲"),
    "info": ("info", "○"),
    "undecided": ("info", "○"),
    "none": ("good", "✓"),
    "best": ("good", "✓"),
    "": ("plain", ""),
}
STYLE = f"<style>{files('dbtools.show.explorer').joinpath('explorer.css').read_text(encoding='utf-8')}</style>"
_HIGHEST = {"self": 20.0, "synthetic": 100.0}  # the highest score on a scale, where it is not 10
_AS_CSV = re.compile(rf"{CSV_OPENS}.*?-->", re.DOTALL)  # for reports, which have no kernel to ask

Draw = Callable[..., str]
_frames: ContextVar[dict[str, pd.DataFrame] | None] = ContextVar("frames", default=None)
_width: ContextVar[int] = ContextVar("width", default=0)


@contextmanager
def live(frames: dict[str, pd.DataFrame], width: int = 0) -> Iterator[None]:
    """Collect the frames of the tables that are made in the ``with`` block, by name: a page can then save each whole.

    Charts are made at most `width` pixels wide; 0: as wide as they are.
    """
    made: dict[str, pd.DataFrame] = {}
    tokens = _frames.set(made), _width.set(width)
    try:
        yield
    finally:
        _frames.reset(tokens[0])
        _width.reset(tokens[1])
    frames.update(made)


def table(frame: pd.DataFrame, name: str = "table", **look: Any) -> str:
    """Return a table of `dbtools.html`, with a button that saves all its rows where a page listens."""
    shown = plain_table(frame, **look)
    frames = _frames.get()
    if frames is None or frame.empty:
        return shown
    shown = _AS_CSV.sub("", shown)
    unique = name if name not in frames else f"{name}-{len(frames) + 1}"
    frames[unique] = frame
    return shown + tools(csv=unique)


def tools(csv: str = "", **texts: str) -> str:
    """Return buttons that save a table as CSV and copy texts: by the name of the button."""
    buttons = []
    if csv:
        about = f'type="button" title="Save all rows as CSV" data-go="csv:{html.escape(csv)}"'
        buttons.append(f"<button {about}>CSV</button>")
    for name, said in texts.items():
        title = html.escape(f"Copy {name.replace('_', ' ')}")
        buttons.append(f'<button type="button" title="{title}" data-copy="{html.escape(said)}">{title}</button>')
    return f'<div class="dbtools-tools">{"".join(buttons)}</div>'


def draw(make: Callable[..., Any], *data: Any) -> str:
    """Return the chart that `make` makes of the data as SVG, in the colours of the page's theme.

    Screen readers read its title. A chart of the same data is not drawn again.
    """
    return _drawn(make, pickle.dumps(data), _width.get())


@lru_cache(64)
def _drawn(make: Callable[..., Any], data: bytes, width: int) -> str:
    chart = make(*pickle.loads(data))  # noqa: S301 - our own
    if getattr(chart, "usermeta", None) == {"empty": True}:
        return muted(f"{chart.title}: nothing to draw.")
    label = html.escape(f"Chart: {chart.title}")
    return f'<div class="dbtools-chart" role="img" aria-label="{label}">{style.svg(chart, width)}</div>'


def answers(chart: str) -> str:
    """Return a chart whose marks lead on: the page then shows it."""
    return chart.replace('class="dbtools-chart"', 'class="dbtools-chart dbtools-answers"', 1)


def placeholder(*_: Any) -> str:
    """Return the space for a chart that is drawn later."""
    return '<div class="dbtools-chart"></div>'


def head(text: str, more: str = "") -> str:
    """Return a heading, with a remark under it."""
    return f"<h3>{html.escape(text)}</h3>" + (muted(more) if more else "")


def muted(text: str) -> str:
    """Return a remark in a muted colour."""
    return f'<p class="dbtools-muted">{escaped(text)}</p>' if text else ""


def sign(kind: str) -> str:
    """Return the sign of a kind of sentence."""
    return f'<span class="dbtools-mark" aria-hidden="true">{KINDS[kind][1]}</span>' if KINDS[kind][1] else ""


def note(text: str, kind: str = "") -> str:
    """Return a sentence with the sign and the colour of its kind."""
    return f'<div class="dbtools-note dbtools-{KINDS[kind][0]}">{sign(kind)}{escaped(text)}</div>'


def failure(text: str) -> str:
    """Return an error message; screen readers say it at once."""
    return f'<div class="dbtools-note dbtools-bad" role="alert">✗ {escaped(text)}</div>'


def counts(items: Iterable[tuple[str, str]]) -> str:
    """Return numbers with their names, side by side."""
    shown = "".join(f"<span><b>{escaped(value)}</b> {html.escape(name)}</span>" for name, value in items)
    return f'<div class="dbtools-counts">{shown}</div>'


def beginning(text: str, longest: int) -> str:
    """Return the first characters of a long text, on one line, with secrets hidden."""
    # Hide credentials before cutting: half of one no longer looks like a credential.
    words = " ".join(redact(text).split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def text_box(text: str | None) -> str:
    """Return a long text as it is, with secrets hidden."""
    return f'<div class="dbtools-text" tabindex="0">{escaped(text or "–")}</div>'


def sides(names: tuple[str, str], parts: Sequence[tuple[str, str]]) -> str:
    """Return two texts side by side, with the words that only one of them has marked."""
    columns = "".join(
        f"<div><b>{html.escape(name)}</b>{changed(part for part in parts if part[0] != lacking)}</div>"
        for name, lacking in zip(names, "+-", strict=True)
    )
    return f'<div class="dbtools-sides">{columns}</div>'


def changed(parts: Iterable[tuple[str, str]]) -> str:
    """Return one text with the words that were taken out and put in marked."""
    tags = {"+": "ins", "-": "del"}
    pieces = [f"<{tags[kind]}>{html.escape(text)}</{tags[kind]}>" if kind in tags else html.escape(text)
              for kind, text in parts]  # fmt: skip
    return f'<div class="dbtools-text" tabindex="0">{"".join(pieces)}</div>'


def scores(rows: Iterable[tuple[str, float | None, float | None]], scale: str | None) -> str:
    """Return scores as bars, each with a line where the others' median lies."""
    shown, top = [], _HIGHEST.get(scale or "", 10.0)
    for name, value, middle in rows:
        bar = f'<i style="width:{min(100, max(0, 100 * value / top)):.0f}%"></i>' if value is not None else ""
        line = f'<u style="left:{min(100, max(0, 100 * middle / top)):.0f}%"></u>' if middle is not None else ""
        number = f"{value:.1f}" if value is not None else "–"
        shown.append(f'<span>{html.escape(name)}</span><div class="dbtools-track">{bar}{line}</div><b>{number}</b>')
    return f'<div class="dbtools-scores">{"".join(shown)}</div>'


def plain_words(text: str) -> str:
    """Return a JSON text as lines that can be read: ``name: value``. Any other text stays as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict):
        return text if not isinstance(found, list) else "; ".join(str(item) for item in found)
    lines = []
    for name, value in found.items():
        said = "; ".join(str(item) for item in value) if isinstance(value, list) else str(value)
        lines.append(f"{name.replace('_', ' ')}: {said}")
    return "\n".join(lines)
