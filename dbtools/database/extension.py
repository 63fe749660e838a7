"""Open DuckDB with its scanner of SQLite or PostgreSQL: from the installed wheel, else by DuckDB's own means."""

from __future__ import annotations

import importlib.util
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database import sql
from dbtools.errors import ExtensionError

if TYPE_CHECKING:
    import duckdb


def connect(database: str, config: dict[str, Any], name: str = "sqlite") -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database with the scanner `name` loaded.

    Changes files: what DuckDB opens at `database`; a note in the user's cache folder that DuckDB found the signature of
    the wheel's file good, so that its 35 MB are not checked again until the file changes.

    Raises
    ------
    ExtensionError
        Neither the wheel nor DuckDB's own extension folder has it.
    """
    file = _file(name)
    mark = file and _mark(file)
    trusted = mark is not None and os.access(mark, os.R_OK)
    connection = sql.connect(database, {**config, "allow_unsigned_extensions": trusted})
    try:
        loaded = file is not None and _loads(connection, file)
        if not loaded and not trusted:
            _install(connection, name)
    except BaseException:
        connection.close()
        raise
    if mark and trusted and not loaded:
        connection.close()  # no more than the wheel's own file is ever loaded without a look at its signature
        mark.unlink(missing_ok=True)
        return connect(database, config, name)
    if mark and loaded and not trusted:
        with suppress(OSError):
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (mark.parent.parent, mark.parent):
                folder.chmod(0o700)
            mark.touch(mode=0o600)
    return connection


def _file(name: str) -> Path | None:
    """Return the wheel's file, which is loaded by its path: no network, and nothing is copied into the home folder."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}_scanner")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return next(iter(sorted(folder.rglob("*.duckdb_extension"))), None) if folder else None


def _mark(file: Path) -> Path:
    """Return the path of the note that exactly this file has a good signature."""
    import hashlib

    import duckdb
    from platformdirs import user_cache_path

    facts = file.stat()
    state = (
        str(file),
        facts.st_dev,
        facts.st_ino,
        facts.st_size,
        facts.st_mtime_ns,
        facts.st_ctime_ns,
        duckdb.__version__,
    )
    return user_cache_path("dbtools") / "signed" / hashlib.sha256(repr(state).encode()).hexdigest()


def _loads(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    import duckdb

    try:
        connection.execute(f"LOAD {sql.quote(file)}")
    except duckdb.Error:  # built for another DuckDB: its own installer knows the right one
        return False
    return True


def _install(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    import duckdb

    try:
        connection.install_extension(name)
        connection.load_extension(name)
    except duckdb.Error:
        wheel = f"duckdb-extension-{name}-scanner=={duckdb.__version__}"
        raise ExtensionError(
            f"DuckDB {duckdb.__version__} cannot load its scanner",
            name,
            'pip install "dbtools[postgres]"' if name == "postgres" else f"pip install {wheel}",
        ) from None
