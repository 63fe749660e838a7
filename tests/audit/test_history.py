from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import USERS, assert_sentence, hex_id, insert, make_database, python, unchanged

from dbtools import audit
from dbtools.errors import ParameterError
from dbtools.project import Project

HASH = "$2b$12$" + "a" * 53
ADD_USER = "INSERT INTO users (username, email, hashed_password) VALUES ('{0}', '{0}@example.org', '')"
LOG = "request_id,timestamp,original_prompt,final_prompt,selected_agent,decision_rationale\n"


class Repository:
    """A git repository whose commits are a minute apart."""

    def __init__(self, root: Path) -> None:
        self.root, self.minute = root, 0
        root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, given: bytes = b"") -> str:
        own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        own |= {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        own |= {f"GIT_{who}_DATE": f"2025-12-04T10:{self.minute:02}:00Z" for who in ("AUTHOR", "COMMITTER")}
        own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", "-C", self.root, "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(command, env=own, input=given, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, **files: str | bytes | None) -> str:
        """Commit all there is, after writing the files given (`a__b` is ``a.b``); returns the commit's id."""
        for name, content in files.items():
            path = self.root / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.minute += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"commit {self.minute}")
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str) -> str:
        self.minute += 1
        self.git("merge", "-q", "--no-ff", "-m", "merge", branch)
        return self.git("rev-parse", "HEAD")


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.executescript(statement)


@pytest.fixture
def repository(tmp_path) -> Repository:
    """Return a repository without commits, of which a prompter database is no part."""
    made = Repository(tmp_path / "project")
    make_database(made.root / "prompter.db")
    (made.root / ".git" / "info" / "exclude").write_text("/prompter.db\n")
    return made


@pytest.fixture
def tracked(repository) -> Repository:
    """Return a repository with one commit of a prompter database of 2 prompts."""
    (repository.root / ".git" / "info" / "exclude").unlink()
    repository.commit()
    return repository


def clone(repository: Repository, target: Path, *kind: str) -> None:
    subprocess.run(["git", "clone", "-q", *kind, repository.root.as_uri(), target], check=True, capture_output=True)


def history(repository: Repository, **options) -> audit.History:
    return audit.history(Project.find(repository.root), progress=False, **options)


def changes(result: audit.History) -> list[tuple]:
    """Return path, change, rows, gained and lost of each change."""
    return [(c.path, c.change, c.rows, c.gained, c.lost) for c in result.changes]


def test_every_commit_tells_the_rows_it_gained_and_lost(repository):
    sql(repository.root / "auth.db", USERS, *(ADD_USER.format(name) for name in "abc"))
    first = repository.commit()
    repository.commit(log__csv="id,text\n1,a\n2,b\n")
    sql(repository.root / "auth.db", "UPDATE users SET last_login = 1 WHERE id = 1", "DELETE FROM users WHERE id = 2")
    third = repository.commit(log__csv="id,text\n2,b\n2,b\n3,c\n", notes__txt="no data")
    (repository.root / "log.csv").unlink()
    repository.commit()
    result = history(repository)
    assert changes(result) == [
        ("auth.db", "added", 3, 3, 0),
        ("log.csv", "added", 2, 2, 0),
        ("auth.db", "modified", 2, 1, 2),  # the changed row counts on both sides
        ("log.csv", "modified", 3, 2, 1),  # one of the two equal rows is new
        ("log.csv", "deleted", 0, 0, 3),
    ]
    assert [c.commit for c in result.changes[::2]][:2] == [first, third]
    assert str(result.changes[0].when) == "2025-12-04 10:01:00+00:00"


@pytest.mark.slow
def test_a_file_that_moves_keeps_its_rows(tracked):
    (tracked.root / "packages" / "db").mkdir(parents=True)
    tracked.git("mv", "prompter.db", "packages/db/prompter.db")
    tracked.commit()
    assert changes(history(tracked)) == [
        ("prompter.db", "added", 26, 26, 0),
        ("packages/db/prompter.db", "renamed from prompter.db", 26, 0, 0),
    ]


