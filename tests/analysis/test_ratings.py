from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from rating_projects import answer, own_marks_project, rate
from support import AGENTS, assert_sentence, hex_id

from dbtools import analysis, attach
from dbtools.analysis.ratings import (
    Comparison,
    choose,
    first_wins,
    leader_and_rivals,
    load_pool,
    missing_ratings,
    priority,
)
from dbtools.errors import ParameterError


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return own_marks_project(tmp_path_factory.mktemp("ratings") / "project", prompts=6)


@pytest.fixture(scope="module")
def db(project):
    with attach(project, texts=True) as opened:
        yield opened


def simulate(pool, prefer, count, rater="ann", seed=0, done=()):
    """Rate pairs in memory; `prefer` gets both agents and returns the outcome."""
    done = list(done)
    for _ in range(count):
        pair = choose(pool, done, rater, seed)
        if pair is None:
            break
        versions = {one.version: one for one in pool.prompts[pair.prompt_id]}
        a, b = sorted((versions[pair.left], versions[pair.right]), key=lambda one: one.agent)
        outcome = prefer(a.agent, b.agent)
        ids = a.version, b.version
        made = Comparison(rater, a.prompt, a.text, a.agent, b.agent, outcome, pair.order == "ab", ids)
        done.append(made)
    return done


@pytest.mark.slow
def test_the_next_pair_is_two_versions_of_one_prompt_with_their_texts(db):
    pair = analysis.next_pair(db, "ann")
    prompt, *_ = db.sql("SELECT original_text FROM prompts WHERE id = ?", [pair.prompt_id]).fetchone()
    rows = db.sql("SELECT id::VARCHAR, source, text, prompt_id::VARCHAR FROM versions").fetchall()
    versions = {row[0]: row[1:] for row in rows}
    left, right = versions[pair.left], versions[pair.right]
    assert (pair.prompt, pair.left_text, pair.right_text) == (prompt, left[1], right[1])
    assert left[2] == right[2] == pair.prompt_id
    assert left[0] != right[0]
    assert pair.order == ("ab" if left[0] < right[0] else "ba")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pair_and_another_seed_another_order(db):
    assert analysis.next_pair(db, "ann") == analysis.next_pair(db, " ann ")
    others = {analysis.next_pair(db, "ann", seed=seed) for seed in range(8)}
    assert len(others) > 1


@pytest.mark.slow
def test_no_pair_comes_twice_for_one_rater_and_each_comes_once(db):
    done = simulate(load_pool(db), lambda a, b: 0, 100)
    assert len(done) == 6 * 3
    assert len({frozenset(one.versions) for one in done}) == 18
    again = simulate(load_pool(db), lambda a, b: 0, 100, rater="bob", done=done)
    assert len(again) == 36


def test_agents_prompts_and_sides_are_balanced(db):
    done = simulate(load_pool(db), lambda a, b: 0, 100)
    for count in (3, 6, 9, 18):  # between, the decision comes first
        pairs = Counter((one.a, one.b) for one in done[:count])
        assert max(pairs.values()) - min(pairs.values()) <= 1
    for pair in {(one.a, one.b) for one in done}:
        sides = [one.left_a for one in done if (one.a, one.b) == pair]
        for count in range(1, len(sides) + 1):
            assert abs(2 * sum(sides[:count]) - count) <= 2
    assert {one.left_a for one in done} == {True, False}


@pytest.mark.slow
def test_new_prompt_texts_come_before_repeated_ones(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=6, agents=AGENTS[:2])
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        same = [hex_id("prompt", number) for number in range(3)]
        connection.execute("UPDATE prompts SET original_text = 'The same' WHERE id IN (?, ?, ?)", same)
    with attach(root, texts=True) as db:
        texts = [one.text for one in simulate(load_pool(db), lambda a, b: 1, 6)]
    assert len(set(texts[:4])) == 4
    assert len(set(texts)) == 4


@pytest.mark.slow
def test_equal_texts_are_not_shown_and_count_as_a_tie(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=3, agents=AGENTS[:2])
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        first = hex_id("prompt", 0)
        connection.execute("UPDATE prompt_versions SET text = 'Equal' WHERE prompt_id = ?", [first])
    seen = []
    for number in range(3):
        pair = analysis.next_pair(root, "ann")
        if pair is None:
            break
        seen.append(pair.prompt)
        answer(root, pair, "ann", lambda left, right: "left", f"r{number}")
    assert sorted(seen) == ["question 1", "question 2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE prompt_versions SET text = '  ' WHERE source = 'syntax'",
        "UPDATE prompts SET user_id = 'load_test_1'",
        "DELETE FROM prompt_versions WHERE source <> 'syntax'",
    ],
)
def test_only_real_rows_with_both_texts_and_a_rival_are_rated(tmp_path, statement):
    root = own_marks_project(tmp_path / "project", prompts=2, agents=AGENTS[:2])
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        connection.execute(statement)
    assert analysis.next_pair(root, "ann") is None


def test_the_decision_comes_first(db):
    """After the first ratings, the leader meets the rival whose difference from it is least certain."""
    wins = {("domain", "structure"): 9, ("domain", "syntax"): 2, ("syntax", "domain"): 1}
    assert leader_and_rivals(AGENTS, wins)[0] == "domain"
    done = []
    for (one, other), count in {**wins, ("structure", "syntax"): 4}.items():
        a, b = sorted((one, other))
        done += [
            Comparison("ann", "", f"t{len(done) + n}", a, b, 1 if a == one else -1, True, ("", ""))
            for n in range(count)
        ]
    assert priority(AGENTS, done)[0] == ("domain", "syntax")


def test_only_the_first_rating_of_a_text_counts_for_the_decision():
    def one(text, outcome):
        return Comparison("ann", "p", text, "a", "b", outcome, True, ("", ""))

    done = [one("t1", None), one("t1", 1), one("t1", -1), one("t2", 0), one("t2", -1), one("t3", -1)]
    assert first_wins(done) == {("a", "b"): 1, ("b", "a"): 1}


def test_what_is_missing_shrinks_as_the_preference_shows():
    left = [missing_ratings(("a", "b"), {("a", "b"): won}) for won in range(14)]
    assert 20 <= left[0] <= 40
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert missing_ratings(("a",), {}) == 0


@pytest.mark.slow
def test_named_agents_alone_are_rated(db, project):
    done = simulate(load_pool(db, ["domain", "syntax"]), lambda a, b: 0, 100)
    assert {(one.a, one.b) for one in done} == {("domain", "syntax")}
    assert analysis.next_pair(project, "ann", agents=["domain"]) is None
    assert analysis.next_pair(project, "ann", agents=["\udcff"]) is None  # as Python reads a name that is not UTF-8


@pytest.mark.slow
def test_the_file_is_read_as_it_is_now(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=1, agents=AGENTS[:2])
    with attach(root, texts=True) as db:
        assert analysis.next_pair(db, "ann") is not None
        rate(root, 0, *AGENTS[:2], "tie")
        assert analysis.next_pair(db, "ann") is None
        assert analysis.next_pair(db, "bob") is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_a_rater_needs_a_name_that_can_be_seen(project, name):
    with pytest.raises(ParameterError) as caught:
        analysis.next_pair(project, name)
    assert "name of a rater" in str(caught.value)


@pytest.mark.slow
def test_rating_needs_the_long_texts(project):
    with attach(project, texts=False) as db, pytest.raises(ParameterError) as caught:
        analysis.next_pair(db, "ann")
    assert_sentence(caught.value, str(project / "prompter.db"))
