"""Find the files of a project, and tell by content what each is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dbtools.database import sqlite
from dbtools.files.csvfile import recognise
from dbtools.html import size
from dbtools.project import CONFIG, DATABASES, STAGING, Project

SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".ipynb_checkpoints", ".tox", STAGING})
# Larger files are not examined. A CSV file is read whole and takes several times its size in memory.
LARGEST = {"sqlite": 16 << 30, "csv": 256 << 20}  # bytes
_HEAD = 4096
_DATABASE_NAME = re.compile(r"\.(?:db|sqlite3?)(?![a-z0-9])(?!.*-(?:wal|shm|journal)$)")
_COMPRESSED_NAME = re.compile(r"\.(?:gz|bz2|xz|zst|zip|7z|rar|tar|tgz|lz4)$")
_LISTED = ("sqlite", "csv", "compressed", "folder")  # kinds that are listed whatever the name
_OWN_MARKERS = (CONFIG, ".git")  # make a project also of a folder that holds a database of the outer project
_QUARANTINED = re.compile(r"\.del-[0-9a-f]{12}-\d+")  # the name a cleanup gives a file just before it removes it
_UNFINISHED = ".restore-"  # a copy that an interrupted restore was writing; the next restore replaces it
_SET_ASIDE = (
    "an interrupted cleanup renamed it: run that cleanup again or restore it, with backup_dir naming its backup folder"
)


@dataclass(frozen=True)
class FoundFile:
    """One file of a project.

    Attributes
    ----------
    path : Path
        Absolute.
    kind : str
        ``sqlite`` and ``csv`` by content; ``compressed``, ``link``, ``folder`` (one that is not searched) or ``other``.
    status : os.stat_result or None
        As ``lstat`` returned it; None where it failed.
    problem : str
        Why the file is not what its name says; empty where it is.
    unread : str
        Why the file cannot be examined; empty where it can.
    """

    path: Path
    kind: str
    status: os.stat_result | None = None
    problem: str = ""
    unread: str = ""

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file, and no link."""
        return self.status is not None and stat.S_ISREG(self.status.st_mode)

    @property
    def is_csv(self) -> bool:
        """Whether the file is a CSV file by its content, or has the name of one."""
        return self.kind == "csv"

    @property
    def is_database(self) -> bool:
        """Whether the file is an SQLite database, or has the name of one."""
        return self.kind == "sqlite" or (self.kind == "other" and names_database(self.path.name))

    @property
    def too_large(self) -> str:
        """Why the file is too large to be examined; empty where it is not."""
        limit = LARGEST["csv" if self.is_csv else "sqlite"]
        return f"it is larger than {size(limit)}" if self.status and self.status.st_size > limit else ""


def links_by_target(project: Project, links: Iterable[Path]) -> dict[tuple[int, int] | None, str]:
    """Return the first link to each file, by device and inode of the file; None: it leads nowhere. Reads only."""
    found: dict[tuple[int, int] | None, str] = {}
    for link in links:
        found.setdefault(_target(link), project.relative(link))
    return found


def linked(link: str) -> str:
    """Say why a file to which a link leads stays."""
    return f'the link "{link}" leads to it and would lead nowhere'


