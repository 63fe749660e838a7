"""Read what the commits of a git repository did to databases and CSV files.

Only git's reading commands run, with fixed arguments. They run no hook and no filter, use no network, take no lock,
and change neither the work tree nor the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dbtools.files.git import QUICK, GitError, run
from dbtools.files.inventory import find, names_data
from dbtools.project import Project

_SPECS = tuple(f":(glob,icase)**/*.{suffix}*" for suffix in ("db", "sqlite", "csv", "tsv"))
_RAW = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*")


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
    run(project.root, "rev-parse", "--git-dir", seconds=QUICK)
    # A file that the inventory knows by its content is followed under the name that it has now.
    named = {project.relative(f.path) for f in find(project) if f.is_csv or f.is_database}
    named |= {project.relative(path) for path in project.in_use if path != project.ratings}
    specs = (*_SPECS, *(f":(literal){name}" for name in sorted(named) if not name.startswith("/")))
    most = () if limit is None else (f"--max-count={limit}",)
    walk = ("rev-list", "--all", "--full-history", "--date-order", "--reverse", *most, "--format=%H %ct %P")
    listed = [line.split() for line in run(project.root, *walk, "--", *specs).decode().splitlines()]
    commits = [words for words in listed if words[0] != "commit"]
    when = {words[0]: datetime.fromtimestamp(int(words[1]), UTC) for words in commits}
    pairs = "".join(f"{' '.join([words[0], *words[2:3]])}\n" for words in commits)
    diff = ("diff-tree", "--stdin", "-z", "-r", "--root", "--raw", "--no-abbrev", "--relative")
    try:
        found = run(project.root, *diff, "-M", "--", *specs, given=pairs.encode())
    except GitError:  # a partial clone lacks blobs, and renames are found by comparing blobs
        found = run(project.root, *diff, "--no-renames", "--", *specs, given=pairs.encode())
    return [c for c in _parse(found, when) if c.path in named or names_data(Path(c.path).name)]


def is_shallow(project: Project) -> bool:
    """Tell whether the repository holds only the newest part of its history."""
    return run(project.root, "rev-parse", "--is-shallow-repository").strip() == b"true"


def current(project: Project) -> frozenset[str]:
    """Return the ids of all blobs of the checked-out commit; none before the first commit."""
    try:
        listed = run(project.root, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    except GitError:
        return frozenset()
    return frozenset(entry.split(b"\t")[0].split()[2].decode() for entry in listed.split(b"\0") if entry)


def size(project: Project, blob: str) -> int:
    """Return the number of bytes of a blob."""
    return int(run(project.root, "cat-file", "-s", blob))


def save(project: Project, blob: str, target: Path) -> None:
    """Write a blob to a file. Changes files: creates `target`."""
    with target.open("xb") as handle:
        run(project.root, "cat-file", "blob", blob, stdout=handle.fileno())


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
