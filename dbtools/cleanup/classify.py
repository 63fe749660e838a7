"""Give a file its verdict, from evidence computed from its content."""

from __future__ import annotations

import csv
import sqlite3
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Event

from dbtools.cleanup.model import DELETABLE, FileEvidence, SurvivingCopy
from dbtools.cleanup.safefile import identity
from dbtools.database import Database, sqlite
from dbtools.database.sqlite import snapshot
from dbtools.errors import DbtoolsError
from dbtools.export import Freshness, is_current
from dbtools.files import csvfile
from dbtools.files.compare import (
    SECONDS,
    Integrity,
    Shape,
    check_integrity,
    checking_thread,
    missing_rows,
    read_shape,
    read_views,
)
from dbtools.files.git import GitError, NoRepositoryError, tracked
from dbtools.files.inventory import LARGEST
from dbtools.files.lookup import Lookup, look_up
from dbtools.project import Project
from dbtools.redact import redact
from dbtools.server import Server

COMPARED = 32  # databases, besides those in use, that a database is compared with: the last ones that stay
_SAMPLE = 3
_NOT_WHOLE = "it was not read completely"
_USE = {
    "primary": "the prompter database in use",
    "auth": "the auth database in use",
    "in-use": "a database where the application looks for one",
    "ratings": "the file of blind ratings, to which lines are only added",
}


@dataclass(frozen=True)
class _Staying:
    """A database that stays: its evidence, its private copy and tables, and what closes the copy."""

    file: FileEvidence
    copy: Path
    shape: Shape
    stack: ExitStack


@dataclass
class Survived:
    """The files that stay, as far as they are classified: what the next file is compared with.

    Attributes
    ----------
    tracked : frozenset of str
        The paths that git tracks.
    git_problem : str
        Why git cannot tell what it tracks; empty where it can, or where there is no repository.
    by_sha256 : dict
        Every file that stays.
    in_use, databases : list
        The databases that are compared with: those in use, and the last others that stay.
    left_out : int
        How many databases stay and are no longer compared with.
    """

    project: Project
    db: Database
    stack: ExitStack
    tracked: frozenset[str] = frozenset()
    git_problem: str = ""
    by_sha256: dict[str, FileEvidence] = field(default_factory=dict)
    in_use: list[_Staying] = field(default_factory=list)
    databases: list[_Staying] = field(default_factory=list)
    left_out: int = 0
    checks: dict[str, Future[Integrity]] = field(default_factory=dict)

    def start_check(self, path: str, copy: Path) -> Future[Integrity]:
        """Start SQLite's integrity check of the copy of a database, in a thread beside other work, or return it."""
        if path not in self.checks:
            pool, ended = self._thread
            # Beside other work it takes up to twice as long.
            self.checks[path] = pool.submit(check_integrity, copy, 2 * SECONDS, ended.is_set)
        return self.checks[path]

    @cached_property
    def _thread(self) -> tuple[ThreadPoolExecutor, Event]:
        return checking_thread(self.stack)

    @property
    def primary(self) -> _Staying:
        """The prompter database."""
        return next(other for other in self.in_use if other.file.role == "primary")


def classify(survived: Survived, file: FileEvidence) -> FileEvidence:
    """Return the file with its verdict; where it cannot be examined, the reason says so. Reads only."""
    path = survived.project.root / file.path
    if file.kind in ("link", "compressed") or file.obstacle:
        return file
    try:
        file = replace(file, sha256=sqlite.sha256(path), obstacle=_obstacle(survived.project, path, file))
        found = _classify_content(survived, path, file)
        unchanged = identity(path.lstat()) == file.identity
    except (OSError, DbtoolsError, sqlite3.Error, csv.Error, UnicodeError) as error:
        if file.role == "primary":
            raise
        return replace(file, reason=f"cannot be examined: {error}".rstrip("."), obstacle="it was not examined")
    finally:
        if file.role != "primary":
            with suppress(OSError):
                sqlite.release(path)
    if not unchanged:
        return replace(file, reason="changed while it was examined", obstacle="it is being written")
    if found.verdict not in DELETABLE:
        survived.by_sha256.setdefault(found.sha256, found)
        return found
    return replace(found, caution=found.caution or _caution(survived, path, found))


