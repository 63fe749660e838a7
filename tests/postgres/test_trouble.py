"""What a server may do to a reader: refuse, lock, change, die. One sentence, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from support import assert_sentence, hex_id, make_database, unchanged
from twins import make_database as copy_database

from dbtools import Project, attach, audit
from dbtools.cli import main
from dbtools.database import postgres
from dbtools.errors import BusyError, DatabaseError, DbtoolsError, ParameterError, QueryError
from dbtools.server import Server, parse

pytestmark = pytest.mark.usefixtures("access")
WRITTEN = ("prompts", "versions", "scores", "heads")


@pytest.fixture(scope="module")
def database(server: servers.Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Put a small database on the server; the tests may write to it."""
    source = make_database(tmp_path_factory.mktemp("small") / "prompter.db", prompts=3)
    copy_database(server, "small", source, "created")
    server.psql("CREATE ROLE small_reader LOGIN PASSWORD 'reader'")
    yield "small"


@pytest.fixture
def address(server: servers.Postgres, database: str) -> Server:
    """Return where the small database is."""
    return parse(server.url(database))[0]


def add(number: int) -> str:
    """Return the statements that add a prompt with a version, its score and its head."""
    prompt, version, now = hex_id("more", number), hex_id("more", number, "v"), "'2025-12-06'"
    return (
        f"INSERT INTO prompts VALUES ('{prompt}', NULL, NULL, 'more', {now});"
        f"INSERT INTO prompt_versions VALUES ('{version}', '{prompt}', 1, 'more', '{{}}', 'syntax', {now});"
        f"INSERT INTO judge_scores VALUES (gen_random_uuid(), '{version}', 1, 1, 1, 1, 1, '{{}}', {now});"
        f"INSERT INTO best_heads VALUES ('{prompt}', '{version}', 5, {now})"
    )


def left(cache: Path) -> list[str]:
    """Return what a failed load left in the cache: nothing but empty folders is right."""
    return [str(p) for p in cache.glob("attach/*/*") if p.is_file() or not p.name.startswith("spill-")]


def refused(source: object, kind: type[DbtoolsError] = DatabaseError, timeout: float = 5.0) -> str:
    with pytest.raises(kind) as caught:
        attach(source, timeout=timeout, progress=False)  # type: ignore[arg-type]
    assert_sentence(caught.value, parse(str(source))[0])
    assert "canarypg" not in str(caught.value)
    return str(caught.value)


