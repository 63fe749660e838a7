"""One SQLite file: its header, its fingerprint, and a consistent private copy of it while others write.

Nothing here writes beside the database: opening a WAL database read-only would leave ``-wal`` and ``-shm`` files
in its folder, so such a database is copied, and the copy is opened.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from dbtools import disk
from dbtools.errors import BusyError, DamagedError, DatabaseError, reason

MAGIC = b"SQLite format 3\0"
CHUNK = 1 << 20
HEADER = 100
WAL_HEADER = 32
LIVE = ("-wal", "-journal")  # sidecars that are a part of the database where they are not empty
SIDECARS = (*LIVE, "-shm")
DAMAGED = "restore it from a backup; an audit tells what can still be read"

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x04\x22\x4d\x18": "lz4",
}
BUILT_IN = ("BINARY", "NOCASE", "RTRIM")  # collations that every SQLite has
_COLLATE = re.compile(r"""\bcollate\s*(?:"([^"]+)"|'([^']+)'|\[([^\]]+)\]|`([^`]+)`|(?<=\s)([\w$]+))""", re.IGNORECASE)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_HEAD = 4096  # bytes that tell what a file is
_LISTS_DESCRIPTORS = os.path.isdir("/proc/self/fd")  # noqa: PTH112 - no file of the user's
_descriptors: dict[tuple[int, int], int] = {}
_readers: Counter[tuple[int, int]] = Counter()
_lock = threading.RLock()  # an audit, a cleanup and a new look at the database may run side by side


def connect(path: Path, **options: Any) -> sqlite3.Connection:
    """Open a database that exists for reading alone, with ``sqlite3.connect``'s options. Reads only."""
    opened: sqlite3.Connection = sqlite3.connect(uri(path), uri=True, **options)
    return opened


def connect_copy(copy: Path) -> sqlite3.Connection:
    """Open a private copy for reading alone, also where an index has a collation that only the application knows.

    Such a collation orders by bytes here. So no answer may rest on its order: count, and compare with BINARY.
    """
    connection = connect(copy)
    register_collations(connection)
    return connection


def register_collations(connection: sqlite3.Connection, schema: str = "main") -> None:
    """Let the collations that a schema names and SQLite does not have order by bytes. Reads only."""
    connection.text_factory = bytes
    query = f"SELECT sql FROM {schema}.sqlite_master WHERE sql LIKE '%collate%'"  # noqa: S608 - main or other
    with suppress(sqlite3.Error):  # a damaged file says so when it is asked
        for (statement,) in connection.execute(query).fetchall():
            for name in _own_collations(statement.decode("utf-8", "replace")):
                connection.create_collation(name, by_bytes)
    connection.text_factory = str


def by_bytes_only(statement: str) -> str:
    """Return a statement of a schema with BINARY in the place of collations that SQLite does not have. Pure."""
    return _COLLATE.sub("COLLATE BINARY", statement) if _own_collations(statement) else statement


def _own_collations(statement: str) -> set[str]:
    names = {next(filter(None, match.groups())) for match in _COLLATE.finditer(statement)}
    return {name for name in names if name.upper() not in BUILT_IN and "\0" not in name}


def by_bytes(one: str, other: str) -> int:
    """Compare two texts as BINARY does, in the place of a collation of the application. Pure."""
    return (one > other) - (one < other)


def uri(path: Path) -> str:
    """Return the URI by which SQLite opens a file for reading alone, whatever its path means in a URI."""
    return f"{path.absolute().as_uri()}?mode=ro"


