"""Temporary folders, locks on folders, and writes that survive a crash."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dbtools.errors import DatabaseError, reason

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCKS_SUPPORTED = fcntl is not None
_locks: dict[Path, int] = {}


def lock(descriptor: int, *, wait: bool = False) -> bool | None:
    """Lock an open folder until it is closed. The kernel drops the lock when the process ends.

    Returns
    -------
    bool or None
        False when another process holds the lock; None where the file system has no locks.
    """
    if not LOCKS_SUPPORTED:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no locks
        return None
    return True


@contextmanager
def locked_folder(folder: Path, *, wait: bool = False) -> Iterator[bool | None]:
    """Lock a folder for the length of a ``with`` block; yield what `lock` returns.

    Raises
    ------
    OSError
        The folder cannot be opened.
    """
    if not LOCKS_SUPPORTED:  # nor can a folder be opened
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield lock(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def make_temporary(prefix: str, within: Path | None = None) -> Path:
    """Make a private folder (mode 0700) in `within`, or in the system's temporary folder.

    Changes files: makes the folder, and removes folders with the same prefix and user whose process has ended.

    Raises
    ------
    OSError
        `within` cannot be written.
    DatabaseError
        The system's temporary folder cannot be written.
    """
    try:
        parent = within or Path(tempfile.gettempdir())
        for left in parent.glob(f"{prefix}*"):
            with suppress(FileNotFoundError):
                if LOCKS_SUPPORTED and left.lstat().st_uid == os.getuid() and _lock_temporary(left):
                    remove_temporary(left)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            if _lock_temporary(folder) is not False:  # another process may have removed it as abandoned
                return folder
    except OSError as error:
        if within:
            raise
        what = f"No folder for temporary files can be used ({reason(error)})"
        raise DatabaseError(what, tempfile.tempdir, "free space or name another in TMPDIR") from None


def remove_temporary(folder: Path) -> None:
    """Remove a folder that `make_temporary` made. Changes files: the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    held = _locks.pop(folder, None)
    if held is not None:
        os.close(held)


@contextmanager
def temporary_folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Make a private folder for the length of a ``with`` block. Changes files: see `make_temporary`."""
    folder = make_temporary(prefix, within)
    try:
        yield folder
    finally:
        remove_temporary(folder)


def sync(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, to the disk."""
    if not LOCKS_SUPPORTED:  # Windows syncs neither folders nor files opened for reading
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(files: Iterable[tuple[Path, Path]]) -> None:
    """Put finished files in place, each in one step, on disk when it returns.

    Changes files: moves each first path to the second, which is in an existing folder of the same file system.
    """
    moves = list(files)
    for finished, _ in moves:
        sync(finished)
    for finished, target in moves:
        finished.replace(target)
    for folder in {target.parent for _, target in moves}:
        sync(folder)


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder and the missing ones above it; after the ``with`` block, remove those that are empty.

    Changes files: the folders, on disk when the block begins.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            sync(path.parent)
        yield
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


def _lock_temporary(folder: Path) -> bool | None:
    """Lock a temporary folder and remember the lock; None where there are no locks."""
    if not LOCKS_SUPPORTED:  # folders of killed processes stay
        return None
    descriptor, taken = None, False
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        alone = lock(descriptor)
        if alone is None:
            return None
        taken = alone and os.path.samestat(os.fstat(descriptor), folder.lstat())
    except FileNotFoundError:
        pass
    except OSError:
        return None
    finally:
        if taken and descriptor is not None:
            _locks[folder] = descriptor
        elif descriptor is not None:
            os.close(descriptor)
    return taken
