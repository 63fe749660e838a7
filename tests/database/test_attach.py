"""Every state a database may be found in: attached or refused in one sentence, and left as it was."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support import USERS, assert_sentence, insert, make_database, python, run_python, try_lock, unchanged

from dbtools import Project, attach, audit
from dbtools.database.sqlite import fingerprint, sha256
from dbtools.errors import BusyError, DamagedError, DatabaseError, DbtoolsError, ParameterError, ProjectError

LEAVE_A_WAL = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("UPDATE prompts SET user_id = 'from the wal'")
os._exit(0)
"""
CRASH_WHILE_WRITING = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE prompt_versions SET text = printf('%5000d', rowid)")
connection.execute("UPDATE judge_scores SET feedback = printf('%5000d', rowid)")
os.kill(os.getpid(), signal.SIGKILL)
"""
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("PRAGMA wal_autocheckpoint = 20")
connection.execute("PRAGMA synchronous = OFF")
print("ready", flush=True)
for number in range(1, 1_000_000):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE security_inputs SET risk_score = ?", [number])
    connection.execute("UPDATE token_usage SET total_tokens = ?", [number])
    connection.execute("COMMIT")
"""
# What is imported late must be imported, once, before the rights are gone: Python itself may lie in root's home.
AS_NOBODY = """
import os, sys
from dbtools import attach
from dbtools.errors import DbtoolsError
with attach(sys.argv[2]) as other:  # what is imported later, nobody may not be able to read
    other.sql("SELECT user_id FROM prompts").fetchall()
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    with attach(sys.argv[1]) as db:
        print(db.rows("prompts"), *{user for (user,) in db.sql("SELECT user_id FROM prompts").fetchall()})
except DbtoolsError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that holds nothing but what the test puts there."""
    path = tmp_path / "place"
    path.mkdir()
    return path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user may enter, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="dbtools-test-"))
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which temporary files are made during the test."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def users(path: Path | Project, **options: Any) -> list[tuple[str]]:
    with attach(path, **options) as db:
        return db.sql("SELECT DISTINCT user_id FROM prompts ORDER BY 1").fetchall()


def refused(path: Path, kind: type[DbtoolsError] = DatabaseError, **options: Any) -> str:
    """Return the one sentence with which a path is refused, its folder left as it was."""
    with unchanged(path.parent), pytest.raises(kind) as caught:
        attach(path, **options).close()
    assert type(caught.value) is kind
    assert_sentence(caught.value, path)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["delete", "wal", "truncate", "persist"])
def test_a_database_at_rest_is_read_and_nothing_appears_beside_it(folder: Path, temporary: Path, journal: str) -> None:
    path = make_database(folder / "prompter.db", journal=journal)
    with unchanged(folder):
        assert users(path) == [("user-1",), ("user-2",)]
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("with_index", [True, False])
def test_rows_that_are_only_in_the_wal_are_seen(folder: Path, with_index: bool) -> None:
    path = make_database(folder / "prompter.db", journal="wal")
    run_python(LEAVE_A_WAL, path)
    assert path.with_name("prompter.db-wal").stat().st_size > 0
    if not with_index:
        path.with_name("prompter.db-shm").unlink()
    with unchanged(folder):
        assert users(path) == [("from the wal",)]


@pytest.mark.slow
def test_a_wal_cut_off_by_a_crash_counts_up_to_its_last_whole_transaction(folder: Path) -> None:
    path = make_database(folder / "prompter.db", journal="wal")
    run_python(LEAVE_A_WAL, path)
    wal = path.with_name("prompter.db-wal")
    os.truncate(wal, wal.stat().st_size - 100)
    with unchanged(folder):
        assert users(path) == [("user-1",), ("user-2",)]


@pytest.mark.slow
@pytest.mark.parametrize(("journal", "leftover"), [("delete", False), ("wal", False), ("wal", True)])
def test_a_folder_that_cannot_be_written_is_enough(
    open_folder: Path, tmp_path: Path, journal: str, leftover: bool
) -> None:
    path = make_database(open_folder / "prompter.db", journal=journal)
    if leftover:
        run_python(LEAVE_A_WAL, path)
    for file in open_folder.iterdir():
        file.chmod(0o444)
    open_folder.chmod(0o555)
    with unchanged(open_folder):
        printed = run_python(AS_NOBODY, path, make_database(tmp_path / "other.db"))
    assert sorted(printed.split(" ", 1)[1].split()) == (["from", "the", "wal"] if leftover else ["user-1", "user-2"])


