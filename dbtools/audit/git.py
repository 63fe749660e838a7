"""Read what the commits of a git repository did to databases and CSV files.

Only git's reading commands run, with fixed arguments. They run no hook and no filter, use no network, take no lock,
and change neither the work tree nor the index.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dbtools.files.inventory import find, names_csv, names_database
from dbtools.project import Project

_SPECS = tuple(f":(glob,icase)**/*.{suffix}*" for suffix in ("db", "sqlite", "csv", "tsv"))
_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never")
_NO_REPOSITORY = "the project is in no git repository"
_RAW = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*")


class GitError(Exception):
    """Git cannot read the repository; the text gives the reason and, where one is known, what to do."""


class NoRepositoryError(GitError):
    """The project is in no git repository."""


@dataclass(frozen=True)
class Change:
    """What one commit did to one file.

    Attributes
    ----------
    path : str
        Relative to the project's root.
    change : str
        ``added``, ``modified``, ``deleted`` or ``renamed from …``.
    old, new : str
        The ids of its blobs before and after; empty where there is none.
    """

    commit: str
    when: datetime
    path: str
    change: str
    old: str
    new: str


def read_changes(project: Project, limit: int | None) -> list[Change]:
    """Return the changes of the newest `limit` commits (None: all) of all branches and tags, oldest commit first.

    Each commit is compared with its first parent, so a merge shows what it brought in. Only commits that touch a
    database or CSV file of the project count.

    Raises
    ------
    GitError
        The project is in no repository, or git cannot read it.
    """
    _git(project.root, "rev-parse", "--git-dir")
    # A file that the inventory knows by its content is followed under the name that it has now.
    named = {project.relative(f.path) for f in find(project) if f.is_csv or f.is_database}
    named |= {project.relative(path) for path in project.in_use}
    specs = (*_SPECS, *(f":(literal){name}" for name in sorted(named) if not name.startswith("/")))
    most = () if limit is None else (f"--max-count={limit}",)
    walk = ("rev-list", "--all", "--full-history", "--date-order", "--reverse", *most, "--format=%H %ct %P")
    listed = [line.split() for line in _git(project.root, *walk, "--", *specs).decode().splitlines()]
    commits = [words for words in listed if words[0] != "commit"]
    when = {words[0]: datetime.fromtimestamp(int(words[1]), UTC) for words in commits}
    pairs = "".join(f"{' '.join([words[0], *words[2:3]])}\n" for words in commits)
    diff = ("diff-tree", "--stdin", "-z", "-r", "--root", "--raw", "--no-abbrev", "--relative")
    try:
        found = _git(project.root, *diff, "-M", "--", *specs, given=pairs.encode())
    except GitError:  # a partial clone lacks blobs, and renames are found by comparing blobs
        found = _git(project.root, *diff, "--no-renames", "--", *specs, given=pairs.encode())
    return [c for c in _parse(found, when) if c.path in named or _is_named(Path(c.path).name)]


def _is_named(name: str) -> bool:
    return names_csv(name) or names_database(name)


def tracked(project: Project) -> list[str]:
    """Return the paths of the project, relative to its root, that git tracks."""
    listed = _git(project.root, "ls-files", "-z", "--cached")
    return [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]


def is_shallow(project: Project) -> bool:
    """Tell whether the repository holds only the newest part of its history."""
    return _git(project.root, "rev-parse", "--is-shallow-repository").strip() == b"true"


def current(project: Project) -> frozenset[str]:
    """Return the ids of all blobs of the checked-out commit; none before the first commit."""
    try:
        listed = _git(project.root, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    except GitError:
        return frozenset()
    return frozenset(entry.split(b"\t")[0].split()[2].decode() for entry in listed.split(b"\0") if entry)


def size(project: Project, blob: str) -> int:
    """Return the number of bytes of a blob."""
    return int(_git(project.root, "cat-file", "-s", blob))


def save(project: Project, blob: str, target: Path) -> None:
    """Write a blob to a file. Changes files: creates `target`."""
    with target.open("xb") as handle:
        _git(project.root, "cat-file", "blob", blob, stdout=handle.fileno())


def _parse(found: bytes, when: dict[str, datetime]) -> Iterator[Change]:
    """Parse ``diff-tree -z``: a commit's id, then for each file its modes, blobs and letter, and one or two paths."""
    words = iter([word.decode("utf-8", "backslashreplace") for word in found.split(b"\0")[:-1]])
    commit = ""
    for word in words:
        raw = _RAW.fullmatch(word)
        if not raw:
            commit = word
            continue
        old_mode, new_mode, old, new, letter = raw.groups()
        source = next(words)
        path = next(words) if letter in "RC" else source
        # Links and submodules are not regular files.
        old, new = old if old_mode.startswith("100") else "", new if new_mode.startswith("100") else ""
        if not (old or new) or (old == new and path == source):
            continue  # no blob, or only the mode changed
        renamed = f"renamed from {source}" if letter == "R" else "modified"
        yield Change(commit, when[commit], path, renamed if old and new else "added" if new else "deleted", old, new)


def _git(root: Path, *arguments: str, given: bytes | None = None, stdout: int = subprocess.PIPE) -> bytes:
    # GIT_DIR and the like are set where dbtools runs inside a hook of another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment["GIT_ALLOW_PROTOCOL"] = ""  # no transport at all
    command = ["git", "-C", str(root), *_OPTIONS, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, input=given, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False
        )
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
