"""The only maker of HTML tables: everything escaped, secrets hidden, the same bytes every time."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import printable
from dbtools.redact import redact, shorten

if TYPE_CHECKING:
    import pandas as pd

LEVELS = {
    "critical": ("✗", "#a40e26"),
    "error": ("✗", "#cf222e"),
    "warning": ("!", "#bf8700"),
    "info": ("•", "#818b98"),
    "neutral": ("○", "#818b98"),
    "good": ("✓", "#1a7f37"),
}
"""How bad a verdict or a finding is, worst first: its sign and its colour, the same wherever it is shown."""

CSV_OPENS = "<!--rows as csv:"
"""Before the rows of a table as CSV, in a comment."""

_LONGEST = 240
_WHOLE = 5_000  # characters of a text that are shown on a click
_LINE = 40  # a text up to this long stands on one line
_NONE = "–"
# The lower ends of 95% intervals; the upper one has "high" in its name instead.
_LOWER_ENDS = (
    *("low", "total_low", "low_clustered", "low_equal_length", "failure_low"),
    *("win_low", "point_low", "rate_low", "score_low", "shrunk_low"),
)
_SPACES = re.compile(r"[ \t\r\n\f\v\xa0]+")  # other separators are written out: a name may hold them
_TABLE = ".dbtools-table.dbtools-table.dbtools-table"  # thrice, as JupyterLab aligns all tables of outputs its own way
# The variables are JupyterLab's; elsewhere the fallbacks hold.
_STYLE = (
    "<style>"
    ".dbtools-table summary{cursor:pointer}"
    ".dbtools-table td details>div{white-space:pre-wrap;margin-top:.4em;padding-left:.6em;"
    "border-left:3px solid var(--jp-border-color2,#d0d7de)}"
    ".dbtools-table .notes{font-size:12px;color:var(--jp-content-font-color2,#59636e)}"
    ".dbtools-table .notes dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em;margin:.3em 0}"
    ".dbtools-table .notes dd{margin:0}"
    + "".join(f".dbtools-table .dot.{level}{{background:{colour}}}" for level, (_, colour) in LEVELS.items())
    + ".dbtools-table .dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.4em}"
    ".dbtools-table{overflow-x:auto;margin:.5em 0}"
    ".dbtools-table table{border-collapse:collapse;margin:0;font-size:13px;font-variant-numeric:tabular-nums;"
    "color:var(--jp-content-font-color1,inherit)}"
    # The table may scroll; what is said above it may not.
    f"{_TABLE} caption{{caption-side:top;text-align:left;font-weight:600;padding:.3em 0;"
    "position:sticky;left:0;width:max-content;max-width:min(100cqw,75em);color:var(--jp-content-font-color1,inherit)}"
    f"{_TABLE} :is(th,td){{padding:.35em .65em;text-align:left;vertical-align:top;"
    "max-width:44em;white-space:normal;overflow-wrap:break-word;"
    "border-bottom:1px solid var(--jp-border-color2,#d0d7de)}"
    f"{_TABLE} th{{font-weight:600;border-bottom-width:2px;overflow-wrap:normal;text-wrap:balance;"
    "vertical-align:bottom}"
    f"{_TABLE} .n{{text-align:right}}"
    f"{_TABLE} td.n{{white-space:nowrap}}"
    f"{_TABLE} .c{{text-align:center}}"
    f"{_TABLE} td.d{{white-space:nowrap}}"
    ".dbtools-table td.t{min-width:16em}"
    ".dbtools-table .q{color:var(--jp-content-font-color2,#59636e)}"
    "</style>"
)
_LISTENING = (
    "<style>"
    ".dbtools-table th button{all:unset;cursor:pointer}"
    ".dbtools-table th button:hover{text-decoration:underline}"
    ".dbtools-table tr[data-key]{cursor:pointer}"
    ".dbtools-table tr[data-key]:hover{background:var(--jp-layout-color2,#f6f8fa)}"
    '.dbtools-table tr[aria-selected="true"]{background:rgba(0,114,178,.28);box-shadow:inset 4px 0 #0072b2}'
    ".dbtools-table :is(td,button):focus-visible{outline:2px solid #0072b2;outline-offset:-2px}"
    "</style>"
)


def table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    formats: Mapping[str, str] | None = None,
    limit: int = 200,
    keys: Sequence[str | None] = (),
    picked: Collection[str] = (),
    sort: tuple[str, bool] | None = None,
    exact: bool = False,
    anchors: Sequence[str] = (),
    words: Mapping[str, tuple[str, str]] | None = None,
    links: Mapping[str, str | Sequence[str | None]] | None = None,
    below: Mapping[str, str] | None = None,
) -> str:
    """Return `frame` as HTML: at most `limit` rows, without its index. Reads only.

    Headings are words, with a note on what the column means; `words` names those that mean another thing here. The ends
    of an interval stand in one cell, a long text opens on a click, and a report offers the rows as CSV. `formats` maps
    a column to a format spec (``".1%"``). Without one, or with an empty one, ``*_bytes`` columns are shown as sizes and
    numbers with thousands separators. `anchors` names the rows that links lead to.

    For a page that listens, `keys` names each row that can be chosen, `picked` those that are, and `sort` the column
    the rows are sorted by and whether it descends; `links` names the columns whose cells lead on, and what they name
    (``prompt``) or where each cell leads (None: nowhere), and `below` has HTML to put below headings. An `exact` table
    has the columns' own names as headings, and NULL where a value is missing.
    """
    listens = bool(keys or sort)
    columns = _columns(frame, limit, formats or {}, words or {}, exact, intervals=not (listens or exact))
    for column in columns:
        if links and column.name in links and list(frame.columns).count(column.name) == 1:
            _link(column.cells, frame[column.name].tolist(), links[column.name])
    if caption and frame.empty and not (listens or exact):
        said = " ".join(caption.split())
        return f'<p class="nothing">{text(said if said.endswith(".") else f"{said}: none.")}</p>'
    role = ' role="grid" aria-multiselectable="true"' if keys else ""
    parts = [f'<div class="dbtools-table">{_STYLE}{_LISTENING if listens else ""}<table{role}>']
    if caption:
        parts.append(f"<caption>{text(' '.join(caption.split()))}</caption>")
    under = below or {}
    heads = "".join(_heading(c) if sort is None else _sorter(c, under.get(c.name, ""), sort) for c in columns)
    # Without rows a line says which columns there would be; headings that sort stay for when rows come back.
    bare = frame.empty and sort is None
    parts.append("<tbody>" if bare else f"<thead><tr>{heads}</tr></thead><tbody>")
    for row in range(min(len(frame), limit)):
        cells = "".join(f"<td{c.css}>{c.cells[row]}</td>" for c in columns)
        key = keys[row] if keys else None
        anchor = f' id="{html.escape(anchors[row])}"' if anchors else ""
        parts.append(f"<tr{anchor}{_choice(key, key in picked) if key else ''}>{cells}</tr>")
    more = len(frame) - limit
    note = f"… and {more:,} more" if more > 0 else "" if len(frame) else "no rows"
    if bare:
        note += f" ({', '.join(c.heading for c in columns)})"
    if note:
        parts.append(f'<tr><td class="q" colspan="{max(1, len(columns))}">{note}</td></tr>')
    parts.append("</tbody></table>")
    if not (listens or exact or frame.empty):
        parts += [_notes(columns), _csv(frame.iloc[:limit])]
    return "".join([*parts, "</div>"])


def _choice(key: str, picked: bool) -> str:
    return f' data-key="{html.escape(key)}" aria-selected="{str(picked).lower()}"'


def _sorter(column: _Column, under: str, sort: tuple[str, bool]) -> str:
    """Return a heading that a click can sort by, and what stands below it."""
    name, is_sorted = column.name, column.name == sort[0]
    how = f' aria-sort="{"descending" if sort[1] else "ascending"}"' if is_sorted else ""
    arrow = (" ▼" if sort[1] else " ▲") if is_sorted else ""
    title = html.escape(f"Sort by {name.replace('_', ' ')}")
    about = f'type="button" data-sort="{html.escape(name)}" title="{title}"'
    return f'<th scope="col"{column.css}{how}><button {about}>{column.heading}{arrow}</button>{under}</th>'


def _link(cells: list[str], values: list[Any], leads: str | Sequence[str | None]) -> None:
    """Make the cells under a heading links, for a page that listens; elsewhere they stay text."""
    if isinstance(leads, str):
        leads = [None if _missing(value) else f"{leads}:{value}" for value in values]
    for at, target in enumerate(leads[: len(cells)]):
        if target is not None:
            cells[at] = f'<span data-go="{html.escape(target)}">{cells[at]}</span>'


def bullets(items: Sequence[str]) -> str:
    """Return texts as an HTML list; without texts, nothing. Reads only."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return f'<ul style="margin:.3em 0 .8em;max-width:75em">{lines}</ul>' if lines else ""


