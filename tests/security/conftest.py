"""Everything that dbtools can make of the hostile project, made once."""

from __future__ import annotations

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
def context(tmp_path_factory: pytest.TempPathFactory) -> AuditContext:
    """Build the hostile project and run every notebook on it, two commands at a time."""
    top = tmp_path_factory.mktemp("hostile")
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
    return AuditContext(root, cleaned, made, placed | {PASSWORD: "the password of a database URL"})
