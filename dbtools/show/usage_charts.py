"""Charts of tokens, cost, votes and checked inputs, drawn from numbers and known words only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtools.show.charts import _INK, _WIDTH, BLUE, GREEN, GREY, ORANGE, SKY, VERMILION, YELLOW, _finish

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

# Known labels only: whatever else a column may hold is drawn as "other".
LABELS = {
    "safe": GREEN,
    "low-risk": SKY,
    "medium-risk": YELLOW,
    "high-risk": ORANGE,
    "blocked": VERMILION,
    "other": GREY,
}
CHOICES = ("multi", "single", "original")


def cost_and_quality(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw what a prompt costs with each agent against the mean total it reaches. Reads only.

    `frame` has agent, prompts, cost, scored, mean_total, total_low and total_high, as `Usage.cost`.
    """
    import altair as alt

    columns = ["agent", "prompts", "cost", "scored", "mean_total", "total_low", "total_high"]
    data = frame[frame["mean_total"].notna()][columns]
    names = [f"{agent} (n = {n:,})" for agent, n in zip(data["agent"], data["scored"], strict=True)]
    data = data.assign(each=1000 * data["cost"] / data["prompts"], label=names)
    x = alt.X("each:Q", title="US dollars per 1,000 prompts", scale=alt.Scale(zero=False, padding=60))
    base = alt.Chart(data).encode(x=x)
    y = alt.Y("mean_total:Q", title="mean total of 50 (line: 95% interval)", scale=alt.Scale(zero=False, padding=20))
    lines = base.mark_rule(color=_INK, strokeWidth=1.5).encode(y="total_low:Q", y2="total_high:Q")
    dots = base.mark_circle(color=BLUE, size=110, opacity=1).encode(y=y)
    label = base.mark_text(dy=-6, baseline="bottom", color=_INK).encode(y="total_high:Q", text="label:N")
    n = int(data["scored"].sum())
    return _finish(alt.layer(lines, dots, label), f"Cost against quality (n = {n:,} scored versions)", 9)


