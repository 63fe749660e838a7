"""Charts of how prompts evolve: along chains, over time, by type of change, and by agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.analysis.trend import FEWEST_TIMES
from dbtools.html import number, p_value
from dbtools.show import style
from dbtools.show.style import BLUE, INK, WIDTH

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from dbtools.analysis import Evolution
    from dbtools.analysis.trend import PromptTrend

_CHANGE_TYPES = ("structure", "wording", "length", "other", "unknown")
_DAY = "%Y-%m-%d"
_MOST_PROMPTS = 4


def change_types(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the effect of each type of change with its 95% interval. Reads only.

    `frame` has scale, change_type, n, effect, low, high and p, as `Evolution.change_effects`.
    """
    import altair as alt

    data = frame[frame["effect"].notna()][["scale", "change_type", "n", "effect", "low", "high", "p"]]
    data = data.assign(change_type=data["change_type"].where(data["change_type"].isin(_CHANGE_TYPES), "another"))
    rows = zip(data["change_type"], data["scale"], data["n"], strict=True)
    data = data.assign(
        row=[f"{kind} ({scale}, n = {n:,})" for kind, scale, n in rows],
        label=[f"{number(effect, '+.2f')}, {p_value(p)}" for effect, p in zip(data["effect"], data["p"], strict=True)],
    )
    x = alt.X("effect:Q", title="points per dimension above or below the mean of all types (line: 95% interval)")
    layers = alt.layer(*style.points(data, "row", x, ("low", "high"), zero=True))
    n = int(data["n"].sum())
    title = f"What a type of change does (n = {n:,} changes)" if n else "What a type of change does (cannot be told)"
    return style.finish(layers, title, len(data))