def test_a_column_that_is_added_changes_no_row(repository):
    sql(repository.root / "auth.db", USERS, ADD_USER.format("a"))
    repository.commit(log__csv="id\n1\n")
    sql(repository.root / "auth.db", "ALTER TABLE users ADD COLUMN note TEXT DEFAULT 'x'", ADD_USER.format("b"))
    repository.commit(log__csv="note,id\nx,1\nx,2\n")
    repository.commit(log__csv="note\nx\n")
    assert [c[2:] for c in changes(history(repository))[2:]] == [(2, 1, 0), (2, 1, 0), (1, 1, 2)]


def test_a_merge_shows_what_it_brought_in(repository):
    repository.commit(main__csv="id\n1\n")
    repository.git("checkout", "-q", "-b", "side")
    side = repository.commit(side__csv="id\n1\n")
    repository.git("checkout", "-q", "main")
    main = repository.commit(main__csv="id\n1\n2\n3\n")
    merged = repository.merge("side")
    assert [(c.commit, c.path, c.gained) for c in history(repository).changes[1:]] == [
        (side, "side.csv", 1),
        (main, "main.csv", 2),
        (merged, "side.csv", 1),
    ]


@pytest.mark.slow
def test_the_first_commit_that_fails_a_check_is_named(tracked):
    sql(tracked.root / "prompter.db", "UPDATE judge_scores SET clarity = 10.5 WHERE rowid <= 2")
    second = tracked.commit()
    sql(tracked.root / "prompter.db", "UPDATE judge_scores SET clarity = 10.5")
    tracked.commit()
    found = {f.check: (f.commit, f.path, f.count) for f in history(tracked).failures}
    assert found["score-out-of-scale"] == (second, "prompter.db", 2)


@pytest.mark.slow
def test_versions_with_rows_that_exist_nowhere_now_are_named(tracked):
    database, gone, moved = tracked.root / "prompter.db", hex_id("gone"), hex_id("moved")
    insert(database, "prompts", [{"id": gone, "original_text": "gone"}, {"id": moved, "original_text": "moved"}])
    with_both = tracked.commit(log__csv="id\n1\n2\n", old__csv="id\n7\n")
    shutil.copy(database, tracked.root / "elsewhere.db")
    sql(tracked.root / "elsewhere.db", f"DELETE FROM prompts WHERE id = '{gone}'")
    sql(database, f"DELETE FROM prompts WHERE id IN ('{gone}', '{moved}')")
    (tracked.root / "old.csv").unlink()
    (tracked.root / "log.csv").write_text("id\n2\n")
    (tracked.root / "wider.csv").write_text("id,n\n7,8\n")  # on disk is enough
    found = [(u.path, u.commit, u.rows, u.only_here) for u in history(tracked).unique]
    assert found == [("log.csv", with_both, 2, 1), ("prompter.db", with_both, 28, 1)]


@pytest.mark.slow
def test_csv_rows_that_the_database_holds_are_not_only_in_history(repository):
    database, asked, answer = repository.root / "prompter.db", hex_id("asked"), hex_id("answer")
    insert(database, "prompts", id=asked, request_id="1", original_text="A known question")
    insert(database, "prompt_versions", id=answer, prompt_id=asked, text="A known answer", source="syntax")
    insert(database, "best_heads", prompt_id=asked, prompt_version_id=answer)
    known = "1,2025-12-04,A known question,A known answer,syntax,\n"
    commit = repository.commit(multi_agent_log__csv=LOG + known + "2,2025-12-04,Lost question,Lost answer,syntax,\n")
    (repository.root / "multi_agent_log.csv").unlink()
    repository.commit()
    assert [(u.commit, u.rows, u.only_here) for u in history(repository).unique] == [(commit, 2, 1)]


