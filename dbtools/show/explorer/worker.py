"""Work beside the kernel: one lane per tab, the newest job wins, with progress and a Stop that works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import progress
from dbtools.errors import DatabaseError, DbtoolsError, reason
from dbtools.show.explorer import page
from dbtools.show.explorer.widgets import button, row

if TYPE_CHECKING:
    from dbtools.database import Database

Open = Callable[[Any], "Database"]
_EVERY = 0.1  # seconds between two signs of progress
_PATIENCE = 0.25  # seconds before work shows that it is under way
LARGE = 100_000  # versions
_working_out = threading.Lock()


@dataclass
class Job:
    """Something to find out with a database, and what to do with the answer."""

    work: Callable[[Desk], Any]
    done: Callable[[Any], None]
    what: str
    state: object
    after: Callable[[], None] | None = None
    stopped: bool = False
    began: float = field(default_factory=time.monotonic)


class Desk:
    """What a lane keeps from job to job: its own database, and what was worked out from it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._prepared = db.is_materialized
        self._kept: dict[str, tuple[object, Any, ExitStack]] = {}

    @property
    def large(self) -> bool:
        """Whether the database is so large that what is slow is shown after what is not."""
        return self.db.rows("versions") > LARGE

    def prepare(self) -> None:
        """Have what is derived from the rows of a large database worked out: once, for all tabs and the next time.

        Changes files in the user's cache folder.
        """
        if self._prepared or not self.large:
            return
        while not _working_out.acquire(timeout=_EVERY):
            progress.step("waiting for another tab")
        try:
            if not self.db.is_materialized:
                self.db.materialize()
        finally:
            _working_out.release()
        before, self.db, self._prepared = self.db, self.db.reopen(), True
        before.close()

    def keep(self, name: str, key: object, make: Callable[[ExitStack], Any]) -> Any:
        """Return what was made for `key`; made anew, after closing what was there, for another key."""
        known = self._kept.get(name)
        if known and known[0] == key:
            return known[1]
        if known:
            self._kept.pop(name)[2].close()
        with ExitStack() as stack:
            value = make(stack)
            self._kept[name] = key, value, stack.pop_all()
        return value

    def close(self) -> None:
        """Close everything kept, and the database."""
        for _, _, stack in self._kept.values():
            stack.close()
        self._kept.clear()
        self.db.close()


