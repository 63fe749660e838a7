"""Altair charts, drawn from aggregated numbers only, and the renderer that shows them everywhere offline."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

# Okabe & Ito's colours: told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, YELLOW = "#0072b2", "#e69f00", "#009e73", "#f0e442"
SKY, VERMILION, PURPLE, GREY = "#56b4e9", "#d55e00", "#cc79a7", "#8c959f"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW, GREY)
SEVERITIES = {"critical": VERMILION, "error": ORANGE, "warning": SKY, "info": GREY}

_PAPER, _INK, _QUIET, _GRID = "#fffffe", "#1f2328", "#59636e", "#d8dee4"
DARK = {_PAPER: "#0d1117", _INK: "#e6edf3", _QUIET: "#9198a1", _GRID: "#30363d"}
"""What a page in dark mode shows instead of the paper, ink and grid of a chart."""

# The page's own SVG engine understands the Vega-Lite that Altair writes; JupyterLab brings version 5.
_LAB_MIME = "application/vnd.vegalite.v5+json"
_LAB_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, DejaVu Sans, Arial, sans-serif"
_WIDTH, _ROW = 560, 30
_TAG = re.compile(r"<(?=[/!?a-zA-Z])")


def enable() -> None:
    """Show charts without a network: interactive in JupyterLab, as SVG in reports. Reads only."""
    import altair as alt

    alt.renderers.register("dbtools", _bundle)
    alt.renderers.enable("dbtools")


def win_rates(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw each agent's win rate, with the contests it rests on. Reads only.

    `frame` has agent, contests, wins, win_rate (0 to 1), and may have low and high, the ends of an interval.
    """
    import altair as alt

    columns = ["agent", "contests", "wins", "win_rate", *(c for c in ("low", "high") if c in frame)]
    data = frame[columns].sort_values(["win_rate", "agent"], ascending=[False, True])
    rows = zip(data["win_rate"], data["wins"], data["contests"], strict=True)
    shown = [(rate, f"{wins:,.1f}".removesuffix(".0"), n) for rate, wins, n in rows]
    data = data.assign(label=[f"{rate:.0%} ({wins} of {n:,})" for rate, wins, n in shown])
    order = data["agent"].tolist()
    interval = {"low", "high"} <= set(columns)
    share = "share of its contests that the agent won" + (" (line: 95% interval)" if interval else "")
    rate = alt.X("win_rate:Q", title=share, scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(data).encode(y=alt.Y("agent:N", sort=order, title=None))
    layers = [base.mark_bar(color=BLUE, height={"band": 0.6}).encode(x=rate.axis(format="%"))]
    if interval:
        layers.append(base.mark_rule(color=_INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q"))
    # At the right edge: there no bar and no interval can run through the words.
    label = base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH), text="label:N")
    title = f"Who wins (up to {data['contests'].max():,} contests per agent)" if order else "Who wins (no contests)"
    return _finish(alt.layer(*layers, label), title, len(data))


def findings(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many rows each audit check found, coloured by severity. Reads only.

    `frame` has check, severity (critical, error, warning, info) and count.
    """
    import altair as alt

    rank = {severity: i for i, severity in enumerate(SEVERITIES)}
    data = frame[["check", "severity", "count"]]
    data = data[data["count"] > 0].assign(rank=lambda d: d["severity"].map(rank))
    data = data.sort_values(["rank", "count", "check"], ascending=[True, False, True])
    data = data.assign(label=[f"{n:,}" for n in data["count"]]).drop(columns="rank")
    seen = [severity for severity in SEVERITIES if severity in set(data["severity"])]
    colours = alt.Scale(domain=seen, range=[SEVERITIES[s] for s in seen])
    base = alt.Chart(data).encode(y=alt.Y("check:N", sort=data["check"].tolist(), title=None))
    # Counts lie orders of magnitude apart; symlog keeps 1 visible beside 10,000 and still starts at 0.
    count = alt.X("count:Q", title="rows found (log scale)", scale=alt.Scale(type="symlog", domainMin=0))
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=count.axis(format=",d", values=_decades(data["count"])),
        color=alt.Color("severity:N", scale=colours, title="severity"),
    )
    label = base.mark_text(align="left", dx=5, color=_INK).encode(x="count:Q", text="label:N")
    title = f"What the audit found ({len(data)} of {len(frame)} checks, {int(data['count'].sum()):,} rows)"
    return _finish(alt.layer(bars, label), title, len(data))


def provenance(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw which share of each relation is real, generated, placeholder or unknown, with the counts. Reads only.

    `frame` has relation, provenance and rows.
    """
    import altair as alt

    colours = {"real": GREEN, "generated": ORANGE, "placeholder": PURPLE, "unknown": GREY}
    data = frame[["relation", "provenance", "rows"]]
    totals = data.groupby("relation", sort=False)["rows"].sum()
    data = data[data["rows"] > 0].assign(place=lambda d: d["provenance"].map(list(colours).index))
    data = data.assign(share=[n / totals[r] for n, r in zip(data["rows"], data["relation"], strict=True)])
    data = data.sort_values(["relation", "place"])
    ends = data.groupby("relation")["share"].cumsum()
    data = data.assign(middle=ends - data["share"] / 2, label=[f"{n:,}" for n in data["rows"]])
    seen = [kind for kind in colours if kind in set(data["provenance"])]
    scale = alt.Scale(domain=seen, range=[colours[kind] for kind in seen])
    base = alt.Chart(data).encode(y=alt.Y("relation:N", sort=list(totals.index), title=None))
    share = alt.X("share:Q", title="share of its rows (in the bar: how many)", scale=alt.Scale(domain=[0, 1]))
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=share.axis(format="%"), color=alt.Color("provenance:N", scale=scale, title="provenance"), order="place:O"
    )
    # Dark words on every colour of the palette: white would be too faint on orange.
    label = base.mark_text(color="#000000").encode(x="middle:Q", text="label:N")
    return _finish(alt.layer(bars, label), f"Where the rows come from (n = {int(totals.sum()):,})", len(totals))


def _decades(counts: pd.Series[int]) -> list[int]:
    top = int(counts.max()) if len(counts) else 1
    return [0, *(10**power for power in range(len(str(top)) + 1) if 10**power <= top * 2)]


def _finish(chart: Any, title: str, rows: int) -> alt.LayerChart:
    finished: alt.LayerChart = _style(chart.properties(width=_WIDTH, height=max(1, rows) * _ROW), title)
    return finished


def _style(chart: Any, title: str) -> Any:
    styled = (
        chart.properties(title=title, padding=14)
        .configure(background=_PAPER, font=_FONT)
        .configure_title(color=_INK, fontSize=15, fontWeight=600, anchor="start", offset=14)
        .configure_axis(
            labelColor=_INK,
            titleColor=_QUIET,
            gridColor=_GRID,
            domainColor=_GRID,
            tickColor=_GRID,
            labelFontSize=12,
        )
        .configure_axisY(grid=False, ticks=False, domain=False, labelPadding=8, labelLimit=320)
        .configure_legend(labelColor=_INK, titleColor=_QUIET, labelFontSize=12)
        .configure_text(fontSize=12)
        .configure_view(stroke=None)
    )
    # Altair writes its data into a page's script as they are: a name with "</script>" in it would end that.
    spec = json.dumps(styled.to_dict(), ensure_ascii=False)
    plain = _TAG.sub("‹", spec)
    return styled if plain == spec else type(styled).from_dict(json.loads(plain))


def _rounded(value: Any) -> Any:
    """Round the numbers of a chart to what can be seen: sums made in parallel differ in their last digit."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def svg(chart: Any) -> str:
    """Return a chart as SVG. Reads only."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(_settled(chart.to_dict(validate=False)), vl_version="6.4")
    return drawn


def _settled(spec: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(_rounded(spec))
    for number, name in enumerate(spec.get("datasets", ())):  # named after their unrounded content
        text = text.replace(name, f"data-{number}")
    settled: dict[str, Any] = json.loads(text)
    return settled


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    import vl_convert

    spec = _settled(spec)
    title = spec.get("title", "")
    text = title if isinstance(title, str) else title.get("text", "")
    return {
        _LAB_MIME: {**spec, "$schema": _LAB_SCHEMA},
        "image/svg+xml": vl_convert.vegalite_to_svg(spec, vl_version="6.4"),
        "text/plain": f"Chart: {text}" if text else "Chart",
    }