def test_credentials_are_counted_wherever_they_still_lie(repository):
    auth = repository.root / "auth_system.db"
    sql(auth, USERS, *(
        f"INSERT INTO users (username, email, hashed_password) VALUES ('{n}', '{n}@x', '{h}')"
        for n, h in (("a", HASH), ("b", "$argon2id$v=19$m=1,t=2,p=3$c2FsdA$aGFzaA"), ("c", ""))
    ))  # fmt: skip
    first = repository.commit(users__csv=f"name,hash\na,{HASH}\n")
    sql(auth, "DELETE FROM users WHERE username <> 'c'", "VACUUM")
    (repository.root / "users.csv").unlink()
    repository.commit()
    result = history(repository)
    assert [
        (c.path, c.versions, c.accounts, c.hashes, c.first_commit, c.last_commit, c.current) for c in result.secrets
    ] == [
        ("auth_system.db", 1, 2, 2, first, first, False),
        ("users.csv", 1, 0, 1, first, first, False),
    ]
    shown = json.dumps(result.to_dict()) + result._repr_html_() + repr(result) + result.commits.to_string()
    assert "aaaa" not in shown
    assert "c2FsdA" not in shown


def test_a_hash_of_the_checked_out_commit_is_current(repository):
    repository.commit(users__csv=f"name,hash\na,{HASH}\n")
    assert [c.current for c in history(repository).secrets] == [True]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("broken__db", b"SQLite format 3\0" + b"\xff" * 5000, "cannot be read"),
        ("text__db", b"no database", "has a database's name but is not an SQLite file"),
        ("empty__db", b"", "an empty file"),
        ("large__db", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a pointer of Git LFS"),
    ],
)  # fmt: skip
def test_a_version_that_cannot_be_read_is_reported_and_the_rest_goes_on(repository, name, content, problem):
    repository.commit(**{name: content})
    repository.commit(**{name: b"id\n2\n"}, log__csv="id\n2\n")  # the same content, as a database and as a CSV
    path = name.replace("__", ".")
    result = history(repository)
    bad = next(c for c in result.changes if c.path == path)
    assert bad.problem.startswith(problem)
    assert (bad.rows, bad.gained, bad.lost) == (None, None, None)
    assert "dbtools-" not in bad.problem
    assert [c.gained for c in result.changes if c.path == "log.csv"] == [1]
    assert "versions that cannot be read: " in result.sentence


