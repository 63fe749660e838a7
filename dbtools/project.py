"""Project: where the databases, exports and backups of one application lie."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dbtools import environment, server
from dbtools.errors import NoProjectError, ParameterError, ProjectError, usable
from dbtools.server import Server

DATABASES = ("prompter.db", "packages/db/prompter.db")  # where the application looks; the newest only in the last
AUTH_NAME = "auth_system.db"
CONFIG = "dbtools.toml"
RATINGS = "ratings.jsonl"
LAKE = "lake.json"  # the file that makes a folder a lake, and names what is in it
STAGING = ".dbtools-export"  # the folder in which an export is made before it takes its place
_SMALLEST = 512  # bytes; no SQLite database is smaller, but an empty file or a pointer of Git LFS is
_LONGEST = 1 << 20  # bytes; a configuration that a person wrote is shorter
_PROJECT_KEYS = {"database", "auth", "exports", "backups", "ratings", "engine"}
_EXPECT_KEYS = {"present", "absent", "rows", "versions_by_source"}


@dataclass(frozen=True)
class Project:
    """One application's files. Reads only.

    Attributes
    ----------
    root : Path
        The project folder, absolute.
    database : Path or Server
        The prompter database: a file, the folder of a lake, or the address of one on a PostgreSQL server.
    auth : Path
        The auth database (which need not exist).
    exports, backups : Path
        The export folder, and the folder that takes the backups of a cleanup.
    ratings : Path
        The file of blind ratings (which need not exist).
    engine : str
        The address of the Spark Connect server that works on the lake; empty: DuckDB does.
    expect : Mapping
        The ``[expect]`` part of dbtools.toml: ``present``, ``absent``, ``rows``, ``versions_by_source``.
    """

    root: Path
    database: Path | Server
    auth: Path
    exports: Path
    backups: Path
    ratings: Path = Path(RATINGS)
    engine: str = ""
    expect: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratings", self.root / self.ratings)

    @classmethod
    def find(cls, root: Project | str | os.PathLike[str] | None = None) -> Project:
        """Find the project: `root`, else ``$DBTOOLS_PROJECT``, else the nearest folder from here up that is one.

        Its database is the one that dbtools.toml names; else packages/db/prompter.db or prompter.db, the first that is
        there and not empty; else the SQLite file or PostgreSQL server that ``$DATABASE_URL`` names. A project that was
        found already is returned as it is. Reads only.

        Raises
        ------
        ProjectError
            There is no such folder, it holds no prompter database, or its dbtools.toml cannot be used.
        ParameterError
            `root` is neither a project nor a path.
        """
        if isinstance(root, Project):
            return root
        if not isinstance(root, str | os.PathLike | None):
            raise ParameterError("Neither a project nor its folder", type(root).__name__, "give Project.find(folder)")
        given = os.fspath(root) if root else os.environ.get("DBTOOLS_PROJECT")
        if given:
            with usable(given, ProjectError):
                folder = Path(given).expanduser().absolute()
                if not folder.is_dir():
                    what = "Not a project folder" if folder.exists() else "No such project folder"
                    raise ProjectError(what, folder, "give the folder that holds prompter.db")
            return cls._load(folder)
        here = Path.cwd()
        if nearest := around(here):
            return cls._load(nearest)
        raise NoProjectError(
            "No prompter database in this folder or above it",
            here,
            "give the project's folder as root, or set DBTOOLS_PROJECT",
        )

    @classmethod
    def _load(cls, root: Path) -> Project:
        root = root.resolve()
        config = _read_config(root / CONFIG)
        section = config.get("project", {})
        database = _database(root, section.get("database"))
        return cls(
            root=root,
            database=database,
            auth=_inside(root, section.get("auth", AUTH_NAME), "auth"),
            exports=_inside(root, section.get("exports", "storage"), "exports"),
            backups=_inside(root, section.get("backups", "backup_old_csvs"), "backups"),
            ratings=_ratings(root, _inside(root, section.get("ratings", RATINGS), "ratings")),
            engine=_engine(section.get("engine", ""), database),
            expect=check_expectations(config.get("expect", {}), root / CONFIG),
        )

    def with_backups(self, folder: str | os.PathLike[str] | None) -> Project:
        """Return the project with another backup folder (relative to the root, or absolute anywhere)."""
        with usable(folder):
            return replace(self, backups=(self.root / folder).resolve()) if folder else self

    def check_folder(self, folder: Path) -> Path:
        """Return a folder that is to be written into. Reads only.

        Raises
        ------
        ProjectError
            The folder lies in the project by its name, and a link leads out of it.
        """
        if folder.is_relative_to(self.root) and not folder.resolve().is_relative_to(self.root):
            todo = f"give the folder itself ({folder.resolve()})"
            raise ProjectError("Nothing is written through a link that leads out of the project", folder, todo)
        return folder

    @property
    def in_use(self) -> tuple[Path, ...]:
        """The files that the application may work with, which nothing here ever changes.

        The database, the auth database, every other file that lies where the application looks for one of them or that
        the environment or a file such as ``.env`` names, and the file of ratings, to which lines are only added.
        """
        named = [self.database] if isinstance(self.database, Path) else []
        databases = [self.root / name for name in DATABASES]
        databases += environment.named_databases(self.root)
        auths = [
            path.parent / name for path in (*named, *databases) for name in dict.fromkeys((self.auth.name, AUTH_NAME))
        ]
        others = [path for path in (*databases, *auths, self.ratings) if path.is_file()]
        return tuple(dict.fromkeys([*named, self.auth, *others]))

    @property
    def note(self) -> str:
        """Which database is read, where there is another one that the application may open; else empty."""
        places = [*(self.root / name for name in DATABASES), *environment.named_databases(self.root)]
        known = (self.database, self.auth)
        others = [p for p in dict.fromkeys(places) if p not in known and p.name != AUTH_NAME and p.is_file()]
        if not others:
            return ""
        said = [
            f"{self.relative(path)} exists as well and "
            + ("may be the one that the application opens" if _is_filled(path) else "holds no database")
            for path in others
        ]
        return f"the database {self.relative(self.database)} is read; {'; '.join(said)}"

    def relative(self, path: Path | Server) -> str:
        """Return `path` as reports show it: relative to the root where it lies inside, with ``/``."""
        if isinstance(path, Server):
            return str(path)
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def around(path: Path) -> Path | None:
    """Return the nearest folder, from `path` up, that holds a prompter database or a dbtools.toml. Reads only."""
    marks = (*DATABASES, CONFIG)
    return next((up for up in (path, *path.parents) if any((up / name).is_file() for name in marks)), None)


def is_lake(path: Path | Server) -> bool:
    """Tell whether a path is the folder of a lake. Reads only."""
    return isinstance(path, Path) and (path / LAKE).is_file()


def _engine(url: str, database: Path | Server) -> str:
    if "token=" in url.lower():
        raise ProjectError(f"{CONFIG} holds a token", "sc://…", "take it out and set SPARK_CONNECT_AUTHENTICATE_TOKEN")
    if url and not is_lake(database):
        todo = 'export one with partition_by="month", and name its folder as database'
        raise ProjectError(f"project.engine in {CONFIG} needs a lake", database, todo)
    return url


def check_expectations(section: Any, origin: object) -> Mapping[str, Any]:
    """Check the shape of an ``[expect]`` section and return it read-only.

    Raises
    ------
    ProjectError
        A key is unknown, or a value is not a list of paths or a table of counts.
    """
    if not isinstance(section, Mapping):
        raise ProjectError("expect is not a table", origin, "write it as [expect]")
    for key, value in section.items():
        if key not in _EXPECT_KEYS:
            known = ", ".join(sorted(_EXPECT_KEYS))
            raise ProjectError(f'Unknown key "expect.{key}" in', origin, f"use one of {known}")
        if key in ("present", "absent"):
            if not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
                raise ProjectError(f'"expect.{key}" is not a list of paths in', origin, 'write ["a", "b"]')
        elif not (isinstance(value, Mapping) and all(type(v) is int for v in value.values())):
            raise ProjectError(f'"expect.{key}" is not a table of whole numbers in', origin, "write name = 15")
    return MappingProxyType(dict(section))


def read_expectations(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Read expectations from a TOML file: an ``[expect]`` section, or its keys at the top level. Reads only."""
    file = Path(path)
    with usable(file):
        if not file.is_file():
            raise ParameterError("No such file of expectations", file, "give a TOML file with an [expect] section")
    config = _read_toml(file)
    return check_expectations(config.get("expect", config), file)


