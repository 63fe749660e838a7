"""Survey a project: find its databases and CSV files, and give each a verdict from its content."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup.classify import Survived, classify, tracked_by_git
from dbtools.cleanup.model import IN_USE, FileEvidence, Identity, shown
from dbtools.cleanup.safefile import identity
from dbtools.database import attach
from dbtools.errors import ProjectError, readable
from dbtools.files.inventory import LARGEST, FoundFile, find, linked, links_by_target
from dbtools.html import counted, size, table
from dbtools.progress import bar
from dbtools.project import Project, is_lake
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ["path", "kind", "size_bytes", "modified", "rows", "verdict", "unique_rows", "reason", "kept"]


@dataclass(frozen=True, repr=False)
class Survey(Result):
    """The files of a project with their verdicts."""

    project: Project
    files: tuple[FileEvidence, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, kind, size_bytes, modified, rows, verdict, unique_rows, reason, kept."""
        import pandas as pd

        rows = self.to_dict()["files"]
        names = ("path", "reason", "kept")
        rows = [{**row, **{name: shown(row[name]) for name in names}} for row in rows]
        frame = pd.DataFrame([{**row, "modified": pd.Timestamp(row["modified"])} for row in rows])
        return frame.reindex(columns=_COLUMNS).astype({"rows": "Int64"})

    @property
    def sentence(self) -> str:
        """How many files there are, and how many of their rows exist nowhere else."""
        total = size(sum(file.identity.size for file in self.files))
        rows = sum(file.unique_rows for file in self.files)
        exist = (
            f"{counted(rows, 'row')} exist{'s' if rows == 1 else ''} nowhere else"
            if rows
            else "every row exists elsewhere"
        )
        return f"{counted(len(self.files), 'file')}, {total}; {exist}"

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
                    "modified": f.modified.isoformat() if f.modified else None,
                    "reason": readable("; ".join(filter(None, (f.reason, f.caution, f.obstacle)))),
                    "kept": readable(f.duplicate_of.path if f.duplicate_of else ""),
                }
                for f in self.files
            ]
        }


def survey(project: Project | str | os.PathLike[str], *, progress: bool = True) -> Survey:
    """Find every database and CSV file of a project and give each a verdict from its content. Reads only.

    Links are not followed. Version control, virtual environments, the backup folder and projects inside the project
    are left out. Compressed files are listed and not unpacked.

    Raises
    ------
    DatabaseError, BusyError
        The prompter database itself cannot be read: nothing could be proved without it.
    ProjectError
        There is no such project, or its database is a lake: a lake is a copy, which proves nothing.
    """
    project = Project.find(project)
    if is_lake(project.database):
        what = "A lake is a copy, so it cannot prove that a file may be deleted"
        raise ProjectError(what, project.database, "name prompter.db or the server in dbtools.toml")
    files = find(project)
    in_use = project.in_use  # it reads files, and there may be thousands to compare with it
    links = links_by_target(project, (file.path for file in files if file.kind == "link"))
    found = [_evidence(project, in_use, links, file) for file in files]
    total = sum(f.identity.size for f in found)
    with ExitStack() as stack:
        db = stack.enter_context(attach(project, texts=True, progress=progress))
        hidden = not progress or total < 64 << 20
        seen = stack.enter_context(bar(total=total, unit="B", unit_scale=True, desc="survey", disable=hidden))
        survived = Survived(project, db, stack, *tracked_by_git(project))
        # Each file is compared with those before it that stay: first the databases in use, then the larger files.
        order = sorted(found, key=lambda f: (_rank(f), -f.identity.size, f.path.count("/"), f.path))
        classified = []
        for file in order:
            classified.append(classify(survived, file))
            seen.update(file.identity.size)
    return Survey(project, tuple(sorted(classified, key=lambda f: (_rank(f), f.path))))


def _rank(file: FileEvidence) -> int:
    return IN_USE.index(file.role) if file.role else len(IN_USE)


def _role(project: Project, in_use: tuple[Path, ...], file: FoundFile) -> str:
    """Return what a file is to the application, by whatever name or link; empty where it is nothing."""
    for path in in_use:
        with suppress(OSError):
            if file.status and os.path.samestat(path.stat(), file.status):
                roles = {project.database: "primary", project.auth: "auth", project.ratings: "ratings"}
                return roles.get(path, "in-use")
    return ""


def _evidence(
    project: Project, in_use: tuple[Path, ...], links: Mapping[tuple[int, int] | None, str], file: FoundFile
) -> FileEvidence:
    """Return what is known of a file before its content is examined."""
    known = identity(file.status) if file.status else Identity(0, 0, 0, 0, 0, 0)
    reason, obstacle = file.problem, ""
    if file.kind == "link":
        obstacle = file.unread
    elif file.unread:
        reason, obstacle = file.unread, "it was not examined"
    elif file.kind == "compressed":
        reason = "compressed files are not unpacked, so nothing is known of it"
    elif known.size > LARGEST["sqlite"]:
        reason, obstacle = "too large to be read", "it was not examined"
    role = _role(project, in_use, file)
    path = project.relative(file.path)
    link = links.get((known.device, known.inode), "") if file.is_regular else ""
    caution = linked(link) if link else ""
    return FileEvidence(path, file.kind, known, role=role, reason=reason, caution=caution, obstacle=obstacle)
