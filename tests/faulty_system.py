"""A cleanup on a machine whose system calls are counted, and end or fail or are preceded by something at will."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import make_files, removal, sha256

from dbtools.cleanup.apply import apply
from dbtools.cleanup.model import Manifest, Plan

MODULES = [import_module(f"dbtools.cleanup.{n}") for n in ("apply", "backup", "preconditions", "restore", "safefile")]
MODULES.append(import_module("dbtools.disk"))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLANNED = ("a/b/one.csv", "a/two.csv", "a/empty.csv", "three.csv")


class Killed(BaseException):
    """The process is gone: this call and every later one never happens."""


class Machine:
    """Stands for ``os`` and ``fcntl`` and counts their calls.

    `before` gets the number, the name and the arguments of each; what it returns, unless None, is the call's result.
    `after` gets its name and arguments once it is done.
    """

    def __init__(
        self,
        before: Callable[[int, str, tuple[Any, ...]], Any] | None = None,
        after: Callable[[str, tuple[Any, ...]], None] | None = None,
    ) -> None:
        self.before, self.after = before, after
        self.calls: list[str] = []
        self.open: set[int] = set()

    def proxy(self, module: Any) -> Any:
        machine = self

        class Proxy:
            def __getattr__(self, name: str) -> Any:
                found = getattr(module, name)
                if isinstance(found, type) or not callable(found) or name in ("fspath", "strerror"):
                    return found
                return lambda *args, **more: machine.call(name, found, args, more)

        return Proxy()

    def call(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]) -> Any:
        self.calls.append(name)
        result = self.before(len(self.calls) - 1, name, args) if self.before else None
        if result is None:
            result = function(*args, **more)
        if name in ("open", "dup"):
            self.open.add(result)
        elif name == "close":
            self.open.discard(args[0])
        if self.after:
            self.after(name, args)
        return result


def killed(at: int, torn: bool = False) -> Machine:
    """Return a machine that is killed before call number `at`, in the middle of it if it is a write and `torn`."""

    def before(number: int, name: str, args: tuple[Any, ...]) -> None:
        if number >= at:
            if torn and number == at and name == "write":
                os.write(args[0], args[1][: len(args[1]) // 2])
            raise Killed(name)

    return Machine(before)


def failing(at: int, number: int) -> Machine:
    """Return a machine whose call number `at` fails; a ``close`` gives its descriptor back whatever it says."""

    def before(call: int, name: str, args: tuple[Any, ...]) -> None:
        if call == at and name != "close":
            raise OSError(number, os.strerror(number))

    return Machine(before)


@contextmanager
def running(machine: Machine) -> Iterator[None]:
    """Let the cleanup run on a machine; what a killed process had open is closed, as the kernel does."""
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            for name in ("os", "fcntl"):
                if hasattr(module, name):
                    patch.setattr(module, name, machine.proxy(getattr(module, name)))
        with suppress(Killed):
            yield
    for fd in machine.open:
        os.close(fd)


def world(folder: Path, paths: tuple[str, ...] = PLANNED) -> Plan:
    """Build a project with files of one block, several writes, equal bytes, none, and one that keeps its twin."""
    root = folder / "project"
    shutil.rmtree(root, ignore_errors=True)
    twin = b"twin" * 700
    files = {"a/b/one.csv": b"one" * 1700, "a/two.csv": twin, "a/empty.csv": b"", "three.csv": twin, "keep.csv": twin}
    project = make_files(root, {**files, "a/other.csv": b"not planned"})
    keepers = {"a/two.csv": "keep.csv", "three.csv": "keep.csv"}
    return Plan(project, tuple(removal(project, path, keeper=keepers.get(path, "")) for path in paths), ())


def lost(plan: Plan) -> dict[str, int]:
    """Return the planned files, and their sizes, whose content is neither in the tree nor in a backup of its hash."""
    root, backups = plan.project.root, plan.project.backups
    here = {sha256(path) for path in root.rglob("*") if path.is_file() and len(path.name) != 64}
    objects = [
        path for path in backups.glob("*/*") if len(path.name) == 64 and path.is_file() and not path.is_symlink()
    ]
    stored = {path.name for path in objects if sha256(path) == path.name}
    gone = [removal for removal in plan.removals if removal.sha256 not in here | stored]
    return {removal.path: removal.identity.size for removal in gone}


def assert_nothing_lost(plan: Plan) -> None:
    """Prove that every planned content is in the tree or in a backup that bears its hash."""
    assert lost(plan) == {}


def clean(plan: Plan) -> Manifest:
    return apply(plan, dry_run=False, now=NOW, progress=False)


def calls(action: Callable[[], object]) -> list[str]:
    """Return the names of the calls that an undisturbed action makes."""
    machine = Machine()
    with running(machine):
        action()
    assert not machine.open
    return machine.calls
