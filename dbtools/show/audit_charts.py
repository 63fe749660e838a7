"""Charts of an audit: how healthy each area is, and on which scales the scores are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtools.show.charts import _GRID, BLUE, GREEN, GREY, ORANGE, PURPLE, SEVERITIES, SKY, _finish

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_SOUND, _SILENT = "nothing found", "not applicable"
_FAINT = _GRID
_SCALES = {"judge": BLUE, "heuristic": SKY, "self": PURPLE, "synthetic": ORANGE, "unknown": GREY}
_MOST_SOURCES = 20


def health(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many checks of each area found something, by severity, and how many did not. Reads only.

    `frame` has check, severity, area and count (missing where a check does not apply).
    """
    colours = {**SEVERITIES, _SOUND: GREEN, _SILENT: _FAINT}
    counts = frame["count"].astype("Float64")
    kinds = frame["severity"].where(counts.fillna(0) > 0, _SOUND).where(counts.notna(), _SILENT)
    data = frame[["area"]].assign(kind=kinds).groupby(["area", "kind"], as_index=False, sort=False).size()
    worst = data.assign(place=data["kind"].map(list(colours).index)).sort_values(
        ["place", "size"], ascending=[True, False]
    )
    order = list(dict.fromkeys(worst["area"]))
    hits = int((counts.fillna(0) > 0).sum())
    title = f"How healthy each area is ({hits} of {int(counts.notna().sum())} checks found something)"
    return _stacked(data.rename(columns={"size": "checks"}), "area", order, "kind", "checks", colours, title)


def score_scales(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw on which scales the versions of each source were scored. Reads only.

    `frame` has source, scale and versions; of many sources those with the most versions are drawn.
    """
    totals = frame.groupby("source")["versions"].sum().sort_values(ascending=False, kind="stable")
    order = list(totals.index[:_MOST_SOURCES])
    data = frame[frame["source"].isin(order)].rename(columns={"scale": "kind"})
    of = f", the {len(order)} largest of {len(totals)} sources" if len(totals) > len(order) else ""
    title = f"On which scale the scores are (n = {int(totals.sum()):,} versions{of})"
    return _stacked(data, "source", order, "kind", "versions", _SCALES, title)


def _stacked(
    data: pd.DataFrame, row: str, order: list[str], kind: str, size: str, colours: dict[str, str], title: str
) -> alt.LayerChart:
    import altair as alt

    # A frame without rows knows no type for its numbers.
    data = data[[row, kind, size]].astype({size: "int64"}).assign(place=data[kind].map(list(colours).index))
    data = data.sort_values([row, "place"])
    ends = data.groupby(row)[size].cumsum()
    # A number needs room: one that does not fit its part of the bar is left to the table.
    wide = data[size] >= data.groupby(row)[size].transform("sum").max() / 25 if len(data) else data[size] > 0
    data = data.assign(
        middle=ends - data[size] / 2,
        colour=data[kind].map(colours),
        label=[f"{n:,}" if w else "" for n, w in zip(data[size], wide, strict=True)],
    )
    seen = [k for k in colours if k in set(data[kind])]
    scale = alt.Scale(domain=seen, range=[colours[k] for k in seen])
    base = alt.Chart(data).encode(y=alt.Y(f"{row}:N", sort=order, title=None))
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=alt.X(f"{size}:Q", title=size).axis(format=",d", tickMinStep=1),
        color=alt.Color(f"{kind}:N", scale=scale, title=None),
        order="place:O",
    )
    # Black is too faint on blue alone.
    ink = alt.condition(alt.FieldOneOfPredicate("colour", [BLUE]), alt.value("#ffffff"), alt.value("#000000"))
    label = base.mark_text().encode(x="middle:Q", text="label:N", color=ink)
    return _finish(alt.layer(bars, label), title, len(order))
