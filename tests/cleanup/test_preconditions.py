"""A file is removed only while it is what was examined, and nobody uses it; a plan that must not be is refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cleanup_projects import (
    TWO_LOGS,
    assert_kept,
    child,
    clean_now,
    make_files,
    make_sqlite,
    planned,
    removal,
    sha256,
)
from support import unchanged

from dbtools.cleanup.model import Kept, Plan, SurvivingCopy
from dbtools.database.sqlite import fingerprint
from dbtools.errors import CleanupError
from dbtools.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_files(tmp_path / "project", TWO_LOGS)


@pytest.mark.parametrize(
    "path", ["prompter.db", "auth_system.db", "prompter.db-wal", "backups/old.csv", "a/../b", "/etc"]
)
def test_a_plan_that_must_not_be_is_refused_before_anything_is_touched(project: Project, path: str) -> None:
    name = path if path.endswith(".db") else "keep.csv"
    plan = planned(project, "storage/one.csv", name)
    object.__setattr__(plan.removals[1], "path", path)
    with unchanged(project.root), pytest.raises(CleanupError):
        clean_now(plan)


def test_a_hard_link_to_the_database_is_refused(project: Project) -> None:
    os.link(project.root / "prompter.db", project.root / "storage" / "old.db")
    with unchanged(project.root), pytest.raises(CleanupError, match="file in use"):
        clean_now(planned(project, "storage/old.db"))


def test_a_plan_that_names_a_file_twice_is_refused(project: Project) -> None:
    with pytest.raises(CleanupError, match="twice"):
        clean_now(planned(project, "keep.csv", "keep.csv"))


def test_the_project_is_not_a_backup_folder(project: Project) -> None:
    with unchanged(project.root), pytest.raises(CleanupError, match="backup folder"):
        clean_now(planned(project.with_backups("."), "keep.csv"))


def test_a_change_with_forged_time_is_seen(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    file = project.root / "storage/one.csv"
    status = file.stat()
    file.write_bytes(b"x,y\n1,2\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert_kept(project, plan, "content changed")
    assert not list(project.backups.glob("*/.tmp-*"))


def test_a_file_replaced_since_the_plan_stays(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "new").write_bytes(TWO_LOGS["storage/one.csv"])
    (project.root / "new").replace(project.root / "storage/one.csv")
    assert_kept(project, plan, "changed since the plan")


def test_a_symbolic_link_is_never_followed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage/one.csv").rename(project.root / "storage/moved.csv")
    (project.root / "storage/one.csv").symlink_to("moved.csv")
    assert_kept(project, plan, "")
    assert (project.root / "storage/one.csv").is_symlink()


def test_a_file_that_a_link_leads_to_since_the_plan_stays_unless_it_was_accepted(project: Project) -> None:
    (project.root / "current").symlink_to("keep.csv")
    (project.root / "dangling").symlink_to("nowhere")
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    (project.root / "current").unlink()
    (project.root / "current").symlink_to(project.root / "storage/two.csv")
    result = clean_now(plan)
    assert result.removed == ("storage/one.csv",)
    assert result.kept == (Kept("storage/two.csv", 'the link "current" leads to it and would lead nowhere'),)
    assert (project.root / "current").read_bytes() == TWO_LOGS["storage/two.csv"]
    accepted = clean_now(replace(planned(project, "storage/two.csv"), accepted=("storage/two.csv",)))
    assert accepted.removed == ("storage/two.csv",)


def test_a_hard_link_stays(project: Project) -> None:
    os.link(project.root / "storage/one.csv", project.root / "other.csv")
    assert_kept(project, planned(project, "storage/one.csv"), "hard links")


def test_a_file_that_was_made_read_only_after_the_plan_stays(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage/one.csv").chmod(0o444)
    assert_kept(project, plan, "changed since the plan")


@pytest.mark.parametrize("mode", ["rb", "ab"])
def test_a_file_open_in_another_process_stays(project: Project, mode: str) -> None:
    with child("held = open(sys.argv[1], sys.argv[2])", project.root / "storage/one.csv", mode):
        assert_kept(project, planned(project, "storage/one.csv"), "another program has it open")


def test_a_file_mapped_in_another_process_stays(project: Project) -> None:
    code = """
import mmap, os
fd = os.open(sys.argv[1], os.O_RDONLY)
held = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
os.close(fd)
"""
    with child(code, project.root / "storage/one.csv"):
        assert_kept(project, planned(project, "storage/one.csv"), "another program has it open")


def test_a_database_with_an_idle_connection_in_another_process_stays(project: Project) -> None:
    make_sqlite(project.root / "old.db")
    plan = planned(project, "old.db", kind="sqlite")
    code = "import sqlite3\nheld = sqlite3.connect(sys.argv[1])\nheld.execute('SELECT * FROM t').fetchall()"
    with child(code, project.root / "old.db"):
        assert_kept(project, plan, "another program has it open")


def test_a_database_open_in_this_process_stays_and_keeps_its_locks(project: Project) -> None:
    make_sqlite(project.root / "old.db")
    plan = planned(project, "old.db", kind="sqlite")
    with closing(sqlite3.connect(project.root / "old.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "this program itself" in clean_now(plan).kept[0].reason
        code = """
