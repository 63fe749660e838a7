"""Walk a project and give every database and CSV file a verdict, from evidence computed from its content."""

from __future__ import annotations

import csv
import sqlite3
import stat
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup.plan import DELETABLE, Identity, Keeper
from dbtools.cleanup.vault import identity
from dbtools.errors import DbtoolsError, readable
from dbtools.export import is_current
from dbtools.files import csvfile, evidence
from dbtools.files.walk import COMPRESSED, DATABASE_NAMES, LARGEST, is_sidecar, walk
from dbtools.progress import bar
from dbtools.project import Project
from dbtools.source import Database, attach
from dbtools.source import snapshot as source
from dbtools.tables import redact, size, table

if TYPE_CHECKING:
    import pandas as pd

_SAMPLE = 3


@dataclass(frozen=True)
class FileEvidence:
    """What was found out about one file.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``.
    kind : str
        ``sqlite``, ``csv``, ``compressed``, ``link`` or ``other``.
    layout : str
        The CSV layout, where known.
    demo : bool
        Whether the layout is one that only demonstrations wrote.
    rows : int or None
        Rows of all its tables, or records after the header; None where that was not counted.
    verdict : str
        One of primary, auth, export-current, same-bytes, same-rows, subset, regenerable, unique, unknown.
    unique_rows : int
        Rows that exist nowhere else.
    unique : tuple of int
        Their numbers in a CSV file.
    incomplete : tuple of int
        Numbers of the other rows of a CSV file, known by id or text, with a cell that the database does not have.
    reason : str
        What deleting the file would lose, and how that is known.
    kept : str
        The file that holds the same content and stays; empty where there is none.
    obstacle : str
        Why it must not be removed whatever the verdict; empty where nothing forbids it.
    """

    path: str
    kind: str
    identity: Identity
    sha256: str = ""
    layout: str = ""
    demo: bool = False
    rows: int | None = None
    verdict: str = "unknown"
    unique_rows: int = 0
    unique: tuple[int, ...] = ()
    incomplete: tuple[int, ...] = ()
    reason: str = ""
    kept: str = ""
    keeper: Keeper | None = None
    obstacle: str = ""

    @property
    def modified(self) -> datetime:
        """When the file was last written, UTC."""
        return datetime.fromtimestamp(self.identity.mtime_ns / 1e9, UTC).replace(microsecond=0)


