from __future__ import annotations

import os
from pathlib import Path

import pytest
from cleanup_projects import sha256

from dbtools.cleanup import safefile
from dbtools.cleanup.safefile import PreconditionFailed
from dbtools.errors import BusyError, CleanupError


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", "a/../b", "./a", "a/", "a\0b"])
def test_a_path_that_could_lead_out_is_refused(path: str) -> None:
    with pytest.raises(PreconditionFailed, match="leads out"):
        safefile.parts(path)


def test_the_walk_opens_the_folder_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with safefile.opened_folder(tmp_path) as root, safefile.parent(root, "a/b/c") as (folder, name):
        assert name == "c"
        assert os.path.samestat(os.fstat(folder), (tmp_path / "a" / "b").stat())


def test_the_walk_enters_no_link_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    with safefile.opened_folder(tmp_path) as root:
        for path in ("link/c", "file/c", "nowhere/c"):
            with pytest.raises(PreconditionFailed), safefile.parent(root, path):
                pass


def test_the_walk_leaves_no_descriptor_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with safefile.opened_folder(tmp_path) as root:
        for path in ("a/b", "nowhere/c"):
            with (
                pytest.raises(PreconditionFailed),
                safefile.parent(root, path) as (folder, name),
                safefile.opened_file(folder, name),
            ):
                pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_only_regular_files_are_opened_and_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").touch()
    with safefile.opened_folder(tmp_path) as folder:
        for name, words in {"pipe": "not a regular", "link": "symbolic link", "gone": "no longer"}.items():
            with pytest.raises(PreconditionFailed, match=words), safefile.opened_file(folder, name):
                pass


def test_a_file_is_unchanged_until_anything_about_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    planned = safefile.identity(file.stat())
    assert safefile.unchanged(planned, file.stat())
    file.chmod(0o600 ^ file.stat().st_mode & 0o777 | 0o100)
    assert not safefile.unchanged(planned, file.stat())
    assert not safefile.unchanged(safefile.identity(tmp_path.stat()), tmp_path.stat())


def test_a_stored_file_has_the_content_asked_for_or_does_not_exist(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * (safefile.CHUNK + 1))
    (tmp_path / "store").mkdir()
    with safefile.opened_folder(tmp_path / "store") as store, source.open("rb") as handle:
        safefile.store_file(store, "copy", handle.fileno(), sha256(source))
        with pytest.raises(PreconditionFailed, match="content changed"):
            safefile.store_file(store, "other", handle.fileno(), "0" * 64)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["copy"]
    assert (tmp_path / "store" / "copy").read_bytes() == source.read_bytes()


def test_what_is_stored_is_replaced_only_when_it_is_damaged(tmp_path: Path) -> None:
    with safefile.opened_folder(tmp_path) as store:
        safefile.store_bytes(store, "file", b"good")
        inode = (tmp_path / "file").stat().st_ino
        safefile.store_bytes(store, "file", b"good")
        assert (tmp_path / "file").stat().st_ino == inode
        (tmp_path / "file").chmod(0o600)
        (tmp_path / "file").write_bytes(b"bad!")
        safefile.store_bytes(store, "file", b"good")
    assert (tmp_path / "file").read_bytes() == b"good"


def test_a_sweep_takes_temporary_files_only(tmp_path: Path) -> None:
    for name in (".tmp-a", "a", ".gitignore"):
        (tmp_path / name).touch()
    with safefile.opened_folder(tmp_path) as store:
        safefile.sweep(store)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "a"]


def test_a_folder_is_locked_once_and_free_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with safefile.locked(tmp_path), pytest.raises(BusyError), safefile.locked(tmp_path):
            pass
    with pytest.raises(CleanupError), safefile.locked(tmp_path / "nowhere"):
        pass


def test_new_folders_are_private(tmp_path: Path) -> None:
    safefile.make_folders(tmp_path / "a" / "b")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700, 0o700]