@pytest.mark.slow
def test_no_permission_is_one_sentence(open_folder: Path, tmp_path: Path) -> None:
    path = make_database(open_folder / "prompter.db")
    path.chmod(0o000)
    printed = run_python(AS_NOBODY, path, make_database(tmp_path / "other.db"))
    assert printed.startswith("DatabaseError No permission to read the database")
    assert_sentence(printed, path)


@pytest.mark.slow
def test_a_hot_journal_is_refused_and_left_for_sqlite_to_roll_back(folder: Path) -> None:
    path = make_database(folder / "prompter.db", prompts=50)
    run_python(CRASH_WHILE_WRITING, path)
    assert path.with_name("prompter.db-journal").stat().st_size > 0
    assert "hot journal" in refused(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT max(length(text)) FROM prompt_versions").fetchone()[0] < 5000
    assert len(users(path)) == 50


@pytest.mark.slow
def test_a_lock_held_longer_than_the_timeout_is_reported_in_about_that_time(folder: Path) -> None:
    path = make_database(folder / "prompter.db")
    with python(LOCK, path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        start = time.monotonic()
        with pytest.raises(BusyError) as caught:
            attach(path, timeout=0.6)
        assert 0.5 < time.monotonic() - start < 3
        assert_sentence(caught.value, path)
        holder.communicate()
    assert len(users(path)) == 2


@pytest.mark.slow
def test_a_lock_released_in_time_is_waited_for(folder: Path) -> None:
    path = make_database(folder / "prompter.db")
    with python(LOCK.replace("sys.stdin.read()", "__import__('time').sleep(0.7)"), path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        assert len(users(path, timeout=10)) == 2


def test_an_empty_file_a_text_and_another_kind_of_file_are_refused(folder: Path) -> None:
    files = {"empty.db": b"", "text.db": b"id,text\n1,hello\n" * 50, "magic.db": b"SQLite format 3\0", "short.db": b"S"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert "empty file" in refused(folder / "empty.db")
    for name in ("text.db", "magic.db", "short.db"):
        assert "Not an SQLite database" in refused(folder / name)
    (folder / "noise.db").write_bytes(b"SQLite format 3\0" + random.Random(1).randbytes(20_000))
    refused(folder / "noise.db", DamagedError)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 777])
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_truncated_database_is_refused(folder: Path, cut: float, journal: str) -> None:
    path = make_database(folder / "prompter.db", prompts=20, journal=journal)
    size = path.stat().st_size
    os.truncate(path, size - 777 if cut == 777 else int(size * cut))
    assert "truncated" in refused(path, DamagedError)


def test_a_database_cut_at_a_page_is_refused_too(folder: Path) -> None:
    path = make_database(folder / "prompter.db", prompts=20)
    os.truncate(path, path.stat().st_size - 4096)
    assert "truncated" in refused(path, DamagedError)


@pytest.mark.slow
def test_damage_gives_rows_or_one_sentence_and_nothing_else(folder: Path) -> None:
    path = make_database(folder / "prompter.db", prompts=20)
    sound, chance = path.read_bytes(), random.Random(7)
    for _ in range(15):
        bits = bytearray(sound)
        for _ in range(chance.choice([1, 30, 1000])):
            bits[chance.randrange(len(bits))] ^= 1 << chance.randrange(8)
        path.write_bytes(bits)
        with unchanged(folder), suppress(DbtoolsError), attach(path) as db:
            for relation in db.relations:
                db.frame(relation)


@pytest.mark.slow
def test_a_folder_is_attached_as_a_project_or_refused_as_none(folder: Path) -> None:
    assert "prompter.db" in refused(folder, ProjectError)
    path = make_database(folder / "prompter.db")
    with attach(folder) as by_folder, attach(Project.find(folder)) as by_project:
        assert by_folder.origin["path"] == by_project.origin["path"] == str(path)


def test_a_missing_database_is_refused_and_not_created(folder: Path) -> None:
    assert "No such database" in refused(folder / "absent.db")
    (folder / "dangling.db").symlink_to(folder / "gone.db")
    assert "No such database" in refused(folder / "dangling.db")


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.db")
    with pytest.raises(DatabaseError) as caught:
        attach(folder / "pipe.db")
    assert_sentence(caught.value, folder / "pipe.db")
    with pytest.raises(DatabaseError) as caught:
        attach("/dev/zero")
    assert_sentence(caught.value, "/dev/zero")


def test_a_path_below_a_file_or_too_long_is_refused_in_one_sentence(folder: Path) -> None:
    make_database(folder / "prompter.db")
    for path in (folder / "prompter.db" / "x.db", folder / ("x" * 290)):
        with pytest.raises(DatabaseError) as caught:
            attach(path)
        assert len(str(caught.value).splitlines()) == 1


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseError) as caught:
        attach("postgresql://me:hunter2@127.0.0.1:1/prompter")
    assert_sentence(caught.value, "postgresql://me@127.0.0.1:1/prompter")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("CREATE TABLE t (a); DROP TABLE t;", "none"),
        (USERS, "users"),
        ("CREATE TABLE prompts (id, original_text);", "prompt_versions"),
        (
            "CREATE TABLE prompts (name); CREATE TABLE prompt_versions (id, prompt_id);",
            "prompts lacks id, original_text; it has name, and needs id, original_text",
        ),
        (
            "CREATE TABLE prompts (id, original_text);"
            "CREATE TABLE prompt_versions (id, prompt_id, version, prompt_text);",
            "prompt_versions lacks version_no, text, source; it has id, prompt_id, version, prompt_text, and needs",
        ),
        (
            "CREATE TABLE seen (id); CREATE VIEW prompts AS SELECT * FROM seen; "
            "CREATE TABLE prompt_versions (id, prompt_id);",
            "no table prompts; tables: ",
        ),
    ],
)
def test_a_database_of_something_else_is_refused_by_what_it_lacks(folder: Path, script: str, named: str) -> None:
    path = folder / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    sentence = refused(path)
    assert "Not a prompter database" in sentence
    assert named in sentence


