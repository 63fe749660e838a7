"""Walk a project and give every database and CSV file a verdict, from evidence computed from its content."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup.judge import Judge, rank
from dbtools.cleanup.model import FileEvidence, Identity
from dbtools.cleanup.safefile import identity
from dbtools.database import attach
from dbtools.database.sqlite import dbfile
from dbtools.errors import ProjectError, readable
from dbtools.files.inventory import COMPRESSED, DATABASE_NAMES, is_sidecar, walk
from dbtools.html import size, table
from dbtools.progress import bar
from dbtools.project import Project, is_lake
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Survey(Result):
    """The files of a project with their verdicts."""

    project: Project
    files: tuple[FileEvidence, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, kind, size_bytes, modified, rows, verdict, unique_rows, reason, kept."""
        import pandas as pd

        columns = [
            "path",
            "kind",
            "size_bytes",
            "modified",
            "rows",
            "verdict",
            "unique_rows",
            "reason",
            "kept",
        ]
        frame = pd.DataFrame([{**f, "modified": pd.Timestamp(f["modified"])} for f in self.to_dict()["files"]])
        return frame.reindex(columns=columns).astype({"rows": "Int64"})

    @property
    def sentence(self) -> str:
        """How many files there are, and how many of their rows exist nowhere else."""
        total = size(sum(file.identity.size for file in self.files))
        rows = sum(file.unique_rows for file in self.files)
        return f"{len(self.files)} files, {total}; {rows:,} rows exist nowhere else"

    def _table(self) -> str:
        shown = ["path", "size_bytes", "modified", "rows", "verdict", "unique_rows", "reason"]
        return table(self.frame[shown], caption=self._caption)

    def to_dict(self) -> dict[str, Any]:
        """Return the survey as JSON-ready values."""
        return {
            "files": [
                {
                    "path": readable(f.path),
                    "kind": f.kind,
                    "layout": f.layout,
                    "demo": f.demo,
                    "verdict": f.verdict,
                    "unique_rows": f.unique_rows,
                    "rows": f.rows,
                    "size_bytes": f.identity.size,
                    "modified": f.modified.isoformat(),
                    "reason": readable("; ".join(filter(None, (f.reason, f.obstacle)))),
                    "kept": readable(f.kept),
                }
                for f in self.files
            ]
        }


def survey(project: Project | str | os.PathLike[str], *, progress: bool = True) -> Survey:
    """Find every database and CSV file of a project and judge each on its content. Reads only.

    Links are not followed; version control, virtual environments and the backup folder are left out; compressed files
    are listed but never opened.

    Raises
    ------
    DatabaseError, BusyError
        The prompter database itself cannot be read: nothing could be proved without it.
    ProjectError
        There is no such project, or its database is a lake: that is a copy, which no file may rest on.
    """
    project = Project.find(project)
    if is_lake(project.database):
        what, todo = (
            "Files are judged by the database itself, not by a lake",
            "name prompter.db or the server in dbtools.toml",
        )
        raise ProjectError(what, project.database, todo)
    # The databases in use may lie behind a link, or in a folder that the walk leaves out.
    in_use = [path.resolve() for path in project.in_use if path.is_file()]
    paths = dict.fromkeys([*in_use, *walk(project)])
    _folders_in.cache_clear()
    found = [file for path in paths if (file := _first_look(project, path))]
    total = sum(f.identity.size for f in found)
    with ExitStack() as stack:
        db = stack.enter_context(attach(project, texts=True, progress=progress))
        seen = stack.enter_context(
            bar(
                total=total,
                unit="B",
                unit_scale=True,
                desc="survey",
                disable=not progress or total < 64 << 20,
            )
        )
        judge = Judge(project, db, stack)
        # Each file is compared with those before it that stay: first the two databases in use, then the richer ones.
        order = sorted(found, key=lambda f: (rank(project, f), -f.identity.size, f.path.count("/"), f.path))
        judged = []
        for file in order:
            judged.append(judge.judge(file))
            seen.update(file.identity.size)
    return Survey(project, tuple(sorted(judged, key=lambda f: (rank(project, f), f.path))))


@lru_cache(maxsize=1)  # the files of a folder come one after the other
def _folders_in(folder: Path) -> frozenset[str]:
    """Return the names of the folders in a folder that may be listed, though nothing in it can be looked at."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return frozenset()


def _first_look(project: Project, path: Path) -> FileEvidence | None:
    """Tell the kind of a file from its name and first bytes; None for files that are none of our business."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:  # its folders are so deep that no path can name it, or may not be entered
        nowhere, why = Identity(0, 0, 0, 0, 0, 0), f"cannot be looked at ({error.strerror})"
        kind = "folder" if path.name in _folders_in(path.parent) else "other"
        return FileEvidence(project.relative(path), kind, nowhere, reason=why, obstacle="it was not examined")
    name, suffix = path.name.lower(), path.suffix.lower()
    base = FileEvidence(project.relative(path), "other", identity(status))
    owned = name.endswith((".csv", ".db", ".sqlite", ".sqlite3", ".parquet")) or path in project.in_use
    if name.startswith((".del-", ".restore-")):
        return None  # of an interrupted run, which the next cleanup or restore finishes
    if is_sidecar(path):
        return None  # part of its database, never a file of its own
    if stat.S_ISLNK(status.st_mode):
        return replace(base, kind="link", obstacle="it is a link, which is not followed") if owned else None
    if stat.S_ISDIR(status.st_mode):
        return replace(base, kind="folder", reason="a folder that cannot be read", obstacle="it was not examined")
    if not stat.S_ISREG(status.st_mode):
        return replace(base, reason="not a regular file", obstacle="it is not a regular file") if owned else None
    if suffix in COMPRESSED:
        return replace(base, kind="compressed", reason="compressed files are never opened, so nothing is known of it")
    try:
        magic = dbfile.peek(path)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        return replace(base, reason=why, obstacle="it was not examined") if owned else None
    if magic == dbfile.MAGIC:
        return replace(base, kind="sqlite")
    if suffix in DATABASE_NAMES:
        return replace(base, reason="an empty file" if not magic else "has a database's name but is not an SQLite file")
    return replace(base, kind="csv" if ".csv" in name else "other") if owned or ".csv." in name else None
