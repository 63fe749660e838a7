"""Charts of a comparison of agents: differences, marks, and the headline under every filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.html import number, p_value
from dbtools.show.charts import _INK, _QUIET, _ROW, _WIDTH, BLUE, _by_agent, _finish, _style

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_PAIRS = 15
_PANEL = 104


def forest(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the paired differences with their intervals, the largest first. Reads only.

    `frame` has a, b, n, clusters, difference, low, high, low_clustered, high_clustered and p_holm.
    """
    import altair as alt

    columns = ["difference", "low", "high", "low_clustered", "high_clustered"]
    data = frame.head(_PAIRS)
    shown = data[columns].assign(
        pair=[f"{a} − {b}" for a, b in zip(data["a"], data["b"], strict=True)],
        label=[_label(*row) for row in data[["difference", "n", "clusters", "p_holm"]].itertuples(index=False)],
    )
    base = alt.Chart(shown).encode(y=alt.Y("pair:N", sort=shown["pair"].tolist(), title=None))
    title = "difference in points of 50 (95% intervals: thin clustered by prompt text, thick as if independent)"
    axis = alt.X("low_clustered:Q", title=title, scale=alt.Scale(zero=True)).axis(tickCount=8)
    layers = [
        alt.Chart(alt.InlineData([{"x": 0}])).mark_rule(color=_QUIET, strokeDash=[4, 3]).encode(x="x:Q"),
        base.mark_rule(color=BLUE, strokeWidth=1.5).encode(x=axis, x2="high_clustered:Q"),
        base.mark_rule(color=BLUE, strokeWidth=5, opacity=0.55).encode(x="low:Q", x2="high:Q"),
        base.mark_point(color=BLUE, filled=True, size=70, opacity=1).encode(x="difference:Q"),
        base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH), text="label:N"),
    ]
    of = f"{len(shown)} of {len(frame)} pairs" if len(frame) > len(shown) else f"{len(frame)} pairs"
    n = f", up to {frame['n'].max():,} contests each" if len(frame) else ""
    return _finish(alt.layer(*layers), f"Who is above whom ({of}{n})", len(shown))


def distributions(frame: pd.DataFrame) -> alt.FacetChart | alt.LayerChart:
    """Draw how each agent's marks are spread, a panel per agent and dimension. Reads only.

    `frame` has agent, dimension, bin (the lower end of half a mark) and rows.
    """
    import altair as alt

    title = "How the marks of 0–10 are spread (height: share of scored versions)"
    if frame.empty:
        return _finish(None, title, 0)
    totals = frame.groupby(["agent", "dimension"])["rows"].transform("sum")
    data = frame[["bin", "rows"]].assign(
        panel=[f"{agent} (n = {n:,})" for agent, n in zip(frame["agent"], totals, strict=True)],
        dimension=frame["dimension"].str.replace("_", " "),
        share=frame["rows"] / totals,
        end=frame["bin"] + 0.5,
    )
    mark = alt.X("bin:Q", title=None, scale=alt.Scale(domain=[0, 10]), axis=alt.Axis(values=[0, 5, 10], grid=True))
    share = alt.Y(
        "share:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(format="%", tickCount=2, labelPadding=3)
    )
    bars = alt.Chart(data).mark_bar(color=BLUE).encode(x=mark, x2="end:Q", y=share, y2=alt.datum(0))
    beside = alt.Header(title=None, labelAngle=0, labelAlign="left", labelFontSize=12, labelColor=_INK)
    above = alt.Header(title=None, labelFontSize=12, labelColor=_INK)
    facets = bars.properties(width=_PANEL, height=56).facet(
        row=alt.Row("panel:N", header=beside),
        column=alt.Column("dimension:N", header=above),
        spacing=14,
    )
    finished: alt.FacetChart = _style(facets, title)
    return finished


def specification_curve(frame: pd.DataFrame) -> alt.VConcatChart | alt.LayerChart:
    """Draw the leader's margin over its closest rival under every filter, coloured by who leads. Reads only.

    `frame` has filter, outcome (``total``, or a kind of win), n, clusters, leader, rival, difference, low and high.
    """
    import altair as alt

    if frame.empty:
        return _finish(None, "Does the filter decide? (no filters)", 0)
    leaders = set(frame["leader"].dropna())
    colours = _by_agent({*leaders, *frame["rival"].dropna()})
    points, ends = frame["outcome"] == "total", ["low", "high"]
    shares = frame[~points].assign(**frame.loc[~points, ends].clip(-1, 1))  # no margin is larger
    panels = [
        _curve(frame[points], "margin in points of 50 (line: 95% interval)", colours),
        _curve(shares, "margin in share of contests won (line: 95% interval)", colours),
    ]
    same = "the same leader wherever there is one" if frame["leader"].isna().any() else "the same leader throughout"
    changes = {0: "no filter has a leader", 1: same}.get(len(leaders), f"{len(leaders)} different leaders")
    finished: alt.VConcatChart = _style(alt.vconcat(*panels, spacing=24), f"Does the filter decide? ({changes})")
    return finished


def _curve(frame: pd.DataFrame, title: str, colours: alt.Scale) -> Any:
    import altair as alt

    data = frame[["filter", "leader", "difference", "low", "high"]].assign(
        label=[
            f"{leader} over {rival}, n = {n:,} ({texts:,} texts)"
            if isinstance(leader, str)
            else f"no leader, n = {n:,}"
            for leader, rival, n, texts in frame[["leader", "rival", "n", "clusters"]].itertuples(index=False)
        ]
    )
    base = alt.Chart(data).encode(y=alt.Y("filter:N", sort=data["filter"].tolist(), title=None))
    leaders = [name for name in colours.domain if name in set(data["leader"])]
    colour = alt.Color("leader:N", scale=colours, legend=alt.Legend(title="leader", values=leaders))
    line = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(padding=8)).axis(tickCount=6), x2="high:Q", color=colour
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("difference:Q"), color=colour)
    label = base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH * 0.75), text="label:N")
    zero = alt.Chart(alt.InlineData([{"x": 0}])).mark_rule(color=_QUIET, strokeDash=[4, 3]).encode(x="x:Q")
    return alt.layer(zero, line, dots, label).properties(width=_WIDTH * 0.75, height=max(1, len(data)) * _ROW * 0.8)


def _label(difference: float, n: int, clusters: int, p: float) -> str:
    return f"{number(difference, '+.2f')}, Holm-adjusted {p_value(p)} (n = {n:,}, {clusters:,} texts)"
