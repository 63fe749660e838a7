"""An audit of a database with damaged pages: what can still be read is checked, and the rest is named."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sound import make_sound
from support import assert_sentence, unchanged

from dbtools import attach, audit
from dbtools.database.damage import unreadable_tables
from dbtools.errors import DatabaseError

PAGE = 1024
DATABASE = "packages/db/prompter.db"


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A sound project whose database has pages of every kind: two levels, overflow and free pages."""
    root = tmp_path_factory.mktemp("sound")
    path = make_sound(root, prompts=40)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("VACUUM")
        connection.execute(
            "UPDATE judge_scores SET feedback = ? WHERE rowid = 7", ['{"summary": "' + "x" * 5000 + '"}']
        )
        connection.execute("CREATE TABLE gone AS SELECT * FROM token_usage")
        connection.execute("DROP TABLE gone")
    return root


def pages(path: Path, table: str, kind: str) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        if kind == "freelist":
            used = {page for (page,) in connection.execute("SELECT pageno FROM dbstat")}
            return sorted(set(range(1, connection.execute("PRAGMA page_count").fetchone()[0] + 1)) - used)
        return [
            page
            for (page,) in connection.execute(
                "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY pageno", [table, kind]
            )
        ]


def overwrite(path: Path, page: int, fill: bytes) -> None:
    with path.open("r+b") as handle:
        handle.seek((page - 1) * PAGE)
        handle.write(fill)


@pytest.fixture
def root(sound, tmp_path) -> Path:
    shutil.copytree(sound, tmp_path / "project")
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("table", "kind", "lost"),
    [
        ("judge_scores", "leaf", ["judge_scores"]),
        ("token_usage", "internal", ["token_usage"]),
        ("sqlite_autoindex_prompts_1", "leaf", []),
        ("", "freelist", []),
    ],
)
def test_which_tables_can_be_read_follows_from_the_damaged_page(root, table, kind, lost):
    path = root / DATABASE
    page = pages(path, table, kind)[-1]
    other = pages(path, "best_heads", "leaf")[0]
    another_page = path.read_bytes()[(other - 1) * PAGE : other * PAGE]
    for fill in (b"\xff" * PAGE, b"\0" * PAGE, random.Random(1).randbytes(PAGE), another_page):
        overwrite(path, page, fill)
        assert list(unreadable_tables(path)) == lost


@pytest.mark.slow
def test_what_can_be_read_is_checked_and_the_rest_is_not_answered(root):
    path = root / DATABASE
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE prompt_versions SET version_no = 7 WHERE rowid = 3")  # a gap
        connection.execute("UPDATE best_heads SET updated_at = '2999-12-31 00:00:00' WHERE rowid = 1")
    overwrite(path, pages(path, "judge_scores", "leaf")[3], b"\xff" * PAGE)
    overwrite(path, pages(path, "token_usage", "internal")[0], b"\xff" * PAGE)
    with unchanged(root):
        report = audit.run(root)
    facts = report.to_dict()
    assert report.worst == "critical"
    assert {check: n for check, n in facts["checks"].items() if n} == {
        "integrity": len(report.rows("integrity")),
        "version-gap": 1,
        "future-timestamp": 1,
    }
    assert facts["not_applicable"] == {}
    assert "judge_scores" in facts["unanswered"]["unscored-version"]  # asked of another relation, made from the scores
    assert "table token_usage cannot be read" in facts["unanswered"]["tokens-do-not-add"]
    assert "judge_scores, token_usage" in facts["left_out"]["future-timestamp"]
    assert facts["unreadable"].keys() == {"judge_scores", "token_usage"}
    assert len(facts["unanswered"]) + len(facts["checks"]) == len(audit.checks())


@pytest.mark.slow
def test_a_damaged_index_leaves_every_check_but_one_answered(root):
    path = root / DATABASE
    overwrite(path, pages(path, "sqlite_autoindex_prompts_1", "leaf")[0], b"\xff" * PAGE)
    facts = audit.run(root).to_dict()
    assert {check for check, n in facts["checks"].items() if n} == {"integrity"}
    assert facts["unanswered"].keys() == {"foreign-keys"}


@pytest.mark.slow
def test_a_file_that_cannot_be_read_as_a_whole_still_gets_a_report(root):
    os.truncate(root / DATABASE, 20 * PAGE)
    facts = audit.run(root).to_dict()
    assert {check for check, n in facts["checks"].items() if n} == {"integrity", "truncated"}
    assert facts["generation"] == "unknown"
    assert facts["left_out"]["credentials-in-database"] == f"not read: {DATABASE}"


def test_who_asks_more_of_a_damaged_file_than_an_audit_gets_one_sentence(root):
    path = root / DATABASE
    overwrite(path, pages(path, "judge_scores", "leaf")[3], b"\xff" * PAGE)
    with pytest.raises(DatabaseError, match="an audit tells what can still be read") as raised:
        attach(root)
    assert_sentence(raised.value, path)
