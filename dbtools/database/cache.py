"""The typed copies of databases in the user's cache folder: private, keyed by state, replaced in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import lru_cache
from pathlib import Path

from dbtools import __version__, disk
from dbtools.database import materialize, sql
from dbtools.errors import DatabaseError, explained
from dbtools.server import Server


def folder_of(path: Path | Server) -> Path | None:
    """Return the cache folder of one database, mode 0700; None where no cache can be kept."""
    from platformdirs import user_cache_path

    top = user_cache_path("dbtools") / "attach"
    name = str(path).encode() if isinstance(path, Server) else os.fsencode(path.resolve())
    folder = top / hashlib.sha256(name).hexdigest()[:24]
    try:
        str(folder).encode()  # DuckDB cannot open a path that is not UTF-8
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in (top.parent, top, folder):
            each.chmod(0o700)
        return folder if os.access(folder, os.W_OK) else None
    except (OSError, UnicodeError):
        return None


def workplace(prefix: str, folder: Path | None) -> Path:
    """Make a private folder for work on a copy, in its cache folder or else the system's temporary folder.

    Raises
    ------
    DatabaseError
        The folder does not take it.
    """
    todo = "free space, or name another folder in XDG_CACHE_HOME"
    with explained(DatabaseError, "The cache folder cannot be written", folder, todo):
        return disk.make_temporary(prefix, folder)


_SERVING = {"facts": ("facts", "narrow", "full"), "narrow": ("narrow", "full"), "full": ("full",)}


@lru_cache
def _recipe() -> str:
    import duckdb

    # What would be loaded differently makes another file: the text that loads is part of the key.
    own = [sql.read_sql(name) for name in ("macros.sql", "schema.py", "load.py", "sql.py", "postgres.py")]
    own.append(sql.read_sql("sqlite", "direct.py"))
    own += [sql.read_sql("load", f.name) for f in sorted(sql.FILES.joinpath("load").iterdir(), key=lambda f: f.name)]
    own += [sql.read_sql("views", "05_facts.sql"), *(sql.read_sql("portable", f) for f in materialize.VIEWS)]
    return hashlib.sha256("\0".join([__version__, duckdb.__version__, *own]).encode()).hexdigest()[:12]


def find(folder: Path, mark: str, tier: str) -> Path | None:
    """Return a kept copy that has what the tier needs: ``"facts"``, ``"narrow"`` (no long texts) or ``"full"``."""
    recipe = _recipe()
    files = (folder / f"{recipe}-{mark}-{each}.duckdb" for each in _SERVING[tier])
    return next((file for file in files if file.is_file()), None)


def earlier_facts(folder: Path) -> Path | None:
    """Return the kept facts of an earlier state."""
    return next(iter(sorted(folder.glob(f"{_recipe()}-*-facts.duckdb"))), None)


def publish(built: Path, folder: Path, mark: str, tier: str) -> Path:
    """Put the copy in place in one step and drop those of earlier states of the database."""
    file = folder / f"{_recipe()}-{mark}-{tier}.duckdb"
    built.replace(file)
    for other in folder.glob("*.duckdb"):
        if not other.name.startswith(file.name.removesuffix(f"{tier}.duckdb")):
            other.unlink(missing_ok=True)
    return file


def forget(path: Path) -> None:
    """Drop every copy of one database. Changes files: only in the cache folder."""
    folder = folder_of(path)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
