"""Database: prompter.db as typed, read-only DuckDB relations."""

from __future__ import annotations

import datetime
import glob
import json
import re
import warnings
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dbtools.errors import DatabaseError, ParameterError, QueryError, first_line, sentence
from dbtools.project import Project
from dbtools.source import kept, loader, schema, scratch
from dbtools.source.narrowing import Prompts, narrow

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


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
    prompts : Prompts or None
        The only prompts it offers (`only`); None: all.
    """

    def __init__(
        self, file: Path, project: Project | None = None, owned: Path | None = None, prompts: Prompts | None = None
    ) -> None:
        self.project, self.prompts = project, prompts
        self._file = file
        self._rescued = project.backups if project else None
        self._connection, spill = _connect(file, self._rescued, prompts)
        self._workspaces: list[duckdb.DuckDBPyConnection] = []
        # Who only drops it leaves no folder behind, and a relation that outlives it can still be asked.
        self._leave = weakref.finalize(self, _remove, spill, owned)
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        facts = self._connection.execute("SELECT facts FROM cache.main.origin").fetchall()[0][0]
        self.origin: Mapping[str, Any] = json.loads(facts)
        names = self._connection.execute(
            "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal AND database_name = 'memory' "
            "AND schema_name = 'main' "
            "UNION SELECT table_name FROM duckdb_tables() WHERE database_name = 'memory' ORDER BY name"
        )
        self.relations: tuple[str, ...] = tuple(name for (name,) in names.fetchall())

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
            line = first_line(error)
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
        return self._connection.table(name).df()

    def rows(self, name: str) -> int:
        """Count the rows of a relation. Reads only."""
        return int(self.sql(f'SELECT count(*) FROM "{name}"').fetchall()[0][0])  # noqa: S608 - refused if unknown

    @contextmanager
    def workspace(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a second, unlocked connection over the same relations, for dbtools' own statements only."""
        if self.relations == ("facts",):
            raise ParameterError("Only facts are attached", self.origin["path"], "attach it without only_facts")
        with self._opened(self.prompts) as connection:
            yield connection

    @contextmanager
    def _opened(self, prompts: Prompts | None) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._still_there():
            connection, spill = _connect(self._file, self._rescued, prompts)
        self._workspaces.append(connection)
        try:
            yield connection
        finally:
            self._workspaces.remove(connection)
            connection.close()
            scratch.remove(spill)

    @property
    def worked_out(self) -> bool:
        """Whether what is derived from its rows is kept, so that whoever opens this state need not work it out."""
        return kept.file_of(self._file).is_file()

    def work_out(self) -> None:
        """Work out what is derived from its rows, and keep it for whoever opens this state from now on.

        Changes files in the user's cache folder. Worth its time where a large database is asked more than once.
        """
        target = kept.file_of(self._file)
        work = scratch.make("load-", self._file.parent)
        try:
            with self._still_there(), self._opened(None) as connection:
                kept.build(connection, work / target.name)
            (work / target.name).chmod(0o600)
            (work / target.name).replace(target)
        finally:
            scratch.remove(work)

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error:
            path = self.origin["path"]  # whoever attaches a newer state drops the file of this one
            raise DatabaseError("The database changed since it was attached", path, "attach it again") from None

    def only(
        self, users: Sequence[str] = (), since: datetime.date | None = None, until: datetime.date | None = None
    ) -> Database:
        """Open the same state with the prompts of some users and days (UTC, both included), and nothing of the others.

        Inputs checked for risk belong to no prompt: they count by their own user and time. Close it before this one.
        """
        if isinstance(users, str):
            raise ParameterError("Users are a list", users, "put the name in brackets")
        some = Prompts(tuple(users), since, until) if users or since or until else None
        with self._still_there():
            return Database(self._file, self.project, prompts=some)

    def again(self) -> Database:
        """Open the same rows once more, with what `work_out` has kept since. Close it before this one."""
        with self._still_there():
            return Database(self._file, self.project, prompts=self.prompts)

    def interrupt(self) -> None:
        """Make whatever question another thread has asked of this database fail now."""
        for connection in (self._connection, *self._workspaces):
            connection.interrupt()

    @property
    def narrowed(self) -> str:
        """Which prompts alone it offers, and how many it leaves out; empty where it offers all."""
        if not self.prompts:
            return ""
        others = self.rows("whole_prompts") - self.rows("prompts")
        return f"only {self.prompts}, {others:,} other prompts left out"

    def close(self) -> None:
        """Close the connection; what was fetched stays valid."""
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
            scratch.remove(folder)


def _connect(
    file: Path, rescued: Path | None, prompts: Prompts | None = None
) -> tuple[duckdb.DuckDBPyConnection, Path]:
    """Open the relations of a cache file in a connection of its own, with every derived view.

    DuckDB gives the files it spills to the same names in every connection: each needs a folder of its own, the second
    value.
    """
    import duckdb

    spill, derived = scratch.make("spill-", file.parent), kept.file_of(file)
    connection = None
    try:
        connection = duckdb.connect(":memory:", config=loader.config(spill))
        connection.execute("SET enable_progress_bar = false")  # it would draw itself into whatever cell is running
        connection.execute(f"ATTACH {loader.quote(file)} AS cache (READ_ONLY)")
        connection.execute(loader.read_sql("macros.sql"))
        if file.stem.endswith("-facts"):
            connection.execute("CREATE VIEW facts AS FROM cache.main.facts")
            return connection, spill
        prices = loader.quote(glob.escape(str(loader.SQL.joinpath("prices.csv"))))
        connection.execute(loader.read_sql("prices.sql").replace("{file}", prices))
        for table in schema.TABLES:
            connection.execute(
                f"CREATE VIEW {table.relation} AS SELECT * EXCLUDE (unreadable, dashed) "  # noqa: S608 - allow-list
                f"FROM cache.main.{table.relation}"
            )
        connection.execute("CREATE VIEW unreadable_cells AS SELECT * FROM cache.main.unreadable_cells")
        connection.execute(f"CREATE VIEW id_cells AS {schema.id_cells()}")
        for view in sorted(v.name for v in loader.SQL.joinpath("views").iterdir() if v.name.endswith(".sql")):
            connection.execute(loader.read_sql("views", view))
        if rescued:
            _offer_rescued(connection, rescued)
        if prompts:
            narrow(connection, prompts)
        if derived.is_file():
            with suppress(duckdb.Error):  # dropped this moment, or damaged: the views work it out anew
                kept.use(connection, derived, prompts is not None)
    except BaseException:
        if connection:
            connection.close()
        scratch.remove(spill)
        raise
    return connection, spill


def _offer_rescued(connection: duckdb.DuckDBPyConnection, backups: Path) -> None:
    """Offer the rescued rows of every cleanup run; the same file rescued by several runs is one relation."""
    import duckdb

    found: dict[str, list[Path]] = {}
    for file in sorted(backups.glob("*/rescued/[!.]*.parquet")):
        found.setdefault(file.stem, []).append(file)
    for name, files in found.items():
        try:
            paths = ", ".join(loader.quote(glob.escape(str(file))) for file in files)
            connection.execute(
                f'CREATE TABLE "{name.replace(chr(34), chr(34) * 2)}" AS '
                f"FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
            )
        except (duckdb.Error, ParameterError):
            # The database itself is sound: whoever needs the rescued rows is told, and nobody else is stopped.
            text = sentence("The rescued rows cannot be read", files[-1], "restore the run, or move the file away")
            warnings.warn(text, stacklevel=2)
