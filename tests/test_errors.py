from __future__ import annotations

import pytest

from dbtools import errors
from dbtools.errors import DbtoolsError, first_line, sentence

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, DbtoolsError)]


def test_a_sentence_says_what_failed_the_thing_in_quotes_and_what_to_do() -> None:
    assert sentence("No such file", "a b.csv", "give another") == 'No such file: "a b.csv"; give another.'
    assert sentence("Nothing to do") == "Nothing to do."


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\u202eb", "a\udcffb"])
def test_control_characters_reach_no_terminal_raw(text: str) -> None:
    for shown in (sentence("Failed", text), sentence(f"Failed ({text})", "x"), sentence("Failed", "x", text)):
        assert shown.isprintable()
        assert "\\" in shown
        shown.encode("utf-8")


def test_emoji_and_umlauts_stay_readable() -> None:
    assert sentence("Failed", "größe 🙂.db") == 'Failed: "größe 🙂.db".'


def test_a_long_thing_is_cut_where_it_is_still_readable() -> None:
    shown = sentence("Failed", "x" * 1000, "shorten it")
    assert len(shown) < 340
    assert shown.endswith('x…"; shorten it.')


def test_a_thing_of_300_characters_is_shown_whole() -> None:
    assert f'"{"y" * 300}"' in sentence("Failed", "y" * 300)


def test_every_error_can_be_caught_as_one_family_and_says_what_a_caller_can_do() -> None:
    assert len(CLASSES) > 8
    for cls in CLASSES:
        assert str(cls("Failed", "thing", "mend it")) == 'Failed: "thing"; mend it.'
        assert cls.__doc__


def test_of_an_error_that_says_nothing_its_kind_is_told():
    assert first_line(AssertionError()) == "AssertionError"
    assert first_line(ValueError("\n one\ntwo")) == "one"
