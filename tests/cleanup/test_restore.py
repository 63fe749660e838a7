from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from importlib import import_module
from pathlib import Path

import pytest
from cleanup_projects import ACL, forge, make_files, metadata, planned, tree
from support import unchanged

from dbtools import cleanup
from dbtools.cleanup import find_run, preconditions
from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import unfinished
from dbtools.cleanup.restore import restore
from dbtools.demo import build
from dbtools.errors import CleanupError, ParameterError
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
    assert result.sentence.endswith(f"; files of other runs are not restored yet: {first.name}")
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


def test_a_file_that_could_not_be_written_is_told_apart_from_those_beside_a_newer_file(project: Project) -> None:
    run = remove(project)
    (project.root / "empty.csv").write_text("newer")
    shutil.rmtree(project.root / "storage")
    (project.root / "storage").write_text("a file now")
    result = restore(run)
    assert [conflict.path for conflict in result.unwritten] == ["storage/a.csv", "storage/deep/b.csv"]
    (beside,) = {conflict.written_as for conflict in result.conflicts} - {""}
    assert result.sentence == (
        f"1 restored under another name, as something else is at its place ({beside}), "
        "2 could not be written: storage/a.csv, storage/deep/b.csv"
    )
    actions = result.frame.set_index("path").action.to_dict()
    assert actions == {"empty.csv": "conflict", "storage/a.csv": "unwritten", "storage/deep/b.csv": "unwritten"}
    assert result.to_dict()["unwritten"] == ["storage/a.csv", "storage/deep/b.csv"]


@pytest.mark.slow
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
    with pytest.raises(CleanupError, match=r'1 backup is damaged or gone: "storage/deep/b.csv"'):
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


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")


@AS_ROOT
def test_owner_group_attributes_and_acls_of_files_and_of_removed_folders_come_back(project: Project) -> None:
    root = project.root
    try:
        os.setxattr(root / "storage/a.csv", "user.note", b"precious\0")
        os.setxattr(root / "storage/deep/b.csv", "system.posix_acl_access", ACL)
        os.setxattr(root / "storage/deep", "system.posix_acl_default", ACL)
    except OSError as error:
        pytest.skip(f"this file system has no such attributes ({error.strerror})")
    for path, owner, group in (
        ("storage/a.csv", 65534, 7),
        ("storage/deep/b.csv", 12, 34),
        ("storage/deep", 65534, 34),
    ):
        os.chown(root / path, owner, group)
    (root / "storage/deep").chmod(0o2750)
    (root / "storage/a.csv").chmod(0o600)
    wanted = metadata(root)
    run = remove(project)
    shutil.rmtree(root / "storage")
    result = restore(run)
    assert (result.restored, result.incomplete) == (tuple(FILES), {})
    found = metadata(root)
    assert {path: found[path] for path in ("storage", "storage/deep", *FILES)} == {
        path: wanted[path] for path in ("storage", "storage/deep", *FILES)
    }


@AS_ROOT
def test_an_acl_that_the_folder_passes_on_to_new_files_does_not_stay_on_restored_ones(project: Project) -> None:
    before = metadata(project.root)
    run = remove(project, "storage/a.csv")
    try:
        os.setxattr(project.root / "storage", "system.posix_acl_default", ACL)
    except OSError as error:
        pytest.skip(f"this file system has no ACLs ({error.strerror})")
    assert restore(run).incomplete == {}
    assert metadata(project.root)["storage/a.csv"] == before["storage/a.csv"]


@pytest.mark.parametrize(("mode", "words"), [(0o4755, "setuid"), (0o2755, "setgid"), (0o6711, "setuid, setgid")])
def test_a_file_never_comes_back_with_setuid_or_setgid_and_that_is_said(
    project: Project, mode: int, words: str
) -> None:
    (project.root / "storage/a.csv").chmod(mode)
    run = remove(project, "storage/a.csv", "empty.csv")
    for result in (restore(run, dry_run=True), restore(run)):
        assert result.incomplete == {"storage/a.csv": tuple(words.split(", "))}
        assert "owner or attributes not given back to storage/a.csv" in result.sentence
        assert result.to_dict()["incomplete"] == [{"path": "storage/a.csv", "missing": words.split(", ")}]
        assert f"not given back: {words}" in result.frame.set_index("path").reason["storage/a.csv"]
    assert stat.S_IMODE((project.root / "storage/a.csv").stat().st_mode) == mode & 0o777


