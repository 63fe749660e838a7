from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from support import DIMENSIONS, SHAPES, assert_sentence, hex_id, insert, make_database, unchanged

from dbtools import attach
from dbtools.analysis import evolution
from dbtools.analysis.trend import chain_order
from dbtools.errors import ParameterError

START = datetime(2025, 11, 1)
JUDGED, SYNTHETIC = '{"summary": "judged"}', '{"synthetic": true}'


def follow(path, **options):
    with attach(path) as db:
        return evolution(db, **options)


def chain(path, marks, *, source="syntax", prompt="p", feedback=JUDGED, hours=6, parents=True, types=("wording",)):
    """Add a prompt whose versions follow one another with these marks in every dimension."""
    ids = [hex_id(prompt, place) for place in range(len(marks))]
    with closing(sqlite3.connect(path)) as connection, connection:
        insert(connection, "prompts", id=hex_id(prompt), user_id="someone")
        for place, mark in enumerate(marks):
            insert(
                connection,
                "prompt_versions",
                id=ids[place],
                prompt_id=hex_id(prompt),
                version_no=place + 1,
                text=f"text {place}",
                source=source,
                created_at=str(START + timedelta(hours=hours * place)),
                parent_version_id=ids[place - 1] if parents and place else None,
                change_type=types[place % len(types)],
            )
            if mark is not None:
                marks_of = mark if isinstance(mark, tuple) else (mark, feedback)
                row = dict.fromkeys(DIMENSIONS, marks_of[0])
                insert(connection, "judge_scores", prompt_version_id=ids[place], feedback=marks_of[1], **row)
    return path


@pytest.fixture
def empty(tmp_path):
    return make_database(tmp_path / "prompter.db", prompts=0)


class TestTheOrderOfAChain:
    def test_follows_the_parents_whatever_the_order_given(self):
        assert chain_order(["c", "a", "b"], ["b", None, "a"]) == [(1, 3), (1, 1), (1, 2)]

    def test_branches_share_a_position(self):
        assert chain_order(["a", "b", "c"], [None, "a", "a"]) == [(0, 1), (0, 2), (0, 2)]

    def test_a_missing_parent_or_the_version_itself_makes_a_root(self):
        assert chain_order(["a", "b", "c"], ["gone", "a", "c"]) == [(0, 1), (0, 2), (2, 1)]

    def test_a_cycle_is_cut_above_its_first_member(self):
        assert chain_order(["a", "b", "c", "d"], ["c", "a", "b", "c"]) == [(0, 1), (0, 2), (0, 3), (0, 4)]
        assert chain_order(["d", "c", "b", "a"], ["a", "d", "c", "b"]) == [(0, 1), (0, 2), (0, 3), (0, 4)]

    def test_without_links_the_order_given_is_one_chain(self):
        assert chain_order(["a", "b"], [None, None]) == [(0, 1), (0, 2)]

    def test_may_be_of_any_length(self):
        n = 50_000
        assert chain_order(range(n), [None, *range(n - 1)])[-1] == (0, n)
        assert chain_order(range(n), [*range(1, n), None])[0] == (n - 1, n)
        assert chain_order(range(n), [*range(1, n), 0])[0] == (0, 1)


