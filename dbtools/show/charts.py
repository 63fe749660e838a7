"""Altair charts, drawn from aggregated numbers and known words only.

Most have one of the three shapes of `dbtools.show.style`: bars, stacked bars, and points with intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.analysis.multiverse import GENERATED
from dbtools.html import number, p_value
from dbtools.show import style
from dbtools.show.decision_charts import frontier, power
from dbtools.show.evolution_charts import agents_over_time, chains, change_types
from dbtools.show.style import (
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    ROW,
    SEVERITIES,
    SKY,
    VERMILION,
    WIDTH,
    YELLOW,
    enable,
)

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = [
    "agents_over_time",
    "chains",
    "change_types",
    "cost_and_quality",
    "cost_by_day",
    "cost_per_win",
    "distributions",
    "enable",
    "findings",
    "forest",
    "frontier",
    "health",
    "power",
    "provenance",
    "risk_scores",
    "risks",
    "score_scales",
    "specification_curve",
    "votes",
    "win_rates",
]

# Only these words are drawn. Any other word that a column holds is drawn as "other".
_RISKS = {
    "safe": GREEN,
    "low-risk": SKY,
    "medium-risk": YELLOW,
    "high-risk": ORANGE,
    "blocked": VERMILION,
    "other": GREY,
}
_CHOICES = ("multi", "single", "original")
_PROVENANCES = {"real": GREEN, "generated": ORANGE, "placeholder": PURPLE, "unknown": GREY}
_SCALES = {
    "judge": BLUE,
    "heuristic": SKY,
    "self": PURPLE,
    "synthetic": ORANGE,
    "unknown": GREY,
    "unit": GREEN,
    "stuck": YELLOW,
}
_SOUND, _NOT_APPLICABLE = "nothing found", "not applicable"
_DAY = "%Y-%m-%d"
_MOST_SOURCES, _MOST_PAIRS = 20, 15


def win_rates(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw each agent's win rate, with the contests it rests on. Reads only.

    `frame` has agent, contests, wins, win_rate (0 to 1), and may have low and high, the ends of an interval.
    """
    columns = ["agent", "contests", "wins", "win_rate", *(c for c in ("low", "high") if c in frame)]
    data = frame[columns].sort_values(["win_rate", "agent"], ascending=[False, True])
    share = "share of its contests that the agent won" + (" (line: 95% interval)" if "low" in data else "")
    rates = style.rates(data, "agent", data["agent"].tolist(), "contests", share)
    title = f"Who wins (up to {data['contests'].max():,} contests per agent)" if len(data) else "Who wins (no contests)"
    return style.finish(rates, title, len(data))


