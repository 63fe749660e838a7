"""HTML that the tabs share. Text from a database is escaped here or by `dbtools.html`."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any

from dbtools.html import LEVELS
from dbtools.html import text as escaped
from dbtools.show import style

COLOURS = {level: colour for level, (_, colour) in LEVELS.items()}
COLOURS |= {"none": COLOURS["good"], "best": COLOURS["good"], "undecided": COLOURS["neutral"], "": style.BLUE}
STYLE = f"<style>{files('dbtools.show.explorer').joinpath('explorer.css').read_text(encoding='utf-8')}</style>"


Draw = Callable[..., str]


def draw(make: Callable[..., Any], *data: Any) -> str:
    """Return the chart that `make` makes of the data as SVG, in the colours of the page's theme.

    Screen readers read its title.
    """
    chart = make(*data)
    if getattr(chart, "usermeta", None) == {"empty": True}:
        return muted(f"{chart.title}: nothing to draw.")
    label = html.escape(f"Chart: {chart.title}")
    return f'<div class="dbtools-chart" role="img" aria-label="{label}">{style.svg(chart)}</div>'


def placeholder(*_: Any) -> str:
    """Return the space for a chart that is drawn later."""
    return '<div class="dbtools-chart"></div>'


def head(text: str, more: str = "") -> str:
    """Return a heading, with a remark under it."""
    return f"<h3>{html.escape(text)}</h3>" + (muted(more) if more else "")


def muted(text: str) -> str:
    """Return a remark in a muted colour."""
    return f'<p class="dbtools-muted">{escaped(text)}</p>' if text else ""


def note(text: str, kind: str = "", light: str = "") -> str:
    """Return a sentence beside a bar in the colour of its kind, with a `light` of that colour before it."""
    shown = f'<b style="color:{COLOURS[kind]}">{light}</b> ' if light else ""
    return f'<div class="dbtools-note" style="border-color:{COLOURS[kind]}">{shown}{escaped(text)}</div>'


def failure(text: str) -> str:
    """Return an error message; screen readers say it at once."""
    said = escaped(text)
    return f'<div class="dbtools-note" role="alert" style="border-color:{COLOURS["critical"]}">✗ {said}</div>'


def cards(items: Iterable[tuple[str, str]]) -> str:
    """Return numbers side by side, each over its name."""
    shown = "".join(
        f'<div class="dbtools-card"><b>{escaped(value)}</b><span class="dbtools-muted">{html.escape(name)}</span></div>'
        for name, value in items
    )
    return f'<div class="dbtools-cards">{shown}</div>'


def text_box(text: str | None) -> str:
    """Return a long text as it is, with secrets hidden."""
    return f'<div class="dbtools-text" tabindex="0">{escaped(text or "–")}</div>'


def sides(names: tuple[str, str], parts: Iterable[tuple[str, str]]) -> str:
    """Return two texts side by side, with the words that only one of them has marked."""
    left, right = [], []
    for kind, text in parts:
        said = html.escape(text)
        if kind != "+":
            left.append(f"<del>{said}</del>" if kind == "-" else said)
        if kind != "-":
            right.append(f"<ins>{said}</ins>" if kind == "+" else said)
    columns = "".join(
        f'<div><b>{html.escape(name)}</b><div class="dbtools-text" tabindex="0">{"".join(pieces)}</div></div>'
        for name, pieces in zip(names, (left, right), strict=True)
    )
    return f'<div class="dbtools-sides">{columns}</div>'