@AS_ROOT
def test_capabilities_never_come_back(project: Project) -> None:
    file = project.root / "storage/a.csv"
    try:  # cap_net_raw, as setcap writes it
        os.setxattr(file, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    except OSError as error:
        pytest.skip(f"this file system has no capabilities ({error.strerror})")
    result = restore(remove(project, "storage/a.csv"))
    assert result.incomplete == {"storage/a.csv": ("capabilities",)}
    assert "security.capability" not in os.listxattr(file)


def test_a_run_without_a_record_of_owners_says_so(project: Project) -> None:
    run = remove(project, "storage/a.csv")
    (run / "journal").write_bytes(b"damaged\n" * 2)
    result = restore(run)
    assert result.restored == ("storage/a.csv",)
    assert result.incomplete == {"storage/a.csv": ("owner, group and extended attributes, which were not recorded",)}


def test_a_dry_run_changes_nothing_and_says_what_the_restore_then_does(project: Project) -> None:
    run = remove(project)
    (project.root / "empty.csv").write_text("newer")
    (project.root / "storage/a.csv").write_bytes(FILES["storage/a.csv"])
    shutil.rmtree(project.root / "storage/deep")
    with unchanged(project.root):
        told = restore(run, dry_run=True)
    assert told.dry_run
    (beside,) = (conflict.written_as for conflict in told.conflicts)
    assert told.sentence == (
        f"dry run: 1 file would be restored, 1 is there already, "
        f"1 would be restored under another name, as something else is at its place ({beside}); nothing was changed"
    )
    assert told.frame.set_index("path").action["storage/deep/b.csv"] == "would restore"
    done = restore(run)
    assert (done.restored, done.skipped, done.conflicts) == (told.restored, told.skipped, told.conflicts)
    assert (told.to_dict()["dry_run"], done.to_dict()["dry_run"]) == (True, False)


def test_a_file_that_an_earlier_restore_wrote_under_another_name_is_not_said_to_be_restored_again(
    project: Project,
) -> None:
    run = remove(project)
    (project.root / "empty.csv").write_text("newer")
    (conflict,) = restore(run).conflicts
    for again, said in ((restore(run, dry_run=True), "is"), (restore(run), "was")):
        assert f"1 {said} there already under another name ({conflict.written_as})" in again.sentence
        assert [found.written_as for found in again.conflicts] == [conflict.written_as]
        assert not again.restored


def test_a_dry_run_does_not_name_a_run_whose_missing_files_it_would_bring_back(project: Project) -> None:
    first = remove(project, "storage/a.csv")
    restore(first)
    assert restore(remove(project), dry_run=True).others == ()


def test_a_dry_run_names_damaged_backups_and_what_lies_in_the_way(project: Project) -> None:
    run = remove(project)
    backup = run / hashlib.sha256(FILES["storage/a.csv"]).hexdigest()
    backup.chmod(0o600)
    backup.write_bytes(b"damage")
    shutil.rmtree(project.root / "storage/deep")
    (project.root / "storage/deep").write_text("a file now")
    with unchanged(project.root):
        told = restore(run, dry_run=True)
    assert {found.path: found.reason for found in told.unwritten} == {
        "storage/a.csv": "its backup is damaged or gone",
        "storage/deep/b.csv": "a part of its path is not a folder",
    }
    assert told.restored == ("empty.csv",)


@pytest.mark.parametrize("dry_run", ["false", 0, None])
def test_what_is_no_boolean_is_no_dry_run_of_a_restore(project: Project, dry_run: object) -> None:
    with pytest.raises(ParameterError, match="neither True nor False"):
        restore(remove(project), dry_run=dry_run)


@pytest.mark.parametrize("forged", ["/", "{tmp}/home", "../../../home", "../../../..", "../..//../home"])
def test_a_forged_root_takes_no_file_out_of_the_project(project: Project, tmp_path: Path, forged: str) -> None:
    (tmp_path / "home").mkdir()
    run = forge(project, ".config/startup.py", b"payload", root=forged.format(tmp=tmp_path))
    with unchanged(tmp_path), pytest.raises(CleanupError, match="name the project as root"):
        restore(run)
    with unchanged(tmp_path / "home"):
        assert restore(find_run(project), root=project.root).restored == (".config/startup.py",)
    assert (project.root / ".config/startup.py").read_bytes() == b"payload"


@pytest.mark.parametrize("path", [".git/hooks/post-commit", "storage/.git", ".hg/hgrc", "deep/.GIT/config"])
def test_a_forged_run_writes_nothing_that_version_control_would_run(project: Project, path: str) -> None:
    run = forge(project, path, b"#!/bin/sh\n")
    [found] = restore(run, dry_run=True).unwritten
    assert found.path == path
    assert "version control" in found.reason
    assert restore(run).restored == ()
    assert not (project.root / path).exists()


def outside(project: Project, folder: Path) -> Project:
    return project.with_backups(folder)


def test_backups_outside_restore_into_the_copy_that_is_named_and_leave_the_original_alone(
    project: Project, tmp_path: Path
) -> None:
    run = remove(outside(project, tmp_path / "bk"))
    copy = Project.find(shutil.copytree(project.root, tmp_path / "copy", symlinks=True))
    with unchanged(project.root), unchanged(run):
        result = restore(find_run(outside(copy, tmp_path / "bk")), root=copy.root)
    assert result.restored == tuple(FILES)
    assert result.made_for == str(project.root)
    assert f"The run was made for {project.root}." in result.details
    assert {name: tree(copy.root)[name][2] for name in FILES} == FILES


def test_backups_outside_restore_into_a_project_that_was_moved(project: Project, tmp_path: Path) -> None:
    before = tree(project.root)
    remove(outside(project, tmp_path / "bk"))
    project.root.rename(tmp_path / "moved")
    moved = Project.find(tmp_path / "moved")
    assert restore(find_run(outside(moved, tmp_path / "bk")), root=moved.root).restored == tuple(FILES)
    assert tree(moved.root) == before


def test_backups_outside_need_the_project_to_be_named(project: Project, tmp_path: Path) -> None:
    run = remove(outside(project, tmp_path / "bk"))
    with unchanged(tmp_path), pytest.raises(CleanupError, match=f'"{project.root}"; name the project as root'):
        restore(run)
    assert restore(run, root=project.root).restored == tuple(FILES)


def test_runs_of_other_projects_are_not_taken_for_the_latest_of_this_one(project: Project, tmp_path: Path) -> None:
    own = remove(outside(project, tmp_path / "bk"))
    other, third = (make_files(tmp_path / name, {"x.csv": name.encode()}) for name in ("other", "third"))
    for later in (other, third):
        remove(outside(later, tmp_path / "bk"), "x.csv")
    assert find_run(outside(project, tmp_path / "bk")) == own
    stranger = outside(make_files(tmp_path / "stranger", {}), tmp_path / "bk")
    with pytest.raises(ParameterError, match=r"several projects, and none of this one.*name one of"):
        find_run(stranger)


@AS_ROOT
@pytest.mark.parametrize("name", [".", "manifest.json", "journal"])
def test_root_carries_out_no_run_of_another_user(project: Project, name: str) -> None:
    run = remove(project)
    os.chown(run / name, 65534, 65534)
    with unchanged(project.root), pytest.raises(CleanupError, match="belongs to another user"):
        restore(run)


def test_a_file_time_that_no_calendar_has_comes_back(project: Project) -> None:
    file = project.root / "storage/a.csv"
    os.utime(file, ns=(0, 300_000_000_000 * 10**9))  # about the year 11476
    wanted = file.stat().st_mtime_ns
    restore(remove(project, "storage/a.csv"))
    assert file.stat().st_mtime_ns == wanted


@pytest.mark.slow
def test_a_file_that_an_interrupted_cleanup_renamed_is_surveyed_with_its_remedy_and_stays(tmp_path: Path) -> None:
    project = build(tmp_path / "demo")
    elsewhere = project.with_backups(tmp_path / "elsewhere")
    name = "storage/my_learning_log.csv"
    plan = cleanup.plan(cleanup.survey(elsewhere, progress=False), only=[name])
    content = (project.root / name).read_bytes()

    def died(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(preconditions, "check_content", died)
        patch.setattr(
            import_module("dbtools.cleanup.apply"), "_release", lambda *_: None
        )  # a killed process does not tidy up
        apply(plan, dry_run=False, progress=False)
    (stray,) = project.root.rglob(".del-*")
    assert stray.read_bytes() == content
    survey = cleanup.survey(project, progress=False)
    (found,) = [file for file in survey.files if file.path.endswith(stray.name)]
    assert "run that cleanup again or restore it, with backup_dir naming its backup folder" in found.reason
    decided = cleanup.plan(survey, accept=[found.path])
    assert found.path not in [removal.path for removal in decided.removals]
    assert "restore it" in next(kept.reason for kept in decided.kept if kept.path == found.path)
    restore(find_run(elsewhere), root=project.root)
    assert not stray.exists()
    assert (project.root / name).read_bytes() == content
