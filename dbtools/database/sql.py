"""The pieces that statements are made of: texts of the package, quoting, and how DuckDB is set up to run them."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.errors import MEMORY, DbtoolsError, ParameterError, explained, interruptible, readable
from dbtools.redact import search_expression

if TYPE_CHECKING:
    import duckdb

FILES = files("dbtools.database")
# The derived relations that users are offered; all others are dbtools' own.
PUBLIC = ("scored_versions", "contests", "provenance", "prices")
# Derived relations whose rows each come from one table: of a damaged database they hold those of the readable tables.
PER_TABLE = ("id_cells", "row_timestamps", "unreadable_cells")
# Derived relations that are computed over all prompts when a database is loaded, whatever prompts are chosen later.
STORED = ("judge_regimes",)
_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    # Neither may a name in SQL mean a Python variable; looking for one would also import pandas.
    "python_enable_replacements": False,
    # The optimizer may take scans of two tables of the same shape for one (duckdb/duckdb#24781).
    "disabled_optimizers": "common_subplan",
}
_NUL = "\0"  # the text of a statement would end there
_USUAL = "1500MB"
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B")
_PLACES = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\$([A-Za-z_]\w*)")  # a text, a comment, or the place of a value
_LEAST = 100e6  # bytes; with less, DuckDB cannot open what it needs for the smallest question


def quote(text: object) -> str:
    """Return `text` as an SQL string literal, for the few statements that cannot bind a value.

    Raises
    ------
    ParameterError
        It is a path that is not UTF-8, which DuckDB cannot open.
    """
    if readable(str(text)) != str(text):
        raise ParameterError("DuckDB cannot open a path that is not UTF-8", text, "rename the file or folder")
    return _in_quotes(str(text))


def _in_quotes(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def bind(query: str, parameters: Mapping[str, Any] | None) -> str:
    """Return a statement of the package's own with literals in the place of its ``$name``.

    DuckDB imports pandas when it binds a value, which takes longer than all the rest of a small question.
    """
    given = parameters or {}
    return _PLACES.sub(lambda found: literal(given[found[1]]) if found[1] else found[0], query)


def literal(value: Any) -> str:
    """Return a value as an SQL literal of the type that DuckDB gives it when it binds it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return f"({value})"
    if isinstance(value, float):
        return f"'{value!r}'::DOUBLE"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::{'TIMESTAMP' if isinstance(value, datetime) else 'DATE'}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_in_quotes(key)}: {literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return f"({' || chr(0) || '.join(map(_in_quotes, str(value).split(_NUL)))})::VARCHAR"


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def read_sql(*names: str) -> str:
    """Return the text of a file of ``dbtools/database``, given by folder and name."""
    return FILES.joinpath(*names).read_text(encoding="utf-8")


@cache
def macros() -> str:
    """Return the statements that define the macros of every connection."""
    return read_sql("macros.sql").replace("{secrets}", quote(search_expression()))


def views() -> Iterator[tuple[str, str]]:
    """Yield the derived relations that every engine has, in the order in which they need each other: name, query."""
    for name in sorted(f.name for f in FILES.joinpath("portable").iterdir() if f.name.endswith(".sql")):
        yield name[3:-4], read_sql("portable", name)


def store_derived(connection: duckdb.DuckDBPyConnection, kind: str = "TABLE") -> None:
    """Define the relations of `STORED` in the copy that a connection has open, as tables or as views."""
    for name, query in views():
        if name in STORED:
            connection.execute(f"CREATE {kind} {name} AS {query}")


def qualify(name: str) -> str:
    """Return the name of a derived relation in DuckDB, in the schema ``internal`` where it is not for users."""
    return name if name in PUBLIC else f"internal.{name}"


@cache
def define_prices() -> str:
    """Return the statement that creates the relation `prices` from the package's table."""
    names = ("model", "usd_per_million_prompt", "usd_per_million_completion", "valid_from")
    rows = csv.DictReader(read_sql("prices.csv").splitlines())
    listed = ", ".join(f"({', '.join(quote(row[name]) for name in names)})" for row in rows)
    return read_sql("prices.sql").replace("{rows}", listed)


def memory_limit() -> int:
    """Return the bytes of memory that DuckDB may take.

    Raises
    ------
    ParameterError
        $DBTOOLS_MEMORY is not an amount of memory, or less than 100MB.
    """
    memory = os.environ.get(MEMORY, _USUAL)
    amount = _AMOUNT.fullmatch(memory)
    if not amount:
        raise ParameterError(f"${MEMORY} is not an amount of memory", memory, "set it to one such as 500MB or 2GB")
    limit = float(amount[1]) * (1024 if amount[3] else 1000) ** ("KMGT".index(amount[2]) + 1)
    if limit < _LEAST:
        raise ParameterError(f"${MEMORY} is too little to work with", memory, "set it to 100MB or more")
    return int(limit)


def config(spill: object) -> dict[str, Any]:
    """Return the settings of DuckDB; what exceeds the memory limit goes to the folder `spill`.

    Raises
    ------
    ParameterError
        As `memory_limit`.
    """
    return {**_CONFIG, "memory_limit": f"{memory_limit()}B", "temp_directory": str(spill)}


def connect(database: object, settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database with the settings of `config`."""
    import duckdb

    connection = duckdb.connect(str(database), config=settings)
    connection.execute("SET enable_progress_bar = false")  # it would be drawn into whatever cell is running
    return connection


@contextmanager
def temporary_duckdb(what: str, thing: object, kind: type[DbtoolsError]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty in-memory DuckDB; what exceeds its memory limit is spilled to a private folder.

    Changes files: that folder, which is removed at the end of the ``with`` block.

    Raises
    ------
    DbtoolsError
        Of this `kind`, when the disk or the memory is full; `what` and `thing` go into its text.
    """
    import duckdb

    with disk.temporary_folder("dbtools-work-") as spill:
        todo, then = "free space on the disk", "try again"
        with (
            explained(kind, what, thing, todo, then=then, catch=(duckdb.IOException, duckdb.OutOfMemoryException)),
            connect(":memory:", config(spill)) as connection,
            interruptible(connection),
        ):
            yield connection
