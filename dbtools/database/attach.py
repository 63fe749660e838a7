"""attach(): copy a database, as it is at one moment, into DuckDB; or open the copy of an earlier call."""

from __future__ import annotations

import os
import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from dbtools import disk, server
from dbtools.database import cache, damage, load, postgres, schema, sql, sqlite
from dbtools.database import lake as lakes
from dbtools.database.database import Database, TemporaryCopy
from dbtools.database.spark import Spark
from dbtools.errors import DamagedError, DatabaseError, ParameterError, explained, interruptible
from dbtools.progress import step
from dbtools.project import Project, is_lake
from dbtools.server import Server

SMALL = 64 << 20  # bytes; the texts of a database up to this size are loaded with the rest
P = ParamSpec("P")
T = TypeVar("T")
_QUIET = 16 << 20  # bytes; loading less than this takes no progress bar
_TRIES = 3  # other processes may replace or remove a copy in the cache at any moment


@interruptible()
def attach(
    source: Project | str | os.PathLike[str],
    *,
    texts: bool | None = None,
    engine: str | None = None,
    timeout: float = 5.0,
    progress: bool = True,
) -> Database:
    """Attach a prompter database as it is now: an SQLite file, one on a PostgreSQL server, or a lake.

    Reads only; changes files in the user's cache folder, which keeps the typed copy until the database changes. A
    lake is not copied: its files are read for each question.

    Parameters
    ----------
    source : Project, path or URL
        A project (its rescued rows are then offered as ``rescued_…`` relations), its folder, a prompter.db, the folder
        of a lake (`dbtools.export.write` with ``partition_by``), or ``postgresql://user@host:5432/database``. The
        password is used and stored nowhere; without one in the URL it comes from ``$DATABASE_URL``, ``PGPASSWORD`` or
        ``~/.pgpass``, which are sent only to a host that you name yourself: here, in the environment, or in ~/.pgpass.
    texts : bool, optional
        Whether to load the long texts too; by default for databases up to 64 MiB.
    engine : str, optional
        The address of a Spark Connect server (Spark, Databricks, Sail), ``sc://host:port``, that is to answer the
        questions; by default the project's, else DuckDB does. The server reads the files itself: the lake must lie
        where it sees it, under the same name; a URL such as ``s3://bucket/lake`` is passed on as it is. A token is
        taken from $SPARK_CONNECT_AUTHENTICATE_TOKEN.
    timeout : float
        Seconds to wait for a lock of another process.

    Raises
    ------
    DatabaseError, BusyError, ExtensionError, ProjectError
        The database cannot be used, stays locked or its server does not answer, the scanner or client is missing, or
        the folder is no project.
    ParameterError
        `engine` is not such an address, or the database is not in a lake; `texts` are wanted of a lake without them.
    """
    project, address, password = _locate(source, remote=bool(engine))
    if project and project.note:
        warnings.warn(f"{project.note[0].upper()}{project.note[1:]}.", stacklevel=2)
    if connect := engine or (project.engine if project else ""):
        if isinstance(address, Server):
            todo = 'write one with export.write(…, partition_by="month"), and attach that'
            raise ParameterError("A Spark Connect server reads a lake, not a PostgreSQL database", address, todo)
        return Database(Spark(connect, str(address)), project)
    if isinstance(address, Server):
        opened = partial(_open_server, address, password, project is None, timeout, progress)
        return _attach_copy(address, opened, project, texts)
    path = Path(address)
    if is_lake(path):
        return _attach_lake(path, project, texts)
    with reachable(path):  # before the cache is asked: no folder is made for a path that cannot be used
        sqlite.check_file(path)
    return _attach_copy(path, partial(_open_file, path, timeout, progress), project, texts)


@contextmanager
def opened(source: Database | Project | str | os.PathLike[str], **options: Any) -> Iterator[Database]:
    """Yield an attached database as it is; attach a project or path, with these options of `attach`, for the block."""
    if isinstance(source, Database):
        yield source
        return
    if not isinstance(source, Project | str | os.PathLike):
        raise ParameterError("Neither a database nor a project", type(source).__name__, "give attach(project)")
    with attach(source, **options) as db:
        yield db


