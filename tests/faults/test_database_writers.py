"""Whatever the application does to a planned database at any moment of a cleanup, no committed row is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from select import select
from typing import Any

import pytest
from cleanup_projects import make_files, planned
from faulty_system import Machine, calls, clean, running
from support import python

from dbtools.cleanup.model import Plan

# One application per line of input: it does something to the database, says so, and goes on at the next line.
WRITER = """
import os, signal, sqlite3, sys
for line in sys.stdin:
    what, path = line.rstrip("\\n").split(" ", 1)
    if os.fork():
        os.wait()
        print("over", flush=True)
        continue
    try:
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=0)
        if what.startswith("wal"):
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        if what == "transaction":
            connection.execute("BEGIN IMMEDIATE")
        if what == "idle":
            connection.execute("SELECT * FROM t").fetchall()
        else:
            connection.execute("INSERT INTO t VALUES ('new')")
        if what in ("idle", "transaction", "wal open"):
            print("at it", flush=True)
            sys.stdin.readline()
            if what == "idle":
                connection.execute("INSERT INTO t VALUES ('new')")
            if what == "transaction":
                connection.execute("COMMIT")
        print("committed", flush=True)
        if what == "wal killed":
            os.kill(os.getpid(), signal.SIGKILL)
        connection.close()
    except sqlite3.Error as error:
        print("refused", error, flush=True)
    os._exit(0)
"""
ACTS = ("write", "idle", "transaction", "wal open", "wal killed")


class Writer:
    """The application: `start` lets it act, `finish` lets it end and tells whether it committed its row."""

    def __init__(self, process: Any) -> None:
        self.process, self.said = process, list[str]()

    def start(self, what: str, path: Path) -> None:
        self.said = []
        self._send(f"{what} {path}")
        # While a lease is on the file, the application waits for the cleanup, and the cleanup must go on.
        if select([self.process.stdout], [], [], 0.03)[0]:
            self.said.append(self.process.stdout.readline().strip())

    def finish(self, what: str) -> bool:
        waits = what in ("idle", "transaction", "wal open")
        while "over" not in self.said:
            if waits and self.said == ["at it"]:
                self._send("go on")
                waits = False
            self.said.append(self.process.stdout.readline().strip())
        return "committed" in self.said

    def _send(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextmanager
def writer() -> Iterator[Writer]:
    with python(WRITER) as process:
        yield Writer(process)
        process.stdin.close()


def database_world(folder: Path) -> Plan:
    project = make_files(folder / "project", {"a/keep.csv": b"1"})
    with closing(sqlite3.connect(project.root / "a" / "old.db")) as connection, connection:
        connection.execute("CREATE TABLE t AS SELECT 'old' AS a")
    return planned(project, "a/old.db", kind="sqlite")


def rows(plan: Plan) -> set[str]:
    """Return the rows of every database in the tree, with what its side files hold, and of every backup."""
    found: set[str] = set()
    for path in plan.project.root.rglob("*"):
        if path.is_file() and path.read_bytes()[:6] == b"SQLite" and not path.name.startswith(".del-"):
            with closing(sqlite3.connect(path)) as connection:
                found |= {a for (a,) in connection.execute("SELECT a FROM t")}
    return found


@pytest.mark.parametrize("what", ACTS)
def test_a_row_that_the_application_commits_at_any_moment_is_not_lost(folder: Path, tally: Any, what: str) -> None:
    names = calls(lambda: clean(database_world(folder / "count")))
    tally.calls += len(names) if what == ACTS[0] else 0
    with writer() as application:
        for at in tally.some(range(len(names)), 45):
            plan, acted = database_world(folder / str(at)), []

            def before(call: int, name: str, args: tuple[Any, ...], at: int = at, plan: Plan = plan) -> None:
                if call == at and (plan.project.root / "a/old.db").exists():
                    application.start(what, plan.project.root / "a/old.db")
                    acted.append(True)  # noqa: B023

            with running(Machine(before)):
                result = clean(plan)
            committed = bool(acted) and application.finish(what)
            tally.runs += 1
            wanted = {"old", "new"} if committed else {"old"}
            tally.prove(dict.fromkeys(wanted - rows(plan), 3))
            if committed:
                assert result.removed == ()
                assert "new" in rows(plan)
                assert (plan.project.root / "a/old.db").exists()
