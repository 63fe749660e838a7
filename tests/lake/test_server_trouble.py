"""What a server, and the way to it, can do to a reader."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from servers import free_port, sail
from support import assert_sentence, unchanged
from test_same_on_every_engine import assert_alike

from dbtools import Project, analysis, attach, audit, cli, demo, export
from dbtools.database.engine import materialize
from dbtools.errors import BusyError, DatabaseError, ExtensionError, ParameterError, ProjectError, QueryError
from dbtools.notebooks.record import plain

TOKEN = "canarytoken000"


@pytest.fixture
def lake(odd: Path) -> Path:
    return odd / "lake"


def test_a_server_that_is_not_there_is_one_sentence_and_soon(lake):
    address = f"sc://127.0.0.1:{free_port()}"
    start = time.monotonic()
    with unchanged(lake), pytest.raises(BusyError) as caught:
        attach(lake, engine=address)
    assert_sentence(caught.value, address)
    assert time.monotonic() - start < 30


def test_a_program_without_a_file_is_not_ended_by_the_client(lake):
    tried = f"import dbtools; dbtools.attach({str(lake)!r}, engine='sc://127.0.0.1:{free_port()}')"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", tried], capture_output=True, text=True)
    assert "BusyError" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://127.0.0.1:1", "sc://", "sc://a b:1", "sc://127.0.0.1:port"])
def test_what_is_no_address_is_one_sentence(lake, address):
    with pytest.raises((ParameterError, BusyError)) as caught:
        attach(lake, engine=address)
    assert len(str(caught.value).splitlines()) == 1


def test_no_token_is_shown(lake):
    with pytest.raises(BusyError) as caught:
        attach(lake, engine=f"sc://127.0.0.1:{free_port()}/;token={TOKEN};use_ssl=false")
    assert TOKEN not in str(caught.value)


def test_an_address_that_is_none_is_not_shown_as_it_may_hold_a_token(lake):
    with pytest.raises(ParameterError, match="write sc://host:port") as caught:
        attach(lake, engine=f"sc://127.0.0.1/token={TOKEN}")
    assert TOKEN not in str(caught.value)


def test_a_lake_that_the_server_does_not_see_is_one_sentence(server, tmp_path):
    with pytest.raises(DatabaseError, match="must see the files") as caught:
        attach("file:///nowhere/lake", engine=server.url)
    assert_sentence(caught.value, "file:///nowhere/lake")


def test_a_lake_that_lost_rows_is_one_sentence(lake, server, tmp_path):
    folder = shutil.copytree(lake, tmp_path / "lake")
    file = max((folder / "versions").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    duckdb.sql(f"COPY (FROM read_parquet('{file}', hive_partitioning = false) LIMIT 1) TO '{file}'")
    with pytest.raises(DatabaseError, match="rows of versions where the database had") as caught:
        attach(folder, engine=server.url)
    assert_sentence(caught.value, folder)


def test_a_lake_by_its_url_is_the_same(lake, server):
    with attach(f"file://{lake}", engine=server.url) as by_url, attach(lake) as by_path:
        assert by_url.rows("versions") == by_path.rows("versions")
        assert by_url.origin["fingerprint"] == by_path.origin["fingerprint"]


def test_a_server_killed_in_the_middle_of_a_question_is_one_sentence(lake):
    with sail() as doomed, attach(lake, engine=doomed.url) as db:
        threading.Timer(0.5, doomed.kill).start()
        start = time.monotonic()
        with unchanged(lake), pytest.raises(BusyError) as caught:
            while True:
                db.sql(
                    "SELECT count(*) FROM versions AS a CROSS JOIN versions AS b CROSS JOIN versions AS c"
                ).fetchall()
        assert_sentence(caught.value, doomed.url)
        assert time.monotonic() - start < 60


@pytest.mark.parametrize(
    "query",
    [
        "DROP VIEW versions",
        "CREATE TABLE t AS SELECT 1 AS a",
        "INSERT INTO versions SELECT * FROM versions",
        "SELECT 1) AS x; DROP VIEW versions; SELECT * FROM (SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM versions",
    ],
)
def test_what_is_no_query_is_refused_in_one_sentence(lake, server, query):
    with unchanged(lake), attach(lake, engine=server.url) as db:
        with pytest.raises(QueryError) as caught:
            db.sql(query)
        assert len(str(caught.value).splitlines()) == 1
        assert db.rows("versions")


def test_values_are_bound_by_name(lake, server):
    odd = 'it\'s ${x} \\ "q" :y $z'
    with attach(lake, engine=server.url) as db:
        assert db.sql("SELECT $value AS v", {"value": odd}).fetchall() == [(odd,)]
        assert db.sql("SELECT '$other' AS v", {"value": odd}).fetchall() == [("$other",)]
        with pytest.raises(QueryError, match="by name"):
            db.sql("SELECT ?", [odd])


def test_a_server_that_keeps_nothing_answers_the_same(lake):
    answers = []
    with sail(keeps=False) as forgetful, attach(lake, engine=forgetful.url) as db, attach(lake) as own:
        for of in (db, own):
            with of.session() as engine:  # one working table: what needs many takes such a server minutes
                materialize(engine, "met", "SELECT agent, count(*) AS n FROM contests GROUP BY agent")
                answers.append(engine.execute("SELECT agent, n FROM met ORDER BY agent NULLS LAST").fetchall())
    assert answers[0] == answers[1]
    assert len(answers[0]) > 1


def test_two_sessions_do_not_meet(lake, server):
    with attach(lake, engine=server.url) as one, attach(lake, engine=server.url) as other:
        some, every = analysis.effectiveness(one, "all", agents=["syntax"]), analysis.effectiveness(other, "all")
        assert [a.agent for a in some.agents] == ["syntax"]
        assert len(every.agents) > 1


def test_what_needs_duckdb_says_so(lake, server, tmp_path):
    with attach(lake, engine=server.url) as db, unchanged(tmp_path):
        for ask in (lambda: analysis.usage(db), lambda: export.write(db, tmp_path), lambda: db.filter(users=["ann"])):
            with pytest.raises(ParameterError, match="without engine"):
                ask()


def test_without_the_client_a_sentence_says_what_to_install(lake, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "pyspark"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ExtensionError, match=r'pip install "dbtools\[spark\]"'):
        attach(lake, engine="sc://127.0.0.1:1")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory, server) -> dict[str, Path]:
    """Build one project three times: over SQLite, over a lake, and over the lake by way of the server."""
    top = tmp_path_factory.mktemp("projects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(top / "cache"))
        demo.build(top / "sqlite")
        shutil.copytree(top / "sqlite", top / "lake")
        with attach(top / "sqlite", texts=False) as db:
            export.write(db, top / "lake" / "data", formats=("parquet",), partition_by="month")
    (top / "lake" / "prompter.db").unlink()
    shutil.copytree(top / "lake", top / "server")
    for name, more in (("lake", ""), ("server", f'engine = "{server.url}"\n')):
        config = top / name / "dbtools.toml"
        kept = "".join(line for line in config.read_text().splitlines(True) if not line.startswith("database"))
        config.write_text(kept.replace("[project]\n", f'[project]\ndatabase = "data"\n{more}'))
    return {name: top / name for name in ("sqlite", "lake", "server")}


def test_an_audit_finds_the_same_and_says_what_it_cannot_ask(projects):
    found = {name: audit.run(Project.find(root)) for name, root in projects.items()}
    expected = found["sqlite"].to_dict()
    for name in ("lake", "server"):
        report = found[name].to_dict()
        reasons = {**report["not_applicable"], **report["unanswered"]}
        silent = set(reasons) - set(expected["not_applicable"])
        assert silent == {
            "change-type-differs", "csv-unique-demo-rows", "csv-unique-rows",  # they read the texts
            "cut-texts", "email-in-text", "mojibake", "password-in-text", "refusal-text",
            "foreign-keys", "lost-constraint", "schema-drift",  # they read SQLite's own schema
        }  # fmt: skip
        assert all(re.search("texts|lake", reasons[check]) for check in silent)
        kept = {check: n for check, n in expected["checks"].items() if check not in silent}
        assert report["checks"] == kept
        for part in ("provenance", "scales", "tables", "generation", "migrated"):
            assert report[part] == expected[part]
        samples = {f.check.id: f.sample for f in found["sqlite"].findings if f.check.id not in silent}
        assert {f.check.id: f.sample for f in found[name].findings if f.check.id not in silent} == samples
        assert len(found[name].rows("head-score-differs")) == report["checks"]["head-score-differs"]


def test_the_command_line_records_the_same_numbers(projects, tmp_path, capsys):
    run = ["run", "effectiveness", "audit", "--root", str(projects["server"]), "--out", str(tmp_path)]
    assert cli.main(run) == 0, capsys.readouterr().err
    found = json.loads((tmp_path / "effectiveness.json").read_text())
    with attach(projects["sqlite"], texts=False) as db:
        expected = json.loads(json.dumps(plain(analysis.effectiveness(db).to_dict())))
    assert_alike({key: found[key] for key in expected}, expected)
    assert "head-score-differs" in (tmp_path / "audit.json").read_text()


def test_a_dead_server_ends_the_command_line_with_2_and_one_sentence(projects, tmp_path, capsys):
    root = Path(shutil.copytree(projects["lake"], tmp_path / "project"))
    config = root / "dbtools.toml"
    config.write_text(
        config.read_text().replace("[project]\n", f'[project]\nengine = "sc://127.0.0.1:{free_port()}"\n')
    )
    assert cli.main(["run", "audit", "--root", str(root), "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f'engine = "sc://h:1/;token={TOKEN}"', "SPARK_CONNECT_AUTHENTICATE_TOKEN"),
        (f'engine = "sc://h:1/?token={TOKEN}"', "SPARK_CONNECT_AUTHENTICATE_TOKEN"),
        ('database = "prompter.db"\nengine = "sc://h:1"', "needs a lake"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_sentence(tmp_path, line, words):
    demo.build(tmp_path / "p")
    config = tmp_path / "p" / "dbtools.toml"
    config.write_text(
        config.read_text().replace("[project]\n", f"[project]\n{line}\n").replace('database = "prompter.db"\n', "", 1)
    )
    with pytest.raises(ProjectError, match=words) as caught:
        Project.find(tmp_path / "p")
    assert TOKEN not in str(caught.value)
