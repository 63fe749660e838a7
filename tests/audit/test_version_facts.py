"""The kind of a change, found without comparing whole texts, is the application's own."""

from __future__ import annotations

from difflib import SequenceMatcher

from hypothesis import given, settings
from hypothesis import strategies as st

from dbtools.audit.version_facts import _half_alike

TEXTS = st.text(alphabet="ab \n\u00e9", max_size=60)


@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=400, deadline=None)
def test_half_alike_is_a_ratio_of_at_least_one_half(before: str, after: str, shared: str) -> None:
    for one, other in ((before, after), (before + shared, shared + after), (shared, shared + after)):
        ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
        assert _half_alike(one, other) == (ratio >= 0.5)
