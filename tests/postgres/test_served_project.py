"""A project whose database is on a server: cleaned with the same care, and no password is kept."""

from __future__ import annotations

import doctest
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import servers
from twins import make_database as copy_database

from dbtools import Project, analysis, attach, audit, cleanup, demo, export, show
from dbtools.errors import DbtoolsError, ParameterError

pytestmark = [
    pytest.mark.usefixtures("access"),
    pytest.mark.filterwarnings("ignore:.*exists as well"),  # a prompter.db lies beside the server on purpose
]


@pytest.fixture(scope="module")
def served(server: servers.Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the demo project with its database on the server, and an export of it."""
    root = demo.build(tmp_path_factory.mktemp("served") / "project").root
    copy_database(server, "served", root / "prompter.db", "created")
    config = (root / "dbtools.toml").read_text()
    (root / "dbtools.toml").write_text(config.replace('"prompter.db"', f'"{server.url("served")}"', 1))
    with attach(root / "prompter.db") as db:
        export.write(db, root / "old", layouts=("prompts", "prompt_versions"))
    (root / "old" / "exports.json").unlink()
    rows = (root / "old" / "prompt_versions.csv").read_text().splitlines(keepends=True)
    (root / "old" / "prompt_versions.csv").write_text("".join(rows[:-1]))
    (root / "prompter.db").rename(root / "kept.db")
    shutil.copy(root / "kept.db", root / "prompter.db")
    return root


@pytest.fixture
def project(served: Path, tmp_path: Path) -> Project:
    """Return a copy of that project, to clean."""
    return Project.find(shutil.copytree(served, tmp_path / "project"))


def test_what_the_server_holds_may_go_and_only_that(project: Project) -> None:
    survey = cleanup.survey(project)
    found = {f.path: f for f in survey.files}
    assert found["auth_system.db"].verdict == "auth"
    assert found["old/prompt_versions.csv"].verdict == "regenerable"
    assert found["old/prompt_versions.csv"].duplicate_of.path == str(project.database)
    plan = cleanup.plan(survey)
    going = {removal.path for removal in plan.removals}
    assert "old/prompt_versions.csv" in going
    # The application may open prompter.db, so that file stays; a copy with the same bytes may go.
    assert going.isdisjoint({"prompter.db", "auth_system.db"})
    assert (found["prompter.db"].verdict, found["kept.db"].verdict) == ("in-use", "same-bytes")
    assert found["kept.db"].duplicate_of.path == "prompter.db"
    for path in ("auth_system.db", "prompter.db"):
        with pytest.raises(ParameterError):
            cleanup.plan(survey, accept=[path])
    before = {path: (project.root / path).read_bytes() for path in going}
    done = cleanup.apply(plan, dry_run=False, progress=False)
    assert set(done.removed) == going
    assert not any((project.root / path).exists() for path in going)
    with attach(project) as db:
        assert any(name.startswith("rescued_") for name in db.relations)
    cleanup.restore(done.path)
    assert {path: (project.root / path).read_bytes() for path in going} == before


def test_what_rests_on_the_server_stays_when_that_changed_or_is_gone(
    project: Project, server: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = cleanup.plan(cleanup.survey(project), only=["old/prompt_versions.csv"])
    assert len(plan.removals) == 1
    server.psql("UPDATE prompt_versions SET explanation = explanation", "served")
    done = cleanup.apply(plan, dry_run=False, progress=False)
    reasons = {kept.path: kept.reason for kept in done.kept}
    assert "it changed since the plan" in reasons["old/prompt_versions.csv"]
    plan = cleanup.plan(cleanup.survey(project), only=["old/prompt_versions.csv"])
    monkeypatch.setenv("PGPASSWORD", "canarypg1")
    done = cleanup.apply(plan, dry_run=False, progress=False)
    reasons = {kept.path: kept.reason for kept in done.kept}
    assert "password authentication failed" in reasons["old/prompt_versions.csv"]
    assert (project.root / "old" / "prompt_versions.csv").is_file()
    monkeypatch.setenv("PGPASSWORD", servers.PASSWORD)
    assert cleanup.apply(plan, dry_run=False, progress=False).removed == ("old/prompt_versions.csv",)


def test_a_guide_and_what_is_expected_are_held_against_what_there_is(project: Project) -> None:
    guide = project.root / "guide.md"
    guide.write_text("There are 15 prompts in prompter.db.\n\n`SELECT count(*) FROM prompts` gives 15.\n")
    claims = audit.claims(project, guide)
    assert claims.frame["verdict"].isin(["true", "not checkable"]).all()
    assert "not applicable: the database is a PostgreSQL server" in str(claims.to_dict())
    verification = audit.verify(project, {"rows": {"prompts": 15}, "versions_by_source": {"syntax": 15}})
    assert {e.name: e.found for e in verification.expectations}["rows of prompts"] == 15
    assert [e.name for e in audit.verify(Project(**vars(project) | {"expect": {}})).expectations] == [
        "file auth_system.db"
    ]


def test_no_result_page_or_file_holds_the_password(
    project: Project, server: servers.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    url = server.url("served", secret=quote(servers.PASSWORD, safe=""))
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("DATABASE_URL", url)
    shown = [repr(project), str(project), str(vars(project))]
    for source in (project, url):
        with attach(source) as db:
            shown += [repr(db), str(db.origin), str(vars(db))]
            for door in (lambda db=db: db.sql(f"SELECT '{url}' FROM nowhere"), lambda db=db: db.frame(url)):
                with pytest.raises(DbtoolsError) as caught:
                    door()
                shown.append(str(caught.value))
    with attach(project) as db:
        written = export.write(db, tmp_path / "out", formats=("csv", "json", "parquet"))
        results = [written, analysis.effectiveness(db), analysis.usage(db)]
    survey = cleanup.survey(project)
    plan = cleanup.plan(survey)
    results += [audit.run(project), audit.verify(project), survey, plan, cleanup.apply(plan, dry_run=False)]
    for result in results:
        shown += [repr(result), result._repr_html_(), str(result.to_dict()), str(vars(result))]
    with show.Explorer(project) as explorer:
        assert explorer.wait()
        shown += [repr(explorer), explorer.snapshot("overview", "quality"), str(explorer.to_dict())]
    assert [text for text in shown if "canarypg" in text] == []
    made = [path for top in (tmp_path, cache) for path in top.rglob("*") if path.is_file()]
    assert {"exports.json", "manifest.json", "journal"} <= {path.name for path in made}
    assert [path for path in made if b"canarypg" in path.read_bytes() + str(path).encode()] == []


def test_the_page_on_backends_shows_what_happens(
    server: servers.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_database(server, "prompter", demo.build(tmp_path / "demo").root / "prompter.db", "migrated")
    server.psql("CREATE ROLE reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", "prompter")
    server.psql("ALTER ROLE reader LOGIN PASSWORD 'reader'")
    monkeypatch.setenv("PGPORT", str(server.port))
    monkeypatch.setenv("PGPASSWORD", "reader")
    section = (Path(__file__).parents[2] / "docs" / "backends.md").read_text(encoding="utf-8")
    block = re.findall(r"```pycon postgres\n(.*?)```", section, re.DOTALL)[0]
    shown = doctest.DocTestParser().get_doctest(block, {}, "PostgreSQL", "backends.md", 0)
    failures: list[str] = []
    assert doctest.DocTestRunner().run(shown, out=failures.append).attempted == 5
    assert failures == []