def cost_per_win(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw what a win costs with each agent, with its interval; an arrow where it has no upper end. Reads only.

    `frame` has agent, wins, contests, cost_per_win, win_low and win_high, as `Usage.cost`.
    """
    import altair as alt

    costs = ["cost_per_win", "win_low", "win_high"]
    data = frame[frame["cost_per_win"].notna()][["agent", "wins", "contests", *costs]]
    data = data.assign(**{cost: 1000 * data[cost] for cost in costs}).sort_values(["cost_per_win", "agent"])
    reach = 1.15 * float(data[["cost_per_win", "win_high"]].max().max()) if len(data) else 1.0
    rows = zip(data["cost_per_win"], data["wins"], data["contests"], strict=True)
    data = data.assign(
        end=data["win_high"].fillna(reach),
        open=data["win_high"].isna(),
        label=[f"${cost:,.2f} ({wins:,} of {n:,} won)" for cost, wins, n in rows],
    ).drop(columns="win_high")
    base = alt.Chart(data).encode(y=alt.Y("agent:N", sort=data["agent"].tolist(), title=None))
    x = alt.X("cost_per_win:Q", title="US dollars per 1,000 recorded wins (line: 95% interval; ▸: no upper end)")
    lines = base.mark_rule(color=_INK, strokeWidth=1.5).encode(x="win_low:Q", x2="end:Q")
    dots = base.mark_circle(color=BLUE, size=110, opacity=1).encode(x=x)
    arrows = base.transform_filter("datum.open").mark_text(text="▸", color=_INK, fontSize=16).encode(x="end:Q")
    label = base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH), text="label:N")
    n = int(data["contests"].max()) if len(data) else 0
    return _finish(
        alt.layer(lines, dots, arrows, label), f"What a win costs (up to {n:,} contests per agent)", len(data)
    )


def cost_by_day(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the stored cost of each day. Reads only.

    `frame` has kind, name, calls and cost_usd, as `Usage.tokens`.
    """
    import altair as alt
    import pandas as pd

    days = frame[frame["kind"] == "day"][["name", "calls", "cost_usd"]]
    days = days.assign(day=pd.to_datetime(days["name"], format="%Y-%m-%d", errors="coerce")).drop(columns="name")
    data = days[days["day"].notna()]
    bars = (
        alt.Chart(data)
        .mark_bar(color=BLUE, width={"band": 0.9})
        .encode(
            x=alt.X("yearmonthdate(day):T", title="day (UTC)"),
            y=alt.Y("cost_usd:Q", title="US dollars, as stored", axis=alt.Axis(grid=True, format="~g")),
        )
    )
    n = int(data["calls"].sum())
    return _finish(alt.layer(bars), f"Cost by day (n = {n:,} calls on {len(data):,} days)", 7)


def votes(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw which answer users chose, with 95% intervals. Reads only.

    `frame` has kind, name, n, wins, win_rate, low and high, as `Usage.feedback`.
    """
    import altair as alt

    data = frame[(frame["kind"] == "choice") & frame["name"].isin(CHOICES)]
    data = data[["name", "n", "wins", "win_rate", "low", "high"]]
    rows = zip(data["win_rate"], data["wins"], data["n"], strict=True)
    data = data.assign(label=[f"{rate:.0%} ({wins:,} of {n:,})" for rate, wins, n in rows])
    base = alt.Chart(data).encode(y=alt.Y("name:N", sort=list(CHOICES), title=None))
    x = alt.X("win_rate:Q", title="share of the votes (line: 95% interval)", scale=alt.Scale(domain=[0, 1]))
    bars = base.mark_bar(color=BLUE, height={"band": 0.6}).encode(x=x.axis(format="%"))
    lines = base.mark_rule(color=_INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    label = base.mark_text(align="left", dx=8, color=_INK).encode(x=alt.value(_WIDTH), text="label:N")
    n = int(data["n"].max()) if len(data) else 0
    return _finish(alt.layer(bars, lines, label), f"What users choose (n = {n:,} votes)", len(data))


def risks(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many checked inputs have which label, and how many of them were blocked. Reads only.

    `frame` has kind, name, n and blocked, as `Usage.security`.
    """
    import altair as alt

    data = frame[frame["kind"] == "label"][["name", "n", "blocked"]]
    data = data.assign(name=data["name"].where(data["name"].isin(LABELS), "other"))
    data = data.groupby("name", as_index=False, sort=False).sum()
    rows = zip(data["n"], data["blocked"], strict=True)
    data = data.assign(label=[f"{n:,} ({blocked:,} blocked)" for n, blocked in rows])
    seen = [label for label in LABELS if label in set(data["name"])]
    colours = alt.Scale(domain=seen, range=[LABELS[label] for label in seen])
    base = alt.Chart(data).encode(y=alt.Y("name:N", sort=seen, title=None))
    x = alt.X("n:Q", title="inputs", axis=alt.Axis(tickMinStep=1, format=",d"))
    bars = base.mark_bar(height={"band": 0.6}).encode(x=x, color=alt.Color("name:N", scale=colours, legend=None))
    label = base.mark_text(align="left", dx=6, color=_INK).encode(x="n:Q", text="label:N")
    return _finish(alt.layer(bars, label), f"Inputs checked for risk (n = {int(data['n'].sum()):,})", len(data))


def risk_scores(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how the risk scores are distributed, in bands of ten. Reads only.

    `frame` has kind, name, n and blocked, as `Usage.security`.
    """
    import altair as alt

    data = frame[(frame["kind"] == "score") & (frame["name"] != "(none)")][["name", "n", "blocked"]]
    data = data.assign(passed=data["n"] - data["blocked"])
    long = data.melt(id_vars="name", value_vars=["passed", "blocked"], var_name="outcome", value_name="inputs")
    bands = [f"{low:02d}–{low + 10}" for low in range(0, 100, 10)]
    colours = alt.Scale(domain=["passed", "blocked"], range=[SKY, VERMILION])
    bars = (
        alt.Chart(long)
        .mark_bar(width={"band": 0.9})
        .encode(
            x=alt.X("name:O", scale=alt.Scale(domain=bands), title="risk score (0–100)", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("inputs:Q", title="inputs", axis=alt.Axis(grid=True, tickMinStep=1, format=",d")),
            color=alt.Color("outcome:N", scale=colours, title="outcome"),
        )
    )
    return _finish(alt.layer(bars), f"Risk scores (n = {int(data['n'].sum()):,})", 7)
