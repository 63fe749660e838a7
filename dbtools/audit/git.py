"""Read what the commits of a git repository did to databases and CSV files.

Only git's reading commands run, with fixed arguments: no hook, no filter, no network, no lock, and neither the work
tree nor the index is touched.
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
_RAW = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*")


class GitError(Exception):
    """Git cannot say; the text is its reason."""


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
        The ids of its content before and after; empty where there is none.
    """

    commit: str
    when: datetime
    path: str
    change: str
    old: str
    new: str


def read_changes(project: Project, limit: int | None) -> list[Change]:
    """Return what every commit of every branch and tag did, oldest first; of the newest `limit` commits at most.

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
    except GitError:  # contents that are not there, as in a partial clone, cannot be compared for likeness
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
    """Return the ids of all content that the checked-out commit has; none before the first commit."""
    try:
        listed = _git(project.root, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    except GitError:
        return frozenset()
    return frozenset(entry.split(b"\t")[0].split()[2].decode() for entry in listed.split(b"\0") if entry)


def size(project: Project, blob: str) -> int:
    """Return the number of bytes of a content."""
    return int(_git(project.root, "cat-file", "-s", blob))


def save(project: Project, blob: str, target: Path) -> None:
    """Write a content to a file. Changes files: creates `target`."""
    with target.open("xb") as handle:
        _git(project.root, "cat-file", "blob", blob, stdout=handle.fileno())


def _parse(found: bytes, when: dict[str, datetime]) -> Iterator[Change]:
    """Read ``diff-tree -z``: a commit's id, then for each file its modes, contents and letter, and one or two paths."""
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
        # Links and submodules are no files of ours.
        old, new = old if old_mode.startswith("100") else "", new if new_mode.startswith("100") else ""
        if not (old or new) or (old == new and path == source):
            continue  # no content, or only other rights
        renamed = f"renamed from {source}" if letter == "R" else "modified"
        yield Change(commit, when[commit], path, renamed if old and new else "added" if new else "deleted", old, new)


def _git(root: Path, *arguments: str, given: bytes | None = None, stdout: int = subprocess.PIPE) -> bytes:
    # What the environment says of a repository is meant for another command, of which this one may be a hook.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(root), *_OPTIONS, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, input=given, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines() or ["no reason given"]
        reason = next((line for line in said if line.startswith("fatal:")), said[-1]).removeprefix("fatal: ")
        raise GitError(
            "the project is in no git repository" if "not a git repository" in reason else f"git says: {reason}"
        )
    return done.stdout or b""