def tracked_by_git(project: Project) -> tuple[frozenset[str], str]:
    """Return the paths that git tracks, and why it cannot tell although there is a repository. Reads only."""
    try:
        return tracked(project), ""
    except NoRepositoryError:
        return frozenset(), ""
    except GitError as error:
        return frozenset(), str(error)


def _caution(survived: Survived, path: Path, file: FileEvidence) -> str:
    """Return why a file that git may track, such as a fixture of a test, goes only if it is named in accept."""
    if file.layout or path.is_relative_to(survived.project.exports):
        return ""
    if survived.git_problem:
        return f"it is not known whether git tracks it ({survived.git_problem})"
    return "git tracks it, so it is a part of the project" if file.path in survived.tracked else ""


def _obstacle(project: Project, path: Path, file: FileEvidence) -> str:
    """Return why a file must not be removed whatever its content; empty where nothing forbids it."""
    if file.kind == "sqlite" and (sidecar := _live_sidecar(path)):
        return f"it is in use: {path.name}{sidecar} is not empty"
    if file.identity.links > 1:
        return f"it has {file.identity.links} names (hard links): removing one frees no space"
    # A single read-only file is meant to stay; where the database is read-only too, the whole tree was copied so.
    tree = project.root if isinstance(project.database, Server) else project.database
    if not file.identity.mode & stat.S_IWUSR and tree.stat().st_mode & stat.S_IWUSR:
        return "it is read-only, so it is meant to stay"
    return ""


def _live_sidecar(path: Path) -> str:
    """Return the suffix of a sidecar with changes that are not in the database file."""
    return next((suffix for suffix in sqlite.LIVE if sqlite.sidecar(path, suffix)), "")


def _classify_content(survived: Survived, path: Path, file: FileEvidence) -> FileEvidence:
    twin = survived.by_sha256.get(file.sha256)
    if file.kind == "sqlite":
        return _classify_database(survived, path, file, twin)
    if file.role:
        return replace(file, verdict=file.role, reason="; ".join(filter(None, (_USE[file.role], file.reason))))
    if twin and file.identity.size:
        same = replace(file, layout=twin.layout, demo=twin.demo, rows=twin.rows)
        return _duplicate_of(_surviving_copy(survived, twin), same, "same-bytes")
    if file.kind == "csv" and not file.reason:
        return _classify_csv(survived, path, file)
    fresh = is_current(survived.db, path)
    return _as_export(file, fresh) if fresh.current else file


def _classify_database(survived: Survived, path: Path, file: FileEvidence, twin: FileEvidence | None) -> FileEvidence:
    with ExitStack() as stack:
        copy = stack.enter_context(snapshot(path))
        if twin and not file.role and not _live_sidecar(path) and not _live_sidecar(survived.project.root / twin.path):
            same = _duplicate_of(_surviving_copy(survived, twin), replace(file, rows=twin.rows), "same-bytes")
            return _sound(survived, file, copy, same)
        shape = read_shape(copy)
        file = replace(file, rows=sum(rows for _, rows in shape.values()))
        if file.role:
            found = replace(file, verdict=file.role, reason=_USE[file.role])
        else:
            found = _sound(survived, file, copy, _compare_rows(survived, file, copy, shape))
        if found.verdict in (*_USE, "unique"):
            _keep(survived, _Staying(found, copy, shape, stack.pop_all()))
    return found


def _keep(survived: Survived, staying: _Staying) -> None:
    """Compare further databases with this one; the copy of the oldest one is closed where there are too many."""
    survived.stack.push(staying.stack)
    (survived.in_use if staying.file.role else survived.databases).append(staying)
    if len(survived.databases) > COMPARED:
        survived.databases.pop(0).stack.close()
        survived.left_out += 1


