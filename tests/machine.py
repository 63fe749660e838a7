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
from cleaning import make_files, removal, sha256

from dbtools.cleanup.apply import Manifest, apply
from dbtools.cleanup.plan import Plan

MODULES = [import_module(f"dbtools.cleanup.{n}") for n in ("apply", "guard", "journal", "remove", "restore", "vault")]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLANNED = ("a/b/one.csv", "a/two.csv", "a/empty.csv", "three.csv")


class Killed(BaseException):
    """The process is gone: this call and every later one never happens."""


class Machine:
    """Stands for ``os`` and ``fcntl`` and counts their calls; `before` is called with each number and name."""

    def __init__(self, before: Callable[[int, str, tuple[Any, ...]], None] | None = None) -> None:
        self.before = before
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
        if self.before:
            self.before(len(self.calls) - 1, name, args)
        result = function(*args, **more)
        if name in ("open", "dup"):
            self.open.add(result)
        elif name == "close":
            self.open.discard(args[0])
        return result


def killed(at: int, torn: bool = False) -> Machine:
    """Return a machine that is killed before call number `at`, in the middle of it if it is a write and `torn`."""

    def before(number: int, name: str, args: tuple[Any, ...]) -> None:
        if number >= at:
            if torn and number == at and name == "write":
                os.write(args[0], args[1][: len(args[1]) // 2])
            raise Killed(name)

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


def assert_nothing_lost(plan: Plan) -> None:
    """Prove that every planned content is in the tree or in a backup that bears its hash."""
    here = {sha256(path) for path in plan.project.root.rglob("*") if path.is_file() and len(path.name) != 64}
    stored = {
        path.name for path in plan.project.backups.glob("*/*") if len(path.name) == 64 and sha256(path) == path.name
    }
    assert {removal.sha256 for removal in plan.removals} <= here | stored


def clean(plan: Plan) -> Manifest:
    return apply(plan, dry_run=False, now=NOW, progress=False)


def calls(action: Callable[[], object]) -> list[str]:
    """Return the names of the calls that an undisturbed action makes."""
    machine = Machine()
    with running(machine):
        action()
    assert not machine.open
    return machine.calls
