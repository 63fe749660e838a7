"""The tab SQL: any question to the read-only relations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.html import table
from dbtools.show.explorer import page
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, choice, column, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

FEW = 200
_HISTORY = 50
_NONE = "earlier statements"


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    lane, told = explorer.lane(), ipywidgets.HTML()
    box = ipywidgets.Textarea(
        value=explorer.query,
        placeholder="SELECT …",
        continuous_update=True,
        rows=6,
        tooltip="One SELECT over the relations listed below",
        layout=ipywidgets.Layout(width="100%", height="130px"),
    )
    box.add_class("dbtools-sql")
    history = choice("History", "Put an earlier statement into the box", [(_NONE, "")], "")

    def done(answer: tuple[Any, bool, float]) -> None:
        explorer.result, more, seconds = answer
        rows = f"the first {FEW} rows (there are more)" if more else f"{len(answer[0]):,} rows"
        told.value = page.quiet(f"{rows}, {seconds:.2f} s; explorer.result has them") + table(answer[0])

    def ask() -> None:
        if not (text := box.value.strip()):
            return
        explorer.query, told.value = text, ""
        known = [(label, value) for label, value in history.options if value and value != text]
        history.options = [(_NONE, ""), (" ".join(text.split())[:70], text), *known][: _HISTORY + 1]
        lane.submit(lambda desk: answer_to(desk, text), done, "Asking", explorer.state)

    def put(text: str) -> None:
        box.value = text

    history.observe(lambda change: put(change["new"] or box.value), "value")
    explorer.observe(lambda change: put(change["new"]), "query")
    run = button("Run", "Run the statement", ask, button_style="primary")
    current = button("Current selection", "Put the filters' selection into the box", lambda: put(explorer.sql))
    names = ipywidgets.HTML()

    def refresh() -> None:
        names.value = page.quiet(f"Relations: {', '.join(explorer.db.relations)}")

    widget = column(box, row(run, current, history), lane.widget, told, names)
    return Tab("sql", "SQL", "Ask the database anything, read-only", widget, (lane,), refresh)


def answer_to(desk: Desk, text: str) -> tuple[Any, bool, float]:
    """Return the first rows that a statement answers with, whether there are more, and the seconds it took."""
    start = time.perf_counter()
    relation = desk.db.sql(text)
    frame = (relation.limit(FEW + 1) if relation.type == "QUERY_RELATION" else relation).df()
    return frame.head(FEW), len(frame) > FEW, time.perf_counter() - start
