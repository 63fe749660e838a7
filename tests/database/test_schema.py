from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import GENERATIONS, USERS, make_database, unchanged

from dbtools import attach
from dbtools.database import schema

SHAPES = [(generation, migrated) for generation in GENERATIONS for migrated in (False, True)]
TABLES = {table.relation: table.name for table in schema.TABLES}
COLUMNS = """
prompts: id UUID, user_id VARCHAR, request_id VARCHAR, original_text VARCHAR, created_at TIMESTAMP
versions: id UUID, prompt_id UUID, version_no BIGINT, text VARCHAR, explanation VARCHAR, source VARCHAR, \
created_at TIMESTAMP, parent_version_id UUID, change_type VARCHAR, change_magnitude DOUBLE
scores: id UUID, prompt_version_id UUID, clarity DOUBLE, specificity DOUBLE, actionability DOUBLE, structure DOUBLE, \
context_use DOUBLE, feedback VARCHAR, created_at TIMESTAMP
heads: prompt_id UUID, prompt_version_id UUID, score DOUBLE, updated_at TIMESTAMP
feedback: id UUID, request_id VARCHAR, user_id VARCHAR, prompt_id UUID, user_choice VARCHAR, judge_winner VARCHAR, \
agent_winner VARCHAR, judge_correct BOOLEAN, created_at TIMESTAMP
token_usage: id UUID, prompt_version_id UUID, prompt_tokens BIGINT, completion_tokens BIGINT, total_tokens BIGINT, \
model VARCHAR, cost_usd DOUBLE, created_at TIMESTAMP
security_inputs: id UUID, user_id VARCHAR, input_text VARCHAR, risk_score DOUBLE, label VARCHAR, is_blocked BOOLEAN, \
analysis_metadata VARCHAR, created_at TIMESTAMP
""".strip()


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def read_tables(path: Path) -> dict[str, schema.TableFacts]:
    with closing(sqlite3.connect(path)) as connection:
        return schema.read_tables(connection)


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_every_generation_attaches_with_all_its_rows_and_the_same_types(
    tmp_path: Path, generation: str, migrated: bool
) -> None:
    path = make_database(tmp_path / "prompter.db", generation, migrated)
    level = GENERATIONS.index(generation)
    with unchanged(tmp_path), attach(path) as db:
        assert db.origin["generation"] == generation
        assert db.origin["migrated"] == (migrated and level >= 2)
        for line in COLUMNS.splitlines():
            relation, columns = line.split(": ")
            described = db.sql(f"DESCRIBE {relation}").fetchall()
            wanted = [tuple(column.split()) for column in columns.split(", ")]
            assert [row[:2] for row in described][: len(wanted)] == wanted
            rows = db.origin["tables"].get(TABLES[relation], 0)
            assert db.rows(relation) == rows
        present = read(path, "SELECT count(*) FROM sqlite_master WHERE type = 'table'")
        assert len(db.origin["tables"]) == present[0][0] == 4 + sum(level >= step for step in (1, 3, 4))
        assert db.rows("unreadable_cells") == 0
        assert db.rows("scored_versions") == db.rows("contests") == 6
    versions = read(path, "SELECT lower(id), version_no, text, explanation, source FROM prompt_versions ORDER BY id")
    with attach(path) as db:
        query = "SELECT replace(id::VARCHAR, '-', ''), version_no, text, explanation, source FROM versions ORDER BY 1"
        assert db.sql(query).fetchall() == versions


def test_a_column_the_generation_lacks_is_null_and_not_unreadable(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", "G0")
    with attach(path) as db:
        assert db.sql("SELECT count(request_id) FROM prompts").fetchall() == [(0,)]
        assert db.sql("SELECT count(parent_version_id), count(change_magnitude) FROM versions").fetchall() == [(0, 0)]
        assert db.sql("SELECT * FROM security_inputs").fetchall() == []
        assert db.rows("unreadable_cells") == 0


def test_the_column_that_was_called_metadata_for_a_day_is_the_same_column(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", "G1", metadata="metadata")
    with attach(path) as db:
        assert db.origin["generation"] == "G1"
        query = "SELECT DISTINCT analysis_metadata FROM security_inputs"
        assert db.sql(query).fetchall() == read(path, "SELECT DISTINCT metadata FROM security_inputs")


def test_only_ordinary_tables_are_described_and_names_are_compared_without_case(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE Prompts (ID INTEGER PRIMARY KEY AUTOINCREMENT, "odd ""name" TEXT);
            INSERT INTO Prompts VALUES (1, 'a'), (2, 'b');
            CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
            CREATE TABLE strict_keyed (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID, STRICT;
            CREATE VIEW seen AS SELECT * FROM Prompts;
            CREATE VIRTUAL TABLE words USING fts5(body);
        """)
    tables = read_tables(path)
    assert {"seen", "words", "sqlite_sequence"}.isdisjoint(tables)
    assert tables["prompts"].rows == 2
    assert tables["prompts"].names() == {"id": "ID", 'odd "name': 'odd "name'}
    assert {n: tables[n].row_ids for n in ("prompts", "keyed", "strict_keyed")} == {
        "prompts": True,
        "keyed": False,
        "strict_keyed": False,
    }


def test_credentials_are_not_on_the_list_of_what_may_be_read() -> None:
    names = {column.name for table in schema.TABLES for column in table.columns}
    assert "users" not in TABLES.values()
    assert not [n for n in names if any(word in n for word in ("password", "secret", "email", "login", "token_reset"))]


@pytest.mark.slow
def test_a_stray_users_table_is_counted_and_nothing_more(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(USERS)
        connection.execute("INSERT INTO users (username, email, hashed_password) VALUES ('a', 'b', 'c')")
        connection.commit()
    with attach(path) as db:
        assert db.origin["tables"]["users"] == 1
        assert "users" not in db.relations


def test_columns_are_found_in_any_case_and_any_order(tmp_path: Path) -> None:
    path = tmp_path / "prompter.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE PROMPTS (Original_Text TEXT, extra BLOB, ID TEXT);
            CREATE TABLE Prompt_Versions (source TEXT, TEXT TEXT, Version_No INTEGER, prompt_ID TEXT, Id TEXT);
            INSERT INTO PROMPTS VALUES ('hello', x'00', '00000000000000000000000000000001');
        """)
    with attach(path) as db:
        assert db.sql("SELECT original_text, id::VARCHAR FROM prompts").fetchall() == [
            ("hello", "00000000-0000-0000-0000-000000000001")
        ]
        assert "extra" not in db.frame("prompts").columns
