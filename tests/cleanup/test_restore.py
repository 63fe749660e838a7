from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cleaning import make_files, planned, tree
from support import unchanged

from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import unfinished
from dbtools.cleanup.restore import restore
from dbtools.demo import build
from dbtools.errors import CleanupError
from dbtools.notebooks import run as run_notebook
from dbtools.project import Project

FILES = {"storage/a.csv": b"a\n1\n", "storage/deep/b.csv": b"b\n" * 90_000, "empty.csv": b""}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_files(tmp_path / "project", FILES)


def remove(project: Project, *paths: str) -> Path:
    result = apply(planned(project, *(paths or FILES)), dry_run=False, progress=False)
    assert result.kept == ()
    assert result.path is not None
    return result.path


def test_bytes_mode_and_time_come_back_exactly(project: Project) -> None:
    before = tree(project.root)
    result = restore(remove(project))
    assert result.restored == tuple(FILES)
    assert (result.skipped, result.conflicts) == ((), ())
    assert tree(project.root, "backups") == before
    assert result.frame.action.tolist() == ["restored"] * 3
    assert json.loads(json.dumps(result.to_dict()))["restored"] == list(FILES)


def test_restoring_again_does_nothing(project: Project) -> None:
    run = remove(project)
    restore(run)
    with unchanged(project.root / "storage"), unchanged(run):
        assert restore(run / "manifest.json").skipped == tuple(FILES)


def test_other_runs_whose_files_are_away_are_named(project: Project) -> None:
    first, second = remove(project, "storage/a.csv"), remove(project, "empty.csv")
    result = restore(second)
    assert result.others == (first.name,)
    assert result.sentence.endswith(f"; files of other runs are still away: {first.name}")
    assert restore(first).others == restore(second).others == ()


def test_missing_folders_are_made_again(project: Project) -> None:
    before = tree(project.root)
    run = remove(project)
    shutil.rmtree(project.root / "storage")
    restore(str(run))
    assert tree(project.root, "backups") == before


def test_a_newer_file_is_never_overwritten(project: Project) -> None:
    run = remove(project, "storage/a.csv")
    (project.root / "storage/a.csv").write_text("newer")
    for _ in range(2):
        result = restore(run)
        assert [conflict.path for conflict in result.conflicts] == ["storage/a.csv"]
        assert (project.root / result.conflicts[0].written_as).read_bytes() == FILES["storage/a.csv"]
        assert (project.root / "storage/a.csv").read_text() == "newer"
        assert len(list((project.root / "storage").glob("a.csv*"))) == 2
    (project.root / result.conflicts[0].written_as).write_text("edited")
    assert restore(run).conflicts[0].written_as.endswith("-2")


@pytest.mark.parametrize("name", ["a" * 250 + ".csv", "é" * 125 + ".csv", "\udcff" * 250 + ".csv"])
def test_a_file_with_the_longest_of_names_stands_beside_something_newer_too(project: Project, name: str) -> None:
    (project.root / name).write_bytes(b"long")
    run = remove(project, name, "storage/a.csv")
    (project.root / name).write_text("newer")
    for _ in range(2):
        result = restore(run)
        (conflict,) = result.conflicts
        assert conflict.path == name
        assert (project.root / conflict.written_as).read_bytes() == b"long"
        assert (project.root / name).read_text() == "newer"
        assert (project.root / "storage/a.csv").exists()
    assert len(list(project.root.glob("*.restored-*"))) == 1


def test_a_link_in_the_place_of_a_file_or_its_folder_is_not_followed(project: Project, tmp_path: Path) -> None:
    run = remove(project)
    shutil.rmtree(project.root / "storage" / "deep")
    (tmp_path / "outside").mkdir()
    (project.root / "storage/deep").symlink_to(tmp_path / "outside")
    (project.root / "storage/a.csv").symlink_to(tmp_path / "outside" / "a.csv")
    result = restore(run)
    assert result.restored == ("empty.csv",)
    assert {conflict.path: bool(conflict.written_as) for conflict in result.conflicts} == {
        "storage/a.csv": True,
        "storage/deep/b.csv": False,
    }
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_that_could_not_be_written_is_told_apart_from_those_beside_something_newer(project: Project) -> None:
    run = remove(project)
    (project.root / "empty.csv").write_text("newer")
    shutil.rmtree(project.root / "storage")
    (project.root / "storage").write_text("a file now")
    result = restore(run)
    assert [conflict.path for conflict in result.unwritten] == ["storage/a.csv", "storage/deep/b.csv"]
    (beside,) = {conflict.written_as for conflict in result.conflicts} - {""}
    assert result.sentence == (
        f"0 files restored, 0 were there already, 1 stands beside something newer ({beside}), "
        "2 could not be written: storage/a.csv, storage/deep/b.csv"
    )
    actions = result.frame.set_index("path").action.to_dict()
    assert actions == {"empty.csv": "conflict", "storage/a.csv": "unwritten", "storage/deep/b.csv": "unwritten"}
    assert result.to_dict()["unwritten"] == ["storage/a.csv", "storage/deep/b.csv"]


