"""Charts of prompts over their versions and of agents over time, drawn from numbers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.analysis.trend import FEWEST_TIMES
from dbtools.html import number, p_value
from dbtools.show.charts import _INK, _WIDTH, BLUE, DAY, GREY, _by_agent, _finish

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from dbtools.analysis import Evolution
    from dbtools.analysis.chains import PromptTrend

_PANELS, _PANEL = 4, 190
_TYPES = ("structure", "wording", "length", "other", "unknown")


def chains(result: Evolution, order: str = "chain") -> alt.VConcatChart | alt.LayerChart:
    """Draw the marks of the longest runs in their order, with the Theil–Sen line and its 95% band. Reads only.

    `order` is ``chain`` (position in the chain) or ``clock`` (when a version was made). Four prompts are drawn at most,
    those that can be judged if there are any, each named by the start of its id; a line needs five distinct times.
    """
    import altair as alt

    runs = [p for p in result.prompts if p.used > 1]
    drawn = ([p for p in runs if p.trend_chain.times >= FEWEST_TIMES] or runs[:2])[:_PANELS]
    panels = [_panel(result.timeline, p, order) for p in drawn]
    said = "along the chain" if order == "chain" else "by the clock"
    title = f"Marks {said} ({len(drawn)} of {len(result.prompts):,} prompts)"
    plain = _finish(None, f"Marks {said} (no chains)", 0)
    if not panels:
        return plain
    column: alt.VConcatChart = alt.vconcat(*panels, spacing=14).properties(title=title, padding=14)
    column.config = plain.config  # a column of panels looks like any other chart, but takes no width
    return column


def _panel(timeline: pd.DataFrame, prompt: PromptTrend, order: str) -> Any:
    import altair as alt
    import pandas as pd

    run = timeline[timeline["used"] & (timeline["prompt_id"] == prompt.prompt_id)]
    found, at, unit, days = prompt.trend_chain, run["position"], "position in the chain", 1.0
    if order == "clock":
        run = run[run["created_at"].notna()]
        found = prompt.trend_clock
        at, unit, days = _elapsed(run["created_at"])
    points = pd.DataFrame({"at": at.astype(float), "mark": run["mark"]})
    axis = (
        alt.Axis(values=sorted(set(points["at"])), format="d") if order == "chain" and len(points) <= 12 else alt.Axis()
    )
    x = alt.X("at:Q", title=unit, scale=alt.Scale(zero=False, nice=False, padding=8), axis=axis)
    name = f"mark, {prompt.scale} scale"
    y = alt.Y("mark:Q", title=name, scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(grid=True))
    layers, slope = [], ""
    if found.slope is not None and found.low is not None and found.high is not None and found.times >= FEWEST_TIMES:
        base = alt.Chart(_band(points, (found.low, found.slope, found.high), days)).encode(x=x)
        layers.append(base.mark_area(color=BLUE, opacity=0.18).encode(y=alt.Y("low:Q", title=name), y2="high:Q"))
        layers.append(base.mark_line(color=BLUE, strokeWidth=2).encode(y="line:Q"))
        per = "per version" if order == "chain" else "per day"
        best, low, high = (number(value, "+.3g") for value in (found.slope, found.low, found.high))
        slope = f"; {best} {per} ({low} to {high})"
    dots = alt.Chart(points).mark_circle(color=_INK, size=50, opacity=0.75).encode(x=x, y=y)
    said = f"prompt {prompt.prompt_id[:8]}, n = {len(points):,}: {found.verdict}{slope}"
    title = alt.TitleParams(said, fontSize=12, fontWeight="normal", anchor="start", offset=6)
    return alt.layer(*layers, dots).properties(title=title, width=_WIDTH, height=_PANEL)


def _elapsed(times: pd.Series[Any]) -> tuple[pd.Series[Any], str, float]:
    """Return times since the first in a unit that suits their span, its name, and how many days it has."""
    since = (times - times.min()).dt.total_seconds()
    span = float(since.max()) if len(since) else 0.0
    units = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
    name, seconds = next(((n, s) for n, s in units if span >= 3 * s), units[-1])
    return since / seconds, f"{name} since the first version", seconds / 86_400


def _band(points: pd.DataFrame, slopes: tuple[float, float, float], unit: float) -> pd.DataFrame:
    """Return the line through the medians, and how far the interval of its slope fans out."""
    import pandas as pd

    at, middle = points["at"], float(points["mark"].median())
    ends = [float(at.min()), float(at.median()), float(at.max())]
    low, line, high = ([middle + slope * unit * (end - ends[1]) for end in ends] for slope in slopes)
    around = [sorted(pair) for pair in zip(low, high, strict=True)]
    return pd.DataFrame({"at": ends, "low": [a for a, _ in around], "line": line, "high": [b for _, b in around]})


def agents_over_time(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the mean total of each agent per period, with twice its standard error and how many versions. Reads only.

    `frame` has agent, scale, period, n, mean_total and se; the scale with the most versions is drawn.
    """
    import altair as alt

    sizes = frame.groupby("scale")["n"].sum().sort_values(ascending=False, kind="stable")
    scale = str(sizes.index[0]) if len(sizes) else ""
    data = frame[frame["scale"] == scale][["agent", "period", "n", "mean_total", "se"]]
    reach = 2 * data["se"].fillna(0)
    data = data.assign(low=data["mean_total"] - reach, high=data["mean_total"] + reach).drop(columns="se")
    colours = _by_agent(data["agent"])
    base = alt.Chart(data).encode(
        x=alt.X(
            "yearmonthdate(period):O",
            title="period from (UTC)",
            axis=alt.Axis(format=DAY, labelAngle=0, labelOverlap=True),
        ),
        xOffset=alt.XOffset("agent:N", sort=colours.domain),
        color=alt.Color("agent:N", scale=colours, title="agent"),
    )
    title = "mean total of 50 (line: ± 2 standard errors)"
    mean = base.mark_circle(size=60, opacity=1).encode(
        y=alt.Y("mean_total:Q", title=title, scale=alt.Scale(zero=False, padding=18))
    )
    error = base.mark_rule(strokeWidth=1.5).encode(y="low:Q", y2="high:Q")
    label = base.mark_text(dy=-8, baseline="bottom").encode(y="high:Q", text="n:Q", color=alt.value(_INK))
    n = int(data["n"].sum())
    said = f"Agents over time (n = {n:,} versions, {scale} scale)" if n else "Agents over time (no versions)"
    return _finish(alt.layer(error, mean, label), said, 9 if n else 0)


