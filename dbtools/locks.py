"""Locks on folders, which the kernel drops with the process that took them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUPPORTED = fcntl is not None


def take(descriptor: int, *, wait: bool = False) -> bool | None:
    """Take the lock of an open folder, which lasts until it is closed; never waits unless told to.

    Returns
    -------
    bool or None
        Whether nobody else had it; None where the file system, or the system, has no locks.
    """
    if not SUPPORTED:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a network file system: one program at a time is then up to whoever starts them
        return None
    return True


@contextmanager
def taken(folder: Path, *, wait: bool = False) -> Iterator[bool | None]:
    """Take the lock of a folder for the length of a ``with`` block; yield what `take` says.

    Raises
    ------
    OSError
        The folder cannot be opened.
    """
    if not SUPPORTED:  # nor can a folder be opened
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield take(descriptor, wait=wait)
    finally:
        os.close(descriptor)
