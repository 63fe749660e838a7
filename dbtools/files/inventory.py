"""Walk a project without following links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dbtools.database.sqlite import dbfile
from dbtools.project import STAGING, Project

SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".ipynb_checkpoints", ".tox", STAGING})
DATABASE_NAMES = frozenset({".db", ".sqlite", ".sqlite3"})
COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar", ".tar", ".tgz", ".lz4"})  # never opened
LARGEST = 16 << 30  # bytes; a larger file is not read, and so never proved deletable


def walk(project: Project) -> Iterator[Path]:
    """Yield every file of a project, folder by folder, in the order of their names. Reads only.

    Links are yielded, not followed, and so is a folder that cannot be read; version control, virtual environments and
    backups are left out.
    """
    waiting = [(project.root, True)]  # a stack: folders may lie deeper than functions can call each other
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
        elif path == project.root or not (path.name in SKIPPED or path == project.backups or _is_foreign(path)):
            try:
                entries = sorted(os.scandir(path), key=lambda e: e.name, reverse=True)
            except OSError:
                yield path  # whoever looks at it will find that it cannot be read
            else:
                waiting += [(Path(e.path), e.is_dir(follow_symlinks=False)) for e in entries]


def _is_foreign(folder: Path) -> bool:
    """Tell whether a folder is a virtual environment, or the backup of a cleanup wherever that put it."""
    return os.path.lexists(folder / "pyvenv.cfg") or is_run(folder)


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds the backups of a cleanup run. Reads only."""
    return os.path.lexists(folder / "manifest.json") and os.path.lexists(folder / "journal")


def is_sidecar(path: Path) -> bool:
    """Tell whether a file is the ``-wal``, ``-shm`` or ``-journal`` of a database beside it. Reads only."""
    bases = (path.name[: -len(s)] for s in dbfile.SIDECARS if path.name.endswith(s))
    return any(base.strip(".") and path.with_name(base).exists() for base in bases)
