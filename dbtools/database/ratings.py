"""The file of blind ratings: JSON lines that are only ever added, each whole and on disk before the next.

A line is a rating, or takes one back by naming it in ``undo``. A line counts once its line break is written.
"""

from __future__ import annotations

import json
import math
import os
import stat
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.clock import utc
from dbtools.database.sql import quote
from dbtools.errors import ConflictError

if TYPE_CHECKING:
    import duckdb

FORMAT = 1
CHOICES = ("left", "right", "tie", "skip")
ORDERS = ("ab", "ba")
LARGEST = 64 << 20  # bytes; a larger file is not read
LONGEST_NAME = 100  # characters of the name of a rater
_LONGEST_LINE = 10_000  # bytes
# Ends what a crash left of a line. What stands before it is then no JSON, whatever it was.
_TORN = b" (torn)\n"
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_COLUMNS = {
    "id": "VARCHAR",
    "created_at": "TIMESTAMP",
    "rater": "VARCHAR",
    "prompt_id": "UUID",
    "left_version_id": "UUID",
    "right_version_id": "UUID",
    "choice": "VARCHAR",
    "seconds": "DOUBLE",
    "side_order": "VARCHAR",
}
_REPORTED = {
    "torn": "end in the middle",
    "unreadable": "cannot be read",
    "newer": "have a format that this version does not know",
    "repeated": "repeat the id of another",
    "pointless": "take back a rating that is not there",
}


@dataclass(frozen=True)
class Rating:
    """One rating of two versions of a prompt.

    Attributes
    ----------
    prompt, left, right : str
        Ids: the prompt's, and those of the versions that stood on the left and on the right.
    choice : str
        ``left``, ``right``, ``tie`` or ``skip``.
    seconds : float or None
        How long it took; None where nobody looked at a page of dbtools.
    order : str
        ``ab`` where the agent whose name sorts first stood on the left, else ``ba``.
    """

    id: str
    time: datetime
    rater: str
    prompt: str
    left: str
    right: str
    choice: str
    seconds: float | None
    order: str

    def to_line(self) -> dict[str, Any]:
        """Return the rating as an object of the file."""
        return {"format": FORMAT, **asdict(self), "time": _text(self.time)}


@dataclass(frozen=True)
class Ratings:
    """The ratings of a file that were not taken back, in order, and how many lines count for nothing, by why."""

    ratings: tuple[Rating, ...] = ()
    problems: Mapping[str, int] = field(default_factory=dict)
    refusal: str = ""

    @property
    def note(self) -> str:
        """What of the file could not be used, as a sentence; empty where all of it could."""
        if self.refusal:
            return f"The ratings were not read: {self.refusal}."
        parts = [f"{count:,} {said}" for kind, said in _REPORTED.items() if (count := self.problems.get(kind))]
        return f"Lines of the ratings that were not used: {', '.join(parts)}." if parts else ""


def undo_line(identifier: str, rater: str, rating: str, time: datetime) -> dict[str, Any]:
    """Return the object that takes a rating back."""
    return {"format": FORMAT, "id": identifier, "time": _text(time), "rater": rater, "undo": rating}


def append(path: Path, *lines: Mapping[str, Any]) -> None:
    """Add lines to the file of ratings, beside other writers; they are on disk when this returns.

    Changes files: adds to `path`, or creates it; what is in it already is never written again. After an error, the end
    of the file may be torn; the next line begins after that.

    Raises
    ------
    ConflictError
        The path is a link, has several names, or is no regular file.
    OSError
        The disk refuses it.
    """
    todo = "move it away, or name another file in dbtools.toml"
    is_new = not os.path.lexists(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINKS, 0o666)
    except OSError:
        if path.is_symlink() or path.is_dir():
            raise ConflictError("Ratings are added to a regular file only", path, todo) from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise ConflictError("Ratings are added to a regular file only", path, todo)
        disk.lock(descriptor, wait=True)
        size = os.lseek(descriptor, 0, os.SEEK_END)
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        data = (_TORN if is_torn else b"") + text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        disk.sync(path.parent)


