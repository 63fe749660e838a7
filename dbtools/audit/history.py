"""Audit every version of a project's databases and CSV files that git stores."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.audit import git
from dbtools.audit.blobs import Blob, Blobs, lost_rows
from dbtools.audit.git import Change
from dbtools.errors import ParameterError
from dbtools.files.git import GitError
from dbtools.html import counted, table
from dbtools.progress import bar
from dbtools.project import Project
from dbtools.redact import redact
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FileChange:
    """What one commit did to the rows of one file; numbers are None where the file cannot be read."""

    commit: str
    when: datetime
    path: str
    change: str
    rows: int | None
    gained: int | None
    lost: int | None
    problem: str


@dataclass(frozen=True)
class FirstFailure:
    """The first commit in which a check found something, and how many rows."""

    check: str
    severity: str
    commit: str
    when: datetime
    path: str
    count: int


@dataclass(frozen=True)
class OnlyInHistory:
    """A committed version of a file of which rows (`only_here` of `rows`) exist nowhere in the project now."""

    path: str
    commit: str
    when: datetime
    blob: str
    rows: int
    only_here: int


@dataclass(frozen=True)
class Credentials:
    """Where password hashes and tokens lie in the history; never their values.

    `accounts` and `hashes` are the largest numbers in one version: rows of ``users`` with a hash or token, and argon2
    or bcrypt hashes anywhere in its bytes. `current` tells whether the checked-out commit still has one.
    """

    path: str
    versions: int
    accounts: int
    hashes: int
    first_commit: str
    last_commit: str
    current: bool


@dataclass(frozen=True, repr=False)
class History(Result):
    """What the commits of a repository did to a project's rows, and which rows exist only there.

    Attributes
    ----------
    reason : str
        Why there is no history, or only a part of it; empty where it is complete.
    """

    reason: str
    changes: tuple[FileChange, ...] = ()
    failures: tuple[FirstFailure, ...] = ()
    unique: tuple[OnlyInHistory, ...] = ()
    secrets: tuple[Credentials, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """The commits."""
        return self.commits

    @cached_property
    def commits(self) -> pd.DataFrame:
        """One row per commit and file, oldest first: commit, when, path, change, rows, gained, lost, problem."""
        return frame_of(self.changes, FileChange).astype(dict.fromkeys(("rows", "gained", "lost"), "Int64"))

    @cached_property
    def first_failures(self) -> pd.DataFrame:
        """One row per check that ever found something: check, severity, commit, when, path, count."""
        return frame_of(self.failures, FirstFailure)

    @cached_property
    def only_in_history(self) -> pd.DataFrame:
        """One row per version with rows that exist nowhere now: path, commit, when, blob, rows, only_here."""
        return frame_of(self.unique, OnlyInHistory)

    @cached_property
    def credentials(self) -> pd.DataFrame:
        """One row per path: path, versions, accounts, hashes, first_commit, last_commit, current."""
        return frame_of(self.secrets, Credentials)

    @property
    def sentence(self) -> str:
        """The number of commits, failed checks, lost rows and files with credentials."""
        if not self.changes:
            return f"no history to audit: {self.reason or 'no commit touches a database or CSV file'}"
        commits, files = len({c.commit for c in self.changes}), len({c.path for c in self.changes})
        bad = sum(bool(c.problem) for c in self.changes)
        parts = [
            f"{counted(commits, 'commit')}, {counted(files, 'file')}",
            f"checks that ever found something: {len(self.failures)}",
            f"versions with rows that exist nowhere in the project now: {len(self.unique):,}",
            f"files with credentials: {len(self.secrets):,}",
            f"versions that cannot be read: {bad:,}" if bad else "",
            self.reason,
        ]
        return "; ".join(filter(None, parts))

    def _table(self) -> str:
        shown = table(_short(self.commits), caption=self._caption)
        parts = (
            ("First failures", self.first_failures),
            ("Rows only in history", self.only_in_history),
            ("Credentials in history", self.credentials),
        )
        return shown + "".join(table(_short(frame), caption=name) for name, frame in parts if len(frame))

    def to_dict(self) -> dict[str, Any]:
        """Return the history as JSON-ready values."""
        parts = {
            "commits": self.changes,
            "first_failures": self.failures,
            "only_in_history": self.unique,
            "credentials": self.secrets,
        }
        return {"sentence": self.sentence, **{name: [_plain(row) for row in rows] for name, rows in parts.items()}}


def history(project: Project | str | os.PathLike[str], limit: int | None = None, progress: bool = True) -> History:
    """Audit every committed version of every database and CSV file of a project. Reads only.

    All branches and tags are read, the oldest commit first. Each commit is compared with its first parent, so a merge
    shows what it brought in. Each blob is examined once, in a private folder; the work tree, the index and the network
    are not touched. Rows are compared whole: a changed row counts as one lost and one gained, and a row that only got
    a new column counts as unchanged. "Nowhere in the project now" means: in none of its databases and CSV files on
    disk, except backups, and, for a CSV file of a known layout, not in the prompter database by id or text.

    Parameters
    ----------
    limit : int, optional
        How many of the newest commits that touch a database or CSV file to read; by default all.

    Returns
    -------
    History
        Empty, with the reason, where the project is in no git repository. A blob that cannot be read (damaged, a
        pointer of Git LFS, above 16 GiB, or 256 MiB for a CSV file) is a `problem` of its commit.

    Raises
    ------
    ParameterError
        `limit` is not a whole number above 0.
    """
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ParameterError("The limit of commits is not a whole number above 0", limit, "give 1 or more, or None")
    project = Project.find(project)
    try:
        changes = git.read_changes(project, limit)
        shallow, current = git.is_shallow(project), git.current(project)
    except GitError as error:
        return History(str(error))
    if not changes:
        return History("")
    with disk.temporary_folder("dbtools-history-") as folder, ExitStack() as stack:
        compared, known = _compare_all(Blobs(project, folder, stack), changes, progress)
    limits = (
        f"only the newest {limit:,} commits were read" if limit else "",
        "the repository is shallow and lacks older commits" if shallow else "",
    )
    found = (_failures(changes, known), _unique(changes, known), _secrets(changes, known, current))
    return History("; ".join(filter(None, limits)), compared, *found)


def _compare_all(
    blobs: Blobs, changes: Sequence[Change], progress: bool
) -> tuple[tuple[FileChange, ...], dict[str, Blob]]:
    last = {blob: i for i, c in enumerate(changes) for blob in (c.old, c.new)}
    compared: list[FileChange] = []
    known: dict[str, Blob] = {}
    for i, change in enumerate(bar(changes, desc="history", unit="versions", disable=not progress, leave=False)):
        old, new = blobs.get(change.old, change.path), blobs.get(change.new, change.path)
        known[change.new] = new
        compared.append(_compare(change, old, new))
        for blob in filter(None, (change.old, change.new)):
            if last[blob] == i:
                blobs.forget(blob)
    return tuple(compared), known


def _compare(change: Change, old: Blob, new: Blob) -> FileChange:
    rows = None if new.problem else new.rows
    gained = lost = None
    if not old.problem and not new.problem:
        lost = 0 if change.old == change.new else lost_rows(old, new)
        gained = new.rows - old.rows + lost
    return FileChange(change.commit, change.when, change.path, change.change, rows, gained, lost, new.problem)


def _failures(changes: Iterable[Change], known: dict[str, Blob]) -> tuple[FirstFailure, ...]:
    first: dict[str, FirstFailure] = {}
    for c in changes:
        for check, count in known[c.new].failures:
            first.setdefault(check.id, FirstFailure(check.id, check.severity, c.commit, c.when, c.path, count))
    return tuple(first.values())


def _unique(changes: Iterable[Change], known: dict[str, Blob]) -> tuple[OnlyInHistory, ...]:
    found: dict[str, OnlyInHistory] = {}
    for c in changes:
        blob = known[c.new]
        if blob.only_here:
            only = OnlyInHistory(c.path, c.commit, c.when, c.new, blob.rows, blob.only_here)
            found.setdefault(c.new, only)
    return tuple(found.values())


def _secrets(changes: Iterable[Change], known: dict[str, Blob], current: frozenset[str]) -> tuple[Credentials, ...]:
    found: dict[str, list[Change]] = {}
    for c in changes:
        if known[c.new].accounts or known[c.new].hashes:
            found.setdefault(c.path, []).append(c)
    return tuple(
        Credentials(
            path=path,
            versions=len({c.new for c in holding}),
            accounts=max(known[c.new].accounts for c in holding),
            hashes=max(known[c.new].hashes for c in holding),
            first_commit=holding[0].commit,
            last_commit=holding[-1].commit,
            current=any(c.new in current for c in holding),
        )
        for path, holding in sorted(found.items())
    )


def _short(frame: pd.DataFrame) -> pd.DataFrame:
    """Shorten the ids of commits and blobs to ten digits."""
    ids = [c for c in frame.columns if c == "blob" or c.endswith("commit")]
    return frame.assign(**{c: frame[c].str[:10] for c in ids})


def _plain(row: Any) -> dict[str, Any]:
    values = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(row).items()}
    return {k: redact(v) if isinstance(v, str) else v for k, v in values.items()}
