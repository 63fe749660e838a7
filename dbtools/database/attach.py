"""attach(): bring a database, as it is at one moment, into DuckDB; or find what an earlier call brought."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools import disk, server
from dbtools.database import cache, load, postgres, schema, sql
from dbtools.database import lake as lakes
from dbtools.database.database import Database
from dbtools.database.spark import Spark
from dbtools.database.sqlite import appending, direct
from dbtools.database.sqlite.dbfile import check_file, connect, fingerprint
from dbtools.database.sqlite.snapshot import snapshot, sqlite_error
from dbtools.errors import DatabaseError, ParameterError, explained
from dbtools.project import Project, is_lake
from dbtools.server import Server

if TYPE_CHECKING:
    import duckdb

SMALL = 64 << 20  # bytes; the texts of a database up to this size are loaded with the rest
_QUIET = 16 << 20  # bytes; loading less than this takes no progress bar


def attach(
    source: Project | str | os.PathLike[str],
    *,
    texts: bool | None = None,
    only_facts: bool = False,
    append_only: bool = False,
    engine: str | None = None,
    timeout: float = 5.0,
    progress: bool = True,
) -> Database:
    """Attach a prompter database as it is now: an SQLite file, or one on a PostgreSQL server.

    Reads only; changes files in the user's cache folder, where the typed copy is kept until the database changes. A
    lake is not copied: its files are read when a question is asked.

    Parameters
    ----------
    source : Project, path or URL
        A project (its rescued rows are then offered as ``rescued_…`` relations), its folder, a prompter.db, the folder
        of a lake (`dbtools.export.write` with ``partition_by``), or ``postgresql://user@host:5432/database``. The
        password is used and kept nowhere; without one in the URL it comes from ``$DATABASE_URL``, ``PGPASSWORD`` or
        ``~/.pgpass``.
    texts : bool, optional
        Whether to load the long texts too; by default for databases up to 64 MiB.
    only_facts : bool
        Whether the relation ``facts`` (agent, head and marks of each version) is enough: it is ready ten times sooner.
        Where it cannot be read alone, as on a server, all is loaded.
    append_only : bool
        Your word that, since the facts were last kept, versions and scores were only added and a head that changed has
        a new ``updated_at``: then only what is new is read. (In rollback mode; a database in WAL mode is read whole.)
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
    if not isinstance(source, Project):
        if server.is_url(source):
            address, password = server.parse(os.fspath(source))
            _refuse_engine(engine, address)
            return _attach_server(address, password, None, texts, timeout, progress)
        if engine and re.match(r"\w[\w+.-]+://", os.fspath(source)):
            return Database(Spark(engine, os.fspath(source)))
    project, path = _locate(source)
    if isinstance(path, Server):
        _refuse_engine(engine, path)
        return _attach_server(path, None, project, texts, timeout, progress)
    if connect := engine or (project.engine if project else ""):
        return Database(Spark(connect, str(path)), project)
    if is_lake(path):
        return _attach_lake(path, project, texts)
    if only_facts:
        with suppress(direct.UnfitError):
            return _attach_file(path, project, "facts", partial(_build_facts, append_only=append_only, timeout=timeout))
    tier = "" if texts is None else "full" if texts else "narrow"
    return _attach_file(path, project, tier, partial(_build, timeout=timeout, progress=progress))


def ask_facts(source: Project | str | os.PathLike[str], query: str, *, timeout: float = 5.0) -> list[tuple[Any, ...]]:
    """Ask one question of ``facts`` and keep nothing: the fastest first answer. Reads only.

    Raises
    ------
    DatabaseError, BusyError, ExtensionError, ProjectError
        As `attach`.
    QueryError
        It is not one SELECT over relations.
    """
    project, path = (None, None) if server.is_url(source) else _locate(source)
    if isinstance(path, Path) and not is_lake(path):
        with suppress(direct.UnfitError), reachable(path):
            return direct.read(path, lambda connection, _: direct.ask(connection, query), timeout)
    with attach(project or source, texts=False, timeout=timeout, progress=False) as db:
        return db.sql(query).fetchall()


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


def _locate(source: Project | str | os.PathLike[str]) -> tuple[Project | None, Path | Server]:
    if isinstance(source, Project):
        return source, source.database
    path = Path(source)
    with reachable(path):
        path = path.expanduser().absolute()
        is_folder = path.is_dir()
    if is_folder and not is_lake(path):
        project = Project.find(path)
        return project, project.database
    return None, path


def _refuse_engine(engine: str | None, address: Server) -> None:
    if engine:
        todo = 'write one with export.write(…, partition_by="month"), and attach that'
        raise ParameterError("A Spark Connect server reads a lake, not a PostgreSQL database", address, todo)


