"""The shapes and the look of all charts, and the renderer that shows them without a network."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dbtools import iri_parsers
from dbtools.html import LEVELS, number, text

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

iri_parsers.defer()  # before altair imports jsonschema

# The palette of Okabe and Ito, which people with any colour vision can tell apart.
BLUE, ORANGE, GREEN, YELLOW = "#0072b2", "#e69f00", "#009e73", "#f0e442"
SKY, VERMILION, PURPLE, GREY = "#56b4e9", "#d55e00", "#cc79a7", "#8c959f"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW, GREY)
SEVERITIES = {level: LEVELS[level][1] for level in ("critical", "error", "warning", "info")}

PAPER, INK, MUTED, GRID = "#fffffe", "#1f2328", "#59636e", "#d8dee4"
DARK = {PAPER: "#0d1117", INK: "#e6edf3", MUTED: "#9198a1", GRID: "#30363d"}
"""The colours that replace paper, ink, muted ink and grid on a dark page."""

# JupyterLab includes Vega-Lite 5, which can read what Altair writes.
_LAB_MIME = "application/vnd.vegalite.v5+json"
_LAB_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# JupyterLab draws charts as SVG, so they can take the colours of its theme.
_LAB_COLOURS = {
    PAPER: "transparent",
    INK: f"var(--jp-content-font-color1,{INK})",
    MUTED: f"var(--jp-content-font-color2,{MUTED})",
    GRID: f"var(--jp-border-color2,{GRID})",
}
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, DejaVu Sans, Arial, sans-serif"
WIDTH, ROW, NARROWEST = 560, 30, 180  # pixels: of a chart, of each of its rows, and of the narrowest chart
_LINE = 46  # letters of a title on one line of a narrow chart
_TAG = re.compile(r"<(?=[/!?a-zA-Z])")


def enable() -> None:
    """Show charts without a network: interactive in JupyterLab, as SVG in reports. Reads only."""
    import altair as alt

    alt.renderers.register("dbtools", bundle)
    alt.renderers.enable("dbtools")


def finish(chart: Any, title: str, rows: int) -> alt.LayerChart:
    """Give a chart its title and style. Without rows, say that there is nothing instead of drawing empty axes."""
    sized = (chart if rows else _nothing()).properties(width=WIDTH, height=max(1, rows) * ROW)
    if not rows:
        sized.usermeta = {"empty": True}
    finished: alt.LayerChart = styled(sized, title)
    return finished


def _nothing() -> Any:
    import altair as alt

    words = alt.Chart(alt.InlineData([{}])).mark_text(text="There is nothing to draw.", align="left", color=MUTED)
    return alt.layer(words.encode(x=alt.value(0)))


def styled(chart: Any, title: str) -> Any:
    """Give a chart of any kind its title and style."""
    made = chart.properties(title=title, padding=14, config=_config())
    # Altair writes data into a page's script unescaped: a name that contains "</script>" would end the script.
    spec = json.dumps(made.to_dict(validate=False), ensure_ascii=False)
    escaped = _TAG.sub("‹", spec)
    return made if escaped == spec else type(made).from_dict(json.loads(escaped))


def _config() -> alt.Config:
    import altair as alt

    # One object: each of Altair's configure_… methods would copy the chart with its data.
    return alt.Config(
        background=PAPER,
        font=_FONT,
        title=alt.TitleConfig(color=INK, fontSize=15, fontWeight=600, anchor="start", offset=14),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor=MUTED,
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelFontSize=12,
        ),
        axisY=alt.AxisConfig(grid=False, ticks=False, domain=False, labelPadding=8, labelLimit=320),
        legend=alt.LegendConfig(labelColor=INK, titleColor=MUTED, labelFontSize=12),
        text=alt.MarkConfig(fontSize=12),
        view=alt.ViewConfig(stroke=None),
    )


def agent_colours(names: Iterable[str]) -> alt.Scale:
    """Return a scale with one colour per agent: the same in every chart of the same agents."""
    import altair as alt

    known = sorted(set(names))
    return alt.Scale(domain=known, range=[PALETTE[i % len(PALETTE)] for i in range(len(known))])


def rates(data: pd.DataFrame, row: str, order: list[str], n: str, title: str) -> Any:
    """Return a bar per row for ``win_rate``, with its counts, and the interval from low to high if there is one."""
    import altair as alt

    rows = zip(data["win_rate"], data["wins"], data[n], strict=True)
    shown = [(rate, f"{wins:,.1f}".removesuffix(".0"), count) for rate, wins, count in rows]
    data = data.assign(
        label=[f"{rate:.0%} ({wins} of {count:,})" if count else "no contests" for rate, wins, count in shown]
    )
    ends = percent_ends(data) if "low" in data else [""] * len(data)
    data = say(data, row, [f"{label}{end}" for label, end in zip(data["label"], ends, strict=True)])
    x = alt.X("win_rate:Q", title=title, scale=alt.Scale(domain=[0, 1])).axis(format="%")
    base = alt.Chart(data).encode(y=alt.Y(f"{row}:N", sort=order, title=None), **SAID)
    layers = [base.mark_bar(color=BLUE, height={"band": 0.6}).encode(x=x)]
    if "low" in data:
        layers.append(base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q"))
    return alt.layer(*layers, label(base, WIDTH))


# What a mark says when the pointer is on it, and to screen readers; the Explorer opens what its first part names.
SAID = {"tooltip": "said:N", "description": "said:N"}


def say(data: pd.DataFrame, row: str, words: Iterable[str]) -> pd.DataFrame:
    """Return the data with what each mark says: its row's name, then the words."""
    return data.assign(said=[f"{name}: {text}" for name, text in zip(data[row], words, strict=True)])


