from __future__ import annotations

import math
import random
import sqlite3
import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support import DIMENSIONS, hex_id, insert, make_database

from dbtools import attach
from dbtools.database import Database

ROW_GROUP = 122_880  # the scanner's own; it loses the last row of a table of k times as many
AT = datetime(2025, 12, 4, 10, 30, 15, 123456)
TIMES: dict[str, datetime | None] = {
    "2025-12-04 10:30:15.123456": AT,
    "2025-12-04T10:30:15.123456": AT,
    "2025-12-04T10:30:15.123456Z": AT,
    "2025-12-04 10:30:15.123456789": AT,
    "2025-12-04T12:30:15.123456+02:00": AT,
    "2025-12-04 05:30:15.123456-05": AT,
    "2025-12-04T16:00:15.123456+0530": AT,
    "2025-12-05T00:30:15.123456+14:00": AT,
    "2025-12-04 10:30:15": AT.replace(microsecond=0),
    "2025-12-04 10:30:15.5": AT.replace(microsecond=500000),
    "2025-12-04 10:30": datetime(2025, 12, 4, 10, 30),
    "2025-12-04": datetime(2025, 12, 4),
    "1764844215123": None,  # milliseconds since 1970
    "1764844215": None,
    "2461013.9376": None,  # a Julian day
    "infinity": None,
    "-infinity": None,
    "now": None,
    "not a date": None,
    "": None,
    "2025-13-45 10:00:00": None,
    "2025-02-29 10:00:00": None,
    "04.12.2025": None,
    "0": None,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "prompter.db", prompts=0)


def unreadable(db: Database, relation: str) -> dict[str, list[int]]:
    """Return the row ids of what could not be read in a relation, by column."""
    rows = db.sql(
        "SELECT column_name, list(row_id ORDER BY row_id) FROM unreadable_cells WHERE relation = ? GROUP BY ALL",
        [relation],
    )
    return dict(rows.fetchall())


def column(db: Database, name: str, relation: str) -> list[Any]:
    return [value for (value,) in db.sql(f"SELECT {name} FROM {relation} ORDER BY row_id").fetchall()]


def test_timestamps_of_every_form_become_utc_or_are_listed_as_unreadable(path: Path) -> None:
    insert(path, "prompts", [{"created_at": text} for text in TIMES])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE prompts SET created_at = x'00ff' WHERE created_at = '04.12.2025'")
        connection.execute("UPDATE prompts SET created_at = 1e300 WHERE created_at = 'now'")
        connection.commit()
    with attach(path) as db:
        assert dict(zip(TIMES, column(db, "created_at", "prompts"), strict=True)) == TIMES
        bad = [row for row, time in enumerate(TIMES.values(), 1) if time is None]
        assert unreadable(db, "prompts") == {"created_at": bad}
        assert db.sql("SELECT typeof(created_at) FROM prompts").fetchall()[0] == ("TIMESTAMP",)