def _target(link: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        status = link.stat()
        return status.st_dev, status.st_ino
    return None


def find(project: Project) -> tuple[FoundFile, ...]:
    """Find the databases, CSV files, exports and compressed files of a project. Reads only.

    The databases in use come first, also where they lie behind a link. Links are listed and not followed; those of
    other names only where they lead to a file that is listed. A folder that holds a project of its own is listed and
    not searched.
    """
    in_use = [path.resolve() for path in project.in_use if path.is_file()]
    paths = dict.fromkeys([*in_use, *walk(project)])
    found = [file for path in paths if (file := look(path)) and not path.name.startswith(_UNFINISHED)]
    wanted = {*project.in_use, *in_use, project.exports}
    listed = {f.path for f in found if f.kind in _LISTED or f.path in wanted or _is_named(f.path.name)}
    places = {(f.status.st_dev, f.status.st_ino) for f in found if f.status and f.is_regular and f.path in listed}
    return tuple(
        file for file in found if file.path in listed or (file.kind == "link" and _target(file.path) in places)
    )


def look(path: Path) -> FoundFile | None:
    """Tell what a file is; None where there is none, or where it is a part of a database beside it. Reads only."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:  # its path is too long, or its folder may not be entered
        why = f"cannot be looked at ({error.strerror})"
        return FoundFile(path, "folder" if _is_folder_entry(path) else "other", unread=why)
    if is_sidecar(path):
        return None
    if stat.S_ISLNK(status.st_mode):
        return FoundFile(path, "link", status, unread="it is a link, which is not followed")
    if stat.S_ISDIR(status.st_mode):
        why = f"a project of its own ({marker})" if (marker := project_marker(path)) else "a folder that cannot be read"
        return FoundFile(path, "folder", status, unread=why)
    if not stat.S_ISREG(status.st_mode):
        return FoundFile(path, "other", status, unread="not a regular file")
    if _QUARANTINED.fullmatch(path.name):
        return FoundFile(path, "other", status, unread=_SET_ASIDE)
    try:
        head = sqlite.peek(path, _HEAD)
    except OSError as error:
        kind = "csv" if names_csv(path.name) else "other"
        return FoundFile(path, kind, status, unread=f"cannot be read ({error.strerror})")
    kind, problem = _classify(path.name, head, status.st_size)
    return FoundFile(path, kind, status, problem)


def _classify(name: str, head: bytes, length: int) -> tuple[str, str]:
    """Return kind and problem of a regular file."""
    if head.startswith(sqlite.MAGIC):
        return "sqlite", ""
    if _COMPRESSED_NAME.search(name.lower()):
        return "compressed", ""
    is_csv = names_csv(name)
    if not is_csv and not names_database(name):
        return "csv" if _has_known_header(head) else "other", ""
    problem = sqlite.describe(head, length)
    if problem.startswith("compressed"):
        return "compressed", problem
    if is_csv:
        return "csv", problem if head and not problem.startswith("encrypted") else ""
    return "other", problem or "has a database's name but is not an SQLite file"


def names_data(name: str) -> bool:
    """Tell whether a name is one of a CSV file or a database."""
    return names_csv(name) or names_database(name)


def names_csv(name: str) -> bool:
    """Tell whether a name is that of a CSV file or of a copy of one, such as ``log.csv_old`` or ``a.csv~``. Pure."""
    lower = name.lower()
    return (".csv" in lower or ".tsv" in lower) and not lower.endswith((".db", ".sqlite", ".sqlite3", ".parquet"))


def names_database(name: str) -> bool:
    """Tell whether a name is that of a database or of a copy of one, such as ``auth.db.bak``. Pure."""
    return bool(_DATABASE_NAME.search(name.lower()))


def walk(project: Project) -> Iterator[Path]:
    """Yield every file of a project, folder by folder, sorted by name. Reads only.

    Links are not followed. Version control, virtual environments and backups are left out. Folders that cannot be read
    or hold a project of their own are yielded and not entered.
    """
    in_use = set(project.in_use)
    pending = [(project.root, True)]  # a stack: folders may be nested deeper than functions can call each other
    while pending:
        path, is_folder = pending.pop()
        if not is_folder:
            yield path
        elif path != project.root and (path.name in SKIPPED or path == project.backups or _is_foreign(path)):
            continue
        elif path != project.root and _is_other_project(path, in_use):
            yield path
        else:
            try:
                entries = sorted(os.scandir(path), key=lambda e: e.name, reverse=True)
            except OSError:
                yield path
            else:
                pending += [(Path(e.path), e.is_dir(follow_symlinks=False)) for e in entries]


def project_marker(folder: Path) -> str:
    """Return the entry that makes a folder a project: a database where the application looks, or a configuration.

    Empty where it is none. Reads only.
    """
    markers = (*_OWN_MARKERS, *DATABASES)
    return next((name for name in markers if os.path.lexists(folder / name)), "")


def enclosing_project(project: Project, path: Path) -> Path | None:
    """Return the folder of another project, inside this one, that holds a path, if there is one. Reads only."""
    in_use = set(project.in_use)
    folders = [folder for folder in path.parents if folder != project.root and folder.is_relative_to(project.root)]
    return next((folder for folder in folders if _is_other_project(folder, in_use)), None)


def _is_other_project(folder: Path, in_use: set[Path]) -> bool:
    """Tell whether a folder is a project of its own; the databases in use of this one do not make it one."""
    if any(os.path.lexists(folder / name) for name in _OWN_MARKERS):
        return True
    return any(path not in in_use and os.path.lexists(path) for path in (folder / name for name in DATABASES))


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds the backups of a cleanup run. Reads only."""
    return os.path.lexists(folder / "manifest.json") and os.path.lexists(folder / "journal")


def is_sidecar(path: Path) -> bool:
    """Tell whether a file is the ``-wal``, ``-shm`` or ``-journal`` of a database beside it. Reads only."""
    bases = (path.name[: -len(s)] for s in sqlite.SIDECARS if path.name.endswith(s))
    return any(base.strip(".") and path.with_name(base).exists() for base in bases)


def _is_named(name: str) -> bool:
    return names_data(name) or name.lower().endswith(".parquet") or _QUARANTINED.fullmatch(name) is not None


def _is_foreign(folder: Path) -> bool:
    """Tell whether a folder is a virtual environment, or the backup of a cleanup run."""
    return os.path.lexists(folder / "pyvenv.cfg") or is_run(folder)


def _is_folder_entry(path: Path) -> bool:
    """Tell whether a path that cannot be looked at is a folder, from the listing of the folder above it."""
    try:
        with os.scandir(path.parent) as entries:
            return any(entry.name == path.name and entry.is_dir(follow_symlinks=False) for entry in entries)
    except OSError:
        return False


def _has_known_header(head: bytes) -> bool:
    """Tell whether a text begins with the header of a known CSV layout."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = head.decode(encoding, "replace").lstrip().splitlines()
    return bool(lines) and any(recognise([c.strip(' "') for c in lines[0].split(d)]) for d in ",;\t|")
