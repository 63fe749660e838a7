"""Run typed SQL in a worker process, which can be stopped at once and has a limit of memory.

DuckDB cannot be interrupted inside one call of a function, and its memory limit does not count what functions allocate.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dbtools.errors import MEMORY, DatabaseError, ParameterError, QueryError

if TYPE_CHECKING:
    import pandas as pd

_PROTOCOL = 5  # writes and reads large arrays without a copy of them
_KNOWN_MODULES = ("builtins", "datetime", "decimal", "uuid", "numpy", "pandas")  # the worker process has them too
_INTERVAL = 0.02  # seconds between two looks at the memory of the process
_STACK = 9 << 20  # bytes that each thread of DuckDB reserves, though it does not use them
_STARTED, _ANSWER, _REFUSED, _FAILED = "started", "answer", "refused", "failed"


class Sandbox:
    """A worker process over one cache file. It is started at the first statement, and again after it was ended.

    Parameters
    ----------
    arguments : tuple
        Those of `database.open_read_only`.
    memory : int
        Bytes that a statement may take in addition to those of the idle process.
    """

    def __init__(self, arguments: tuple[Any, ...], memory: int) -> None:
        self._arguments, self._memory = arguments, memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle_memory = 0
        self._why = ""

    def run(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        rows: int | None = None,
        timeout: float | None = None,
    ) -> pd.DataFrame:
        """Return the rows of a statement, at most `rows` of them, within `timeout` seconds. Reads only.

        Raises
        ------
        QueryError
            The statement is refused, was stopped, or took too much memory or time.
        duckdb.Error
            DuckDB refuses the statement.
        DatabaseError
            The worker process cannot open the database.
        """
        try:
            request = pickle.dumps((query, _portable(parameters), rows), _PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError):
            raise ParameterError(
                "A value cannot be bound", query, "give text, numbers, times or lists of them"
            ) from None
        with self._lock:
            process = self._running()
            done = threading.Event()
            threading.Thread(target=self._watch, args=(process, timeout, done), daemon=True).start()
            try:
                if not self._idle_memory:
                    self._idle_memory = _first_answer(process)
                process.stdin.write(request)  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]
                kind, answer = _receive(process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                self._end(process)
                why = self._why or f"ended the process that ran it ({process.wait()})"
                self._running()
                raise QueryError(f"The statement {why}", query, "change it, or run it again") from None
            except BaseException:  # the user's interrupt, or a process that cannot open the database
                self._end(process)
                raise
            finally:
                done.set()
        if kind == _REFUSED:
            raise QueryError(str(answer))
        if kind == _FAILED:
            raise answer
        frame: pd.DataFrame = answer
        return frame

    def warm(self) -> None:
        """Start the process, so that the first statement need not wait for it. Returns at once."""
        if self._lock.acquire(blocking=False):
            try:
                self._running()
            finally:
                self._lock.release()

    def stop(self, why: str = "was stopped") -> None:
        """End the statement that runs, if one does, with its process."""
        if self._process and self._lock.locked():
            self._why = why
            self._process.kill()

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._end(self._process)
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            if self._process:
                self._end(self._process)
            self._why, self._idle_memory = "", 0
            path = [part for part in sys.path if os.path.isabs(part)]  # noqa: PTH117
            code = f"import sys; sys.path[:] = {path!r}; from dbtools.database.sandbox import serve; serve()"
            # Not multiprocessing, which would import the user's script again.
            self._process = subprocess.Popen(  # noqa: S603 - this Python, fixed arguments
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt from the keyboard is for the caller
            )
            with suppress(OSError):  # it has ended already; whoever waits for its answer is told
                _send(self._process.stdin, (self._arguments, self._memory))
        return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError), process:  # the with block closes its pipes
            process.kill()
            process.wait()

    def _watch(self, process: subprocess.Popen[bytes], timeout: float | None, done: threading.Event) -> None:
        """End the process where it takes too much memory or time, until `done`."""
        import psutil

        end = time.monotonic() + timeout if timeout else None
        with suppress(psutil.Error):
            state = psutil.Process(process.pid)
            while not done.wait(_INTERVAL):
                if end and time.monotonic() > end:
                    return self.stop(f"took more than {timeout:g} s")
                if self._idle_memory and state.memory_info().rss > self._idle_memory + self._memory:
                    return self.stop(f"took more than {self._memory / 1e6:,.0f} MB of memory (${MEMORY})")


def _portable(value: Any) -> Any:
    """Return a parameter as the worker process can read it: it cannot import the classes of the caller's program.

    Raises
    ------
    TypeError
        The value is of such a class, and no text or number.
    """
    if isinstance(value, Mapping):
        return {_portable(key): _portable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_portable(each) for each in value]
    if type(value).__module__.partition(".")[0] in _KNOWN_MODULES:
        return value
    kinds: tuple[Any, ...] = (str, int, float, bytes)
    for kind in kinds:
        if isinstance(value, kind):
            return kind.__getnewargs__(value)[0]  # the plain text or number
    raise TypeError(type(value).__name__)


def serve() -> None:
    """Run the statements that arrive on standard input, until it is closed. The worker process calls this."""
    results, requests = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)  # what a library prints is no answer
    arguments, memory = _receive(requests)
    try:
        from dbtools.database.database import open_read_only

        connection, _, _ = open_read_only(*arguments)
        connection.sql("SELECT 1").df()  # imports pandas
    except Exception as error:
        _send(results, (_FAILED, f"{type(error).__name__}: {error}"))
        return
    _send(results, (_STARTED, _limit_memory(memory)))
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                arrived.put(_receive(requests))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)  # the caller has ended, perhaps while a statement runs

    threading.Thread(target=listen, daemon=True).start()
    while True:
        _send(results, _answer(connection, *arrived.get()))


def _answer(connection: Any, query: str, parameters: Any, rows: int | None) -> tuple[str, Any]:
    import duckdb

    from dbtools.database.user_sql import select

    try:
        relation = select(connection, query, parameters)
        if rows is not None and relation.type == "QUERY_RELATION":
            relation = relation.limit(rows)
        return _ANSWER, relation.df()
    except QueryError as error:
        return _REFUSED, str(error).removesuffix(".")
    except MemoryError:
        return _FAILED, duckdb.OutOfMemoryException("the limit of memory was reached")
    except Exception as error:
        return _FAILED, error if isinstance(error, duckdb.Error) else duckdb.Error(str(error))


def _limit_memory(memory: int) -> int:
    """Refuse this process large blocks of memory, where the system can; return the memory it takes now."""
    import psutil

    now = psutil.Process().memory_info()
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = getattr(now, "data", now.vms) + 2 * memory + (os.cpu_count() or 1) * _STACK
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    return int(now.rss)


def _first_answer(process: subprocess.Popen[bytes]) -> int:
    kind, answer = _receive(process.stdout)
    if kind != _STARTED:
        raise DatabaseError("The database changed since it was attached", answer, "attach it again")
    return int(answer)


def _send(file: Any, value: Any) -> None:
    pickle.dump(value, file, _PROTOCOL)
    file.flush()


def _receive(file: Any) -> Any:
    return pickle.load(file)  # noqa: S301 - from our own process


def run_sql(
    db: Any,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    rows: int | None = None,
    timeout: float | None = None,
) -> pd.DataFrame:
    """Return the rows of a typed statement over a `Database`, at most `rows` of them. Reads only.

    `Database.interrupt`, called from another thread, stops it at once. A server answers by itself.

    Raises
    ------
    QueryError
        The statement is refused, fails, was stopped, or took too much memory or time.
    DatabaseError
        The database changed since it was attached.
    """
    import duckdb

    if db.engine:
        relation = db.sql(query, parameters)
        frame: pd.DataFrame = (relation if rows is None else relation.limit(rows)).df()
        return frame
    try:
        found: pd.DataFrame = db.sandbox.run(query, parameters, rows=rows, timeout=timeout)
    except duckdb.Error as error:
        raise db.explain(error, query) from None
    return found
