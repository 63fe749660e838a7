"""The password of a database URL is in no error, page, log or cache, by whatever door it came."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest
from support import assert_sentence, make_database, run_python

from dbtools import Project, attach, audit, cleanup
from dbtools.cli import main
from dbtools.errors import DbtoolsError
from dbtools.redact import redact
from dbtools.server import parse

SECRET = "canarydsn001q"
URLS = (
    f"postgresql://me:{SECRET}@127.0.0.1:1/prompter",
    f"postgres://me:{SECRET}@127.0.0.1:1/prompter?sslmode=require",
    f"PostgreSQL+psycopg2://me:{SECRET}@h/d",
    f" postgresql://me:p@{SECRET}@h/d",
    f"postgresql://me@h/d?password={SECRET}",
    f"postgresql:///d?user=me&password={SECRET}",
    f"host=h user=me password={SECRET} dbname=d",
    f"host=h user=me password='{SECRET} and \\' more' dbname=d",
    f"PGPASSWORD={SECRET}",
    f"mysql://me:{SECRET}@h/d",
)


@pytest.mark.parametrize("url", URLS)
def test_no_door_shows_a_password(url, tmp_path, monkeypatch, capsys):
    root = tmp_path / "root"
    root.mkdir()
    make_database(root / "prompter.db")
    project = Project.find(root)
    monkeypatch.setenv("DBTOOLS_PROJECT", url)
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    doors = [
        lambda: attach(url),
        lambda: attach(Path(url)),
        lambda: Project.find(url),
        lambda: Project.find(),
        lambda: audit.verify(project, url),
        lambda: audit.claims(project, url),
        lambda: cleanup.plan(cleanup.survey(project), accept=[url]),
        lambda: attach(project).frame(url),
    ]
    for key in ("database", "auth", "exports", "backups", "url"):

        def configured(key=key):
            (root / "dbtools.toml").write_text(f'[project]\n{key} = "{quoted}"\n')
            try:
                found = Project.find(root)
                if key == "database":
                    attach(found)
                raise DbtoolsError("Taken as the name of a file", found.relative(getattr(found, key)))
            finally:
                (root / "dbtools.toml").unlink()

        doors.append(configured)
    for door in doors:
        with pytest.raises(DbtoolsError) as caught:
            door()
        shown = "".join(traceback.format_exception_only(caught.value)) + "".join(caught.value._render_traceback_())
        assert SECRET not in shown
    for arguments in (["--root", url], ["-p", "root", url], []):
        assert main(["run", "audit", *arguments, "--out", str(tmp_path / "out")]) == 2
        printed = capsys.readouterr()
        assert SECRET not in printed.out + printed.err
        assert len(printed.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_server_that_does_not_answer_is_named_without_its_password():
    for url in URLS[:4]:
        with pytest.raises(DbtoolsError) as caught:
            attach(url)
        assert_sentence(caught.value, parse(url)[0])


def test_a_password_in_the_environment_is_no_business_of_a_database_file(tmp_path, monkeypatch, cache):
    make_database(tmp_path / "prompter.db")
    monkeypatch.setenv("DATABASE_URL", URLS[0])
    monkeypatch.setenv("PGPASSWORD", SECRET)
    code = "import sys; from dbtools import attach; print(attach(sys.argv[1]).origin)"
    assert SECRET not in run_python(code, tmp_path / "prompter.db")
    kept = [p for p in cache.rglob("*") if p.is_file()]
    assert kept
    for file in kept:
        assert SECRET.encode() not in file.read_bytes() + str(file).encode()
    assert sys.executable


@pytest.mark.parametrize("url", URLS)
def test_a_report_hides_it_too(url):
    assert SECRET not in redact(f"we use {url} here")


@pytest.mark.parametrize(
    "text",
    ["https://example.org/a:b", "me@example.org", "10:30@noon", "a password: none", "C:\\x@y", "passwords = many"],
)
def test_what_is_no_password_is_shown(text):
    assert redact(text) == text
