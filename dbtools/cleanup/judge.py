"""Give a file its verdict, from evidence computed from its content."""

from __future__ import annotations

import csv
import sqlite3
import stat
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from dbtools.cleanup.model import DELETABLE, FileEvidence, Keeper
from dbtools.cleanup.safefile import identity
from dbtools.database import Database
from dbtools.database.sqlite import dbfile
from dbtools.database.sqlite.snapshot import snapshot
from dbtools.errors import DbtoolsError
from dbtools.export import Freshness, is_current
from dbtools.files import csvfile
from dbtools.files.compare import count_rows, has_same_shape, missing_rows
from dbtools.files.inventory import LARGEST
from dbtools.files.lookup import Lookup, look_up
from dbtools.project import DATABASES, Project
from dbtools.redact import redact
from dbtools.server import Server

_SAMPLE = 3


def rank(project: Project, file: FileEvidence) -> int:
    """Return 0 for the prompter database, 1 for the auth database, by whatever name; 2 for the rest."""
    for place, database in enumerate(project.in_use, 2 - len(project.in_use)):
        with suppress(OSError):
            status = database.stat()
            if (status.st_dev, status.st_ino) == (file.identity.device, file.identity.inode):
                return place
    return 2


class Judge:
    """Judges files one after the other; what stays becomes evidence for what follows."""

    def __init__(self, project: Project, db: Database, stack: ExitStack) -> None:
        self.project, self.db, self.stack = project, db, stack
        self.staying: dict[str, FileEvidence] = {}  # by sha256
        self.databases: list[tuple[FileEvidence, Path]] = []  # those that stay, with their snapshots

    def judge(self, file: FileEvidence) -> FileEvidence:
        """Return the file with its verdict; what cannot be examined says so. Reads only."""
        path = self.project.root / file.path
        if file.kind in ("link", "compressed") or file.obstacle:
            return file
        if file.identity.size > LARGEST:
            return replace(file, reason="too large to be read", obstacle="it was not examined")
        try:
            file = replace(file, sha256=dbfile.sha256(path), obstacle=self._obstacle(path, file))
            judged = self._judge_content(path, file)
            unchanged = identity(path.lstat()) == file.identity
        except (OSError, DbtoolsError, sqlite3.Error, csv.Error, UnicodeError) as error:
            if rank(self.project, file) == 0:
                raise
            return replace(file, reason=f"cannot be examined: {error}".rstrip("."), obstacle="it was not examined")
        finally:
            if rank(self.project, file):
                with suppress(OSError):
                    dbfile.release(path)
        if not unchanged:
            return replace(file, reason="changed while it was examined", obstacle="it is being written")
        if judged.verdict not in DELETABLE:
            self.staying.setdefault(judged.sha256, judged)
        return judged

    def _obstacle(self, path: Path, file: FileEvidence) -> str:
        for suffix in dbfile.LIVE:
            if file.kind == "sqlite" and dbfile.sidecar(path, suffix):
                return f"it is in use: {path.name}{suffix} is not empty"
        if file.identity.links > 1:
            return f"it has {file.identity.links} names (hard links): removing one frees nothing"
        # A single read-only file is meant to stay; where the database is read-only too, the whole tree was copied so.
        tree = self.project.root if isinstance(self.project.database, Server) else self.project.database
        if not file.identity.mode & stat.S_IWUSR and tree.stat().st_mode & stat.S_IWUSR:
            return "it is read-only, so it is meant to stay"
        if isinstance(self.project.database, Server) and file.path in DATABASES:
            return "it lies where the application looks for its own database when it has no server"
        return ""

    def _judge_content(self, path: Path, file: FileEvidence) -> FileEvidence:
        twin = self.staying.get(file.sha256)
        if file.kind == "sqlite":
            return self._judge_database(path, file, twin)
        if rank(self.project, file) < 2:
            return file
        if twin and file.identity.size:
            return self._rests_on(twin, replace(file, layout=twin.layout, demo=twin.demo, rows=twin.rows), "same-bytes")
        if file.kind != "csv":
            fresh = is_current(self.db, path)
            return _as_export(file, fresh) if fresh.current else file
        return self._judge_csv(path, file)

    def _judge_database(self, path: Path, file: FileEvidence, twin: FileEvidence | None) -> FileEvidence:
        place = rank(self.project, file)
        if twin and place == 2:
            both = (path, self.project.root / twin.path)  # what a sidecar holds may have taken rows back
            if not any(dbfile.sidecar(database, suffix) for database in both for suffix in dbfile.LIVE):
                return self._rests_on(twin, replace(file, rows=twin.rows), "same-bytes")
        copy = self.stack.enter_context(snapshot(path))
        file = replace(file, rows=count_rows(copy))
        if place < 2:
            verdict, use = (
                ("primary", "the prompter database in use") if place == 0 else ("auth", "the auth database in use")
            )
            judged = replace(file, verdict=verdict, reason=use)
        else:
            judged = self._compare_rows(file, copy)
        if judged.verdict in ("primary", "auth", "unique"):
            self.databases.append((judged, copy))
        return judged

    def _compare_rows(self, file: FileEvidence, copy: Path) -> FileEvidence:
        """Compare a database with each that stays, then with all of them together."""
        if not file.rows:
            return replace(file, reason="a database without rows")
        for other, other_copy in self.databases:
            if not missing_rows(copy, [other_copy]):
                same = has_same_shape(copy, other_copy)
                return self._rests_on(other, file, "same-rows" if same else "subset")
        missing = missing_rows(copy, [c for _, c in self.databases])
        where = ", ".join(f"{n:,} in {table}" for table, n in missing.items())
        count = sum(missing.values())
        if not count:
            return replace(file, reason="its rows are spread over several databases, none of which holds all of them")
        reason = f"{count:,} of {file.rows:,} rows exist in no other database ({where})"
        return replace(file, verdict="unique", unique_rows=count, reason=reason)

    def _rests_on(self, other: FileEvidence, file: FileEvidence, verdict: str) -> FileEvidence:
        mark = dbfile.fingerprint(self.project.root / other.path) if other.kind == "sqlite" else ""
        return self._rests_on_keeper(Keeper(other.path, other.sha256, mark), file, verdict)

    def _rests_on_keeper(self, keeper: Keeper, file: FileEvidence, verdict: str) -> FileEvidence:
        rows = f"{file.rows or 0:,} rows"  # not known of a file that cannot be read, which only its bytes can prove
        words = {
            "same-bytes": "every byte is also in",
            "same-rows": f"all {rows} of all tables are the same as in",
            "subset": f"all {rows} are also in",
            "regenerable": f"all {rows} are in",
        }[verdict]
        lost = "nothing would be lost"
        if file.incomplete:
            more = "also hold values that the database lacks, such as other times or notes"
            lost = f"{len(file.incomplete):,} of them {more}"
        reason = f"{words} {keeper.path}; {lost}" + (f"; {file.reason}" if file.reason else "")
        return replace(file, verdict=verdict, kept=keeper.path, keeper=keeper, reason=reason)

    def _judge_csv(self, path: Path, file: FileEvidence) -> FileEvidence:
        if file.identity.size > csvfile.LARGEST:
            fresh = is_current(self.db, path)
            too_large = replace(file, reason="too large to be read", obstacle="it was not examined")
            return _as_export(file, fresh) if fresh.current else too_large
        read = csvfile.read(path)
        file = replace(file, rows=len(read.rows))
        known = look_up(self.db, read) if read.layout else None
        fresh = is_current(self.db, path, differs=known is not None and _differs(self.db, read, known))
        if fresh.current:
            return _as_export(file, fresh)
        if read.layout is None or known is None:
            why = fresh.reason if fresh.layout else "a CSV file of no known layout"
            return replace(file, layout=fresh.layout or "", reason="; ".join(filter(None, (why, read.notes))))
        found, incomplete = known.found, tuple(sorted(known.incomplete))
        file = replace(file, layout=read.layout.name, demo=read.layout.demo, incomplete=incomplete)
        unique = tuple(number for number, how in found.items() if how is None)
        if unique:
            file = replace(file, incomplete=tuple(n for n in file.incomplete if found[n]))
            return replace(file, verdict="unique", unique=unique, unique_rows=len(unique), reason=_lost(read, unique))
        how = {word: sum(h == word for h in found.values()) for word in ("id", "text", "normalised")}
        ways = {"normalised": "normalised text"}
        means = ", ".join(f"{n:,} by {ways.get(word, word)}" for word, n in how.items() if n)
        file = replace(file, reason="; ".join(filter(None, (means and f"found {means}", read.notes))))
        verdict = "regenerable" if how["id"] == len(found) else "subset"
        if isinstance(self.project.database, Server):
            keeper = Keeper(str(self.project.database), "", self.db.origin["fingerprint"])
            return self._rests_on_keeper(keeper, file, verdict)
        primary = next(other for other, _ in self.databases if other.verdict == "primary")
        return self._rests_on(primary, file, verdict)