def read(path: Path) -> Ratings:
    """Read the file of ratings. Reads only.

    Whatever is wrong with the file is reported in the result. Of lines with the same id, the last counts.
    """
    try:
        data = _read(path)
    except FileNotFoundError:
        return Ratings()
    except OSError as error:
        return Ratings(refusal=f"{path.name} cannot be read ({error.strerror or error})")
    *lines, rest = data.split(b"\n")
    problems = Counter({"torn": 1} if rest else {})
    found: dict[str, Rating] = {}
    undone = set()
    for line in lines:
        if line.endswith(_TORN.rstrip()):
            problems["torn"] += 1
            continue
        kind, value = _parse(line)
        if isinstance(value, Rating):
            problems["repeated"] += value.id in found
            found.pop(value.id, None)
            found[value.id] = value
        elif kind == "undo":
            undone.add(value)
        elif kind:
            problems[kind] += 1
    problems["pointless"] += len(undone - found.keys())
    kept = tuple(rating for rating in found.values() if rating.id not in undone)
    return Ratings(kept, {kind: count for kind, count in problems.items() if count})


def offer(connection: duckdb.DuckDBPyConnection, table: str, found: Ratings) -> None:
    """Create the table of the ratings."""
    kinds = json.dumps([_COLUMNS])
    # A text and no bound values: for those, DuckDB would import pandas.
    rows = quote(json.dumps([dict(zip(_COLUMNS, row(rating), strict=True)) for rating in found.ratings]))
    connection.execute(
        f"CREATE TABLE {table} AS SELECT unnest(r) FROM (SELECT unnest(from_json({rows}, {quote(kinds)})) AS r)"  # noqa: S608 - own
    )


def row(rating: Rating) -> tuple[Any, ...]:
    """Return the cells of a rating in the relation ``ratings``, times as text."""
    r = rating
    time = r.time.replace(tzinfo=None).isoformat(sep=" ")
    return r.id, time, r.rater, r.prompt, r.left, r.right, r.choice, r.seconds, r.order


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a regular file")
        if status.st_size > LARGEST:
            raise OSError(None, f"it is larger than {LARGEST >> 20} MB")
        return file.read()


def _parse(line: bytes) -> tuple[str, Rating | str | None]:
    """Return what a line is: a rating, an undo with the id it takes back, nothing, or a problem."""
    if not line.strip():
        return "", None
    try:
        if len(line) > _LONGEST_LINE:
            raise ValueError
        given = json.loads(line)
        if isinstance(given, dict) and isinstance(given.get("format"), int) and given["format"] > FORMAT:
            return "newer", None
        if "undo" in given:
            return "undo", _name(given["undo"])
        return "rating", parse(given)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "unreadable", None


def parse(given: Mapping[str, Any]) -> Rating:
    """Return the rating that an object of the file stands for.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    seconds = given["seconds"]
    if seconds is not None and (isinstance(seconds, bool) or not math.isfinite(seconds) or seconds < 0):
        raise ValueError
    if given["choice"] not in CHOICES or given["order"] not in ORDERS or given["left"] == given["right"]:
        raise ValueError
    time = utc(datetime.fromisoformat(given["time"]))
    prompt, left, right = (str(uuid.UUID(given[name])) for name in ("prompt", "left", "right"))
    name, rater = _name(given["id"]), _name(given["rater"])
    return Rating(name, time, rater, prompt, left, right, given["choice"], seconds and float(seconds), given["order"])


def check_rater(name: str) -> str:
    """Return the name of a rater.

    Raises
    ------
    ValueError
        It is empty or too long.
    """
    return _name(name.strip())


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME or not value.isprintable():
        raise ValueError(value)
    return value


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