def _read_config(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    config = _read_toml(file)
    for key in config:
        if key not in ("project", "expect"):
            raise ProjectError(f'Unknown section "{key}" in', file, "use [project] and [expect]")
    section = config.get("project", {})
    if not isinstance(section, dict):
        raise ProjectError('"project" is not a section in', file, "write it as [project]")
    for key, value in section.items():
        if key not in _PROJECT_KEYS:
            known = ", ".join(sorted(_PROJECT_KEYS))
            raise ProjectError(f'Unknown key "project.{key}" in', file, f"use one of {known}")
        if not isinstance(value, str) or not value:
            raise ProjectError(f'"project.{key}" is not a path in', file, "write it in quotes")
    return config


def _read_toml(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        if file.stat().st_size > _LONGEST:
            raise ProjectError("The TOML file is larger than 1 MB", file, "shorten or remove it")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    # ValueError: no UTF-8, no TOML, or a number of thousands of digits.
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"Cannot read as TOML ({error})", file, "fix or remove it") from None


def _database(root: Path, named: str | None) -> Path | Server:
    """Return the database that dbtools.toml names, else the file that is there, else that of the environment."""
    if named is not None and server.is_url(named):
        address, password = server.parse(named)
        if password is not None:
            todo = f"take it out, and set PGPASSWORD or {server.VARIABLE}, or write it into ~/.pgpass"
            raise ProjectError(f"{CONFIG} holds a password", address, todo)
        return address
    places = [root / name for name in reversed(DATABASES)]
    there = [path for path in places if path.is_file()]
    filled = next((path for path in there if _is_filled(path)), None)
    file = filled or next(iter(there), root / DATABASES[0])
    if named is not None:
        file = _inside(root, named, "database")
        if filled and file in there and not _is_filled(file):  # an empty file never hides the database
            file = filled
    if file.is_file() or is_lake(file):
        return file
    # A broken link is not passed over.
    if named is None and not any(os.path.lexists(root / name) for name in DATABASES):
        named_files = environment.named_by_variable(root)
        if found := next(iter(named_files), None) or server.from_environment():
            return found
    if is_lake(root):
        todo = f'write database = "{root.name}" into {CONFIG} in the folder above, and give that'
        raise ProjectError("The folder is a lake, not a project", root, todo)
    if file.is_symlink():
        raise ProjectError("The database is a link to a file that is not there", file, "fix the link")
    raise ProjectError(
        "No prompter database in the project",
        root,
        f"expected {file.relative_to(root)}; give another root, or name it in {CONFIG}",
    )


def _is_filled(path: Path) -> bool:
    """Tell whether a file is large enough to be a database."""
    try:
        return path.is_file() and path.stat().st_size >= _SMALLEST
    except OSError:
        return False


def _inside(root: Path, name: str, key: str) -> Path:
    """Return the path `name` below `root`; a path that leaves the project is refused.

    A link may lead out of it: such a folder is read, and refused by `Project.check_folder` when something is written.
    """
    path = Path(os.path.normpath(root / name))
    with usable(name, ProjectError):
        path.resolve()
        path.is_file()
    if not path.is_relative_to(root) or path == root:
        raise ProjectError(
            f'"project.{key}" leads out of the project in {CONFIG}', name, "give a path inside the project"
        )
    return path


def _ratings(root: Path, path: Path) -> Path:
    """Return the path of the ratings: lines are added there, so a database, a link, a pipe or a folder is refused."""
    todo = f"move it away, or name another file in {CONFIG}"
    if path.suffix != ".jsonl":
        raise ProjectError(f'"project.ratings" does not end in .jsonl in {CONFIG}', path.name, "give it such a name")
    if not path.parent.resolve().is_relative_to(root):
        raise ProjectError("A link in the path of the ratings leads out of the project", path, todo)
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise ProjectError("The file of ratings is not a regular file", path, todo)
    return path
