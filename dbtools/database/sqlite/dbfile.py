"""An SQLite file as it lies on the disk: who has it open, its header, the fingerprint that tells when it changed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dbtools.errors import DatabaseError

try:
    import fcntl
except ImportError:  # Windows, which has no /proc either
    fcntl = None  # type: ignore[assignment]

MAGIC = b"SQLite format 3\0"
CHUNK = 1 << 20
HEADER = 100
WAL_HEADER = 32
LIVE = ("-wal", "-journal")  # sidecars that are a part of the database where they are not empty
SIDECARS = (*LIVE, "-shm")

_LISTS_DESCRIPTORS = os.path.isdir("/proc/self/fd")  # noqa: PTH112 - no file of the user's
_held: dict[tuple[int, int], int] = {}
_readers: Counter[tuple[int, int]] = Counter()
_lock = threading.RLock()  # an audit, a cleanup and a new look at the database may run side by side


def connect(path: Path, **options: Any) -> sqlite3.Connection:
    """Open a database that exists for reading alone, with ``sqlite3.connect``'s options. Reads only."""
    opened: sqlite3.Connection = sqlite3.connect(uri(path), uri=True, **options)
    return opened


def uri(path: Path) -> str:
    """Return the URI by which SQLite opens a file for reading alone, whatever its path means in a URI."""
    return f"{path.absolute().as_uri()}?mode=ro"


def hold(path: Path) -> tuple[tuple[int, int], int]:
    """Return the file's identity and a read-only descriptor of it that stays open until `release`. Reads only.

    POSIX drops every lock a process has on a file as soon as any descriptor of it is closed; reading a database
    through `open` and `close` would take the locks of the user's own connection in the same kernel with it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    with _lock:
        key = _identity(path)
        if key not in _held:
            # What was replaced or deleted nobody can open any more, and it takes up the disk.
            for other in [k for k, held in _held.items() if not _readers[k] and not os.fstat(held).st_nlink]:
                os.close(_held.pop(other))
            # A pipe without a writer would block.
            _held[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        return key, _held[key]


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """Give the descriptor of `hold`, which no other thread can release in the ``with`` block. Reads only."""
    with _lock:
        key, descriptor = hold(path)
        _readers[key] += 1
    try:
        yield descriptor
    finally:
        with _lock:
            _readers[key] -= 1
            if not _readers[key]:
                del _readers[key]


def release(path: Path) -> None:
    """Close the descriptor that `hold` keeps, so that the file counts as not in use; who else reads it keeps it."""
    with _lock:
        key = _identity(path)
        if _readers[key] or (_LISTS_DESCRIPTORS and is_open_here(path)):
            return  # with this descriptor the locks of whoever else has it open would go
        descriptor = _held.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)


def read(path: Path, length: int) -> bytes:
    """Return the first bytes of a file, and keep it open as `hold` does. Reads only."""
    with reading(path) as descriptor:
        return os.pread(descriptor, length, 0)


def chunks(path: Path) -> Iterator[bytes]:
    """Give the bytes of a file piece by piece, and keep it open as `hold` does. Reads only."""
    offset = 0
    with reading(path) as descriptor:
        while chunk := os.pread(descriptor, CHUNK, offset):
            yield chunk
            offset += len(chunk)


def peek(path: Path, length: int = len(MAGIC)) -> bytes:
    """Return the first bytes of a file and close it; by default as many as tell an SQLite database. Reads only."""
    try:
        return read(path, length)
    finally:
        release(path)


def _identity(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino


def is_open_here(path: Path, *, to_write: bool = False) -> bool:
    """Tell whether this process has the file open but by `hold`; True where that cannot be told. Reads only."""
    key = _identity(path)
    try:
        descriptors = {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - names, not paths
    except OSError:
        return True
    for descriptor in descriptors - {_held.get(key)}:
        with suppress(OSError):
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) != key:
                continue
            if not to_write or fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                return True
    return False


def fingerprint(path: Path) -> str:
    """Return 32 hex digits that change whenever the database does. Reads only; about 10 µs.

    Taken over identity, size, time and header of the database file and of its ``-wal``.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file, length in ((path, HEADER), (beside(path, "-wal"), WAL_HEADER)):
        try:
            facts = file.stat()
            digest.update(repr((facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)).encode())
            digest.update(read(file, length))
        except FileNotFoundError:
            digest.update(b"absent")
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal. Reads only."""
    digest = hashlib.sha256()
    for chunk in chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def sidecar(path: Path, suffix: str) -> bool:
    """Tell whether the database has a sidecar ``-wal`` or ``-journal`` that is not empty. Reads only."""
    try:
        return beside(path, suffix).lstat().st_size > 0
    except OSError:
        return False


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a sidecar: SQLite puts it next to the file itself, not next to a link to it."""
    return Path(os.path.realpath(path) + suffix)


def check_file(path: Path) -> bytes:
    """Return the header of an SQLite file. Reads only.

    Raises
    ------
    DatabaseError
        No such file, not a regular file, empty, not readable, or not an SQLite database.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DatabaseError("The database is a folder", path, "give the path of a prompter.db")
        if not stat.S_ISREG(mode):
            raise DatabaseError("The database is not a regular file", path, "give the path of a prompter.db")
        header = read(path, HEADER)
    except FileNotFoundError:
        raise DatabaseError("No such database", path, "give the path of a prompter.db") from None
    except PermissionError:
        raise no_permission(path) from None
    if not header:
        raise DatabaseError("The database is an empty file", path, "restore it from a backup")
    if not header.startswith(MAGIC) or len(header) < HEADER:
        raise DatabaseError("Not an SQLite database", path, "give the path of a prompter.db")
    return header


def no_permission(path: Path) -> DatabaseError:
    """Return the error of a database that this user may not read."""
    return DatabaseError("No permission to read the database", path, "make it readable for this user")


def is_truncated(path: Path) -> bool:
    """Tell whether the file is shorter than its header says. Reads only; meaningful while nobody writes.

    Bytes after the last page do no harm: SQLite ignores them.
    """
    header = read(path, HEADER)
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    size = path.stat().st_size
    # The page count counts only where the last writer was one that keeps it (SQLite file format, 1.3.8).
    if header[24:28] == header[92:96]:
        return size < int.from_bytes(header[28:32], "big") * page_size
    return page_size > 0 and size % page_size != 0
