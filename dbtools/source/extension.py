"""Load DuckDB's SQLite scanner: from the installed wheel, else by DuckDB's own means."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.errors import ExtensionError

if TYPE_CHECKING:
    import duckdb


def load(connection: duckdb.DuckDBPyConnection, name: str = "sqlite") -> None:
    """Load the scanner `name` into a connection. Reads only.

    The wheel's file is loaded by its path: no network, and nothing is copied into the home folder.

    Raises
    ------
    ExtensionError
        Neither the wheel nor DuckDB's own extension folder has it.
    """
    import duckdb

    spec = importlib.util.find_spec(f"duckdb_extension_{name}_scanner")
    if spec and spec.origin:
        for file in sorted(Path(spec.origin).parent.rglob("*.duckdb_extension")):
            try:
                connection.execute(f"LOAD '{str(file).replace(chr(39), chr(39) * 2)}'")
                return
            except duckdb.Error:
                continue  # built for another DuckDB: its own installer knows the right one
    try:
        connection.install_extension(name)
        connection.load_extension(name)
    except duckdb.Error:
        raise ExtensionError(
            f"DuckDB {duckdb.__version__} cannot load its scanner",
            name,
            f"pip install duckdb-extension-{name}-scanner=={duckdb.__version__}",
        ) from None
