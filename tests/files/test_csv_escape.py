"""Formula guards: what is risky is guarded, and every guard comes off exactly."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtools.files.csvfile import ESCAPE_MACROS, unescape

CONNECTION = duckdb.connect()
CONNECTION.execute(ESCAPE_MACROS)

RISKY = (
    "=1+1",
    "+1",
    "-1",
    "@x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    " =1",
    "\"'=1",
    "'=1",
    "\t=1",
    "\tx",
    "\rx",
    "\nx",
    "\u00a0=1",
    "\ufeff=1",
    "\x0b=1",
    "\0=1",
    "'\tx",
)
HARMLESS = ("", "a=1", "1-1", "'quoted'", "it's", "a\n=1", "O'Neill @ home", "é", "[1]", '{"a": 1}')


def escaped(text: str) -> str:
    return str(CONNECTION.execute("SELECT escaped(?)", [text]).fetchall()[0][0])


@pytest.mark.parametrize("text", RISKY)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert escaped(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text == unescape(text)


@given(st.text(st.sampled_from("'\"=+-@＝ \t\r\n\0\x0b\x1c\u00a0\u2003\ufeff\u0301aé"), max_size=6) | st.text())
def test_the_guard_comes_off_exactly_in_python_and_in_sql(text: str) -> None:
    both = CONNECTION.execute("SELECT escaped(t), unescaped(escaped(t)) FROM (SELECT ? AS t)", [text]).fetchall()[0]
    assert unescape(both[0]) == text
    assert both[1] == text


def test_a_missing_text_stays_missing() -> None:
    assert CONNECTION.execute("SELECT escaped(NULL), unescaped(NULL)").fetchall() == [(None, None)]
