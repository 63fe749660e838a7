"""Walk a project without following links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dbtools.project import STAGING, Project

SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".ipynb_checkpoints", ".tox", STAGING})
DATABASE_NAMES = frozenset({".db", ".sqlite", ".sqlite3"})
SIDECARS = ("-wal", "-shm", "-journal")


def walk(project: Project) -> Iterator[Path]:
    """Yield every file of a project, folder by folder, in the order of their names. Reads only.

    Links are yielded, not followed; version control, virtual environments and the backup folder are left out.
    """

    def scan(folder: Path) -> Iterator[Path]:
        with suppress(PermissionError):
            for entry in sorted(os.scandir(folder), key=lambda e: e.name):
                path = Path(entry.path)
                if not entry.is_dir(follow_symlinks=False):
                    yield path
                elif entry.name not in SKIPPED and path != project.backups and not (path / "pyvenv.cfg").exists():
                    yield from scan(path)

    yield from scan(project.root)


def is_sidecar(path: Path) -> bool:
    """Tell whether a file is the ``-wal``, ``-shm`` or ``-journal`` of a database beside it. Reads only."""
    return any(path.name.endswith(s) and path.with_name(path.name[: -len(s)]).exists() for s in SIDECARS)
