"""``%load_ext dbtools``: SQL in a cell, with variables of the notebook bound as values."""

from __future__ import annotations

from functools import partial
from keyword import iskeyword
from typing import Any

from dbtools.database import Database, attach
from dbtools.database.sandbox import run_sql
from dbtools.errors import ParameterError
from dbtools.project import Project


def load(shell: Any) -> None:
    """Register ``%dsql`` and ``%%dsql`` in an IPython shell."""
    from IPython.core.magic import no_var_expand

    # IPython would otherwise put the text of $name and {…} into a line, before values can be bound.
    shell.register_magic_function(no_var_expand(partial(dsql, shell)), "line_cell", "dsql")


def dsql(shell: Any, line: str, cell: str | None = None) -> Any:
    """Run ``%%dsql [name <<]`` on the database ``db``, by default that of the project in this folder. Reads only.

    ``$name`` in the statement is the variable of that name, bound as a value. Returns a DataFrame, or assigns it to
    `name`. The statement runs in a worker process, which ends when the cell is interrupted.

    Raises
    ------
    ParameterError
        `name` is no name, `db` is no database, or a variable does not exist.
    QueryError
        The statement is refused or fails.
    """
    import duckdb

    names = shell.user_ns
    target, query = (line.strip().removesuffix("<<").strip(), cell) if cell is not None else ("", line)
    if target and (not target.isidentifier() or iskeyword(target)):
        raise ParameterError("Not a name for the result", target, "write %%dsql name <<")
    if "db" not in names:
        names["db"] = attach(Project.find())
    db = names["db"]
    if not isinstance(db, Database):
        raise ParameterError("The variable db is not an attached database", type(db).__name__, "rename it, or del db")
    try:
        used = {name for statement in duckdb.extract_statements(query) for name in statement.named_parameters}
    except duckdb.Error:
        used = set()  # `sql` says what is wrong with it
    missing = sorted(used - set(names))
    if missing:
        raise ParameterError("No such variable", missing[0], "assign it first")
    frame = run_sql(db, query, {name: names[name] for name in used} or None)
    if not target:
        return frame
    names[target] = frame
    return None
