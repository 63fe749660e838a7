"""Open, read, copy and publish files by descriptor: no link and no renamed folder can redirect an operation."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from dbtools import disk
from dbtools.cleanup.model import Identity, Metadata
from dbtools.errors import BusyError, CleanupError

CHUNK = 1 << 20
_LARGEST = 1 << 30  # bytes of a manifest or journal; a larger one is not read
TEMPORARY = ".tmp-"
_VERSION_CONTROL = (".git", ".hg", ".svn")
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# O_NONBLOCK: opening a FIFO, or a file on which another program holds a lease, must not wait.
_FILE = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
_SUPPORTED = disk.LOCKS_SUPPORTED and _NOFOLLOW != 0 and {os.open, os.link, os.rename} <= os.supports_dir_fd
_REASONS = {
    errno.ENOENT: "it is no longer there",
    errno.ELOOP: "it is a symbolic link, or its path contains one",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.EAGAIN: "another program holds it",
}
_DENIED = (errno.EACCES, errno.EPERM, errno.ENXIO, errno.EISDIR, errno.EROFS, errno.EBUSY, errno.ETXTBSY)
# The kernel or the system's policy writes these.
_SYSTEM_XATTRS = ("security.selinux", "security.ima", "security.evm", "security.SMACK64", "security.apparmor")
_CAPABILITIES = "security.capability"
_NOT_ALLOWED = {getattr(errno, n) for n in ("EPERM", "EACCES", "EINVAL", "ENOTSUP", "ENOSYS", "ENODATA")}
_NO_ROOM = {getattr(errno, n) for n in ("ENOSPC", "E2BIG", "ERANGE")}  # for this attribute

Tick = Callable[[int], object]


class PreconditionFailed(Exception):  # noqa: N818  (a finding about one file, not an error of the run)
    """One file stays as it is; the text says why."""


def identity(status: os.stat_result) -> Identity:
    """Return the identity of the file that `status` describes."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_nlink)


def unchanged(planned: Identity, status: os.stat_result) -> bool:
    """Tell whether `status` describes the regular file that `planned` was taken from, unchanged."""
    found = identity(status)
    return stat.S_ISREG(found.mode) and _comparable(found) == _comparable(planned)


def _comparable(known: Identity) -> tuple[int, ...]:
    return (known.device, known.inode, known.size, known.mtime_ns, stat.S_IMODE(known.mode), known.links)


