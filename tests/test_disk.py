from __future__ import annotations

import errno
import fcntl
import os
import signal
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from cleanup_projects import make_files, planned
from support import insert, make_database, python, run_python

from dbtools import attach, disk, export
from dbtools.cleanup.apply import apply
from dbtools.database import sqlite
from dbtools.errors import DatabaseError
from dbtools.notebooks.report import write as place

MAKE = """
import sys
from pathlib import Path
from dbtools import disk
made = disk.make_temporary("work-", Path(sys.argv[1]))
(made / "file").write_text("half")
print(made, flush=True)
sys.stdin.readline()
"""

NO_ROOM = """
import resource, signal, sys
from dbtools import attach
from dbtools.errors import DatabaseError
from dbtools.errors import DatabaseError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    attach(sys.argv[1])
except DatabaseError as error:
    print(error)
"""


def test_a_folder_is_private_and_goes_with_the_block(tmp_path: Path) -> None:
    with disk.temporary_folder("work-", tmp_path) as made:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        (made / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_living_one_uses_stays(tmp_path: Path) -> None:
    with python(MAKE, tmp_path) as killed, python(MAKE, tmp_path) as living:
        left, used = (Path(child.stdout.readline().strip()) for child in (killed, living))
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait(timeout=30)
        (tmp_path / "work-file").write_text("no folder")
        (tmp_path / "other").mkdir()
        with disk.temporary_folder("work-", tmp_path), disk.temporary_folder("work-", tmp_path):
            assert (left.exists(), (used / "file").read_text()) == (False, "half")
            assert len(list(tmp_path.iterdir())) == 5
        living.communicate("")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([used.name, "work-file", "other"])


def test_a_link_in_the_temporary_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "work-link").symlink_to("mine")
    with disk.temporary_folder("work-", tmp_path):
        pass
    assert (tmp_path / "mine").is_dir()
    assert (tmp_path / "work-link").is_symlink()


def test_a_folder_that_somebody_sweeps_while_it_is_made_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, swept = fcntl.flock, list[Path]()

    def beaten(descriptor: int, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].rmdir()
            swept[0].mkdir()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", beaten)
    with disk.temporary_folder("work-", tmp_path) as made:
        assert made.is_dir()
        assert made != swept[0]


@pytest.mark.slow
def test_attaching_a_database_that_is_replaced_again_and_again_keeps_no_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = make_database(tmp_path / "prompter.db", journal="wal")
    counts = []
    for number in range(6):
        fresh = make_database(tmp_path / "fresh.db", journal="wal", prompts=number + 1)
        fresh.replace(path)
        with closing(sqlite3.connect(path)) as connection:
            insert(connection, "prompts", user_id="late")
            connection.commit()
            with attach(path) as db:
                assert db.rows("prompts") == number + 2
        counts.append(len(sqlite._descriptors))
    assert counts[-1] == counts[1]


def test_without_a_folder_for_temporary_files_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "prompter.db")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(DatabaseError, match=r"No folder .*\(No such file or directory\): .*gone\"; .* in TMPDIR\.$"):
        attach(path)
    said = run_python(NO_ROOM, path)
    assert said.startswith("No folder for temporary files can be used (No usable temporary directory found in ['/")
    assert said.endswith("; free space or name another in TMPDIR.")


def test_a_lock_is_taken_once_and_free_again_with_its_block(tmp_path: Path) -> None:
    with disk.locked_folder(tmp_path) as first, disk.locked_folder(tmp_path) as second:
        assert (first, second) == (True, False)
    with disk.locked_folder(tmp_path, wait=True) as again:
        assert again is True


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk.locked_folder(tmp_path / "nowhere"):
        pass


@pytest.mark.slow
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
    with disk.locked_folder(tmp_path) as alone:
        assert alone is None
    assert apply(planned(project, "a.csv"), dry_run=False, progress=False).removed == ("a.csv",)
    place(tmp_path / "report", {"html": "page"})
    assert (tmp_path / "report.html").read_text() == "page"
    with disk.temporary_folder("work-", tmp_path) as made:
        assert made.is_dir()


def test_published_files_replace_those_of_the_same_names(tmp_path: Path) -> None:
    (tmp_path / "staged").mkdir()
    for folder, text in ((tmp_path / "staged", "new"), (tmp_path, "old")):
        for name in ("a", "b"):
            (folder / name).write_text(text)
    disk.publish((tmp_path / "staged" / name, tmp_path / name) for name in ("a", "b"))
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["new", "new"]
    assert list((tmp_path / "staged").iterdir()) == []


def test_a_made_folder_goes_again_where_it_stayed_empty(tmp_path: Path) -> None:
    with disk.made_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with disk.made_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "file").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
    with disk.made_folder(tmp_path / "a"):
        (tmp_path / "a" / "file").unlink()
    assert (tmp_path / "a").is_dir()