def test_the_notebook_fails_when_a_file_could_not_be_written(tmp_path: Path) -> None:
    root = build(tmp_path / "demo", stage="cleaned").root
    assert run_notebook("restore", root, out=tmp_path / "whole", progress=False).passed
    root = build(tmp_path / "demo", stage="cleaned").root
    (root / "backend").rmdir()
    (root / "backend").write_text("a file now")
    report = run_notebook("restore", root, out=tmp_path / "part", progress=False)
    assert (report.passed, report.values["unwritten"]) == (False, ["backend/auth_system.db"])
    assert "1 could not be written: backend/auth_system.db" in report.reason


def test_a_file_with_a_foreign_journal_beside_it_comes_back_under_another_name(project: Project) -> None:
    run = remove(project, "storage/a.csv")
    (project.root / "storage/a.csv-wal").write_text("of another database")
    assert restore(run).conflicts[0].written_as.startswith("storage/a.csv.restored-")
    assert not (project.root / "storage/a.csv").exists()


def test_kept_files_are_left_alone(project: Project) -> None:
    plan = planned(project, "storage/a.csv", "empty.csv")
    with (project.root / "storage/a.csv").open("rb"):
        run = apply(plan, dry_run=False, progress=False).path
    assert restore(run).restored == ("empty.csv",)


def test_what_a_run_kept_and_its_owner_deleted_later_does_not_come_back(project: Project) -> None:
    (project.root / "twin.csv").write_bytes(FILES["storage/a.csv"])
    plan = planned(project, "storage/a.csv", "twin.csv")
    with (project.root / "storage/a.csv").open("rb"):
        run = apply(plan, dry_run=False, progress=False).path
    (project.root / "storage/a.csv").unlink()
    assert restore(run).restored == ("twin.csv",)
    assert not (project.root / "storage/a.csv").exists()


def test_a_copied_project_restores_into_itself(project: Project, tmp_path: Path) -> None:
    before = tree(project.root)
    run = remove(project)
    shutil.copytree(project.root, tmp_path / "copy", symlinks=True)
    with unchanged(project.root):
        restore(tmp_path / "copy" / run.relative_to(project.root))
    assert tree(tmp_path / "copy", "backups") == before


def test_a_run_restores_into_the_folder_that_is_given(project: Project, tmp_path: Path) -> None:
    run = remove(project)
    (tmp_path / "other").mkdir()
    with unchanged(project.root):
        restore(run, root=tmp_path / "other")
    assert {name: file[2] for name, file in tree(tmp_path / "other").items()} == FILES


def test_a_damaged_backup_is_named_and_the_others_come_back(project: Project) -> None:
    run = remove(project)
    backup = next(path for path in run.iterdir() if path.stat().st_size == 180_000)
    backup.chmod(0o600)
    backup.write_bytes(b"damage")
    with pytest.raises(CleanupError, match=r'1 of the backups.*"storage/deep/b.csv"'):
        restore(run)
    assert sorted(set(FILES) - set(tree(project.root))) == ["storage/deep/b.csv"]


@pytest.mark.parametrize("record", range(5))
def test_a_damaged_journal_does_not_hinder_a_restore(project: Project, record: int) -> None:
    before = tree(project.root)
    run = remove(project)
    lines = (run / "journal").read_bytes().splitlines(keepends=True)
    lines[record] = lines[record].replace(b"o", b"0")
    (run / "journal").write_bytes(b"".join(lines))
    restore(run)
    assert tree(project.root, "backups") == before
    assert unfinished(project.backups) == []


def test_a_folder_that_is_no_run_or_has_a_damaged_manifest_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CleanupError, match="No cleanup run"):
        restore(tmp_path)
    with pytest.raises(CleanupError, match="No cleanup run"):
        restore(tmp_path / "nowhere")
    run = remove(project)
    text = (run / "manifest.json").read_text()
    (run / "manifest.json").chmod(0o600)
    for damaged in (text[:-9], text.replace("empty.csv", "other.csv")):
        (run / "manifest.json").write_text(damaged)
        with pytest.raises(CleanupError, match="64 hex digits"):
            restore(run)


def test_a_root_that_is_not_there_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CleanupError, match="No such project folder"):
        restore(remove(project), root=tmp_path / "nowhere")


def test_a_cleanup_that_removed_nothing_has_no_run_to_restore():
    with pytest.raises(CleanupError, match=r"^No run is named; a cleanup that removed nothing has none"):
        restore(None)
