"""The tab SQL: any SELECT over the read-only relations."""

from __future__ import annotations

import difflib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.database.sandbox import run_sql
from dbtools.database.schema import TABLES
from dbtools.errors import QueryError
from dbtools.html import counted
from dbtools.html import text as escaped
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import query, versions_of
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab, as_csv, id_links
from dbtools.show.explorer.widgets import Grid, SqlField, button, choice, row

if TYPE_CHECKING:
    import pandas as pd

    from dbtools.database import Database

MOST_ROWS = 200
_MOST_STATEMENTS = 50
_PROFILE = ("column_name", "column_type", "null_percentage", "approx_unique", "min", "q50", "max", "avg")
_NO_STATEMENT = "earlier statements"
_BRACES = re.compile(r"'\{\w*\}'")  # what a program would have replaced
_UNKNOWN = re.compile(r'column "(\w+)" not found|Table with name "?(\w+)', re.IGNORECASE)
_TABLES = {table.name: table.relation for table in TABLES if table.name != table.relation}


@dataclass(frozen=True)
class Answer:
    """The first rows of a statement's result, whether there are more, and the seconds it took."""

    frame: pd.DataFrame
    more: bool
    seconds: float


class SqlTab(Tab):
    """A field for a statement, its result, and the statements before it."""

    name, title = "sql", "SQL"
    tooltip = "Ask the database in SQL, read-only"
    description = "Running the statement"
    in_snapshot = False

    def __init__(self, explorer: State) -> None:
        about = "One SELECT over the relations listed below; Ctrl+Enter or Shift+Enter runs it"
        self.statement = SqlField(self.run, value=explorer.query, tooltip=about)
        self.history = choice("History", "Put an earlier statement into the field", [(_NO_STATEMENT, "")], "")
        about = "Run the statement (also Ctrl+Enter or Shift+Enter in the field)"
        self.run_button = button("Run", about, self.run, button_style="primary")
        about = "Put the filters' selection into the field"
        self.selection = button("Current selection", about, lambda: self._put(explorer.sql))
        self.relations = Grid()
        super().__init__(explorer)
        self.relations.on_link(self.follow)
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
        """List the relations, and get ready to run a statement."""
        known: dict[str, list[str]] = {}
        for relation, column in self.explorer.db.sql(query("columns")).fetchall():
            known.setdefault(relation, []).append(column)
        self.statement.relations = known
        self.relations.html = tree_html(known)
        if not self.worker.busy:
            self.worker.submit(warm, lambda _: None, "Getting ready")

    def follow(self, target: str) -> None:
        """Put a name into the field, save all rows, or open what a link names."""
        kind, _, name = target.partition(":")
        if kind == "insert":
            self.statement.insert(name)
        elif kind == "profile" and name in self.explorer.db.relations:
            self._put(f"SUMMARIZE {name}")
            self.explorer.query = self.statement.value
            self.worker.submit(lambda session: profile(session, name), self.show, "Reading the columns")
        elif kind == "csv":
            text = self.explorer.query
            self.worker.submit(
                lambda session: as_csv(run_sql(session.db, text)),
                lambda content: self.body.save("result.csv", content),
                "Reading all rows",
            )
        else:
            super().follow(target)

    def run(self) -> None:
        """Run the statement in a worker thread."""
        text = self.statement.value.strip()
        if not text:
            return
        self.explorer.query, self.body.html = text, ""
        earlier = [(label, value) for label, value in self.history.options if value and value != text]
        options = [(_NO_STATEMENT, ""), (" ".join(text.split())[:70], text), *earlier]
        self.history.options = options[: _MOST_STATEMENTS + 1]
        self.worker.submit(lambda session: self.compute(session, text), self.show, self.description)

    def compute(self, session: Session, request: str) -> Answer:
        """Return the first rows of a statement's result."""
        refuse_unbound(request)
        start = time.perf_counter()
        try:
            # In a process of its own, which Stop can end whatever the statement does.
            frame = run_sql(session.db, request, rows=MOST_ROWS + 1)
        except QueryError as error:
            name, meant = suggestion(str(error), session.db)
            if not meant:
                raise
            raise QueryError("DuckDB refuses the statement, as it does not know the name", name, meant) from None
        return Answer(frame.head(MOST_ROWS), len(frame) > MOST_ROWS, time.perf_counter() - start)

    def render(self, result: Answer, draw: markup.Draw = markup.draw) -> str:
        """Return the rows."""
        n = len(result.frame)
        rows = f"the first {n:,} rows (there are more)" if result.more else counted(n, "row")
        about = markup.muted(f"{rows}, {result.seconds:.2f} s; explorer.result has them")
        text = self.explorer.query
        literal = _BRACES.search(text)
        warning = f"{literal[0]} is used as it is: no value replaces it." if literal else ""
        shown = markup.table(result.frame, "result", exact=True, links=id_links(result.frame))
        python = f"{self.explorer.python_db}.sql({text!r}).df()"
        return about + (markup.note(warning, "warning") if warning else "") + shown + markup.tools(Python=python)

    def show(self, result: Answer, draw: markup.Draw = markup.draw) -> None:
        """Show the rows."""
        self.explorer.result = result.frame
        super().show(result, draw)

    def _put(self, text: Any) -> None:
        self.statement.value = text


def warm(session: Session) -> None:
    """Start the process that will run the statements of this session. Reads only."""
    if not session.db.engine:
        session.db.sandbox.warm()


def profile(session: Session, relation: str) -> Answer:
    """Return what each column of a relation holds: type, ends, distinct values, missing values. Reads only."""
    start = time.perf_counter()
    shown = ", ".join(_PROFILE)
    statement = f'SELECT {shown} FROM (SUMMARIZE "{relation}")'  # noqa: S608 - one of the relations
    return Answer(versions_of(session).execute(statement).df(), False, time.perf_counter() - start)


def tree_html(relations: dict[str, list[str]]) -> str:
    """Return the relations with their columns; a click on a name puts it into the field."""
    parts = []
    for relation, columns in relations.items():
        names = ", ".join(_name(column) for column in columns)
        about = f'<span data-go="profile:{escaped(relation)}">what they hold</span>'
        head = f"<summary>{_name(relation)} ({len(columns)})</summary>"
        parts.append(f"<details>{head}<div>{names}<br>{about}</div></details>")
    head = "<h4>Relations and columns: a click puts the name into the field</h4>"
    return f'{head}<div class="dbtools-tree">{"".join(parts)}</div>'


def _name(name: str) -> str:
    shown = escaped(name)
    return f'<span data-go="insert:{shown}">{shown}</span>'


def suggestion(said: str, db: Database) -> tuple[str, str]:
    """Return the name that DuckDB does not know, and what may be meant by it; the second is empty where nothing is."""
    missing = _UNKNOWN.search(said)
    if not missing:
        return "", ""
    name = (missing[1] or missing[2]).lower()
    if name in _TABLES:
        return name, f"use {_TABLES[name]}"
    names = {word: None for row in db.sql(query("columns")).fetchall() for word in row}
    like = difflib.get_close_matches(name, names, 3, 0.6)
    like += [word for word in names if name in word and word not in like][: 3 - len(like)]
    return name, f"did you mean {' or '.join(like)}" if like else ""


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
        raise QueryError("There is nothing to run", text, "write a SELECT")
    names = sorted(name for statement in statements for name in statement.named_parameters)
    if names:
        missing = "?" if names[0].isdigit() else f"${names[0]}"
        raise QueryError(
            "The statement has a parameter without a value", missing, "write the value itself in its place"
        )