@contextmanager
def file_errors() -> Iterator[None]:
    """Raise `PreconditionFailed` for a system error that concerns one file of the project; let any other pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*_REASONS, *_DENIED):
            raise
        reason = _REASONS.get(error.errno, f"it cannot be reached ({os.strerror(error.errno)})")
        raise PreconditionFailed(reason) from error


def parts(path: str) -> list[str]:
    """Split a path relative to the root; refuse one that could lead out of it, or into version control."""
    names = path.split("/")
    if any(name in ("", ".", "..") or "\0" in name for name in names):
        raise PreconditionFailed("its path leads out of the project")
    if any(name.lower() in _VERSION_CONTROL for name in names):
        raise PreconditionFailed("it is in a folder of version control, which may run files in it")
    return names


@contextmanager
def opened(name: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    """Open a file or folder for the length of a ``with`` block; a file that is made is private to the user."""
    fd = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


def opened_folder(path: Path) -> AbstractContextManager[int]:
    """Open a folder by its path. Reads only."""
    return opened(path, _FOLDER)


@contextmanager
def opened_file(folder: int, name: str) -> Iterator[int]:
    """Open the regular file `name` of `folder`, or refuse. Reads only."""
    with file_errors():
        fd = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise PreconditionFailed("it is not a regular file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def locked(root: Path) -> Iterator[int]:
    """Open the project folder and lock it against other cleanups and restores. The kernel drops the lock.

    Raises
    ------
    CleanupError
        This system cannot reach files by descriptor, or there is no such folder.
    BusyError
        Another process holds the lock.
    """
    if not _SUPPORTED:
        raise CleanupError("Files cannot be removed safely on this system", root, "run the cleanup on Linux")
    if not root.is_dir():
        raise CleanupError("No such project folder", root, "give the folder the run belongs to as root")
    with opened_folder(root) as fd:
        # Where there are no locks, no lease can be had either, and nothing is removed.
        if disk.lock(fd) is False:
            raise BusyError("A cleanup or restore is at work in", root, "wait until it is done")
        yield fd


@contextmanager
def parent(root: int, path: str, *, make: Callable[[int, str, str], object] | None = None) -> Iterator[tuple[int, str]]:
    """Open the folder of `path` below the descriptor `root`, following no link; yield it and the name.

    Reads only, except for `make`, which is called for each folder on the way with the open folder above it, its name
    and its path, and may make it.
    """
    *folders, name = parts(path)
    fd = os.dup(root)
    try:
        for depth, folder in enumerate(folders, start=1):
            if make:
                make(fd, folder, "/".join(folders[:depth]))
            with file_errors():
                below = os.open(folder, _FOLDER | _NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd, name
    finally:
        os.close(fd)


def make_folders(path: Path) -> None:
    """Make a folder and its parents, private to the user. Changes files: the folders; synced when it returns."""
    if not path.parent.is_dir():
        make_folders(path.parent)
    with opened_folder(path.parent) as fd:
        with suppress(FileExistsError):
            os.mkdir(path.name, 0o700, dir_fd=fd)
        os.fsync(fd)


def make_folder(folder: int, name: str, wanted: Metadata | None, temporary: str) -> list[str]:
    """Make the folder `name` with the metadata `wanted` unless it is there; return what could not be given back.

    Changes files: makes the folder under the name `temporary`, then renames it; synced when it returns.
    """
    if status(folder, name) is not None:
        return []
    if wanted is None:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
        os.fsync(folder)
        return []
    with suppress(FileNotFoundError):  # left by a restore that was killed
        os.rmdir(temporary, dir_fd=folder)
    os.mkdir(temporary, 0o700, dir_fd=folder)
    try:
        with opened(temporary, _FOLDER | _NOFOLLOW, folder) as fd:
            if os.listdir(fd):  # noqa: PTH208 (a descriptor); another program put its own folder here
                raise PreconditionFailed("its folder cannot be made")
            missing = write_metadata(fd, wanted)
            os.fsync(fd)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        with suppress(OSError):
            os.rmdir(temporary, dir_fd=folder)
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):  # made meanwhile
            return []
        raise
    os.fsync(folder)
    return missing


def read_metadata(fd: int) -> Metadata:
    """Return the owner, the permission bits and the extended attributes of an open file or folder. Reads only."""
    found, xattrs = os.fstat(fd), dict[str, str | None]()
    for name in _xattr_names(fd):
        try:
            xattrs[name] = base64.b64encode(os.getxattr(fd, name)).decode("ascii")
        except OSError as error:
            if error.errno not in _NOT_ALLOWED:
                raise
            xattrs[name] = None
    return Metadata(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), xattrs)


def _xattr_names(fd: int) -> list[str]:
    try:
        # macOS has extended attributes too, but Python does not offer them there.
        return sorted(n for n in os.listxattr(fd) if n not in _SYSTEM_XATTRS) if hasattr(os, "listxattr") else []
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise


def write_metadata(fd: int, wanted: Metadata) -> list[str]:
    """Give a new file or folder its recorded metadata; return what could not be given back.

    Changes files: the open one, which must be private (0600 or 0700) until now. At no step does it allow more than
    recorded: the owner comes first, then the extended attributes, and the permission bits last. A file never gets
    setuid, setgid or capabilities, because whoever forges a manifest could take over an account with them.
    """
    missing = _write_owner(fd, wanted)
    missing += _write_xattrs(fd, wanted)
    missing += withheld(wanted, folder=(folder := stat.S_ISDIR(os.fstat(fd).st_mode)))
    mode = wanted.mode & (0o3777 if folder else 0o1777)
    if any(what.startswith("group") for what in missing):
        # The group bits were meant for another group: this one gets what everybody has, and no setgid.
        mode &= ~0o2070 | (mode & 0o007) << 3
    os.fchmod(fd, mode)
    if (now := stat.S_IMODE(os.fstat(fd).st_mode)) != wanted.mode and not withheld(wanted, folder=folder):
        missing.append(f"mode {wanted.mode:04o} (it is {now:04o})")
    return missing


def withheld(wanted: Metadata, *, folder: bool = False) -> list[str]:
    """Return what a restore never gives back to a file, or a folder, with this metadata."""
    bits = ((stat.S_ISUID, "setuid"), (0 if folder else stat.S_ISGID, "setgid"))
    found = [word for bit, word in bits if wanted.mode & bit]
    return found + (["capabilities"] if _CAPABILITIES in wanted.xattrs else [])


def _write_owner(fd: int, wanted: Metadata) -> list[str]:
    if wanted.uid is None or wanted.gid is None:
        return ["owner, group and extended attributes, which were not recorded"]
    now = os.fstat(fd)
    if (now.st_uid, now.st_gid) != (wanted.uid, wanted.gid):
        for uid in (wanted.uid, -1):  # a user may give a file to another group of his, but not to another user
            try:
                os.fchown(fd, uid, wanted.gid)
                break
            except OSError as error:
                if error.errno not in _NOT_ALLOWED:
                    raise
        now = os.fstat(fd)
    pairs = (("owner", now.st_uid, wanted.uid), ("group", now.st_gid, wanted.gid))
    return [f"{word} {recorded}" for word, found, recorded in pairs if found != recorded]


def _write_xattrs(fd: int, wanted: Metadata) -> list[str]:
    missing = list[str]()
    for name in set(_xattr_names(fd)) - set(wanted.xattrs):  # such as the ACL that a folder passes on to new files
        with _noting(name, missing):
            os.removexattr(fd, name)
    for name, value in wanted.xattrs.items():
        with _noting(name, missing):
            if name != _CAPABILITIES:
                if value is None or not hasattr(os, "setxattr"):
                    raise OSError(errno.ENOTSUP, "not recorded")
                os.setxattr(fd, name, base64.b64decode(value, validate=True))
    return missing


@contextmanager
def _noting(name: str, missing: list[str]) -> Iterator[None]:
    """Note an extended attribute that could not be set or removed."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a damaged record
        if isinstance(error, OSError) and error.errno not in _NOT_ALLOWED | _NO_ROOM:
            raise
        missing.append(f"attribute {name}")


