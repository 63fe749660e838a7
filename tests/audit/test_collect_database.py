from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import hex_id, make_database

from dbtools.audit import collect_database
from dbtools.audit.checks import opened
from dbtools.audit.context import Unanswered
from dbtools.project import Project

NOBODY = hex_id("nobody")
PROMPT = hex_id("prompt", 1)
HEADS = "FOREIGN KEY(prompt_id) REFERENCES\n  prompts (id)"


ORPHANS = {
    "none": [],
    "of every key": [
        f"UPDATE prompt_versions SET prompt_id = '{NOBODY}' WHERE rowid = 2",
        f"UPDATE prompt_versions SET parent_version_id = '{NOBODY}' WHERE rowid IN (2, 3)",
        f"UPDATE judge_scores SET prompt_version_id = '{NOBODY}' WHERE rowid = 1",
        f"UPDATE best_heads SET prompt_id = '{NOBODY}' WHERE rowid = 2",
        f"UPDATE user_feedback SET prompt_id = '{NOBODY}'",
    ],
    "without a value": ["UPDATE prompt_versions SET parent_version_id = NULL"],
    "of a removed parent": [f"DELETE FROM prompts WHERE id = '{PROMPT}'"],
}
HEAD_OF_NOBODY = f"UPDATE best_heads SET prompt_id = '{NOBODY}' WHERE prompt_id = '{hex_id('prompt', 2)}'"
SPELLINGS = {  # which ids are equal for SQLite and not for DuckDB, or the other way round
    "capital letters of a child": ["UPDATE judge_scores SET prompt_version_id = upper(prompt_version_id)"],
    "capital letters of a parent": [f"UPDATE prompts SET id = upper(id) WHERE id = '{PROMPT}'"],
    "dashes": [
        "UPDATE best_heads SET prompt_id = substr(prompt_id, 1, 8) || '-' || substr(prompt_id, 9, 4) || '-' || "
        "substr(prompt_id, 13, 4) || '-' || substr(prompt_id, 17, 4) || '-' || substr(prompt_id, 21)"
    ],
    "blobs": ["UPDATE judge_scores SET prompt_version_id = CAST(prompt_version_id AS BLOB) WHERE rowid = 1"],
    "no ids": ["UPDATE prompts SET id = 'x' || rowid", "UPDATE best_heads SET prompt_id = 'X' || rowid"],
    "more after a NUL": ["UPDATE best_heads SET prompt_id = prompt_id || char(0) || 'x' WHERE rowid = 1"],
    "a number": [f"UPDATE prompts SET id = 7 WHERE id = '{PROMPT}'"],
}
DECLARATIONS = {
    "NOCASE": (
        {"prompts (id CHAR(32) NOT NULL": "prompts (id CHAR(32) COLLATE NOCASE NOT NULL"},
        [f"UPDATE prompts SET id = upper(id) WHERE id = '{PROMPT}'", HEAD_OF_NOBODY],
    ),
    "a key over two columns": (
        {
            HEADS: f"{HEADS}, FOREIGN KEY(prompt_id, prompt_version_id) REFERENCES prompt_versions (prompt_id, id)",
        },
        [
            "CREATE UNIQUE INDEX both ON prompt_versions (prompt_id, id)",
            "UPDATE best_heads SET prompt_version_id = prompt_id",
        ],
    ),
    "a parent's table alone": ({HEADS: "FOREIGN KEY(prompt_id) REFERENCES prompts"}, [HEAD_OF_NOBODY]),
    "a parent that is nowhere": ({HEADS: "FOREIGN KEY(prompt_id) REFERENCES nowhere (id)"}, []),
    "a table without row ids": ({HEADS + ")": HEADS + ") WITHOUT ROWID"}, [HEAD_OF_NOBODY]),
    "a column named rowid": (
        {},
        ["ALTER TABLE best_heads ADD COLUMN rowid TEXT", "UPDATE best_heads SET rowid = 40 + score", HEAD_OF_NOBODY],
    ),
    "an id that is no key": ({HEADS: "FOREIGN KEY(prompt_id) REFERENCES prompts (user_id)"}, []),
}


def make(path: Path, declared: dict[str, str], statements: list[str]) -> Path:
    """Make a database in which texts of the schema are replaced, and change its rows."""
    source = make_database(path.with_name("source.db"), prompts=4)
    with closing(sqlite3.connect(source)) as connection:
        script = "\n".join(connection.iterdump())
    for old, new in declared.items():
        assert old in script
        script = script.replace(old, new)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)
        for statement in statements:
            connection.execute(statement)
    source.unlink()
    return path


def said_by_sqlite(path: Path) -> list[tuple[object, ...]] | None:
    """Return what SQLite says of the keys; None where it cannot."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            return sorted(row[:3] for row in connection.execute("PRAGMA foreign_key_check"))
        except sqlite3.Error:
            return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("declared", "statements"),
    [
        *(pytest.param({}, statements, id=name) for name, statements in (ORPHANS | SPELLINGS).items()),
        *(pytest.param(*both, id=name) for name, both in DECLARATIONS.items()),
    ],
)
def test_the_rows_that_break_a_key_are_those_that_sqlite_names(tmp_path, declared, statements):
    path = make(tmp_path / "prompter.db", declared, statements)
    expected = said_by_sqlite(path)
    with opened(Project.find(tmp_path), progress=False) as context:
        if expected is None:
            with pytest.raises(Unanswered, match="cannot check the foreign keys"):
                collect_database.foreign_key_violations(context)
        else:
            assert sorted(collect_database.foreign_key_violations(context)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kept"), [("of every key", 5), ("blobs", 4), ("no ids", 1)])
def test_only_keys_of_plain_ids_are_joined(tmp_path, monkeypatch, name, kept):
    make(tmp_path / "prompter.db", {}, (ORPHANS | SPELLINGS)[name])
    joined, orphans = [], collect_database._orphans
    monkeypatch.setattr(
        collect_database, "_orphans", lambda context, *key: joined.append(key) or orphans(context, *key)
    )
    with opened(Project.find(tmp_path), progress=False) as context:
        collect_database.foreign_key_violations(context)
    assert len(joined) == kept


def test_an_audit_that_ends_early_stops_the_integrity_check(tmp_path, monkeypatch):
    make_database(tmp_path / "prompter.db")

    def until(copy: Path, seconds: float, stop: Callable[[], bool]) -> None:
        while not stop():
            time.sleep(0.01)

    monkeypatch.setattr("dbtools.audit.context.check_integrity", until)
    with pytest.raises(KeyboardInterrupt), opened(Project.find(tmp_path), progress=False) as context:
        copies, checked = context.copies.values(), context.integrity
        assert not checked.done()
        raise KeyboardInterrupt
    assert checked.done()
    assert not any(copy.exists() for copy in copies)
