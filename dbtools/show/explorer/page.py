"""Pieces of HTML that the tabs share; every text that is not our own is escaped here or by `dbtools.html`."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from typing import Any

from dbtools.redact import redact
from dbtools.show import style

_THEME = {
    "#fffffe": "transparent",
    "#1f2328": "var(--jp-content-font-color1,#1f2328)",
    "#59636e": "var(--jp-content-font-color2,#59636e)",
    "#d8dee4": "var(--jp-border-color2,#d8dee4)",
}
_CHART_RULES = "".join(
    f'.dbtools-chart [{attribute}="{light}"]{{{attribute}:{themed}}}'
    for attribute in ("fill", "stroke")
    for light, themed in _THEME.items()
)
COLOURS = {
    "critical": style.VERMILION,
    "error": style.ORANGE,
    "warning": style.SKY,
    "info": style.GREY,
    "none": style.GREEN,
    "best": style.GREEN,
    "undecided": style.ORANGE,
    "": style.BLUE,
}
# A caret that is seen in both themes.
_CARET = (
    "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 18 18%22%3E"
    "%3Cpath fill=%22%23808890%22 d=%22M5 7l4 5 4-5z%22/%3E%3C/svg%3E"
)
STYLE = (
    "<style>"
    ".dbtools-explorer{font-family:var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-content-font-color1,#1f2328);max-width:1180px;padding:4px 2px}"
    ".dbtools-explorer :is(.widget-html,.widget-html-content,.jupyter-widgets){min-width:0}"
    ".dbtools-explorer .widget-html-content{line-height:1.5;overflow:visible;max-width:100%}"
    ".dbtools-explorer h3{font-size:16px;font-weight:600;margin:1.6em 0 .4em}"
    ".dbtools-explorer h3:first-child{margin-top:.4em}"
    ".dbtools-explorer p{margin:.3em 0;max-width:75em}"
    ".dbtools-title{font-size:19px;font-weight:650;overflow-wrap:anywhere}"
    ".dbtools-quiet{color:var(--jp-content-font-color2,#59636e);font-size:13px}"
    ".dbtools-note{border-left:4px solid;padding:.5em .9em;margin:.6em 0;background:var(--jp-layout-color2,#f6f8fa);"
    "max-width:75em;overflow-wrap:anywhere}"
    ".dbtools-cards{display:flex;flex-wrap:wrap;gap:10px;margin:.6em 0}"
    ".dbtools-card{border:1px solid var(--jp-border-color2,#d0d7de);border-radius:6px;padding:.5em .9em;min-width:96px}"
    ".dbtools-card b{display:block;font-size:20px;font-variant-numeric:tabular-nums}"
    ".dbtools-chart{overflow-x:auto;margin:.8em 0}"
    ".dbtools-chart svg{max-width:100%;min-width:520px;height:auto;display:block}"
    ".dbtools-text{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--jp-border-color2,#d0d7de);"
    "border-radius:6px;padding:.6em .9em;margin:.4em 0;max-height:22em;overflow-y:auto;line-height:1.5}"
    ".dbtools-sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:12px}"
    ".dbtools-sides ins{background:rgba(0,158,115,.22);text-decoration:none}"
    ".dbtools-sides del{background:rgba(213,94,0,.2);text-decoration:line-through}"
    ".dbtools-tabs{border-bottom:1px solid var(--jp-border-color2,#d0d7de)}"
    ".dbtools-tabs [role=tablist]{display:flex;flex-wrap:wrap}"
    ".dbtools-tabs [role=tab]{border:0;border-bottom:3px solid transparent;background:none;color:inherit;"
    "cursor:pointer;font:inherit;font-size:14px;height:34px;padding:0 12px}"
    ".dbtools-tabs [role=tab]:hover{background:var(--jp-layout-color2,#f6f8fa)}"
    ".dbtools-tabs [role=tab][aria-selected=true]{border-bottom-color:#0072b2;font-weight:600}"
    # The blue of the charts is too faint on the buttons of a dark theme, and the theme's own outline is none.
    ".dbtools-explorer{--dbtools-focus:#0072b2}"
    "[data-jp-theme-light=false] .dbtools-explorer{--dbtools-focus:#56b4e9}"
    ".dbtools-explorer :is(button,input,select,textarea,[tabindex]):focus-visible"
    "{outline:2px solid var(--dbtools-focus)!important;outline-offset:-2px}"
    f".dbtools-explorer .widget-dropdown>select{{background-image:url('{_CARET}');padding-right:24px}}"
    "@keyframes dbtools-busy{from{margin-left:0}to{margin-left:70%}}"
    ".dbtools-busy .progress-bar{width:30%!important;animation:dbtools-busy 1.2s ease-in-out infinite alternate}"
    ".dbtools-explorer{container-type:inline-size}"
    ".dbtools-explorer .dbtools-grid :is(th,td){padding:.35em .55em}"
    ".dbtools-explorer .dbtools-grid td.t{min-width:17em}"
    ".dbtools-explorer .jupyter-widget-tagsinput .widget-text{width:auto}"
    ".dbtools-bar{gap:6px 10px;align-items:center}"
    f"{_CHART_RULES}</style>"
)


def picture(chart: Any) -> str:
    """Return a chart as SVG that takes the colours of the page's theme; its title is what is read out instead."""
    said = html.escape(f"Chart: {chart.title}")
    return f'<div class="dbtools-chart" role="img" aria-label="{said}">{style.svg(chart)}</div>'


def drawing(now: bool) -> Callable[..., str]:
    """Return what turns the maker of a chart and its data into a picture, or into the room where it will be."""
    return (lambda make, *data: picture(make(*data))) if now else (lambda *_: '<div class="dbtools-chart"></div>')


def head(text: str, more: str = "") -> str:
    """Return a heading, with a sentence under it."""
    return f"<h3>{html.escape(text)}</h3>" + (quiet(more) if more else "")


def quiet(text: str) -> str:
    """Return a remark."""
    return f'<p class="dbtools-quiet">{html.escape(redact(text))}</p>' if text else ""


def note(text: str, kind: str = "", light: str = "") -> str:
    """Return a sentence that matters, with a bar (and a `light` before it) in the colour of its kind."""
    shown = f'<b style="color:{COLOURS[kind]}">{light}</b> ' if light else ""
    return f'<div class="dbtools-note" style="border-color:{COLOURS[kind]}">{shown}{html.escape(redact(text))}</div>'


def failure(text: str) -> str:
    """Return what went wrong; screen readers say it at once."""
    said = html.escape(redact(text))
    return f'<div class="dbtools-note" role="alert" style="border-color:{COLOURS["critical"]}">✗ {said}</div>'


def cards(items: Iterable[tuple[str, str]]) -> str:
    """Return numbers side by side, each over its name."""
    shown = "".join(
        f'<div class="dbtools-card"><b>{html.escape(redact(value))}</b>'
        f'<span class="dbtools-quiet">{html.escape(name)}</span></div>'
        for name, value in items
    )
    return f'<div class="dbtools-cards">{shown}</div>'


def text_box(text: str | None) -> str:
    """Return a long text as it is, with secrets hidden."""
    return f'<div class="dbtools-text" tabindex="0">{html.escape(redact(text or "–"))}</div>'


def sides(names: tuple[str, str], parts: Iterable[tuple[str, str]]) -> str:
    """Return two texts side by side: what only the first has is struck out, what only the second has is marked."""
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
