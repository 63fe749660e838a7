"""Private folders for work under way, which whoever comes next removes when their maker was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools import locks
from dbtools.errors import DatabaseError, DbtoolsError, first_line
from dbtools.source.sql import config, remedy

if TYPE_CHECKING:
    import duckdb

_locks: dict[Path, int] = {}


def make(prefix: str, within: Path | None = None) -> Path:
    """Make a folder, mode 0700, in `within` or else in the system's temporary folder.

    Changes files: makes the folder, and removes those of the same prefix and user whose maker is gone.

    Raises
    ------
    OSError
        `within` does not take it.
    DatabaseError
        No folder for temporary files takes it.
    """
    try:
        top = within or Path(tempfile.gettempdir())
        for left in top.glob(f"{prefix}*"):
            with suppress(FileNotFoundError):
                if locks.SUPPORTED and left.lstat().st_uid == os.getuid() and _lock(left):
                    remove(left)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=top))
            if _lock(folder) is not False:  # else somebody who sweeps was quicker
                return folder
    except OSError as error:
        if within:
            raise
        what = f"No folder for temporary files can be used ({error.strerror})"
        raise DatabaseError(what, tempfile.tempdir, "free space or name another in TMPDIR") from None


def remove(folder: Path) -> None:
    """Remove a folder that `make` made. Changes files: the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    lock = _locks.pop(folder, None)
    if lock is not None:
        os.close(lock)


@contextmanager
def folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Make a folder for the length of a ``with`` block. Changes files: see `make`."""
    made = make(prefix, within)
    try:
        yield made
    finally:
        remove(made)


@contextmanager
def scratchpad(what: str, thing: object, kind: type[DbtoolsError]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty DuckDB for a while; what does not fit into the memory it may take goes to a private folder.

    Changes files: that folder, which goes with the ``with`` block.

    Raises
    ------
    DbtoolsError
        Of this `kind`: the disk is full, or memory too little; `what` failed with which `thing`.
    """
    import duckdb

    with folder("dbtools-work-") as spill:
        try:
            with duckdb.connect(config=config(spill)) as connection:
                yield connection
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            todo = f"{remedy(error, 'free space on the disk')}, and try again"
            raise kind(f"{what} ({first_line(error)})", thing, todo) from None


def flush(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, to the disk."""
    if not locks.SUPPORTED:  # Windows flushes neither folders nor files opened for reading
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> bool | None:
    """Take the lock of a folder, which the kernel drops with the process; None where there is none to be had."""
    if not locks.SUPPORTED:  # what a killed process left stays
        return None
    lock, taken = None, False
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        alone = locks.take(lock)
        if alone is None:
            return None
        taken = alone and os.path.samestat(os.fstat(lock), folder.lstat())
    except FileNotFoundError:
        pass
    except OSError:
        return None
    finally:
        if taken and lock is not None:
            _locks[folder] = lock
        elif lock is not None:
            os.close(lock)
    return taken