def percent_ends(data: pd.DataFrame) -> list[str]:
    """Return each interval of shares in words; nothing where it is not known."""
    rows = zip(data["low"], data["high"], strict=True)
    return [f"; 95% interval {low:.0%} to {high:.0%}" if low == low and low is not None else "" for low, high in rows]


def bars(data: pd.DataFrame, row: str, order: list[str], x: alt.X, colour: alt.Color) -> Any:
    """Return a bar per row, with ``label`` behind its end."""
    import altair as alt

    data = say(data, row, data["label"])
    base = alt.Chart(data).encode(y=alt.Y(f"{row}:N", sort=order, title=None), **SAID)
    bars = base.mark_bar(height={"band": 0.6}).encode(x=x, color=colour)
    label = base.mark_text(align="left", dx=6, color=INK).encode(x=x.shorthand, text="label:N")
    return alt.layer(bars, label)


def stacked(
    data: pd.DataFrame,
    row: str,
    order: list[str],
    kind: str,
    size: str,
    colours: dict[str, str],
    share: bool = False,
) -> Any:
    """Return a bar per row, divided by kind, with the numbers in it: as long as their sum, or all as long as 100%."""
    import altair as alt

    # The numbers of a frame without rows have no type.
    data = data[[row, kind, size]].astype({size: "int64"}).assign(rank=data[kind].map(list(colours).index))
    data = data.sort_values([row, "rank"])
    sums = data.groupby(row)[size].transform("sum")
    data = data.assign(length=data[size] / sums if share else data[size])
    longest = 1 if share or data.empty else sums.max()
    data = data.assign(
        middle=data.groupby(row)["length"].cumsum() - data["length"] / 2,
        colour=data[kind].map(colours),
        # A number that does not fit into its part of the bar is not drawn.
        label=[f"{n:,}" if a >= longest / 25 else "" for n, a in zip(data[size], data["length"], strict=True)],
    )
    said = zip(data[kind], data[size], data[size] / sums, strict=True)
    data = say(data, row, [f"{n:,} {size}, {part:.0%} of its row; {kind}: {word}" for word, n, part in said])
    x = alt.X("length:Q", title=size).axis(format=",d", tickMinStep=1)
    if share:
        title = f"share of the {size} (in the bar: how many)"
        x = alt.X("length:Q", title=title, scale=alt.Scale(domain=[0, 1])).axis(format="%")
    base = alt.Chart(data).encode(y=alt.Y(f"{row}:N", sort=order, title=None), **SAID)
    colour = alt.Color(f"{kind}:N", scale=word_colours(colours, data[kind]), title=None)
    bars = base.mark_bar(height={"band": 0.6}).encode(x=x, color=colour, order="rank:O")
    # Black can be read on every colour but the dark ones.
    ink = alt.condition(
        alt.FieldOneOfPredicate("colour", [BLUE, SEVERITIES["critical"], SEVERITIES["error"]]),
        alt.value("#ffffff"),
        alt.value("#000000"),
    )
    return alt.layer(bars, base.mark_text().encode(x="middle:Q", text="label:N", color=ink))


