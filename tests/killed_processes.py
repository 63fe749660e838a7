"""Processes that are really killed: forks of one that has everything imported, so that each starts at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import python

TESTS = str(Path(__file__).parent)
_SERVER = """
import gc, json, os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import altair, duckdb, pandas, tqdm.auto
import cleanup_projects, dbtools.cleanup, dbtools.export, dbtools.database, faulty_system
for line in sys.stdin:
    order = json.loads(line)
    read, said = os.pipe()
    os.set_blocking(read, False)
    pid = os.fork()
    if not pid:
        os.dup2(said, 2)  # a pipe may be written whatever is the limit of files
        os.environ.update(order["environment"])
        status = 0
        try:
            exec(order["code"], {"given": order["given"]})
        except BaseException as error:
            status = 1 if isinstance(error, dbtools.errors.DbtoolsError) else 2
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(status)
    started = time.perf_counter()
    if order["after"] is not None:
        time.sleep(order["after"])
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(said, b"\\n")
    text = os.read(read, 1 << 16).decode(errors="replace")
    os.close(read)
    os.close(said)
    print(json.dumps([status, time.perf_counter() - started, text]), flush=True)
"""


class Victims:
    """Runs Python in processes of their own, one at a time; `said` is what the last one said at its end."""

    def __init__(self, process: Any) -> None:
        self.process, self.said = process, ""

    def run(self, code: str, *given: object, after: float | None = None) -> tuple[int, float]:
        """Run `code`, with the strings of `given`; SIGKILL it `after` some seconds.

        Returns the exit status (0 done, 1 an error of dbtools, 2 another, -9 killed) and how long it took.
        """
        order = {"code": code, "given": [str(g) for g in given], "after": after, "environment": dict(os.environ)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        status, seconds, self.said = json.loads(self.process.stdout.readline())
        return status, seconds


@contextmanager
def victims() -> Iterator[Victims]:
    """Start the process that is forked for every run; it ends with the block."""
    with python(_SERVER, TESTS) as process:
        yield Victims(process)
        process.stdin.close()


def kill_times(longest: float, count: int, rng: Any) -> list[float]:
    """Return times, spread at random over a run of the length `longest`."""
    return [longest * (i + rng.random()) / count for i in range(count)]
