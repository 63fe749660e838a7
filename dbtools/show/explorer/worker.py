"""A thread that works for one tab: the newest job wins, progress is shown, and Stop stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import progress
from dbtools.errors import DatabaseError, DbtoolsError, reason
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.widgets import button, row

if TYPE_CHECKING:
    from dbtools.database import Database

THREAD = "dbtools-explorer"
_EVERY = 0.1  # seconds between two updates of the progress bar, or two interrupts
_DELAY = 0.25  # seconds before the progress bar appears


@dataclass
class Job:
    """A function to compute in a worker thread, and another that takes its result."""

    compute: Callable[[Session], Any]
    on_result: Callable[[Any], None]
    description: str
    key: object
    finally_: Callable[[], None] | None = None
    stopped: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def changes_files(self) -> bool:
        """Whether it must be left to end in its own way."""
        return self.finally_ is not None


class Worker:
    """Runs the jobs of one tab in a thread of its own, one after the other.

    Attributes
    ----------
    widget : ipywidgets.Widget
        Progress bar, *Stop* and messages; empty while there is nothing to show.
    """

    def __init__(self, open_database: Callable[[Any], Database], data_key: Callable[[], object]) -> None:
        self._open_database, self._data_key = open_database, data_key
        self.bar = ipywidgets.IntProgress(max=1000, layout=ipywidgets.Layout(width="180px"), tooltip="Progress")
        self.label = ipywidgets.HTML()
        self.stop_button = button("Stop", "Stop what is running", self.stop)
        self.box = row(self.bar, self.label, self.stop_button)
        self.box.layout.display = "none"
        self.message = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([self.box, self.message])
        self.widget.add_class("dbtools-worker")
        self._change = threading.Condition()
        self._next: Job | None = None
        self._running: Job | None = None
        self._thread: threading.Thread | None = None
        self._session: tuple[object, Session] | None = None
        self._shown_at = 0.0
        self._closed = self._releasing = False

    def submit(
        self,
        compute: Callable[[Session], Any],
        on_result: Callable[[Any], None],
        description: str,
        finally_: Callable[[], None] | None = None,
    ) -> None:
        """Compute in a worker thread, then call `on_result`. A job that is running is stopped first.

        Where the filters choose other data by now, the worker opens its database anew. A job that changes files has
        `finally_`, which is called however the job ends. Until then the worker takes no other job.
        """
        with self._change:
            if self._closed:
                return
            if any(job and job.changes_files for job in (self._running, self._next)):
                self.message.value = markup.note(
                    "Files are being changed. Wait until that has ended, or stop it.", "undecided"
                )
                return
            self._stop_running()
            self._next = Job(compute, on_result, description, self._data_key(), finally_)
            if self._thread is None:
                self.widget.add_class("dbtools-working")  # the page and the tests look at this class
                self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
                self._thread.start()

    def cancel(self) -> bool:
        """Stop what is running; tell whether there was anything."""
        with self._change:
            busy = bool(self._next or self._running)
            self._next = None
            self._stop_running()
            return busy

    def stop(self) -> None:
        """Stop what is running, and say so."""
        with self._change:
            if self.cancel():
                self.message.value = markup.note("Stopped.", "undecided")

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is running; tell whether that is so."""
        with self._change:
            return self._change.wait_for(lambda: self._thread is None, seconds)

    @property
    def busy(self) -> bool:
        """Whether a job is running or waits."""
        return self._thread is not None

    def release(self) -> None:
        """Close the database as soon as nothing is running."""
        with self._change:
            self._releasing = True
            if self._thread is None:
                self._close_session()

    def close(self) -> None:
        """Stop, and close the database once the work has ended."""
        self._closed = True
        self.cancel()
        if self._thread is not threading.current_thread():
            self.wait(5)
        self.release()

    def _close_session(self) -> None:
        if self._session:
            self._session[1].close()
        self._session, self._releasing = None, False

    def _stop_running(self) -> None:
        if self._running:
            self._running.stopped = True
            self._interrupt(self._running)

    def _interrupt(self, job: Job) -> None:
        """Interrupt the running query, again and again until the job ends: its next query may begin just now."""
        if job is not self._running:
            return
        with suppress(Exception):
            if self._session:
                self._session[1].interrupt()
        if not job.changes_files:  # what follows a change of files is not interrupted
            timer = threading.Timer(_EVERY, self._interrupt, (job,))
            timer.daemon = True
            timer.start()

    def _run(self) -> None:
        while True:
            with self._change:
                job, self._next = self._next, None
                self._running = job
                if job is None:
                    if self._releasing:
                        self._close_session()
                    self._thread = None
                    self.label.value, self.box.layout.display = "", "none"
                    self.widget.remove_class("dbtools-working")
                    self._change.notify_all()
                    return
            self._do(job)

    def _do(self, job: Job) -> None:
        timer = threading.Timer(_DELAY, self._show, (job, 0, 0, ""))
        timer.daemon = True
        timer.start()
        with self._errors_shown(job):
            with progress.listening(lambda *step: self._on_step(job, *step)):
                result = self._compute(job)
            # A job that changed files reports them even if it was stopped too late.
            if job.changes_files or not job.stopped:
                self.message.value = ""
                job.on_result(result)
        timer.cancel()
        finally_, job.finally_ = job.finally_, None
        if finally_:
            with self._errors_shown(job):
                finally_()

    def _compute(self, job: Job) -> Any:
        try:
            return job.compute(self._session_for(job.key))
        except DatabaseError:
            if job.changes_files or job.stopped:
                raise
            # Another process attached a newer state and removed this one's file: try once more, with the newer state.
            self._close_session()
            return job.compute(self._session_for(job.key))

    def _session_for(self, key: object) -> Session:
        if self._session is None or self._session[0] != key:
            self._close_session()
            self._session = key, Session(self._open_database(key))
        return self._session[1]

    @contextmanager
    def _errors_shown(self, job: Job) -> Iterator[None]:
        try:
            yield
        except (progress.Stopped, ReferenceError):  # the second: the Explorer no longer exists
            pass
        except Exception as error:  # nobody else would see the error of a thread
            if job.changes_files or not job.stopped:
                known = isinstance(error, DbtoolsError)
                text = str(error) if known else f"{type(error).__name__}: {reason(error)}"
                self.message.value = markup.failure(text)

    def _on_step(self, job: Job, done: int, total: int, what: str) -> None:
        if job.stopped:
            raise progress.Stopped
        now = time.monotonic()
        if now - job.began < _DELAY or now - self._shown_at < _EVERY:
            return
        self._shown_at = now
        self._show(job, done, total, what)

    def _show(self, job: Job, done: int, total: int, what: str) -> None:
        with self._change:  # else a bar could appear after the job has ended, and stay
            if job is not self._running or job.stopped:
                return
            # Without a total the bar moves to and fro.
            (self.bar.remove_class if total else self.bar.add_class)("dbtools-busy")
            self.bar.value = int(1000 * min(1.0, done / total)) if total else 0
            text = f"{job.description}{f': {what}' if what and total else ''}"
            self.label.value = markup.muted(f"{text} ({done / total:.0%})" if total else f"{text} …")
            self.box.layout.display = "flex"