def agents_over_time(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the mean total of each agent per period, with twice its standard error and how many versions. Reads only.

    `frame` has agent, scale, period, n, mean_total and se. The scale with the most versions is drawn.
    """
    import altair as alt

    sizes = frame.groupby("scale")["n"].sum().sort_values(ascending=False, kind="stable")
    scale = str(sizes.index[0]) if len(sizes) else ""
    data = frame[frame["scale"] == scale][["agent", "period", "n", "mean_total", "se"]]
    reach = 2 * data["se"].fillna(0)
    data = data.assign(low=data["mean_total"] - reach, high=data["mean_total"] + reach).drop(columns="se")
    rows = data[["period", "mean_total", "low", "high", "n"]].itertuples(index=False)
    words = [
        f"from {period:{_DAY}}, mean total {mean:.1f} of 50, ± 2 standard errors {low:.1f} to {high:.1f}, n = {n:,}"
        for period, mean, low, high, n in rows
    ]
    data = style.say(data, "agent", words)
    colours = style.agent_colours(data["agent"])
    axis = alt.Axis(format=_DAY, labelAngle=0, labelOverlap=True)
    base = alt.Chart(data).encode(
        **style.SAID,
        x=alt.X("yearmonthdate(period):O", title="period from (UTC)", axis=axis),
        xOffset=alt.XOffset("agent:N", sort=colours.domain),
        color=alt.Color("agent:N", scale=colours, title="agent"),
    )
    title = "mean total of 50 (line: ± 2 standard errors)"
    y = alt.Y("mean_total:Q", title=title, scale=alt.Scale(zero=False, padding=18))
    error = base.mark_rule(strokeWidth=1.5).encode(y="low:Q", y2="high:Q")
    mean = base.mark_circle(size=60, opacity=1).encode(y=y)
    label = base.mark_text(dy=-8, baseline="bottom").encode(y="high:Q", text="n:Q", color=alt.value(INK))
    n = int(data["n"].sum())
    said = f"Agents over time (n = {n:,} versions, {scale} scale)" if n else "Agents over time (no versions)"
    return style.finish(alt.layer(error, mean, label), said, 9 if n else 0)


def chains(result: Evolution, order: str = "chain") -> alt.VConcatChart | alt.LayerChart:
    """Draw the scores of the longest chains in their order, with the Theil–Sen line and its 95% band. Reads only.

    `order` is ``chain`` (position in the chain) or ``clock`` (when a version was made). At most four prompts are drawn,
    those with a trend if there are any, each named by the start of its id. A line needs five distinct times.
    """
    import altair as alt

    longest = [p for p in result.prompts if p.used > 1]
    drawn = ([p for p in longest if p.trend_chain.times >= FEWEST_TIMES] or longest[:2])[:_MOST_PROMPTS]
    panels = [_chain(result.timeline, p, order) for p in drawn]
    said = "along the chain" if order == "chain" else "over time"
    title = f"Scores {said} ({len(drawn)} of {len(result.prompts):,} prompts)"
    if not panels:
        return style.finish(None, f"Scores {said} (no chains)", 0)
    column: alt.VConcatChart = style.styled(alt.vconcat(*panels, spacing=14), title)
    return column


def _chain(timeline: pd.DataFrame, prompt: PromptTrend, order: str) -> Any:
    import altair as alt
    import pandas as pd

    used = timeline[timeline["used"] & (timeline["prompt_id"] == prompt.prompt_id)]
    trend, at, unit, days = prompt.trend_chain, used["position"], "position in the chain", 1.0
    if order == "clock":
        used = used[used["created_at"].notna()]
        trend = prompt.trend_clock
        at, unit, days = _elapsed(used["created_at"])
    points = pd.DataFrame({"at": at.astype(float), "score": used["score"]})
    named = zip(used["version_id"], used["source"], used["version_no"], used["score"], strict=True)
    words = [
        f"version {i[:8]}: {source or 'no source'}, number {no}, score {score:.2f}" for i, source, no, score in named
    ]
    marks = points.assign(said=words)
    short = order == "chain" and len(points) <= 12
    axis = alt.Axis(values=sorted(set(points["at"])), format="d") if short else alt.Axis()
    x = alt.X("at:Q", title=unit, scale=alt.Scale(zero=False, nice=False, padding=8), axis=axis)
    name = f"score, {prompt.scale} scale"
    # The band is cut where it leaves the picture: slopes between versions that are seconds apart are steep.
    least, most = float(points["score"].min()), float(points["score"].max())
    reach = (most - least) / 2 or 0.5
    shown = alt.Scale(domain=[least - reach, most + reach], zero=False, nice=False)
    y = alt.Y("score:Q", title=name, scale=shown, axis=alt.Axis(grid=True))
    layers, slope = [], ""
    if trend.slope is not None and trend.low is not None and trend.high is not None and trend.times >= FEWEST_TIMES:
        drawn = _band(points, (trend.low, trend.slope, trend.high), days)
        drawn[["low", "line", "high"]] = drawn[["low", "line", "high"]].clip(least - reach, most + reach)
        base = alt.Chart(drawn).encode(x=x)
        band = base.mark_area(color=BLUE, opacity=0.18)
        layers.append(band.encode(y=alt.Y("low:Q", title=name), y2="high:Q"))
        layers.append(base.mark_line(color=BLUE, strokeWidth=2).encode(y="line:Q"))
        per = "per version" if order == "chain" else "per day"
        best, low, high = (number(value, "+.3g") for value in (trend.slope, trend.low, trend.high))
        slope = f"; {best} {per} ({low} to {high})"
    dots = alt.Chart(marks).mark_circle(color=INK, size=50, opacity=0.75).encode(x=x, y=y, **style.SAID)
    said = f"prompt {prompt.prompt_id[:8]}, n = {len(points):,}: {trend.verdict}{slope}"
    title = alt.TitleParams(said, fontSize=12, fontWeight="normal", anchor="start", offset=6)
    return alt.layer(*layers, dots).properties(title=title, width=WIDTH, height=190)


def _elapsed(times: pd.Series[Any]) -> tuple[pd.Series[Any], str, float]:
    """Return times since the first in a unit that suits their span, its name, and how many days it has."""
    since = (times - times.min()).dt.total_seconds()
    span = float(since.max()) if len(since) else 0.0
    units = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
    name, seconds = next(((n, s) for n, s in units if span >= 3 * s), units[-1])
    return since / seconds, f"{name} since the first version", seconds / 86_400


def _band(points: pd.DataFrame, slopes: tuple[float, float, float], unit: float) -> pd.DataFrame:
    """Return the line through the medians, and the band that the interval of its slope spans."""
    import pandas as pd

    at, middle = points["at"], float(points["score"].median())
    ends = [float(at.min()), float(at.median()), float(at.max())]
    low, line, high = ([middle + slope * unit * (end - ends[1]) for end in ends] for slope in slopes)
    around = [sorted(pair) for pair in zip(low, high, strict=True)]
    return pd.DataFrame({"at": ends, "low": [a for a, _ in around], "line": line, "high": [b for _, b in around]})
