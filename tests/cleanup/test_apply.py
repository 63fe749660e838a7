from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import (
    TWO_LOGS,
    assert_kept,
    child,
    clean_now,
    forge,
    make_files,
    make_sqlite,
    planned,
    sha256,
    tree,
    write_manifest,
)
from support import unchanged

from dbtools.cleanup import backup
from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import read, runs, unfinished
from dbtools.cleanup.model import Kept, Manifest, Plan
from dbtools.cleanup.restore import restore
from dbtools.cleanup.safefile import identity
from dbtools.errors import BusyError, CleanupError, ParameterError, ProjectError
from dbtools.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_files(tmp_path / "project", TWO_LOGS)


def test_a_dry_run_changes_nothing_and_says_what_would_go(project: Project) -> None:
    with unchanged(project.root):
        result = apply(planned(project, "storage/one.csv", rescue=(1,)))
    assert (result.dry_run, result.path, result.removed, result.kept) == (True, None, (), ())
    assert (result.planned, result.bytes, result.rescued_rows) == (("storage/one.csv",), 8, 1)
    assert result.frame.action.tolist() == ["would remove"]
    assert result.sentence == "dry run: 1 file, 8 bytes, would be removed, 1 row rescued first; nothing was changed"


def test_planned_files_go_and_their_backups_stay(project: Project) -> None:
    plan = Plan(project, planned(project, "storage/one.csv", "storage/two.csv").removals, (Kept("keep.csv", "wanted"),))
    result = clean_now(plan)
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
    assert (project.root / frame.backup["storage/one.csv"]).read_bytes() == TWO_LOGS["storage/one.csv"]
    assert json.loads(json.dumps(result.to_dict()))["removed"] == ["storage/one.csv", "storage/two.csv"]


def manifest(folder: Path) -> str:
    return (folder / "manifest.json").read_text()


def test_the_manifest_pins_the_plan_and_names_the_root_relative_to_itself(project: Project) -> None:
    pinned = json.loads(manifest(clean_now(planned(project, "storage/one.csv", keeper="keep.csv")).path))
    assert pinned["root"] == "../.."
    assert pinned["removals"][0]["keeper"]["path"] == "keep.csv"
    assert pinned["removals"][0]["identity"]["size"] == 8


def test_a_backup_folder_outside_names_the_root_absolutely(project: Project, tmp_path: Path) -> None:
    outside = project.with_backups(tmp_path / "elsewhere" / "backups")
    result = clean_now(planned(outside, "storage/one.csv"))
    assert json.loads(manifest(result.path))["root"] == str(project.root)
    assert result.removed == ("storage/one.csv",)


def test_an_empty_plan_creates_nothing(project: Project) -> None:
    with unchanged(project.root):
        result = clean_now(Plan(project, (), (Kept("keep.csv", "wanted"),)))
    assert (result.dry_run, result.path, result.frame.path.tolist()) == (False, None, ["keep.csv"])


def test_the_same_plan_again_does_nothing_and_says_the_same(project: Project) -> None:
    os.link(project.root / "keep.csv", project.root / "storage" / "linked.csv")
    plan = planned(project, "storage/one.csv", "storage/linked.csv")
    result = clean_now(plan)
    assert len(result.kept) == 1
    with unchanged(project.root):
        assert apply(plan, dry_run=False, progress=False) == result


