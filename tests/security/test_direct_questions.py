"""A question that is asked of the file itself reaches the relations and nothing else, though the scanner is loaded."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from support import USERS, make_database, unchanged

from dbtools.database import ask_facts
from dbtools.errors import ParameterError, QueryError

ESCAPES = (
    "SELECT * FROM sqlite_scan('{db}', 'users')",
    "SELECT * FROM sqlite_query('source', 'SELECT * FROM users')",
    "SELECT (SELECT count(*) FROM sqlite_scan('{db}', 'users')) FROM facts",
    "SELECT * FROM facts WHERE 1 IN (SELECT 1 FROM sqlite_scan('{db}', 'users'))",
    "WITH x AS (SELECT * FROM sqlite_scan('{db}', 'users')) SELECT * FROM x",
    "SELECT * FROM facts, sqlite_scan('{db}', 'users')",
    "SELECT * FROM facts POSITIONAL JOIN read_blob('{db}')",
    "(SELECT 1) UNION ALL (SELECT count(*) FROM read_text('{csv}'))",
    "SELECT * FROM source.users",
    "SELECT * FROM source.main.users",
    "FROM users",
    'SELECT * FROM "{csv}"',
    "FROM '{csv}'",
    "SELECT * FROM query('SELECT * FROM sqlite_scan(''{db}'', ''users'')')",
    "SELECT * FROM query_table('source.users')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "ATTACH '{db}' AS rw (TYPE sqlite)",
    "ATTACH '{db}' AS rw (TYPE sqlite); DELETE FROM rw.prompts",
    "SELECT 1; ATTACH '{db}' AS rw (TYPE sqlite)",
    "CALL sqlite_attach('{db}')",
    "COPY facts TO '{csv}.new'",
    "CREATE TABLE source.x (a INTEGER)",
    "INSERT INTO source.prompts SELECT * FROM source.prompts",
    "DROP VIEW facts",
    "SET threads = 1",
    "PRAGMA database_list",
    "EXPLAIN ANALYZE SELECT * FROM sqlite_scan('{db}', 'users')",
    "SUMMARIZE facts",
    "DESCRIBE SELECT * FROM sqlite_scan('{db}', 'users')",
    "SHOW ALL TABLES",
    "SELEC",
    "",
    "SELECT '\udcff'",
)


@pytest.fixture
def place(tmp_path):
    path = make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(USERS)
        connection.execute(
            "INSERT INTO users (id, username, email, hashed_password) VALUES (1, 'canary', 'x', 'canary')"
        )
    (tmp_path / "secret.csv").write_text("a\ncanary\n")
    return tmp_path


def test_every_way_out_is_refused_and_changes_nothing(place):
    with unchanged(place):
        for statement in ESCAPES:
            query = statement.format(db=place / "prompter.db", csv=place / "secret.csv")
            with pytest.raises((QueryError, ParameterError)) as caught:
                ask_facts(place / "prompter.db", query)
            assert "canary" not in str(caught.value)


def test_what_asks_for_relations_is_answered(place):
    for query in (
        "SELECT count(*) FROM facts",
        "WITH x AS (SELECT * FROM facts) SELECT count(*) FROM x JOIN facts USING (row_id)",
        "SELECT source, count(*) FROM facts GROUP BY ALL ORDER BY ALL",
        "SELECT * FROM (VALUES (1), (2))",
        "SELECT 1",
    ):
        assert ask_facts(place / "prompter.db", query)