def test_a_truncated_database_is_reported(repository):
    whole = (repository.root / "prompter.db").read_bytes()
    repository.commit(cut__db=whole[: len(whole) // 2 + 7])
    assert "truncated" in history(repository).changes[-1].problem


def test_a_damaged_object_of_the_repository_is_reported(repository):
    repository.commit(log__csv="id\n1\n")
    blob = repository.git("rev-parse", "HEAD:log.csv")
    stored = repository.root / ".git" / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o600)
    stored.write_bytes(b"nonsense")
    problem = history(repository).changes[-1].problem
    assert problem.startswith("cannot be read: git says")


def test_links_and_submodules_are_no_versions(repository, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit(a__txt="a")
    repository.git("submodule", "--quiet", "add", str(tmp_path / "other"), "module.db")
    (repository.root / "link.csv").symlink_to("prompter.db")
    repository.commit(log__csv="id\n1\n")
    assert [c.path for c in history(repository).changes] == ["log.csv"]
    repository.git("rm", "-q", "log.csv")
    (repository.root / "log.csv").symlink_to("prompter.db")
    repository.commit()
    assert changes(history(repository))[1:] == [("log.csv", "deleted", 0, 0, 1)]


@pytest.mark.slow
def test_a_project_in_a_folder_of_a_repository_sees_its_own_files_only(repository):
    inner = repository.root / "inner"
    inner.mkdir()
    make_database(inner / "prompter.db", prompts=1)
    repository.commit(outer__csv="id\n1\n")
    assert changes(audit.history(Project.find(inner), progress=False)) == [("prompter.db", "added", 13, 13, 0)]


@pytest.mark.slow
def test_the_database_is_known_by_its_configured_name_and_others_by_theirs(repository):
    shutil.copy(repository.root / "prompter.db", repository.root / "main.data")
    names = ["A.DB", "b.sqlite3", "c.db.backup", "d.csv.bak", "e.dbx", "f.db-wal", "g.csvx"]
    for name in names:
        (repository.root / name).write_text("x\n")
    repository.commit(dbtools__toml='[project]\ndatabase = "main.data"\n')
    assert [c.path for c in history(repository).changes] == [
        "A.DB",
        "b.sqlite3",
        "c.db.backup",
        "d.csv.bak",
        "g.csvx",
        "main.data",
    ]


def test_names_that_are_hard_to_print_are_read(repository):
    name = 'a "b"\n\t<i>é.csv'
    (repository.root / name).write_text("id\n1\n")
    repository.commit()
    result = history(repository)
    assert changes(result) == [(name, "added", 1, 1, 0)]
    assert "<i>" not in result._repr_html_()


def test_the_limit_takes_the_newest_commits_that_touch_data(repository):
    repository.commit(log__csv="id\n1\n")
    repository.commit(notes__txt="x")
    repository.commit(log__csv="id\n1\n2\n")
    repository.commit(notes__txt="y")
    newest = history(repository, limit=1)
    assert changes(newest) == [("log.csv", "modified", 2, 1, 0)]
    assert newest.sentence.endswith("only the newest 1 commits were read")
    assert len(history(repository, limit=9).changes) == 2


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True])
def test_a_limit_that_is_no_number_of_commits_is_refused(repository, limit):
    with pytest.raises(ParameterError) as error:
        history(repository, limit=limit)
    assert_sentence(error.value, limit)


def test_a_version_on_another_branch_counts_too(repository):
    repository.commit()
    repository.git("checkout", "-q", "-b", "side")
    repository.commit(users__csv=f"name,hash\na,{HASH}\n")
    repository.git("checkout", "-q", "main")
    assert [(c.path, c.current) for c in history(repository).secrets] == [("users.csv", False)]


def test_a_project_outside_any_repository_has_no_history(tmp_path):
    make_database(tmp_path / "prompter.db")
    result = audit.history(Project.find(tmp_path))
    assert result.sentence == "no history to audit: the project is in no git repository"
    assert [len(f) for f in (result.commits, result.first_failures, result.only_in_history, result.credentials)] == [
        0
    ] * 4
    assert result.to_dict()["commits"] == []
    assert "no history to audit" in result._repr_html_().lower()


def test_a_repository_without_commits_and_one_without_data_have_no_history(repository):
    assert history(repository).sentence == "no history to audit: no commit touches a database or CSV file"
    repository.commit(a__txt="a")
    assert history(repository).changes == ()