def text(value: str) -> str:
    """Return `value` as HTML: secrets hidden, invisible characters written out, everything escaped. Reads only."""
    return html.escape(redact(printable(value, keep="\n\t")))


def p_value(p: float) -> str:
    """Return ``p = 0.23``, with two figures, or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def number(value: float, spec: str) -> str:
    """Return a number in a format, with a minus sign instead of a hyphen. Reads only."""
    return format(value, spec).replace("-", "−")


def percents(low: float, high: float) -> str:
    """Return the range of two shares: ``28–79%``. Reads only."""
    return f"{100 * low:.0f}–{100 * high:.0f}%"


def counted(count: int, noun: str) -> str:
    """Return ``1 file``, ``2,000 files``. Reads only."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(counts: Mapping[str, int]) -> str:
    """Return ``2 errors, 1 warning and 3 notes`` of how many there are by noun, zeros left out. Reads only."""
    parts = [counted(n, noun) for noun, n in counts.items() if n]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def size(count: float) -> str:
    """Return a number of bytes as people read it: ``158.9 KB`` (1 KB = 1000 bytes). Reads only."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if abs(count) < (1000 if unit == "bytes" else 999.95) or unit == "GB":  # 1,000.0 KB is 1.0 MB
            return f"{count:,.0f} bytes" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


@dataclass(frozen=True)
class _Column:
    """A column as it is shown: class attribute, heading, note and cells, as escaped text."""

    name: str
    css: str
    heading: str
    note: str
    cells: list[str]


def _columns(
    frame: pd.DataFrame,
    limit: int,
    formats: Mapping[str, str],
    words: Mapping[str, tuple[str, str]],
    exact: bool,
    intervals: bool,
) -> list[_Column]:
    names = [str(name) for name in frame.columns]
    made = [_column(n, frame.iloc[:limit, i], formats.get(n) or None, words, exact) for i, n in enumerate(names)]
    pairs = [(low, low.replace("low", "high")) for low in _LOWER_ENDS if intervals]
    ends = {high: low for low, high in pairs if low in names and high in names}
    lows = {ends[c.name]: c.cells for c in made if c.name in ends}
    return [_interval(c, lows[c.name]) if c.name in lows else c for c in made if c.name not in ends]


def _interval(low: _Column, highs: list[str]) -> _Column:
    both = zip(low.cells, highs, strict=True)
    cells = [_NONE if a == b == _NONE else f"{a} to {b}" for a, b in both]
    return _Column(low.name, ' class="n"', "95% interval", "", cells)


def _column(
    name: str, column: pd.Series[Any], spec: str | None, words: Mapping[str, tuple[str, str]], exact: bool
) -> _Column:
    values = column.tolist()
    present = [v for v in values if not _missing(v)]
    flags = bool(present) and all(_is_flag(v) for v in present)
    # What is missing throughout stands where its numbers would.
    numbers = not flags and all(_is_number(v) for v in present) and (bool(present) or column.dtype.kind in "iuf")
    decimals = _decimals(present) if numbers else 0
    texts = [_show(v, "" if exact else name, spec, decimals) for v in values]
    times = any(hasattr(v, "strftime") for v in present)
    long = any(len(shown) > _LINE for shown in texts)
    # A short word with hyphens, or a path, would otherwise break in its middle.
    whole = not any(len(shown) > _LINE or " " in shown for shown in texts)
    kind = "c" if flags else "n" if numbers else "d" if times or whole else "t" if long else ""
    # The unit stands in the cells.
    plain = (name if exact else name.removesuffix("_bytes").replace("_", " "), "")
    heading, note = plain if exact else words.get(name) or _words().get(name, plain)
    cells = [_exact(v, shown) if exact else _cell(v, name, shown) for v, shown in zip(values, texts, strict=True)]
    return _Column(name, f' class="{kind}"' if kind else "", text(heading), html.escape(note), cells)


def _exact(value: Any, shown: str) -> str:
    return '<i class="q">NULL</i>' if _missing(value) else html.escape(shown)


def _cell(value: Any, name: str, shown: str) -> str:
    """Return a cell as HTML: a severity with its colour, and a text that was cut with the whole of it on a click."""
    if name == "severity" and shown in LEVELS:
        return f'<span class="dot {shown}"></span>{shown}'
    if not isinstance(value, str) or not shown.endswith("…"):
        return html.escape(shown)
    whole = html.escape(shorten(printable(value.strip(), keep="\n\t"), _WHOLE))
    return f"<details><summary>{html.escape(shown)}</summary><div>{whole}</div></details>"


def _heading(column: _Column) -> str:
    note = f' title="{column.note}"' if column.note else ""
    return f'<th scope="col"{column.css}{note}>{column.heading}</th>'


def _notes(columns: Sequence[_Column]) -> str:
    """Return what the columns mean, as a list that opens on a click."""
    lines = "".join(f"<dt>{c.heading}</dt><dd>{c.note}</dd>" for c in columns if c.note)
    return f'<details class="notes"><summary>What the columns mean</summary><dl>{lines}</dl></details>' if lines else ""


def _csv(frame: pd.DataFrame) -> str:
    """Return the rows as CSV in a comment, of which a report makes a link: secrets hidden, numbers as they are."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([printable(str(name)) for name in frame.columns])
    columns = [[_raw(value) for value in frame.iloc[:, i].tolist()] for i in range(frame.shape[1])]
    writer.writerows(zip(*columns, strict=True))
    return f"{CSV_OPENS}{html.escape(written.getvalue()).replace('--', '&#45;&#45;')}-->"


