"""A session of a Spark Connect server (Spark, Databricks, Sail) over the files of a lake."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from dbtools.database import lake as lakes
from dbtools.database.lake import Lake
from dbtools.database.schema import id_cells
from dbtools.database.sql import PUBLIC, define_prices, views
from dbtools.errors import BusyError, DatabaseError, ExtensionError, ParameterError, QueryError, reason
from dbtools.project import LAKE

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

_URL = re.compile(r"sc://(?P<host>[^/;?#\s@]+)/?(;.*)?", re.IGNORECASE)
_NAME = re.compile(r"\$(\w+)")
_RETRIES = 2  # of a call that the server does not answer; the client's own ten minutes of them help nobody
_MARKS = ("unreadable", "dashed")
_KINDS = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ"}
_SETTINGS = {"spark.sql.timestampType": "TIMESTAMP_NTZ", "spark.sql.session.timeZone": "UTC"}


class Spark:
    """One session, with the methods of a DuckDB connection; the server computes the answers.

    Attributes
    ----------
    relations : tuple of str
        The names a query can use.
    """

    def __init__(self, url: str, place: str) -> None:
        import duckdb

        self.url, self.place = url, place
        self.host = check_url(url)
        self._session = _connect(url, self.host)
        self._local = duckdb.connect(config={"python_enable_replacements": False})
        self._kept: dict[str, DataFrame] = {}  # the server drops what is not referenced here
        try:
            with self._server_errors():
                for key, value in _SETTINGS.items():
                    self._session.conf.set(key, value)
                self.lake = self._read(place)
                self.relations = tuple(sorted(self._define()))
        except BaseException:
            self.close()
            raise

    def execute(self, query: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Return the answer to a portable query, as DuckDB returns its own; values are bound to ``$name``."""
        with self._server_errors():
            answer = self._ask(query, parameters).toArrow()
        cursor = self._local.cursor()
        cursor.register("answer", answer)
        return cursor.execute("FROM answer")

    def sql(self, query: str, parameters: object = None) -> duckdb.DuckDBPyRelation:
        """Return the answer to one SELECT in the server's SQL. Reads only.

        Raises
        ------
        QueryError
            The server refuses it, or it is not a query.
        """
        if parameters is not None and not isinstance(parameters, Mapping):
            raise QueryError("A server binds values by name", query, "write $name, and give a dict")
        with self._server_errors(query):
            # What stands in brackets can only be a query: no statement that changes something.
            self._ask(f"SELECT * FROM (\n{query}\n) AS asked LIMIT 0", parameters).schema  # noqa: B018, S608
            answer = self._ask(query, parameters).toArrow()
        return self._local.cursor().from_arrow(answer)

    def materialize(self, name: str, query: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Compute a query into the temporary view `name`: once if it has no parameters, else at each call.

        A server that stores no results computes it at each use.
        """
        from pyspark.errors import AnalysisException

        if not parameters and name in self._kept:
            return
        with self._server_errors():
            frame = self._ask(query, parameters)
            with self._active(), suppress(AnalysisException):  # Sail without execution.checkpoint.path
                frame = frame.localCheckpoint()
            self._kept[name] = frame
            frame.createOrReplaceTempView(name)

    def cache(self, name: str) -> None:
        """Compute a view once, also for the views derived from it; no effect on a server that stores no results."""
        from pyspark.errors import AnalysisException

        if name in self._kept:
            return
        with self._server_errors(), suppress(AnalysisException):
            with self._active():
                self._kept[name] = self._ask(f"SELECT * FROM {name}", None).localCheckpoint()  # noqa: S608 - own name
            self._kept[name].createOrReplaceTempView(name)
            self._derive()

    def register(self, name: str, columns: Sequence[Sequence[str]], rows: Sequence[Sequence[Any]]) -> None:
        """Offer a few rows as the temporary view `name`; `columns` are names and types of DuckDB."""
        # Sent as one text: the client's own way asks for settings that older servers do not know.
        texts = [{c: None if v is None else str(v) for (c, _), v in zip(columns, row, strict=True)} for row in rows]
        cells = ", ".join(f"cast(cell.{c} AS {_KINDS.get(kind, kind)}) AS {c}" for c, kind in columns)
        shape = f"array<struct<{', '.join(f'{c}: string' for c, _ in columns)}>>"
        query = f"SELECT {cells} FROM (SELECT explode(from_json($rows, '{shape}')) AS cell) AS given"  # noqa: S608 - own
        with self._server_errors():
            self._ask(query, {"rows": json.dumps(texts)}).createOrReplaceTempView(name)
            if name == "named_agents":  # to Spark, a view is what its relations were when it was made
                self._derive()

    def interrupt(self) -> None:
        """Make whatever question another thread has asked fail now."""
        with suppress(Exception):  # the server may have gone, or not know how to
            self._session.interruptAll()

    def close(self) -> None:
        """Give the session back; what was fetched stays valid."""
        with suppress(Exception):
            self._session.client.set_retry_policies([_policy(0)])
            self._session.client.release_session()
        with suppress(Exception):
            self._session.client.close()

    def _ask(self, query: str, parameters: Mapping[str, Any] | None) -> DataFrame:
        given = dict(parameters or {})
        spelled = _NAME.sub(lambda m: f":{m[1]}" if m[1] in given else m[0], query)  # the server's sign for a value
        return self._session.sql(spelled, args=given or None)

    def _read(self, place: str) -> Lake:
        text = self._session.read.text(f"{place.rstrip('/')}/{LAKE}", wholetext=True)
        found = text.toArrow().column(0).to_pylist()
        if not found:  # to Sail, a file that is not there has no rows
            raise DatabaseError("The server finds no lake", place, "the server must see the files at that place")
        return lakes.parse(found[0], place)

    def _define(self) -> Iterator[str]:
        for relation, files in self.lake.files.items():
            raw = self._session.read.parquet(*files)
            raw.createOrReplaceTempView(f"loaded_{relation}")
            raw.drop(*_MARKS, "month").createOrReplaceTempView(relation)
            if relation != "unreadable_cells":
                yield relation
        each = (f"SELECT '{name}' AS relation, count(*) AS n FROM {name}" for name in self.lake.files)  # noqa: S608
        for name, rows in self.execute(" UNION ALL ".join(each)).fetchall():
            lakes.check_rows(self.lake, name, rows)
        self._local.execute(define_prices())
        prices = self._local.table("prices")
        self.register(
            "prices", [(c, str(kind)) for c, kind in zip(prices.columns, prices.types, strict=True)], prices.fetchall()
        )
        self._session.sql(id_cells("loaded_")).createOrReplaceTempView("id_cells")
        self.register("named_agents", [("source", "VARCHAR")], [])
        yield from ("prices", *(name for name, _ in views() if name in PUBLIC))

    def _derive(self) -> None:
        for name, query in views():
            if name not in self._kept:
                self._session.sql(query).createOrReplaceTempView(name)

    @contextmanager
    def _active(self) -> Iterator[None]:
        """Make this session the client's active one: the client asks that one for what the server stores."""
        holder = type(self._session)._active_session
        before = getattr(holder, "session", None)
        holder.session = self._session
        try:
            yield
        finally:
            holder.session = before

    @contextmanager
    def _server_errors(self, query: str = "") -> Iterator[None]:
        """Turn what the server or the way to it says into a sentence; of the address only the host is named."""
        import grpc
        from pyspark.errors import PySparkException

        try:
            with warnings.catch_warnings():  # what it warns of is told by the error that follows
                warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
                yield
        except (PySparkException, grpc.RpcError) as error:
            line = reason(error)
            gone = any(word in str(error) + type(error).__name__ for word in _GONE)
            if gone:
                todo = "check that it runs, and try again; nothing was changed"
                raise BusyError("The Spark Connect server does not answer", self.host, todo) from None
            if query:
                raise QueryError(f"The server refuses the statement ({line})", query, "correct it") from None
            todo = "the server must see the files at that place; nothing was changed"
            raise DatabaseError(f"The server cannot read the lake ({line})", self.place, todo) from None


_GONE = ("UNAVAILABLE", "RETRIES_EXCEEDED", "RetriesExceeded", "DEADLINE_EXCEEDED", "CANCELLED", "INVALID_HANDLE")


def check_url(url: str) -> str:
    """Return host and port of an engine's address, the only part of it that is ever shown.

    Raises
    ------
    ParameterError
        It is not the address of a Spark Connect server; it may hold a token, and so is not shown.
    """
    found = _URL.fullmatch(url.strip())
    if not found:
        raise ParameterError("Not the address of a Spark Connect server", "sc://…", "write sc://host:port")
    return f"sc://{found['host']}"


def _connect(url: str, host: str) -> SparkSession:
    with warnings.catch_warnings(), _named_main():
        # It says so of every pandas from 3 on; what comes back here is Arrow.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.session import SparkSession
        except ImportError:
            todo = 'pip install "dbtools[spark]"'
            raise ExtensionError("The client of Spark Connect is not installed", host, todo) from None
        try:
            session = SparkSession(url.strip())
        except (PySparkException, ValueError):
            raise ParameterError("Not the address of a Spark Connect server", host, "write sc://host:port") from None
    session.client.set_retry_policies([_policy(_RETRIES)])
    return session


@contextmanager
def _named_main() -> Iterator[None]:
    """Give the main module a file: PySpark takes one without (``python -c``) for its own doctests, and exits."""
    main = sys.modules["__main__"]
    nameless = not hasattr(main, "__file__")
    if nameless:
        main.__file__ = ""
    try:
        yield
    finally:
        if nameless:
            del main.__file__


def _policy(retries: int) -> Any:
    from pyspark.sql.connect.client.retries import DefaultPolicy

    return DefaultPolicy(max_retries=retries, max_backoff=1000)
