from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from support import USERS, hex_id, insert, make_database, unchanged

from dbtools.cleanup import classify, plan, survey
from dbtools.cleanup.model import DELETABLE

HEADER = ["prompt_id", "version_no", "version_uuid", "text", "source", "explanation", "timestamp"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    make_database(folder / "prompter.db", prompts=3)
    return folder


def look(root: Path) -> dict:
    return {file.path: file for file in survey(root, progress=False).files}


def planned(root: Path, **options) -> set[str]:
    return {removal.path for removal in plan(survey(root, progress=False), **options).removals}


def run(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def notes(path: Path, *texts: str) -> Path:
    run(path, "CREATE TABLE notes (id INTEGER PRIMARY KEY, t TEXT UNIQUE)")
    for text in texts:
        run(path, f"INSERT INTO notes (t) VALUES ('{text}')")
    return path


def page(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = ?"
        return connection.execute(query, [name]).fetchone()[0]


def hide_last_row(path: Path, table: str) -> None:
    """Take one from the number of cells of a table's only page: its last row is still in the file, and not found."""
    data, offset = bytearray(path.read_bytes()), page(path, table)
    assert data[offset] == 13
    data[offset + 4] -= 1
    path.write_bytes(data)


def smash_index(path: Path, name: str) -> None:
    data, offset = bytearray(path.read_bytes()), page(path, name)
    data[offset + 200 : offset + 4000] = bytes(3800)
    path.write_bytes(data)


def known_log(root: Path) -> Path:
    path = root / "storage" / "v.csv"
    path.parent.mkdir(exist_ok=True)
    row = [hex_id("prompt", 1), 0, hex_id("version", 1, "syntax"), "Explain topic 1, the syntax way", "syntax"]
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([HEADER, [*row, "{}", "2025-12-04T10:00:00"]])
    return path


@pytest.mark.slow
@pytest.mark.parametrize("change", ["", "DELETE FROM token_usage", "UPDATE prompts SET original_text = 'new'"])
@pytest.mark.parametrize("place", ["prompter.db", "packages/db/prompter.db"])
@pytest.mark.filterwarnings("ignore:The database .* is read")
def test_a_database_at_any_place_where_the_application_looks_stays(root, change, place):
    (root / "packages/db").mkdir(parents=True)
    shutil.copy(root / "prompter.db", root / "packages/db/prompter.db")
    run(root / place, change or "PRAGMA user_version = 0")
    shutil.copy(root / "prompter.db", root / "copy.db")
    found = look(root)
    assert {name: found[name].verdict for name in ("packages/db/prompter.db", "prompter.db")} == {
        "packages/db/prompter.db": "primary",
        "prompter.db": "in-use",
    }
    assert planned(root) == {"copy.db"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The database .* is read")
def test_the_database_that_the_variable_names_stays(root, monkeypatch):
    (root / "data").mkdir()
    shutil.copy(root / "prompter.db", root / "data/app.db")
    assert planned(root) == {"data/app.db"}
    monkeypatch.setenv("DATABASE_URL", "sqlite:///./data/app.db")
    assert planned(root) == set()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The database .* is read")
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///data/my app.db",
        "sqlite:///data/my%20app.db",
        "'sqlite:///data/my app.db' ",
        "sqlite:///file:data/my%20app.db?mode=rw&uri=true",
        "sqlite:///{root}/data/my app.db",
        "sqlite:///{link}/data/my app.db",
    ],
)
def test_the_database_that_the_variable_names_in_any_spelling_stays_with_the_auth_database_beside_it(
    root, tmp_path, monkeypatch, url
):
    (tmp_path / "link").symlink_to(root)
    make = "CREATE TABLE users (id, name)", "INSERT INTO users VALUES (1, 'ada')"
    (root / "data").mkdir()
    shutil.copy(root / "prompter.db", root / "data/my app.db")
    for name in ("auth_system.db", "data/auth_system.db"):
        run(root / name, *make)
    assert planned(root) == {"data/my app.db", "data/auth_system.db"}
    monkeypatch.setenv("DATABASE_URL", url.format(root=root, link=tmp_path / "link"))
    assert planned(root) == set()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The database .* is read")
@pytest.mark.parametrize(
    ("used", "config", "inner"),
    [
        ("packages/db/prompter.db", "", "packages/prompter.db"),
        ("data/main.db", 'database = "data/main.db"', "data/prompter.db"),
        ("backend/auth_system.db", 'auth = "backend/auth_system.db"', "backend/prompter.db"),
        ("backend/auth_system.db", 'auth = "backend/auth_system.db"', "backend/packages/db/prompter.db"),
    ],
)
def test_a_database_from_which_an_application_may_start_stays_though_its_folder_holds_another_in_use(
    root, used, config, inner
):
    for name in (used, inner):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "prompter.db", root / name)
    (root / "dbtools.toml").write_text(f"[project]\n{config}\n", "utf-8")
    assert planned(root) == set()


@pytest.mark.slow
def test_auth_databases_beside_the_databases_stay(root):
    make = "CREATE TABLE users (id, name)", "INSERT INTO users VALUES (1, 'ada')"
    (root / "packages/db").mkdir(parents=True)
    (root / "backend").mkdir()
    for name in ("auth_system.db", "packages/db/auth_system.db", "backend/auth_system.db"):
        run(root / name, *make)
    assert planned(root) == {"backend/auth_system.db"}


@pytest.mark.slow
@pytest.mark.parametrize("marker", [".git", "dbtools.toml", "prompter.db"])
def test_nothing_in_a_project_inside_the_project_goes(root, marker):
    known_log(root)
    inner = root / "worktrees/feature"
    shutil.copytree(root, inner, ignore=lambda *_: ["worktrees", "prompter.db"])
    shutil.copy(root / "prompter.db", inner / "other.db")
    if marker == "prompter.db":
        shutil.copy(root / marker, inner / marker)
    else:
        (inner / marker).write_text("")
    file = look(root)["worktrees/feature"]
    assert (file.kind, file.reason) == ("folder", f"a project of its own ({marker})")
    assert planned(root, accept=["worktrees/feature"]) == {"storage/v.csv"}


@pytest.mark.slow
def test_a_damaged_database_that_hides_a_row_stays(root):
    notes(root / "keep.db", "common", *map(str, range(20)))
    notes(root / "old.db", "common", "only here")
    assert look(root)["old.db"].verdict == "unique"
    hide_last_row(root / "old.db", "notes")
    with closing(sqlite3.connect(root / "old.db")) as connection:
        assert connection.execute("SELECT t FROM notes NOT INDEXED").fetchall() == [("common",)]
    file = look(root)["old.db"]
    assert (file.verdict, file.obstacle) == ("damaged", "it is damaged")
    assert "may hold rows that cannot be read" in file.reason
    assert planned(root, accept=["old.db"]) == set()


@pytest.mark.slow
def test_the_copy_of_a_damaged_database_stays(root):
    hide_last_row(notes(root / "a.db", "common", "only here"), "notes")
    shutil.copy(root / "a.db", root / "b.db")
    assert planned(root) == set()


@pytest.mark.slow
def test_a_database_whose_rows_are_only_in_a_damaged_one_stays(root):
    smash_index(notes(root / "keep.db", "common", *map(str, range(20))), "sqlite_autoindex_notes_1")
    notes(root / "old.db", "common")
    file = look(root)["old.db"]
    assert file.verdict == "damaged"
    assert "keep.db is damaged" in file.reason
    assert planned(root) == set()


@pytest.mark.slow
def test_no_log_goes_because_of_a_damaged_database(root):
    known_log(root)
    (root / "storage/u.csv").write_text(",".join(HEADER) + "\n" + f"{hex_id('x')},1,{hex_id('y')},new,s,e,t\n")
    assert planned(root) == {"storage/v.csv", "storage/u.csv"}
    smash_index(root / "prompter.db", "sqlite_autoindex_prompt_versions_1")
    assert {look(root)[f"storage/{name}.csv"].verdict for name in "vu"} == {"damaged"}
    assert planned(root) == set()


@pytest.mark.slow
def test_a_database_that_takes_too_long_to_check_stays(root, monkeypatch):
    notes(root / "keep.db", "common", *map(str, range(2_000)))
    notes(root / "old.db", "common")
    assert planned(root) == {"old.db"}
    monkeypatch.setattr(classify, "check_integrity", lambda *_: classify.Integrity(unknown="it took too long"))
    file = look(root)["old.db"]
    assert (file.verdict, file.obstacle) == ("unknown", "it was not read completely")
    assert planned(root) == set()
    sound = classify.Integrity()
    large = (root / "keep.db").stat().st_size
    monkeypatch.setattr(
        classify,
        "check_integrity",
        lambda copy, *_: classify.Integrity(unknown="it took too long") if copy.stat().st_size == large else sound,
    )
    file = look(root)["old.db"]
    assert (file.verdict, file.reason) == ("unknown", "it cannot be told whether keep.db is sound (it took too long)")
    assert planned(root) == set()


@pytest.mark.slow
def test_a_database_in_another_encoding_is_compared_and_stops_no_other(root):
    make = "CREATE TABLE notes (id INTEGER PRIMARY KEY, t TEXT UNIQUE)"
    rows = "INSERT INTO notes (t) VALUES ('é'), ('😀'), ('plain')"
    for name, encoding in (("a.db", "UTF-16le"), ("b.db", "UTF-8"), ("c.db", "UTF-16be")):
        run(root / name, f"PRAGMA encoding = '{encoding}'", make, rows)
    notes(root / "d.db", "plain", "other")
    found = look(root)
    verdicts = {name: found[name].verdict for name in ("a.db", "b.db", "c.db", "d.db")}
    assert sorted(verdicts.values()) == ["same-rows", "same-rows", "unique", "unique"]
    assert verdicts["d.db"] == "unique"
    assert found["d.db"].unique_rows == 2  # its row with the text "plain" has another id


@pytest.mark.slow
def test_a_virtual_table_of_a_missing_module_stops_nothing(root):
    for name in ("vectors.db", "copy.db"):
        notes(root / name, "a")
        with closing(sqlite3.connect(root / name, isolation_level=None)) as connection:
            connection.execute("CREATE VIRTUAL TABLE emb USING fts5(a)")
            connection.execute("INSERT INTO emb VALUES ('z')")
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(
                "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE emb USING vec0(a)' WHERE name = 'emb'"
            )
    run(root / "copy.db", "PRAGMA user_version = 7")
    notes(root / "z.db", "b")
    found = look(root)
    assert {found[name].verdict for name in ("vectors.db", "copy.db")} == {"unique", "same-rows"}
    assert found["z.db"].verdict == "unique"


@pytest.mark.slow
def test_a_view_that_never_ends_is_not_read(root):
    endless = "WITH RECURSIVE t (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM t) SELECT id FROM t"
    run(root / "auth_system.db", "CREATE TABLE users (id)", f"CREATE VIEW notes AS {endless}")
    run(root / "x.db", "CREATE TABLE notes (id)", "INSERT INTO notes VALUES (1)")
    assert look(root)["x.db"].verdict == "unique"


@pytest.mark.slow
def test_a_database_with_views_or_triggers_of_its_own_goes_only_if_it_is_named(root):
    for name in ("keep.db", "old.db", "same.db"):
        notes(root / name, "common", *(["more"] if name == "keep.db" else []))
    views = [
        "CREATE VIEW report AS SELECT t FROM notes",
        "CREATE TRIGGER rule AFTER INSERT ON notes BEGIN SELECT 1; END",
    ]
    run(root / "old.db", *views)
    assert planned(root) == {"same.db"}
    old = look(root)["old.db"]
    assert (old.verdict, old.caution) == ("subset", 'keep.db lacks its views and triggers "report", "rule"')
    assert planned(root, accept=["old.db"]) == {"old.db", "same.db"}
    run(root / "keep.db", *views)
    assert planned(root) == {"old.db", "same.db"}
    run(root / "keep.db", "DROP VIEW report", "CREATE VIEW report AS SELECT id FROM notes")
    assert look(root)["old.db"].caution == 'keep.db lacks its views and triggers "report"'


def test_rows_in_a_table_with_a_name_of_sqlites_own_are_rows(root):
    for name in ("keep.db", "old.db"):
        notes(root / name, "common")
    with closing(sqlite3.connect(root / "old.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE more (a)")
        connection.execute("INSERT INTO more VALUES ('only here')")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET name = 'sqlite_more', tbl_name = 'sqlite_more', "
            "sql = 'CREATE TABLE sqlite_more (a)' WHERE name = 'more'"
        )
    assert "old.db" not in planned(root)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_files_that_git_tracks_go_only_if_they_are_named(root):
    known_log(root)
    (root / "tests").mkdir()
    for name in ("input.csv", "expected.csv", "untracked.csv"):
        (root / "tests" / name).write_text("name,age\nAda,36\n")
    run(root / "auth_system.db", "CREATE TABLE users (id)", "INSERT INTO users VALUES (1)")
    shutil.copy(root / "auth_system.db", root / "tests/schema.db")
    git = ["git", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "tests/input.csv", "tests/expected.csv", "tests/schema.db", "storage"], check=True)
    assert planned(root) == {"storage/v.csv", "tests/untracked.csv"}
    assert "git tracks it" in look(root)["tests/schema.db"].caution
    assert "tests/schema.db" in planned(root, accept=["tests/schema.db"])
    (root / ".git/HEAD").unlink()  # git cannot tell any more what it tracks
    assert planned(root) == {"storage/v.csv"}


