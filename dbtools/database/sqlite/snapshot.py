"""A consistent private copy of a live SQLite database.

Nothing here writes beside the database: opening a WAL database read-only would leave ``-wal`` and ``-shm`` files
in its folder, so such a database is copied, and the copy is opened.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from dbtools import disk
from dbtools.database.sqlite import dbfile
from dbtools.errors import BusyError, DatabaseError, reason


@contextmanager
def snapshot(path: Path, timeout: float = 5.0) -> Iterator[Path]:
    """Make a consistent private copy of the database for the length of a ``with`` block.

    Reads only: the database, its folder and its times stay as they are. A database in rollback mode is read under a
    shared lock for as long as the copy takes; one in WAL mode without any lock.

    Raises
    ------
    BusyError
        It stayed locked, or kept changing, for longer than `timeout` seconds.
    DatabaseError
        It cannot be used: see `dbfile.check_file`; also truncated, damaged, or left with a hot journal by a crash.
    """
    header = dbfile.check_file(path)
    folder = disk.make_temporary("dbtools-snapshot-")  # private: the copy holds what the database holds
    try:
        if path.stat().st_size > shutil.disk_usage(folder).free:
            raise _no_room(os.strerror(errno.ENOSPC), path)
        copy = folder / "snapshot.db"
        try:
            if header[18] == 2 or header[19] == 2:
                _copy_wal(path, copy, timeout)
            else:
                _copy_locked(path, copy, timeout)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE").fetchall()
                connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged name in SQLite's own words is no UTF-8
            raise sqlite_error(error, path) from None
        except PermissionError:
            raise dbfile.no_permission(path) from None
        except OSError as error:
            raise _no_room(reason(error), path) from None
        yield copy
    finally:
        disk.remove_temporary(folder)


def sqlite_error(error: Exception, path: Path) -> BusyError | DatabaseError:
    """Turn an error of SQLite into the sentence a user needs."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError("The database stayed locked by another process", path, "try again when it is idle")
    if dbfile.sidecar(path, "-journal") and name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return DatabaseError(
            "The database was left with a hot journal by a crash",
            path,
            "open it once with the application so that SQLite rolls it back",
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):  # nothing is ever written but the copy
        return _no_room(error, path)
    if dbfile.is_truncated(path):
        return _truncated(path)
    if name.startswith("SQLITE_NOTADB"):
        return DatabaseError("Not an SQLite database", path, "give the path of a prompter.db")
    return DatabaseError(f"The database cannot be read ({error})", path, "check it with PRAGMA integrity_check")


def _no_room(reason: object, path: Path) -> DatabaseError:
    what = f"No private copy of the database could be made ({reason})"
    return DatabaseError(what, path, "free space in the folder for temporary files, or name another in TMPDIR")


def _truncated(path: Path) -> DatabaseError:
    return DatabaseError("The database is truncated", path, "restore it from a backup")


def integrity(copy: Path) -> list[str]:
    """Return the complaints of ``PRAGMA integrity_check`` about a snapshot; empty when it is sound. Reads only."""
    with closing(dbfile.connect(copy)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        except (sqlite3.Error, UnicodeDecodeError) as error:
            found = [str(error)]
    return [] if found == ["ok"] else found


def _copy_locked(path: Path, copy: Path, timeout: float) -> None:
    with (
        closing(dbfile.connect(path, timeout=timeout, isolation_level=None)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        # backup() retries for ever on a locked database; a read transaction taken first gives up after the timeout.
        target.execute("PRAGMA synchronous = OFF")  # a private copy need not outlive a power cut
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        # Under the lock the size is at rest; in WAL mode a checkpoint may be growing the file this moment.
        if source.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and dbfile.is_truncated(path):
            raise _truncated(path)
        source.backup(target)
        source.execute("COMMIT")


def _copy_wal(path: Path, copy: Path, timeout: float) -> None:
    """Copy the database, then its ``-wal``, until the ``-wal`` did not begin anew meanwhile.

    Commits and checkpoints do no harm: a half-copied frame fails its checksum, and the frames that a checkpoint moves
    stay in the ``-wal`` until that begins anew, which changes its header.
    """
    wal, deadline = dbfile.beside(path, "-wal"), time.monotonic() + timeout
    while True:
        before = _wal_mark(path)
        _copy(path, copy)
        copied_wal = copy.with_name(copy.name + "-wal")
        copied_wal.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            _copy(wal, copied_wal)
        cut = not dbfile.sidecar(path, "-wal") and dbfile.is_truncated(path)
        if _wal_mark(path) == before:
            if cut:
                raise _truncated(path)
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    copied_wal.unlink(missing_ok=True)
    copy.unlink()
    # A writer that never rests has its -wal and -shm open, so a reader of its own leaves nothing new behind.
    _copy_locked(path, copy, timeout)


def _wal_mark(path: Path) -> tuple[int, bytes] | str:
    """Return what stays the same for as long as a ``-wal`` is only appended to; without one, the fingerprint."""
    try:
        wal = dbfile.beside(path, "-wal")
        return wal.stat().st_ino, dbfile.read(wal, dbfile.WAL_HEADER)
    except FileNotFoundError:
        return dbfile.fingerprint(path)


def _copy(source: Path, target: Path) -> None:
    with target.open("wb") as handle:
        handle.writelines(dbfile.chunks(source))
