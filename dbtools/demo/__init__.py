"""Build a demo project: the tree that the cleanup guide describes, always the same bytes."""

from __future__ import annotations

import csv
import os
import random
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dbtools.demo import logs, ratings, rows
from dbtools.errors import ConflictError, NoProjectError, ParameterError, ProjectError, explained, usable
from dbtools.project import CONFIG, RATINGS, Project

MARKER = ".dbtools-demo"
STAGES = ("found", "cleaned")

_CHANGED = {
    "prompter.db": datetime(2025, 12, 3, 17, 4, 10),
    "auth_system.db": datetime(2025, 12, 3, 16, 58, 2),
    "backend/auth_system.db": datetime(2025, 11, 18, 7, 45, 31),
    "ratings.jsonl": datetime(2025, 12, 3, 16, 2, 30),
    "storage/multi_agent_log.csv": datetime(2025, 11, 14, 12, 20, 9),
    "storage/prompt_versions.csv": datetime(2025, 11, 22, 19, 2, 44),
}
_CHANGED_OTHERS = datetime(2025, 10, 6, 9, 40)
_CLEANED = datetime(2025, 12, 4, 12, 0, tzinfo=UTC)

_CONFIG_TEXT = """\
[project]
database = "prompter.db"
auth     = "auth_system.db"
exports  = "storage"
backups  = "backup_old_csvs"

[expect]
present = ["prompter.db", "auth_system.db"]
absent  = ["backend/auth_system.db", "storage/my_learning_log.csv", "storage/prompt_learning_log.csv"]
[expect.rows]
prompts = 15
prompt_versions = 45
[expect.versions_by_source]
syntax = 15
structure = 15
domain = 15
"""


def open_project(root: str = "", stage: str = "found") -> Project:
    """Open the project at `root`, of ``$DBTOOLS_PROJECT`` or around here; where there is none, a fresh demo at `stage`.

    Changes files: only when there is no project, and then in the user's cache folder.
    """
    try:
        return Project.find(root)
    except NoProjectError:  # and only then: a project that is named or found but cannot be used must say so
        pass
    from platformdirs import user_cache_path

    return build(user_cache_path("dbtools", appauthor=False) / f"demo-{stage}", stage=stage)


def build(folder: Path | str, *, stage: str = "found") -> Project:
    """Build the demo project in `folder`; an earlier demo there is replaced, with everything in its folder.

    Changes files: in `folder` only.

    Raises
    ------
    ConflictError
        The folder holds something and is not a demo.
    ParameterError, ProjectError
        There is no such stage, or the folder cannot be used.
    """
    if stage not in STAGES:
        raise ParameterError("No such stage of the demo", stage, f"use one of {', '.join(STAGES)}")
    with usable(folder):
        root = Path(folder).expanduser().absolute()
    with explained(ProjectError, "Cannot build the demo", root, "give another folder"):
        _make_room(root)
        _write(root)
    project = Project.find(root)
    if stage == "cleaned":
        from dbtools import cleanup

        plan = cleanup.plan(cleanup.survey(project), unique_rows="rescue")
        cleanup.apply(plan, dry_run=False, now=_CLEANED, progress=False)
    return project


def _make_room(root: Path) -> None:
    """Leave `root` as a folder with only the marker in it, or refuse."""
    if root.exists() and not root.is_dir():
        raise ConflictError("The demo's folder is a file", root, "give an empty folder")
    root.mkdir(parents=True, exist_ok=True)
    marker = root / MARKER
    if any(root.iterdir()) and (marker.is_symlink() or not marker.is_file()):
        raise ConflictError("The demo's folder is not empty", root, "give an empty folder")
    # The marker is written first and stays to the last: a build that was interrupted can be repeated.
    marker.write_text("Made by dbtools demo; this folder may be deleted.\n", encoding="utf-8")
    for child in root.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child != marker:
            child.unlink()


def _write(root: Path) -> None:
    rng = random.Random(35)  # noqa: S311 - a demo needs repeatable numbers, not secret ones
    tables, users = rows.prompter(rng), rows.users()
    (root / "backend").mkdir()
    (root / "storage").mkdir()
    _database(root / "prompter.db", "prompter.sql", tables)
    _database(root / "auth_system.db", "auth.sql", {"users": users})
    # The same rows written in another order give a file with other bytes.
    _database(root / "backend/auth_system.db", "auth.sql", {"users": users[::-1]})
    _csv(root / "storage/multi_agent_log.csv", logs.requests(rng, tables))
    _csv(root / "storage/prompt_versions.csv", logs.versions(rng, tables))
    for name, lines in rows.texts()["learning"].items():
        _csv(root / "storage" / name, lines)
    (root / RATINGS).write_bytes("".join(f"{line}\n" for line in ratings.lines(tables)).encode())
    (root / CONFIG).write_bytes(_CONFIG_TEXT.encode())
    for path in sorted(root.rglob("*"), reverse=True):
        changed = _CHANGED.get(path.relative_to(root).as_posix(), _CHANGED_OTHERS)
        seconds = int(changed.replace(tzinfo=UTC).timestamp())
        os.utime(path, (seconds, seconds))


def _database(path: Path, schema: str, tables: rows.Tables) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA page_size = 4096; PRAGMA journal_mode = DELETE; {rows.data(schema)}")
        for table, content in tables.items():
            columns, values = ", ".join(content[0]), ", ".join(f":{column}" for column in content[0])
            # Table and columns are names written in this module.
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", content)  # noqa: S608
        connection.commit()


def _csv(path: Path, lines: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