@pytest.mark.slow
def test_views_odd_names_and_tables_without_row_ids_do_no_harm(folder: Path) -> None:
    path = folder / "prompter.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE prompts (id PRIMARY KEY, user_id, original_text, created_at) WITHOUT ROWID;
            CREATE TABLE prompt_versions (id PRIMARY KEY, prompt_id, version_no, text, source) WITHOUT ROWID;
            CREATE TABLE "x""; drop table prompts; --" (a);
            CREATE TABLE 'it''s "odd"' (a);
            CREATE VIEW best_heads AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n;
            INSERT INTO prompts VALUES ('00000000000000000000000000000001', 'a', 'text', 'no date');
        """)
    with unchanged(folder), attach(path) as db:
        assert db.origin["tables"]['x"; drop table prompts; --'] == 0
        assert db.sql("SELECT user_id, row_id FROM prompts").fetchall() == [("a", 1)]
        assert db.sql("SELECT * FROM unreadable_cells").fetchall() == [("prompts", "created_at", 1)]
        assert db.rows("heads") == 0


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_path_of_any_spelling_attaches(folder: Path, journal: str) -> None:
    names = ["it's.db", 'a "b".db', "a?mode=rw#x%41.db", "ü 🙂.db", "-wal.db", "new\nline;.db"]
    for name in names[:2] if journal == "delete" else names[2:]:
        path = make_database(folder / name, journal=journal)
        with unchanged(folder):
            assert len(users(path)) == 2


@pytest.mark.slow
def test_a_name_that_is_not_utf8_attaches(folder: Path) -> None:
    path = make_database(folder / "plain.db").rename(folder / os.fsdecode(b"caf\xe9.db"))
    assert len(users(path)) == 2
    path.write_bytes(b"x")
    with pytest.raises(DatabaseError) as caught:
        attach(path)
    str(caught.value).encode("utf-8")


@pytest.mark.slow
def test_a_link_to_the_database_is_followed_with_its_wal(folder: Path, tmp_path: Path) -> None:
    path = make_database(folder / "prompter.db", journal="wal")
    run_python(LEAVE_A_WAL, path)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with unchanged(folder):
        assert users(link) == [("from the wal",)]


@pytest.mark.slow
def test_a_damaged_rescue_file_is_named_and_stops_nobody(folder: Path) -> None:
    make_database(folder / "prompter.db")
    rescued = folder / "backup_old_csvs" / "run" / "rescued"
    rescued.mkdir(parents=True)
    (rescued / "rescued_log.csv.parquet").write_bytes(b"PAR1 no parquet PAR1")
    (rescued / ".tmp-rescued_log.parquet").write_bytes(b"half a fi")
    with pytest.warns(UserWarning, match="rescued") as caught, attach(folder) as db:
        assert db.rows("prompts") == 2
    assert_sentence(str(caught[0].message), rescued / "rescued_log.csv.parquet")


@pytest.mark.slow
def test_a_small_file_of_endless_rescued_rows_is_named_and_not_read(folder: Path) -> None:
    import duckdb

    make_database(folder / "prompter.db")
    rescued = folder / "backup_old_csvs" / "run" / "rescued"
    rescued.mkdir(parents=True)
    duckdb.sql("SELECT 1 AS id FROM range(10000001)").write_parquet(str(rescued / "rescued_log.parquet"))
    duckdb.sql("SELECT 1 AS id").write_parquet(str(rescued / "rescued_more.parquet"))
    assert (rescued / "rescued_log.parquet").stat().st_size < 100_000
    with pytest.warns(UserWarning, match="rescued") as caught, attach(folder) as db:
        assert [name for name in db.relations if "rescued" in name] == ["rescued_more"]
    assert_sentence(str(caught[0].message), rescued / "rescued_log.parquet")


@pytest.mark.slow
def test_only_regular_files_with_the_name_of_rescued_rows_are_offered_and_none_takes_another_name(folder: Path) -> None:
    import duckdb

    make_database(folder / "prompter.db")
    rescued = folder / "backup_old_csvs" / "run" / "rescued"
    rescued.mkdir(parents=True)
    for name in ("rescued_log", "prompts", "contest_entries", "named_agents", "information_schema", "Rescued_x"):
        duckdb.sql("SELECT 1 AS id").write_parquet(str(rescued / f"{name}.parquet"))
    os.mkfifo(rescued / "rescued_pipe.parquet")
    (rescued / "rescued_link.parquet").symlink_to("rescued_log.parquet")
    (rescued / "rescued_folder.parquet").mkdir()
    with attach(folder) as db:
        assert [name for name in db.relations if "rescued" in name.lower()] == ["rescued_log"]
        assert not {"contest_entries", "named_agents", "information_schema"} & set(db.relations)
        assert db.rows("prompts") == 2


@pytest.mark.slow
def test_rows_inserted_later_are_there_at_the_next_attach(folder: Path) -> None:
    path = make_database(folder / "prompter.db")
    assert len(users(path)) == 2
    insert(path, "prompts", user_id="late")
    assert ("late",) in users(path)


@pytest.mark.parametrize("amount", ["much", "500", "-1GB", "1GB; DROP", "", "99MB", "90MiB"])
def test_an_amount_of_memory_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    monkeypatch.setenv("DBTOOLS_MEMORY", amount)
    with pytest.raises(ParameterError) as caught:
        attach(make_database(tmp_path / "prompter.db"))
    assert_sentence(caught.value, amount)


@pytest.mark.slow
def test_the_amount_of_memory_is_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBTOOLS_MEMORY", "256MiB")
    with attach(make_database(tmp_path / "prompter.db")) as db:
        assert db.sql("SELECT current_setting('memory_limit')").fetchall() == [("256.0 MiB",)]


@pytest.mark.slow
def test_two_databases_spill_into_folders_of_their_own(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_database(tmp_path / "prompter.db")
    setting = "SELECT current_setting('temp_directory')"
    with attach(path) as one, attach(path) as two, one.workspace() as third:
        folders = {db.sql(setting).fetchall()[0][0] for db in (one, two)} | {third.execute(setting).fetchall()[0][0]}
        assert len(folders) == 3
        assert all(Path(folder).is_dir() for folder in folders)
    assert not list(cache.rglob("spill-*"))


@pytest.mark.slow
def test_some_prompts_of_a_state_that_is_gone_are_a_sentence(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    with attach(path) as db:
        insert(path, "prompts", user_id="late")
        attach(path).close()
        with pytest.raises(DatabaseError, match="changed since it was attached"):
            db.filter(users=["late"])
    with attach(path) as db:
        with pytest.raises(ParameterError, match="Users are a list"):
            db.filter(users="late")
        with db.filter(until=date.max, users=["late"]) as some:
            assert some.rows("prompts") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t#mp", "t?mp", "t%41mp", "t mp"])
def test_temporary_files_may_lie_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "project").mkdir()
    path = make_database(tmp_path / "project" / "prompter.db", prompts=3)
    (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / name))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with attach(path, progress=False) as db:
        assert db.rows("prompts") == 3
    assert audit.run(path.parent, progress=False).frame["count"].notna().sum() > 60
    assert sorted(p.name for p in tmp_path.iterdir()) == ["project", name]


@pytest.mark.slow
def test_a_closed_database_leaves_its_file_closed_and_locks_of_others_alone(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    path = make_database(tmp_path / "place" / "prompter.db")

    def still_open() -> list[str]:
        found = (os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir())
        return [file for file in found if file.startswith(str(path.parent))]

    for _ in range(2):
        with attach(path) as db, closing(db.filter(["user-1"])):
            pass
        assert still_open() == []
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        attach(path).close()
        assert try_lock(path) == "database is locked"


@pytest.mark.slow
@pytest.mark.parametrize(("journal", "timeout"), [("wal", 1.0), ("delete", 5.0)])
def test_every_attach_sees_whole_transactions_of_a_writer_that_never_rests(
    tmp_path: Path, journal: str, timeout: float
) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=200, journal=journal)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE security_inputs SET risk_score = 0")
        connection.execute("UPDATE token_usage SET total_tokens = 0")
        # Between the two tables lies enough for a careless copy to meet the next transaction half-way.
        connection.execute("ALTER TABLE token_usage RENAME TO former")
        connection.execute("CREATE TABLE filler AS SELECT zeroblob(16000000)")
        connection.execute("CREATE TABLE token_usage AS SELECT * FROM former")
    seen = set()
    with python(WRITER, path) as writer:
        try:
            assert writer.stdout
            assert writer.stdout.readline() == "ready\n"
            for attempt in range(60):
                if attempt >= 4 and len(seen) > 1:  # on a busy machine the writer may need some time
                    break
                with attach(path, timeout=timeout) as db:
                    query = (
                        "SELECT list_distinct(list(n)) FROM (SELECT risk_score AS n FROM security_inputs "
                        "UNION ALL SELECT total_tokens FROM token_usage)"
                    )
                    values = db.sql(query).fetchall()[0][0]
                    assert db.rows("token_usage") == 600
                seen.update(values)
                assert len(values) == 1, "rows of two transactions in one snapshot"
        finally:
            writer.kill()
    assert len(seen) > 1, "the writer did not write"


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_lock_this_process_holds_outlives_an_attach(tmp_path: Path, journal: str) -> None:
    path = make_database(tmp_path / "prompter.db", journal=journal)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM best_heads")
        fingerprint(path)
        sha256(path)
        with attach(path) as db:
            assert db.rows("heads") == 2, "what is not committed is not seen"
        with attach(path):
            pass
        assert try_lock(path) == "database is locked"
        connection.execute("COMMIT")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert try_lock(path) == "free"
    with attach(path) as db:
        assert db.rows("heads") == 0


@pytest.mark.slow
def test_a_lock_survives_attaches_from_other_threads(tmp_path: Path) -> None:
    path = make_database(tmp_path / "prompter.db")
    counted: list[int] = []

    def count() -> None:
        with attach(path) as db:
            counted.append(db.rows("heads"))

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        threads = [threading.Thread(target=count) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counted == [2, 2, 2]
        assert try_lock(path) == "database is locked"