def _compare_rows(survived: Survived, file: FileEvidence, copy: Path, shape: Shape) -> FileEvidence:
    """Compare a database with each that stays, then with all of them together."""
    if not file.rows:
        return replace(file, reason="a database without rows")
    # Files are classified by descending size: the last ones are those closest in size.
    others = [o for o in (*survived.in_use, *reversed(survived.databases)) if shape.keys() & o.shape.keys()]
    own, covered = read_views(copy), None
    for other in others:
        if _may_cover(other.shape, shape) and not missing_rows(copy, [other.copy]):
            verdict = "same-rows" if shape == other.shape else "subset"
            found = _duplicate_of(_surviving_copy(survived, other.file), file, verdict)
            lacking = sorted(dict(own.items() - read_views(other.copy).items()))
            if not lacking:
                return found
            named = ", ".join(f'"{_short(name)}"' for name in lacking[:_SAMPLE]) + (" …" if lacking[_SAMPLE:] else "")
            covered = covered or replace(found, caution=f"{other.file.path} lacks its views and triggers {named}")
    if covered:
        return covered
    missing = missing_rows(copy, [other.copy for other in others])
    where = ", ".join(f"{n:,} in {table}" for table, n in missing.items())
    count = sum(missing.values())
    left_out = f"; {survived.left_out:,} databases were not compared" if survived.left_out else ""
    if not count:
        reason = "its rows are spread over several databases, none of which holds all of them"
        return replace(file, reason=reason + left_out)
    reason = f"{count:,} of {file.rows:,} rows exist in no other database ({where})"
    return replace(file, verdict="unique", unique_rows=count, reason=reason + left_out)


def _may_cover(whole: Shape, part: Shape) -> bool:
    """Tell from columns and numbers of rows whether a database may hold all rows of another."""
    nothing: tuple[frozenset[str], int] = (frozenset(), 0)
    return all(
        columns <= whole.get(t, nothing)[0] and rows <= whole.get(t, nothing)[1] for t, (columns, rows) in part.items()
    )


def _surviving_copy(survived: Survived, file: FileEvidence) -> SurvivingCopy:
    fingerprint = sqlite.fingerprint(survived.project.root / file.path) if file.kind == "sqlite" else ""
    return SurvivingCopy(file.path, file.sha256, fingerprint)


def _duplicate_of(copy: SurvivingCopy, file: FileEvidence, verdict: str) -> FileEvidence:
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
    reason = f"{words} {copy.path}; {lost}" + (f"; {file.reason}" if file.reason else "")
    return replace(file, verdict=verdict, duplicate_of=copy, reason=reason)


def _sound(survived: Survived, file: FileEvidence, copy: Path, found: FileEvidence) -> FileEvidence:
    """Return a verdict by which a database would go, or another one where it or the surviving copy is damaged.

    Damage hides rows. Two files with the same bytes have the same damage.
    """
    if found.verdict not in DELETABLE:
        return found
    own = survived.start_check(file.path, copy).result()
    if own.damage:
        reason = f"the file is damaged and may hold rows that cannot be read ({_shown(own)})"
        return replace(file, verdict="damaged", reason=reason, obstacle="it is damaged")
    if found.verdict == "same-bytes":
        return found
    if own.unknown:
        return replace(file, reason=f"it cannot be told whether the file is sound ({own.unknown})", obstacle=_NOT_WHOLE)
    copied = found.duplicate_of.path if found.duplicate_of else ""
    other = next(o for o in (*survived.in_use, *survived.databases) if o.file.path == copied)
    return _proved_by(survived, other, file, found)


def _proved_by(survived: Survived, other: _Staying, file: FileEvidence, found: FileEvidence) -> FileEvidence:
    """Return a verdict that rests on the rows of another database, or another one where that is damaged."""
    integrity = survived.start_check(other.file.path, other.copy).result()
    if integrity.damage:
        reason = f"{other.file.path} is damaged, so it proves nothing ({_shown(integrity)})"
        return replace(file, verdict="damaged", reason=reason, obstacle="nothing is removed because of a damaged file")
    if integrity.unknown:
        reason = f"it cannot be told whether {other.file.path} is sound ({integrity.unknown})"
        return replace(file, reason=reason, obstacle=_NOT_WHOLE)
    return found


def _shown(integrity: Integrity) -> str:
    return _short(integrity.damage[0].splitlines()[-1])


