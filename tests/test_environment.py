"""Files that the environment names are in use, in whatever spelling and from whatever working directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import make_database

from dbtools import Project
from dbtools.environment import named_databases

PLACES = ("data/a.db", "backend/a.db", "backend/data/a b.db", "packages/a.sqlite", "packages/db/a.db")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("prompter.db", *PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"SQLite format 3\0" + bytes(1000))
    return tmp_path


def named(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in named_databases(root)]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("sqlite:///data/a.db", ["data/a.db"]),
        ("sqlite:///./a.db", ["backend/a.db", "packages/db/a.db"]),
        ("sqlite:///../data/a.db", ["data/a.db"]),
        ("sqlite:///../../data/a.db", ["data/a.db"]),
        ("sqlite+aiosqlite:///file:backend/data/a%20b.db?mode=ro", ["backend/data/a b.db"]),
        ("'sqlite:///backend/data/a b.db'", ["backend/data/a b.db"]),
        ("SQLITE:///{root}/packages/a.sqlite", ["packages/a.sqlite"]),
        ("sqlite:///:memory:", []),
        ("sqlite:///../../../../../../etc/passwd", []),
        ("postgresql://me@host/db", []),
        ("", []),
    ],
)
def test_the_variable_names_a_file_from_every_working_directory(root, monkeypatch, url, wanted):
    monkeypatch.setenv("DATABASE_URL", url.format(root=root))
    assert named(root) == wanted


@pytest.mark.parametrize("file", [".env", ".env.production", "backend/.env", "packages/db/.env.local"])
@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=sqlite:///{path}",
        'export DATABASE_URL="sqlite+aiosqlite:///{path}?timeout=5"  # the live one',
        "DATABASE_URL=sqlite:///{path} # the live one",
        "  PROMPTER_DB = '{path}'",
        "SQLALCHEMY_DATABASE_URI=sqlite:///{path}",
    ],
)
def test_a_file_of_settings_names_a_database(root, file, line):
    (root / file).write_text(f"# settings\nPORT=5432\nNAME=a\n{line.format(path='data/a.db')}\n", "utf-8")
    assert named(root) == ["data/a.db"]
    (root / file).write_text(line.format(path=root / "backend/a.db"), "utf-8")
    assert named(root) == ["backend/a.db"]


def test_settings_of_migrations_name_a_database(root):
    (root / "packages/db/alembic.ini").write_text("[alembic]\nsqlalchemy.url = sqlite:///../../data/a.db\n", "utf-8")
    assert named(root) == ["data/a.db"]


@pytest.mark.parametrize(
    "file", ["docker-compose.yml", "backend/compose.prod.YAML", "config.toml", ".streamlit/secrets.toml"]
)
@pytest.mark.parametrize(
    "line",
    [
        "      - DATABASE_URL=sqlite:///{path}",
        '      DATABASE_URL: "sqlite+aiosqlite:///{path}?timeout=5"  # the live one',
        "environment: {{DATABASE_URL: sqlite:///{path}, PORT: 80}}",
        "connections.sql.url = 'sqlite:///{path}'",
    ],
)
def test_a_url_in_a_file_of_configuration_names_a_database(root, file, line):
    (root / ".streamlit").mkdir()
    (root / file).write_text(
        f"# packages/a.sqlite\nabsent = ['packages/db/a.db']\n{line.format(path='data/a.db')}\n", "utf-8"
    )
    assert named(root) == ["data/a.db"]


def test_settings_that_are_no_file_or_too_long_or_name_what_is_outside_name_nothing(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.db"
    make_database(outside)
    os.mkfifo(root / ".env")
    (root / ".env.local").mkdir()
    (root / ".env.long").write_text("A=sqlite:///data/a.db\n" + "#" * (1 << 17), "utf-8")
    (root / ".env.outside").write_text(f"A=sqlite:///{outside}\nB={outside}\nC=\nD=/dev/zero\nE=\0x.db\n", "utf-8")
    (root / ".env.binary").write_bytes(bytes(range(256)) * 20)
    assert named(root) == []


def test_a_database_that_settings_name_is_in_use_and_every_report_says_which_one_is_read(root):
    (root / "backend/.env").write_text("DATABASE_URL=sqlite:///./a.db\nAUTH=auth_system.db\n", "utf-8")
    make_database(root / "backend/auth_system.db")
    project = Project.find(root)
    assert {"backend/a.db", "backend/auth_system.db"} <= {project.relative(path) for path in project.in_use}
    said = "the database prompter.db is read; backend/a.db exists as well and may be the one that the application opens"
    assert said in project.note
    assert "auth_system" not in project.note
