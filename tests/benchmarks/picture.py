"""Put the figures of `run.py --keep FILE` into docs/performance.md: `python picture.py FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import altair as alt
import pandas as pd

from dbtools.notebooks import report
from dbtools.show import charts

sys.path.insert(0, str(Path(__file__).parent))
from run import SMALL, table

ROOT = Path(__file__).parents[2]
MARKS = "<!-- speed -->\n", "<!-- /speed -->\n"
SIZES = [3_000, 30_000, 300_000, 3_000_000]
LINES = {
    "agents": "dbtools, nothing cached",
    "agents_hot": "dbtools, asked again",
    "scan_1": "C, one thread: the floor",
    "agents_polars": "polars + connectorx",
    "agents_adbc": "ADBC + DuckDB",
    "agents_pandas": "pandas",
    "agents_sqlite3": "sqlite3",
    "agents_orm": "SQLAlchemy, row by row",
}


def picture(records: list[dict]) -> str:
    """Return the log-log picture of the agent question as SVG."""
    rows = [
        {
            "versions": r["size"],
            "seconds": r["seconds"],
            "who": LINES[r["name"]],
            "ours": r["name"].startswith("agents"),
        }
        for r in records
        if r["name"] in LINES and (r["title"].startswith("agents") or r["name"] == "agents_orm")
    ]
    frame = pd.DataFrame(rows).drop_duplicates(["versions", "who"])
    frame["ours"] = frame["who"].str.startswith("dbtools")
    base = alt.Chart(frame).encode(
        x=alt.X("versions:Q", scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(title="versions in the database", format=",d", values=SIZES)),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), axis=alt.Axis(title="seconds", format="~g")),
        detail="who:N",
        color=alt.condition(alt.datum.ours, alt.value(charts.BLUE), alt.value(charts._QUIET)),
    )  # fmt: skip
    ends = frame.sort_values("versions").groupby("who").tail(1).sort_values("seconds", ascending=False)
    places: list[float] = []
    for seconds in ends["seconds"]:  # a line of text takes a factor of 1.32 of this scale
        places.append(min([seconds, *(place / 1.32 for place in places[-1:])]))
    labels = alt.Chart(ends.assign(seconds=places)).mark_text(align="left", dx=8, fontSize=11)
    labels = labels.encode(
        x="versions:Q", y="seconds:Q", text="who:N",
        color=alt.condition(alt.datum.ours, alt.value(charts.BLUE), alt.value(charts._QUIET)),
    )  # fmt: skip
    drawn = base.mark_line(point=True) + labels
    return themed(drawn.properties(width=560, height=500), "Wins and means per agent: time by size of the database")


def themed(chart: alt.LayerChart, title: str) -> str:
    """Return a chart as SVG that looks like those of reports and follows the reader's dark mode."""
    return report._adapt(charts.svg(charts._style(chart, title)))


def main(file: str) -> None:
    """Write the picture, and the table between its marks in docs/performance.md."""
    records = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    (ROOT / ".readme" / "speed.svg").write_text(picture(records), encoding="utf-8")
    page = ROOT / "docs" / "performance.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    larger = {r["title"] for r in records if r["size"] > SMALL}
    shown = [r for r in records if r["size"] > SMALL or r["title"] not in larger]
    page.write_text(before + MARKS[0] + "\n".join(table(shown)) + "\n" + MARKS[1] + after, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
