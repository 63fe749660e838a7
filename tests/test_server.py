from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import assert_sentence, make_database, run_python

from dbtools import Project, attach
from dbtools.errors import DbtoolsError, ParameterError, ProjectError
from dbtools.server import Server, is_listed, is_named_by_user, is_url, parse, password_of

SECRET = "canarydsn002q"


@pytest.fixture(autouse=True)
def no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.mark.parametrize(
    ("url", "server", "password"),
    [
        ("postgresql://me@host:5433/prompter", Server("host", 5433, "prompter", "me"), None),
        ("postgres://me:a%40b%2F@host/d", Server("host", None, "d", "me"), "a@b/"),
        (
            "postgresql+asyncpg://me:p@q@host/d?ssl=require",
            Server("host", None, "d", "me", (("sslmode", "require"),)),
            "p@q",
        ),
        (" PostgreSQL+psycopg://[::1]:1/d", Server("::1", 1, "d"), None),
        ("postgresql:///d?host=/run/pg&user=me&password=x", Server("/run/pg", None, "d", "me"), "x"),
        ("postgresql://u%2Fx@h/a%20b", Server("h", None, "a b", "u/x"), None),
        (
            "postgresql://h/d?options=-c%20search_path%3Dapp",
            Server("h", None, "d", "", (("options", "-c search_path=app"),)),
            None,
        ),
        ("postgresql://", Server(), None),
    ],
)
def test_every_driver_s_spelling_leads_to_the_server_and_its_text_leads_back(
    url: str, server: Server, password: str | None
) -> None:
    assert parse(url) == (server, password)
    assert parse(str(server)) == (server, None)
    assert is_url(url)
    assert password is None or password not in str(server) + repr(server)


@pytest.mark.parametrize(
    "rest",
    [
        f":/me:{SECRET}@h/d",
        f"://me:{SECRET}/x@h/d",
        f"://me:1/{SECRET}@h/d",
        f"://me:1?{SECRET}@h/d",
        f"://me:x#{SECRET}@h/d",
        f"://me:x@h/d?password=a&{SECRET}",
        f"://me:{SECRET}@h1,h2/d",
        f"://me:{SECRET}\0@h/d",
        f"://me:{SECRET}\udcff@h/d",
        f"://me:{SECRET}@h/d?sslpassword=x",
    ],
)
def test_what_is_no_such_url_is_refused_and_nothing_of_it_shown(rest: str) -> None:
    for url in (f"postgresql{rest}", f"postgres+asyncpg{rest}"):
        with pytest.raises(ParameterError) as caught:
            attach(url)
        assert_sentence(caught.value, "postgresql:")
        assert SECRET not in str(caught.value)


def test_what_is_no_server_stays_a_path() -> None:
    assert not any(map(is_url, ("prompter.db", "sqlite:///x.db", "mysql://h/d", "/postgresql/x.db", Path("postgres"))))


def test_a_server_is_named_in_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_database(tmp_path / "prompter.db")
    monkeypatch.setenv("DATABASE_URL", "postgresql://other@h/d")
    (tmp_path / "dbtools.toml").write_text('[project]\ndatabase = "postgresql+asyncpg://me@h:5433/d"\n')
    project = Project.find(tmp_path)
    assert project.database == Server("h", 5433, "d", "me")
    assert set(project.in_use) == {tmp_path / "prompter.db", tmp_path / "auth_system.db"}
    assert project.relative(project.database) == "postgresql://me@h:5433/d"


def test_a_password_in_the_configuration_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "dbtools.toml").write_text(f'[project]\ndatabase = "postgresql://me:{SECRET}@h/d"\n')
    with pytest.raises(ProjectError) as caught:
        Project.find(tmp_path)
    assert_sentence(caught.value, "postgresql://me@h/d")
    assert "PGPASSWORD" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_environment_names_the_server_only_where_no_file_and_no_configuration_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql+asyncpg://me:{SECRET}@h/d")
    project = Project.find(tmp_path)
    assert project.database == Server("h", None, "d", "me")
    assert SECRET not in repr(project)
    (tmp_path / "packages" / "db").mkdir(parents=True)
    make_database(tmp_path / "packages" / "db" / "prompter.db")
    assert Project.find(tmp_path).database == tmp_path / "packages" / "db" / "prompter.db"
    (tmp_path / "dbtools.toml").write_text('[project]\ndatabase = "gone.db"\n')
    with pytest.raises(ProjectError, match="expected gone"):
        Project.find(tmp_path)


