"""Database: prompter.db as typed, read-only DuckDB relations."""

from __future__ import annotations

import datetime
import glob
import json
import warnings
import weakref
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dbtools import disk
from dbtools.database import cache, schema, sql, sqlite
from dbtools.database import ratings as blind
from dbtools.database.engine import Closed
from dbtools.database.lake import Lake
from dbtools.database.prompt_filter import PromptFilter, day, filter_prompts
from dbtools.database.ratings import Ratings
from dbtools.database.spark import Spark
from dbtools.errors import DatabaseError, ParameterError, QueryError, explained, interruptible, reason, remedy, sentence
from dbtools.project import Project

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from dbtools.database.engine import Engine
    from dbtools.database.sandbox import Sandbox


_MOST_RESCUED = 10_000_000  # rows; a cleanup rescues fewer, as it reads no larger CSV file


class TemporaryCopy:
    """The folder of a copy that is not in the cache; the last ``with`` block that uses it removes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._users = folder, 0

    def __enter__(self) -> Path:
        self._users += 1
        return self.folder

    def __exit__(self, *error: object) -> None:
        self._users -= 1
        if not self._users:
            disk.remove_temporary(self.folder)


class Database:
    """A prompter database as attached at one moment; a context manager.

    Attributes
    ----------
    origin : Mapping
        Where it comes from: ``path``, ``fingerprint``, ``generation``, ``migrated``, ``texts`` (whether the long texts
        are loaded), ``tables`` (rows of every table, also of those that are never loaded), ``columns`` (by allow-listed
        table, the names it has); of a damaged file, ``unreadable`` (why, by table).
    relations : tuple of str
        The names `sql` can use.
    project : Project or None
        The project it was attached through; None when attached by the path of a file.
    prompts : PromptFilter or None
        The only prompts it offers (`filter`); None: all.
    ratings : Ratings
        The blind ratings of the project, as they were when it was attached.
    """

    def __init__(
        self,
        source: Path | Spark,
        project: Project | None = None,
        *,
        prompts: PromptFilter | None = None,
        temporary: TemporaryCopy | None = None,
        lake: Lake | None = None,
        ratings: Ratings | None = None,
    ) -> None:
        self.project, self.prompts = project, prompts
        self.ratings = ratings or (blind.read(project.ratings) if project else Ratings())
        self._workspaces: list[Engine] = []
        self._server = source if isinstance(source, Spark) else None
        self.origin: Mapping[str, Any]
        self.relations: tuple[str, ...]
        if isinstance(source, Spark):
            self.relations = source.relations
            self.origin = {**source.lake.origin, "texts": False}  # they stay where they are
            return
        self._file, self._temporary, self._lake = source, temporary, lake
        self._rescued = project.backups if project else None
        lake_files = [path for some in lake.files.values() for path in some] if lake else []
        self._sandbox: Sandbox | None = None
        self._arguments = source, self._rescued, prompts, lake_files, self.ratings
        self._connection, self.origin, spill = open_read_only(*self._arguments)
        self._was_materialized = self.is_materialized
        folders = ExitStack()
        if temporary:
            folders.enter_context(temporary)
        folders.callback(disk.remove_temporary, spill)
        # A database that is dropped without close() leaves no folder behind; a relation of it can still be queried.
        self._clean_up = weakref.finalize(self, folders.close)
        names = self._connection.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_catalog = 'memory' AND table_schema = 'main' ORDER BY table_name"
        )
        self.relations = tuple(name for (name,) in names.fetchall())

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> duckdb.DuckDBPyRelation:
        """Return one SELECT as a DuckDB relation; values are bound to ``?`` or ``$name``. Reads only.

        A statement cannot change the database or read another file: the connection has a copy, opened read-only, with
        external access off and its configuration locked. It may call the table functions of an allow-list only. An
        error while rows are fetched is a `QueryError`, too.

        Raises
        ------
        QueryError
            Not exactly one statement that returns rows, or it is not allowed, or DuckDB refuses it.
        """
        import duckdb

        if self._server:
            return self._server.sql(query, parameters)
        from dbtools.database.user_sql import Relation, select

        explain = partial(self.explain, query=query)
        try:
            with interruptible(self._connection):
                relation = select(self._connection, query, parameters)
        except (duckdb.Error, TypeError, RuntimeError) as error:  # the last two: a text that is not UTF-8
            raise explain(error) from None
        return cast("duckdb.DuckDBPyRelation", Relation(relation, self._connection, explain))

    def explain(self, error: Exception, query: str) -> QueryError:
        """Return an error of DuckDB about a statement as one of dbtools."""
        line = reason(error)
        todo = remedy(error, "correct it; db.relations lists what there is")
        if not self.origin["texts"] and "Binder Error" in line:
            todo += ", and attach(…, texts=True) loads the long texts too"
        return QueryError(f"DuckDB refuses the statement ({line})", query, todo)

    @property
    def sandbox(self) -> Sandbox:
        """The worker process that runs typed statements (`sandbox.run_sql`)."""
        from dbtools.database.sandbox import Sandbox

        if self._sandbox is None:
            self._sandbox = Sandbox(self._arguments, sql.memory_limit())
            weakref.finalize(self, self._sandbox.close)
        return self._sandbox

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
        """Open a second connection to the engine, for dbtools' own portable statements only."""
        if self._server:
            with closing(Spark(self._server.url, self._server.place)) as session, self._interruptible(session):
                yield session
        elif self.is_materialized != self._was_materialized:  # stored since this was opened
            with self.workspace() as connection:
                yield connection
        else:
            with closing(self._connection.cursor()) as connection, self._interruptible(connection):
                _prepare_cursor(connection)
                yield connection

    @contextmanager
    def _interruptible(self, session: Engine) -> Iterator[None]:
        """Let `interrupt` and the keyboard stop what a session runs."""
        self._workspaces.append(session)
        try:
            with interruptible(session):
                yield
        finally:
            self._workspaces.remove(session)

    @contextmanager
    def workspace(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a second, unlocked connection over the same relations, for dbtools' own statements only."""
        self.needs_duckdb("This")
        with self._opened(self.prompts) as connection:
            yield connection

    @contextmanager
    def beside(self, earlier: Database) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """Open a `workspace` with the tables of another database too; yield it and the name these are attached by."""
        with self.workspace() as connection:
            if earlier._file == self._file:
                yield connection, "cache"
                return
            connection.execute(f"ATTACH {sql.quote(earlier._file)} AS earlier_state (READ_ONLY)")
            yield connection, "earlier_state"

    @contextmanager
    def _opened(self, prompts: PromptFilter | None) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._still_there():
            connection, _, spill = _connect(self._file, self._rescued, prompts, self.ratings)
        try:
            with closing(connection), self._interruptible(connection):
                yield connection
        finally:
            disk.remove_temporary(spill)

    @property
    def is_materialized(self) -> bool:
        """Whether the derived relations are stored, so that nobody who opens this state computes them again."""
        return bool(self._server) or self._derived.is_file()

    @property
    def _derived(self) -> Path:
        return cache.derived_file(self._file.parent, self.origin["fingerprint"])

    def materialize(self) -> None:
        """Compute the derived relations and store them in the cache, for every later use of this state.

        Changes files in the user's cache folder. Worth its time where a large database is queried more than once.

        Raises
        ------
        DatabaseError
            The cache folder or the memory is too small, or a newer state was attached meanwhile.
        """
        import duckdb

        target = self._derived
        work = cache.working_folder("load-", self._file.parent)
        what = "The derived relations cannot be stored"
        try:
            with explained(DatabaseError, what, target.parent, "free space, or attach it again", catch=duckdb.Error):
                with self._opened(None) as connection:
                    cache.build_derived(connection, work / target.name)
                (work / target.name).chmod(0o600)
                (work / target.name).replace(target)
        finally:
            disk.remove_temporary(work)

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error:
            path = self.origin["path"]  # attaching a newer state removes the copy of this one
            raise DatabaseError("The database changed since it was attached", path, "attach it again") from None

    def filter(
        self,
        users: Sequence[str] = (),
        since: datetime.date | str | None = None,
        until: datetime.date | str | None = None,
    ) -> Database:
        """Open the same state with the prompts of some users and days (UTC, both included), and nothing of the others.

        Inputs checked for risk belong to no prompt: they count by their own user and time. The two databases are
        independent: either can be closed first.

        Raises
        ------
        ParameterError
            `users` is a text, a day is none, or a server answers the queries.
        """
        if isinstance(users, str):
            raise ParameterError("Users are a list", users, "put the name in brackets")
        some = PromptFilter(tuple(users), day(since), day(until)) if users or since or until else None
        if self._server and some:
            raise ParameterError(
                "A server reads a lake as a whole", some, "attach the lake without engine to filter it"
            )
        return self._open(some)

    def reopen(self) -> Database:
        """Open the same rows once more, with what `materialize` has stored since."""
        return self._open(self.prompts)

    def _open(self, prompts: PromptFilter | None) -> Database:
        if self._server:
            return Database(Spark(self._server.url, self._server.place), self.project, ratings=self.ratings)
        with self._still_there():
            return Database(
                self._file,
                self.project,
                prompts=prompts,
                temporary=self._temporary,
                lake=self._lake,
                ratings=self.ratings,
            )

    def interrupt(self) -> None:
        """Make every query that another thread runs on this database fail now."""
        for connection in (self._server or self._connection, *self._workspaces):
            connection.interrupt()
        if not self._server and self._sandbox:
            self._sandbox.stop()

    @property
    def engine(self) -> str:
        """The address of the server that answers the queries; empty where DuckDB does."""
        return self._server.host if self._server else ""

    def needs_duckdb(self, what: str) -> None:
        """Refuse what a server cannot answer.

        Raises
        ------
        ParameterError
            A server answers the queries.
        """
        if self.engine:
            raise ParameterError(f"{what} cannot be asked of a server", self.engine, "attach the lake without engine")

    @property
    def filter_note(self) -> str:
        """Which prompts it offers, and how many it leaves out; empty where it offers all."""
        if not self.prompts:
            return ""
        others = self.rows("unfiltered_prompts") - self.rows("prompts")
        return f"only {self.prompts}, {others:,} other prompts left out"

    def close(self) -> None:
        """Close the connection and the file; results that were fetched stay valid."""
        if self._server:
            self._server.close()
            return
        if self._sandbox:
            self._sandbox.close()
        self._connection.close()
        self._connection = cast("duckdb.DuckDBPyConnection", Closed(self.origin["path"]))
        self._clean_up()
        with suppress(OSError):  # a server, a lake, or a file that is gone
            sqlite.release(Path(self.origin["path"]))

    def __getattr__(self, name: str) -> Any:
        known = name in self.__dict__.get("relations", ())
        todo = f"use db.frame({name!r}), or db.sql with SQL" if known else "dir(db) lists what there is"
        raise AttributeError(f"A Database has no attribute {name!r}; {todo}.")

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        facts = self.origin
        kind = "migrated" if facts["migrated"] else "created"
        return f"Database({facts['path']!r}, {facts['generation']} {kind}, {facts['fingerprint'][:8]})"


def _connect(
    file: Path, rescued: Path | None, prompts: PromptFilter | None, ratings: Ratings
) -> tuple[duckdb.DuckDBPyConnection, dict[str, Any], Path]:
    """Open a copy in a connection of its own, with every derived view.

    Returns
    -------
    tuple
        The connection, the copy's origin, and the folder to which it spills: DuckDB gives those files the same names
        in every connection, so that each needs a folder of its own.
    """
    import duckdb

    with ExitStack() as stack:
        spill = cache.working_folder("spill-", file.parent)
        stack.callback(disk.remove_temporary, spill)
        with interruptible():
            connection = stack.enter_context(closing(sql.connect(":memory:", sql.config(spill))))
            connection.execute(f"ATTACH {sql.quote(file)} AS cache (READ_ONLY)")
            facts = connection.execute("SELECT facts FROM cache.main.origin").fetchall()[0][0]
            origin: dict[str, Any] = json.loads(facts)
            _define(connection, prompts, ratings, origin.get("unreadable", ()))
            if rescued:
                _offer_rescued(connection, rescued)
            derived = cache.derived_file(file.parent, origin["fingerprint"])
            if derived.is_file():
                with suppress(duckdb.Error):  # removed this moment, or damaged: the views compute it anew
                    cache.use_derived(connection, derived, filtered=prompts is not None)
        stack.pop_all()  # the caller closes the connection and removes the folder
    return connection, origin, spill


def open_read_only(
    file: Path, rescued: Path | None, prompts: PromptFilter | None, lake_files: Sequence[str], ratings: Ratings
) -> tuple[duckdb.DuckDBPyConnection, dict[str, Any], Path]:
    """Open a copy for statements of users: as `_connect`, and it reads no file but those of a lake."""
    connection, origin, spill = _connect(file, rescued, prompts, ratings)
    if lake_files:
        connection.execute(f"SET allowed_paths = [{', '.join(sql.quote(path) for path in lake_files)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection, origin, spill


def _define(
    connection: duckdb.DuckDBPyConnection, prompts: PromptFilter | None, ratings: Ratings, unreadable: Container[str]
) -> None:
    """Define every relation over the tables of the copy, which is attached as ``cache``, and over the ratings.

    Of `unreadable` tables, and of what is derived from them, there is no relation.
    """
    import duckdb

    connection.execute("CREATE SCHEMA internal")
    _prepare_cursor(connection)
    connection.execute(sql.macros())
    connection.execute(sql.define_prices())
    lost = [table.relation for table in schema.TABLES if table.name in unreadable]
    for table in schema.TABLES:
        name = f"internal.unfiltered_{table.relation}" if prompts else table.relation
        if table.relation not in lost:
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * EXCLUDE (unreadable, dashed) "  # noqa: S608 - allow-list
                f"FROM cache.main.{table.relation}"
            )
    blind.offer(connection, "internal.unfiltered_ratings" if prompts else "ratings", ratings)
    if prompts:
        filter_prompts(connection, prompts)
    connection.execute("CREATE VIEW internal.unreadable_cells AS SELECT * FROM cache.main.unreadable_cells")
    connection.execute(f"CREATE VIEW internal.id_cells AS {schema.id_cells()}")
    missing = suppress(duckdb.CatalogException) if lost else nullcontext()
    empty = ", ".join(f"{relation} AS (FROM cache.main.{relation})" for relation in lost)
    for name, query in sql.views():
        if name in sql.STORED and not lost:
            rows_of = f"FROM cache.main.{name}"
        else:
            rows_of = f"WITH {empty} {query}" if lost and name in sql.PER_TABLE else query
        with missing:
            connection.execute(f"CREATE VIEW {sql.qualify(name)} AS {rows_of}")
    for view in sorted(v.name for v in sql.FILES.joinpath("views").iterdir() if v.name.endswith(".sql")):
        with missing:
            connection.execute(sql.read_sql("views", view))


def _prepare_cursor(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what each cursor of a connection has of its own."""
    # Relations that are not for users are found by their names too, but are not listed.
    connection.execute("SET search_path = 'memory.main,memory.internal'")
    connection.execute("CREATE TEMP TABLE named_agents (source VARCHAR)")


def _offer_rescued(connection: duckdb.DuckDBPyConnection, backups: Path) -> None:
    """Offer the rescued rows of every cleanup run; the same file rescued by several runs is one relation."""
    import duckdb

    found: dict[str, list[Path]] = {}
    for file in sorted(backups.glob("*/rescued/rescued_*.parquet")):
        if file.is_file() and not file.is_symlink():  # opening a pipe would wait for ever
            found.setdefault(file.stem, []).append(file)
    for name, files in found.items():
        try:
            paths = ", ".join(sql.quote(glob.escape(str(file))) for file in files)
            counted = f"SELECT sum(num_rows) FROM parquet_file_metadata([{paths}])"  # noqa: S608 - quoted
            if connection.execute(counted).fetchall()[0][0] > _MOST_RESCUED:
                raise ParameterError("Too many rows", files[-1])
            connection.execute(
                f"CREATE TABLE {sql.identifier(name)} AS "
                f"FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
            )
        except (duckdb.Error, ParameterError):
            # The database itself is sound: whoever needs the rescued rows is told, and nobody else is stopped.
            text = sentence("The rescued rows cannot be read", files[-1], "restore the run, or move the file away")
            warnings.warn(text, stacklevel=2)
