"""The errors of dbtools: one class per thing a caller can do about it, one sentence per error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

MEMORY = "DBTOOLS_MEMORY"  # the environment variable that sets DuckDB's memory limit, such as "250MB"
_LONGEST_QUOTE = 300
# Of a URL, also where pathlib made one slash of two, and in the two spellings of drivers' settings. Up to the last @:
# a password may hold one too.
_PASSWORD = re.compile(
    r"""(?P<url>[a-z][\w+.-]*:/+[^\s/:@"']*:)[^\s"']*@
      | (?P<name>\b\w*pass(?:word|wd)?\s*=\s*)(?:'(?:[^'\\]|\\.)*'|"[^"]*"|[^\s&;,"']+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Where a server's URL is the thing at fault, its password may hold quotes and blanks as well.
_WHOLE = re.compile(r"(postgres[\w+]*:/+[^/:@]*:).*@", re.IGNORECASE | re.DOTALL)


def sentence(what: str, thing: object = None, todo: str | None = None) -> str:
    """Build the one sentence of an error: what failed, the thing in quotes, what to do."""
    text = what
    if thing is not None:
        shown = _WHOLE.sub(lambda m: f"{m[1]}«hidden»@", str(thing))
        quoted = hide_passwords(printable(shown))  # before cutting: half a URL no longer looks like one
        if len(quoted) > _LONGEST_QUOTE:
            quoted = quoted[: _LONGEST_QUOTE - 1] + "…"
        text += f': "{quoted}"'
    if todo is not None:
        text += f"; {todo}"
    return hide_passwords(printable(text)) + "."


def hide_passwords(text: str) -> str:
    """Return `text` with the password of every database URL and setting in it replaced by «hidden»."""
    return _PASSWORD.sub(lambda m: f"{m['url']}«hidden»@" if m["url"] else f"{m['name']}«hidden»", text)


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


def printable(text: str) -> str:
    """Return `text` with control characters written out: names come from data, and must not reach a terminal raw."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
        """Show the sentence in Jupyter, instead of a traceback through dbtools; named in full, as sqlite3 and duckdb
        have a DatabaseError too.
        """  # noqa: D205
        return [f"{type(self).__module__}.{type(self).__qualname__}: {self}"]


class ProjectError(DbtoolsError):
    """No usable project: give another root, or mend dbtools.toml."""


class NoProjectError(ProjectError):
    """No project was named and none lies around the current folder: name one."""


class DatabaseError(DbtoolsError):
    """The file cannot be read as a prompter database: repair it or give another."""


class BusyError(DbtoolsError):
    """Somebody else holds what is needed: try again later."""


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
