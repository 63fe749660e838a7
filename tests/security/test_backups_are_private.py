"""Backups hold what the files held: nobody else may read them, git leaves them out, and the report says so."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from dbtools import Project, cleanup, demo


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_backup_is_private_whatever_the_mask(tmp_path, mask):
    root = demo.build(tmp_path / "demo").root
    before = os.umask(mask)
    try:
        done = cleanup.apply(cleanup.plan(cleanup.survey(Project.find(root))), dry_run=False, progress=False)
    finally:
        os.umask(before)
    backups = root / "backup_old_csvs"
    for folder in (backups, *(p for p in backups.rglob("*") if p.is_dir())):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    copies = [p for p in done.path.rglob("*") if p.is_file() and (len(p.name) == 64 or p.suffix == ".parquet")]
    assert len(copies) > 5
    for file in copies:
        assert stat.S_IMODE(file.stat().st_mode) == 0o400, file
    for file in (p for p in done.path.rglob("*") if p.is_file()):
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file
    assert (backups / ".gitignore").read_text() == "*\n"


def test_git_never_sees_a_backup(tmp_path):
    root = demo.build(tmp_path / "demo").root
    subprocess.run(["git", "init", "-q", root], check=True)
    cleanup.apply(cleanup.plan(cleanup.survey(Project.find(root))), dry_run=False, progress=False)
    status = ["git", "-C", root, "status", "--porcelain", "-uall"]
    seen = subprocess.run(status, capture_output=True, text=True, check=True)
    assert "prompter.db" in seen.stdout
    assert "backup_old_csvs" not in seen.stdout


def test_the_report_says_that_backups_hold_credentials(context):
    page = (context.made / "changed" / "cleanup.html").read_text()
    assert "Backups hold what the files held, credentials included: keep the folder private" in page
