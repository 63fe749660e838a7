from __future__ import annotations

import os
from pathlib import Path

import pytest
from sound import git as run_git
from sound import make_sound
from support import make_database

from dbtools import audit
from dbtools.files import git
from dbtools.project import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_sound(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_owner_leaves_critical_checks_without_an_answer(root: Path) -> None:
    run_git(root, "add", "--force", "auth_system.db")
    assert audit.run(Project.find(root)).to_dict()["checks"]["credentials-in-git"] == 6
    for path in (root, *root.rglob("*")):
        os.chown(path, 12345, 12345)
    report = audit.run(Project.find(root))
    facts = report.to_dict()
    assert set(facts["unanswered"]) == {"credentials-in-git", "tracked-by-git"}
    reason = facts["unanswered"]["credentials-in-git"]
    assert "dubious ownership" in reason
    assert f'git config --global --add safe.directory "{root}"' in reason
    assert facts["not_applicable"] == {}
    assert report.worst == facts["worst"] == "critical"
    assert report.failed("critical")
    assert report.sentence.endswith("2 unanswered")
    assert "could not be answered" in report._repr_html_()
    assert list(report.unanswered["check"]) == ["credentials-in-git", "tracked-by-git"]


@pytest.mark.slow
def test_a_broken_repository_leaves_its_checks_without_an_answer(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    (tmp_path / ".git").mkdir()
    report = audit.run(Project.find(tmp_path))
    assert "repair or remove it" in report.to_dict()["unanswered"]["credentials-in-git"]
    assert report.failed("critical")


@pytest.mark.slow
def test_without_a_repository_its_checks_do_not_apply(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    facts = audit.run(Project.find(tmp_path)).to_dict()
    assert facts["not_applicable"]["credentials-in-git"] == "the project is in no git repository"
    assert facts["unanswered"] == {}


@pytest.mark.parametrize(("repository", "kind"), [(True, git.GitError), (False, git.NoRepositoryError)])
def test_without_git_a_repository_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: bool, kind: type[Exception]
) -> None:
    make_database(tmp_path / "prompter.db")
    if repository:
        run_git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(git.GitError) as error:
        git.tracked(Project.find(tmp_path))
    assert type(error.value) is kind


@pytest.mark.parametrize("name", ["HEAD", "config", "index", "packed-refs"])
def test_a_pipe_in_the_place_of_a_file_of_the_repository_is_named_and_not_waited_for(tmp_path: Path, name: str) -> None:
    make_database(tmp_path / "prompter.db")
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / ".git" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / ".git" / name)
    with pytest.raises(git.GitError, match=f'"{tmp_path}/.git/{name}", which is no file'):
        git.tracked(Project.find(tmp_path))


@pytest.mark.parametrize("name", ["HEAD", "commondir"])
def test_a_pipe_in_the_folder_that_a_work_tree_names_is_not_waited_for(tmp_path: Path, name: str) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    make_database(root / "prompter.db")
    (root / ".git").write_text("gitdir: ../elsewhere\n", "utf-8")
    (tmp_path / "elsewhere").mkdir()
    os.mkfifo(tmp_path / "elsewhere" / name)
    with pytest.raises(git.GitError, match=f"elsewhere/{name}"):
        git.tracked(Project.find(root))


def test_what_a_work_tree_and_a_submodule_track_is_known(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    make_database(first / "prompter.db")
    (first / "data.csv").write_text("a\n1\n", "utf-8")
    for arguments in (["init", "--quiet"], ["add", "-f", "."], ["commit", "--quiet", "-m", "x"]):
        run_git(first, *arguments)
    run_git(first, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert (tmp_path / "tree/.git").is_file()
    assert "data.csv" in git.tracked(Project.find(tmp_path / "tree"))


def test_git_is_ended_where_it_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_database(tmp_path / "prompter.db")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "QUICK", 0.2)
    with pytest.raises(git.GitError, match="took longer than"):
        git.tracked(Project.find(tmp_path))
