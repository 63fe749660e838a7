"""Walk a project without following links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dbtools.project import STAGING, Project

SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".ipynb_checkpoints", ".tox", STAGING})
DATABASE_NAMES = frozenset({".db", ".sqlite", ".sqlite3"})
SIDECARS = ("-wal", "-shm", "-journal")


def walk(project: Project) -> Iterator[Path]:
    """Yield every file of a project, folder by folder, in the order of their names. Reads only.

    Links are yielded, not followed, and so is a folder that cannot be read; version control, virtual environments and
    backups are left out.
    """

    def scan(folder: Path) -> Iterator[Path]:
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except PermissionError:
            yield folder  # whoever looks at it will find that it cannot be read
            return
        for entry in entries:
            path = Path(entry.path)
            if not entry.is_dir(follow_symlinks=False):
                yield path
            elif entry.name not in SKIPPED and path != project.backups and not _is_foreign(path):
                yield from scan(path)

    yield from scan(project.root)


def _is_foreign(folder: Path) -> bool:
    """Tell whether a folder is a virtual environment, or the backup of a cleanup wherever that put it."""
    return os.path.lexists(folder / "pyvenv.cfg") or is_run(folder)


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds the backups of a cleanup run. Reads only."""
    return os.path.lexists(folder / "manifest.json") and os.path.lexists(folder / "journal")


def is_sidecar(path: Path) -> bool:
    """Tell whether a file is the ``-wal``, ``-shm`` or ``-journal`` of a database beside it. Reads only."""
    return any(path.name.endswith(s) and path.with_name(path.name[: -len(s)]).exists() for s in SIDECARS)
