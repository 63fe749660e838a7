"""The journal of a run says what was done of its plan; each record is on disk before the next step begins."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbtools.cleanup import safefile
from dbtools.cleanup.run import Run, runs
from dbtools.errors import CleanupError

JOURNAL = "journal"
RESCUED = "rescued"


@dataclass(frozen=True)
class Held:
    """A run whose project is locked, with the descriptors of the project folder and of the run folder."""

    run: Run
    root: int
    store: int


@dataclass(frozen=True)
class State:
    """What the journal says; removals are named by their place in the plan.

    Attributes
    ----------
    kept : dict
        Why it stays.
    removed : dict
        Whether the file had gone by itself when its turn came.
    rescued : dict
        rows, file and sha256 of what was rescued.
    barrier : bool
        Every backup is on disk, so that files may be removed.
    closed : bool
        The run is done.
    """

    kept: dict[int, str] = field(default_factory=dict)
    removed: dict[int, bool] = field(default_factory=dict)
    rescued: dict[int, dict[str, Any]] = field(default_factory=dict)
    barrier: bool = False
    closed: bool = False

    def undecided(self, run: Run) -> list[int]:
        """Return the removals that are not decided yet."""
        return [i for i in range(len(run.removals)) if i not in self.kept and i not in self.removed]


def unfinished(backups: Path) -> list[Path]:
    """Return the run folders whose journal is not closed, oldest first. Reads only."""
    return [folder for folder in runs(backups) if not _closed(folder)]


def _closed(folder: Path) -> bool:
    with safefile.opened_folder(folder) as store:
        try:
            return _replay(folder, store).closed
        except CleanupError:
            return False


def append(store: int, **record: Any) -> None:
    """Write one record. Changes files: the journal; on disk when it returns."""
    text = json.dumps(record).encode("ascii")
    line = _check(text) + text + b"\n"
    with safefile.opened(JOURNAL, os.O_RDWR | os.O_CREAT, store) as fd:
        size = os.fstat(fd).st_size
        os.lseek(fd, size, os.SEEK_SET)
        safefile.write(fd, line)
        os.fsync(fd)
    if size == 0:
        os.fsync(store)


def load(held: Held) -> State:
    """Read the journal. Reads only.

    Raises
    ------
    CleanupError
        A record before the last one is damaged: a kill or a full disk cannot do that.
    """
    return _replay(held.run.folder, held.store)


def _replay(folder: Path, store: int) -> State:
    state = State()
    kept, removed, rescued, barrier, closed = state.kept, state.removed, state.rescued, False, False
    for record in _records(folder, store)[0]:
        do, i = record["do"], record.get("entry", -1)
        barrier, closed = barrier or do == "all", do == "closed"
        if do == "kept":
            kept[i] = record["reason"]
        elif do == "removed":
            removed[i] = record["gone"]
        elif do == "rescued":
            rescued[i] = record
        elif do == "again":
            barrier = False
            for entry in record["entries"]:
                kept.pop(entry, None)
                removed.pop(entry, None)
    return State(kept, removed, rescued, barrier, closed)


def tidy(held: Held) -> None:
    """Cut off a last record that was not written to its end, and remove unfinished files.

    Changes files: the journal, and temporary files of the run folder.
    """
    good = _records(held.run.folder, held.store)[1]
    if (found := safefile.status(held.store, JOURNAL)) and found.st_size != good:
        with safefile.opened(JOURNAL, os.O_RDWR, held.store) as fd:
            os.ftruncate(fd, good)
            os.fsync(fd)
    safefile.sweep(held.store)
    if safefile.status(held.store, RESCUED):
        with safefile.opened_folder(held.run.folder / RESCUED) as rescued:
            safefile.sweep(rescued)


def put_aside(store: int) -> None:
    """Start a new, closed journal in place of a damaged one. Changes files: the journal."""
    os.rename(JOURNAL, JOURNAL + ".damaged", src_dir_fd=store, dst_dir_fd=store)
    append(store, do="closed")


def _records(folder: Path, store: int) -> tuple[list[dict[str, Any]], int]:
    """Return the sound records and how many bytes they take."""
    if safefile.status(store, JOURNAL) is None:
        return [], 0
    lines = re.findall(rb"[^\n]*\n|[^\n]+\Z", safefile.content(store, JOURNAL))
    records, good = [], 0
    for number, line in enumerate(lines, start=1):
        if not (line.endswith(b"\n") and line.startswith(_check(line[17:-1]))):
            if number == len(lines):
                break
            raise CleanupError("The journal of a cleanup is damaged", folder, "restore this run first")
        records.append(json.loads(line[17:]))
        good += len(line)
    return records, good


def _check(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode("ascii") + b" "