def points(
    data: pd.DataFrame,
    row: str,
    x: alt.X,
    ends: tuple[str, str],
    *,
    colour: alt.Color | None = None,
    line: str = INK,
    zero: bool = False,
    width: float = WIDTH,
) -> list[Any]:
    """Return the layers of a point per row, with the line of its interval, and ``label`` at the right edge."""
    import altair as alt

    low, high = ends
    unbounded = data["open"] if "open" in data else [False] * len(data)
    spans = zip(data["label"], data[low], data[high], unbounded, strict=True)
    words = [
        f"{label}; 95% interval {_number(a)} {'and more' if is_open else f'to {_number(b)}'}"
        for label, a, b, is_open in spans
    ]
    data = say(data, row, words)
    base = alt.Chart(data).encode(y=alt.Y(f"{row}:N", sort=data[row].tolist(), title=None), **SAID)
    lines = base.mark_rule(color=line, strokeWidth=1.5 if colour is None else 2).encode(x=f"{low}:Q", x2=f"{high}:Q")
    dots = base.mark_circle(color=BLUE, size=90, opacity=1).encode(x=x)
    if colour is not None:
        lines, dots = lines.encode(color=colour), dots.encode(color=colour)
    at_zero = alt.Chart(alt.InlineData([{}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x=alt.datum(0))
    return [*([at_zero] if zero else []), lines, dots, label(base, width)]


def _number(value: float | None) -> str:
    return "not known" if value is None or value != value else number(value, ".3g")


def label(base: alt.Chart, width: float) -> alt.Chart:
    """Return ``label`` at the right edge, where no bar and no interval can cross it."""
    import altair as alt

    shown: alt.Chart = base.mark_text(align="left", dx=8, color=INK).encode(x=alt.value(width), text="label:N")
    return shown


def word_colours(colours: dict[str, str], used: pd.Series[Any]) -> alt.Scale:
    """Return the colours of the words that occur, in the order of `colours`."""
    import altair as alt

    seen = [word for word in colours if word in set(used)]
    return alt.Scale(domain=seen, range=[colours[word] for word in seen])


def powers_of_ten(counts: pd.Series[int]) -> list[int]:
    """Return the values of a logarithmic axis that reaches the largest count."""
    top = int(counts.max()) if len(counts) else 1
    return [0, *(10**power for power in range(len(str(top)) + 1) if 10**power <= top * 2)]


def svg(chart: Any, width: int = 0) -> str:
    """Return a chart as SVG, at most `width` pixels wide if it can be made so narrow (0: as it is). Reads only."""
    spec = _stable(chart.to_dict(validate=False))
    drawn = _fit(spec, width)
    if width and _width_of(drawn) > width:
        # Its marks still tell what the labels at the right edge say.
        drawn = _fit(_without_labels(spec), width)
    return drawn.replace("<svg ", f'<svg style="min-width:{min(_width_of(drawn), width or 520):.0f}px" ', 1)


def _fit(spec: dict[str, Any], width: int) -> str:
    """Return a chart as SVG, with narrower plots if it is too wide. Labels and legends keep their size."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4")
    excess = _width_of(drawn) - width
    if width and excess > 0:
        ratio = max(NARROWEST / WIDTH, 1 - excess / WIDTH)
        drawn = vl_convert.vegalite_to_svg(_narrowed(spec, ratio), vl_version="6.4")
    return drawn


def _without_labels(spec: Any) -> Any:
    """Return a chart without the texts at the right edges of its plots."""
    if isinstance(spec, list):
        return [_without_labels(item) for item in spec if not _is_label(item)]
    if isinstance(spec, dict):
        return {key: value if key == "datasets" else _without_labels(value) for key, value in spec.items()}
    return spec


def _is_label(layer: Any) -> bool:
    mark = layer.get("mark", {}) if isinstance(layer, dict) else {}
    x = layer.get("encoding", {}).get("x", {}) if isinstance(layer, dict) else {}
    return isinstance(mark, dict) and mark.get("type") == "text" and "value" in x


def _width_of(drawn: str) -> float:
    found = re.search(r'<svg [^>]*?width="([\d.]+)"', drawn)
    return float(found[1]) if found else 0.0


def _narrowed(spec: Any, ratio: float) -> Any:
    """Return a chart whose plots, and what stands at their right edges, are narrower."""
    if isinstance(spec, list):
        return [_narrowed(item, ratio) for item in spec]
    if not isinstance(spec, dict):
        return spec
    made: dict[str, Any] = {}
    for key, value in spec.items():
        sized = isinstance(value, int | float) and not isinstance(value, bool) and value > 100
        if key == "datasets":
            made[key] = value
        elif key in ("width", "value") and sized:
            made[key] = round(value * ratio)
        elif key == "title" and isinstance(value, str) and len(value) > _LINE:
            made[key] = textwrap.wrap(value, _LINE)
        else:
            made[key] = _narrowed(value, ratio)
    return made


def bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return a chart in the formats that JupyterLab and reports show; one without rows is a line. Reads only."""
    import vl_convert

    title = spec.get("title", "")
    said = title if isinstance(title, str) else title.get("text", "")
    if spec.get("usermeta") == {"empty": True}:
        line = f"{said}: there is nothing to draw."
        return {"text/html": f'<p class="nothing">{text(line)}</p>', "text/plain": line}
    spec = _stable(spec)
    return {
        _LAB_MIME: _for_lab(spec, said),
        "image/svg+xml": vl_convert.vegalite_to_svg(spec, vl_version="6.4"),
        "text/plain": f"Chart: {said}" if said else "Chart",
    }


def _stable(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a chart whose bytes depend on what is seen only: numbers are rounded, data sets are numbered."""
    text = json.dumps(_rounded(spec))
    for n, name in enumerate(spec.get("datasets", ())):  # Altair names a data set after the unrounded content
        text = text.replace(name, f"data-{n}")
    stable: dict[str, Any] = json.loads(text)
    return stable


def _rounded(value: Any) -> Any:
    # Sums that are computed in parallel differ in their last digit.
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _for_lab(spec: dict[str, Any], title: str) -> dict[str, Any]:
    """Return a chart in the colours of JupyterLab's theme, with a description for screen readers."""
    text = json.dumps(spec)
    for colour, themed in _LAB_COLOURS.items():
        text = text.replace(f'"{colour}"', f'"{themed}"')
    return {
        **json.loads(text),
        "$schema": _LAB_SCHEMA,
        "description": f"Chart: {title}",
        "usermeta": {"embedOptions": {"renderer": "svg"}},
    }
