from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from cleaning import make_files, planned
from support import make_database

from dbtools import attach, export, locks
from dbtools.cleanup.apply import apply
from dbtools.notebooks.placing import place
from dbtools.source import scratch


def test_a_lock_is_taken_once_and_free_again_with_its_block(tmp_path: Path) -> None:
    with locks.taken(tmp_path) as first, locks.taken(tmp_path) as second:
        assert (first, second) == (True, False)
    with locks.taken(tmp_path, wait=True) as again:
        assert again is True


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locks.taken(tmp_path / "nowhere"):
        pass


def test_where_a_file_system_has_no_locks_everything_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    project = make_files(tmp_path / "project", {"a.csv": b"1"})
    path = make_database(tmp_path / "prompter.db")
    with attach(path, progress=False) as db:  # before, lest another process sweeps the temporary folders of this one
        monkeypatch.setattr(fcntl, "flock", none)
        assert export.write(db, tmp_path / "exports", layouts=["prompts"]).files
    with locks.taken(tmp_path) as alone:
        assert alone is None
    assert apply(planned(project, "a.csv"), dry_run=False, progress=False).removed == ("a.csv",)
    place(tmp_path / "report", {"html": "page"})
    assert (tmp_path / "report.html").read_text() == "page"
    with scratch.folder("work-", tmp_path) as made:
        assert made.is_dir()