def _raw(value: Any) -> str:
    if _missing(value):
        return ""
    if _is_flag(value) or _is_number(value):
        return str(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    listed = isinstance(value, list | tuple) or hasattr(value, "ndim")
    return shorten(printable(", ".join(map(str, value)) if listed else str(value), keep="\n\t"), _WHOLE)


@cache
def _words() -> dict[str, tuple[str, str]]:
    """Return the heading and the note of each column that has them."""
    words = json.loads(Path(__file__).with_name("column_words.json").read_text(encoding="utf-8"))
    return {name: (heading, note) for name, (heading, note) in words.items()}


def _show(value: Any, name: str, spec: str | None, decimals: int) -> str:
    if _missing(value):
        return _NONE
    if spec is not None:
        return number(value, spec) if _is_number(value) else _shorten(format(value, spec))
    if _is_flag(value):
        return "✓" if value else "✗"
    if _is_number(value):
        if name == "p" or name.startswith("p_"):
            return f"{value:.3f}" if value >= 0.001 else "< 0.001"
        return size(value) if name.endswith("_bytes") else number(value, f",.{decimals}f")
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M" if hasattr(value, "hour") else "%Y-%m-%d"))
    if isinstance(value, list | tuple) or hasattr(value, "ndim"):
        return _shorten(", ".join(str(v) for v in value))
    return _shorten(str(value))


def _shorten(value: str) -> str:
    start = value[: 25 * _LONGEST].strip()
    # On one line, "password: word" may be prose; at the end of a line it is a setting.
    start = redact(start) if "\n" in start else start
    return shorten(printable(_SPACES.sub(" ", start)), _LONGEST)


def _missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


def _is_number(value: Any) -> bool:
    # A list in a cell comes as an array, which claims to be a number too.
    return not _is_flag(value) and hasattr(value, "__float__") and not getattr(value, "ndim", 0)


def _decimals(values: list[Any]) -> int:
    """Whole numbers need none; else enough that the largest shows about three figures."""
    finite = [float(v) for v in values if math.isfinite(v)]
    if all(v == int(v) for v in finite):
        return 0
    largest = max(abs(v) for v in finite)
    return 1 if largest >= 100 else 2 if largest >= 1 else 3
