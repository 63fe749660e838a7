"""Everything that dbtools can make of the hostile project, made once."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import build

PASSWORD = "canarydsn000q"
URL = f"postgresql://me:{PASSWORD}@127.0.0.1:1/prompter"


@dataclass(frozen=True)
class AuditContext:
    """The project as it was read, its copy that was cleaned, what came out, and where each canary was put."""

    root: Path
    cleaned: Path
    made: Path
    placed: dict[str, str]


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> AuditContext:
    """Return what was made of the hostile project; the processes of one test run make it once together."""
    own = tmp_path_factory.getbasetemp()
    top = (own if worker_id == "master" else own.parent) / "hostile"
    top.mkdir(exist_ok=True)
    placed = top / "placed.json"
    with (top / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not placed.exists():
            found = make(top)
            placed.write_text(json.dumps(found))
    canaries = json.loads(placed.read_text()) | {PASSWORD: "the password of a database URL"}
    return AuditContext(top / "project", top / "cleaned", top / "made", canaries)


def make(top: Path) -> dict[str, str]:
    """Build the hostile project and run every notebook on it, two commands at a time; return where canaries are."""
    placed = build(top / "project")
    root, cleaned, made = top / "project", top / "cleaned", top / "made"
    git = ["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x@example.invalid", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "prompter.db", "storage"], ["commit", "-qm", "<script>x</script>"]):
        subprocess.run([*git, *arguments], check=True)
    shutil.copytree(root, cleaned)
    read = [
        "explore",
        "audit",
        "cleanup",
        "verify",
        "export",
        "--root",
        root,
        "--out",
        made / "read",
        "-p",
        "history_commits",
        "1",
    ]
    read += ["-p", "guide", root / "guide.md", "-p", "findings_csv", made / "findings.csv"]
    read += ["-p", "folder", made / "exported", "-p", "formats", "csv,parquet,json"]
    changing = [
        "effectiveness",
        "evolution",
        "usage",
        "cleanup",
        "restore",
        "--root",
        cleaned,
        "--out",
        made / "changed",
    ]
    changing += ["-p", "dry_run", "False", "-p", "provenance", "all"]
    started = []
    for number, arguments in enumerate((read, changing)):
        home = made / f"home{number}"
        (home / "tmp").mkdir(parents=True)
        places = {
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home / "tmp"),
            "IPYTHONDIR": str(home / "ipython"),
        }
        command = [sys.executable, "-m", "dbtools.cli", "run", *map(str, arguments)]
        environment = {**os.environ, **places, "DATABASE_URL": URL, "PGPASSWORD": PASSWORD}
        with (made / f"printed{number}.txt").open("wb") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
    for process in started:
        process.wait(timeout=300)
    return placed