def _attach_file(path: Path, project: Project | None, tier: str, build: Callable[[Path, Path, str], None]) -> Database:
    """Open the kept copy of a database as it is now, built where there is none; without a tier, its size decides."""
    import duckdb

    for _ in range(3):
        with reachable(path):
            check_file(path)
            before = fingerprint(path)
            tier = tier or ("full" if path.stat().st_size <= SMALL else "narrow")
        folder = cache.folder_of(path)
        file = cache.find(folder, before, tier) if folder else None
        try:
            if file:
                return Database(file, project)
        except duckdb.Error:
            if file:
                file.unlink(missing_ok=True)  # damaged, or replaced this moment: built anew
        work = cache.workplace("load-", folder)
        try:
            built = work / f"relations-{tier}.duckdb"
            build(path, built, before)
            built.chmod(0o600)
            if folder is None or fingerprint(path) != before:  # consistent, but already of the past: not kept
                return Database(built, project, owned=work)
            file = cache.publish(built, folder, before, tier)
            disk.remove_temporary(work)
            with suppress(duckdb.Error):  # another process may have dropped it already
                return Database(file, project)
        except BaseException:
            disk.remove_temporary(work)
            raise
    raise DatabaseError("The cache folder does not keep what is written to it", folder, "free or mend it")


def _attach_server(
    address: Server, password: str | None, project: Project | None, texts: bool | None, timeout: float, progress: bool
) -> Database:
    import duckdb

    folder = cache.folder_of(address)
    for _ in range(3):
        work = cache.workplace("load-", folder)
        try:
            built = work / "relations.duckdb"
            with postgres.opened(address, password, built, timeout) as (connection, state):
                full = texts if texts is not None else state.size <= SMALL
                tier = "full" if full else "narrow"
                file = cache.find(folder, state.mark, tier) if folder else None
                if file is None:
                    origin = {**_origin(address, state.mark, state.tables), "texts": full}
                    postgres.load(connection, state, origin, address, progress=progress and state.size > _QUIET)
            if file is None:
                built.chmod(0o600)
                if folder is None or not state.proved:
                    return Database(built, project, owned=work)
                file = cache.publish(built, folder, state.mark, tier)
            disk.remove_temporary(work)
        except BaseException:
            disk.remove_temporary(work)
            raise
        try:
            return Database(file, project)
        except duckdb.Error:  # damaged, or another process has dropped it already: built anew
            file.unlink(missing_ok=True)
    raise DatabaseError("The cache folder does not keep what is written to it", folder, "free or mend it")


def _attach_lake(folder: Path, project: Project | None, texts: bool | None) -> Database:
    """Open the relations of a lake as views on its files."""
    import duckdb

    with reachable(folder):
        lake = lakes.read(folder)
    if texts and not lake.origin["texts"]:
        todo = "export it anew from a database attached with texts=True"
        raise ParameterError("The lake was written without the long texts", folder, todo)
    work = disk.make_temporary("dbtools-lake-")
    try:
        built = work / "relations-lake.duckdb"
        with duckdb.connect(str(built), config=sql.config(work)) as connection:
            lakes.define(connection, lake, json.dumps(lake.origin))
        built.chmod(0o600)
        return Database(built, project, owned=work, lake=lake)
    except BaseException:
        disk.remove_temporary(work)
        raise


def _build(path: Path, target: Path, mark: str, *, timeout: float, progress: bool) -> None:
    """Write every relation into a new DuckDB file. Changes files: creates `target`."""
    texts = target.stem.endswith("full")
    progress = progress and path.stat().st_size > _QUIET
    with snapshot(path, timeout) as copy:
        try:
            with closing(connect(copy)) as connection:
                tables = schema.read_tables(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise sqlite_error(error, path) from None
        schema.check_tables(tables, path)
        origin = {
            **_origin(path, mark, tables),
            "texts": texts,
            "tables": {name: facts.rows for name, facts in sorted(tables.items())},
        }
        load.load(copy, target, tables, origin, texts=texts, progress=progress)


def _build_facts(path: Path, target: Path, mark: str, *, append_only: bool, timeout: float) -> None:
    """Write the table `facts` into a new DuckDB file. Changes files: creates `target`."""
    folder = cache.folder_of(path) if append_only else None
    older = cache.earlier_facts(folder) if folder else None
    if older and appending.append(path, older, target, mark):
        return
    target.unlink(missing_ok=True)  # what could not be brought up to date
    until = appending.ends(path)

    def keep(connection: duckdb.DuckDBPyConnection, tables: dict[str, schema.TableFacts]) -> None:
        origin = json.dumps({**_origin(path, mark, tables), "texts": False, "tables": {}, "until": until})
        connection.execute(f"ATTACH IF NOT EXISTS {sql.quote(target)} AS cache")  # there, if a lock was in the way
        connection.execute("CREATE OR REPLACE TABLE cache.facts AS FROM facts")
        connection.execute(f"CREATE OR REPLACE TABLE cache.origin AS SELECT {sql.quote(origin)} AS facts")

    direct.read(path, keep, timeout)


def _origin(path: Path | Server, mark: str, tables: dict[str, schema.TableFacts]) -> dict[str, Any]:
    return {
        "path": str(path),
        "fingerprint": mark,
        "generation": schema.generation(tables),
        "migrated": schema.is_migrated(tables),
        "columns": {t.name: sorted(tables[t.name].names()) for t in schema.TABLES if t.name in tables},
    }
