from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cleaning import forge, make_files, planned, removal, sha256, tree, write_manifest
from support import python, unchanged

from dbtools.cleanup import backup
from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import read, runs, unfinished
from dbtools.cleanup.model import Kept, Manifest, Plan, SurvivingCopy
from dbtools.cleanup.restore import restore
from dbtools.cleanup.safefile import identity
from dbtools.database.sqlite import fingerprint
from dbtools.errors import BusyError, CleanupError, ParameterError, ProjectError
from dbtools.project import Project

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FILES = {"storage/one.csv": b"a,b\n1,2\n", "storage/two.csv": b"a,b\n3,4\n", "keep.csv": b"a,b\n1,2\n"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_files(tmp_path / "project", FILES)


def clean(plan: Plan, progress: bool = False) -> Manifest:
    return apply(plan, dry_run=False, now=NOW, progress=progress)


def assert_kept(project: Project, plan: Plan, words: str) -> None:
    before = tree(project.root)
    result = clean(plan)
    assert result.removed == ()
    assert [kept.path for kept in result.kept] == [planned.path for planned in plan.removals]
    assert words in result.kept[0].reason
    assert tree(project.root, "backups") == before


@contextmanager
def child(code: str, *arguments: object) -> Iterator[None]:
    """Run a process that says when it is ready and waits for its end."""
    with python(f"import sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()", *arguments) as process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()
        process.wait(timeout=30)


def test_a_dry_run_changes_nothing_and_says_what_would_go(project: Project) -> None:
    with unchanged(project.root):
        result = apply(planned(project, "storage/one.csv", rescue=(1,)))
    assert (result.dry_run, result.path, result.removed, result.kept) == (True, None, (), ())
    assert (result.planned, result.bytes, result.rescued_rows) == (("storage/one.csv",), 8, 1)
    assert result.frame.action.tolist() == ["would remove"]
    assert result.sentence == "dry run: 1 file, 8 bytes, would be removed, 1 row rescued first; nothing was changed"


def test_planned_files_go_and_their_backups_stay(project: Project) -> None:
    plan = Plan(project, planned(project, "storage/one.csv", "storage/two.csv").removals, (Kept("keep.csv", "wanted"),))
    result = clean(plan)
    assert result.path == project.backups / f"20260102T030405Z-{json.loads(manifest(result.path))['sha256'][:8]}"
    assert result.removed == result.planned == ("storage/one.csv", "storage/two.csv")
    assert (result.bytes, result.kept, result.rescued_rows) == (16, plan.kept, 0)
    assert sorted(tree(project.root, "backups")) == ["auth_system.db", "keep.csv", "prompter.db"]
    assert (project.root / "storage").is_dir()
    for planned_file in plan.removals:
        backup = result.path / planned_file.sha256
        assert sha256(backup) == planned_file.sha256
        assert stat.S_IMODE(backup.stat().st_mode) == 0o400
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o700
    assert (project.backups / ".gitignore").read_text() == "*\n"
    frame = result.frame.set_index("path")
    assert frame.action.to_dict() == {"storage/one.csv": "removed", "storage/two.csv": "removed", "keep.csv": "kept"}
    assert (project.root / frame.backup["storage/one.csv"]).read_bytes() == FILES["storage/one.csv"]
    assert json.loads(json.dumps(result.to_dict()))["removed"] == ["storage/one.csv", "storage/two.csv"]


def manifest(folder: Path) -> str:
    return (folder / "manifest.json").read_text()


def test_the_manifest_pins_the_plan_and_names_the_root_relative_to_itself(project: Project) -> None:
    pinned = json.loads(manifest(clean(planned(project, "storage/one.csv", keeper="keep.csv")).path))
    assert pinned["root"] == "../.."
    assert pinned["removals"][0]["keeper"]["path"] == "keep.csv"
    assert pinned["removals"][0]["identity"]["size"] == 8


def test_a_backup_folder_outside_names_the_root_absolutely(project: Project, tmp_path: Path) -> None:
    outside = project.with_backups(tmp_path / "elsewhere" / "backups")
    result = clean(planned(outside, "storage/one.csv"))
    assert json.loads(manifest(result.path))["root"] == str(project.root)
    assert result.removed == ("storage/one.csv",)


def test_an_empty_plan_creates_nothing(project: Project) -> None:
    with unchanged(project.root):
        result = clean(Plan(project, (), (Kept("keep.csv", "wanted"),)))
    assert (result.dry_run, result.path, result.frame.path.tolist()) == (False, None, ["keep.csv"])


def test_the_same_plan_again_does_nothing_and_says_the_same(project: Project) -> None:
    os.link(project.root / "keep.csv", project.root / "storage" / "linked.csv")
    plan = planned(project, "storage/one.csv", "storage/linked.csv")
    result = clean(plan)
    assert len(result.kept) == 1
    with unchanged(project.root):
        assert apply(plan, dry_run=False, progress=False) == result


def test_a_file_that_was_kept_goes_when_the_same_plan_is_applied_later(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    with (project.root / "storage/one.csv").open("rb"):
        first = clean(plan)
    assert first.removed == ("storage/two.csv",)
    second = clean(plan)
    assert (second.path, second.removed, second.kept) == (first.path, first.planned, ())


def test_after_a_restore_the_same_plan_does_not_claim_that_the_files_are_gone(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    restore(clean(plan).path)
    result = clean(plan)
    assert (project.root / "storage/one.csv").exists() == (result.removed == ())


def test_a_newer_file_at_a_removed_path_is_left_alone(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    clean(plan)
    (project.root / "storage/one.csv").write_text("new")
    clean(plan)
    assert (project.root / "storage/one.csv").read_text() == "new"


@pytest.mark.parametrize(
    "path", ["prompter.db", "auth_system.db", "prompter.db-wal", "backups/old.csv", "a/../b", "/etc"]
)
def test_a_plan_that_must_not_be_is_refused_before_anything_is_touched(project: Project, path: str) -> None:
    name = path if path.endswith(".db") else "keep.csv"
    plan = planned(project, "storage/one.csv", name)
    object.__setattr__(plan.removals[1], "path", path)
    with unchanged(project.root), pytest.raises(CleanupError):
        clean(plan)


def test_a_hard_link_to_the_database_is_refused(project: Project) -> None:
    os.link(project.root / "prompter.db", project.root / "storage" / "old.db")
    with unchanged(project.root), pytest.raises(CleanupError, match="database in use"):
        clean(planned(project, "storage/old.db"))


def test_a_plan_that_names_a_file_twice_is_refused(project: Project) -> None:
    with pytest.raises(CleanupError, match="twice"):
        clean(planned(project, "keep.csv", "keep.csv"))


def test_the_project_is_not_a_backup_folder(project: Project) -> None:
    with unchanged(project.root), pytest.raises(CleanupError, match="backup folder"):
        clean(planned(project.with_backups("."), "keep.csv"))


def test_a_change_with_forged_time_is_seen(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    file = project.root / "storage/one.csv"
    status = file.stat()
    file.write_bytes(b"x,y\n1,2\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert_kept(project, plan, "content changed")
    assert not list(project.backups.glob("*/.tmp-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")
def test_a_file_whose_owner_changed_since_it_was_backed_up_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, back_up = planned(project, "storage/one.csv"), backup.back_up

    def then_changed(*given: Any) -> Any:
        recorded = back_up(*given)
        os.chown(project.root / "storage/one.csv", 65534, 65534)
        return recorded

    with monkeypatch.context() as patch:
        patch.setattr(backup, "back_up", then_changed)
        assert_kept(project, plan, "its owner or attributes changed since it was backed up")
    assert clean(plan).removed == ("storage/one.csv",)


def test_a_forged_run_with_the_fingerprint_of_the_plan_is_not_carried_out_in_its_place(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    database = project.root / "prompter.db"
    run = forge(project, "prompter.db", database.read_bytes(), **asdict(identity(database.stat())))
    body = json.loads((run / "manifest.json").read_text())
    write_manifest(run, {**body, "root": "../..", "sha256": backup.fingerprint(plan.removals)})
    result = clean(plan)
    assert (result.removed, result.path != run) == (("storage/one.csv",), True)
    assert database.read_bytes() == b"prompts"
    with pytest.raises(CleanupError, match="manifest of the run is damaged"):
        restore(run)


def test_the_run_folder_is_private_and_ignored_by_git_whatever_the_backup_folder_is(project: Project) -> None:
    project.backups.mkdir()
    project.backups.chmod(0o777)
    (project.backups / ".gitignore").write_text("!*\n")
    run = clean(planned(project, "storage/one.csv", rescue=(1,))).path
    assert stat.S_IMODE(run.stat().st_mode) == stat.S_IMODE((run / "rescued").stat().st_mode) == 0o700
    subprocess.run(["git", "init", "-q", project.root], check=True)
    listed = subprocess.run(
        ["git", "-C", project.root, "status", "--short", "--untracked-files=all"], capture_output=True, text=True
    ).stdout
    assert [line for line in listed.splitlines() if run.name in line] == []
    assert (project.backups / ".gitignore").read_text() == "!*\n"


def test_a_file_replaced_since_the_plan_stays(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "new").write_bytes(FILES["storage/one.csv"])
    (project.root / "new").replace(project.root / "storage/one.csv")
    assert_kept(project, plan, "changed since the plan")


def test_a_file_that_is_gone_is_not_called_removed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage/one.csv").unlink()
    assert_kept(project, plan, "no longer there")


def test_a_symbolic_link_is_never_followed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage/one.csv").rename(project.root / "storage/moved.csv")
    (project.root / "storage/one.csv").symlink_to("moved.csv")
    assert_kept(project, plan, "")
    assert (project.root / "storage/one.csv").is_symlink()


def test_a_folder_swapped_for_a_link_is_never_followed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage").rename(project.root / "moved")
    (project.root / "storage").symlink_to("moved")
    before = tree(project.root)
    assert clean(plan).removed == ()
    assert tree(project.root, "backups") == before


def test_a_hard_link_stays(project: Project) -> None:
    os.link(project.root / "storage/one.csv", project.root / "other.csv")
    assert_kept(project, planned(project, "storage/one.csv"), "hard links")


@pytest.mark.parametrize("dry_run", ["false", "False", 0, None])
def test_what_is_no_boolean_is_no_dry_run(project: Project, dry_run: object) -> None:
    with pytest.raises(ParameterError, match="neither True nor False"):
        apply(planned(project, "storage/one.csv"), dry_run=dry_run)


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


def make_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")


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
        assert "this program itself" in clean(plan).kept[0].reason
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
    assert clean(planned(project, "old.db", kind="sqlite")).removed == ("old.db",)


def test_an_empty_sidecar_is_no_obstacle_and_a_sidecar_is_no_file_of_its_own(project: Project) -> None:
    make_sqlite(project.root / "old.db")
    (project.root / "old.db-wal").write_bytes(b"")
    assert_kept(project, planned(project, "old.db-wal"), 'belongs to the database "old.db"')
    assert clean(planned(project, "old.db", kind="sqlite")).removed == ("old.db",)


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
    result = clean(plan)
    assert '"keep.csv", which holds the same content, cannot be relied on: it ' in result.kept[0].reason
    assert (project.root / "storage/one.csv").exists()


def test_two_files_that_keep_each_other_both_stay(project: Project) -> None:
    removals = [removal(project, "storage/one.csv", keeper="keep.csv")]
    removals.append(removal(project, "keep.csv", keeper="storage/one.csv"))
    assert_kept(project, Plan(project, tuple(removals), ()), "is to be removed too")


def test_a_file_that_rests_on_a_database_goes_unless_the_database_was_written_to(project: Project) -> None:
    make_sqlite(project.root / "data.db")
    pinned = SurvivingCopy("data.db", sha256(project.root / "data.db"), fingerprint(project.root / "data.db"))
    assert clean(planned(project, "storage/one.csv")).removed
    plan = planned(project, "storage/two.csv")
    object.__setattr__(plan.removals[0], "keeper", pinned)
    with closing(sqlite3.connect(project.root / "data.db")) as connection, connection:
        connection.execute("INSERT INTO t VALUES (2)")
    assert '"data.db"' in clean(plan).kept[0].reason
    now = SurvivingCopy("data.db", sha256(project.root / "data.db"), fingerprint(project.root / "data.db"))
    object.__setattr__(plan.removals[0], "keeper", now)
    assert clean(plan).removed == ("storage/two.csv",)


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
        assert '"data.db"' in clean(plan).kept[0].reason


def test_rows_are_rescued_before_their_file_goes(project: Project) -> None:
    import duckdb

    result = clean(planned(project, "storage/one.csv", rescue=(1,)))
    file = result.path / "rescued" / "rescued_storage_one.parquet"
    assert (result.rescued_rows, result.removed) == (1, ("storage/one.csv",))
    with duckdb.connect() as connection:
        assert connection.execute("SELECT a, b, _row FROM read_parquet(?)", [str(file)]).fetchall() == [("1", "2", 1)]
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    with unchanged(project.root):
        clean(planned_again(result, project))


def planned_again(result: Manifest, project: Project) -> Plan:
    return Plan(project, read(result.path).removals, ())


def test_files_with_like_names_are_rescued_under_names_of_their_own(project: Project) -> None:
    for name in ("storage/a-b.csv", "storage/a_b.csv"):
        (project.root / name).write_bytes(b"a\n1\n")
    result = clean(planned(project, "storage/a-b.csv", "storage/a_b.csv", rescue=(1,)))
    names = sorted(path.name for path in (result.path / "rescued").iterdir())
    assert names == ["rescued_storage_a_b.parquet", "rescued_storage_a_b__2.parquet"]


def test_rows_of_a_file_in_folders_so_deep_that_no_name_could_tell_them_all_are_rescued(project: Project) -> None:
    deep = "/".join(f"archive-of-the-year-{year}" for year in range(2000, 2012))
    for name in ("one.csv", "One.csv"):
        (project.root / deep).mkdir(parents=True, exist_ok=True)
        (project.root / deep / name).write_bytes(b"a\n1\n")
    plan = planned(project, f"{deep}/one.csv", f"{deep}/One.csv", rescue=(1,))
    result = clean(plan)
    assert (result.removed, result.rescued_rows) == (result.planned, 2)
    names = sorted(path.name for path in (result.path / "rescued").iterdir())
    assert [name.rpartition("_year_")[2] for name in names] == ["2011_one.parquet", "2011_one__2.parquet"]


def test_a_database_whose_sidecar_could_have_no_name_goes_like_any_other(project: Project) -> None:
    longest = "a" * 247 + ".db"
    make_sqlite(project.root / "short.db")
    (project.root / "short.db").rename(project.root / longest)
    result = clean(planned(project, longest, "storage/one.csv", kind="sqlite"))
    assert result.removed == (longest, "storage/one.csv")


def test_nothing_is_removed_when_rows_cannot_be_rescued(project: Project) -> None:
    before = tree(project.root)
    with pytest.raises(CleanupError):
        clean(planned(project, "storage/two.csv", "storage/one.csv", rescue=(1, 99)))
    assert tree(project.root, "backups") == before


def test_a_damaged_backup_is_seen_before_its_file_goes(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    with (project.root / "storage/one.csv").open("rb"):
        result = clean(plan)
    backup = result.path / plan.removals[0].sha256
    backup.parent.joinpath("x").write_bytes(b"damage")
    backup.parent.joinpath("x").replace(backup)
    assert clean(plan).removed == ("storage/one.csv",)
    assert sha256(backup) == plan.removals[0].sha256


def test_the_last_record_of_the_journal_may_be_torn(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    result = clean(plan)
    log = result.path / "journal"
    log.write_bytes(log.read_bytes()[:-5])
    assert unfinished(project.backups) == [result.path]
    assert clean(plan).removed == result.removed
    assert unfinished(project.backups) == []


def test_a_journal_damaged_in_the_middle_stops_the_run(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    result = clean(plan)
    log = result.path / "journal"
    log.write_bytes(b"0" + log.read_bytes()[1:])
    with unchanged(project.root), pytest.raises(CleanupError, match="restore this run first"):
        clean(plan)


def test_two_cleanups_of_a_project_cannot_run_at_once(project: Project) -> None:
    code = "import fcntl, os\nfd = os.open(sys.argv[1], os.O_RDONLY)\nfcntl.flock(fd, fcntl.LOCK_EX)"
    with child(code, project.root), unchanged(project.root), pytest.raises(BusyError):
        clean(planned(project, "storage/one.csv"))


def test_a_full_disk_stops_the_run_with_nothing_removed(project: Project) -> None:
    (project.root / "storage/big.csv").write_bytes(b"1" * 200_000)
    before = tree(project.root)
    code = """
import resource, signal
from pathlib import Path
from cleaning import planned
from dbtools.cleanup.apply import apply
from dbtools.cleanup.model import Manifest
from dbtools.errors import CleanupError
from dbtools.project import Project
root = Path(sys.argv[1])
project = Project(root, root / "prompter.db", root / "auth_system.db", root / "storage", root / "backups")
plan = planned(project, "storage/one.csv", "storage/big.csv")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try: apply(plan, dry_run=False, progress=False)
except CleanupError as error: assert "File too large" in str(error), error
else: sys.exit(1)
"""
    with child(f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{code}", project.root):
        pass
    assert tree(project.root, "backups") == before
    assert not list(project.backups.glob("*/.tmp-*"))
    assert len(clean(planned(project, "storage/one.csv", "storage/big.csv")).removed) == 2
    assert len(runs(project.backups)) == 1


def test_only_a_large_cleanup_shows_a_progress_bar(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    clean(planned(project, "storage/one.csv"), progress=True)
    assert capsys.readouterr().err == ""
    (project.root / "storage/two.csv").write_bytes(b"x" * (17 << 20))
    clean(planned(project, "storage/two.csv"), progress=True)
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize("marker", [".git", "dbtools.toml", "prompter.db"])
def test_a_plan_for_a_file_of_a_project_inside_the_project_is_refused(project: Project, marker: str) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage" / marker).touch()
    with pytest.raises(CleanupError, match='a file of another project: "storage"'):
        clean(plan)
    assert (project.root / "storage/one.csv").exists()


def test_no_backup_is_written_through_a_link_out_of_the_project(project: Project, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (project.root / "backups").symlink_to(tmp_path / "disk")
    with pytest.raises(ProjectError, match="through a link"):
        clean(planned(project, "storage/one.csv"))
    assert list((tmp_path / "disk").iterdir()) == []
    assert (project.root / "storage/one.csv").exists()
    named = project.with_backups(tmp_path / "disk")
    assert clean(planned(named, "storage/one.csv")).removed == ("storage/one.csv",)
