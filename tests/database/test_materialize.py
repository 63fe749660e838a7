from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest
from support import hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.notebooks.record import plain

ASKED = [{}, {"users": ["user-1"]}, {"users": ["user-2", "user-4"]}]


@pytest.fixture
def database(tmp_path):
    """Prompts that repeat a text, one that is there twice, versions without a prompt, and a head of another prompt."""
    path = make_database(tmp_path / "prompter.db", prompts=6)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE prompts SET original_text = 'The same' WHERE user_id IN ('user-1', 'user-2')")
        connection.execute("UPDATE prompts SET user_id = 'test_user' WHERE user_id = 'user-3'")
        find = "SELECT id FROM prompt_versions WHERE prompt_id = ?"
        other = connection.execute(find, [hex_id("prompt", 2)]).fetchone()
        move = "UPDATE best_heads SET prompt_version_id = ? WHERE prompt_id = ?"
        connection.execute(move, [*other, hex_id("prompt", 1)])
        connection.execute("UPDATE prompts SET id = ? WHERE user_id = 'user-6'", [hex_id("nobody")])
        connection.execute(
            "UPDATE prompt_versions SET source = 'original' WHERE version_no = 1 AND prompt_id = ?", other
        )
        insert(connection, "prompt_versions", prompt_id=hex_id("prompt", 4), source="domain", version_no=9)
    return path


def derived(db) -> dict[str, object]:
    """Return all that rests on the derived relations."""
    relations = ("provenance", "scored_versions", "contests")
    rows = {name: db.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in relations}
    found = {p: plain(analysis.effectiveness(db, p).to_dict()) for p in ("real", "generated", "all")}
    some = plain(analysis.effectiveness(db, "all", agents=["domain", "original"]).to_dict())
    return {**rows, **found, "some": some, "evolution": plain(analysis.evolution(db).to_dict())}


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_is_kept_is_what_would_be_worked_out(database, asked):
    with attach(database, progress=False) as db, closing(db.filter(**asked)) as before:
        expected = derived(before)
        db.materialize()
        with closing(db.filter(**asked)) as after:
            assert after.is_materialized
            assert derived(after) == expected


def test_it_is_worked_out_of_all_rows_whoever_asks(database):
    with attach(database, progress=False) as db:
        expected = derived(db)
        with closing(db.filter(["user-1"])) as some:
            some.materialize()
        with closing(db.reopen()) as again:
            assert derived(again) == expected


def test_it_is_private_used_by_the_next_who_attaches_and_dropped_with_its_state(database):
    with attach(database, progress=False) as db:
        db.materialize()
        file = db._derived
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [p.name for p in file.parent.glob("*.duckdb")].count(file.name) == 1
    with attach(database, texts=False, progress=False) as db:
        assert db.is_materialized
    insert(database, "prompts", user_id="somebody.new")
    with attach(database, progress=False) as db:
        assert not db.is_materialized
        assert not file.exists()


def test_a_damaged_file_is_worked_out_anew(database):
    with attach(database, progress=False) as db:
        expected = derived(db)
        db._derived.write_bytes(b"no database")
        with closing(db.reopen()) as again:
            assert derived(again) == expected
