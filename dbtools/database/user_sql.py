"""Which statements users may run: one SELECT or EXPLAIN that calls allowed functions only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from dbtools.database.sql import bind
from dbtools.errors import QueryError, interruptible

# Every other table function is refused, also those of later versions of DuckDB: some write files, some change settings
# although these are locked, and some end the process.
_MAKE_ROWS = {"generate_series", "histogram", "histogram_values", "json_each", "json_tree", "range", "repeat"}
_MAKE_ROWS |= {"repeat_row", "summary", "unnest", "feedback_among"}  # the last is a macro of dbtools
_READ_CATALOG = {"duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_indexes", "duckdb_keywords"}
_READ_CATALOG |= {"duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views", "icu_calendar_names"}
_READ_CATALOG |= {"pg_timezone_names", "pragma_collations", "pragma_platform", "pragma_show", "pragma_table_info"}
TABLE_FUNCTIONS = frozenset(_MAKE_ROWS | _READ_CATALOG | {"pragma_version"})
# These read the environment, write, wait or store a state.
_REFUSED_SCALARS = {"currval", "getenv", "getvariable", "nextval", "setseed", "sleep_ms", "write_log"}
# DuckDB would list dbtools' own relations too. By the name that its parser gives to SHOW TABLES, and to SHOW ALL TABLES
# and DESCRIBE.
_SHOWN = {
    '"tables"': "SELECT name FROM (SHOW ALL TABLES) WHERE database = 'memory' AND schema = 'main' ORDER BY name",
    "__show_tables_expanded": "FROM (SHOW ALL TABLES) WHERE database = 'memory' AND schema = 'main' ORDER BY name",
}
_LONGEST = 100_000  # characters; the parse tree of a longer text takes seconds
_FRAGMENTS = ("SELECT {}", "SELECT 1 WHERE {}", "SELECT 1 ORDER BY {}")


def select(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyRelation:
    """Return an allowed statement as a relation, not yet run. Reads only.

    Raises
    ------
    QueryError
        The statement is not allowed.
    duckdb.Error, TypeError, RuntimeError
        DuckDB refuses the statement; the last two where the text is not UTF-8.
    """
    shown = check_statement(connection, query)
    return connection.sql(_SHOWN.get(shown, query), params=parameters)


def check_statement(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Refuse a text that is not one SELECT or EXPLAIN, or that calls a function that is not allowed. Reads only.

    DuckDB's own parser finds the calls, wherever they are in the statement.

    Returns
    -------
    str
        What a SHOW or DESCRIBE without a name lists (a key of `_SHOWN`); empty for all other statements.

    Raises
    ------
    QueryError
        The statement is not allowed.
    duckdb.Error, TypeError, RuntimeError
        DuckDB cannot parse the text.
    """
    if len(query) > _LONGEST:
        raise QueryError(f"The statement has more than {_LONGEST:,} characters", query[:80], "shorten it")
    statements = connection.extract_statements(query)
    kinds = [statement.type for statement in statements]
    if kinds == [duckdb.StatementType.CREATE, duckdb.StatementType.SELECT] and not statements[0].query:
        raise QueryError("PIVOT needs the values of its column", query, "add them: PIVOT … ON name IN (value, …)")
    if not statements:
        raise QueryError("There is nothing to run", query, "write a SELECT")
    if len(statements) != 1:
        raise QueryError(f"Expected one statement, found {len(statements)}", query, "run them one by one")
    text = statements[0].query  # of a PRAGMA, the SELECT that DuckDB makes of it
    if kinds[0] == duckdb.StatementType.EXPLAIN:
        explained = _explained(text)
        options = text.removesuffix(explained) + explained[:7]
        text = explained
        if re.search(r"\banaly[sz]e\b", options, re.IGNORECASE):
            raise QueryError("EXPLAIN ANALYZE runs the statement that follows it", query, "use EXPLAIN alone")
    elif kinds[0] != duckdb.StatementType.SELECT:
        raise QueryError("The statement does not read rows", query, "start it with SELECT")
    tree = _parse(connection, text)
    if tree["error"]:
        raise QueryError("The statement does not read rows", query, "start it with SELECT")
    _check_calls(tree, query)
    source = tree["statements"][0]["node"].get("from_table") or {}
    return str(source["table_name"]) if source.get("type") == "SHOW_REF" and source["table_name"] in _SHOWN else ""


def check_fragment(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Refuse a piece of SQL, such as the condition of a filter, that calls a function that is not allowed. Reads only.

    Raises
    ------
    QueryError
        It calls one.
    """
    for template in _FRAGMENTS:
        tree = _parse(connection, template.format(text))
        if not tree["error"]:
            return _check_calls(tree, text)


def _parse(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    answer = connection.execute(bind("SELECT json_serialize_sql($text)", {"text": text})).fetchall()
    tree: dict[str, Any] = json.loads(answer[0][0])
    return tree


def _check_calls(tree: dict[str, Any], query: str) -> None:
    for node in _nodes(tree):
        name = ""
        if node.get("type") == "TABLE_FUNCTION":
            name = node["function"].get("function_name", "?")
            allowed = name.lower() in TABLE_FUNCTIONS
        elif node.get("class") == "FUNCTION":
            name = node["function_name"]
            allowed = name.lower() not in _REFUSED_SCALARS
        if name and not allowed:
            raise QueryError(f'The function "{name}" is not allowed in', query, "leave it out")


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting: list[Any] = [tree]
    while waiting:  # not recursive: a tree may be deep
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _explained(text: str) -> str:
    """Return what an EXPLAIN explains: the text after the word and after its options in brackets."""
    data, depth = text.encode(), 0
    for start, _ in duckdb.tokenize(text)[1:]:
        sign = data[start : start + 1]
        depth += (sign == b"(") - (sign == b")")
        if depth == 0 and sign != b")":
            return data[start:].decode()
    return ""


class Relation:
    """A DuckDB relation of `Database.sql`: all its methods, with errors of dbtools, also late ones.

    Parameters
    ----------
    relation, connection
        The relation of DuckDB, and the connection that checks the SQL given to its methods.
    explain : callable
        Turns an error of DuckDB into one of dbtools.
    """

    def __init__(
        self,
        relation: duckdb.DuckDBPyRelation,
        connection: duckdb.DuckDBPyConnection,
        explain: Callable[[Exception], Exception],
    ) -> None:
        self._relation, self._connection, self._explain = relation, connection, explain

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._relation, name)
        return partial(self._call, found) if callable(found) else found

    def __getitem__(self, name: str) -> Any:
        return self._call(self._relation.__getitem__, name)

    def __contains__(self, name: str) -> bool:
        return name in self._relation

    def __len__(self) -> int:
        return int(self._call(self._relation.__len__))

    def __repr__(self) -> str:
        return str(self._call(self._relation.__repr__))

    def __dir__(self) -> list[str]:
        return dir(self._relation)

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        given: list[Any] = [a._relation if isinstance(a, Relation) else a for a in arguments]
        try:
            if method.__name__ == "query":
                check_statement(self._connection, given[-1])
            for text in (a for a in (*given, *named.values()) if isinstance(a, str) and "(" in a):
                check_fragment(self._connection, text)
            with interruptible(self._connection):
                answer = method(*given, **named)
        except duckdb.Error as error:
            raise self._explain(error) from None
        if isinstance(answer, duckdb.DuckDBPyRelation):
            return Relation(answer, self._connection, self._explain)
        return answer
