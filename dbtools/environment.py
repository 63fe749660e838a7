"""Which SQLite files the environment and its files name as databases of the application."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from dbtools.server import VARIABLE

# The working directories in which programs of the application start: a relative path means another file in each.
_STARTED_IN = ("", "backend", "packages", "packages/db")
_FILE = re.compile(r"\.env.*|.*\.env|alembic\.ini", re.DOTALL)
# Files that hold much else, so that only a URL in them counts: those of Docker Compose, of Streamlit and the like.
_CONFIGURATION = re.compile(r".+\.(?:ya?ml|toml|ini|cfg)", re.DOTALL | re.IGNORECASE)
_DATABASE_NAMES = (".db", ".sqlite", ".sqlite3")
_LONGEST = 64 << 10  # bytes; a file of settings that a person wrote is shorter
_MOST = 20  # files in one folder
_URL = re.compile(r"sqlite(?:\+\w+)?:///(?:file:)?(?P<path>[^?\r\n]+)", re.IGNORECASE)
_URL_WITHIN = re.compile(
    r"""(["'])(?P<quoted>sqlite[+\w]*:///[^"']+)\1|(?P<bare>sqlite[+\w]*:///[^\s,;"')\]}]+)""", re.IGNORECASE
)
_SETTING = re.compile(r"\s*(?:export\s+)?[\w.]+\s*=\s*(?P<value>\S.*)")
_QUOTED = re.compile(r"""(["'])(?P<text>.*?)\1""")


def named_by_variable(root: Path) -> list[Path]:
    """Return the SQLite files that $DATABASE_URL names, one for each working directory in which there is one."""
    url = os.environ.get(VARIABLE, "").strip(" \t\"'")
    return _found(root, [url], root) if _URL.match(url) else []


def named_databases(root: Path) -> list[Path]:
    """Return the files that the environment names. Reads only.

    That is $DATABASE_URL; a file such as ``.env``, by URL or path; and one such as ``docker-compose.yml``, by URL.
    """
    found = named_by_variable(root)
    for file in setting_files(root):
        values = [match["value"] for line in read_lines(file) if (match := _SETTING.match(line))]
        found += _found(root, values, file.parent)
    for file in _files(root, _CONFIGURATION):
        matches = [match for line in read_lines(file) for match in _URL_WITHIN.finditer(line)]
        found += _found(root, [match["quoted"] or match["bare"] for match in matches], file.parent)
    return list(dict.fromkeys(found))


def setting_files(root: Path) -> Iterator[Path]:
    """Yield the files of settings of an application: ``.env`` and the like. Reads only."""
    return _files(root, _FILE)


def _files(root: Path, wanted: re.Pattern[str]) -> Iterator[Path]:
    for folder in (root / name for name in (*_STARTED_IN, ".streamlit")):
        with suppress(OSError), os.scandir(folder) as entries:
            yield from sorted(Path(entry.path) for entry in entries if wanted.fullmatch(entry.name))[:_MOST]


def read_lines(file: Path) -> list[str]:
    """Return the lines of a file of settings; none where it is no regular file, or longer than such files are."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
            return []
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _found(root: Path, values: list[str], folder: Path) -> list[Path]:
    """Return the files below the root that values name, by any reading of them, from any working directory."""
    starts = dict.fromkeys([*(root / name for name in _STARTED_IN), folder])
    found = []
    for value in values:
        quoted = _QUOTED.match(value)
        whole = quoted["text"] if quoted else value
        url = _URL.match(whole)
        texts = {url["path"], unquote(url["path"])} if url else {whole}
        for text in sorted(texts | {text.split(" #")[0].strip() for text in texts}):
            if not url and not text.lower().endswith(_DATABASE_NAMES):
                continue
            paths = (Path(os.path.normpath(start / text)) for start in starts)
            found += [inside for path in paths if (inside := _inside(root, path))]
    return found


def _inside(root: Path, path: Path) -> Path | None:
    """Return the path of a file below the root; where a link leads to the root, by its real name."""
    with suppress(OSError, ValueError):
        real = path.resolve()
        if not path.is_relative_to(root) and real.is_relative_to(root):
            path = real
        return path if path.is_relative_to(root) and path.is_file() else None
    return None
