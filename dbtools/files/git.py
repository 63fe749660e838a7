"""Ask git what it knows of a project's files.

Only git's reading commands run, with fixed arguments: no hook, no filter, no network, no lock, and neither the work
tree nor the index is touched.
"""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from dbtools.project import Project

_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never")
_OPENED = ("HEAD", "commondir", "config", "index", "packed-refs", "shallow")  # by git, at each call
_SECONDS = 120  # a command of git that takes longer is ended
QUICK = 20  # the same for one that only lists what is in the index, or reads the configuration
_LONGEST = 4096  # bytes of a ``.git`` that is a file and names the folder
_NO_REPOSITORY = "the project is in no git repository"


class GitError(Exception):
    """Git cannot read the repository; the text gives the reason and, where one is known, what to do."""


class NoRepositoryError(GitError):
    """The project is in no git repository."""


def tracked(project: Project) -> frozenset[str]:
    """Return the paths of the project, relative to its root, that git tracks.

    Raises
    ------
    GitError
        The project is in no repository, or git cannot read it.
    """
    listed = run(project.root, "ls-files", "-z", "--cached", seconds=QUICK)
    return frozenset(name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name)


def run(
    root: Path,
    *arguments: str,
    given: bytes | None = None,
    stdout: int = subprocess.PIPE,
    seconds: float = _SECONDS,
) -> bytes:
    """Run one of git's reading commands in a folder and return what it prints.

    Never ``status`` or ``diff``, which run filters of the work tree's configuration.

    Raises
    ------
    GitError
        The folder is in no repository, git refuses, or it is not installed.
    """
    if blocking := _blocking(root):
        raise GitError(f'git would wait for ever for "{blocking}", which is no file; remove it')
    # GIT_DIR and the like are set where dbtools runs inside a hook of another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment["GIT_ALLOW_PROTOCOL"] = ""  # no transport at all
    command = ["git", "-C", str(root), *_OPTIONS, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, input=given, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git took longer than {seconds:g} s to answer; look into the repository") from None
    except FileNotFoundError:
        if _repository_of(root) is None:
            raise NoRepositoryError(_NO_REPOSITORY) from None
        raise GitError("git is not installed; install it, then run this again") from None
    if done.returncode:
        raise _error(root, done.stderr.decode("utf-8", "backslashreplace"))
    return done.stdout or b""


def _error(root: Path, said: str) -> GitError:
    """Turn what git wrote to stderr into an error with its reason and a remedy."""
    lines = said.strip().splitlines() or ["no reason given"]
    reason = next((line for line in lines if line.startswith("fatal:")), lines[-1]).removeprefix("fatal: ")
    if "not a git repository" in reason:
        if _repository_of(root) is None:
            return NoRepositoryError(_NO_REPOSITORY)
        return GitError(f'git does not recognise the repository "{_repository_of(root)}"; repair or remove it')
    if "dubious ownership" in reason:
        folder = _repository_of(root) or root
        remedy = f'if you trust it, run git config --global --add safe.directory "{folder}"'
        return GitError(f"git says: {reason.rstrip(':')}; {remedy}")
    return GitError(f"git says: {reason}")


def _repository_of(root: Path) -> Path | None:
    """Return the nearest folder from `root` up that has a ``.git``, or None."""
    return next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), None)


def _blocking(root: Path) -> Path | None:
    """Return what git would open, and never get an answer from: a pipe in the place of a file."""
    marker = (_repository_of(root) or root) / ".git"
    folder = marker
    with suppress(OSError):
        if stat.S_ISREG(marker.stat().st_mode):  # of a work tree or a submodule
            with marker.open("rb") as handle:
                named = handle.read(_LONGEST).decode("utf-8", "surrogateescape")
            folder = marker.parent / named.removeprefix("gitdir:").strip()
    for path in (marker, *(folder / name for name in _OPENED)):
        with suppress(OSError, ValueError):
            if stat.S_ISFIFO(path.stat().st_mode):
                return path
    return None
