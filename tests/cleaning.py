"""Small projects with files to remove, and plans for them."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from dbtools.cleanup.model import Plan, Removal, SurvivingCopy
from dbtools.cleanup.safefile import identity
from dbtools.project import Project

MTIME = 1_700_000_000_123_456_789


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_files(root: Path, files: dict[str, bytes]) -> Project:
    """Write files, with odd modes and times, and return the project; its databases are text files."""
    for number, (name, content) in enumerate({"prompter.db": b"prompts", "auth_system.db": b"auth", **files}.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o640 + number % 8)
        os.utime(path, ns=(MTIME + number, MTIME + number))
    return Project(root, root / "prompter.db", root / "auth_system.db", root / "storage", root / "backups")


def removal(project: Project, path: str, *, keeper: str = "", kind: str = "csv", **more: Any) -> Removal:
    """Return the removal of a file as a survey would pin it now."""
    file = project.root / path
    kept = SurvivingCopy(keeper, sha256(project.root / keeper), "") if keeper else None
    return Removal(path, kind, "regenerable", "as tested", identity(file.lstat()), sha256(file), kept, **more)


def planned(project: Project, *paths: str, **more: Any) -> Plan:
    """Return a plan that removes `paths`."""
    return Plan(project, tuple(removal(project, path, **more) for path in paths), ())


def tree(root: Path, *without: str) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time and bytes of every file, the folders `without` left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not path.is_symlink() and name.split("/")[0] not in without:
            facts = path.stat()
            found[name] = (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns, path.read_bytes())
    return found
