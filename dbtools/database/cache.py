"""The copies of databases in the user's cache folder: private, one per state, replaced in one step.

A copy has the tables of one state of a database, typed; a second file beside it has the derived relations that take
long to compute. Each of their rows depends on one prompt only, which its column prompt_id names, so that a filter on
prompts can read them too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import __version__, disk
from dbtools.database import load, postgres, schema, sql
from dbtools.errors import DatabaseError, explained
from dbtools.progress import step
from dbtools.server import Server

if TYPE_CHECKING:
    import duckdb

LAYOUT = 1  # raise it where copies made before must not be used though no statement of theirs has changed
MATERIALIZED = ("row_provenance", "scored_versions", "contest_entries")


def folder_of(address: Path | Server) -> Path | None:
    """Return the cache folder of one database, mode 0700; None where there can be none."""
    from platformdirs import user_cache_path

    top = user_cache_path("dbtools") / "attach"
    name = str(address).encode() if isinstance(address, Server) else os.fsencode(address.resolve())
    folder = top / hashlib.sha256(name).hexdigest()[:24]
    try:
        str(folder).encode()  # DuckDB cannot open a path that is not UTF-8
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in (top.parent, top, folder):
            each.chmod(0o700)
        return folder if os.access(folder, os.W_OK) else None
    except (OSError, UnicodeError):
        return None


def working_folder(prefix: str, folder: Path | None) -> Path:
    """Make a private temporary folder in a cache folder, or else in the system's temporary folder.

    Raises
    ------
    DatabaseError
        Nothing can be written there.
    """
    todo = "free space, or name another folder in XDG_CACHE_HOME"
    with explained(DatabaseError, "Nothing can be written to the cache folder", folder, todo):
        return disk.make_temporary(prefix, folder)


@lru_cache
def key() -> str:
    """Return the part of a copy's name that changes whenever dbtools would make another copy of the same state.

    It is taken over every statement that reads, types or derives what a copy holds, as it is run, and not over the
    Python code that puts them together: a change of a comment there would make every copy useless.
    """
    import duckdb

    read = [repr(templates) for templates in (schema.READ, postgres.READ, postgres.READ_TYPE)]
    made = [text for table in schema.TABLES for text in load.statements(table, table.columns, "raw", True)]
    derived = [query for name, query in sql.views() if name in (*MATERIALIZED, *sql.STORED)]
    parts = [__version__, duckdb.__version__, str(LAYOUT), sql.macros(), *read, *made, *derived]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def find(folder: Path, fingerprint: str, *, with_texts: bool) -> Path | None:
    """Return the copy of a state; one with the long texts serves also where they are not needed."""
    parts = ("with_texts",) if with_texts else ("without_texts", "with_texts")
    files = (_file(folder, fingerprint, part) for part in parts)
    return next((file for file in files if file.is_file()), None)


def publish(built: Path, folder: Path, fingerprint: str, *, with_texts: bool) -> Path:
    """Move a new copy into the cache folder in one step, and remove those of earlier states of the database."""
    file = _file(folder, fingerprint, "with_texts" if with_texts else "without_texts")
    built.replace(file)
    same_state = {_file(folder, fingerprint, part) for part in ("with_texts", "without_texts", "derived")}
    for other in set(folder.glob("*.duckdb")) - same_state:
        other.unlink(missing_ok=True)
    return file


def derived_file(folder: Path, fingerprint: str) -> Path:
    """Return the path of the derived relations of a state, which both copies of it share."""
    return _file(folder, fingerprint, "derived")


def _file(folder: Path, fingerprint: str, part: str) -> Path:
    return folder / f"{key()}-{fingerprint}-{part}.duckdb"


def build_derived(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write the derived relations into a new DuckDB file. Changes files: creates `target`."""
    connection.execute(f"ATTACH {sql.quote(target)} AS built")
    for name in MATERIALIZED:
        step(f"computing {name.replace('_', ' ')}")
        connection.execute(f"CREATE TABLE built.{name} AS FROM {name}")
        # From here on the next one reads what was just written.
        connection.execute(f"CREATE OR REPLACE VIEW {sql.qualify(name)} AS FROM built.main.{name}")
    connection.execute("CHECKPOINT built")


def use_derived(connection: duckdb.DuckDBPyConnection, file: Path, *, filtered: bool) -> None:
    """Read the derived relations from a file instead of computing them; where prompts are filtered, only theirs."""
    connection.execute(f"ATTACH {sql.quote(file)} AS derived (READ_ONLY)")
    some = " WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids)" if filtered else ""
    for name in MATERIALIZED:
        connection.execute(f"CREATE OR REPLACE VIEW {sql.qualify(name)} AS FROM derived.main.{name}{some}")


def forget(path: Path) -> None:
    """Remove every copy of one database. Changes files: only in the cache folder."""
    folder = folder_of(path)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
