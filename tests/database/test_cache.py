"""What attach keeps on disk between two calls."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import USERS, assert_sentence, hex_id, insert, make_database, python, unchanged

from dbtools import analysis, attach
from dbtools.database import Database, load, schema
from dbtools.database import cache as typed
from dbtools.errors import DatabaseError, QueryError
from dbtools.notebooks.record import plain

ASKED: list[dict[str, Any]] = [{}, {"users": ["user-1"]}, {"users": ["user-2", "user-4"]}]
COUNT = """
import sys
from dbtools import attach
sys.stdin.readline()
with attach(sys.argv[1]) as db:
    print(db.rows("versions"), db.rows("contests"))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return make_database(tmp_path / "place" / "prompter.db")


def kept(cache: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every file in the cache, by name."""
    files = [file for file in cache.rglob("*") if file.is_file() and file.parent.name != "signed"]
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


@pytest.mark.slow
def test_it_lies_in_the_users_cache_folder_for_this_user_only(path: Path, cache: Path) -> None:
    old = os.umask(0)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        cache.chmod(0o777)
        attach(path).close()
    finally:
        os.umask(old)
    found = list(cache.rglob("*"))
    assert {(file.parent.name == "signed", file.suffix) for file in found if file.is_file()} == {
        (False, ".duckdb"),
        (True, ""),
    }
    for each in (cache, *found):
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600)


@pytest.mark.slow
def test_a_second_attach_builds_nothing(path: Path, cache: Path) -> None:
    with attach(path) as db:
        first = db.sql("SELECT * FROM scored_versions ORDER BY ALL").fetchall()
    before = kept(cache)
    with attach(path) as db, attach(path) as again:
        assert db.sql("SELECT * FROM scored_versions ORDER BY ALL").fetchall() == first
        assert again.rows("versions") == 6
    assert kept(cache) == before
    assert len(before) == 1


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_commit_is_noticed_even_where_only_the_wal_changed(tmp_path: Path, cache: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", journal=journal)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM prompts").fetchall()
        for count in (3, 4):
            main = path.stat()
            insert(connection, "prompts", user_id="late")
            connection.commit()
            assert (path.stat().st_mtime_ns == main.st_mtime_ns) == (journal == "wal")
            with attach(path) as db:
                assert db.rows("prompts") == count
        assert len(kept(cache)) == 1, "the copies of earlier states are dropped"


@pytest.mark.slow
def test_an_open_database_keeps_the_state_it_was_attached_at(path: Path) -> None:
    with attach(path) as before:
        insert(path, "prompts", user_id="late")
        with attach(path) as after:
            assert (before.rows("prompts"), after.rows("prompts")) == (2, 3)
            assert before.origin["fingerprint"] != after.origin["fingerprint"]
        with pytest.raises(DatabaseError, match="changed since it was attached") as caught, before.workspace():
            pass
        assert_sentence(caught.value, path)


@pytest.mark.slow
def test_another_file_at_the_same_path_is_not_taken_for_the_first(path: Path) -> None:
    times = path.stat()
    attach(path).close()
    other = make_database(path.with_name("other.db"), prompts=1)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    with attach(path) as db:
        assert db.rows("prompts") == 1


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000, None])
def test_a_damaged_file_is_built_anew(path: Path, cache: Path, damage: bytes | None) -> None:
    attach(path).close()
    (file,) = cache.rglob("*.duckdb")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if damage is None else damage)
    with attach(path) as db:
        assert db.rows("versions") == 6
        assert db.rows("contests") == 6
    before = kept(cache)
    attach(path).close()
    assert kept(cache) == before


@pytest.mark.slow
def test_processes_that_attach_at_once_all_succeed(path: Path, cache: Path) -> None:
    children = [python(COUNT, path) for _ in range(3)]
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        with child:
            assert child.communicate(timeout=60)[0] == "6 6\n"
            assert child.returncode == 0
    assert len(kept(cache)) == 1
    assert [each.name for each in cache.rglob("load-*")] == []


@pytest.mark.slow
def test_copies_with_and_without_the_long_texts_are_two_files(path: Path, cache: Path) -> None:
    with attach(path, texts=False) as db:
        assert not db.origin["texts"]
        assert not {"text", "explanation"} & set(db.frame("versions").columns)
        assert db.sql("SELECT min(text_length), count(DISTINCT explanation_agent) FROM versions").fetchall() == [
            (31, 3)
        ]
        assert (db.rows("scored_versions"), db.rows("contests")) == (6, 6)
        with pytest.raises(QueryError, match="texts=True"):
            db.sql("SELECT text FROM versions")
    with attach(path, texts=True) as db:
        assert db.sql("SELECT count(text), count(explanation) FROM versions").fetchall() == [(6, 6)]
    assert sorted(name.split("-")[2] for name in kept(cache)) == ["with_texts.duckdb", "without_texts.duckdb"]


@pytest.mark.slow
def test_a_copy_with_texts_serves_who_does_not_ask_for_them(path: Path, cache: Path) -> None:
    attach(path).close()
    before = kept(cache)
    with attach(path, texts=False) as db:
        assert db.rows("versions") == 6
    assert kept(cache) == before


@pytest.mark.slow
@pytest.mark.parametrize("obstacle", ["file", "dangling link"])
def test_without_a_cache_folder_it_still_attaches_and_leaves_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    place, temporary = tmp_path / "obstacle", tmp_path / "temporary"
    temporary.mkdir()
    if obstacle == "file":
        place.write_text("not a folder", "utf-8")
    else:
        place.symlink_to("/proc/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with attach(path) as db:
        assert db.rows("contests") == 6
        for each in temporary.rglob("*"):
            assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_cache_folder_that_takes_nothing_more_is_said(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(path).close()
    makes = tempfile.mkdtemp

    def full(prefix: str, dir: Path) -> str:
        if dir.is_relative_to(cache):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return makes(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(DatabaseError, match=r"cache folder .*No space left") as caught:
        attach(path)
    assert_sentence(caught.value, typed.folder_of(path))


def test_another_load_statement_makes_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def key() -> str:
        typed.key.cache_clear()
        return typed.key()

    before = key()
    assert key() == before
    monkeypatch.setitem(schema.CONVERT, "real", "try_cast({c} AS FLOAT)")
    typed_otherwise = key()
    monkeypatch.setitem(schema.READ, "text", "{c}")
    read_otherwise = key()
    monkeypatch.setattr(load, "statements", lambda *_: ("CREATE TABLE t AS SELECT 1",))
    made_otherwise = key()
    monkeypatch.setattr(typed, "LAYOUT", typed.LAYOUT + 1)
    assert len({before, typed_otherwise, read_otherwise, made_otherwise, key()}) == 5
    monkeypatch.undo()
    assert key() == before


def test_an_attach_that_fails_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    path = make_database(tmp_path / "prompter.db", prompts=30)
    with path.open("r+b") as file:  # the header and the schema stay sound, the rows do not
        file.seek(3 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 3 * 4096))
    with pytest.raises(DatabaseError):
        attach(path)
    assert list(temporary.iterdir()) == []
    assert kept(cache) == {}
    assert list(cache.rglob("load-*")) == []


@pytest.mark.slow
def test_the_cache_can_be_thrown_away_at_any_time(path: Path, cache: Path) -> None:
    with attach(path) as db:
        shutil.rmtree(cache)
        assert db.rows("versions") == 6
    with unchanged(path.parent), attach(path) as db:
        assert db.rows("versions") == 6


@pytest.mark.slow
def test_no_credential_is_in_its_bytes(path: Path, cache: Path) -> None:
    canaries = [hashlib.sha256(bytes([number])).hexdigest() for number in range(8)]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(USERS)
        connection.execute(
            "INSERT INTO users (username, email, hashed_password, password_reset_token, two_factor_secret, "
            "login_ip_history) VALUES (?, ?, ?, ?, ?, ?)",
            canaries[:6],
        )
        connection.execute("CREATE VIEW token_owner AS SELECT * FROM users")
        connection.execute("ALTER TABLE prompts ADD COLUMN api_key TEXT")
        connection.execute("UPDATE prompts SET api_key = ?, user_id = ?", canaries[6:])
        connection.commit()
    with attach(path) as db:
        assert db.origin["tables"]["users"] == 1
        assert not {"users", "token_owner"} & set(db.relations)
    content = b"".join(file.read_bytes() for file in cache.rglob("*") if file.is_file())
    assert [canary.encode() in content for canary in canaries] == [False] * 7 + [True]


@pytest.mark.slow
def test_the_copies_of_one_database_can_be_dropped(path, tmp_path, cache):
    other = make_database(tmp_path / "other.db")
    for each in (path, other):
        attach(each).close()
    before = kept(cache)
    folder = typed.folder_of(path)
    typed.forget(path)
    assert len(kept(cache)) == len(before) - 1
    assert not folder.exists()
    typed.forget(path)


@pytest.fixture
def varied(tmp_path: Path) -> Path:
    """Prompts that repeat a text, one that is there twice, versions without a prompt, and a head of another prompt."""
    path = make_database(tmp_path / "prompter.db", prompts=6)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE prompts SET original_text = 'The same' WHERE user_id IN ('user-1', 'user-2')")
        connection.execute("UPDATE prompts SET user_id = 'test_user' WHERE user_id = 'user-3'")
        find = "SELECT id FROM prompt_versions WHERE prompt_id = ?"
        other = connection.execute(find, [hex_id("prompt", 2)]).fetchone()
        move = "UPDATE best_heads SET prompt_version_id = ? WHERE prompt_id = ?"
        connection.execute(move, [*other, hex_id("prompt", 1)])
        connection.execute("UPDATE prompts SET id = ? WHERE user_id = 'user-6'", [hex_id("nobody")])
        connection.execute(
            "UPDATE prompt_versions SET source = 'original' WHERE version_no = 1 AND prompt_id = ?", other
        )
        insert(connection, "prompt_versions", prompt_id=hex_id("prompt", 4), source="domain", version_no=9)
    return path


def derived(db: Database) -> dict[str, object]:
    """Return all that rests on the derived relations."""
    relations = ("provenance", "scored_versions", "contests")
    rows = {name: db.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in relations}
    found = {p: plain(analysis.effectiveness(db, p).to_dict()) for p in ("real", "generated", "all")}
    some = plain(analysis.effectiveness(db, "all", agents=["domain", "original"]).to_dict())
    return {**rows, **found, "some": some, "evolution": plain(analysis.evolution(db).to_dict())}


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_is_kept_is_what_would_be_worked_out(varied: Path, asked: dict[str, Any]) -> None:
    with attach(varied, progress=False) as db, closing(db.filter(**asked)) as before:
        expected = derived(before)
        db.materialize()
        with closing(db.filter(**asked)) as after:
            assert after.is_materialized
            assert derived(after) == expected


@pytest.mark.slow
def test_it_is_worked_out_of_all_rows_whoever_asks(varied: Path) -> None:
    with attach(varied, progress=False) as db:
        expected = derived(db)
        with closing(db.filter(["user-1"])) as some:
            some.materialize()
        with closing(db.reopen()) as again:
            assert derived(again) == expected


@pytest.mark.slow
def test_it_is_private_used_by_the_next_who_attaches_and_dropped_with_its_state(varied: Path) -> None:
    with attach(varied, progress=False) as db:
        db.materialize()
        file = db._derived
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [p.name for p in file.parent.glob("*.duckdb")].count(file.name) == 1
    with attach(varied, texts=False, progress=False) as db:
        assert db.is_materialized
    insert(varied, "prompts", user_id="somebody.new")
    with attach(varied, progress=False) as db:
        assert not db.is_materialized
        assert not file.exists()


@pytest.mark.slow
def test_a_damaged_file_is_worked_out_anew(varied: Path) -> None:
    with attach(varied, progress=False) as db:
        expected = derived(db)
        db._derived.write_bytes(b"no database")
        with closing(db.reopen()) as again:
            assert derived(again) == expected
