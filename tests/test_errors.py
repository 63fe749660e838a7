from __future__ import annotations

import errno
import signal
from pathlib import Path

import duckdb
import pytest

from dbtools import errors
from dbtools.errors import (
    DbtoolsError,
    ExportError,
    ParameterError,
    QueryError,
    explained,
    printable,
    reason,
    sentence,
    usable,
)
from dbtools.redact import redact

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


def test_the_reason_is_what_the_system_or_the_library_says_and_else_the_name_of_the_class():
    assert reason(PermissionError(errno.EACCES, "Permission denied", "/x")) == "Permission denied"
    assert reason(OSError("no number")) == "no number"
    assert reason(ValueError("\n one.\ntwo")) == "one"
    assert reason(AssertionError()) == "AssertionError"


def test_explained_turns_only_the_errors_it_names_and_passes_those_of_dbtools():
    said = r'^Cannot write \(Is a directory\): "a"; free space\.$'
    with pytest.raises(ExportError, match=said), explained(ExportError, "Cannot write", "a", "free space"):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    with pytest.raises(KeyError), explained(ExportError, "Cannot write"):
        raise KeyError("x")
    with pytest.raises(QueryError), explained(ExportError, "Cannot write", catch=Exception):
        raise QueryError("Not a query")


def test_where_duckdb_runs_out_of_memory_the_limit_is_what_to_change():
    turned = explained(ExportError, "Stopped", todo="free space", then="try again", catch=duckdb.Error)
    with pytest.raises(ExportError, match=r"\(full\); set \$DBTOOLS_MEMORY higher, and try again\.$"), turned:
        raise duckdb.OutOfMemoryException("full")


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/x", "x" * 5000])
def test_a_path_that_cannot_be_used_is_named_with_its_reason(path):
    with pytest.raises(ParameterError, match=r"^The path cannot be used \(.+\): "), usable(path):
        Path(path).expanduser().stat()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202evsc.gol", "\\u202evsc.gol"),
        ("a\u200bb.csv", "a\\u200bb.csv"),
        ("a\u200d.csv", "a\\u200d.csv"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("a\u3164b\u2800", "a\\u3164b\\u2800"),
        ("a\xa0b", "a\\xa0b"),
        ("\x1b]0;t\x07", "\\x1b]0;t\\x07"),
        ("x\u2066y\u2069\U000e0041", "x\\u2066y\\u2069\\U000e0041"),
        ("größe 🙂 日本", "größe 🙂 日本"),
        ("👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3", "👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3"),
    ],
)
def test_invisible_characters_are_written_out_and_emoji_stay(text, shown):
    assert printable(text) == shown


def test_line_breaks_stay_where_they_are_wanted():
    assert printable("a\nb\tc\x00", keep="\n\t") == "a\nb\tc\\x00"


def test_a_thing_after_the_word_password_is_shown_without_its_own_password():
    error = ParameterError("dbtools.toml holds a password", "postgresql://me:hunter@h/d", "use ~/.pgpass")
    assert str(error) == 'dbtools.toml holds a password: "postgresql://me:«redacted»@h/d"; use ~/.pgpass.'
    assert redact(str(error)) == str(error)
    assert "hunter2" not in str(ParameterError("Cannot use", "password=hunter2", "remove token: abc123def456"))


def test_the_handler_of_ctrl_c_is_the_same_after_the_block_as_before():
    before = signal.getsignal(signal.SIGINT)
    with errors.interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(RuntimeError, match="another"), errors.interruptible():
        raise RuntimeError("another")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_closed_connection_does_not_get_in_the_way_of_ctrl_c():
    connection = duckdb.connect()
    with pytest.raises(KeyboardInterrupt), errors.interruptible(connection):
        connection.close()
        signal.raise_signal(signal.SIGINT)