def _classify_csv(survived: Survived, path: Path, file: FileEvidence) -> FileEvidence:
    if file.identity.size > LARGEST["csv"]:
        fresh = is_current(survived.db, path)
        too_large = replace(file, reason="too large to be read", obstacle="it was not examined")
        return _as_export(file, fresh) if fresh.current else too_large
    if not isinstance(survived.project.database, Server):
        survived.start_check(survived.primary.file.path, survived.primary.copy)  # most verdicts rest on it
    read = csvfile.read_fast(path)
    file = replace(file, rows=len(read.rows))
    known = look_up(survived.db, read) if read.layout else None
    fresh = is_current(survived.db, path, differs=known is not None and _differs(survived.db, read, known))
    if fresh.current:
        return _as_export(file, fresh)
    if read.layout is None or known is None:
        why = fresh.reason if fresh.layout else "a CSV file of no known layout"
        return replace(file, layout=fresh.layout or "", reason="; ".join(filter(None, (why, read.notes))))
    incomplete = tuple(sorted(known.incomplete))
    file = replace(file, layout=read.layout.name, demo=read.layout.demo, incomplete=incomplete)
    if unique := tuple(known.missing):
        lost = replace(file, verdict="unique", unique=unique, unique_rows=len(unique), reason=_lost(read, known))
        return _proved(survived, file, lost)
    file = replace(file, reason=read.notes)
    return _proved(survived, file, _duplicate_of(_database_copy(survived), file, "regenerable"))


def _proved(survived: Survived, file: FileEvidence, found: FileEvidence) -> FileEvidence:
    """Return the verdict of a CSV file, or another one where the prompter database is damaged."""
    is_server = isinstance(survived.project.database, Server)
    return found if is_server else _proved_by(survived, survived.primary, file, found)


def _database_copy(survived: Survived) -> SurvivingCopy:
    """Return the prompter database as what survives the removal of a CSV file."""
    if isinstance(survived.project.database, Server):
        return SurvivingCopy(str(survived.project.database), "", survived.db.origin["fingerprint"])
    return _surviving_copy(survived, survived.primary.file)


def _as_export(file: FileEvidence, fresh: Freshness) -> FileEvidence:
    return replace(file, verdict="export-current", layout=fresh.layout or "", reason=fresh.reason)


def _differs(db: Database, read: csvfile.CsvFile, known: Lookup) -> bool:
    """Tell whether a file cannot be an export of the database as it is now: rows are too many, too few, or foreign.

    Every export has a row for each row of its relation, and texts letter by letter. Of a malformed file nothing is
    said: another reader may see other rows.
    """
    if read.layout is None or read.repeated_headers or read.faulty_rows:
        return False
    places = [read.columns[name] for name in read.layout.texts if name in read.columns]
    foreign = [number for number, evidence in known.missing.items() if evidence != "text"]
    return len(read.rows) != db.rows(read.layout.owner) or any(
        any(row.cells[place].strip() for place in places) for row in read.select(foreign)
    )


def _lost(read: csvfile.CsvFile, known: Lookup) -> str:
    """Say in words what deleting the file would lose, with a few of the rows."""
    assert read.layout is not None  # noqa: S101 - only files of a known layout come here
    place = next((read.columns[c] for c in read.layout.texts if c in read.columns), 0)
    nowhere = [number for number, evidence in known.missing.items() if evidence is None]
    elsewhere = len(known.missing) - len(nowhere)
    wanted = nowhere or list(known.missing)
    sample = [f'"{_short(row.cells[place])}"' for row in read.select(wanted[:_SAMPLE]) if len(row.cells) > place]
    more = " …" if len(wanted) > _SAMPLE else ""
    shown = f" ({', '.join(sample)}{more})" if sample else ""
    of_all = f"of {len(read.rows):,} {'demo rows' if read.layout.demo else 'rows'}"
    words = [f"{len(nowhere):,} {of_all} exist nowhere in the database{shown}"] if nowhere else []
    if elsewhere:
        subject, shown = (f"{elsewhere:,} more", "") if nowhere else (f"{elsewhere:,} {of_all}", shown)
        words.append(f"{subject} have only texts of the database, under another id, agent or prompt{shown}")
    return "; ".join(filter(None, (*words, read.notes)))


def _short(text: str) -> str:
    text = " ".join(redact(text).split())  # hide before cutting: half a token no longer looks like one
    return text if len(text) <= 48 else text[:47] + "…"
