"""Facts read from the file itself are those of the loaded database, or are left to be loaded."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import DIMENSIONS, hex_id, insert, make_database, python, try_lock, unchanged

from dbtools import attach
from dbtools.database import ask_facts
from dbtools.database.sqlite import direct
from dbtools.database.sqlite.dbfile import sha256
from dbtools.errors import BusyError, DatabaseError, ParameterError, QueryError

ALL = "SELECT row_id, source, heads, total FROM facts ORDER BY row_id"
ROW_GROUP = 122_880  # the scanner's own
# Every transaction moves a mark from one version to the other: the sum stays.
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
while True:
    for by in (1, -1):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE judge_scores SET clarity = clarity + ? WHERE rowid = 1", [by])
        connection.execute("UPDATE judge_scores SET clarity = clarity - ? WHERE rowid = 4500", [by])
        connection.execute("COMMIT")
"""


def is_read_directly(path: Path) -> bool:
    """Tell whether the file itself can answer, without loading."""
    try:
        direct.read(path, lambda connection, _: connection.execute(ALL).fetchall(), 5)
    except direct.UnfitError:
        return False
    return True


def assert_same_as_loaded(path: Path, rows: int) -> None:
    """Prove that the file itself, its kept facts and the loaded relations say the same."""
    with unchanged(path.parent):
        found = ask_facts(path, ALL)
        with attach(path, only_facts=True, progress=False) as db:
            assert db.sql(ALL).fetchall() == found
    with attach(path, texts=False, progress=False) as db:
        assert db.sql(ALL).fetchall() == found
        assert len(db.relations) > 7
    assert len(found) == rows


@pytest.mark.parametrize("generation", ["G0", "G1", "G2", "G3", "G4"])
@pytest.mark.parametrize("migrated", [False, True])
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_every_generation_says_the_same_as_when_loaded(
    tmp_path: Path, generation: str, migrated: bool, journal: str
) -> None:
    path = make_database(tmp_path / "place.db", generation, migrated, prompts=5, journal=journal)
    assert is_read_directly(path)
    assert_same_as_loaded(path, 15)


def test_ids_in_other_spellings_and_scores_that_repeat_count_as_when_loaded(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=3)
    version = hex_id("version", 1, "syntax")
    dashed = f"{version[:8]}-{version[8:12]}-{version[12:16]}-{version[16:20]}-{version[20:]}"
    insert(path, "judge_scores", prompt_version_id=dashed.upper(), **dict.fromkeys(DIMENSIONS, 1))
    insert(path, "judge_scores", prompt_version_id="no id at all")
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 2), source="é\x00", version_no=9)
    assert is_read_directly(path)
    assert_same_as_loaded(path, 10)


@pytest.mark.parametrize(
    ("statement", "directly"),
    [
        ("UPDATE judge_scores SET clarity = 'N/A' WHERE rowid = 2", False),
        ("UPDATE judge_scores SET clarity = x'00' WHERE rowid = 2", False),
        ("UPDATE prompt_versions SET id = x'ff00' WHERE rowid = 2", False),
        ("UPDATE prompt_versions SET source = CAST(x'ff41' AS TEXT) WHERE rowid = 2", True),
        ("UPDATE judge_scores SET clarity = 9e999, structure = 7 WHERE rowid = 2", True),
        ("UPDATE judge_scores SET clarity = 0.1 + 0.2, structure = 5e-324 WHERE rowid = 2", True),
        ("ALTER TABLE prompt_versions ADD COLUMN note TEXT DEFAULT 'x'", True),
        ("ALTER TABLE prompt_versions ADD COLUMN rowid TEXT", False),
        (
            "CREATE TABLE t AS SELECT * FROM judge_scores; DROP TABLE judge_scores; "
            "ALTER TABLE t RENAME TO judge_scores",
            True,
        ),
        ("DROP TABLE best_heads", False),
        (
            "CREATE TABLE t (prompt_id TEXT PRIMARY KEY, prompt_version_id TEXT) WITHOUT ROWID; INSERT INTO t SELECT "
            "prompt_id, prompt_version_id FROM best_heads; DROP TABLE best_heads; ALTER TABLE t RENAME TO best_heads",
            False,
        ),
        (
            "CREATE TABLE t (id TEXT, prompt_version_id TEXT, clarity DECIMAL(4, 1), specificity REAL, "
            "actionability REAL, structure REAL, context_use REAL); INSERT INTO t SELECT id, prompt_version_id, 1.25, "
            "2, 3, 4, 5 FROM judge_scores; DROP TABLE judge_scores; ALTER TABLE t RENAME TO judge_scores",
            True,
        ),
        (
            "CREATE TABLE t (id TEXT, prompt_id TEXT, version_no INTEGER, text TEXT, explanation JSON, source DATE, "
            "created_at DATETIME); INSERT INTO t SELECT id, prompt_id, version_no, text, explanation, "
            "'2025-1-1', created_at FROM prompt_versions; DROP TABLE prompt_versions; "
            "ALTER TABLE t RENAME TO prompt_versions",
            False,
        ),
    ],
)
def test_what_cannot_be_read_as_it_lies_is_loaded(tmp_path: Path, statement: str, directly: bool) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=3)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    assert is_read_directly(path) == directly
    assert_same_as_loaded(path, 9)


