"""What the checks examine: a project, its database, and a private copy of every database file in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.database import Database, sqlite
from dbtools.database.sqlite import snapshot
from dbtools.errors import DbtoolsError, readable
from dbtools.files import csvfile
from dbtools.files.compare import SECONDS, Integrity, check_integrity, checking_thread
from dbtools.files.git import GitError, NoRepositoryError, tracked
from dbtools.files.inventory import LARGEST, FoundFile, find
from dbtools.html import size
from dbtools.project import Project, is_lake
from dbtools.server import NOT_A_FILE, Server

if TYPE_CHECKING:
    from dbtools.database.engine import Engine


class NotAnswered(Exception):  # noqa: N818 - a result of a check, not an error of the program
    """A check has no answer here; the text says why."""


class NotApplicable(NotAnswered):
    """There is nothing to check: the project has no such file, table or column."""


class Unanswered(NotAnswered):
    """There is something to check, but it cannot be read; the text gives the reason and what to do."""


NO_TEXTS = "the long texts are not loaded; attach(…, texts=True) loads them"


@dataclass(frozen=True)
class AuditContext:
    """A project at the moment of an audit. Costly properties are computed once, when they are first used."""

    project: Project
    db: Database
    connection: Engine
    now: datetime
    stack: ExitStack
    left_out: dict[str, str] = field(default_factory=dict)  # by collected relation, what its rows leave out

    @property
    def unreadable(self) -> dict[str, str]:
        """The tables of a damaged prompter database that cannot be read, and why."""
        found: dict[str, str] = self.db.origin.get("unreadable", {})
        return found

    def needs_unreadable(self) -> Unanswered:
        """Return why a check has no answer that reads a relation made from unreadable tables."""
        return Unanswered(f"it needs a table that cannot be read ({', '.join(self.unreadable)})")

    @cached_property
    def found(self) -> dict[Path, FoundFile]:
        """Every database and CSV file of the project, by path; of a database in use, the path by which it is used."""
        own = {path.resolve(): path for path in self.project.in_use}
        return {own.get(f.path, f.path): f for f in find(self.project) if f.is_regular and (f.is_csv or f.is_database)}

    @cached_property
    def databases(self) -> tuple[Path, ...]:
        """The database files, the prompter database first, then the auth database."""
        first = self.project.in_use
        found = [path for path, file in self.found.items() if not file.is_csv]
        return tuple(sorted(found, key=lambda p: (first.index(p) if p in first else len(first), str(p))))

    @cached_property
    def copies(self) -> dict[Path, Path | str]:
        """A private copy of each database, or why there is none."""
        found: dict[Path, Path | str] = {}
        for path in self.databases:
            file = self.found[path]
            if file.kind != "sqlite":
                continue
            if file.too_large:
                found[path] = file.too_large
                continue
            try:
                found[path] = self.stack.enter_context(snapshot(path))
            except (DbtoolsError, OSError) as error:
                found[path] = str(error)
            self.release(path)
        return found

    @cached_property
    def integrity(self) -> Future[dict[Path, Integrity]]:
        """What SQLite finds in the copy of each database; the check begins at the first use, in a thread of its own."""
        copies = self.copies
        pool, ended = checking_thread(self.stack)

        def check() -> dict[Path, Integrity]:
            return {
                # Beside other work it takes up to twice as long.
                path: check_integrity(copy, 2 * SECONDS, ended.is_set) if isinstance(copy, Path) else Integrity((copy,))
                for path, copy in copies.items()
            }

        return pool.submit(check)

    @property
    def own_copy(self) -> Path:
        """The private copy of the prompter database; raises `NotAnswered`."""
        if isinstance(self.project.database, Server):
            raise NotApplicable(NOT_A_FILE)
        if is_lake(self.project.database):
            raise NotApplicable("the database is a lake, not an SQLite file")
        copy = self.copies.get(self.project.database)
        if not isinstance(copy, Path):
            raise Unanswered(f"the database cannot be copied ({copy or 'it lies outside the project'})")
        return copy

    @cached_property
    def csv_files(self) -> dict[Path, csvfile.CsvFile | str]:
        """Every CSV file as it was read, or why it was not read."""
        found: dict[Path, csvfile.CsvFile | str] = {}
        left = LARGEST["csv"]  # bytes; what is read stays in memory
        for path, file in self.found.items():
            if not file.is_csv or file.status is None:
                continue
            if why := file.unread or file.problem or file.too_large:
                found[path] = why
            elif file.status.st_size > left:
                found[path] = f"the CSV files read before it hold {size(LARGEST['csv'] - left)}"
            else:
                left -= file.status.st_size
                try:
                    found[path] = csvfile.read(path)
                except csvfile.CsvError as error:
                    found[path] = str(error).rstrip(".")
                except (OSError, ValueError) as error:
                    found[path] = f"it cannot be read ({type(error).__name__})"
        return found

    @property
    def logs(self) -> Iterator[tuple[Path, csvfile.CsvFile]]:
        """The CSV files that were read."""
        return ((path, found) for path, found in self.csv_files.items() if not isinstance(found, str))

    @cached_property
    def tracked(self) -> frozenset[Path]:
        """The files that git tracks; raises `NotAnswered`."""
        try:
            return frozenset(self.project.root / name for name in tracked(self.project))
        except NoRepositoryError as error:
            raise NotApplicable(str(error)) from None
        except GitError as error:
            raise Unanswered(str(error)) from None

    def header(self, path: Path) -> bytes:
        """Return the first 100 bytes of a database file; empty where it cannot be read."""
        try:
            return sqlite.read(path, sqlite.HEADER)
        except OSError:
            return b""
        finally:
            self.release(path)

    def release(self, path: Path) -> None:
        """Close a file that `sqlite` keeps open, unless it is the prompter database: there may be thousands."""
        if path != self.project.database:
            with suppress(OSError):
                sqlite.release(path)

    def name(self, path: Path) -> str:
        """Return a path as the report shows it."""
        return readable(self.project.relative(path))

    def rows(self, copy: Path, statement: str) -> list[tuple[object, ...]]:
        """Run a statement on a copy and return its rows; bytes that are not UTF-8 become escapes."""
        with closing(sqlite.connect_copy(copy)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
            return connection.execute(statement).fetchall()


@contextmanager
def open_context(project: Project, db: Database, now: datetime) -> Iterator[AuditContext]:
    """Open the context for the length of a ``with`` block. Reads only."""
    with ExitStack() as stack:
        context = AuditContext(project, db, stack.enter_context(db.session()), now, stack)
        try:
            yield context
        finally:
            for path in vars(context).get("found", ()):
                context.release(path)


def only_database(file: Path, root: Path) -> Project:
    """Return a project of nothing but a database, so that checks on other files find nothing."""
    nowhere = root / "nowhere"
    return Project(root, file, nowhere / "auth", nowhere / "exports", nowhere / "backups")


def read_query(name: str) -> str:
    """Return the text of one of the audit's own queries."""
    return files("dbtools.audit").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
