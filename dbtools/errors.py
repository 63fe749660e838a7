"""The errors of dbtools: one class per thing a caller can do about it, one sentence per error."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from dbtools.redact import HIDDEN, redact, shorten

MEMORY = "DBTOOLS_MEMORY"  # the environment variable that sets DuckDB's memory limit, such as "250MB"
_LONGEST_QUOTE = 300
# Where the URL of a server is at fault, its password may hold quotes and blanks as well.
_SERVER = re.compile(r"(postgres[\w+]*:/+[^/:@]*:).*@", re.IGNORECASE | re.DOTALL)
# These draw nothing or next to nothing, although Unicode counts them as letters, marks or symbols.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Between characters that are not ASCII, joiners and variation selectors make emoji and the letters of some scripts.
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"


def sentence(what: str, thing: object = None, todo: str | None = None) -> str:
    """Build the one sentence of an error: what failed, the thing in quotes, what to do."""
    text = redact(printable(what))  # each part by itself: a thing in quotes after "password" need not be one
    if thing is not None:
        shown = _SERVER.sub(lambda m: f"{m[1]}{HIDDEN}@", str(thing)[: 20 * _LONGEST_QUOTE])
        text += f': "{shorten(printable(shown), _LONGEST_QUOTE)}"'
    if todo is not None:
        text += f"; {redact(printable(todo))}"
    return f"{text}."


def reason(error: BaseException) -> str:
    """Return why something failed: the system's words, else the first line of the text, else the name of the class.

    Further lines of an error's text are a library's advice, which does not fit here.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def remedy(error: BaseException, otherwise: str) -> str:
    """Return what to do about an error: raise the memory limit where DuckDB ran out of memory, else `otherwise`."""
    return f"set ${MEMORY} higher" if type(error).__name__ == "OutOfMemoryException" else otherwise


def readable(text: str) -> str:
    r"""Return `text` as any file can hold it: bytes of a name that are not UTF-8 are written ``\xff``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(text: str, keep: str = "") -> str:
    r"""Return `text` with every control, direction and invisible character written out, as in ``\u202e``.

    Names come from data: they must not change what a terminal or a page shows around them. `keep` names characters
    that stay, such as line breaks.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = []
    for at, c in enumerate(text):
        visible = c in keep or (c.isprintable() and not _BLANK.match(c))
        if not visible and c in _JOINERS:
            neighbours = text[at - 1 : at] + text[at + 1 : at + 2]
            visible = (at > 0 and text[at - 1] > "\x7f" and neighbours.isprintable()) or neighbours[1:] == "\u20e3"
        shown.append(c if visible else c.encode("unicode_escape").decode())
    return "".join(shown)


class DbtoolsError(Exception):
    """Base of every error dbtools raises on purpose; its text is one sentence.

    Parameters
    ----------
    what : str
        What failed.
    thing : object, optional
        The file, value or statement at fault; shown in quotes.
    todo : str, optional
        What the reader can do about it.
    """

    def __init__(self, what: str, thing: object = None, todo: str | None = None) -> None:
        super().__init__(sentence(what, thing, todo))

    def _render_traceback_(self) -> list[str]:
        """Show the sentence in Jupyter, instead of a traceback through dbtools."""
        # The class is named in full: sqlite3 and duckdb have a DatabaseError too.
        return [f"{type(self).__module__}.{type(self).__qualname__}: {self}"]


def check_kind(value: object, kind: type, call: str) -> None:
    """Raise a ParameterError that names the right `call`, unless a value is of a kind."""
    if not isinstance(value, kind):
        raise ParameterError(f"Not a {kind.__name__}", type(value).__name__, f"call {call}")


class ProjectError(DbtoolsError):
    """No usable project: give another root, or mend dbtools.toml."""


class NoProjectError(ProjectError):
    """No project was named and none lies around the current folder: name one."""


class DatabaseError(DbtoolsError):
    """The file cannot be read as a prompter database: repair it or give another."""


class DamagedError(DatabaseError):
    """The file of a database is damaged: restore it from a backup."""


class BusyError(DbtoolsError):
    """Another process has locked what is needed: try again later."""


class ExtensionError(DbtoolsError):
    """DuckDB's scanner is missing: install it."""


class QueryError(DbtoolsError):
    """The statement was refused: change it."""


class ParameterError(DbtoolsError):
    """An argument cannot be used: correct it."""


class ConflictError(DbtoolsError):
    """A file that must not be overwritten is in the way; nothing was written."""


class ExportError(DbtoolsError):
    """An export could not be written, or what was written does not equal the database."""


class CleanupError(DbtoolsError):
    """A cleanup or restore stopped; what is on disk is safe, and the same call resumes it."""


class NotebookError(DbtoolsError):
    """A notebook raised; its executed copy shows where."""


class VerdictError(DbtoolsError):
    """The notebook ran and its own verdict is *fail*."""


class Interruptible(Protocol):
    """A connection whose running statement can be stopped."""

    def interrupt(self) -> None:
        """Stop the statement."""


@contextmanager
def interruptible(*connections: Interruptible) -> Iterator[None]:
    """Raise KeyboardInterrupt for the error that DuckDB makes of it, and stop its other threads at once.

    By itself, DuckDB waits until each thread has finished its part of the statement, however long that takes.
    """
    earlier = signal.getsignal(signal.SIGINT)
    handles = callable(earlier) and threading.current_thread() is threading.main_thread()

    def stop(number: int, frame: FrameType | None) -> None:
        for connection in connections:
            with suppress(Exception):  # closed meanwhile
                connection.interrupt()
        if callable(earlier):
            earlier(number, frame)

    if handles:
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from None
    finally:
        if (
            handles
            and signal.getsignal(signal.SIGINT) is stop
            and threading.current_thread() is threading.main_thread()
        ):
            signal.signal(signal.SIGINT, earlier)


@contextmanager
def explained(
    kind: type[DbtoolsError],
    what: str,
    thing: object = None,
    todo: str = "",
    *,
    then: str = "",
    catch: type[Exception] | tuple[type[Exception], ...] = OSError,
) -> Iterator[None]:
    """Turn an error of the ``with`` block into one of dbtools: ``what (reason): "thing"; todo, then``.

    Parameters
    ----------
    todo, then : str
        What the reader can do, and after that; `todo` is replaced where DuckDB ran out of memory.
    catch : type or tuple of types
        The errors that are turned; errors of dbtools pass as they are.
    """
    try:
        yield
    except DbtoolsError:
        raise
    except catch as error:
        steps = ", and ".join(step for step in (remedy(error, todo), then) if step)
        raise kind(f"{what} ({reason(error)})", thing, steps or None) from None


@contextmanager
def usable(path: object, kind: type[DbtoolsError] = ParameterError) -> Iterator[None]:
    """Turn what makes a path unusable, such as a NUL in it, links in a circle or its length, into a sentence."""
    with explained(
        kind, "The path cannot be used", path, "give another path", catch=(OSError, RuntimeError, ValueError)
    ):
        yield
