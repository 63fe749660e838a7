"""The main job as a user runs it: build a project, audit it, clean it, export, verify, compare the agents."""

from __future__ import annotations

import os
import subprocess
import sys

from dbtools import Project, analysis, attach, audit


def test_the_demo_ends_in_the_guides_after_state(tmp_path):
    environment = {**os.environ, "DBTOOLS_PROJECT": ""}
    command = [sys.executable, "-m", "dbtools.cli", "demo", str(tmp_path / "demo")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "demo"
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith(("reports/", "storage/", "backup_old"))} == {
        ".dbtools-demo",
        "auth_system.db",
        "dbtools.toml",
        "prompter.db",
        "ratings.jsonl",
    }
    assert (root / "storage" / "multi_agent_log.csv").exists()
    assert audit.verify(Project.find(root)).passed
    assert "cleanup-applied: passed" in done.stdout
    with attach(root) as db:
        assert sum(db.rows(name) for name in db.relations if name.startswith("rescued_")) == 47
        assert analysis.effectiveness(db).agents
