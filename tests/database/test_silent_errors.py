"""What the scanner as shipped gets wrong without a word, on real files, against the sqlite3 module."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support import hex_id, insert, make_database, python, try_lock

from dbtools import attach
from dbtools.database.sqlite import fingerprint, sha256

ROW_GROUP = 122_880  # the scanner's own; it loses the last row of a table of k times as many

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("PRAGMA wal_autocheckpoint = 20")
connection.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
for number in range(1, 1_000_000):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE security_inputs SET risk_score = ?", [number])
    connection.execute("UPDATE token_usage SET total_tokens = ?", [number])
    connection.execute("COMMIT")
"""


def test_w1_no_row_is_lost_where_the_row_ids_fill_whole_row_groups(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=0)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"{numbers} INSERT INTO prompts (id, original_text, created_at) SELECT printf('%032x', i), '', '' FROM n",
            [ROW_GROUP],
        )
        connection.execute(
            f"{numbers} INSERT INTO best_heads SELECT printf('%032x', i), printf('%032x', i), i, '' FROM n",
            [2 * ROW_GROUP],
        )
        connection.commit()
        expected = connection.execute("SELECT count(*), sum(score), max(score) FROM best_heads").fetchone()
    with attach(path, progress=False) as db:
        assert db.rows("prompts") == ROW_GROUP
        assert db.sql("SELECT max(id)::VARCHAR FROM prompts").fetchall()[0][0].endswith(f"{ROW_GROUP:x}")
        assert db.sql("SELECT count(*), sum(score), max(score) FROM heads").fetchall() == [expected]


def test_w2_tables_and_databases_of_the_same_shape_are_not_taken_for_each_other(tmp_path: Path) -> None:
    for name, score in (("one", 1.0), ("two", 2.0)):
        path = make_database(tmp_path / f"{name}.db", prompts=0)
        insert(path, "prompts", [{"id": hex_id(n), "created_at": f"2025-01-0{n}"} for n in (1, 2)])
        insert(path, "prompt_versions", [{"id": hex_id(n), "created_at": f"2025-02-0{n}"} for n in (1, 2)])
        insert(
            path, "judge_scores", [{"id": hex_id(n), "created_at": f"2025-03-0{n}", "clarity": score} for n in (1, 2)]
        )
    query = (
        "SELECT (SELECT max(month(created_at)) FROM prompts), (SELECT max(month(created_at)) FROM versions), "
        "(SELECT max(month(created_at)) FROM scores), (SELECT sum(clarity) FROM scores)"
    )
    with attach(tmp_path / "one.db") as one, attach(tmp_path / "two.db") as two:
        assert one.sql(query).fetchall() == [(1, 2, 3, 2.0)]
        assert two.sql(query).fetchall() == [(1, 2, 3, 4.0)]
        assert one.sql(query).fetchall() == [(1, 2, 3, 2.0)]
        with one.workspace() as first, two.workspace() as second:
            assert first.sql(query).fetchall() == [(1, 2, 3, 2.0)]
            assert second.sql(query).fetchall() == [(1, 2, 3, 4.0)]


@pytest.mark.parametrize(("journal", "timeout"), [("wal", 1.0), ("delete", 5.0)])
def test_w3_every_attach_sees_whole_transactions_of_a_writer_that_never_rests(
    tmp_path: Path, journal: str, timeout: float
) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=200, journal=journal)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE security_inputs SET risk_score = 0")
        connection.execute("UPDATE token_usage SET total_tokens = 0")
        # Between the two tables lies enough for a careless copy to meet the next transaction half-way.
        connection.execute("ALTER TABLE token_usage RENAME TO former")
        connection.execute("CREATE TABLE filler AS SELECT zeroblob(16000000)")
        connection.execute("CREATE TABLE token_usage AS SELECT * FROM former")
    seen = set()
    with python(WRITER, path) as writer:
        try:
            assert writer.stdout
            assert writer.stdout.readline() == "ready\n"
            for attempt in range(60):
                if attempt >= 4 and len(seen) > 1:  # on a busy machine the writer may need some time
                    break
                with attach(path, timeout=timeout) as db:
                    query = (
                        "SELECT list_distinct(list(n)) FROM (SELECT risk_score AS n FROM security_inputs "
                        "UNION ALL SELECT total_tokens FROM token_usage)"
                    )
                    values = db.sql(query).fetchall()[0][0]
                    assert db.rows("token_usage") == 600
                seen.update(values)
                assert len(values) == 1, "rows of two transactions in one snapshot"
        finally:
            writer.kill()
    assert len(seen) > 1, "the writer did not write"


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_w4_a_lock_this_process_holds_outlives_an_attach(tmp_path: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", journal=journal)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM best_heads")
        fingerprint(path)
        sha256(path)
        with attach(path) as db:
            assert db.rows("heads") == 2, "what is not committed is not seen"
        with attach(path):
            pass
        assert try_lock(path) == "database is locked"
        connection.execute("COMMIT")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert try_lock(path) == "free"
    with attach(path) as db:
        assert db.rows("heads") == 0


def test_w4_a_lock_survives_attaches_from_other_threads(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    counted: list[int] = []

    def count() -> None:
        with attach(path) as db:
            counted.append(db.rows("heads"))

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=count) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counted == [2, 2, 2]
        assert try_lock(path) == "database is locked"


def test_w5_no_double_loses_digits(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=0)
    values = [1 / number for number in range(1, 500)]
    insert(path, "best_heads", [{"score": value} for value in values])
    with attach(path) as db:
        assert [score for (score,) in db.sql("SELECT score FROM heads ORDER BY row_id").fetchall()] == values


def test_w6_bad_utf8_is_counted_and_breaks_neither_queries_nor_files(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE prompt_versions SET text = CAST(x'c328' AS TEXT) WHERE rowid = 1")
        connection.execute("UPDATE prompts SET user_id = CAST(x'ff' AS TEXT) WHERE rowid = 2")
        connection.commit()
    with attach(path) as db:
        found = db.sql("SELECT * FROM unreadable_cells ORDER BY ALL").fetchall()
        assert found == [("prompts", "user_id", 2), ("versions", "text", 1)]
        assert db.sql("SELECT count(upper(text)) FROM versions").fetchall() == [(5,)]
        with db.workspace() as connection:
            connection.table("versions").write_parquet(str(tmp_path / "versions.parquet"))
            copy = connection.read_parquet(str(tmp_path / "versions.parquet"))
            assert copy.count("text").fetchall() == [(5,)]


def test_w7_an_offset_is_applied_and_a_number_is_no_timestamp(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=0)
    times = ["2025-12-04T10:00:00+02:00", 1764844215123, 2460676.5, "infinity"]
    insert(path, "prompts", [{"created_at": time} for time in times])
    with attach(path) as db:
        found = db.sql("SELECT created_at::VARCHAR FROM prompts ORDER BY row_id").fetchall()
        assert found == [("2025-12-04 08:00:00",), (None,), (None,), (None,)]
        assert db.sql("SELECT row_id FROM unreadable_cells ORDER BY row_id").fetchall() == [(2,), (3,), (4,)]
