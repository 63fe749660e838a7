from __future__ import annotations

from pathlib import Path

import pytest
from support import assert_sentence, read_tree

from dbtools.errors import ParameterError, ProjectError
from dbtools.project import Project, read_expectations


def make_project(root: Path, config: str | None = None, database: str = "prompter.db") -> Path:
    (root / database).parent.mkdir(parents=True, exist_ok=True)
    (root / database).write_bytes(b"any file of this size counts".ljust(512))
    if config is not None:
        (root / "dbtools.toml").write_text(config, "utf-8")
    return root


def test_an_explicit_root_wins_over_the_environment_and_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, named, here = (make_project(tmp_path / name) for name in ("given", "named", "here"))
    monkeypatch.setenv("DBTOOLS_PROJECT", str(named))
    monkeypatch.chdir(here)
    assert Project.find(given).root == given
    assert Project.find(str(given)).root == given
    assert Project.find().root == named
    monkeypatch.delenv("DBTOOLS_PROJECT")
    assert Project.find().root == here


def test_an_empty_variable_counts_as_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBTOOLS_PROJECT", "")
    monkeypatch.chdir(make_project(tmp_path))
    assert Project.find().root == tmp_path


@pytest.mark.parametrize("database", ["prompter.db", "packages/db/prompter.db"])
def test_the_nearest_parent_that_holds_a_database_is_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    make_project(tmp_path)
    inner = make_project(tmp_path / "inner", database=database)
    deep = inner / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    project = Project.find()
    assert (project.root, project.database) == (inner, inner / database)


def test_without_a_configuration_the_places_are_the_documented_ones(tmp_path: Path) -> None:
    project = Project.find(make_project(tmp_path))
    assert project == Project(
        root=tmp_path,
        database=tmp_path / "prompter.db",
        auth=tmp_path / "auth_system.db",
        exports=tmp_path / "storage",
        backups=tmp_path / "backup_old_csvs",
    )


def test_of_two_databases_the_one_that_the_newest_application_opens_is_read_and_the_other_named(tmp_path: Path) -> None:
    make_project(tmp_path)
    make_project(tmp_path, database="packages/db/prompter.db")
    project = Project.find(tmp_path)
    assert project.database == tmp_path / "packages/db/prompter.db"
    assert tmp_path / "prompter.db" in project.in_use
    assert project.note.startswith("the database packages/db/prompter.db is read; prompter.db exists as well and may")


@pytest.mark.parametrize("empty", ["prompter.db", "packages/db/prompter.db"])
@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"])
def test_an_empty_file_or_a_pointer_does_not_hide_a_database_at_the_other_place(
    tmp_path: Path, empty: str, content: bytes
) -> None:
    places = ["prompter.db", "packages/db/prompter.db"]
    for name in places:
        make_project(tmp_path, database=name)
    (tmp_path / empty).write_bytes(content)
    places.remove(empty)
    for config in ("", f'[project]\ndatabase = "{empty}"\n'):
        (tmp_path / "dbtools.toml").write_text(config, "utf-8")
        project = Project.find(tmp_path)
        assert project.database == tmp_path / places[0]
        assert project.note == f"the database {places[0]} is read; {empty} exists as well and holds no database"


def test_auth_databases_beside_each_place_of_the_database_are_in_use(tmp_path: Path) -> None:
    make_project(tmp_path, '[project]\ndatabase = "data/main.db"\n', database="data/main.db")
    names = ["auth_system.db", "data/auth_system.db", "packages/db/auth_system.db", "packages/db/prompter.db"]
    for name in names:
        make_project(tmp_path, database=name)
    project = Project.find(tmp_path)
    assert {project.relative(path) for path in project.in_use} == {"data/main.db", *names}


def test_an_sqlite_file_that_the_variable_names_is_the_database_where_no_place_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path, database="data/my app.db")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///data/my%20app.db?timeout=5")
    assert Project.find(tmp_path).database == tmp_path / "data/my app.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/data/my%20app.db")
    assert Project.find(tmp_path).database == tmp_path / "data/my app.db"
    make_project(tmp_path)
    project = Project.find(tmp_path)
    assert project.database == tmp_path / "prompter.db"
    assert tmp_path / "data/my app.db" in project.in_use
    assert "data/my app.db exists as well" in project.note
    monkeypatch.setenv("DATABASE_URL", "sqlite:////elsewhere/app.db")
    assert Project.find(tmp_path).note == ""


def test_every_key_of_the_configuration_is_obeyed(tmp_path: Path) -> None:
    config = """
        [project]
        database = "data/main.db"
        auth = "data/../data/auth.db"
        exports = "out"
        backups = "safe/copies"
        [expect]
        present = ["data/main.db"]
        absent = ["old.csv"]
        rows = { prompts = 15 }
        versions_by_source = { "engine/v1" = 3 }
    """
    project = Project.find(make_project(tmp_path, config, database="data/main.db"))
    assert project.database == tmp_path / "data/main.db"
    assert project.auth == tmp_path / "data/auth.db"
    assert project.exports == tmp_path / "out"
    assert project.backups == tmp_path / "safe/copies"
    assert project.expect["rows"] == {"prompts": 15}
    assert project.expect["versions_by_source"] == {"engine/v1": 3}


def test_finding_a_project_changes_nothing(tmp_path: Path) -> None:
    make_project(tmp_path, '[project]\nexports = "out"\n')
    before = read_tree(tmp_path)
    Project.find(tmp_path)
    assert read_tree(tmp_path) == before


