from __future__ import annotations

import pytest
from support import assert_sentence

from dbtools.errors import QueryError
from dbtools.show.explorer.sql_tab import refuse_unbound


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