def change_types(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the effect of each type of change with its 95% interval. Reads only.

    `frame` has scale, change_type, n, effect, low, high and p, as `Evolution.change_effects`.
    """
    import altair as alt

    data = frame[frame["effect"].notna()][["scale", "change_type", "n", "effect", "low", "high", "p"]]
    data = data.assign(change_type=data["change_type"].where(data["change_type"].isin(_TYPES), "another"))
    rows = zip(data["change_type"], data["scale"], data["n"], strict=True)
    data = data.assign(
        row=[f"{kind} ({scale}, n = {n:,})" for kind, scale, n in rows],
        label=[f"{number(effect, '+.2f')}, {p_value(p)}" for effect, p in zip(data["effect"], data["p"], strict=True)],
    )
    base = alt.Chart(data).encode(y=alt.Y("row:N", sort=None, title=None))
    x = alt.X("effect:Q", title="points per dimension above or below the mean of all types (line: 95% interval)")
    zero = alt.Chart(data.head(1)).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.datum(0))
    dots = base.mark_circle(color=BLUE, size=90, opacity=1).encode(x=x)
    lines = base.mark_rule(color=_INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    label = base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH), text="label:N")
    n = int(data["n"].sum())
    title = f"What a type of change does (n = {n:,} changes)" if n else "What a type of change does (cannot be told)"
    return _finish(alt.layer(zero, lines, dots, label), title, len(data))