def votes(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw which answer users chose, with 95% intervals. Reads only.

    `frame` has kind, name, n, wins, win_rate, low and high, as `Usage.feedback`.
    """
    data = frame[(frame["kind"] == "choice") & frame["name"].isin(_CHOICES)]
    data = data[["name", "n", "wins", "win_rate", "low", "high"]]
    rates = style.rates(data, "name", list(_CHOICES), "n", "share of the votes (line: 95% interval)")
    n = int(data["n"].max()) if len(data) else 0
    return style.finish(rates, f"What users choose (n = {n:,} votes)", len(data))


def findings(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how much each audit check found, coloured by severity. Reads only.

    `frame` has check, severity (critical, error, warning, info) and count (missing where a check does not apply).
    """
    import altair as alt

    rank = {severity: i for i, severity in enumerate(SEVERITIES)}
    data = frame[["check", "severity", "count"]]
    data = data[data["count"] > 0].assign(rank=lambda d: d["severity"].map(rank))
    data = data.sort_values(["rank", "count", "check"], ascending=[True, False, True]).drop(columns="rank")
    data = data.assign(label=[f"{n:,}" for n in data["count"]])
    # Counts differ by orders of magnitude. A symlog scale shows 1 beside 10,000 and starts at 0.
    count = alt.X("count:Q", title="found (log scale)", scale=alt.Scale(type="symlog", domainMin=0))
    count = count.axis(format=",d", values=style.powers_of_ten(data["count"]))
    colour = alt.Color("severity:N", scale=style.word_colours(SEVERITIES, data["severity"]), title="severity")
    title = f"What the audit found ({len(data)} of {int(frame['count'].notna().sum())} checks found something)"
    return style.finish(style.bars(data, "check", data["check"].tolist(), count, colour), title, len(data))


def risks(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many checked inputs have which label, and how many of them were blocked. Reads only.

    `frame` has kind, name, n and blocked, as `Usage.security`.
    """
    import altair as alt

    data = frame[frame["kind"] == "label"][["name", "n", "blocked"]]
    data = data.assign(name=data["name"].where(data["name"].isin(_RISKS), "other"))
    data = data.groupby("name", as_index=False, sort=False).sum()
    rows = zip(data["n"], data["blocked"], strict=True)
    data = data.assign(label=[f"{n:,} ({blocked:,} blocked)" for n, blocked in rows])
    colours = style.word_colours(_RISKS, data["name"])
    count = alt.X("n:Q", title="inputs", axis=alt.Axis(tickMinStep=1, format=",d"))
    bars = style.bars(data, "name", list(colours.domain), count, alt.Color("name:N", scale=colours, legend=None))
    return style.finish(bars, f"Inputs checked for risk (n = {int(data['n'].sum()):,})", len(data))


def provenance(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw which share of each relation is real, generated, placeholder or unknown, with the counts. Reads only.

    `frame` has relation, provenance and rows.
    """
    totals = frame.groupby("relation", sort=False)["rows"].sum()
    data = frame[frame["rows"] > 0]
    bars = style.stacked(data, "relation", list(totals.index), "provenance", "rows", _PROVENANCES, share=True)
    return style.finish(bars, f"Where the rows come from (n = {int(totals.sum()):,})", len(totals))


def health(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many checks of each area found something, by severity, and how many did not. Reads only.

    `frame` has check, severity, area and count (missing where a check does not apply).
    """
    colours = {**SEVERITIES, _SOUND: GREEN, _NOT_APPLICABLE: GRID}
    counts = frame["count"].astype("Float64")
    kinds = frame["severity"].where(counts.fillna(0) > 0, _SOUND).where(counts.notna(), _NOT_APPLICABLE)
    data = frame[["area"]].assign(kind=kinds).groupby(["area", "kind"], as_index=False, sort=False).size()
    data = data.rename(columns={"size": "checks"})
    ranked = data.assign(rank=data["kind"].map(list(colours).index))
    order = list(dict.fromkeys(ranked.sort_values(["rank", "checks"], ascending=[True, False])["area"]))
    found = int((counts.fillna(0) > 0).sum())
    title = f"How healthy each area is ({found} of {int(counts.notna().sum())} checks found something)"
    return style.finish(style.stacked(data, "area", order, "kind", "checks", colours), title, len(order))


def score_scales(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw on which scales the versions of each source were scored. Reads only.

    `frame` has source, scale and versions. Of many sources, those with the most versions are drawn.
    """
    totals = frame.groupby("source")["versions"].sum().sort_values(ascending=False, kind="stable")
    order = list(totals.index[:_MOST_SOURCES])
    data = frame[frame["source"].isin(order)]
    of = f", the {len(order)} largest of {len(totals)} sources" if len(totals) > len(order) else ""
    title = f"On which scale the scores are (n = {int(totals.sum()):,} versions{of})"
    return style.finish(style.stacked(data, "source", order, "scale", "versions", _SCALES), title, len(order))


def forest(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the paired differences with their intervals, the largest first. Reads only.

    `frame` has a, b, n, clusters, difference, low, high, low_clustered, high_clustered and p_holm.
    """
    import altair as alt

    columns = ["difference", "low", "high", "low_clustered", "high_clustered"]
    data = frame.head(_MOST_PAIRS)
    rows = data[["difference", "n", "clusters", "p_holm"]].itertuples(index=False)
    shown = data[columns].assign(
        pair=[f"{a} − {b}" for a, b in zip(data["a"], data["b"], strict=True)],
        label=[
            f"{number(difference, '+.2f')}, Holm-adjusted {p_value(p)} (n = {n:,}, {clusters:,} texts)"
            for difference, n, clusters, p in rows
        ],
    )
    said = "difference in points of 50 (95% intervals: thin clustered by prompt text, thick as if independent)"
    x = alt.X("difference:Q", title=said, scale=alt.Scale(zero=True)).axis(tickCount=8)
    points = style.points(shown, "pair", x, ("low_clustered", "high_clustered"), line=BLUE, zero=True)
    thick = alt.Chart(shown).mark_rule(color=BLUE, strokeWidth=5, opacity=0.55)
    y = alt.Y("pair:N", sort=shown["pair"].tolist(), title=None)
    of = f"{len(shown)} of {len(frame)} pairs" if len(frame) > len(shown) else f"{len(frame)} pairs"
    n = f", up to {frame['n'].max():,} contests each" if len(frame) else ""
    layers = alt.layer(thick.encode(x="low:Q", x2="high:Q", y=y), *points)
    return style.finish(layers, f"Which agent is better, pair by pair ({of}{n})", len(shown))


def specification_curve(frame: pd.DataFrame) -> alt.VConcatChart | alt.LayerChart:
    """Draw the leader's margin over its closest rival under every filter, coloured by who leads. Reads only.

    `frame` has filter, outcome (``total``, or a kind of win), n, clusters, leader, rival, difference, low and high.
    """
    import altair as alt

    if frame.empty:
        return style.finish(None, "Does the result depend on the filter? (no filters)", 0)
    leaders = set(frame["leader"].dropna())
    colours = style.agent_colours({*leaders, *frame["rival"].dropna()})
    totals, ends = frame["outcome"] == "total", ["low", "high"]
    shares = frame[~totals].assign(**frame.loc[~totals, ends].clip(-1, 1))  # no margin is larger
    panels = [
        _margins(frame[totals], "margin in points of 50 (line: 95% interval)", colours),
        _margins(shares, "margin in share of contests won (line: 95% interval)", colours),
    ]
    lacking = frame["leader"].isna()
    same = "the same leader wherever there is one" if lacking.any() else "the same leader throughout"
    same = "no leader as asked" if lacking.iloc[0] else same
    changes = {0: "no filter has a leader", 1: same}.get(len(leaders), f"{len(leaders)} different leaders")
    finished: alt.VConcatChart = style.styled(
        alt.vconcat(*panels, spacing=24), f"Does the result depend on the filter? ({changes})"
    )
    return finished


def _margins(frame: pd.DataFrame, title: str, colours: alt.Scale) -> Any:
    import altair as alt

    columns = ["filter", "leader", "rival", "n", "clusters"]
    data = frame[["filter", "leader", "difference", "low", "high"]].assign(
        label=[
            f"{leader} over {rival}, n = {n:,} ({'no evidence' if name == GENERATED else f'{texts:,} texts'})"
            if isinstance(leader, str)
            else f"no leader, n = {n:,}"
            for name, leader, rival, n, texts in frame[columns].itertuples(index=False)
        ]
    )
    leaders = [name for name in colours.domain if name in set(data["leader"])]
    colour = alt.Color("leader:N", scale=colours, legend=alt.Legend(title="leader", values=leaders))
    x = alt.X("difference:Q", title=title, scale=alt.Scale(padding=8)).axis(tickCount=6)
    layers = style.points(data, "filter", x, ("low", "high"), colour=colour, zero=True, width=WIDTH * 0.75)
    return alt.layer(*layers).properties(width=WIDTH * 0.75, height=max(1, len(data)) * ROW * 0.8)


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
    x = alt.X("cost_per_win:Q", title="US dollars per 1,000 recorded wins (line: 95% interval; ▸: no upper end)")
    points = style.points(data, "agent", x, ("win_low", "end"))
    arrows = alt.Chart(data).transform_filter("datum.open").mark_text(text="▸", color=INK, fontSize=16)
    y = alt.Y("agent:N", sort=data["agent"].tolist(), title=None)
    n = int(data["contests"].max()) if len(data) else 0
    layers = alt.layer(*points, arrows.encode(x="end:Q", y=y))
    return style.finish(layers, f"What a win costs (up to {n:,} contests per agent)", len(data))


def cost_and_quality(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw what a prompt costs with each agent against the mean total it reaches. Reads only.

    `frame` has agent, prompts, cost, scored, mean_total, total_low and total_high, as `Usage.cost`.
    """
    import altair as alt

    columns = ["agent", "prompts", "cost", "scored", "mean_total", "total_low", "total_high"]
    data = frame[frame["mean_total"].notna()][columns]
    colours = style.agent_colours(data["agent"])
    names = [f"{agent} (n = {n:,})" for agent, n in zip(data["agent"], data["scored"], strict=True)]
    data = data.assign(each=1000 * data["cost"] / data["prompts"], label=names)
    rows = data[["each", "mean_total", "total_low", "total_high", "scored"]].itertuples(index=False)
    words = [
        f"mean total {mean:.1f} of 50, 95% interval {low:.1f} to {high:.1f}, n = {n:,}; ${each:,.2f} per 1,000 prompts"
        for each, mean, low, high, n in rows
    ]
    data = style.say(data, "agent", words).sort_values("agent")
    x = alt.X("each:Q", title="US dollars per 1,000 prompts", scale=alt.Scale(zero=False, padding=20))
    # The names stand in the legend: beside the points, another agent's interval could cross them.
    colour = alt.Color("label:N", title="agent", scale=alt.Scale(domain=data["label"].tolist(), range=colours.range))
    base = alt.Chart(data).encode(x=x, color=colour, **style.SAID)
    y = alt.Y("mean_total:Q", title="mean total of 50 (line: 95% interval)", scale=alt.Scale(zero=False, padding=20))
    lines = base.mark_rule(strokeWidth=1.5).encode(y="total_low:Q", y2="total_high:Q")
    dots = base.mark_circle(size=110, opacity=1).encode(y=y)
    n = int(data["scored"].sum())
    return style.finish(alt.layer(lines, dots), f"Cost against quality (n = {n:,} scored versions)", 9 if n else 0)


def cost_by_day(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw the stored cost of each day. Reads only.

    `frame` has kind, name, calls and cost_usd, as `Usage.tokens`.
    """
    import altair as alt
    import pandas as pd

    days = frame[frame["kind"] == "day"][["name", "calls", "cost_usd"]]
    days = days.assign(day=pd.to_datetime(days["name"], format=_DAY, errors="coerce")).drop(columns="name")
    data = days[days["day"].notna()]
    words = [f"${cost:,.4g} stored for {n:,} calls" for cost, n in zip(data["cost_usd"], data["calls"], strict=True)]
    data = style.say(data.assign(name=data["day"].dt.strftime(_DAY)), "name", words)
    bars = alt.Chart(data).mark_bar(color=BLUE, width={"band": 0.9})
    bars = bars.encode(
        **style.SAID,
        x=alt.X("yearmonthdate(day):T", title="day (UTC)", axis=alt.Axis(format=_DAY, labelOverlap=True)),
        y=alt.Y("cost_usd:Q", title="US dollars, as stored", axis=alt.Axis(grid=True, format="~g")),
    )
    n = int(data["calls"].sum())
    return style.finish(alt.layer(bars), f"Cost by day (n = {n:,} calls on {len(data):,} days)", 7 if len(data) else 0)


def risk_scores(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how the risk scores are distributed, in bands of ten. Reads only.

    `frame` has kind, name, n and blocked, as `Usage.security`.
    """
    import altair as alt

    data = frame[(frame["kind"] == "score") & (frame["name"] != "(none)")][["name", "n", "blocked"]]
    data = data.assign(passed=data["n"] - data["blocked"])
    long = data.melt(id_vars="name", value_vars=["passed", "blocked"], var_name="outcome", value_name="inputs")
    long = style.say(long, "name", [f"{n:,} {word}" for n, word in zip(long["inputs"], long["outcome"], strict=True)])
    bands = [f"{low:02d}–{low + 10}" for low in range(0, 100, 10)]
    colours = alt.Scale(domain=["passed", "blocked"], range=[SKY, VERMILION])
    bars = alt.Chart(long).mark_bar(width={"band": 0.9})
    bars = bars.encode(
        **style.SAID,
        x=alt.X("name:O", scale=alt.Scale(domain=bands), title="risk score (0–100)", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("inputs:Q", title="inputs", axis=alt.Axis(grid=True, tickMinStep=1, format=",d")),
        color=alt.Color("outcome:N", scale=colours, title="outcome"),
    )
    n = int(data["n"].sum())
    return style.finish(alt.layer(bars), f"Risk scores (n = {n:,})", 7 if n else 0)


def distributions(frame: pd.DataFrame) -> alt.FacetChart | alt.LayerChart:
    """Draw how each agent's scores are spread, a panel per agent and dimension. Reads only.

    `frame` has agent, dimension, bin (the lower end of half a point) and rows.
    """
    import altair as alt

    title = "How the scores of 0–10 are spread (height: share of scored versions)"
    if frame.empty:
        return style.finish(None, title, 0)
    totals = frame.groupby(["agent", "dimension"])["rows"].transform("sum")
    data = frame[["bin", "rows"]].assign(
        panel=[f"{agent} (n = {n:,})" for agent, n in zip(frame["agent"], totals, strict=True)],
        dimension=frame["dimension"].str.replace("_", " "),
        share=frame["rows"] / totals,
        end=frame["bin"] + 0.5,
    )
    rows = zip(data["dimension"], data["bin"], data["rows"], data["share"], strict=True)
    words = [f"{name} {low:g} to {low + 0.5:g}, {n:,} versions, {share:.0%}" for name, low, n, share in rows]
    data = style.say(data, "panel", words)
    score = alt.X("bin:Q", title=None, scale=alt.Scale(domain=[0, 10]), axis=alt.Axis(values=[0, 5, 10], grid=True))
    axis = alt.Axis(format="%", tickCount=2, labelPadding=3)
    share = alt.Y("share:Q", title=None, scale=alt.Scale(zero=True), axis=axis)
    bars = alt.Chart(data).mark_bar(color=BLUE).encode(x=score, x2="end:Q", y=share, y2=alt.datum(0), **style.SAID)
    beside = alt.Header(title=None, labelAngle=0, labelAlign="left", labelFontSize=12, labelColor=INK)
    above = alt.Header(title=None, labelFontSize=12, labelColor=INK)
    row, column = alt.Row("panel:N", header=beside), alt.Column("dimension:N", header=above)
    facets = bars.properties(width=104, height=56).facet(row=row, column=column, spacing=14)
    finished: alt.FacetChart = style.styled(facets, title)
    return finished