def _as_export(file: FileEvidence, fresh: Freshness) -> FileEvidence:
    return replace(file, verdict="export-current", layout=fresh.layout or "", reason=fresh.reason)


def _differs(db: Database, read: csvfile.CsvFile, known: Lookup) -> bool:
    """Tell whether a file cannot be an export of the database as it is now: rows are too many, too few, or foreign.

    Every export has a row for each row of its relation, and texts letter by letter. Of a malformed file nothing is
    said: another reader may see other rows.
    """
    if read.layout is None or read.repeated_headers or any(row.problem for row in read.rows):
        return False
    places = [read.columns[name] for name in read.layout.texts if name in read.columns]
    return len(read.rows) != db.rows(read.layout.owner) or any(
        known.found[row.number] not in ("id", "text") and any(row.cells[place].strip() for place in places)
        for row in read.rows
    )


def _lost(read: csvfile.CsvFile, unique: tuple[int, ...]) -> str:
    """Say in words what deleting the file would lose, with a few of the rows."""
    assert read.layout is not None  # noqa: S101 - only files of a known layout come here
    place = next((read.columns[c] for c in read.layout.texts if c in read.columns), 0)
    wanted = set(unique[:_SAMPLE])
    sample = [f'"{_short(row.cells[place])}"' for row in read.rows if row.number in wanted and len(row.cells) > place]
    what = "demo rows" if read.layout.demo else "rows"
    more = " …" if len(unique) > _SAMPLE else ""
    shown = f" ({', '.join(sample)}{more})" if sample else ""
    words = f"{len(unique):,} of {len(read.rows):,} {what} exist nowhere in the database{shown}"
    return "; ".join(filter(None, (words, read.notes)))


def _short(text: str) -> str:
    text = " ".join(redact(text).split())  # hide before cutting: half a token no longer looks like one
    return text if len(text) <= 48 else text[:47] + "…"
