"""A damaged database is read or refused in one sentence, and stays as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from inputs import TRIED, damaged, damages, examples, odd, zeroed
from support import GENERATIONS, USERS, insert, make_database, unchanged

from dbtools import attach
from dbtools.errors import DbtoolsError

SOUND: list[bytes] = []  # no argument of the test: Hypothesis would print it all


@pytest.fixture(scope="module")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the bytes of a database of each generation, with large rows, a stray table and both journal modes."""
    folder = tmp_path_factory.mktemp("sound")
    SOUND.clear()
    for number, generation in enumerate(GENERATIONS):
        journal = ("delete", "wal")[number % 2]
        path = make_database(folder / f"{generation}.db", generation, migrated=number > 2, journal=journal)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(USERS)
            insert(connection, "prompts", original_text="long " * 3000)  # on pages of its own
            connection.commit()
        SOUND.append(path.read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.usefixtures("_sound")
@examples(25)
@given(st.integers(0, len(GENERATIONS) - 1), damages)
@example(0, [zeroed(2072581)])  # the root page of a table
def test_a_damaged_database_gives_rows_or_one_sentence(folder, which, changes):
    path = folder / "prompter.db"
    path.write_bytes(damaged(SOUND[which], changes))
    TRIED["damaged databases attached"] += 1
    with unchanged(folder):
        try:
            with attach(path, timeout=0.5, progress=False) as db:
                for relation in ("prompts", "versions", "scored_versions", "contests"):
                    assert len(db.frame(relation)) == db.rows(relation)
                assert db.rows("unreadable_cells") >= 0
        except DbtoolsError as error:
            assert len(str(error).splitlines()) == 1
            str(error).encode()


@examples(80)
@given(odd)
def test_a_path_of_any_kind_is_refused_in_one_sentence(folder, name):
    TRIED["paths attached"] += 1
    with unchanged(folder), pytest.raises(DbtoolsError) as caught:
        attach(f"{folder}/absent/{name}")
    assert len(str(caught.value).splitlines()) == 1
    str(caught.value).encode()


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory):
    with attach(make_database(tmp_path_factory.mktemp("typed") / "prompter.db")) as db:
        yield db


@examples(60)
@given(st.lists(odd, max_size=4))
def test_what_a_user_types_as_sql_is_refused_or_answered(typed, words):
    TRIED["statements typed"] += 1
    for query in (" ".join(words), f"SELECT * FROM {' '.join(words)}", f"SELECT '{' '.join(words)}'"):
        try:
            typed.sql(query).fetchall()
        except DbtoolsError as error:
            assert len(str(error).splitlines()) == 1
            str(error).encode()
