"""What a user types can neither change a file nor read another one."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from support import USERS, assert_sentence, make_database, unchanged

from dbtools import attach
from dbtools.analysis import effectiveness
from dbtools.database import Database, sql
from dbtools.errors import DatabaseError, ParameterError, QueryError

# {db}: the prompter database, {cache}: the kept copy, {csv}: a file, {new}: a path where nothing is.
FILES = [
    "ATTACH '{db}' AS rw (TYPE sqlite)",
    "ATTACH '{db}' AS ro (TYPE sqlite, READ_ONLY)",
    "ATTACH '{new}' AS fresh",
    "ATTACH '{cache}' AS rw",
    "ATTACH 'https://example.invalid/x.db' AS web",
    "CALL sqlite_attach('{db}')",
    "COPY prompts TO '{new}'",
    "COPY (SELECT 1) TO '{new}' (FORMAT parquet)",
    "COPY t FROM '{csv}'",
    "EXPORT DATABASE '{new}'",
    "IMPORT DATABASE '{new}'",
    "INSTALL sqlite",
    "INSTALL httpfs FROM community",
    "LOAD sqlite",
    "LOAD '{new}'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{new}'",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "PRAGMA enable_logging",
    "PRAGMA database_list; ATTACH '{db}' AS rw (TYPE sqlite)",
    "EXPLAIN ANALYZE COPY prompts TO '{new}'",
    "UPDATE cache.main.prompts SET user_id = 'x'",
    "INSERT INTO cache.main.heads SELECT * FROM cache.main.heads",
    "DELETE FROM cache.main.scores",
    "DROP TABLE cache.main.prompts",
    "CREATE TABLE cache.main.x (a INTEGER)",
    "CREATE SECRET s (TYPE http)",
    "ATTACH 'dbname=x' AS pg (TYPE postgres)",
    "FORCE INSTALL httpfs",
    "LOAD httpfs",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "SET GLOBAL memory_limit = '1GB'",
    "RESET lock_configuration",
    "TRUNCATE cache.main.prompts",
    "INSERT INTO cache.main.heads SELECT * FROM cache.main.heads RETURNING *",
    "WITH x AS (DELETE FROM cache.main.heads RETURNING *) SELECT * FROM x",
]
READS = [
    "SELECT * FROM sqlite_scan('{db}', 'users')",
    "SELECT * FROM sqlite_query('{db}', 'SELECT * FROM users')",
    "SELECT * FROM read_text('{csv}')",
    "SELECT * FROM read_blob('{db}')",
    "SELECT * FROM read_csv('{csv}')",
    "SELECT * FROM read_json('{csv}')",
    "SELECT * FROM read_parquet('{csv}')",
    "SELECT * FROM '{csv}'",
    "FROM '{csv}'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_csv('https://example.invalid/x.csv')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM frame_of_the_caller",
    "SELECT getenv('HOME')",
    "SELECT * FROM query('SELECT * FROM read_text(''{csv}'')')",
    "SELECT * FROM query_table('{csv}')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{csv}')",
    "WITH stolen AS (SELECT * FROM read_text('{csv}')) SELECT * FROM stolen",
    "SELECT * FROM postgres_scan('dbname=x', 'public', 't')",
    "SELECT * FROM read_ndjson('{csv}')",
    "SELECT * FROM read_json_objects('{csv}')",
    "SELECT * FROM read_duckdb('{db}')",
    "SELECT * FROM parquet_metadata('{csv}')",
    "SELECT * FROM parquet_schema('{csv}')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{csv}'')'))",
    "SELECT * FROM query('ATTACH ''{db}'' AS rw (TYPE sqlite)')",
    "FROM 'hf://datasets/x/y.csv'",
    "FROM 'file://{csv}'",
    "SUMMARIZE '{csv}'",
    "DESCRIBE '{csv}'",
    "DESCRIBE SELECT * FROM read_csv('{csv}')",
    "EXPLAIN SELECT * FROM read_csv('{csv}')",
]
# These are refused when their rows are fetched.
LATE = ["SELECT * FROM sniff_csv('{csv}')", "SELECT * FROM which_secret('s3://x', 's3')"]
CHANGES = [
    "CALL enable_logging()",
    "COPY FROM DATABASE cache TO memory",
    "ATTACH ':memory:' AS more",
    "CREATE TABLE mine (a INTEGER)",
    "CREATE OR REPLACE VIEW prompts AS SELECT 1 AS id",
    "CREATE MACRO competes(source) AS true",
    "DROP VIEW prompts",
    "ALTER VIEW prompts RENAME TO p",
    "DETACH cache",
    "USE cache",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "EXPLAIN ANALYZE DROP VIEW prompts",
    "/* */ explain (analyse) DROP VIEW prompts",
    "SELECT 1; DROP VIEW prompts",
    "",
    "-- nothing",
    "SELEC 1",
    "SELECT * FROM no_such_relation",
    "SELECT ?",
]
READABLE = [
    "SELECT count(*) FROM prompts",
    "  -- a comment\n SELECT 1;",
    "FROM prompts",
    "WITH p AS (SELECT * FROM prompts) SELECT count(*) FROM p",
    "SELECT * FROM prompts UNION ALL SELECT * FROM prompts",
    "DESCRIBE prompts",
    "SUMMARIZE prompts",
    "SHOW TABLES",
    "EXPLAIN SELECT * FROM prompts",
    "VALUES (1), (2)",
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    path = make_database(place / "prompter.db")
    (place / "secret.csv").write_text("a,b\n1,canary\n", "utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(USERS)
    return place


@pytest.fixture
def db(place: Path) -> Iterator[Database]:
    with attach(place / "prompter.db") as database:
        yield database


def fill(statement: str, place: Path, cache: Path) -> str:
    (kept,) = cache.rglob("*.duckdb")
    return statement.format(db=place / "prompter.db", csv=place / "secret.csv", new=place / "new", cache=kept)


@pytest.mark.slow
def test_every_way_out_is_refused_in_one_sentence_and_changes_nothing(db: Database, place: Path, cache: Path) -> None:
    frame_of_the_caller = pd.DataFrame({"a": [1]})
    assert len(frame_of_the_caller) == 1
    with unchanged(place), unchanged(cache):
        for statement in FILES + READS + CHANGES:
            query = fill(statement, place, cache)
            with pytest.raises(QueryError) as caught:
                db.sql(query).fetchall()
            assert_sentence(caught.value, query)
            assert "canary" not in str(caught.value)
        assert db.rows("prompts") == 2
        assert db.rows("contests") == 6


@pytest.mark.slow
def test_the_connection_itself_refuses_what_touches_files(db: Database, place: Path, cache: Path) -> None:
    import duckdb

    frame_of_the_caller = pd.DataFrame({"a": [1]})
    assert len(frame_of_the_caller) == 1
    with unchanged(place), unchanged(cache):
        db._connection.execute("CREATE TEMP TABLE t (a VARCHAR, b VARCHAR)")
        for statement in FILES + READS:
            if not statement.startswith(("PRAGMA", "CREATE SECRET")):
                with pytest.raises(duckdb.Error):
                    db._connection.execute(fill(statement, place, cache)).fetchall()
    assert db.rows("prompts") == 2


@pytest.mark.slow
def test_what_is_refused_only_on_fetching_is_refused_too(db: Database, place: Path, cache: Path) -> None:
    with unchanged(place), unchanged(cache):
        for statement in LATE:
            with pytest.raises(QueryError) as caught:
                db.sql(fill(statement, place, cache)).fetchall()
            assert "canary" not in str(caught.value)


@pytest.mark.slow
def test_sql_reads_no_file_and_not_even_its_own_copy(db: Database, cache: Path) -> None:
    (copy,) = cache.rglob("*.duckdb")
    with pytest.raises(QueryError, match='"read_blob" is not allowed'):
        db.sql("SELECT size FROM read_blob(?)", [str(copy)])


@pytest.mark.slow
def test_a_text_that_is_no_utf8_is_refused_as_statement_and_as_value(db: Database) -> None:
    for query, values in (("SELECT '\udcff'", None), ("SELECT ?", ["\udcff"])):
        with pytest.raises(QueryError) as caught:
            db.sql(query, values)
        str(caught.value).encode()


@pytest.mark.slow
def test_a_relation_can_be_refined_but_not_written_anywhere(db: Database, place: Path) -> None:
    relation = db.sql("SELECT source, version_no FROM versions")
    assert relation.filter("version_no = 1").aggregate("count(*) AS n").fetchall() == [(2,)]
    with unchanged(place):
        for write in (relation.write_csv, relation.write_parquet):
            with pytest.raises(QueryError):
                write(str(place / "new"))
        with pytest.raises(QueryError):
            relation.query("r", f"ATTACH '{place / 'prompter.db'}' AS rw (TYPE sqlite)")


@pytest.mark.slow
def test_what_reads_the_relations_is_allowed(db: Database) -> None:
    for query in READABLE:
        assert db.sql(query).fetchall()


@pytest.mark.slow
def test_values_are_bound_whatever_they_hold(db: Database) -> None:
    hostile = "x'; DROP VIEW prompts; --"
    assert db.sql("SELECT ?::VARCHAR", [hostile]).fetchall() == [(hostile,)]
    assert db.sql("SELECT count(*) FROM versions WHERE source = $agent", {"agent": "syntax"}).fetchall() == [(2,)]
    assert db.sql("SELECT count(*) FROM versions WHERE source = ?", [hostile]).fetchall() == [(0,)]


def test_an_unknown_relation_is_one_sentence_that_lists_the_known(db: Database) -> None:
    for name in ("users", "nothing", 'prompts"; DROP VIEW prompts; --', ""):
        with pytest.raises(ParameterError) as caught:
            db.frame(name)
        assert_sentence(caught.value, name)
        assert "scored_versions" in str(caught.value)


@pytest.mark.slow
def test_relations_and_frames_are_offered_by_name(db: Database) -> None:
    offered = {"prompts", "versions", "scores", "heads", "feedback", "token_usage", "security_inputs"}
    assert offered | {"scored_versions", "contests", "provenance", "prices", "ratings"} == set(db.relations)
    for relation in db.relations:
        assert len(db.frame(relation)) == db.rows(relation)
    with db.filter(since="2000-01-01") as some:
        assert some.relations == db.relations


@pytest.mark.slow
def test_what_was_fetched_outlives_the_database_and_closing_twice_is_harmless(place: Path) -> None:
    with attach(place / "prompter.db") as db:
        frame, rows = db.frame("versions"), db.sql("SELECT source FROM versions").fetchall()
    db.close()
    assert len(frame) == len(rows) == 6


@pytest.mark.slow
def test_its_repr_says_where_it_comes_from(db: Database, place: Path) -> None:
    assert str(place / "prompter.db") in repr(db)
    assert "G4 created" in repr(db)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sql", "session", "workspace", "temporary"])
def test_ctrl_c_while_duckdb_works_is_a_keyboard_interrupt_at_once(way: str, place: Path) -> None:
    long = "SELECT count(*) FROM range(100_000_000_000) AS r (n) WHERE hash(n) % 7 = 9"

    def work() -> None:
        if way == "sql":
            db.sql(long).fetchall()
        elif way == "temporary":
            with sql.temporary_duckdb("It failed", "x", DatabaseError) as connection:
                connection.execute(long)
        else:
            with getattr(db, way)() as connection:
                connection.execute(long)

    with attach(place / "prompter.db") as db:
        key = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        key.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                work()
        finally:
            key.join()
        assert db.sql("SELECT 42").fetchall() == [(42,)]


def test_a_closed_database_and_an_attribute_that_there_is_not_get_a_sentence(tmp_path):
    db = attach(make_database(tmp_path / "prompter.db"))
    with pytest.raises(AttributeError, match=r"no attribute 'versions'; use db\.frame\('versions'\)"):
        db.versions  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'verions'; dir\(db\)"):
        db.verions  # noqa: B018
    db.close()
    db.close()
    db.interrupt()
    for use in (lambda: db.sql("SELECT 1"), lambda: db.frame("versions"), lambda: effectiveness(db)):
        with pytest.raises(DatabaseError) as caught:
            use()
        assert_sentence(caught.value, str(tmp_path / "prompter.db"))