@dataclass(frozen=True, repr=False)
class Survey:
    """The files of a project with their verdicts."""

    project: Project
    files: tuple[FileEvidence, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, kind, size_bytes, modified, rows, verdict, unique_rows, reason, kept."""
        import pandas as pd

        columns = [
            "path",
            "kind",
            "size_bytes",
            "modified",
            "rows",
            "verdict",
            "unique_rows",
            "reason",
            "kept",
        ]
        frame = pd.DataFrame([{**f, "modified": pd.Timestamp(f["modified"])} for f in self.to_dict()["files"]])
        return frame.reindex(columns=columns).astype({"rows": "Int64"})

    @property
    def sentence(self) -> str:
        """How many files lie there, and how many hold rows that exist nowhere else."""
        total = size(sum(file.identity.size for file in self.files))
        rows = sum(file.unique_rows for file in self.files)
        return f"{len(self.files)} databases and CSV files, {total}; {rows:,} rows exist nowhere else"

    def __repr__(self) -> str:
        return f"Survey({self.sentence})"

    def _repr_html_(self) -> str:
        shown = ["path", "size_bytes", "modified", "rows", "verdict", "unique_rows", "reason"]
        return table(self.frame[shown], caption=self.sentence)

    def to_dict(self) -> dict[str, Any]:
        """Return the survey as JSON-ready values."""
        return {
            "files": [
                {
                    "path": readable(f.path),
                    "kind": f.kind,
                    "layout": f.layout,
                    "demo": f.demo,
                    "verdict": f.verdict,
                    "unique_rows": f.unique_rows,
                    "rows": f.rows,
                    "size_bytes": f.identity.size,
                    "modified": f.modified.isoformat(),
                    "reason": readable("; ".join(filter(None, (f.reason, f.obstacle)))),
                    "kept": readable(f.kept),
                }
                for f in self.files
            ]
        }


def survey(project: Project, *, progress: bool = True) -> Survey:
    """Find every database and CSV file of a project and judge each on its content. Reads only.

    Links are not followed; version control, virtual environments and the backup folder are left out; compressed files
    are listed but never opened.

    Raises
    ------
    DatabaseError, BusyError
        The prompter database itself cannot be read: nothing could be proved without it.
    """
    # The databases in use may lie behind a link, or in a folder that the walk leaves out.
    in_use = [path.resolve() for path in (project.database, project.auth) if path.is_file()]
    paths = dict.fromkeys([*in_use, *walk(project)])
    found = [file for path in paths if (file := _first_look(project, path))]
    total = sum(f.identity.size for f in found)
    with ExitStack() as stack:
        db = stack.enter_context(attach(project, texts=True, progress=progress))
        seen = stack.enter_context(
            bar(
                total=total,
                unit="B",
                unit_scale=True,
                desc="survey",
                disable=not progress or total < 64 << 20,
            )
        )
        judge = _Judge(project, db, stack)
        # Each file is held against those before it that stay: first the two databases in use, then the richer ones.
        order = sorted(found, key=lambda f: (_rank(project, f), -f.identity.size, f.path.count("/"), f.path))
        judged = []
        for file in order:
            judged.append(judge.judge(file))
            seen.update(file.identity.size)
    return Survey(project, tuple(sorted(judged, key=lambda f: (_rank(project, f), f.path))))


def _first_look(project: Project, path: Path) -> FileEvidence | None:
    """Tell the kind of a file from its name and first bytes; None for files that are none of our business."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:  # of a folder in folders so deep that no path can name it
        nowhere, why = Identity(0, 0, 0, 0, 0, 0), f"cannot be looked at ({error.strerror})"
        return FileEvidence(project.relative(path), "folder", nowhere, reason=why, obstacle="it was not examined")
    name, suffix = path.name.lower(), path.suffix.lower()
    base = FileEvidence(project.relative(path), "other", identity(status))
    owned = name.endswith((".csv", ".db", ".sqlite", ".sqlite3", ".parquet")) or path in (
        project.database,
        project.auth,
    )
    if name.startswith((".del-", ".restore-")):
        return None  # of an interrupted run, which the next cleanup or restore finishes
    if is_sidecar(path):
        return None  # part of its database, never a file of its own
    if stat.S_ISLNK(status.st_mode):
        return replace(base, kind="link", reason="a link is not followed", obstacle="it is a link") if owned else None
    if stat.S_ISDIR(status.st_mode):
        return replace(base, kind="folder", reason="a folder that cannot be read", obstacle="it was not examined")
    if not stat.S_ISREG(status.st_mode):
        return replace(base, reason="not a regular file", obstacle="it is not a regular file") if owned else None
    if suffix in COMPRESSED:
        return replace(base, kind="compressed", reason="compressed files are never opened, so nothing is known of it")
    try:
        with path.open("rb") as handle:
            magic = handle.read(len(source.MAGIC))
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        return replace(base, reason=why, obstacle="it was not examined") if owned else None
    if magic == source.MAGIC:
        return replace(base, kind="sqlite")
    if suffix in DATABASE_NAMES:
        return replace(base, reason="an empty file" if not magic else "has a database's name but is no SQLite file")
    return replace(base, kind="csv" if ".csv" in name else "other") if owned or ".csv." in name else None


def _rank(project: Project, file: FileEvidence) -> int:
    """Return 0 for the prompter database, 1 for the auth database, by whatever name; 2 for the rest."""
    for rank, database in enumerate((project.database, project.auth)):
        with suppress(OSError):
            status = database.stat()
            if (status.st_dev, status.st_ino) == (file.identity.device, file.identity.inode):
                return rank
    return 2


class _Judge:
    """Judges files one after the other; what stays becomes evidence for what follows."""

    def __init__(self, project: Project, db: Database, stack: ExitStack) -> None:
        self.project, self.db, self.stack = project, db, stack
        self.staying: dict[str, FileEvidence] = {}  # by sha256
        self.databases: list[tuple[FileEvidence, Path]] = []  # those that stay, with their snapshots

    def judge(self, file: FileEvidence) -> FileEvidence:
        path = self.project.root / file.path
        if file.kind in ("link", "compressed") or file.obstacle:
            return file
        if file.identity.size > LARGEST:
            return replace(file, reason="too large to be read", obstacle="it was not examined")
        try:
            file = replace(file, sha256=source.sha256(path), obstacle=self._obstacle(path, file))
            judged = self._judge_content(path, file)
            unchanged = identity(path.lstat()) == file.identity
        except (OSError, DbtoolsError, sqlite3.Error, csv.Error, UnicodeError) as error:
            if _rank(self.project, file) == 0:
                raise
            return replace(file, reason=f"cannot be examined: {error}".rstrip("."), obstacle="it was not examined")
        finally:
            if _rank(self.project, file):
                with suppress(OSError):
                    source.release(path)
        if not unchanged:
            return replace(file, reason="changed while it was examined", obstacle="it is being written")
        if judged.verdict not in DELETABLE:
            self.staying.setdefault(judged.sha256, judged)
        return judged

    def _obstacle(self, path: Path, file: FileEvidence) -> str:
        for suffix in ("-wal", "-journal"):
            if file.kind == "sqlite" and source.sidecar(path, suffix):
                return f"it is in use: {path.name}{suffix} is not empty"
        if file.identity.links > 1:
            return f"it has {file.identity.links} names (hard links): removing one frees nothing"
        # A single read-only file is meant to stay; where the database is read-only too, the whole tree was copied so.
        if not file.identity.mode & stat.S_IWUSR and self.project.database.stat().st_mode & stat.S_IWUSR:
            return "it is read-only, so it is meant to stay"
        return ""

    def _judge_content(self, path: Path, file: FileEvidence) -> FileEvidence:
        twin = self.staying.get(file.sha256)
        if file.kind == "sqlite":
            return self._judge_database(path, file, twin)
        if _rank(self.project, file) < 2:
            return file
        if twin and file.identity.size:
            return self._rests_on(twin, replace(file, layout=twin.layout, demo=twin.demo, rows=twin.rows), "same-bytes")
        if file.kind != "csv":
            fresh = is_current(self.db, path)
            if not fresh.current:
                return file
            return replace(file, verdict="export-current", layout=fresh.layout or "", reason=fresh.reason)
        return self._judge_csv(path, file)

    def _judge_database(self, path: Path, file: FileEvidence, twin: FileEvidence | None) -> FileEvidence:
        copy = self.stack.enter_context(source.snapshot(path))
        file = replace(file, rows=evidence.count_rows(copy))
        rank = _rank(self.project, file)
        if rank < 2:
            verdict, use = (
                ("primary", "the prompter database in use") if rank == 0 else ("auth", "the auth database in use")
            )
            judged = replace(file, verdict=verdict, reason=use)
        elif twin and not source.sidecar(path, "-wal"):
            return self._rests_on(twin, file, "same-bytes")
        else:
            judged = self._compare_rows(file, copy)
        if judged.verdict in ("primary", "auth", "unique"):
            self.databases.append((judged, copy))
        return judged

    def _compare_rows(self, file: FileEvidence, copy: Path) -> FileEvidence:
        """Hold a database against each that stays, then against all of them together."""
        if not file.rows:
            return replace(file, reason="a database without rows")
        for other, other_copy in self.databases:
            if not evidence.missing_rows(copy, [other_copy]):
                same = not evidence.missing_rows(other_copy, [copy])
                return self._rests_on(other, file, "same-rows" if same else "subset")
        missing = evidence.missing_rows(copy, [c for _, c in self.databases])
        where = ", ".join(f"{n:,} in {table}" for table, n in missing.items())
        count = sum(missing.values())
        if not count:
            return replace(file, reason="its rows are spread over several databases, none of which holds all of them")
        reason = f"{count:,} of {file.rows:,} rows exist in no other database ({where})"
        return replace(file, verdict="unique", unique_rows=count, reason=reason)

    def _rests_on(self, other: FileEvidence, file: FileEvidence, verdict: str) -> FileEvidence:
        path = self.project.root / other.path
        mark = source.fingerprint(path) if other.kind == "sqlite" else ""
        words = {
            "same-bytes": "every byte is also in",
            "same-rows": f"all {file.rows} rows of all tables are the same as in",
            "subset": f"all {file.rows} rows are also in",
            "regenerable": f"all {file.rows} rows are in",
        }[verdict]
        lost = "nothing would be lost"
        if file.incomplete:
            lost = f"{len(file.incomplete)} of them also hold cells that it does not have, such as other times or notes"
        reason = f"{words} {other.path}; {lost}" + (f"; {file.reason}" if file.reason else "")
        keeper = Keeper(other.path, other.sha256, mark)
        return replace(file, verdict=verdict, kept=other.path, keeper=keeper, reason=reason)

    def _judge_csv(self, path: Path, file: FileEvidence) -> FileEvidence:
        fresh, large = is_current(self.db, path), file.identity.size > csvfile.LARGEST
        if large and not fresh.current:
            return replace(file, reason="too large to be read", obstacle="it was not examined")
        read = None if large else csvfile.read(path)
        file = replace(file, rows=len(read.rows) if read else None)
        if fresh.current or read is None:
            return replace(file, verdict="export-current", layout=fresh.layout or "", reason=fresh.reason)
        if read.layout is None:
            why = fresh.reason if fresh.layout else "a CSV file of no known layout"
            return replace(file, layout=fresh.layout or "", reason="; ".join(filter(None, (why, read.notes))))
        file = replace(file, layout=read.layout.name, demo=read.layout.demo)
        found = evidence.covered_rows(self.db, read)
        file = replace(file, incomplete=tuple(sorted(evidence.incomplete_rows(self.db, read))))
        unique = tuple(number for number, how in found.items() if how is None)
        primary = next(other for other, _ in self.databases if other.verdict == "primary")
        if unique:
            file = replace(file, incomplete=tuple(n for n in file.incomplete if found[n]))
            return replace(file, verdict="unique", unique=unique, unique_rows=len(unique), reason=_lost(read, unique))
        how = {word: sum(h == word for h in found.values()) for word in ("id", "text", "normalised")}
        means = ", ".join(f"{n} by {word}" for word, n in how.items() if n)
        file = replace(file, reason="; ".join(filter(None, (means and f"found {means}", read.notes))))
        return self._rests_on(primary, file, "regenerable" if how["id"] == len(found) else "subset")


def _lost(read: csvfile.CsvFile, unique: tuple[int, ...]) -> str:
    """Say in words what deleting the file would lose, with a few of the rows."""
    assert read.layout is not None  # noqa: S101 - only files of a known layout come here
    place = next((read.columns[c] for c in read.layout.texts if c in read.columns), 0)
    wanted = set(unique[:_SAMPLE])
    sample = [f'"{_short(row.cells[place])}"' for row in read.rows if row.number in wanted and len(row.cells) > place]
    what = "demo rows" if read.layout.demo else "rows"
    more = " …" if len(unique) > _SAMPLE else ""
    words = (
        f"{len(unique):,} of {len(read.rows):,} {what} exist nowhere in the database, such as {', '.join(sample)}{more}"
    )
    return "; ".join(filter(None, (words, read.notes)))


def _short(text: str) -> str:
    text = " ".join(redact(text).split())  # hide before cutting: half a token no longer looks like one
    return text if len(text) <= 48 else text[:47] + "…"
