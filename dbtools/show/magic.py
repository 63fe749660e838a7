"""``%load_ext dbtools``: SQL in a cell, its values taken from the notebook and bound."""

from __future__ import annotations

from functools import partial
from typing import Any

from dbtools.database import Database, attach
from dbtools.errors import ParameterError
from dbtools.project import Project


def load(shell: Any) -> None:
    """Offer ``%dsql`` and ``%%dsql`` in an IPython shell."""
    from IPython.core.magic import no_var_expand

    # Else IPython would write the text of $name and {…} into a line before anything could be bound.
    shell.register_magic_function(no_var_expand(partial(dsql, shell)), "line_cell", "dsql")


def dsql(shell: Any, line: str, cell: str | None = None) -> Any:
    """Run ``%%dsql [name <<]`` on the database ``db``, by default that of the project around here. Reads only.

    ``$name`` in the statement is the variable of that name, bound as a value; a `db` that is something else is refused.
    Returns a DataFrame, or keeps it.
    """
    import duckdb

    names = shell.user_ns
    kept, query = (line.strip().removesuffix("<<").strip(), cell) if cell is not None else ("", line)
    if kept and not kept.isidentifier():
        raise ParameterError("Not a name for the answer", kept, "write %%dsql name <<")
    if "db" not in names:
        names["db"] = attach(Project.find())
    db = names["db"]
    if not isinstance(db, Database):
        raise ParameterError("The variable db is not an attached database", type(db).__name__, "rename it, or del db")
    try:
        asked = {name for statement in duckdb.extract_statements(query) for name in statement.named_parameters}
    except duckdb.Error:
        asked = set()  # `sql` says what is wrong with it
    missing = sorted(asked - set(names))
    if missing:
        raise ParameterError("No such variable", missing[0], "assign it first")
    frame = db.sql(query, {name: names[name] for name in asked} or None).df()
    if not kept:
        return frame
    names[kept] = frame
    return None
