"""What a worker of the Explorer keeps between two jobs: its own database, and what it computed from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dbtools import progress

if TYPE_CHECKING:
    from dbtools.database import Database

LARGE = 100_000  # versions
_WAIT = 0.1  # seconds between two looks at whether to stop
_materializing = threading.Lock()


class Session:
    """A worker's own database, and what it computed from it.

    Attributes
    ----------
    db : Database
        The chosen prompts, as the worker opened them.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self._derived: Database | None = None
        self._cached: dict[str, tuple[object, Any, ExitStack]] = {}

    @property
    def large(self) -> bool:
        """Whether the database is so large that tables are shown before charts."""
        return self.db.rows("versions") > LARGE

    def derived(self) -> Database:
        """Return the database with its derived relations materialized, if it is large: once, for all tabs.

        Changes files in the user's cache folder.
        """
        if self._derived is None:
            self._derived = self._materialize() if self.large and not self.db.is_materialized else self.db
        return self._derived

    def _materialize(self) -> Database:
        while not _materializing.acquire(timeout=_WAIT):
            progress.step("waiting for another tab")
        try:
            if not self.db.is_materialized:  # another tab may have done it meanwhile
                self.db.materialize()
        finally:
            _materializing.release()
        return self.db.reopen()

    def cached(self, name: str, key: object, make: Callable[[ExitStack], Any]) -> Any:
        """Return what was made for this key. For another key, close what was made before and make it anew."""
        known = self._cached.get(name)
        if known and known[0] == key:
            return known[1]
        if known:
            self._cached.pop(name)[2].close()
        with ExitStack() as stack:
            value = make(stack)
            self._cached[name] = key, value, stack.pop_all()
        return value

    def interrupt(self) -> None:
        """End the running query of another thread with an error."""
        for db in {id(db): db for db in (self.db, self._derived) if db}.values():
            db.interrupt()

    def close(self) -> None:
        """Close the databases and everything made from them."""
        for _, _, stack in self._cached.values():
            stack.close()
        self._cached.clear()
        if self._derived is not None and self._derived is not self.db:
            self._derived.close()
        self.db.close()
