"""Small projects with files to remove, and plans for them."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support import python

from dbtools.cleanup.apply import apply
from dbtools.cleanup.model import Identity, Manifest, Plan, Removal, SurvivingCopy
from dbtools.cleanup.safefile import identity
from dbtools.project import Project

# An ACL as the kernel stores it: rw for the owner and for user 7, r for the group and as mask, nothing for others.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, rights, who)
    for tag, rights, who in ((1, 6, 2**32 - 1), (2, 6, 7), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1))
)
MTIME = 1_700_000_000_123_456_789
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TWO_LOGS = {"storage/one.csv": b"a,b\n1,2\n", "storage/two.csv": b"a,b\n3,4\n", "keep.csv": b"a,b\n1,2\n"}


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


def metadata(root: Path) -> dict[str, tuple[int, int, int, dict[str, bytes]]]:
    """Return owner, group, mode and extended attributes of every file and folder below `root`."""
    found = {}
    for path in sorted(root.rglob("*")):
        facts = path.lstat()
        xattrs = {name: os.getxattr(path, name) for name in os.listxattr(path)} if path.exists() else {}
        found[path.relative_to(root).as_posix()] = (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode), xattrs)
    return found


def check(body: Any) -> str:
    """Return the checksum of a part of a manifest, computed as a forger would."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def forge(project: Project, path: str, content: bytes, *, root: str = "../..", **identity: Any) -> Path:
    """Write a run folder that no cleanup made, with right checksums, and return it."""
    run = project.backups / "20991231T000000Z-deadbeef"
    run.mkdir(parents=True)
    sha = hashlib.sha256(content).hexdigest()
    (run / sha).write_bytes(content)
    pinned = {**asdict(identity_of(content)), **identity}
    removals = [
        {
            "path": path,
            "kind": "csv",
            "verdict": "unique",
            "reason": "",
            "identity": pinned,
            "sha256": sha,
            "keeper": None,
            "rescue": [],
        }
    ]
    write_manifest(run, {"format": 1, "root": root, "sha256": check(removals), "removals": removals, "kept": []})
    return run


def identity_of(content: bytes) -> Identity:
    return Identity(1, 1, len(content), MTIME, 0o100755, 1)


def write_manifest(run: Path, body: dict[str, Any]) -> None:
    """Write a manifest with the right checksum over all of it."""
    body = {key: value for key, value in body.items() if key != "check"}
    (run / "manifest.json").unlink(missing_ok=True)
    (run / "manifest.json").write_text(json.dumps({**body, "check": check(body)}))


def clean_now(plan: Plan, progress: bool = False) -> Manifest:
    """Carry out a plan at a fixed moment."""
    return apply(plan, dry_run=False, now=NOW, progress=progress)


def assert_kept(project: Project, plan: Plan, words: str) -> None:
    """Prove that nothing is removed, and that the first file stays for a reason with these words."""
    before = tree(project.root)
    result = clean_now(plan)
    assert result.removed == ()
    assert [kept.path for kept in result.kept] == [planned.path for planned in plan.removals]
    assert words in result.kept[0].reason
    assert tree(project.root, "backups") == before


@contextmanager
def child(code: str, *arguments: object) -> Iterator[None]:
    """Run a process that says when it is ready and waits for its end."""
    with python(f"import sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()", *arguments) as process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()
        process.wait(timeout=30)


def make_sqlite(path: Path) -> None:
    """Write a small SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