def test_migrated_text_timestamps_are_read_the_same_way(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", migrated=True, prompts=0)
    insert(path, "token_usage", [{"created_at": "2025-12-04 10:30:15"}, {"created_at": "2025-12-04T12:30:15+02:00"}])
    insert(path, "token_usage", id=hex_id("timed by SQLite's CURRENT_TIMESTAMP"))
    with attach(path) as db:
        times = column(db, "created_at", "token_usage")
        assert times[:2] == [AT.replace(microsecond=0)] * 2
        assert times[2] > AT
        assert unreadable(db, "token_usage") == {}


def test_ids_in_every_spelling_become_one_uuid(path: Path) -> None:
    prompt, first, second = (UUID(hex_id(name)) for name in ("prompt", "first", "second"))
    insert(path, "prompts", id=prompt.hex)
    insert(path, "prompt_versions", id=str(first), prompt_id=str(prompt))
    insert(path, "prompt_versions", id=second.hex, prompt_id=str(prompt).upper(), parent_version_id=first.hex.upper())
    insert(path, "prompt_versions", id="no uuid", prompt_id=prompt.hex, parent_version_id="")
    with attach(path) as db:
        assert column(db, "id", "versions") == [first, second, None]
        assert column(db, "prompt_id", "versions") == [prompt] * 3
        assert column(db, "parent_version_id", "versions") == [None, first, None]
        assert db.rows("prompts") == 1
        assert unreadable(db, "versions") == {"id": [3], "parent_version_id": [3]}
        assert db.sql("SELECT count(*) FROM versions AS v JOIN prompts AS p ON p.id = v.prompt_id").fetchall() == [(3,)]


def doubles() -> Iterator[float]:
    """Yield 2000 values whose 17 digits all count, and the ends of what a double can hold."""
    source = random.Random(17)
    yield from (source.uniform(0, 10) for _ in range(1000))
    found = 0
    while found < 1000:  # any bits at all, so that every exponent comes up
        (value,) = struct.unpack("<d", source.randbytes(8))
        if math.isfinite(value):
            found += 1
            yield value
    yield from (math.inf, -math.inf, -0.0, 0.0, 0.1, 1 / 3, sys.float_info.max, sys.float_info.min)
    yield from (
        5e-324,
        2.2250738585072009e-308,
        1e22,
        1e23,
        2.0**53 + 2,
        9007199254740993.0,
        5.0,
        1e15,
        123456789012345678.0,
    )


def test_doubles_are_those_of_sqlite_to_the_last_bit(path: Path) -> None:
    values = list(doubles())
    values += [0.5] * (-len(values) % len(DIMENSIONS))
    rows = [values[at : at + len(DIMENSIONS)] for at in range(0, len(values), len(DIMENSIONS))]
    insert(path, "judge_scores", [dict(zip(DIMENSIONS, row, strict=True)) for row in rows])
    query = f"SELECT {', '.join(DIMENSIONS)} FROM judge_scores ORDER BY rowid"
    with closing(sqlite3.connect(path)) as connection:
        expected = [struct.pack("<5d", *row) for row in connection.execute(query)]
    with attach(path) as db:
        found = db.sql(f"SELECT {', '.join(DIMENSIONS)} FROM scores ORDER BY row_id").fetchall()
        assert [struct.pack("<5d", *row) for row in found] == expected
        assert unreadable(db, "scores") == {}


@pytest.mark.slow
def test_what_is_no_number_in_a_number_column_is_null_and_listed(path: Path) -> None:
    values = ["N/A", "", "nan", "7.25", b"\x01", None, "8,5", 3, 1e30]
    insert(path, "token_usage", [{"prompt_version_id": hex_id("v"), "cost_usd": value} for value in values])
    with attach(path) as db:
        assert column(db, "cost_usd", "token_usage") == [None, None, None, 7.25, None, None, None, 3.0, 1e30]
        assert unreadable(db, "token_usage") == {"cost_usd": [1, 2, 3, 5, 7]}


@pytest.mark.slow
def test_what_is_no_whole_number_in_an_integer_column_is_null_and_listed(path: Path) -> None:
    values = [2**63 - 1, -(2**63), float(2**63 + 1), 1.5, "three", b"4", "5", 6.0, None]
    insert(path, "token_usage", [{"total_tokens": value} for value in values])
    with attach(path) as db:
        expected = [2**63 - 1, -(2**63), None, None, None, None, 5, 6, None]
        assert column(db, "total_tokens", "token_usage") == expected
        assert unreadable(db, "token_usage") == {"total_tokens": [3, 4, 5, 6]}


@pytest.mark.slow
def test_booleans_are_read_as_the_orm_and_the_migrations_write_them(path: Path) -> None:
    values = [0, 1, None, "true", "false", 2, "maybe", b"1"]
    insert(path, "user_feedback", [{"judge_correct": value} for value in values])
    with attach(path) as db:
        assert column(db, "judge_correct", "feedback") == [False, True, None, True, False, None, None, None]
        assert unreadable(db, "feedback") == {"judge_correct": [6, 7, 8]}


@pytest.mark.slow
def test_texts_of_every_kind_arrive_unchanged(path: Path) -> None:
    texts = [
        "nul \0 inside",
        "\0",
        "",
        "emoji 🙂👩‍👩‍👧 and ﷽",
        "a 'quote', a \"quote\"; DROP TABLE prompts; --",
        "line\nline\r\n\ttab",
        "\ufeffmark\u2028",
        "x" * (1 << 20) + "é",
        "e\u0301 is not é",
        "NULL",
        "?",
    ]
    insert(path, "prompts", [{"original_text": text} for text in texts])
    with attach(path) as db:
        assert column(db, "original_text", "prompts") == texts
        assert unreadable(db, "prompts") == {}


@pytest.mark.slow
def test_a_json_column_that_holds_a_number_keeps_it_as_text(path: Path) -> None:
    insert(path, "prompt_versions", explanation="5")
    insert(path, "prompt_versions", explanation="no json {")
    insert(path, "prompt_versions", explanation='{"agent": "domain", "synthetic": true}')
    with attach(path) as db:
        assert column(db, "explanation", "versions")[:2] == ["5", "no json {"]
        assert column(db, "explanation_agent", "versions") == [None, None, "domain"]
        assert column(db, "explanation_synthetic", "versions") == [None, None, True]


@pytest.mark.slow
def test_one_bad_cell_takes_nothing_else_with_it(path: Path) -> None:
    insert(path, "prompts", [{"original_text": f"t{n}"} for n in range(4)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE prompts SET original_text = x'ff00' WHERE rowid = 2")
        connection.execute("UPDATE prompts SET original_text = CAST(x'c3286162' AS TEXT) WHERE rowid = 3")
        connection.execute("UPDATE prompts SET user_id = CAST(x'80' AS TEXT) WHERE rowid = 4")
        connection.commit()
    with attach(path) as db:
        assert column(db, "original_text", "prompts") == ["t0", None, None, "t3"]
        assert column(db, "created_at", "prompts") == [datetime(2025, 12, 4, 10)] * 4
        assert unreadable(db, "prompts") == {"original_text": [2, 3], "user_id": [4]}


@pytest.mark.slow
def test_the_second_tier_of_texts_leaves_the_same_cells_unreadable(path: Path) -> None:
    insert(path, "prompts", original_text="good")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE prompts SET original_text = CAST(x'ff' AS TEXT)")
        connection.commit()
    for texts in (False, True):
        with attach(path, texts=texts) as db:
            assert unreadable(db, "prompts") == {"original_text": [1]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL DEFAULT 0.25",
        "ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL DEFAULT -7",
        "ALTER TABLE prompt_versions RENAME COLUMN source TO agent;"
        "ALTER TABLE prompt_versions ADD COLUMN source TEXT DEFAULT 'it''s (so)';"
        "ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL",
        "ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL AS (version_no / 4.0)",
        "ALTER TABLE prompt_versions ADD COLUMN rowid TEXT;ALTER TABLE prompt_versions ADD change_magnitude REAL",
    ],
    ids=[
        "a default of earlier rows",
        "a negative default",
        "a default with signs",
        "a computed column",
        "a column called rowid",
    ],
)
def test_what_a_table_declares_is_read_as_sqlite_reads_it(tmp_path: Path, statement: str) -> None:
    path = make_database(tmp_path / "prompter.db", "G1")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
        query = "SELECT id, version_no, source, change_magnitude FROM prompt_versions ORDER BY id"
        expected = connection.execute(query).fetchall()
    with attach(path) as db:
        found = db.sql("SELECT replace(id::VARCHAR, '-', ''), * EXCLUDE (id) FROM (SELECT id, version_no, source, "
                       "change_magnitude FROM versions) ORDER BY id").fetchall()  # fmt: skip
    assert found == expected != []


def test_a_column_that_is_the_row_id_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prompter.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE prompts (id CHAR(32), original_text);"
            "CREATE TABLE prompt_versions (version_no INTEGER PRIMARY KEY, id CHAR(32), prompt_id, text, source);"
            "INSERT INTO prompt_versions (version_no, id, prompt_id) VALUES (7, '0a', '0b'), (9, '0c', '0d')"
        )
    with attach(path) as db:
        assert db.sql("SELECT version_no, row_id FROM versions ORDER BY row_id").fetchall() == [(7, 7), (9, 9)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["INTEGER", "BLOB", "TEXT"])
def test_whole_numbers_and_blobs_of_16_bytes_are_ids(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "prompter.db"
    spelled = {"INTEGER": lambda n: n, "TEXT": str, "BLOB": lambda n: bytes.fromhex(hex_id(n))}[kind]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            f"CREATE TABLE prompts (id {kind} PRIMARY KEY, original_text TEXT);"
            f"CREATE TABLE prompt_versions (id {kind}, prompt_id {kind}, version_no INTEGER, text TEXT, source TEXT);"
        )
        for n in range(1, 40):
            connection.execute("INSERT INTO prompts VALUES (?, 'x')", [spelled(n)])
            connection.execute(
                "INSERT INTO prompt_versions VALUES (?, ?, 1, 'y', 'a')", [spelled(1000 + n), spelled(n)]
            )
        connection.execute("INSERT INTO prompt_versions VALUES (x'00', -1, 2, 'z', 'b')")
    with attach(path) as db:
        joined = "SELECT count(DISTINCT v.id) FROM versions AS v JOIN prompts AS p ON p.id = v.prompt_id"
        assert db.sql(joined).fetchall() == [(39,)]
        assert unreadable(db, "versions") == {"id": [40], "prompt_id": [40]}
        if kind != "BLOB":
            first = db.sql("SELECT id::VARCHAR FROM prompts ORDER BY id LIMIT 1").fetchall()
            assert first == [("00000000-0000-0000-0000-000000000001",)]


@pytest.mark.slow
def test_scanned_and_read_as_text_a_table_is_the_same(path: Path) -> None:
    rng = random.Random(3)
    for number in range(300):
        marks = {d: rng.random() * 10 ** rng.randint(-5, 5) for d in DIMENSIONS}
        told = {"feedback": "é" * number, "created_at": rng.choice(list(TIMES))}
        insert(path, "judge_scores", id=hex_id(number), **marks, **told)
    query = "SELECT * FROM scores WHERE row_id <= 300 ORDER BY row_id"
    with attach(path) as db:
        scanned = db.sql(query).fetchall()
    insert(path, "judge_scores", id=hex_id("bad"), clarity="not a number")
    with attach(path) as db:
        assert unreadable(db, "scores")["clarity"] == [301]
        assert db.sql(query).fetchall() == scanned
        assert len(scanned) == 300


@pytest.mark.slow
def test_the_key_of_a_text_is_that_of_its_words(path: Path) -> None:
    rng = random.Random(4)
    texts = ["".join(rng.choices(" \t\n\r\f\v\u00a0\u2003aAÄe\u0301\0", k=rng.randrange(14))) for _ in range(3000)]
    insert(path, "prompts", [{"id": hex_id(n), "original_text": text} for n, text in enumerate(texts)])
    with attach(path) as db:
        plain = "trim(regexp_replace(lower(nfc_normalize(original_text)), '\\s+', ' ', 'g'), ' ')"
        query = (
            f"SELECT count(*), count(*) FILTER (text_key = md5({plain})::UUID), count(DISTINCT text_key) FROM prompts"
        )
        rows, equal, keys = db.sql(query).fetchall()[0]
    assert rows == equal == 3000 > keys > 1000


def test_a_default_in_double_quotes_stops_nobody(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", "G1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('ALTER TABLE prompt_versions ADD COLUMN change_type TEXT DEFAULT "draft"')
    with attach(path) as db:
        assert db.sql("SELECT DISTINCT change_type FROM versions").fetchall() == [("draft",)]


# What the scanner as shipped gets wrong without a word.
@pytest.mark.slow
def test_no_row_is_lost_where_the_row_ids_fill_whole_row_groups(tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_tables_and_databases_of_the_same_shape_are_not_taken_for_each_other(tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_bad_utf8_is_counted_and_breaks_neither_queries_nor_files(tmp_path: Path) -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "statements",
    [
        "CREATE INDEX i ON prompts (original_text COLLATE OWN)",
        "CREATE INDEX i ON prompts (own(original_text))",
        "CREATE INDEX i ON prompts (id COLLATE OWN, original_text, user_id, request_id, created_at)",
        "ALTER TABLE prompts ADD COLUMN slug TEXT GENERATED ALWAYS AS (own(original_text)) VIRTUAL",
        "ALTER TABLE prompts RENAME TO old; CREATE TABLE prompts (id TEXT PRIMARY KEY COLLATE OWN, original_text TEXT "
        "COLLATE OWN, user_id TEXT) WITHOUT ROWID; INSERT INTO prompts SELECT id, original_text, user_id FROM old",
    ],
)
def test_a_database_whose_indexes_need_its_application_is_loaded(tmp_path, statements):
    path = make_database(tmp_path / "prompter.db", prompts=3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_collation("OWN", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
        connection.create_function("own", 1, lambda a: a[::-1], deterministic=True)
        wanted = connection.execute("SELECT original_text FROM prompts ORDER BY 1").fetchall()
        connection.executescript(statements)
    with attach(path, progress=False) as db:
        assert db.sql("SELECT original_text FROM prompts ORDER BY 1").fetchall() == wanted
        assert len(wanted) == 3


@pytest.mark.slow
def test_rows_are_flagged_that_hold_a_secret_of_the_table_of_formats(tmp_path, monkeypatch):
    path = make_database(tmp_path / "prompter.db", prompts=0)
    key = "sk" + "-proj-abcdefgh1234567890abcd"
    texts = {f"my key is {key}": True, f"x{key}": False, "sk-learn-based-classifier-pipelines": False, "plain": False}
    texts |= {"npm" + "_" + "aB3" * 12: True, "glpat" + "-" + "aB3" * 6: True}
    for n, text in enumerate(texts, 1):
        insert(path, "prompts", id=hex_id("p", n), original_text=text)
    for with_texts in (True, False):
        with attach(path, texts=with_texts, progress=False) as db:
            found = db.sql("SELECT text_secret FROM prompts ORDER BY row_id").fetchall()
        assert [flag for (flag,) in found] == list(texts.values())
