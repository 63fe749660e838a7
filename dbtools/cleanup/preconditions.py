"""Check what must hold before a plan is carried out and before a file is removed. Reads only."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dbtools import server
from dbtools.cleanup import safefile
from dbtools.cleanup.model import LockedRun, Plan, Removal, SurvivingCopy
from dbtools.cleanup.safefile import PreconditionFailed
from dbtools.database import postgres, sqlite
from dbtools.errors import CleanupError, DbtoolsError
from dbtools.files.inventory import enclosing_project, is_run, linked, links_by_target, walk

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_OWN = Path("/proc/self/fd")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that must never be carried out. Reads only.

    Raises
    ------
    CleanupError
        The backup folder holds the project; or the plan names a file in use, a backup, a path out of the project,
        or one path twice.
    """
    project, seen = plan.project, set()
    backups = project.check_folder(project.backups)
    if project.root.is_relative_to(backups):
        raise CleanupError("The backup folder holds the project itself", backups, "give another one")
    databases = {project.relative(path) for path in project.in_use}
    protected = databases | {path + sidecar for path in databases for sidecar in sqlite.SIDECARS}
    inodes = set(_inodes(*project.in_use))
    for removal in plan.removals:
        try:
            safefile.parts(removal.path)
        except PreconditionFailed as failed:
            raise CleanupError(
                f"The path of a planned removal is not allowed ({failed})", removal.path, _AGAIN
            ) from None
        if removal.path in protected or (removal.identity.device, removal.identity.inode) in inodes:
            raise CleanupError("The plan would remove a file in use", removal.path, _AGAIN)
        path = project.root / removal.path
        if path.is_relative_to(backups) or any(is_run(folder) for folder in path.parents):
            raise CleanupError("The plan would remove a backup", removal.path, _AGAIN)
        if folder := enclosing_project(project, path):
            raise CleanupError("The plan would remove a file of another project", project.relative(folder), _AGAIN)
        if removal.path in seen:
            raise CleanupError("The plan names a file twice", removal.path, _AGAIN)
        seen.add(removal.path)


_AGAIN = "survey the project and plan again"


def _inodes(*paths: Path) -> Iterator[tuple[int, int]]:
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            yield status.st_dev, status.st_ino


def links_to(plan: Plan) -> dict[tuple[int, int] | None, str]:
    """Return the links of the project by the file that each leads to, those to files named in accept left out.

    Reads only. A link may have been made, or led elsewhere, since the survey.
    """
    accepted = {(r.identity.device, r.identity.inode) for r in plan.removals if r.path in plan.accepted}
    # Path.is_symlink fails in a folder that may be listed and not searched.
    links = (path for path in walk(plan.project) if os.path.islink(path))  # noqa: PTH114
    found = links_by_target(plan.project, links)
    return {target: link for target, link in found.items() if target not in accepted}


def check_link(removal: Removal, links: Mapping[tuple[int, int] | None, str]) -> None:
    """Refuse a file that a link of the project leads to."""
    if link := links.get((removal.identity.device, removal.identity.inode)):
        raise PreconditionFailed(linked(link))


@contextmanager
def leased(
    locked: LockedRun, removal: Removal, folder: int, name: str, quarantined: str | None = None
) -> Iterator[int]:
    """Open a planned file and take a lease on it, if it is the file examined and no other program has it open.

    `quarantined` is its present name, if it was renamed already.
    """
    with safefile.file_errors():
        status = safefile.status(folder, quarantined or name)
    if status is None:
        raise PreconditionFailed("it is no longer there")
    check_status(removal, status)
    _check_own(locked.run.root / removal.path, status)
    with safefile.opened_file(folder, quarantined or name) as fd:
        check_status(removal, os.fstat(fd))
        check_sidecars(removal, folder, name, fd)
        take_lease(fd)
        yield fd


def _check_own(path: Path, status: os.stat_result) -> None:
    """Refuse a file that this process has open: opening and closing it again would drop SQLite's locks on it."""
    with suppress(OSError):
        sqlite.release(path)
    for descriptor in _OWN.iterdir() if _OWN.is_dir() else ():
        with suppress(OSError):
            if os.path.samestat(descriptor.stat(), status):
                raise PreconditionFailed("this program itself has it open")


