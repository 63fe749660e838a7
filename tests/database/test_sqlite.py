from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support import assert_sentence, insert, make_database, try_lock, unchanged

from dbtools.database import sqlite
from dbtools.database.sqlite import (
    check_file,
    fingerprint,
    is_truncated,
    peek,
    release,
    sha256,
    sidecar,
    snapshot,
)
from dbtools.errors import DatabaseError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return make_database(tmp_path / "place" / "prompter.db", prompts=20)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def is_open(path: Path) -> bool:
    facts = path.stat()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found = descriptor.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (facts.st_dev, facts.st_ino):
            return True
    return False


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_snapshot_holds_the_same_rows_and_is_private(tmp_path: Path, journal: str) -> None:
    (tmp_path / "place").mkdir()
    path = make_database(tmp_path / "place" / "prompter.db", journal=journal)
    expected = dump(path)
    with unchanged(path.parent), snapshot(path) as copy:
        assert not copy.is_relative_to(path.parent)
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
        assert list(copy.parent.iterdir()) == [copy]
        assert dump(copy) == expected
    assert not copy.parent.exists()


def test_a_snapshot_does_not_move_with_the_database(path: Path) -> None:
    with snapshot(path) as copy:
        expected = dump(copy)
        insert(path, "prompts", user_id="late")
        assert dump(copy) == expected
        assert dump(path) != expected


def test_a_snapshot_is_removed_when_its_user_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), snapshot(path) as copy:
        raise ZeroDivisionError
    assert not copy.parent.exists()


def test_a_snapshot_of_an_open_wal_has_what_is_committed_and_only_that(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", journal="wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE prompts SET user_id = 'committed'")
        connection.execute("BEGIN")
        connection.execute("UPDATE prompts SET user_id = 'not yet'")
        with snapshot(path) as copy, closing(sqlite3.connect(copy)) as reader:
            assert reader.execute("SELECT DISTINCT user_id FROM prompts").fetchall() == [("committed",)]
        connection.execute("ROLLBACK")


def test_a_wal_that_begins_anew_while_it_is_copied_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "prompter.db", journal="wal")
    with closing(sqlite3.connect(path)) as writer:
        insert(writer, "prompts", user_id="in the first -wal")
        writer.commit()
        copied, copy = list[Path](), sqlite._copy

        def meanwhile(source: Path, target: Path) -> None:
            copy(source, target)
            copied.append(source)
            if copied == [path]:
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                insert(writer, "user_feedback", user_id="in the second")
                writer.commit()

        monkeypatch.setattr(sqlite, "_copy", meanwhile)
        with snapshot(path) as private, closing(sqlite3.connect(private)) as reader:
            counts = [reader.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("prompts", "user_feedback")]
    assert counts == [3, 3]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_fingerprint_changes_with_every_commit_and_with_nothing_else(tmp_path: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", journal=journal)
    seen = {fingerprint(path)}
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 10")
        for number in range(60):
            connection.execute("UPDATE prompts SET user_id = ?", [number])
            connection.commit()
            seen.add(fingerprint(path))
            assert fingerprint(path) in seen
            connection.execute("SELECT * FROM prompts").fetchall()
        last = fingerprint(path)
        assert len(seen) == 61
        assert fingerprint(path) == last
    assert all(len(each) == 32 for each in seen)


def test_the_fingerprint_of_a_copy_or_a_touched_file_is_another(path: Path) -> None:
    first = fingerprint(path)
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert fingerprint(copy) != first
    os.utime(path, ns=(0, 0))
    assert fingerprint(path) != first


def test_a_link_has_the_fingerprint_of_what_it_leads_to(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db", journal="wal")
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with closing(sqlite3.connect(path)) as connection:
        insert(connection, "prompts", user_id="late")
        connection.commit()
        assert sidecar(path, "-wal")
        assert sidecar(link, "-wal")
        assert fingerprint(link) == fingerprint(path)


def test_the_digest_is_that_of_the_bytes(path: Path) -> None:
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "empty").write_bytes(b"")
    assert sha256(path.parent / "empty") == hashlib.sha256().hexdigest()


def test_a_file_stays_open_until_it_is_released(path: Path) -> None:
    assert not is_open(path)
    fingerprint(path)
    sqlite.read(path, 16)
    assert is_open(path)
    release(path)
    assert not is_open(path)
    release(path)
    assert sha256(path)


def test_a_replaced_file_is_read_anew(path: Path) -> None:
    before = sha256(path)
    other = make_database(path.with_name("other.db"), prompts=1)
    other.replace(path)
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest() != before


def test_a_side_file_counts_only_when_it_holds_something(path: Path) -> None:
    for suffix in ("-wal", "-journal"):
        assert not sidecar(path, suffix)
        side = Path(f"{path}{suffix}")
        side.write_bytes(b"")
        assert not sidecar(path, suffix)
        side.write_bytes(b"x")
        assert sidecar(path, suffix)


def test_the_header_of_a_sound_file_is_returned(path: Path) -> None:
    assert check_file(path) == path.read_bytes()[:100]


def test_a_file_that_is_none_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    for name in ("absent", "."):
        with pytest.raises(DatabaseError) as caught:
            check_file(tmp_path / name)
        assert_sentence(caught.value, tmp_path / name)


@pytest.mark.parametrize("missing", [0, 1, 777, 4096, 10_000])
def test_a_file_shorter_than_its_header_says_is_truncated(path: Path, missing: int) -> None:
    assert path.stat().st_size > 20_000
    os.truncate(path, path.stat().st_size - missing)
    assert is_truncated(path) == (missing > 0)


@pytest.mark.parametrize("page_size", [512, 65536])
def test_every_page_size_is_understood(tmp_path: Path, page_size: int) -> None:
    path = tmp_path / "any.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (zeroblob(200000))")
        connection.commit()
    assert not is_truncated(path)
    os.truncate(path, path.stat().st_size - page_size)
    assert is_truncated(path)