def _hold(path: Path) -> tuple[tuple[int, int], int]:
    """Return the file's identity and a read-only descriptor of it that stays open until `release`. Reads only.

    POSIX drops every lock a process has on a file as soon as any descriptor of it is closed; reading a database
    through `open` and `close` would take the locks of the user's own connection in the same kernel with it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    with _lock:
        key = _identity(path)
        if key not in _descriptors:
            # A file that was replaced or deleted cannot be opened any more, and takes up the disk.
            for other in [k for k, held in _descriptors.items() if not _readers[k] and not os.fstat(held).st_nlink]:
                os.close(_descriptors.pop(other))
            # A pipe without a writer would block.
            _descriptors[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        return key, _descriptors[key]


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """Yield the descriptor of `_hold`; no other thread can release it in the ``with`` block. Reads only."""
    with _lock:
        key, descriptor = _hold(path)
        _readers[key] += 1
    try:
        yield descriptor
    finally:
        with _lock:
            _readers[key] -= 1
            if not _readers[key]:
                del _readers[key]


def release(path: Path) -> None:
    """Close the descriptor that `_hold` keeps, so that the file counts as not in use; not while others read it."""
    with _lock:
        key = _identity(path)
        if _readers[key] or (_LISTS_DESCRIPTORS and is_open_here(path)):
            return  # closing it would drop the locks that others in this process have on the file
        descriptor = _descriptors.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)


def read(path: Path, length: int) -> bytes:
    """Return the first bytes of a file, and keep it open as `_hold` does. Reads only."""
    with reading(path) as descriptor:
        return os.pread(descriptor, length, 0)


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file piece by piece, and keep it open as `_hold` does. Reads only."""
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


def is_open_here(path: Path) -> bool:
    """Tell whether this process has the file open other than by `_hold`; True if unknown. Reads only."""
    key = _identity(path)
    try:
        descriptors = {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - names, not paths
    except OSError:
        return True
    for descriptor in descriptors - {_descriptors.get(key)}:
        with suppress(OSError):
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) == key:
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
            if file != path:
                _check_sidecar(path, "-wal", facts)
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
    """Tell whether the database has a sidecar ``-wal`` or ``-journal`` with changes in it. Reads only.

    A ``-journal`` whose header is zeroed has none: it is what ``PRAGMA journal_mode = PERSIST`` leaves.
    """
    file = beside(path, suffix)
    try:
        status = file.lstat()
        if not status.st_size or suffix != "-journal" or not stat.S_ISREG(status.st_mode):
            return status.st_size > 0
        return peek(file, 1) != b"\0"  # as SQLite itself tells
    except FileNotFoundError:
        return False
    except OSError:
        return True


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
        found = describe(read(path, _HEAD), path.stat().st_size)
        what = f"Not an SQLite database ({found})" if found else "Not an SQLite database"
        raise DatabaseError(what, path, "give the path of a prompter.db")
    return header


def describe(head: bytes, length: int) -> str:
    """Say what a file is that should be a database or CSV file, from its first bytes; empty where nobody can. Pure."""
    if not length:
        return "an empty file"
    if head.startswith(_LFS_POINTER):
        return "a pointer of Git LFS: the content itself is not here"
    if _HTML.match(head):
        return "an HTML page, such as a failed download leaves"
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            return f"compressed ({name})"
    # Pages of SQLCipher and the like look random: of 1,024 random bytes, 251 of the 256 values are expected.
    if length % 512 == 0 and len(head) >= 1024 and len(set(head[:1024])) > 230:
        return "encrypted, or no database at all"
    return ""


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
        It cannot be used: see `check_file`; also truncated, damaged, or left with a hot journal by a crash.
    """
    header = check_file(path)
    for suffix in SIDECARS:
        with suppress(OSError):
            _check_sidecar(path, suffix, beside(path, suffix).stat())
    folder = disk.make_temporary("dbtools-snapshot-")  # private: the copy holds what the database holds
    try:
        if path.stat().st_size > shutil.disk_usage(folder).free:
            raise _no_room(os.strerror(errno.ENOSPC), path)
        copy = folder / "snapshot.db"
        try:
            if header[18] == 2 or header[19] == 2 or sidecar(path, "-wal"):
                if sidecar(path, "-journal"):
                    raise _hot_journal(path)
                _copy_wal(path, copy, timeout)
            else:
                _copy_locked(path, copy, timeout)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE").fetchall()
                connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged name in SQLite's own words is no UTF-8
            raise sqlite_error(error, path) from None
        except PermissionError:
            raise no_permission(path) from None
        except OSError as error:
            raise _no_room(reason(error), path) from None
        yield copy
    finally:
        disk.remove_temporary(folder)


def _check_sidecar(path: Path, suffix: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):  # SQLite would wait for ever at a pipe
        raise DatabaseError(f'Its "{suffix}" is not a regular file', path, "move that away")


def sqlite_error(error: Exception, path: Path) -> BusyError | DatabaseError:
    """Turn an error of SQLite into the sentence a user needs."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError("The database stayed locked by another process", path, "try again when it is idle")
    if sidecar(path, "-journal") and name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return _hot_journal(path)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):  # nothing is ever written but the copy
        return _no_room(error, path)
    if is_truncated(path):
        return _truncated(path)
    if sidecar(path, "-wal"):
        what = f"The database cannot be read together with its -wal ({error})"
        return DatabaseError(what, path, "if the -wal belongs to another state of the file, move it away")
    if name.startswith("SQLITE_NOTADB"):
        return DamagedError("Not an SQLite database", path, "give the path of a prompter.db")
    return DamagedError(f"The database cannot be read ({error})", path, DAMAGED)


