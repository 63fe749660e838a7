"""The type of a change, found without comparing whole texts, is the application's own."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbtools.database.change_type import _half_alike, change_type

TEXTS = st.text(alphabet="ab \n\u00e9", max_size=60)


@pytest.mark.slow
@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=400, deadline=None)
def test_half_alike_is_a_ratio_of_at_least_one_half(before: str, after: str, shared: str) -> None:
    for one, other in ((before, after), (before + shared, shared + after), (shared, shared + after)):
        ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
        assert _half_alike(one, other) == (ratio >= 0.5)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("write a poem about rain", "write a poem about snow", "wording"),
        ("write a poem", "a poem in four short rhyming lines of verse", "structure"),
        ("write a poem about the rain in spring", "write a poem about the rain in spring, and add a title", "wording"),
        ("aaaaaaaaaa", "aaaaaaaaaabbbbbb", "length"),
        ("aaaa", "bbbb", "structure"),
        ("", "something", "structure"),
        # difflib's autojunk would not see what long texts share, and call this a change of structure.
        ("the rain in spring falls on the plain " * 12, "the rain in autumn falls on a plain " * 12, "wording"),
    ],
)
def test_the_type_of_a_change_follows_from_the_texts(before: str, after: str, kind: str) -> None:
    assert change_type(before, after) == kind