class TestTheFieldCase:
    @pytest.fixture
    def result(self, field):
        with unchanged(field):
            return follow(field, provenance="generated")

    def test_two_chains_rise_by_chain_order_and_not_by_the_clock(self, result):
        long = [p for p in result.prompts if p.used == 60]
        assert len(long) == 2
        for prompt in long:
            assert prompt.scale == "synthetic"
            assert prompt.trend_chain.slope == pytest.approx(0.32, abs=0.01)
            assert prompt.trend_chain.verdict == "rises"
            assert prompt.trend_clock.p > 0.5
            assert not prompt.trend_clock.claims
            assert prompt.orders_disagree
            assert prompt.change_point.kind == "trend"
        assert result.change_points["kind"].tolist() == ["trend", "trend"]
        assert sum(p.backward for p in long) == 60
        assert sum(p.edges for p in long) == 118

    def test_the_type_of_a_change_has_no_effect(self, result):
        assert sum(e.n for e in result.effects) == 118
        assert all(e.p_any > 0.3 and e.p == 1 for e in result.effects)  # Holm over four types
        assert all(e.low < 0 < e.high for e in result.effects)
        assert "shows no clear effect" in result.sentence

    def test_the_stored_types_are_not_those_of_the_texts(self, result):
        assert set(result.stored_types["recomputed"]) == {"wording"}
        assert set(result.stored_types["stored"]) == {"length", "other", "structure", "wording"}

    def test_the_prompts_of_three_versions_are_not_judged(self, result):
        short = [p for p in result.prompts if p.versions == 3]
        assert len(short) == 13
        assert {p.trend_chain.verdict for p in short} == {"too few times"}
        assert "2 of 15 prompts can be judged." in result.details

    def test_has_no_real_rows_and_says_so(self, field):
        result = follow(field)
        assert result.prompts == ()
        assert result.sentence.startswith("Undecided: there are no versions among real rows: all 165 are generated.")
        assert "Left out: 165 generated versions." in result.details
        assert result.diff().sentence == "There are no two versions to compare."
        assert "there are no versions among real rows: all 165 are generated.<" in result._repr_html_()


def test_a_rise_is_said_by_both_orders(empty):
    result = follow(chain(empty, [5 + place / 5 for place in range(12)]))
    (prompt,) = result.prompts
    assert (prompt.trend_chain.slope, prompt.trend_clock.slope) == (pytest.approx(0.2), pytest.approx(0.8))
    assert (prompt.trend_chain.verdict, prompt.trend_clock.verdict) == ("rises", "rises")
    assert not prompt.orders_disagree
    assert "By chain order: 1 rise, 0 fall, 0 undecided." in result.details


@pytest.mark.slow
def test_a_change_below_the_smallest_effect_is_no_rise(empty):
    path = chain(empty, [5 + place / 100 for place in range(12)])
    assert follow(path).prompts[0].trend_chain.verdict == "too small"
    assert follow(path, smallest=0.1).prompts[0].trend_chain.verdict == "rises"


@pytest.mark.slow
def test_scales_are_never_mixed_and_their_change_is_named(empty):
    marks = [(7.0 + place % 2, JUDGED) for place in range(7)] + [(70.0 + place, SYNTHETIC) for place in range(8)]
    (prompt,) = follow(chain(empty, marks), provenance="all").prompts
    assert (prompt.versions, prompt.used, prompt.scale) == (15, 8, "synthetic")
    assert prompt.trend_chain.slope == pytest.approx(1.0)
    assert prompt.change_point.kind == "scale"
    assert prompt.change_point.before < 10 < prompt.change_point.after


@pytest.mark.slow
def test_without_parent_links_the_version_numbers_give_the_order(tmp_path):
    path = make_database(tmp_path / "prompter.db", "G0", prompts=1)
    (prompt,) = follow(path).prompts
    assert (prompt.edges, prompt.trend_chain.n, prompt.trend_chain.slope) == (0, 3, pytest.approx(1.0))


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_every_generation_gives_an_answer(tmp_path, generation, migrated):
    result = follow(make_database(tmp_path / "prompter.db", generation, migrated))
    assert result.sentence.startswith("Undecided: none of 2 prompts")
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("marks", [[], [5], [None] * 6, [5] * 6, [5, None, 6, None, 7, None, 8, 9]])
def test_odd_chains_give_a_sensible_answer(empty, marks):
    result = follow(chain(empty, marks))
    assert not any(p.trend_chain.claims and len(set(marks)) < 5 for p in result.prompts)
    json.dumps(result.to_dict(), allow_nan=False)
    assert result.sentence.endswith(".")
    assert ("<table" in result._repr_html_()) == bool(result.prompts)


