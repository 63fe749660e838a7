from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from datetime import date

import pytest
from support import AGENTS, hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.database import cache
from dbtools.errors import ParameterError


@pytest.fixture
def database(tmp_path):
    """Four prompts of four users, the last asked a day later than the others."""
    path = make_database(tmp_path / "prompter.db", prompts=4)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE prompts SET created_at = '2025-12-05 23:59:59.9' WHERE user_id = 'user-4'")
        connection.execute("UPDATE security_inputs SET created_at = '2025-12-05 00:00:00' WHERE user_id = 'user-4'")
        connection.execute("UPDATE user_feedback SET prompt_id = NULL WHERE user_id = 'user-1'")
    return path


BELONGS = {"prompts": 1, "versions": 3, "scores": 3, "heads": 1, "token_usage": 3, "feedback": 1, "security_inputs": 1}


def rows(db) -> dict[str, int]:
    return {relation: db.rows(relation) for relation in BELONGS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "prompts"),
    [
        ({"users": ["user-1"]}, 1),
        ({"users": ["user-1", "user-4"]}, 2),
        ({"users": ["nobody' OR 1=1 --"]}, 0),
        ({"since": date(2025, 12, 5)}, 1),
        ({"until": date(2025, 12, 4)}, 3),
        ({"since": "2025-12-05", "until": "2025-12-05"}, 1),
        ({"since": date(2025, 12, 5), "until": date(2025, 12, 5)}, 1),
        ({"users": ["user-1"], "since": date(2025, 12, 5)}, 0),
        ({}, 4),
    ],
)
def test_only_the_prompts_asked_for_are_there_with_all_that_belongs_to_them(database, asked, prompts):
    with attach(database, progress=False) as db, closing(db.filter(**asked)) as some:
        assert rows(some) == {relation: n * prompts for relation, n in BELONGS.items()}
        assert len(some.frame("scored_versions")) == 3 * prompts
        assert rows(db) == {relation: n * 4 for relation, n in BELONGS.items()}


@pytest.mark.parametrize("cached", [True, False])
def test_a_filtered_database_outlives_the_one_it_came_from(database, tmp_path, monkeypatch, cached):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    if not cached:
        monkeypatch.setattr(cache, "folder_of", lambda _: None)
    db = attach(database, progress=False)
    some = db.filter(["user-1"])
    db.close()
    assert rows(some) == BELONGS
    again = some.reopen()
    some.close()
    with again.workspace() as connection:
        assert connection.execute("SELECT count(*) FROM prompts").fetchall() == [(1,)]
    again.close()
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_an_analysis_of_some_prompts_is_that_of_a_database_without_the_others(database, tmp_path):
    alone = make_database(tmp_path / "alone.db", prompts=1)
    insert(alone, "prompt_versions", prompt_id=hex_id("prompt", 1), source="syntax", version_no=9)
    insert(database, "prompt_versions", prompt_id=hex_id("prompt", 1), source="syntax", version_no=9)
    with attach(database, progress=False) as db, attach(alone, progress=False) as other:
        some, whole = db.filter(["user-1"]), other
        with closing(some):
            found, expected = analysis.effectiveness(some).to_dict(), analysis.effectiveness(whole).to_dict()
            assert found.pop("narrowed") == "only prompts of user-1, 3 other prompts left out"
            assert any("only prompts of user-1, 3 other prompts left out" in line for line in found.pop("details"))
            for key in ("narrowed", "details"):
                expected.pop(key)
            assert found == expected
            assert [a["agent"] for a in found["agents"]] == sorted(AGENTS)
            for analyse in (analysis.evolution, analysis.usage):
                told, plain = analyse(some), analyse(whole)
                assert any("only prompts of user-1, 3 other prompts left out" in line for line in told.details)
                assert {**told.to_dict(), "details": []} == {**plain.to_dict(), "details": []}
            own = analysis.application_stats(some)
            assert own.sources == analysis.application_stats(whole).sources
            assert "3 other prompts left out" in " ".join([own.sentence, *own.details])


@pytest.mark.slow
@pytest.mark.parametrize("day", ["yesterday", 5, "2025-13-01"])
def test_what_is_no_day_is_refused(database, day):
    with attach(database, progress=False) as db, pytest.raises(ParameterError, match="Not a day"):
        db.filter(since=day)
