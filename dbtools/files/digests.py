"""Count the rows that a query returns by digest, in this process or in workers beside it.

A worker runs this file alone and imports nothing of the package, so that it starts in a moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, suppress

_SIZE = hashlib.sha256().digest_size


def count(rows: Iterable[Sequence[object]]) -> Counter[bytes]:
    """Count equal rows, by the SHA-256 of their exact cells."""
    # repr() writes bytes and numbers as literals, so cells cannot run into each other.
    return Counter(hashlib.sha256(repr(row).encode()).digest() for row in rows)


def count_in_workers(main: str, other: str, query: str, ranges: Iterable[tuple[int, int]]) -> Counter[bytes]:
    """Count the rows of a query over two databases, in a process for each range that it takes. Reads only.

    Python's sqlite3 reads one row at a time in whatever number of threads. An interrupt ends the processes.

    Parameters
    ----------
    main, other : str
        The URIs of the databases; the second is attached as ``other``.
    query : str
        The query, with two marks for the first and the last value of a range.

    Raises
    ------
    OSError
        A process failed. Nothing is known then.
    """
    found: Counter[bytes] = Counter()
    with ExitStack() as stack:
        workers = []
        for ends in ranges:
            worker = subprocess.Popen(  # noqa: S603 - this Python, this file
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt from the keyboard is for the caller
            )
            stack.callback(_end, worker)
            assert worker.stdin is not None  # noqa: S101 - a pipe, as asked for
            worker.stdin.write(json.dumps([main, other, query, ends]).encode() + b"\n")
            worker.stdin.flush()
            workers.append(worker)
        for worker in workers:
            assert worker.stdout is not None  # noqa: S101 - a pipe, as asked for
            digests = worker.stdout.read()
            if worker.wait():
                raise ChildProcessError("A worker failed")
            found.update(digests[at : at + _SIZE] for at in range(0, len(digests), _SIZE))
    return found


def _end(worker: subprocess.Popen[bytes]) -> None:
    with suppress(OSError), worker:  # the with block closes its pipes
        worker.kill()
        worker.wait()


def _work() -> None:
    """Count what standard input asks for, and write the digests to standard output."""
    main, other, query, ends = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_wait_for_end, daemon=True).start()
    with closing(sqlite3.connect(main, uri=True)) as connection:
        connection.execute("ATTACH ? AS other", [other])
        found = count(connection.execute(query, ends))
    sys.stdout.buffer.write(b"".join(found.elements()))
    sys.stdout.buffer.flush()
    os._exit(0)


def _wait_for_end() -> None:
    os.read(0, 1)  # returns when the caller has ended
    os._exit(1)


if __name__ == "__main__":
    _work()
