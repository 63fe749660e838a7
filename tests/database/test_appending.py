"""Facts brought up to date by what is new are those read anew."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import AGENTS, DIMENSIONS, hex_id, insert, make_database, unchanged

from dbtools import attach
from dbtools.database import ask_facts, cache
from dbtools.database.sqlite import appending

ALL = "SELECT row_id, source, heads, head, total FROM facts ORDER BY row_id"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return make_database(tmp_path / "place" / "prompter.db", prompts=20)


def is_brought_up_to_date(path: Path) -> bool:
    """Bring kept facts up to date, prove that they are as if read anew, and tell whether the old ones were used."""
    folder = cache.folder_of(path)
    older = cache.earlier_facts(folder)
    with unchanged(path.parent):
        used = appending.append(path, older, path.parents[1] / "trial.duckdb", "mark")
        expected = ask_facts(path, ALL)
        with attach(path, only_facts=True, append_only=True) as db:
            assert db.sql(ALL).fetchall() == expected
            assert len(db.origin["fingerprint"]) == 32
    assert cache.earlier_facts(folder) != older
    return used


def add(path: Path, rng: random.Random, number: int) -> None:
    """Add a version, with or without a score; judge an older one; move a head."""
    prompt = hex_id("prompt", rng.randint(1, 20))
    version = hex_id("new", number)
    insert(path, "prompt_versions", id=version, prompt_id=prompt, source=rng.choice([*AGENTS, "it's new"]))
    if rng.random() < 0.7:
        insert(path, "judge_scores", prompt_version_id=version, **{d: rng.random() * 10 for d in DIMENSIONS})
    with closing(sqlite3.connect(path)) as connection, connection:
        if rng.random() < 0.7:
            later = f"2026-01-{1 + number // 60:02d} 00:{number % 60:02d}:00"
            connection.execute(
                "UPDATE best_heads SET prompt_version_id = ?, updated_at = ? WHERE prompt_id = ?",
                [version, later, prompt],
            )


@pytest.mark.parametrize("seed", range(4))
def test_versions_scores_and_heads_that_are_new_are_found(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    attach(path, only_facts=True).close()
    for round_ in range(4):
        for number in range(rng.randint(1, 12)):
            add(path, rng, 100 * round_ + number)
        assert is_brought_up_to_date(path)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO judge_scores SELECT 'x', id, 'no mark', 1, 1, 1, 1, '{}', '' FROM prompt_versions LIMIT 1",
        "INSERT INTO judge_scores SELECT 'x', upper(id), 1, 1, 1, 1, 1, '{}', '' FROM prompt_versions LIMIT 1",
        "UPDATE best_heads SET prompt_version_id = 'nothing', updated_at = '2027-01-01'",
        "UPDATE prompt_versions SET source = CAST(x'ff' AS TEXT), rowid = 900 WHERE rowid = 60",
        "UPDATE prompt_versions SET source = 'a' || char(0) || 'b', rowid = 900 WHERE rowid = 60",
        "PRAGMA journal_mode = WAL; UPDATE best_heads SET updated_at = '2027-01-01'",
    ],
)
def test_what_is_not_plain_is_read_anew(path: Path, statement: str) -> None:
    attach(path, only_facts=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statement)
    assert not is_brought_up_to_date(path)


def test_without_that_word_a_row_changed_in_place_is_seen(path: Path) -> None:
    attach(path, only_facts=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE judge_scores SET clarity = 0")
    with attach(path, only_facts=True) as db:
        assert db.sql(ALL).fetchall() == ask_facts(path, ALL)


def test_a_head_that_another_row_replaced_is_read_anew(path: Path) -> None:
    attach(path, only_facts=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT OR REPLACE INTO best_heads SELECT prompt_id, id, 1, '2027-01-01' "
            "FROM prompt_versions WHERE rowid = 1"
        )
    assert not is_brought_up_to_date(path)


def test_more_rows_than_are_asked_for_are_all_read_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "_MOST", 4)
    for more, used in ((3, True), (4, False), (5, False)):
        attach(path, only_facts=True).close()
        for number in range(more):
            insert(path, "prompt_versions", id=hex_id("new", more, number), prompt_id=hex_id("prompt", 1))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE best_heads SET updated_at = '2025-01-01'")
        assert is_brought_up_to_date(path) is used