def _hot_journal(path: Path) -> DatabaseError:
    todo = "open it once with the application so that SQLite rolls it back"
    return DatabaseError("The database was left with a hot journal by a crash", path, todo)


def _no_room(reason: object, path: Path) -> DatabaseError:
    what = f"No private copy of the database could be made ({reason})"
    return DatabaseError(what, path, "free space in the folder for temporary files, or name another in TMPDIR")


def _truncated(path: Path) -> DamagedError:
    return DamagedError("The database is truncated", path, "restore it from a backup")


def _copy_locked(path: Path, copy: Path, timeout: float) -> None:
    with reading(path) as descriptor, closing(connect(path, timeout=timeout, isolation_level=None)) as source:
        # backup() retries for ever on a locked database; a read transaction taken first gives up after the timeout.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        # Under the lock the file is at rest; in WAL mode a checkpoint may be writing to it this moment.
        at_rest = source.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
        if at_rest and is_truncated(path):
            raise _truncated(path)
        if at_rest and os.path.samestat(os.fstat(descriptor), path.stat()):  # no other file took its place meanwhile
            _copy(path, copy)
        else:
            with closing(sqlite3.connect(copy)) as target:
                target.execute("PRAGMA synchronous = OFF")  # a private copy need not outlive a power cut
                source.backup(target)
        source.execute("COMMIT")


def _copy_wal(path: Path, copy: Path, timeout: float) -> None:
    """Copy the database, then its ``-wal``, until the ``-wal`` did not begin anew meanwhile.

    Commits and checkpoints do no harm: a half-copied frame fails its checksum, and the frames that a checkpoint moves
    stay in the ``-wal`` until that begins anew, which changes its header.
    """
    wal, deadline = beside(path, "-wal"), time.monotonic() + timeout
    while True:
        before = _wal_mark(path)
        _copy(path, copy)
        copied_wal = copy.with_name(copy.name + "-wal")
        copied_wal.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            _copy(wal, copied_wal)
        cut = not sidecar(path, "-wal") and is_truncated(path)
        if _wal_mark(path) == before:
            if cut:
                raise _truncated(path)
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    if read(path, HEADER)[18] == 1:  # to open it would write beside it
        raise BusyError("The database kept changing while it was copied", path, "try again when it is idle")
    copied_wal.unlink(missing_ok=True)
    copy.unlink()
    # A writer that never rests has its -wal and -shm open, so a reader of its own leaves nothing new behind.
    _copy_locked(path, copy, timeout)


def _wal_mark(path: Path) -> tuple[int, bytes] | str:
    """Return what stays the same for as long as a ``-wal`` is only appended to; without one, the fingerprint.

    The fingerprint also where the database is in rollback mode: a ``-wal`` was left beside it, and a process that
    opened it before writes to the file itself.
    """
    try:
        wal = beside(path, "-wal")
        if read(path, HEADER)[18] == 1:
            return fingerprint(path)
        return wal.stat().st_ino, read(wal, WAL_HEADER)
    except FileNotFoundError:
        return fingerprint(path)


def _copy(source: Path, target: Path) -> None:
    """Copy the bytes of a file within the system, which takes a third of the time of reading and writing them."""
    with reading(source) as descriptor, target.open("wb") as handle:
        offset = 0
        try:
            while sent := os.sendfile(handle.fileno(), descriptor, offset, 16 * CHUNK):
                offset += sent
        except OSError as error:
            if offset or error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSOCK, errno.EOPNOTSUPP):
                raise
            handle.writelines(chunks(source))  # not on this system, or not on its file system