def test_a_file_that_was_kept_goes_when_the_same_plan_is_applied_later(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    with (project.root / "storage/one.csv").open("rb"):
        first = clean_now(plan)
    assert first.removed == ("storage/two.csv",)
    second = clean_now(plan)
    assert (second.path, second.removed, second.kept) == (first.path, first.planned, ())


def test_after_a_restore_the_same_plan_does_not_claim_that_the_files_are_gone(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    restore(clean_now(plan).path)
    result = clean_now(plan)
    assert (project.root / "storage/one.csv").exists() == (result.removed == ())


def test_a_newer_file_at_a_removed_path_is_left_alone(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    clean_now(plan)
    (project.root / "storage/one.csv").write_text("new")
    clean_now(plan)
    assert (project.root / "storage/one.csv").read_text() == "new"


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
    assert clean_now(plan).removed == ("storage/one.csv",)


def test_a_forged_run_with_the_fingerprint_of_the_plan_is_not_carried_out_in_its_place(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    database = project.root / "prompter.db"
    run = forge(project, "prompter.db", database.read_bytes(), **asdict(identity(database.stat())))
    body = json.loads((run / "manifest.json").read_text())
    write_manifest(run, {**body, "root": "../..", "sha256": backup.fingerprint(plan.removals)})
    result = clean_now(plan)
    assert (result.removed, result.path != run) == (("storage/one.csv",), True)
    assert database.read_bytes() == b"prompts"
    with pytest.raises(CleanupError, match="manifest of the run is damaged"):
        restore(run)


def test_the_run_folder_is_private_and_ignored_by_git_whatever_the_backup_folder_is(project: Project) -> None:
    project.backups.mkdir()
    project.backups.chmod(0o777)
    (project.backups / ".gitignore").write_text("!*\n")
    plan = planned(project, "storage/one.csv", rescue=(1,))
    said = 'Other users may rename the backups: "backups" has the mode 0777. Run chmod o-w on it.'
    assert apply(plan).details == [said]
    done = clean_now(plan)
    run = done.path
    assert (done.details, done.to_dict()["caution"]) == ([said], said)
    for mode in (0o1777, 0o775, 0o700):
        project.backups.chmod(mode)
        assert apply(plan).details == []
    assert stat.S_IMODE(run.stat().st_mode) == stat.S_IMODE((run / "rescued").stat().st_mode) == 0o700
    subprocess.run(["git", "init", "-q", project.root], check=True)
    listed = subprocess.run(
        ["git", "-C", project.root, "status", "--short", "--untracked-files=all"], capture_output=True, text=True
    ).stdout
    assert [line for line in listed.splitlines() if run.name in line] == []
    assert (project.backups / ".gitignore").read_text() == "!*\n"


def test_a_file_that_is_gone_is_not_called_removed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage/one.csv").unlink()
    assert_kept(project, plan, "no longer there")


def test_a_folder_swapped_for_a_link_is_never_followed(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    (project.root / "storage").rename(project.root / "moved")
    (project.root / "storage").symlink_to("moved")
    before = tree(project.root)
    assert clean_now(plan).removed == ()
    assert tree(project.root, "backups") == before


@pytest.mark.parametrize("dry_run", ["false", "False", 0, None])
def test_what_is_no_boolean_is_no_dry_run(project: Project, dry_run: object) -> None:
    with pytest.raises(ParameterError, match="neither True nor False"):
        apply(planned(project, "storage/one.csv"), dry_run=dry_run)


def test_rows_are_rescued_before_their_file_goes(project: Project) -> None:
    import duckdb

    result = clean_now(planned(project, "storage/one.csv", rescue=(1,)))
    file = result.path / "rescued" / "rescued_storage_one.parquet"
    assert (result.rescued_rows, result.removed) == (1, ("storage/one.csv",))
    with duckdb.connect() as connection:
        assert connection.execute("SELECT a, b, _row FROM read_parquet(?)", [str(file)]).fetchall() == [("1", "2", 1)]
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    with unchanged(project.root):
        clean_now(planned_again(result, project))


def planned_again(result: Manifest, project: Project) -> Plan:
    return Plan(project, read(result.path).removals, ())


def test_files_with_like_names_are_rescued_under_names_of_their_own(project: Project) -> None:
    for name in ("storage/a-b.csv", "storage/a_b.csv"):
        (project.root / name).write_bytes(b"a\n1\n")
    result = clean_now(planned(project, "storage/a-b.csv", "storage/a_b.csv", rescue=(1,)))
    names = sorted(path.name for path in (result.path / "rescued").iterdir())
    assert names == ["rescued_storage_a_b.parquet", "rescued_storage_a_b__2.parquet"]


def test_rows_of_a_file_in_folders_so_deep_that_no_name_could_tell_them_all_are_rescued(project: Project) -> None:
    deep = "/".join(f"archive-of-the-year-{year}" for year in range(2000, 2012))
    for name in ("one.csv", "One.csv"):
        (project.root / deep).mkdir(parents=True, exist_ok=True)
        (project.root / deep / name).write_bytes(b"a\n1\n")
    plan = planned(project, f"{deep}/one.csv", f"{deep}/One.csv", rescue=(1,))
    result = clean_now(plan)
    assert (result.removed, result.rescued_rows) == (result.planned, 2)
    names = sorted(path.name for path in (result.path / "rescued").iterdir())
    assert [name.rpartition("_year_")[2] for name in names] == ["2011_one.parquet", "2011_one__2.parquet"]


def test_a_database_whose_sidecar_could_have_no_name_goes_like_any_other(project: Project) -> None:
    longest = "a" * 247 + ".db"
    make_sqlite(project.root / "short.db")
    (project.root / "short.db").rename(project.root / longest)
    result = clean_now(planned(project, longest, "storage/one.csv", kind="sqlite"))
    assert result.removed == (longest, "storage/one.csv")


def test_nothing_is_removed_when_rows_cannot_be_rescued(project: Project) -> None:
    before = tree(project.root)
    with pytest.raises(CleanupError):
        clean_now(planned(project, "storage/two.csv", "storage/one.csv", rescue=(1, 99)))
    assert tree(project.root, "backups") == before


def test_a_damaged_backup_is_seen_before_its_file_goes(project: Project) -> None:
    plan = planned(project, "storage/one.csv")
    with (project.root / "storage/one.csv").open("rb"):
        result = clean_now(plan)
    backup = result.path / plan.removals[0].sha256
    backup.parent.joinpath("x").write_bytes(b"damage")
    backup.parent.joinpath("x").replace(backup)
    assert clean_now(plan).removed == ("storage/one.csv",)
    assert sha256(backup) == plan.removals[0].sha256


def test_the_last_record_of_the_journal_may_be_torn(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    result = clean_now(plan)
    log = result.path / "journal"
    log.write_bytes(log.read_bytes()[:-5])
    assert unfinished(project.backups) == [result.path]
    assert clean_now(plan).removed == result.removed
    assert unfinished(project.backups) == []


def test_a_journal_damaged_in_the_middle_stops_the_run(project: Project) -> None:
    plan = planned(project, "storage/one.csv", "storage/two.csv")
    result = clean_now(plan)
    log = result.path / "journal"
    log.write_bytes(b"0" + log.read_bytes()[1:])
    with unchanged(project.root), pytest.raises(CleanupError, match="restore this run first"):
        clean_now(plan)


def test_two_cleanups_of_a_project_cannot_run_at_once(project: Project) -> None:
    code = "import fcntl, os\nfd = os.open(sys.argv[1], os.O_RDONLY)\nfcntl.flock(fd, fcntl.LOCK_EX)"
    with child(code, project.root), unchanged(project.root), pytest.raises(BusyError):
        clean_now(planned(project, "storage/one.csv"))


@pytest.mark.slow
def test_a_full_disk_stops_the_run_with_nothing_removed(project: Project) -> None:
    (project.root / "storage/big.csv").write_bytes(b"1" * 200_000)
    before = tree(project.root)
    code = """
import resource, signal
from pathlib import Path
from cleanup_projects import planned
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
    assert len(clean_now(planned(project, "storage/one.csv", "storage/big.csv")).removed) == 2
    assert len(runs(project.backups)) == 1


def test_only_a_large_cleanup_shows_a_progress_bar(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    clean_now(planned(project, "storage/one.csv"), progress=True)
    assert capsys.readouterr().err == ""
    (project.root / "storage/two.csv").write_bytes(b"x" * (17 << 20))
    clean_now(planned(project, "storage/two.csv"), progress=True)
    assert "100%" in capsys.readouterr().err


def test_no_backup_is_written_through_a_link_out_of_the_project(project: Project, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (project.root / "backups").symlink_to(tmp_path / "disk")
    with pytest.raises(ProjectError, match="through a link"):
        clean_now(planned(project, "storage/one.csv"))
    assert list((tmp_path / "disk").iterdir()) == []
    assert (project.root / "storage/one.csv").exists()
    named = project.with_backups(tmp_path / "disk")
    assert clean_now(planned(named, "storage/one.csv")).removed == ("storage/one.csv",)