def test_a_link_to_a_lost_database_is_not_passed_over_for_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@h/d")
    (tmp_path / "prompter.db").symlink_to(tmp_path / "unmounted.db")
    with pytest.raises(ProjectError, match="a link to a file that is not there"):
        Project.find(tmp_path)


def test_a_folder_is_no_project_only_because_the_environment_names_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@h/d")
    with pytest.raises(ProjectError):
        Project.find()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///prompter.db")
    with pytest.raises(ProjectError):
        Project.find(tmp_path)


def test_a_password_of_the_environment_is_for_its_own_server_and_user_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql+asyncpg://me:{SECRET}@h/d")
    assert password_of(Server("h", None, "d", "me", (("sslmode", "require"),))) == SECRET
    assert password_of(Server("other", None, "d", "me")) is None
    assert password_of(Server("h", None, "d", "you")) is None
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{SECRET}@h1,h2/d")
    assert password_of(Server("h1", None, "d", "me")) is None


def test_without_the_scanner_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = """
import os, sys
sys.modules["duckdb_extension_postgres_scanner"] = None
os.environ["HOME"] = "/dev/null"
from dbtools import attach
from dbtools.errors import DbtoolsError
try:
    attach("postgresql://me@127.0.0.1:1/d")
except DbtoolsError as error:
    print(type(error).__name__, error)
"""
    printed = run_python(code)
    assert printed.startswith("ExtensionError")
    assert 'pip install "dbtools[postgres]"' in printed
    assert os.sep not in printed


def test_passwords_with_any_sign_are_hidden_in_every_error(tmp_path: Path) -> None:
    for sign in "'\" /?#@%":
        url = f"postgresql://me:x{sign}{SECRET}@h/d"
        for door in (lambda url=url: attach(url), lambda url=url: Project.find(url), lambda url=url: attach(Path(url))):
            with pytest.raises(DbtoolsError) as caught:
                door()
            assert SECRET not in str(caught.value)


def test_only_a_host_that_the_user_names_himself_is_sent_a_password(monkeypatch, tmp_path):
    for name in ("DATABASE_URL", "PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    found, _ = parse("postgresql://me@db.example.org:5433/prompter")
    assert not is_named_by_user(found)
    assert not is_listed(found)
    lines = {"*:*:*:*:secret": False, "db.example.com:*:*:*:x": False, "db.example.org:*:*:me:x": True}
    lines |= {"db.example.org:5433:*:*:x": True, "db.example.org:5432:*:*:x": False, "db.example.org": False}
    for line, expected in lines.items():
        (tmp_path / "pgpass").write_text(f"# hosts\n{line}\n")
        assert is_listed(found) is expected
        assert not is_named_by_user(found)
    for url, expected in (
        ("postgresql://you:x@db.example.org:5433/other", True),
        ("postgresql://me:x@db.example.org/prompter", False),
        ("postgresql://me:x@db.example.com:5433/prompter", False),
        ("sqlite:///prompter.db", False),
    ):
        monkeypatch.setenv("DATABASE_URL", url)
        assert is_named_by_user(found) is expected


def test_a_host_that_the_environment_names_is_sent_a_password_at_its_own_port_only(monkeypatch):
    for name in ("DATABASE_URL", "PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    known = {
        f"postgresql://{host}{port}/d": port in ("", ":5432") for host in ("db", "") for port in ("", ":5432", ":5433")
    }
    monkeypatch.setenv("PGHOST", "db")
    assert {url: is_named_by_user(parse(url)[0]) for url in known} == known
    monkeypatch.setenv("PGPORT", "5433")
    turned = {url: not url.endswith(":5432/d") for url in known}
    assert {url: is_named_by_user(parse(url)[0]) for url in known} == turned
    assert not is_named_by_user(parse("postgresql://other:5433/d")[0])