@pytest.mark.slow
def test_26_agents_each_have_their_line(empty):
    for letter in "abcdefghijklmnopqrstuvwxyz":
        chain(empty, [5, 6], source=f"agent {letter}", prompt=letter)
    agents = follow(empty).agents
    assert agents["agent"].nunique() == 26
    assert set(agents["n"]) == {2}
    assert agents["mean_total"].tolist() == pytest.approx([27.5] * 26)


@pytest.mark.slow
def test_a_cycle_of_parents_does_not_loop(empty):
    path = chain(empty, [5, 6, 7])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE prompt_versions SET parent_version_id = ? WHERE version_no = 1", [hex_id("p", 2)])
    assert follow(path).timeline["position"].tolist() == [1, 2, 3]


@pytest.mark.slow
def test_one_prompt_is_followed_by_its_id_with_or_without_dashes(empty):
    chain(empty, [5, 6], prompt="a")
    chain(empty, [5, 6, 7], prompt="b")
    with attach(empty) as db:
        assert [p.versions for p in evolution(db).prompts] == [3, 2]
        dashed = evolution(db, prompt_id=evolution(db, prompt_id=hex_id("a")).prompts[0].prompt_id)
    assert [p.versions for p in dashed.prompts] == [2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "thing"),
    [({"prompt_id": "nonsense"}, "nonsense"), ({"prompt_id": hex_id("x")}, hex_id("x")), ({"provenance": "no"}, "no")],
)
def test_what_does_not_exist_is_one_sentence(empty, options, thing):
    with pytest.raises(ParameterError) as error:
        follow(empty, **options)
    assert_sentence(error.value, thing)


@pytest.mark.slow
def test_at_most_200_prompts_are_followed_and_the_rest_counted(tmp_path):
    result = follow(make_database(tmp_path / "prompter.db", prompts=205))
    assert (len(result.prompts), result.unlisted) == (200, 5)
    assert "5 prompts with fewer versions" in result.details[-1]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(empty):
    path = chain(empty, [5, 6, 7, 6, 8, 5, 7, 9], types=("wording", "length"))
    assert follow(path).to_dict() == follow(path).to_dict()
    assert follow(path, seed=5).change_effects["p_any"].between(0, 1).all()


class TestDiff:
    def test_shows_what_is_gone_and_new_and_escapes_it(self, empty):
        path = chain(empty, [5, 6])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE prompt_versions SET text = 'Say <b>hello</b> now' WHERE version_no = 1")
            connection.execute("UPDATE prompt_versions SET text = 'Say <b>goodbye</b> now' WHERE version_no = 2")
        diff = follow(path).diff()
        page = diff._repr_html_()
        assert ">hello</del>" in page
        assert ">goodbye</ins>" in page
        assert "&lt;b&gt;" in page
        assert "<b>hello" not in page
        assert diff.sentence.endswith("1 word gone, 1 new.")

    def test_takes_ids_in_any_form_and_refuses_others(self, empty):
        result = follow(chain(empty, [5, 6, 7]))
        assert "version 3" in result.diff(hex_id("p", 0), hex_id("p", 2).upper()).sentence
        with pytest.raises(ParameterError) as error:
            result.diff(hex_id("p", 0), "no id")
        assert_sentence(error.value, "no id")
        with pytest.raises(ParameterError):
            result.diff(hex_id("p", 0), hex_id("q"))

    def test_hides_credentials(self, empty):
        path = chain(empty, [5, 6])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE prompt_versions SET text = 'use sk-0123456789abcdefghij please'")
        assert "sk-0123456789" not in follow(path).diff()._repr_html_()

    def test_without_the_texts_says_how_to_get_them(self, empty):
        path = chain(empty, [5, 6])
        with attach(path, texts=False) as db:
            result = evolution(db)
        assert "texts=True" in result.diff().sentence
        assert result.stored_types.empty