def status(folder: int, name: str) -> os.stat_result | None:
    """Return the status of `name` without following a link; None when there is nothing. Reads only."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):  # no file can have a name that is too long
            return None
        raise


def digest(fd: int) -> str:
    """Return the SHA-256 of an open file. Reads only."""
    total, offset = hashlib.sha256(), 0
    while block := os.pread(fd, CHUNK, offset):
        total.update(block)
        offset += len(block)
    return total.hexdigest()


def digest_at(folder: int, name: str) -> str | None:
    """Return the SHA-256 of the regular file `name`; None when there is none that can be read. Reads only."""
    try:
        with opened_file(folder, name) as fd:
            return digest(fd)
    except PreconditionFailed:
        return None


def content(folder: int, name: str) -> bytes:
    """Return the bytes of a small file of a run folder. Reads only."""
    with opened(name, _FILE, folder) as fd:
        if os.fstat(fd).st_size > _LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return b"".join(iter(lambda: os.read(fd, CHUNK), b""))


def write(fd: int, data: bytes) -> None:
    """Write all of `data`."""
    while data:
        data = data[os.write(fd, data) :]


def copy(source: int, target: int, tick: Tick | None = None) -> str:
    """Copy an open file into another, read the copy back, and return the SHA-256 of both.

    Raises
    ------
    PreconditionFailed
        The source changed while it was read.
    CleanupError
        The copy is not what was written.
    """
    total, offset = hashlib.sha256(), 0
    while block := os.pread(source, CHUNK, offset):
        total.update(block)
        write(target, block)
        offset += len(block)
        if tick:
            tick(len(block))
    if digest(target) != total.hexdigest():
        raise CleanupError("A copy is not what was written", todo="check the disk")
    return total.hexdigest()


def discard(folder: int, name: str) -> None:
    """Remove a temporary file if there is one. Changes files: `name`."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def temporary(folder: int, name: str) -> Iterator[int]:
    """Make a file for writing and remove its name after the ``with`` block. Changes files: `name` only."""
    discard(folder, name)  # left by a run that was killed
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)
        discard(folder, name)


def publish(folder: int, temporary: str, name: str, sha256: str) -> None:
    """Link a finished file of a run folder as `name`. Changes files: `name`; synced when it returns."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        # An existing file is replaced only if its content is wrong; the new one was read back.
        if digest_at(folder, name) != sha256:
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def store_file(folder: int, name: str, source: int, sha256: str, tick: Tick | None = None) -> None:
    """Store a copy of an open file as `name`, read back and synced. Changes files: `name` in `folder`.

    Raises
    ------
    PreconditionFailed
        The source is not the content `sha256`.
    """
    with temporary(folder, TEMPORARY + name) as fd:
        if copy(source, fd, tick) != sha256:
            raise PreconditionFailed("its content changed since the plan")
        os.fchmod(fd, 0o400)
        os.fsync(fd)
        publish(folder, TEMPORARY + name, name, sha256)


def store_bytes(folder: int, name: str, data: bytes, mode: int = 0o400) -> None:
    """Store a small file in one step, read back and synced. Changes files: `name` in `folder`."""
    sha256 = hashlib.sha256(data).hexdigest()
    with temporary(folder, TEMPORARY + name) as fd:
        write(fd, data)
        if digest(fd) != sha256:
            raise CleanupError("A file is not what was written", name, "check the disk")
        os.fchmod(fd, mode)
        os.fsync(fd)
        publish(folder, TEMPORARY + name, name, sha256)


def seal(folder: int, temporary: str, name: str) -> str:
    """Publish a file that another library wrote; return its SHA-256. Changes files: `name` in `folder`."""
    with opened(temporary, _FILE, folder) as fd:
        sha256 = digest(fd)
        os.fchmod(fd, 0o400)
        os.fsync(fd)
    publish(folder, temporary, name, sha256)
    return sha256


def sweep(folder: int) -> None:
    """Remove the temporary files that a killed run left in a run folder. Changes files: those only."""
    for name in os.listdir(folder):
        if name.startswith(TEMPORARY):
            os.unlink(name, dir_fd=folder)
