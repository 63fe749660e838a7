"""Charts for a decision: what quality costs, and what more contests would tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtools.show import style
from dbtools.show.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, ROW, VERMILION

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


def frontier(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the adjusted mean of each agent against its cost, and the line of those that no other beats. Reads only.

    `frame` has agent, adjusted, dollars and frontier, as `Recommendation.frame`.
    """
    import altair as alt

    data = frame[frame["dollars"].notna()][["agent", "adjusted", "dollars", "frontier"]]
    data = data.assign(each=1000 * data["dollars"].astype(float), best=data["frontier"].fillna(False).astype(bool))
    data = data.drop(columns=["dollars", "frontier"]).sort_values("each")
    x = alt.X("each:Q", title="US dollars per 1,000 prompts", scale=alt.Scale(zero=False, padding=40))
    y = alt.Y(
        "adjusted:Q", title="mean total of 50, every agent on the same prompts", scale=alt.Scale(zero=False, padding=20)
    )
    base = alt.Chart(data).encode(x=x, y=y)
    line = base.transform_filter("datum.best").mark_line(color=GREY, strokeDash=[4, 3])
    colour = alt.condition("datum.best", alt.value(GREEN), alt.value(GREY))
    dots = base.mark_circle(size=120, opacity=1).encode(color=colour)
    names = base.mark_text(dy=-14, color=INK).encode(text="agent:N")
    title = "Cost against quality (green: no agent is both cheaper and better)"
    return style.finish(alt.layer(line, dots, names), title, 9 if len(data) else 0)


def power(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the chance that the best agent is called so against the number of contests. Reads only.

    `frame` has lead, contests, power and today, as `Recommendation.plan_frame`.
    """
    import altair as alt

    data = frame[["lead", "contests", "power"]]
    leads = list(dict.fromkeys(data["lead"]))
    colours = [BLUE, ORANGE, VERMILION]
    if "today's leads" in leads:
        colours = [INK, *colours, GREEN]
    x = alt.X("contests:Q", title="contests with the closest rival", scale=alt.Scale(type="log", nice=False))
    y = alt.Y("power:Q", title="chance of a clear answer", scale=alt.Scale(domain=[0, 1])).axis(format="%")
    lead = alt.Color(
        "lead:N",
        title="true lead over each rival",
        sort=leads,
        scale=alt.Scale(domain=leads, range=colours[: len(leads)]),
    )
    lines = alt.Chart(data).mark_line(strokeWidth=2).encode(x=x.axis(tickCount=6, grid=False), y=y, color=lead)
    today = frame[frame["today"]].head(1)[["contests"]]
    now = alt.Chart(today).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x="contests:Q")
    n = int(today["contests"].iloc[0]) if len(today) else 0
    words = alt.Chart(today.assign(label=f"today: {n:,}")).mark_text(align="left", dx=5, color=MUTED)
    aim = alt.Chart(alt.InlineData([{"aim": 0.8}])).mark_rule(color=GREY, strokeDash=[1, 3]).encode(y="aim:Q")
    layers = alt.layer(aim, lines, now, words.encode(x="contests:Q", y=alt.value(-6), text="label:N"))
    return style.finish(
        layers, "Chance of a clear answer, by number of contests (dotted: 80%)", 300 // ROW if len(data) else 0
    )