def test_a_lock_this_process_holds_outlives_a_peek_and_a_release(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert peek(path) == b"SQLite format 3\x00"
        fingerprint(path)
        release(path)
        assert try_lock(path) == "database is locked"
    assert try_lock(path) == "free"


def test_who_still_reads_a_file_keeps_it_open(path: Path) -> None:
    with sqlite.reading(path) as descriptor:
        release(path)
        assert is_open(path)
        assert os.pread(descriptor, 6, 0) == b"SQLite"
    release(path)
    assert not is_open(path)


@pytest.mark.slow
def test_threads_that_read_and_release_a_file_do_not_disturb_each_other(path: Path) -> None:
    digest, until = hashlib.sha256(path.read_bytes()).hexdigest(), time.monotonic() + 1

    def work(number: int) -> int:
        rounds = 0
        while time.monotonic() < until:
            assert peek(path) == sqlite.MAGIC if number % 2 else sha256(path) == digest
            release(path)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        assert min(pool.map(work, range(4))) > 10
    assert not is_open(path)


@pytest.mark.parametrize("own", [True, False])
def test_a_wal_beside_a_database_in_rollback_mode_is_taken_along_and_nothing_is_written(path: Path, own: bool) -> None:
    other = path.with_name("other.db")
    shutil.copy(path, other)
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE prompts SET user_id = 'from the wal'")
        wal = Path(f"{other}-wal").read_bytes()
    for file in path.parent.glob("other.db*"):
        file.unlink()
    Path(f"{path}-wal").write_bytes(wal if own else b"x" * len(wal))
    seen = path.parent.parent / "seen"
    shutil.copytree(path.parent, seen)
    with closing(sqlite3.connect(seen / path.name)) as connection:
        expected = connection.execute("SELECT user_id FROM prompts").fetchall()
    with unchanged(path.parent), snapshot(path) as copy, closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT user_id FROM prompts").fetchall() == expected
    assert (("from the wal",) in expected) is own


def test_a_journal_with_a_zeroed_header_holds_no_changes(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = PERSIST")
        connection.execute("UPDATE prompts SET user_id = 'x'")
    assert Path(f"{path}-journal").stat().st_size > 0
    assert not sidecar(path, "-journal")
    with unchanged(path.parent), snapshot(path) as copy, closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT DISTINCT user_id FROM prompts").fetchall() == [("x",)]
    Path(f"{path}-journal").write_bytes(bytes.fromhex("d9d505f920a163d7"))
    assert sidecar(path, "-journal")


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_pipe_in_the_place_of_a_sidecar_is_named_and_not_waited_for(path: Path, suffix: str) -> None:
    os.mkfifo(f"{path}{suffix}")
    with pytest.raises(DatabaseError) as error, snapshot(path):
        pass
    assert suffix in str(error.value)
    assert_sentence(error.value, path)
    if suffix == "-wal":
        with pytest.raises(DatabaseError, match="not a regular file"):
            sqlite.fingerprint(path)


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE TABLE t (a COLLATE "o\0n")',
        "CREATE TABLE t (a COLLATE 'é')",
        b"CREATE TABLE t (a COLLATE '\xff\xfe')",
        7,
    ],
)
def test_collations_of_any_name_in_a_schema_stop_nothing(tmp_path, statement):
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("CREATE TABLE u (a)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 't'", [statement])
    sqlite.connect_copy(tmp_path / "a.db").close()