def test_without_git_there_is_a_sentence(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert history(repository).sentence == "no history to audit: git is not installed; install it, then run this again"


def test_a_shallow_clone_says_that_it_is_one(repository, tmp_path):
    repository.commit(log__csv="id\n1\n")
    repository.commit(log__csv="id\n1\n2\n")
    clone(repository, tmp_path / "clone", "--depth=1")
    make_database(tmp_path / "clone" / "prompter.db")
    result = audit.history(Project.find(tmp_path / "clone"), progress=False)
    assert changes(result) == [("log.csv", "added", 2, 2, 0)]
    assert result.sentence.endswith("the repository is shallow and lacks older commits")


def test_contents_that_a_partial_clone_left_behind_are_reported_and_not_fetched(repository, tmp_path):
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.commit(a__csv="id\n" + "1\n" * 99)
    repository.git("mv", "a.csv", "b.csv")
    repository.commit(b__csv="id\n" + "1\n" * 98)
    clone(repository, tmp_path / "clone", "--filter=blob:none", "--no-checkout")
    make_database(tmp_path / "clone" / "prompter.db")
    result = audit.history(Project.find(tmp_path / "clone"), progress=False)
    assert [(c.path, c.change, bool(c.problem)) for c in result.changes] == [
        ("a.csv", "added", True),
        ("a.csv", "deleted", False),
        ("b.csv", "added", True),
    ]


def test_a_path_that_leads_out_of_the_project_is_never_written(repository):
    blob = repository.git("hash-object", "-w", "--stdin", given=b"id\n1\n")
    tree = b"100644 evil.csv\0" + bytes.fromhex(blob)
    for name in (b"40000 ..\0", b"40000 inner\0"):
        made = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=tree)
        tree = name + bytes.fromhex(made)
    tree = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=tree)
    repository.git("update-ref", "refs/heads/main", repository.git("commit-tree", "-m", "evil", tree))
    assert history(repository).changes[0].problem == "a path that leads out of the project"


def test_a_bare_repository_around_the_project_is_read(repository, tmp_path):
    repository.commit(log__csv="id\n1\n")
    clone(repository, tmp_path / "bare", "--bare")
    make_database(tmp_path / "bare" / "prompter.db")
    result = audit.history(Project.find(tmp_path / "bare"), progress=False)
    assert changes(result) == [("log.csv", "added", 1, 1, 0)]
    assert [u.only_here for u in result.unique] == [1]


@pytest.mark.slow
def test_nothing_is_run_written_or_left_behind(tracked, tmp_path, monkeypatch, cache):
    hook = f"#!/bin/sh\ntouch {tmp_path}/ran\n"
    for name in ("post-checkout", "post-index-change", "fsmonitor-watchman"):
        path = tracked.root / ".git" / "hooks" / name
        path.write_text(hook)
        path.chmod(0o755)
    tracked.git("config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman")
    tracked.git("config", "diff.external", str(path))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", None)
    with unchanged(tracked.root):
        result = history(tracked)
    assert len(result.changes) == 1
    assert not (tmp_path / "ran").exists()
    assert list(temporary.iterdir()) == []
    assert list((cache / "attach").iterdir()) == []


@pytest.mark.slow
def test_an_interruption_leaves_nothing_behind(tracked, tmp_path, monkeypatch, cache):
    for number in range(6):
        insert(tracked.root / "prompter.db", "prompts", id=hex_id("prompt", "more", number))
        tracked.commit()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    code = (
        "import sys; from dbtools import audit; from dbtools.project import Project\n"
        "try: audit.history(Project.find(sys.argv[1]), progress=False)\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    for _ in range(3):  # Python drops an interruption that arrives while an object is being released
        with python(code, tracked.root) as process:
            while not list(cache.glob("attach/*")):  # until a version is being audited
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            printed = process.communicate(timeout=60)[0]
        assert list(temporary.iterdir()) == []
        assert list((cache / "attach").iterdir()) == []
        if printed:
            break
    assert printed.strip() == "interrupted"


def test_the_frames_and_the_dictionary_say_the_same(repository):
    repository.commit(log__csv="id\n1\n", broken__db="x")
    result = history(repository)
    told = result.to_dict()
    json.dumps(told, allow_nan=False)
    assert list(result.commits.columns) == ["commit", "when", "path", "change", "rows", "gained", "lost", "problem"]
    assert result.commits["gained"].isna().tolist() == [True, False]
    assert [c["path"] for c in told["commits"]] == result.commits["path"].tolist() == ["broken.db", "log.csv"]
    assert result.commits["when"].dt.tz is not None
    assert len(result.first_failures) == len(told["first_failures"])
    assert result.sentence.startswith("1 commit, 2 files; ")
    assert repr(result) == f"History({result.sentence})"