def test_what_the_server_refuses_is_said_in_one_sentence(
    server: servers.Postgres, database: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    assert 'password authentication failed for user "postgres"' in refused(server.url(database, secret="canarypg1"))
    assert 'password authentication failed for user "nobody"' in refused(server.url(database, "nobody", "canarypg1"))
    assert 'database "absent" does not exist' in refused(server.url("absent"))
    assert "tables: none" in refused(server.url("template1"))
    assert "Connection refused" in refused(f"postgresql://me:canarypg1@127.0.0.1:{servers.free_port()}/d")
    assert "server does not support SSL" in refused(f"{server.url(database)}?sslmode=require")
    monkeypatch.delenv("PGPASSWORD")
    assert "no password supplied" in refused(server.url(database))
    assert not left(cache)


def test_an_engine_that_reads_lakes_cannot_be_asked_of_it(server: servers.Postgres, database: str) -> None:
    url = server.url(database)
    with pytest.raises(ParameterError, match="reads a lake, not a PostgreSQL database") as caught:
        attach(url, engine="sc://localhost:15002")
    assert_sentence(caught.value, parse(url)[0])


def test_a_wrong_password_is_status_two_for_the_command_line_and_nothing_is_written(
    server: servers.Postgres,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canarypg1")
    (tmp_path / "dbtools.toml").write_text(f'[project]\ndatabase = "{server.url(database)}"\n')
    with unchanged(tmp_path):
        assert main(["run", "audit", "--root", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    assert "password authentication failed" in printed.err
    assert "canarypg1" not in printed.out + printed.err


def test_the_password_may_come_from_any_of_the_usual_places(
    server: servers.Postgres, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.parse import quote

    monkeypatch.delenv("PGPASSWORD")
    with attach(server.url(database, secret=quote(servers.PASSWORD, safe=""))) as db:
        assert servers.PASSWORD not in repr(db) + str(db.origin)
    monkeypatch.setenv("DATABASE_URL", server.url(database, secret=quote(servers.PASSWORD, safe="")))
    (tmp_path / "dbtools.toml").write_text(f'[project]\ndatabase = "{server.url(database)}"\n')
    for project in (Project.find(tmp_path), server.url(database)):
        attach(project).close()
    monkeypatch.delenv("DATABASE_URL")
    secret = servers.PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:{server.port}:*:postgres:{secret}\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    monkeypatch.delenv("PGHOST")
    monkeypatch.setenv("PGPASSWORD", "canarypg1")  # meant for another server
    attach(Project.find(tmp_path)).close()


def test_a_locked_table_is_waited_for_and_then_reported(server: servers.Postgres, database: str, cache: Path) -> None:
    with server.session(database, "BEGIN; LOCK TABLE judge_scores"):
        assert "locked by another session" in refused(server.url(database), BusyError, timeout=0.3)
    assert not left(cache)


def wait_for_lock(server: servers.Postgres) -> int:
    """Return the process on the server that waits for a lock."""
    for _ in range(2400):  # a busy machine is no fault
        found = server.psql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        if found:
            return int(found)
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_what_is_committed_while_the_tables_are_read_is_not_seen_at_all(
    server: servers.Postgres, database: str
) -> None:
    counts: dict[str, int] = {}

    def read() -> None:
        with attach(server.url(database), timeout=60, progress=False) as db:
            counts.update({name: db.rows(name) for name in WRITTEN})

    with attach(server.url(database)) as before:
        expected = {name: before.rows(name) for name in WRITTEN}
    with server.session(database, add(100)), server.session(database, "BEGIN; LOCK TABLE best_heads") as do:
        reader = threading.Thread(target=read)  # begins, as the state is no longer the one that was kept
        reader.start()
        wait_for_lock(server)
        do(add(1))
        do("COMMIT")
        reader.join(60)
    assert counts == {name: rows + 1 for name, rows in expected.items()}
    with attach(server.url(database)) as after:
        assert {name: after.rows(name) for name in WRITTEN} == {name: rows + 2 for name, rows in expected.items()}


def test_transactions_are_seen_wholly_whenever_one_attaches(server: servers.Postgres, database: str) -> None:
    script = "".join(f"BEGIN; {add(number)}; COMMIT;\n" for number in range(1000, 1600))
    writer = threading.Thread(target=server.psql, args=(script, database))
    writer.start()
    seen = []
    while writer.is_alive():
        with attach(server.url(database), progress=False) as db:
            counts = {db.rows("prompts"), db.rows("heads"), db.rows("versions") - 6, db.rows("scores") - 6}
            assert len(counts) == 1, counts
            seen += counts
    writer.join()
    assert seen == sorted(seen)


def test_no_commit_is_missed_and_no_state_read_twice(server: servers.Postgres, database: str, address: Server) -> None:
    def look() -> tuple[str, int]:
        with attach(server.url(database), progress=False) as db:
            assert postgres.fingerprint(address) == db.origin["fingerprint"]
            return db.origin["fingerprint"], db.rows("prompts")

    first = look()
    assert look() == first
    with server.session(database, f"BEGIN; {add(2000)}") as early:  # its number is lower than that of the next
        running = look()
        server.psql(add(2001), database)
        between = look()
        early("COMMIT")
        late = look()
    assert [rows - first[1] for _, rows in (running, between, late)] == [0, 1, 2]
    assert len({first[0], between[0], late[0]}) == 3
    assert running[0] != between[0]
    server.psql("UPDATE prompts SET user_id = 'x'", database)
    assert look()[0] != late[0]


def test_a_standby_is_read_anew_where_it_cannot_prove_that_nothing_was_committed(
    server: servers.Postgres, database: str
) -> None:
    def look(expected: int) -> str:
        for _ in range(600):  # a standby lags behind
            with attach(follower.url(database), progress=False) as db:
                if db.rows("prompts") == expected:
                    return str(db.origin["fingerprint"])
            time.sleep(0.05)
        raise AssertionError("it does not follow")

    rows = int(server.psql("SELECT count(*) FROM prompts", database))
    with servers.standby(server) as follower:
        assert look(rows) == look(rows)
        with (
            server.session(database, f"BEGIN; {add(3000)}") as early,
            server.session(database, f"BEGIN; {add(3001)}") as late,
        ):
            server.psql(add(3002), database)
            assert look(rows + 1) != look(rows + 1)
            late("COMMIT")
            assert look(rows + 2)
            early("COMMIT")
            assert look(rows + 3) == look(rows + 3)


def test_a_server_killed_in_mid_query_leaves_one_sentence_and_no_file(
    server: servers.Postgres, database: str, address: Server, cache: Path
) -> None:
    known = postgres.fingerprint(address)
    said: list[str] = []
    with server.session(database, "BEGIN; LOCK TABLE judge_scores"):
        reader = threading.Thread(target=lambda: said.append(refused(server.url(database), timeout=60)))
        reader.start()
        os.kill(wait_for_lock(server), signal.SIGKILL)  # after which the server ends all others and begins anew
        reader.join(60)
    assert "server closed the connection unexpectedly" in said[0]
    assert not left(cache)
    for _ in range(600):
        server.wait()
        try:
            with attach(server.url(database)) as db:
                # Nothing was written; but numbers of transactions may be given twice after a crash.
                assert db.origin["fingerprint"] != known
            break
        except DatabaseError as error:
            assert "in recovery mode" in str(error) or "starting up" in str(error), error
            time.sleep(0.05)


def test_a_dying_server_is_status_two_for_the_command_line(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    command = [sys.executable, "-m", "dbtools.cli", "run", "effectiveness", "--root", root, "--out", root / "out"]
    with servers.postgres() as own:
        monkeypatch.setenv("PGPORT", own.url("small").rsplit(":", 1)[1].split("/")[0])
        copy_database(own, "small", make_database(tmp_path / "prompter.db"), "created")
        (root / "dbtools.toml").write_text(f'[project]\ndatabase = "{own.url("small")}"\n')
        with (
            own.session("small", "BEGIN; LOCK TABLE judge_scores"),
            unchanged(root),
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run,
        ):
            wait_for_lock(own)
            own.process.kill()
            _, printed = run.communicate(timeout=120)
    assert run.returncode == 2
    own_words = [line for line in printed.splitlines() if line.startswith("dbtools: ")]
    assert len(own_words) == 1, printed  # a kernel that is stopped as it starts has words of its own
    assert "server closed the connection unexpectedly" in own_words[0]
    assert not left(cache)


def test_nothing_can_be_written_through_any_door(server: servers.Postgres, database: str, address: Server) -> None:
    before = server.psql("SELECT count(*) FROM prompts", database)
    with attach(server.url(database)) as db:
        for statement in (
            "INSERT INTO prompts SELECT * FROM prompts",
            "DELETE FROM prompts",
            "SELECT * FROM postgres_query('source', 'DELETE FROM prompts RETURNING id')",
            f"ATTACH '{server.url(database)}' AS pg (TYPE postgres)",
            "CALL postgres_execute('source', 'DELETE FROM prompts')",
        ):
            with pytest.raises(QueryError):
                db.sql(statement)
    for statement in (
        "DELETE FROM source.public.prompts",
        "FROM postgres_query('source', 'DELETE FROM prompts RETURNING id')",
        "CALL postgres_execute('source', 'DELETE FROM prompts')",
    ):
        with pytest.raises(Exception, match=r"read-only|syntax error"), postgres.opened(address) as (connection, _):
            connection.execute(statement)
    assert server.psql("SELECT count(*) FROM prompts", database) == before


def test_a_role_that_may_only_read_is_enough_and_what_it_may_not_read_is_left_alone(
    server: servers.Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "reader")
    url = server.url(database, "small_reader")
    assert "No permission to read the table best_heads" in refused(url)
    server.psql(
        f"GRANT SELECT ON {', '.join(servers.TABLES)} TO small_reader; CREATE TABLE users (secret text)", database
    )
    with attach(url) as db:
        assert db.rows("prompts") >= 3
        assert "users" not in db.origin["tables"]
    server.psql("GRANT SELECT ON users TO small_reader", database)
    with attach(url) as db:
        assert db.origin["tables"]["users"] == 0
    server.psql("ALTER TABLE prompts ENABLE ROW LEVEL SECURITY", database)
    assert "row-level security policy" in refused(url)
    server.psql("ALTER TABLE prompts DISABLE ROW LEVEL SECURITY; DROP TABLE users", database)


def test_what_the_migrations_cannot_make_there_is_said_with_the_reason(
    server: servers.Postgres, tmp_path: Path
) -> None:
    copy_database(server, "early", make_database(tmp_path / "prompter.db"), "migrated")
    server.psql(
        "DROP TABLE user_feedback, token_usage; ALTER TABLE prompts DROP request_id;"
        "ALTER TABLE prompt_versions DROP parent_version_id, DROP change_type, DROP change_magnitude",
        "early",
    )
    (tmp_path / "prompter.db").unlink()
    (tmp_path / "dbtools.toml").write_text(f'[project]\ndatabase = "{server.url("early")}"\n')
    report = audit.run(Project.find(tmp_path)).to_dict()
    why = "as the application's migrations 003 to 005 fail on PostgreSQL"
    assert report["generation"] == "G1"
    assert report["not_applicable"]["negative-cost"].endswith(f"has no table token_usage, {why}")
    assert report["not_applicable"]["feedback-tautology"].endswith(f"has no table user_feedback, {why}")
    assert report["not_applicable"]["parent-self"].endswith(f"no column prompt_versions.parent_version_id, {why}")
    assert report["not_applicable"]["integrity"] == "not applicable: the database is a PostgreSQL server"


def test_odd_types_settings_and_schemas_change_no_value_and_hide_none(server: servers.Postgres, tmp_path: Path) -> None:
    copy_database(server, "odd", make_database(tmp_path / "prompter.db"), "created")
    server.psql(
        """
        CREATE SCHEMA app; ALTER TABLE prompts SET SCHEMA app; ALTER TABLE judge_scores SET SCHEMA app;
        CREATE DOMAIN app.key AS uuid; ALTER TABLE app.prompts ALTER id TYPE app.key;
        ALTER TABLE prompt_versions DROP CONSTRAINT prompt_versions_parent_version_id_fkey;
        ALTER TABLE prompt_versions ALTER version_no TYPE NUMERIC, ALTER parent_version_id TYPE TEXT;
        ALTER TABLE app.judge_scores ALTER clarity TYPE NUMERIC, ALTER created_at TYPE TEXT;
        UPDATE prompt_versions SET version_no = 1.5 WHERE version_no = 1;
        UPDATE app.judge_scores SET clarity = 'NaN' WHERE clarity > 7.5;
        UPDATE app.judge_scores SET specificity = 'Infinity', context_use = 0.1::float8 + 0.2 WHERE clarity < 7;
        UPDATE app.prompts SET created_at = 'infinity';
        CREATE TABLE heads_now (LIKE best_heads) PARTITION BY HASH (prompt_id);
        CREATE TABLE heads_1 PARTITION OF heads_now FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE heads_2 PARTITION OF heads_now FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO heads_now SELECT * FROM best_heads; DROP TABLE best_heads;
        ALTER TABLE heads_now RENAME TO best_heads;
        ALTER DATABASE odd SET search_path = public, app; ALTER DATABASE odd SET DateStyle = 'German';
        ALTER DATABASE odd SET extra_float_digits = -15; ALTER DATABASE odd SET TimeZone = 'Asia/Tokyo';
        """,
        "odd",
    )
    with attach(server.url("odd")) as db, attach(tmp_path / "prompter.db") as file:
        lost = db.sql(
            "SELECT relation, column_name, count(*) FROM unreadable_cells GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        assert lost == [("prompts", "created_at", 2), ("scores", "clarity", 2), ("versions", "version_no", 2)]
        assert {"heads_1", "heads_2"}.isdisjoint(db.origin["tables"])
        assert db.sql("SELECT DISTINCT specificity, context_use FROM scores WHERE clarity < 7").fetchall() == [
            (float("inf"), 0.1 + 0.2)
        ]
        for query in (
            "SELECT prompt_id, prompt_version_id, score, updated_at FROM heads ORDER BY ALL",
            "SELECT id, parent_version_id, created_at FROM versions ORDER BY ALL",
            "SELECT id, structure, created_at FROM scores ORDER BY ALL",
            "SELECT id, original_text FROM prompts ORDER BY ALL",
        ):
            assert db.sql(query).fetchall() == file.sql(query).fetchall()
    with attach(server.url("odd") + "?options=-c%20search_path%3Dapp%2Cpublic") as db:
        assert db.rows("prompts") == 2
    with pytest.raises(DatabaseError, match="no table prompts"):
        attach(server.url("odd") + "?options=-c%20search_path%3Dpublic")