class Lane:
    """The work of one tab, in a thread of its own."""

    def __init__(self, opened: Open) -> None:
        self.opened = opened
        self.bar = ipywidgets.IntProgress(max=1000, layout=ipywidgets.Layout(width="180px"), tooltip="Progress")
        self.label = ipywidgets.HTML()
        self.stopper = button("Stop", "Stop what is under way", self.stop)
        self.box = row(self.bar, self.label, self.stopper)
        self.box.layout.display = "none"
        self.message = ipywidgets.HTML()
        self.widget = ipywidgets.VBox([self.box, self.message])
        self.widget.add_class("dbtools-lane")
        self._change = threading.Condition()
        self._wanted: Job | None = None
        self._running: Job | None = None
        self._thread: threading.Thread | None = None
        self._desk: tuple[object, Desk] | None = None
        self._told = 0.0
        self._closed = self._leaving = False

    def submit(
        self,
        work: Callable[[Desk], Any],
        done: Callable[[Any], None],
        what: str,
        state: object = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        """Do `work` beside the kernel, then call `done` with its answer; what was under way is given up.

        `state` names the state of the data: for another one the lane opens its database anew. Work that changes files
        brings `after`, called however it ended; until then the lane takes on nothing else.
        """
        with self._change:
            if self._closed:
                return
            if any(job and job.after for job in (self._running, self._wanted)):
                self.message.value = page.note("Files are being changed: stop that first, or wait for it.", "undecided")
                return
            self._give_up()
            self._wanted = Job(work, done, what, state, after)
            if self._thread is None:
                self.widget.add_class("dbtools-working")  # for the page to know, and whoever waits for it
                self._thread = threading.Thread(target=self._work_off, name="dbtools-explorer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Give up what is under way, and say so."""
        with self._change:
            if self._wanted or self._running:
                self._wanted = None
                self._give_up()
                self.message.value = page.note("Stopped.", "undecided")

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way; tell whether that is so."""
        with self._change:
            return self._change.wait_for(lambda: self._thread is None, seconds)

    def leave(self) -> None:
        """Close the database as soon as nothing is under way: there is a newer one."""
        with self._change:
            self._leaving = True
            if self._thread is None:
                self._clear()

    def close(self) -> None:
        """Stop, and close the database once the work has ended."""
        self._closed = True
        self.stop()
        self.wait(5)
        self.leave()

    def _clear(self) -> None:
        if self._desk:
            self._desk[1].close()
        self._desk, self._leaving = None, False

    def _give_up(self) -> None:
        if self._running:
            self._running.stopped = True
            self._interrupt(self._running)

    def _interrupt(self, job: Job) -> None:
        """Interrupt what is asked, until the job ends: a question that begins only now has not heard of it."""
        if job is not self._running:
            return
        with suppress(Exception):
            if self._desk:
                self._desk[1].db.interrupt()
        if not job.after:  # what follows a change of files must not be interrupted
            again = threading.Timer(_EVERY, self._interrupt, (job,))
            again.daemon = True
            again.start()

    def _work_off(self) -> None:
        while True:
            with self._change:
                job, self._wanted = self._wanted, None
                self._running = job
                if job is None:
                    if self._leaving:
                        self._clear()
                    self._thread = None
                    self.label.value, self.box.layout.display = "", "none"
                    self.widget.remove_class("dbtools-working")
                    self._change.notify_all()
                    return
            self._do(job)

    def _do(self, job: Job) -> None:
        timer = threading.Timer(_PATIENCE, self._show, (job, 0, 0, ""))
        timer.daemon = True
        timer.start()
        with self._saying(job):
            with progress.heard(lambda *told: self._listen(job, *told)):
                answer = self._answer(job)
            # What has changed files is told even where the Stop came too late.
            if job.after or not job.stopped:
                self.message.value = ""
                job.done(answer)
        timer.cancel()
        after, job.after = job.after, None
        if after:
            with self._saying(job):
                after()

    def _answer(self, job: Job) -> Any:
        try:
            return job.work(self._at(job.state))
        except DatabaseError:
            if job.after or job.stopped:
                raise
            # Whoever attached a newer state dropped the file of this one: once more, with what is there now.
            self._clear()
            return job.work(self._at(job.state))

    @contextmanager
    def _saying(self, job: Job) -> Iterator[None]:
        try:
            yield
        except progress.Stopped:
            pass
        except Exception as error:  # a thread's error would otherwise be seen by nobody
            if job.after or not job.stopped:
                known = isinstance(error, DbtoolsError)
                text = str(error) if known else f"{type(error).__name__}: {reason(error)}"
                self.message.value = page.failure(text)

    def _at(self, state: object) -> Desk:
        if self._desk is None or self._desk[0] != state:
            self._clear()
            self._desk = state, Desk(self.opened(state))
        return self._desk[1]

    def _listen(self, job: Job, done: int, total: int, what: str) -> None:
        if job.stopped:
            raise progress.Stopped
        now = time.monotonic()
        if now - job.began < _PATIENCE or now - self._told < _EVERY:
            return
        self._told = now
        self._show(job, done, total, what)

    def _show(self, job: Job, done: int, total: int, what: str) -> None:
        with self._change:  # or what has ended meanwhile would be shown for good
            if job is not self._running or job.stopped:
                return
            # Without a total nobody knows how far it is: the bar moves to and fro.
            (self.bar.remove_class if total else self.bar.add_class)("dbtools-busy")
            self.bar.value = int(1000 * min(1.0, done / total)) if total else 0
            text = f"{job.what}{f': {what}' if what and total else ''}"
            self.label.value = page.quiet(f"{text} ({done / total:.0%})" if total else f"{text} …")
            self.box.layout.display = "flex"
