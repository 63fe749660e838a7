"""Database: prompter.db as typed, read-only DuckDB relations."""

from __future__ import annotations

import datetime
import json
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.database import cache, materialize, sql
from dbtools.database.connecting import connect
from dbtools.database.lake import Lake
from dbtools.database.prompt_filter import PromptFilter, day
from dbtools.database.spark import Spark
from dbtools.errors import MEMORY, DatabaseError, ParameterError, QueryError, reason
from dbtools.project import Project

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from dbtools.database.engine import Engine


class Database:
    """A prompter database as attached at one moment; a context manager.

    Attributes
    ----------
    origin : Mapping
        Where it comes from: ``path``, ``fingerprint``, ``generation``, ``migrated``, ``texts`` (whether the long texts
        are loaded), ``tables`` (rows of every table, also of those that are never loaded), ``columns`` (by allow-listed
        table, the names it has).
    relations : tuple of str
        The names `sql` can use.
    project : Project or None
        The project it was attached through; None when attached by the path of a file.
    prompts : PromptFilter or None
        The only prompts it offers (`filter`); None: all.
    """

    def __init__(
        self,
        file: Path | Spark,
        project: Project | None = None,
        owned: Path | None = None,
        prompts: PromptFilter | None = None,
        lake: Lake | None = None,
    ) -> None:
        self.project, self.prompts = project, prompts
        self._lake = lake
        self._workspaces: list[Engine] = []
        self._server = file if isinstance(file, Spark) else None
        self.origin: Mapping[str, Any]
        self.relations: tuple[str, ...]
        if isinstance(file, Spark):
            self.relations = file.relations
            self.origin = {**file.lake.origin, "texts": False}  # they stay where they are
            return
        self._file = file
        self._rescued = project.backups if project else None
        self._connection, spill = connect(file, self._rescued, prompts)
        # Who only drops it leaves no folder behind, and a relation that outlives it can still be asked.
        self._leave = weakref.finalize(self, _remove, spill, owned)
        if lake:  # its files, and nothing beside them
            files = ", ".join(sql.quote(path) for some in lake.files.values() for path in some)
            self._connection.execute(f"SET allowed_paths = [{files}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        facts = self._connection.execute("SELECT facts FROM cache.main.origin").fetchall()[0][0]
        self.origin = json.loads(facts)
        names = self._connection.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_catalog = 'memory' AND table_schema = 'main' ORDER BY table_name"
        )
        self.relations = tuple(name for (name,) in names.fetchall())

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> duckdb.DuckDBPyRelation:
        """Return one SELECT as a DuckDB relation; values are bound to ``?`` or ``$name``. Reads only.

        Nothing typed here can change the database or read another file: the connection holds a copy, opened
        read-only, with external access off and its configuration locked.

        Raises
        ------
        QueryError
            Not exactly one statement that returns rows, or DuckDB refuses it.
        """
        import duckdb

        if self._server:
            return self._server.sql(query, parameters)
        try:
            statements = self._connection.extract_statements(query)
            if len(statements) != 1:
                raise QueryError(f"Expected one statement, found {len(statements)}", query, "run them one by one")
            if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
                raise QueryError("The statement does not read rows", query, "start it with SELECT")
            if statements[0].type == duckdb.StatementType.EXPLAIN and re.search(
                r"\banaly[sz]e\b", query, re.IGNORECASE
            ):
                raise QueryError("EXPLAIN ANALYZE runs whatever follows it", query, "use EXPLAIN alone")
            relation = self._connection.sql(query, params=parameters)
        except (duckdb.Error, TypeError, RuntimeError) as error:  # the last two: a text that is no UTF-8
            line = reason(error)
            todo = "correct it; db.relations lists what there is"
            if self.relations == ("facts",):
                todo += ", and attach(…) without only_facts loads all"
            elif not self.origin["texts"] and "Binder Error" in line:
                todo += ", and attach(…, texts=True) loads the long texts too"
            raise QueryError(f"DuckDB refuses the statement ({line})", query, todo) from None
        return relation

    def frame(self, name: str) -> pd.DataFrame:
        """Return a relation as a pandas DataFrame. Reads only."""
        if name not in self.relations:
            raise ParameterError("No such relation", name, f"use one of {', '.join(self.relations)}")
        if self._server:
            return self._server.sql(f"SELECT * FROM {name}").df()  # noqa: S608 - one of the relations
        return self._connection.table(name).df()

    def rows(self, name: str) -> int:
        """Count the rows of a relation. Reads only."""
        shown = name if self._server else f'"{name}"'  # there, double quotes make a text
        return int(self.sql(f"SELECT count(*) FROM {shown}").fetchall()[0][0])  # noqa: S608 - refused if unknown

    @contextmanager
    def session(self) -> Iterator[Engine]:
        """Open a second connection to what answers the questions, for dbtools' own portable statements only."""
        if self._server:
            with closing(Spark(self._server.url, self._server.place)) as session:
                self._workspaces.append(session)
                try:
                    yield session
                finally:
                    self._workspaces.remove(session)
            return
        with self.workspace() as connection:
            yield connection

    @contextmanager
    def workspace(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a second, unlocked connection over the same relations, for dbtools' own statements only."""
        self.needs_duckdb("This")
        if self.relations == ("facts",):
            raise ParameterError("Only facts are attached", self.origin["path"], "attach it without only_facts")
        with self._opened(self.prompts) as connection:
            yield connection

    @contextmanager
    def _opened(self, prompts: PromptFilter | None) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._still_there():
            connection, spill = connect(self._file, self._rescued, prompts)
        self._workspaces.append(connection)
        try:
            yield connection
        finally:
            self._workspaces.remove(connection)
            connection.close()
            disk.remove_temporary(spill)

    @property
    def is_materialized(self) -> bool:
        """Whether what is derived from its rows is kept, so that whoever opens this state need not work it out."""
        return bool(self._server) or materialize.file_of(self._file).is_file()

    def materialize(self) -> None:
        """Compute the derived relations and store them in the cache, for every later use of this state.

        Changes files in the user's cache folder. Worth its time where a large database is asked more than once.

        Raises
        ------
        DatabaseError
            The cache folder or the memory does not take it, or a newer state was attached meanwhile.
        """
        import duckdb

        target = materialize.file_of(self._file)
        work = cache.workplace("load-", self._file.parent)
        try:
            with self._opened(None) as connection:
                materialize.build(connection, work / target.name)
            (work / target.name).chmod(0o600)
            (work / target.name).replace(target)
        except duckdb.Error as error:
            what = f"What follows from the rows cannot be kept ({reason(error)})"
            raise DatabaseError(what, target.parent, f"free space, or set ${MEMORY} higher") from None
        finally:
            disk.remove_temporary(work)

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error:
            path = self.origin["path"]  # whoever attaches a newer state drops the file of this one
            raise DatabaseError("The database changed since it was attached", path, "attach it again") from None

    def filter(
        self,
        users: Sequence[str] = (),
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
    ) -> Database:
        """Open the same state with the prompts of some users and days (UTC, both included), and nothing of the others.

        Inputs checked for risk belong to no prompt: they count by their own user and time. Close it before this one.

        Raises
        ------
        ParameterError
            `users` is a text, a day is none, or a server works out the questions.
        """
        if isinstance(users, str):
            raise ParameterError("Users are a list", users, "put the name in brackets")
        some = PromptFilter(tuple(users), day(since), day(until)) if users or since or until else None
        if self._server and some:
            raise ParameterError("A server's lake is asked as a whole", some, "attach it without engine to choose")
        return self._open(some)

    def reopen(self) -> Database:
        """Open the same rows once more, with what `materialize` has kept since. Close it before this one."""
        return self._open(self.prompts)

    def _open(self, prompts: PromptFilter | None) -> Database:
        if self._server:
            return Database(Spark(self._server.url, self._server.place), self.project)
        with self._still_there():
            return Database(self._file, self.project, prompts=prompts, lake=self._lake)

    def interrupt(self) -> None:
        """Make whatever question another thread has asked of this database fail now."""
        for connection in (self._server or self._connection, *self._workspaces):
            connection.interrupt()

    @property
    def engine(self) -> str:
        """The address of the server that answers the questions; empty where DuckDB does."""
        return self._server.host if self._server else ""

    def needs_duckdb(self, what: str) -> None:
        """Refuse what cannot be asked of a server.

        Raises
        ------
        ParameterError
            A server answers the questions.
        """
        if self.engine:
            raise ParameterError(f"{what} cannot be asked of a server", self.engine, "attach the lake without engine")

    @property
    def filter_note(self) -> str:
        """Which prompts alone it offers, and how many it leaves out; empty where it offers all."""
        if not self.prompts:
            return ""
        others = self.rows("unfiltered_prompts") - self.rows("prompts")
        return f"only {self.prompts}, {others:,} other prompts left out"

    def close(self) -> None:
        """Close the connection; what was fetched stays valid."""
        if self._server:
            self._server.close()
            return
        self._connection.close()
        self._leave()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        facts = self.origin
        kind = "migrated" if facts["migrated"] else "created"
        return f"Database({facts['path']!r}, {facts['generation']} {kind}, {facts['fingerprint'][:8]})"


def _remove(*folders: Path | None) -> None:
    for folder in folders:
        if folder:
            disk.remove_temporary(folder)