@pytest.mark.parametrize("rows", [ROW_GROUP - 1, ROW_GROUP, ROW_GROUP + 1, 2 * ROW_GROUP])
@pytest.mark.parametrize("first", [1, -3])
def test_no_row_is_lost_whatever_the_row_ids_span(tmp_path: Path, rows: int, first: int) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=0)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"{numbers} INSERT INTO prompt_versions (rowid, id, prompt_id, version_no, text, explanation, source, "
            "created_at) SELECT i + ?, printf('%032x', i), printf('%032x', i), 1, '', '', 'syntax', '' FROM n",
            [rows, first],
        )
        connection.execute(
            f"{numbers} INSERT INTO best_heads SELECT printf('%032x', i), printf('%032x', i), i, '' FROM n", [rows]
        )
        connection.commit()
    query = "SELECT count(*), sum(heads), min(row_id), max(row_id) FROM facts"
    assert ask_facts(path, query) == [(rows, rows, first, first + rows - 1)]
    with attach(path, texts=False, progress=False) as db:
        assert db.sql(query).fetchall() == [(rows, rows, first, first + rows - 1)]


def test_row_ids_far_apart_take_no_longer(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE judge_scores SET rowid = 1 << 61 WHERE rowid = 1")
        connection.execute("UPDATE prompt_versions SET rowid = -(1 << 61) WHERE rowid = 1")
    assert_same_as_loaded(path, 9)


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_writer_that_never_rests_is_seen_between_its_transactions(tmp_path: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=1500, journal=journal)
    query = "SELECT sum(total)::DECIMAL(18, 3), count(*), max(total) FILTER (row_id = 1) FROM facts"
    expected = ask_facts(path, query)[0][:2]
    highest = set()
    with python(WRITER, path) as writer:
        try:
            assert writer.stdout
            assert writer.stdout.readline() == "ready\n"
            for attempt in range(200):
                if attempt >= 10 and len(highest) > 1:
                    break
                *found, most = ask_facts(path, query, timeout=20)[0]
                assert tuple(found) == expected, "marks of two transactions in one answer"
                highest.add(most)
        finally:
            writer.kill()
    assert len(highest) > 1, "the writer did not write"


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_lock_this_process_holds_outlives_it(tmp_path: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", journal=journal)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM best_heads")
        assert ask_facts(path, "SELECT sum(heads) FROM facts") == [(2,)], "what is not committed is not seen"
        assert try_lock(path) == "database is locked"
        connection.execute("COMMIT")
    assert ask_facts(path, "SELECT sum(heads) FROM facts") == [(None,)]


def test_a_lock_that_another_thread_takes_meanwhile_outlives_it(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    opened, seen = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            opened.set()
            time.sleep(0.5)  # long enough for the reader to let go, did it not wait
            seen.append(try_lock(path))

    def work(connection, _):
        thread.start()
        assert opened.wait(10)
        return connection.execute("SELECT count(*) FROM facts").fetchall()

    thread = threading.Thread(target=write)
    assert direct.read(path, work, 10) == [(6,)]
    thread.join()
    assert seen == ["database is locked"]


def locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_a_lock_of_another_process_is_waited_for_and_then_said(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    code = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
print("free", flush=True)
sys.stdin.readline()
"""
    with python(code, path) as writer:
        assert writer.stdout
        assert writer.stdin
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(BusyError):
            ask_facts(path, ALL, timeout=0.3)
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert len(ask_facts(path, ALL)) == 6
        writer.kill()


@pytest.mark.parametrize(
    "broken", [lambda p: p.write_bytes(b"text"), lambda p: p.unlink(), lambda p: p.write_bytes(b"")]
)
def test_what_is_no_database_is_said(tmp_path: Path, broken: Callable[[Path], object]) -> None:
    path = make_database(tmp_path / "prompter.db")
    broken(path)
    for ask in (lambda: ask_facts(path, ALL), lambda: attach(path, only_facts=True)):
        with pytest.raises(DatabaseError):
            ask()


def test_a_database_of_something_else_is_said(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(DatabaseError, match="Not a prompter database"):
        ask_facts(path, ALL)


def test_facts_are_kept_until_the_database_changes(tmp_path: Path, cache: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    digest = sha256(path)
    with attach(path, only_facts=True) as db:
        assert db.relations == ("facts",)
        assert db.origin["generation"] == "G4"
        with pytest.raises(ParameterError, match="without only_facts"), db.workspace():
            pass
        with pytest.raises(QueryError, match="without only_facts"):
            db.sql("SELECT * FROM versions")
    assert sha256(path) == digest
    kept = [file.name for file in cache.rglob("*.duckdb")]
    assert len(kept) == 1
    attach(path, only_facts=True).close()
    assert [file.name for file in cache.rglob("*.duckdb")] == kept
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="late")
    with attach(path, only_facts=True) as db:
        assert db.rows("facts") == 7
    assert not set(kept) & {file.name for file in cache.rglob("*.duckdb")}


def test_a_loaded_database_has_its_facts_already(tmp_path: Path, cache: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    attach(path).close()
    with attach(path, only_facts=True) as db:
        assert "versions" in db.relations
        assert db.rows("facts") == 6
    assert len(list(cache.rglob("*.duckdb"))) == 1


def test_random_marks_are_those_of_sqlite_to_the_last_bit(tmp_path: Path) -> None:
    rng = random.Random(8)
    path = make_database(tmp_path / "prompter.db", prompts=0)
    for number in range(400):
        insert(path, "prompt_versions", id=hex_id(number), prompt_id=hex_id("p"), source="syntax")
        insert(path, "judge_scores", prompt_version_id=hex_id(number), **{d: rng.random() * 10 for d in DIMENSIONS})
    with closing(sqlite3.connect(path)) as connection:
        expected = connection.execute(f"SELECT {' + '.join(DIMENSIONS)} FROM judge_scores ORDER BY rowid").fetchall()
    assert ask_facts(path, "SELECT total FROM facts ORDER BY row_id") == expected
