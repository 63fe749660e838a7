"""One PostgreSQL server for all tests of a process, and two projects with the same rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from twins import Twins, make_database, make_harder

from dbtools import Project, demo


@pytest.fixture(scope="session")
def server() -> Iterator[servers.Postgres]:
    """Run one server for all tests of this process."""
    with servers.postgres() as running:
        yield running


@pytest.fixture(autouse=True)
def no_access(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find a server or a password in the environment of the person who runs it."""
    for name in ("DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGPASSFILE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch, server: servers.Postgres) -> None:
    """Put the server's password where libpq looks for it."""
    monkeypatch.setenv("PGPASSWORD", servers.PASSWORD)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(server.port))


@pytest.fixture(scope="session", params=["migrated", "created"])
def twins(request: pytest.FixtureRequest, server: servers.Postgres, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """Build the demo project with harder rows, and its twin on the server."""
    top = tmp_path_factory.mktemp(request.param)
    file = demo.build(top / "file").root
    make_harder(file / "prompter.db", sound=request.param == "migrated")
    make_database(server, request.param, file / "prompter.db", request.param)
    served = Path(shutil.copytree(file, top / "served"))
    (served / "prompter.db").unlink()
    config = (served / "dbtools.toml").read_text().replace("prompter.db", server.url(request.param), 1)
    (served / "dbtools.toml").write_text(config.replace('"prompter.db", ', ""))
    (file / "dbtools.toml").write_text((file / "dbtools.toml").read_text().replace('["prompter.db", ', "["))
    return Twins(server, request.param, Project.find(file), Project.find(served))