@pytest.mark.parametrize("key", ["database", "auth", "exports", "backups"])
@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "."])
def test_a_path_out_of_the_project_is_refused(tmp_path: Path, key: str, name: str) -> None:
    root = make_project(tmp_path / "root", f'[project]\n{key} = "{name}"\n')
    with pytest.raises(ProjectError) as caught:
        Project.find(root)
    assert_sentence(caught.value, name)
    assert f'"project.{key}"' in str(caught.value)


@pytest.mark.parametrize("toml", [True, False])
@pytest.mark.parametrize("name", ["prompter.db", "auth_system.db", "storage", "backup_old_csvs"])
def test_what_lies_behind_a_link_out_of_the_project_is_read_and_never_written(
    tmp_path: Path, name: str, toml: bool
) -> None:
    keys = {"prompter.db": "database", "auth_system.db": "auth", "storage": "exports", "backup_old_csvs": "backups"}
    root = make_project(tmp_path / "root", f'[project]\n{keys[name]} = "{name}"\n' if toml else None)
    (tmp_path / "outside").mkdir()
    if name == "prompter.db":
        (root / name).rename(tmp_path / "outside" / name)
    (root / name).symlink_to(tmp_path / "outside" / name)
    project = Project.find(root)
    assert getattr(project, keys[name]) == root / name
    with pytest.raises(ProjectError) as caught:
        project.check_folder(root / name)
    assert_sentence(caught.value, root / name)
    assert str(tmp_path / "outside" / name) in str(caught.value)
    assert project.check_folder(root / "inside") == root / "inside"
    assert project.check_folder(tmp_path / "outside") == tmp_path / "outside"


def test_a_link_inside_the_project_stays_visible_as_a_link(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "real.db").write_bytes(b"x")
    (root / "auth_system.db").symlink_to("real.db")
    assert Project.find(root).auth.is_symlink()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ('[project]\ncolour = "red"\n', '"project.colour"'),
        ("[project]\nauth = 5\n", '"project.auth"'),
        ('[project]\nauth = ""\n', '"project.auth"'),
        ("[other]\n", '"other"'),
        ("project = 5\n", '"project"'),
        ("expect = 5\n", "expect"),
        ("[expect]\nsize = 5\n", '"expect.size"'),
        ('[expect]\npresent = "a"\n', '"expect.present"'),
        ("[expect]\nabsent = [1]\n", '"expect.absent"'),
        ('[expect.rows]\nprompts = "15"\n', '"expect.rows"'),
        ("[expect.rows]\nprompts = true\n", '"expect.rows"'),
        ("[expect]\nversions_by_source = [1]\n", '"expect.versions_by_source"'),
        ("[project\n", "TOML"),
        ('auth = "a\n', "TOML"),
        ('[project]\n"two\\nlines" = "x"\n', "two"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_sentence(tmp_path: Path, config: str, named: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Project.find(make_project(tmp_path, config))
    assert_sentence(caught.value, tmp_path / "dbtools.toml")
    assert named in str(caught.value)


def test_a_configuration_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    make_project(tmp_path)
    (tmp_path / "dbtools.toml").write_bytes(b'[project]\nauth = "\xff"\n')
    with pytest.raises(ProjectError) as caught:
        Project.find(tmp_path)
    assert_sentence(caught.value, tmp_path / "dbtools.toml")


def test_a_folder_that_does_not_exist_or_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    for name in ("absent", "file"):
        with pytest.raises(ProjectError) as caught:
            Project.find(tmp_path / name)
        assert_sentence(caught.value, tmp_path / name)


def test_a_folder_without_a_database_is_refused_even_inside_a_project(tmp_path: Path) -> None:
    inner = make_project(tmp_path) / "empty"
    inner.mkdir()
    with pytest.raises(ProjectError) as caught:
        Project.find(inner)
    assert_sentence(caught.value, inner)
    assert "prompter.db" in str(caught.value)


def test_a_database_named_in_the_configuration_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        Project.find(make_project(tmp_path, '[project]\ndatabase = "data/main.db"\n'))
    assert_sentence(caught.value, tmp_path)
    assert "data/main.db" in str(caught.value)


def test_no_project_anywhere_above_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError) as caught:
        Project.find()
    assert_sentence(caught.value, tmp_path)


def test_a_project_reached_through_a_link_is_the_real_one(tmp_path: Path) -> None:
    root = make_project(tmp_path / "real")
    (tmp_path / "link").symlink_to(root)
    assert Project.find(tmp_path / "link") == Project.find(root)


def test_paths_are_shown_relative_to_the_root_where_they_lie_inside(tmp_path: Path) -> None:
    project = Project.find(make_project(tmp_path / "root"))
    assert project.relative(project.exports / "a.csv") == "storage/a.csv"
    assert project.relative(tmp_path / "else.csv") == str(tmp_path / "else.csv")


def test_another_backup_folder_may_lie_anywhere(tmp_path: Path) -> None:
    project = Project.find(make_project(tmp_path / "root"))
    assert project.with_backups(None) is project
    assert project.with_backups("mine").backups == tmp_path / "root" / "mine"
    assert project.with_backups(tmp_path / "far").backups == tmp_path / "far"


@pytest.mark.parametrize("text", ["[expect]\nrows = { prompts = 3 }\n", "rows = { prompts = 3 }\n"])
def test_expectations_are_read_from_a_section_or_a_whole_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "expect.toml"
    file.write_text(text, "utf-8")
    assert read_expectations(file) == {"rows": {"prompts": 3}}


def test_expectations_that_do_not_exist_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        read_expectations(tmp_path / "absent.toml")
    assert_sentence(caught.value, tmp_path / "absent.toml")


def test_a_project_that_was_found_is_found_again_as_it_is(tmp_path):
    project = Project.find(make_project(tmp_path)).with_backups("elsewhere")
    assert Project.find(project) is project