def check_content(removal: Removal, fd: int) -> None:
    """Refuse a leased file whose bytes are not those examined, or that another program opened meanwhile."""
    if safefile.digest(fd) != removal.sha256:
        raise PreconditionFailed("its content changed since the plan")
    if fcntl.fcntl(fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK:
        raise PreconditionFailed("another program has it open")


def check_status(removal: Removal, status: os.stat_result) -> None:
    """Refuse a file that is not the one examined, or that is a hard link."""
    if status.st_nlink > 1:
        raise PreconditionFailed(f"it has {status.st_nlink} names (hard links), so that removing one frees no space")
    if not safefile.unchanged(removal.identity, status):
        raise PreconditionFailed("it changed since the plan")


@safefile.file_errors()
def check_sidecars(removal: Removal, folder: int, name: str, fd: int) -> None:
    """Refuse a database with changes that are not in its file, and a sidecar whose database is there."""
    for suffix in sqlite.SIDECARS:
        base = name.removesuffix(suffix)
        if base not in ("", name) and safefile.status(folder, base):
            raise PreconditionFailed(f'it belongs to the database "{base}"')
    if removal.kind != "sqlite" and os.pread(fd, len(sqlite.MAGIC), 0) != sqlite.MAGIC:
        return
    if alive := live_sidecar(folder, name):
        raise PreconditionFailed(f'the database is in use or was not closed: "{alive}" is not empty')


def live_sidecar(folder: int, name: str) -> str | None:
    """Return the name of a sidecar that may hold changes of the database `name`."""
    for sidecar in (name + suffix for suffix in sqlite.LIVE):
        found = safefile.status(folder, sidecar)
        if not found or (stat.S_ISREG(found.st_mode) and not found.st_size):
            continue
        if not (sidecar.endswith("-journal") and _has_zeroed_header(folder, sidecar)):
            return sidecar
    return None


def _has_zeroed_header(folder: int, journal: str) -> bool:
    """Tell whether a journal holds no changes: what ``PRAGMA journal_mode = PERSIST`` leaves after a commit."""
    with suppress(PreconditionFailed), safefile.opened_file(folder, journal) as fd:
        return os.pread(fd, 1, 0) == b"\0"
    return False


def check_surviving_copy(locked: LockedRun, removal: Removal) -> None:
    """Refuse unless the file or server that holds the same content is there, unchanged, and stays."""
    keeper = removal.keeper
    if keeper is None:
        return
    if any(other.path == keeper.path for other in locked.run.removals):
        raise PreconditionFailed(f'the file that stays in its place, "{keeper.path}", is to be removed too')
    try:
        if server.is_url(keeper.path):
            if postgres.fingerprint(server.parse(keeper.path)[0]) != keeper.fingerprint:
                raise PreconditionFailed("it changed since the plan")
            return
        with safefile.file_errors(), safefile.parent(locked.root, keeper.path) as (folder, name):
            _check_surviving_file(locked, keeper, folder, name)
    except (PreconditionFailed, DbtoolsError) as error:
        what = f'"{keeper.path}", which holds the same content, cannot be relied on'
        raise PreconditionFailed(f"{what}: {error}".rstrip(".")) from None


def _check_surviving_file(locked: LockedRun, keeper: SurvivingCopy, folder: int, name: str) -> None:
    status = safefile.status(folder, name)
    if status is None:
        raise PreconditionFailed("it is no longer there")
    if not stat.S_ISREG(status.st_mode):
        raise PreconditionFailed("it is not a regular file")
    planned = [removal.identity for removal in locked.run.removals]
    if any((known.device, known.inode) == (status.st_dev, status.st_ino) for known in planned):
        raise PreconditionFailed("it is a file of the plan")
    if not keeper.fingerprint:
        same = safefile.digest_at(folder, name) == keeper.sha256
    else:
        # A database is read through the one descriptor that stays open: see `sqlite.reading`.
        path = locked.run.root / keeper.path
        with sqlite.reading(path) as fd:
            same = os.path.samestat(os.fstat(fd), status) and safefile.digest(fd) == keeper.sha256
        same = same and sqlite.fingerprint(path) == keeper.fingerprint
    if not same:
        raise PreconditionFailed("it changed since the plan")


def take_lease(fd: int) -> None:
    """Refuse unless no other descriptor, mapping or process has the file open; the lease ends with `fd`."""
    if not hasattr(fcntl, "F_SETLEASE"):
        raise PreconditionFailed("this system does not show whether another program has it open")
    try:
        # A broken lease sends a signal. The default, SIGIO, would end the process; SIGURG is ignored.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)  # type: ignore[attr-defined,unused-ignore]
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        raise PreconditionFailed("another program has it open") from None
    except OSError as error:
        raise PreconditionFailed(
            f"it cannot be determined whether another program has it open ({error.strerror})"
        ) from None


def check_again(locked: LockedRun, removal: Removal) -> None:
    """Refuse what a removal would refuse now."""
    with safefile.parent(locked.root, removal.path) as (folder, name), leased(locked, removal, folder, name) as fd:
        check_content(removal, fd)
    check_surviving_copy(locked, removal)
