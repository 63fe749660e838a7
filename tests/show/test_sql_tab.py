from __future__ import annotations

import pytest
from support import assert_sentence

from dbtools import attach, demo
from dbtools.errors import QueryError
from dbtools.show import Explorer
from dbtools.show.explorer.sql_tab import refuse_unbound, suggestion, tree_html


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("SELECT $agent", "$agent"),
        ("SELECT ?", "?"),
        ("SELECT 1 WHERE 'a' = $b", "$b"),
        ("-- a comment", "-- a comment"),
    ],
)
def test_a_value_that_is_not_given_is_named(text, thing):
    with pytest.raises(QueryError) as raised:
        refuse_unbound(text)
    assert_sentence(raised.value, thing)


@pytest.mark.parametrize("text", ["SELECT '$agent ?'", "SELECT 1; SELECT 2", "SELEKT", "FROM versions"])
def test_other_statements_are_left_to_the_database(text):
    assert refuse_unbound(text) is None


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    with attach(demo.build(tmp_path_factory.mktemp("sql") / "demo")) as db:
        yield db


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "name", "meant"),
    [
        ("SELECT scor FROM scored_versions", "scor", "score"),
        ("SELECT * FROM prompt_versions", "prompt_versions", "use versions"),
        ("SELECT * FROM version", "version", "versions"),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_those_like_it(db, statement, name, meant):
    with pytest.raises(QueryError) as raised:
        db.sql(statement)
    found, said = suggestion(str(raised.value), db)
    assert found == name
    assert meant in said


def test_other_errors_have_no_suggestion(db):
    assert suggestion("Parser Error: syntax error", db) == ("", "")


def test_a_hostile_name_in_the_tree_stays_text():
    shown = tree_html({"rescued_<script>": ['a" onclick="x']})
    assert "<script>" not in shown
    assert 'onclick="x' not in shown


@pytest.mark.slow
def test_a_tab_that_is_opened_has_the_process_ready_that_runs_its_statements(db):
    with Explorer(db) as explorer:
        explorer.tab = "sql"
        assert explorer.wait(300)
        process = explorer.tabs["sql"].worker._session[1].db.sandbox._process
        explorer.tabs["sql"].run()
        assert explorer.wait(300)
        assert explorer.tabs["sql"].worker._session[1].db.sandbox._process is process is not None