def takes_project(
    function: Callable[Concatenate[Database, P], T],
) -> Callable[Concatenate[Database | Project | str | os.PathLike[str], P], T]:
    """Let a function of an attached database take a project or a path too, which is attached for the call."""

    @wraps(function)
    def call(db: Database | Project | str | os.PathLike[str], *args: P.args, **kwargs: P.kwargs) -> T:
        with opened(db) as attached:
            return function(attached, *args, **kwargs)

    return cast("Callable[Concatenate[Database | Project | str | os.PathLike[str], P], T]", call)


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Turn what makes the path of a database unusable into a sentence."""
    todo = "check the path and its permissions"
    unusable = (OSError, ValueError, RuntimeError)  # also a NUL in the path, or the home of an unknown user
    with explained(DatabaseError, "Cannot read the database", path, todo, catch=unusable):
        try:
            yield
        except FileNotFoundError:
            raise DatabaseError("No such database", path, "give the path of a prompter.db") from None


def _locate(
    source: Project | str | os.PathLike[str], *, remote: bool
) -> tuple[Project | None, Path | Server | str, str | None]:
    """Return the project, if it is one, the address of the database, and the password if a URL holds one.

    The address is a text where it is a URL that only a `remote` engine can read.
    """
    if isinstance(source, Project):
        return source, source.database, None
    if server.is_url(source):
        address, password = server.parse(os.fspath(source))
        return None, address, password
    if remote and re.match(r"\w[\w+.-]+://", os.fspath(source)):
        return None, os.fspath(source), None
    path = Path(source)
    with reachable(path):
        path = path.expanduser().absolute()
        is_folder = path.is_dir()
    if is_folder and not is_lake(path):
        project = Project.find(path)
        return project, project.database, None
    return None, path, None


@dataclass(frozen=True)
class _Source:
    """The state of a database that can be copied.

    Attributes
    ----------
    fingerprint : str
        The same for the same state.
    size : int
        How many bytes the database takes.
    load : callable
        Writes the typed copy; takes whether to load the long texts.
    is_current : callable
        Tells whether the fingerprint is that of the copied state.
    """

    fingerprint: str
    size: int
    load: Callable[[bool], None]
    is_current: Callable[[], bool]


def _attach_copy(
    address: Path | Server,
    open_source: Callable[[Path], AbstractContextManager[_Source]],
    project: Project | None,
    texts: bool | None,
) -> Database:
    """Open the copy of the present state in the cache, or make it.

    `open_source` opens the database, to be copied into the file that it is given.
    """
    import duckdb

    folder = cache.folder_of(address)
    for _ in range(_TRIES):
        temporary = TemporaryCopy(cache.working_folder("load-", folder))
        with temporary as work:
            built = work / "copy.duckdb"
            with open_source(built) as source:
                with_texts = texts if texts is not None else source.size <= SMALL
                file = cache.find(folder, source.fingerprint, with_texts=with_texts) if folder else None
                if file is None:
                    source.load(with_texts)
            if file is None:
                built.chmod(0o600)
                if folder is None or not source.is_current():  # consistent, but nothing can be compared with it
                    return Database(built, project, temporary=temporary)
                file = cache.publish(built, folder, source.fingerprint, with_texts=with_texts)
        try:
            return Database(file, project)
        except duckdb.Error:  # damaged, or removed by another process this moment
            file.unlink(missing_ok=True)
    raise DatabaseError(
        "A file written to the cache folder was gone or damaged when it was opened", folder, "free space, or repair it"
    )


@contextmanager
def _open_file(path: Path, timeout: float, progress: bool, target: Path) -> Iterator[_Source]:
    with reachable(path):
        size, fingerprint = path.stat().st_size, sqlite.fingerprint(path)

    def copy(with_texts: bool) -> None:
        step("copying the database")
        with sqlite.snapshot(path, timeout) as snapshot:
            try:
                with closing(sqlite.connect_copy(snapshot)) as connection:
                    tables = schema.read_tables(connection)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise sqlite.sqlite_error(error, path) from None
            schema.check_tables(tables, path)
            origin = _origin(path, fingerprint, tables, with_texts)
            load.load(snapshot, target, tables, origin, progress=progress and size > _QUIET)

    yield _Source(fingerprint, size, copy, lambda: sqlite.fingerprint(path) == fingerprint)


@contextmanager
def _open_server(
    address: Server, password: str | None, named: bool, timeout: float, progress: bool, target: Path
) -> Iterator[_Source]:
    with postgres.opened(address, password, target, timeout, named=named) as (connection, state):

        def copy(with_texts: bool) -> None:
            origin = _origin(address, state.fingerprint, state.tables, with_texts)
            postgres.load(connection, state, origin, address, progress=progress and state.size > _QUIET)

        yield _Source(state.fingerprint, state.size, copy, lambda: state.is_comparable)


@interruptible()
def attach_readable(project: Project, *, progress: bool = True) -> Database:
    """Attach what can still be read of a project's damaged SQLite file; ``origin["unreadable"]`` names the rest.

    Reads only. Relations that need an unreadable table do not exist in it. Nothing of it is kept in the cache.

    Raises
    ------
    DatabaseError, BusyError
        The database cannot be used for another reason.
    """
    path = Path(str(project.database))
    sqlite.check_file(path)
    fingerprint, with_texts = sqlite.fingerprint(path), path.stat().st_size <= SMALL
    temporary = TemporaryCopy(cache.working_folder("load-", None))
    with temporary as work:
        built = work / "copy.duckdb"
        try:
            with sqlite.snapshot(path) as snapshot, closing(sqlite.connect(snapshot)) as connection:
                unreadable = damage.unreadable_tables(snapshot)
                tables = schema.read_tables(connection, unreadable=unreadable)
                schema.check_tables(tables, path)
                origin = _origin(path, fingerprint, tables, with_texts, unreadable)
                readable = {name: facts for name, facts in tables.items() if name not in unreadable}
                load.load(snapshot, built, readable, origin, progress=progress and path.stat().st_size > _QUIET)
        except (DamagedError, sqlite3.Error):
            built.unlink(missing_ok=True)
            unreadable = {table.name: "the file cannot be read as a whole" for table in schema.TABLES}
            load.load(None, built, {}, _origin(path, fingerprint, {}, with_texts, unreadable), progress=False)
        return Database(built, project, temporary=temporary)


def _origin(
    address: Path | Server,
    fingerprint: str,
    tables: dict[str, schema.TableFacts],
    with_texts: bool,
    unreadable: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "path": str(address),
        "fingerprint": fingerprint,
        "generation": schema.generation(tables) if tables else "unknown",
        "migrated": schema.is_migrated(tables),
        "columns": {t.name: sorted(tables[t.name].names()) for t in schema.TABLES if t.name in tables},
        "texts": with_texts,
        "tables": {name: facts.rows for name, facts in sorted(tables.items()) if name not in (unreadable or ())},
        **({} if unreadable is None else {"unreadable": dict(unreadable)}),
    }


def _attach_lake(folder: Path, project: Project | None, texts: bool | None) -> Database:
    """Open the relations of a lake as views on its files."""
    with reachable(folder):
        lake = lakes.read(folder)
    if texts and not lake.origin["texts"]:
        todo = "export it anew from a database attached with texts=True"
        raise ParameterError("The lake was written without the long texts", folder, todo)
    temporary = TemporaryCopy(disk.make_temporary("dbtools-lake-"))
    with temporary as work:
        built = work / "views.duckdb"
        with sql.connect(built, sql.config(work)) as connection:
            lakes.define(connection, lake)
        built.chmod(0o600)
        return Database(built, project, temporary=temporary, lake=lake)