@pytest.mark.slow
def test_a_linked_storage_is_said_and_stops_nothing(root, tmp_path):
    known_log(root)
    shutil.move(root / "storage", tmp_path / "disk")
    (root / "storage").symlink_to(tmp_path / "disk")
    with unchanged(tmp_path):
        found = look(root)
    assert (found["storage"].kind, found["storage"].obstacle) == ("link", "it is a link, which is not followed")
    assert planned(root) == set()


@pytest.mark.slow
def test_each_database_is_compared_with_a_limited_number_of_others(root, monkeypatch):
    monkeypatch.setattr(classify, "COMPARED", 3)
    compared = []
    missing_rows = classify.missing_rows
    monkeypatch.setattr(
        classify, "missing_rows", lambda copy, others: compared.append(others) or missing_rows(copy, others)
    )
    for number in range(8):
        notes(root / f"{number}.db", f"only {number}", *[f"{number} {n}" for n in range(9 - number)])
    found = look(root)
    assert {found[f"{number}.db"].verdict for number in range(8)} == {"unique"}
    assert max(map(len, compared)) == 3
    assert "4 databases were not compared" in found["7.db"].reason


@pytest.mark.slow
def test_a_removal_never_rests_on_a_file_that_may_go(root):
    for name in ("a.db", "b.db", "c.db"):
        notes(root / name, "common", *map(str, range({"a.db": 20, "b.db": 5, "c.db": 2}[name])))
    found = look(root)
    resting = [file for file in found.values() if file.verdict in DELETABLE]
    assert [file.path for file in resting] == ["b.db", "c.db"]
    assert {found[file.duplicate_of.path].verdict for file in resting} == {"unique"}


@pytest.mark.slow
def test_users_table_is_compared_as_any_other(root):
    for name in ("auth_system.db", "backup.db"):
        run(root / name, USERS.strip().rstrip(";"))
        insert(root / name, "users", id=1, username="ada", email="a@example.org", hashed_password="x")
    os.utime(root / "backup.db", (0, 0))
    assert planned(root) == {"backup.db"}