import sqlite3
held = sqlite3.connect(sys.argv[1], timeout=0)
try: held.execute("SELECT * FROM t")
except sqlite3.OperationalError: pass
else: sys.exit(1)
"""
        with child(code, project.root / "old.db"):
            pass


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
@pytest.mark.parametrize("kind", ["sqlite", "unknown"])
def test_a_database_with_a_live_sidecar_stays(project: Project, suffix: str, kind: str) -> None:
    make_sqlite(project.root / "old.db")
    (project.root / f"old.db{suffix}").write_bytes(b"changes")
    assert_kept(project, planned(project, "old.db", kind=kind), f"old.db{suffix}")


def test_a_journal_without_changes_is_no_obstacle(project: Project) -> None:
    make_sqlite(project.root / "old.db")
    with closing(sqlite3.connect(project.root / "old.db")) as connection, connection:
        connection.execute("PRAGMA journal_mode = PERSIST").fetchall()
        connection.execute("CREATE TABLE more (x)")
    assert (project.root / "old.db-journal").stat().st_size
    assert clean_now(planned(project, "old.db", kind="sqlite")).removed == ("old.db",)


def test_an_empty_sidecar_is_no_obstacle_and_a_sidecar_is_no_file_of_its_own(project: Project) -> None:
    make_sqlite(project.root / "old.db")
    (project.root / "old.db-wal").write_bytes(b"")
    assert_kept(project, planned(project, "old.db-wal"), 'belongs to the database "old.db"')
    assert clean_now(planned(project, "old.db", kind="sqlite")).removed == ("old.db",)


@pytest.mark.parametrize("change", ["write", "unlink", "link"])
def test_a_file_whose_keeper_is_not_what_it_was_stays(project: Project, change: str) -> None:
    plan = planned(project, "storage/one.csv", keeper="keep.csv")
    keeper = project.root / "keep.csv"
    if change == "write":
        keeper.write_bytes(b"other")
    else:
        keeper.unlink()
    if change == "link":
        keeper.symlink_to("storage/one.csv")
    result = clean_now(plan)
    assert '"keep.csv", which holds the same content, cannot be relied on: it ' in result.kept[0].reason
    assert (project.root / "storage/one.csv").exists()


def test_two_files_that_keep_each_other_both_stay(project: Project) -> None:
    removals = [removal(project, "storage/one.csv", keeper="keep.csv")]
    removals.append(removal(project, "keep.csv", keeper="storage/one.csv"))
    assert_kept(project, Plan(project, tuple(removals), ()), "is to be removed too")


def test_a_file_that_rests_on_a_database_goes_unless_the_database_was_written_to(project: Project) -> None:
    make_sqlite(project.root / "data.db")
    pinned = SurvivingCopy("data.db", sha256(project.root / "data.db"), fingerprint(project.root / "data.db"))
    assert clean_now(planned(project, "storage/one.csv")).removed
    plan = planned(project, "storage/two.csv")
    object.__setattr__(plan.removals[0], "keeper", pinned)
    with closing(sqlite3.connect(project.root / "data.db")) as connection, connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert '"data.db"' in clean_now(plan).kept[0].reason
    now = SurvivingCopy("data.db", sha256(project.root / "data.db"), fingerprint(project.root / "data.db"))
    object.__setattr__(plan.removals[0], "keeper", now)
    assert clean_now(plan).removed == ("storage/two.csv",)


def test_a_file_that_rests_on_a_database_stays_when_only_its_wal_was_written_to(project: Project) -> None:
    path = project.root / "data.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        plan = planned(project, "storage/one.csv")
        object.__setattr__(plan.removals[0], "keeper", SurvivingCopy("data.db", sha256(path), fingerprint(path)))
        with connection:
            connection.execute("DELETE FROM t")
        assert sha256(path) == plan.removals[0].keeper.sha256
        assert '"data.db"' in clean_now(plan).kept[0].reason


@pytest.mark.parametrize("marker", [".git", "dbtools.toml", "prompter.db"])
def test_a_plan_for_a_file_of_a_project_inside_the_project_is_refused(project: Project, marker: str) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage" / marker).touch()
    with pytest.raises(CleanupError, match='a file of another project: "storage"'):
        clean_now(plan)
    assert (project.root / "storage/one.csv").exists()
