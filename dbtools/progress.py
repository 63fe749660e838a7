"""Progress of long work: a bar, or a listener that is called at every step and can stop the work."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dbtools.errors import printable

T = TypeVar("T")
Listener = Callable[[int, int, str], None]
_thread = threading.local()


class Stopped(BaseException):
    """Raised by a listener to stop the work at its next step. Nothing failed, so it is no error."""


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` (done, total, what) at every step of this thread's work, instead of drawing bars.

    An exception of the listener ends the work. Files are then as after a kill: safe, and the work can be resumed.
    """
    before, _thread.listener = getattr(_thread, "listener", None), listener
    try:
        yield
    finally:
        _thread.listener = before


def step(what: str = "") -> None:
    """Call the listener for the next step of work that has no bar. Reads only."""
    listener = getattr(_thread, "listener", None)
    if listener:
        listener(0, 0, what)


def bar(items: Iterable[T] | None = None, *, total: int = 0, desc: str = "", disable: bool = False, **look: Any) -> Any:
    """Return a tqdm bar over `items` or up to `total`. `disable` hides the bar; a listener is called all the same."""
    listener = getattr(_thread, "listener", None)
    if listener:
        items = None if items is None else list(items)
        return _Steps(listener, items, total or len(items or ()), desc)
    from tqdm.auto import tqdm

    return tqdm(items, total=total or None, desc=desc or None, disable=disable, **look)


class ProgressLine:
    """One line on the terminal that says what a notebook is doing; nothing where stderr is no terminal."""

    def __init__(self, name: str, shown: bool = True) -> None:
        self._name, self._shown = name, shown and sys.stderr.isatty()

    def say(self, what: str) -> None:
        """Write the line anew."""
        if self._shown:
            room = max(20, shutil.get_terminal_size().columns - 1)
            sys.stderr.write(f"\r\x1b[K{f'{self._name}: {what}'[:room]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def cells(self, notebook: Any) -> Callable[..., None]:
        """Return what a notebook client calls before each cell: it names the cell's number and its heading."""
        headings, last = {}, ""
        for cell in notebook.cells:
            lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
            last = next((line.lstrip("# ") for line in lines if line.startswith("#")), last)
            headings[cell.get("id")] = last

        def start(cell: Any, cell_index: int) -> None:
            heading = headings.get(cell.get("id"), "")
            self.say(f"cell {cell_index + 1} of {len(headings)}" + (f", {printable(heading)}" if heading else ""))

        return start


class _Steps:
    """The part of tqdm that dbtools uses, for a listener."""

    def __init__(self, listener: Listener, items: list[Any] | None, total: int, desc: str) -> None:
        self.listener, self.items, self.total, self.desc, self.n = listener, items, total, desc, 0
        self.update(0)

    def update(self, n: int = 1) -> None:
        self.n += n
        self.listener(self.n, self.total, self.desc)

    def set_description(self, desc: str) -> None:
        self.desc = desc
        self.update(0)

    def __iter__(self) -> Iterator[Any]:
        for item in self.items or ():
            yield item
            self.update(1)

    def __enter__(self) -> _Steps:
        return self

    def __exit__(self, *error: object) -> None:
        pass
