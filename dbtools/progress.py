"""Progress of long work: a bar, or steps told to a listener, which can stop the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Listener = Callable[[int, int, str], None]
_ears = threading.local()


class Stopped(BaseException):
    """Raised by a listener at the next step of work that is no longer wanted; nothing failed, so no error."""


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Tell `listener` (done, total, what) of every step of this thread's work, instead of drawing bars.

    Whatever it raises ends the work, which leaves files as it leaves them when it is killed: safe, and resumable.
    """
    before, _ears.listener = getattr(_ears, "listener", None), listener
    try:
        yield
    finally:
        _ears.listener = before


def step(what: str = "") -> None:
    """Say that work without a bar has come to its next step. Reads only."""
    listener = getattr(_ears, "listener", None)
    if listener:
        listener(0, 0, what)


def bar(items: Iterable[T] | None = None, *, total: int = 0, desc: str = "", disable: bool = False, **look: Any) -> Any:
    """Return what tqdm would, over `items` or up to `total`; `disable` hides the bar, but not from a listener."""
    listener = getattr(_ears, "listener", None)
    if listener:
        items = None if items is None else list(items)
        return _Told(listener, items, total or len(items or ()), desc)
    from tqdm.auto import tqdm

    return tqdm(items, total=total or None, desc=desc or None, disable=disable, **look)


class _Told:
    """As much of tqdm as this package uses."""

    def __init__(self, listener: Listener, items: list[Any] | None, total: int, desc: str) -> None:
        self.listener, self.items, self.total, self.desc, self.n = listener, items, total, desc, 0
        self.update(0)

    def update(self, n: int) -> None:
        self.n += n
        self.listener(self.n, self.total, self.desc)

    def set_description(self, desc: str) -> None:
        self.desc = desc
        self.update(0)

    def __iter__(self) -> Iterator[Any]:
        for item in self.items or ():
            yield item
            self.update(1)

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *error: object) -> None:
        pass
