from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from support import USERS, insert, make_database, python

from dbtools import attach, cleanup
from dbtools.audit import collect_database
from dbtools.audit.context import open_context
from dbtools.files.inventory import enclosing_project, find
from dbtools.project import Project


@pytest.mark.skipif(os.getuid() != 0, reason="root sets the scene for another user")
def test_a_folder_that_cannot_be_read_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "closed").mkdir(parents=True)
    (root / "closed").chmod(0)
    make_database(root / "prompter.db")
    (root / "storage").mkdir()
    (root / "storage" / "v.csv").touch()
    for folder in (root, root / "storage", *root.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    code = """if True:
        import os, sys
        from dbtools.files.inventory import walk
        from dbtools.project import Project
        os.setuid(65534)
        print(*(path.name for path in walk(Project.find(sys.argv[1]))))
    """
    with python(code, root) as process:
        assert process.communicate(timeout=60)[0].split() == ["closed", "prompter.db", "v.csv"]


def names_of(root: Path) -> dict[str, str]:
    project = Project.find(root)
    return {project.relative(file.path): file.kind for file in find(project)}


@pytest.mark.slow
def test_audit_and_survey_list_the_same_files_with_the_same_kinds(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(tmp_path / "auth_system.db")) as connection, connection:
        connection.executescript(USERS)
        insert(connection, "users", id=1, username="ada", email="a@example.org", hashed_password="x" * 60)
    for folder in ("backend", "storage"):
        (tmp_path / folder).mkdir()
    databases = ["backend/users.data", "users.sqlite_bak"]
    logs = ["storage/multi_agent_log.csv_old", "a.csv~", "x.csv (1)", "log.csv_old", "log.tsv"]
    for name in databases:
        shutil.copy(tmp_path / "auth_system.db", tmp_path / name)
    for number, name in enumerate(logs):
        (tmp_path / name).write_text(f"month,sum\n1,{number}\n")
    expected = {"prompter.db": "sqlite", "auth_system.db": "sqlite"}
    expected |= dict.fromkeys(databases, "sqlite") | dict.fromkeys(logs, "csv")
    surveyed = cleanup.survey(tmp_path, progress=False)
    assert {file.path: file.kind for file in surveyed.files} == expected
    with (
        attach(tmp_path, progress=False) as db,
        open_context(Project.find(tmp_path), db, datetime(2026, 1, 1)) as context,
    ):
        assert {context.name(path): file.kind for path, file in context.found.items()} == expected
        assert {path for path, *_ in collect_database.credentials(context)} == {"auth_system.db", *databases}
    accepted = cleanup.plan(surveyed, accept=logs)
    assert set(logs) <= {removal.path for removal in accepted.removals}


@pytest.mark.parametrize(
    ("name", "content", "kind", "problem"),
    [
        ("notes.txt", b"request_id,original_prompt,final_prompt,selected_agent\n", "csv", ""),
        ("notes.bak", "\ufeffversion_id;prompt_id;text;change_type\n".encode(), "csv", ""),
        ("wide.old", "version_id\tprompt_id\ttext\tchange_type\n".encode("utf-16"), "csv", ""),
        ("readme.txt", b"request_id, see original_prompt\n", None, ""),
        ("any", b"SQLite format 3\0" + bytes(500), "sqlite", ""),
        ("a.zip", b"SQLite format 3\0" + bytes(500), "sqlite", ""),
        ("a.csv", b"SQLite format 3\0" + bytes(500), "sqlite", ""),
        ("a.csv.gz", b"anything", "compressed", ""),
        ("dump.db", b"\x1f\x8b\x08\0", "compressed", "compressed (gzip)"),
        ("x.csv", b"PK\x03\x04", "compressed", "compressed (zip)"),
        ("empty.db", b"", "other", "an empty file"),
        ("text.db", b"hello", "other", "has a database's name but is not an SQLite file"),
        ("a.db", b"version https://git-lfs.github.com/spec/v1\n", "other", "a pointer of Git LFS"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "csv", "a pointer of Git LFS"),
        ("a.db", b"<!DOCTYPE html>\n<html>", "other", "an HTML page"),
        ("a.db", random.Random(1).randbytes(8192), "other", "encrypted, or no database at all"),
        ("a.db-wal", b"", None, ""),
        ("a.parquet", b"PAR1", "other", ""),
    ],
)
def test_a_file_is_what_its_content_says(tmp_path: Path, name: str, content: bytes, kind: str, problem: str) -> None:
    make_database(tmp_path / "prompter.db")
    (tmp_path / name).write_bytes(content)
    project = Project.find(tmp_path)
    found = {file.path.name: file for file in find(project)}
    assert (found[name].kind if name in found else None) == kind
    assert found[name].problem.startswith(problem) if kind and problem else name not in found or not found[name].problem


@pytest.mark.parametrize("marker", [".git", "dbtools.toml", "prompter.db", "packages/db/prompter.db"])
def test_the_search_stops_at_a_project_inside_the_project_and_says_so(tmp_path: Path, marker: str) -> None:
    make_database(tmp_path / "prompter.db")
    inner = tmp_path / "worktrees" / "feature"
    (inner / marker).parent.mkdir(parents=True)
    (inner / marker).write_bytes(b"")
    (inner / "log.csv").write_text("a,b\n1,2\n")
    assert names_of(tmp_path) == {"prompter.db": "sqlite", "worktrees/feature": "folder"}
    project = Project.find(tmp_path)
    assert enclosing_project(project, inner / "log.csv") == inner
    assert enclosing_project(project, tmp_path / "log.csv") is None


def test_the_folder_of_a_database_in_use_is_no_project_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "packages/db").mkdir(parents=True)
    make_database(tmp_path / "packages/db/prompter.db")
    (tmp_path / "packages/db/log.csv").write_text("a,b\n1,2\n")
    assert names_of(tmp_path) == {"packages/db/prompter.db": "sqlite", "packages/db/log.csv": "csv"}


def test_pipes_and_links_are_listed_and_never_opened(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "storage").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "loop.db").symlink_to("loop.db")
    assert names_of(tmp_path) == {"prompter.db": "sqlite", "pipe.csv": "other", "storage": "link", "loop.db": "link"}
