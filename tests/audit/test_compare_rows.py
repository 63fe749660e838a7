from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support import hex_id, insert, make_database

from dbtools.audit.compare_rows import agents_then_and_now, compare_rows
from dbtools.database import Database, attach

VERSION, PROMPT = hex_id("version", 1, "syntax"), hex_id("prompt", 1)
PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
DASHED = " || '-' || ".join(f"substr({{0}}, {start}, {length})" for start, length in PARTS)
MOVED = hex_id("prompt", 2)
CHANGES = {
    "nothing": ("SELECT 1", {}),
    "a row added": (f"INSERT INTO prompts (id, original_text, created_at) VALUES ('{hex_id('new')}', '', '2025-12-05')",
                    {"prompts": (1, 0, 0, "")}),
    "a row deleted": ("DELETE FROM user_feedback WHERE rowid = 1", {"feedback": (0, 1, 0, "")}),
    "every row deleted": ("DELETE FROM judge_scores", {"scores": (0, 6, 0, "")}),
    "a text edited": (f"UPDATE prompt_versions SET text = text || '.' WHERE id = '{VERSION}'",
                      {"versions": (0, 0, 1, "text (1)")}),
    "a case changed": (f"UPDATE prompt_versions SET text = upper(text) WHERE id = '{VERSION}'",
                       {"versions": (0, 0, 1, "text (1)")}),
    "white space changed": (f"UPDATE prompts SET original_text = original_text || ' ' WHERE id = '{PROMPT}'",
                            {"prompts": (0, 0, 1, "original_text (1)")}),
    "a JSON edited": (f"UPDATE prompt_versions SET explanation = '[]' WHERE id = '{VERSION}'",
                      {"versions": (0, 0, 1, "explanation (1)")}),
    "a number changed": ("UPDATE judge_scores SET clarity = 1 WHERE rowid = 1", {"scores": (0, 0, 1, "clarity (1)")}),
    "a small difference": ("UPDATE token_usage SET cost_usd = cost_usd + 1e-12 WHERE rowid = 2",
                           {"token_usage": (0, 0, 1, "cost_usd (1)")}),
    "a value lost": (f"UPDATE prompt_versions SET change_type = NULL WHERE id = '{VERSION}'",
                     {"versions": (0, 0, 1, "change_type (1)")}),
    "a time moved": (f"UPDATE prompts SET created_at = '2025-12-04 10:00:01' WHERE id = '{PROMPT}'",
                     {"prompts": (0, 0, 1, "created_at (1)")}),
    "a version moved to another prompt": (f"UPDATE prompt_versions SET prompt_id = '{MOVED}' WHERE id = '{VERSION}'",
                                          {"versions": (0, 0, 1, "prompt_id (1)")}),
    "a parent changed": (f"UPDATE prompt_versions SET parent_version_id = '{hex_id('x')}' WHERE id = '{VERSION}'",
                         {"versions": (0, 0, 1, "parent_version_id (1)")}),
    "a head moved": (f"UPDATE best_heads SET prompt_version_id = '{VERSION}', score = 1 WHERE prompt_id = '{PROMPT}'",
                     {"heads": (0, 0, 1, "prompt_version_id (1), score (1)")}),
    "two columns of several rows": ("UPDATE prompt_versions SET source = 'other', version_no = version_no + 9 "
                                    "WHERE source = 'syntax'", {"versions": (0, 0, 2, "source (2), version_no (2)")}),
    "a row inserted again unchanged": (f"CREATE TEMP TABLE t AS SELECT * FROM prompt_versions WHERE id = '{VERSION}'; "
                                       f"DELETE FROM prompt_versions WHERE id = '{VERSION}'; "
                                       "INSERT INTO prompt_versions SELECT * FROM t", {}),
    "a row inserted again with another id": (f"UPDATE user_feedback SET id = '{hex_id('y')}' WHERE rowid = 1",
                                             {"feedback": (1, 1, 0, "")}),
    "ids with hyphens": (f"UPDATE prompt_versions SET id = {DASHED.format('id')}, "
                         f"prompt_id = {DASHED.format('prompt_id')}", {}),
    "ids in capitals": ("UPDATE token_usage SET id = upper(id)", {}),
    "all rows stored in another order": ("CREATE TEMP TABLE t AS SELECT * FROM token_usage ORDER BY id DESC; "
                                         "DELETE FROM token_usage; INSERT INTO token_usage SELECT * FROM t", {}),
    "a number stored as text": ("UPDATE judge_scores SET clarity = CAST(clarity AS TEXT)", {}),
    "a cell that cannot be read": ("UPDATE judge_scores SET clarity = 'much' WHERE rowid = 1",
                                   {"scores": (0, 0, 1, "cells that cannot be read (1), clarity (1)")}),
    "the file rewritten": ("VACUUM", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("compare") / "prompter.db")


def edited(original: Path, folder: Path, statements: str) -> Path:
    copy = shutil.copy(original, folder / "later.db")
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.executescript(statements)
    return Path(copy)


@pytest.fixture(scope="module")
def was(original: Path) -> Iterator[Database]:
    with attach(original, texts=True) as db:
        yield db


def compare(before: Path | Database, after: Path):
    with attach(after, texts=True) as now:
        if isinstance(before, Database):
            return {r.relation: r for r in compare_rows(before, now)}
        with attach(before, texts=True) as was:
            return {r.relation: r for r in compare_rows(was, now)}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_a_planted_change_is_found_and_nothing_else(original, was, tmp_path, name):
    statements, expected = CHANGES[name]
    found = compare(was, edited(original, tmp_path, statements))
    assert len(found) == 7
    said = {k: (r.added, r.removed, r.changed, r.columns_said) for k, r in found.items() if not r.is_same}
    assert said == expected


@pytest.mark.slow
def test_examples_show_the_cells_before_and_after(original, was, tmp_path):
    after = edited(original, tmp_path, f"UPDATE prompt_versions SET source = 'new' WHERE id = '{VERSION}'")
    (example,) = compare(was, after)["versions"].examples
    assert (example.change, example.column) == ("changed", "source")
    assert (example.value_before, example.value_after) == ("syntax", "new")
    assert example.id.replace("-", "") == VERSION


@pytest.mark.slow
def test_rows_with_the_same_id_are_paired_by_their_values(tmp_path):
    before = tmp_path / "before.db"
    with closing(sqlite3.connect(before)) as connection, connection:
        connection.executescript("CREATE TABLE prompts (id, original_text, created_at)")
        make_database(tmp_path / "whole.db")
        connection.execute("ATTACH ? AS whole", [str(tmp_path / "whole.db")])
        connection.execute("CREATE TABLE prompt_versions AS SELECT * FROM whole.prompt_versions")
        connection.execute("CREATE TABLE judge_scores AS SELECT * FROM whole.judge_scores")
        connection.execute("CREATE TABLE best_heads AS SELECT * FROM whole.best_heads")
    for text in ("a", "b", "b"):
        insert(before, "prompts", id=PROMPT, original_text=text, created_at="2025-12-04")
    after = edited(before, tmp_path, "DELETE FROM prompts WHERE rowid = 2")
    found = compare(before, after)["prompts"]
    assert (found.added, found.removed, found.changed) == (0, 1, 0)


@pytest.mark.slow
def test_a_column_that_only_one_state_has_is_named_and_not_called_equal(original, tmp_path):
    older = make_database(tmp_path / "older.db", "G1")
    found = compare(older, original)
    assert found["versions"].not_compared == ("change_magnitude", "change_type", "parent_version_id")
    assert found["versions"].is_same
    assert (found["feedback"].added, found["feedback"].before) == (2, 0)


def test_the_same_file_is_equal_to_itself(original):
    assert all(r.is_same and not r.notes for r in compare(original, original).values())


@pytest.mark.slow
def test_standings_then_and_now_come_from_the_contests_of_each_state(original, was, tmp_path):
    syntax = f"UPDATE best_heads SET prompt_version_id = '{VERSION}' WHERE prompt_id = '{PROMPT}'"
    with attach(edited(original, tmp_path, syntax), texts=True) as now:
        found = {row["agent"]: row for row in agents_then_and_now(was, now)}
    assert {a: (row["rate_before"], row["rate_after"]) for a, row in found.items()} == {
        "domain": (1.0, 0.5),
        "structure": (0.0, 0.0),
        "syntax": (0.0, 0.5),
    }
    assert all(row["score_before"] == row["score_after"] and row["score_spread"] == 0 for row in found.values())
