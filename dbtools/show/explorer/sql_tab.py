"""The tab SQL: any SELECT over the read-only relations."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.database.sandbox import run_sql
from dbtools.errors import QueryError
from dbtools.html import counted, table
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, choice, row

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200
_MOST_STATEMENTS = 50
_NO_STATEMENT = "earlier statements"


@dataclass(frozen=True)
class Answer:
    """The first rows of a statement's result, whether there are more, and the seconds it took."""

    frame: pd.DataFrame
    more: bool
    seconds: float


class SqlTab(Tab):
    """A field for a statement, its result, and the statements before it."""

    name, title = "sql", "SQL"
    tooltip = "Ask the database anything, read-only"
    description = "Running the statement"
    in_snapshot = False

    def __init__(self, explorer: State) -> None:
        self.statement = ipywidgets.Textarea(
            value=explorer.query,
            placeholder="SELECT …",
            continuous_update=True,
            rows=6,
            tooltip="One SELECT over the relations listed below",
            layout=ipywidgets.Layout(width="auto", height="130px"),
        )
        self.statement.add_class("dbtools-sql")
        self.history = choice("History", "Put an earlier statement into the field", [(_NO_STATEMENT, "")], "")
        about = "Run the statement (also Ctrl+Enter or Shift+Enter in the field)"
        self.run_button = button("Run", about, self.run, button_style="primary")
        self.run_button.add_class("dbtools-run")
        about = "Put the filters' selection into the field"
        self.selection = button("Current selection", about, lambda: self._put(explorer.sql))
        self.relations = ipywidgets.HTML()
        super().__init__(explorer)
        self.history.observe(lambda change: self._put(change["new"] or self.statement.value), "value")
        explorer.observe(lambda change: self._put(change["new"]), "query")

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        return [
            self.statement,
            row(self.run_button, self.selection, self.history),
            self.worker.widget,
            self.body,
            self.relations,
        ]

    def refresh(self) -> None:
        """List the relations."""
        self.relations.value = markup.muted(f"Relations: {', '.join(self.explorer.db.relations)}")

    def run(self) -> None:
        """Run the statement in a worker thread."""
        text = self.statement.value.strip()
        if not text:
            return
        self.explorer.query, self.body.value = text, ""
        earlier = [(label, value) for label, value in self.history.options if value and value != text]
        options = [(_NO_STATEMENT, ""), (" ".join(text.split())[:70], text), *earlier]
        self.history.options = options[: _MOST_STATEMENTS + 1]
        key = self.explorer.data_key
        self.worker.submit(lambda session: self.compute(session, text), self.show, self.description, key)

    def compute(self, session: Session, request: str) -> Answer:
        """Return the first rows of a statement's result."""
        refuse_unbound(request)
        start = time.perf_counter()
        # In a process of its own, which Stop can end whatever the statement does.
        frame = run_sql(session.db, request, rows=MOST_ROWS + 1)
        return Answer(frame.head(MOST_ROWS), len(frame) > MOST_ROWS, time.perf_counter() - start)

    def render(self, result: Answer, draw: markup.Draw = markup.draw) -> str:
        """Return the rows."""
        n = len(result.frame)
        rows = f"the first {n:,} rows (there are more)" if result.more else counted(n, "row")
        return markup.muted(f"{rows}, {result.seconds:.2f} s; explorer.result has them") + table(
            result.frame, exact=True
        )

    def show(self, result: Answer, draw: markup.Draw = markup.draw) -> None:
        """Show the rows."""
        self.explorer.result = result.frame
        super().show(result, draw)

    def _put(self, text: Any) -> None:
        self.statement.value = text


def refuse_unbound(text: str) -> None:
    """Refuse a statement with a ``?`` or ``$name``: the field has no values for them.

    Raises
    ------
    QueryError
        It has one, or there is no statement at all.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(text)
    except (duckdb.Error, RuntimeError):
        return  # `Database.sql` says what is wrong
    if not statements:
        raise QueryError("There is no statement", text, "write a SELECT")
    names = sorted(name for statement in statements for name in statement.named_parameters)
    if names:
        missing = "?" if names[0].isdigit() else f"${names[0]}"
        raise QueryError(
            "The statement has a parameter without a value", missing, "write the value itself in its place"
        )
