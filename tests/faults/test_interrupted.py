"""Exports, loads and reports that are killed, find the disk full, or run twice at once: nothing half is in place."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fault_counts import ALL, Tally
from killed_processes import Victims, kill_times
from support import insert, make_database, python

from dbtools import attach, export
from dbtools.errors import ConflictError

ATTACH = """
from dbtools import attach
import tempfile
tempfile.tempdir = given[1]
with attach(given[0], texts=True, progress=False) as db:
    db.rows("scored_versions")
"""
LAYOUTS = ("prompts", "prompt_versions", "judge_scores")
EXPORT = f"""
from dbtools import attach, export
with attach(given[0], texts=True, progress=False) as db:
    export.write(db, given[1], layouts={LAYOUTS}, progress=False)
"""
LAKE = """
from dbtools import attach, export
with attach(given[0], texts=True, progress=False) as db:
    export.write(db, given[1], formats=("parquet",), partition_by="month", progress=False)
"""
LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(given[-1]), int(given[-1])))
given.pop()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "prompter.db", prompts=100)


def change(path: Path) -> int:
    """Add a prompt and return how many there are."""
    insert(path, "prompts", user_id="late")
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM prompts").fetchone()[0])


def prove(tally: Tally, path: Path) -> None:
    """Prove that an attach gives every row of the database as it is now, whatever lies in the cache."""
    with closing(sqlite3.connect(path)) as connection, attach(path, texts=True, progress=False) as db:
        for table, relation in (("prompts", "prompts"), ("prompt_versions", "versions"), ("judge_scores", "scores")):
            (wanted,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert db.rows(relation) == wanted
    tally.prove({})


def test_a_load_that_is_killed_at_any_time_leaves_no_stale_cache_and_nothing_for_good(
    path: Path, tmp_path: Path, cache: Path, tally: Tally, others: Victims, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    longest = others.run(ATTACH, path, temporary)[1]
    for after in kill_times(longest, len(tally.some(range(60), 3)), random.Random(3)):
        change(path)
        status, _ = others.run(ATTACH, path, temporary, after=after)
        assert status in (0, -9), others.said
        tally.runs += status == -9
        prove(tally, path)
        change(path)  # so that the next attach loads, and sweeps
        attach(path, texts=True).close()
        assert [left.name for left in cache.rglob("load-*")] == []
        assert list(temporary.iterdir()) == []
        assert len(list(cache.rglob("*.duckdb"))) == 1


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_load_on_a_full_disk_says_so_and_the_next_one_is_whole(
    tmp_path: Path, cache: Path, tally: Tally, others: Victims, journal: str
) -> None:
    path = make_database(tmp_path / "prompter.db", prompts=100, journal=journal)
    (tmp_path / "temporary").mkdir()
    for limit in (5_000, 300_000):
        status, _ = others.run(LIMITED + ATTACH, path, tmp_path / "temporary", limit)
        tally.runs += 1
        assert status == 1, others.said
        assert "TMPDIR" in others.said or limit == 300_000
        assert list((tmp_path / "temporary").iterdir()) == []
        assert [left.name for left in cache.rglob("load-*")] == []
        prove(tally, path)
        change(path)


def assert_whole(folder: Path, tally: Tally) -> None:
    """Prove that every file of an export is listed and has the bytes that were proved."""
    files = [file for file in folder.glob("*") if file.is_file() and file.name != "exports.json"]
    known: dict[str, set[str]] = {}
    if (folder / "exports.json").exists():
        for entry in json.loads((folder / "exports.json").read_text("utf-8"))["files"]:
            known.setdefault(entry["path"], set()).add(entry["sha256"])
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() in known.get(file.name, set()), file.name
    tally.prove({})


def test_an_export_that_is_killed_at_any_time_leaves_whole_files_and_the_next_one_replaces_them(
    path: Path, tmp_path: Path, tally: Tally, others: Victims
) -> None:
    attach(path, texts=True).close()
    longest = others.run(EXPORT, path, tmp_path / "exports")[1]
    for number, after in enumerate(kill_times(longest, len(tally.some(range(60), 3)), random.Random(4))):
        folder = tmp_path / ("exports" if number % 2 else f"fresh-{number}")
        change(path)
        attach(path, texts=True).close()
        status, _ = others.run(EXPORT, path, folder, after=after)
        assert status in (0, -9), others.said
        tally.runs += status == -9
        if folder.exists():
            assert_whole(folder, tally)
        with attach(path, texts=True) as db:
            written = export.write(db, folder, layouts=LAYOUTS)
        assert_whole(folder, tally)
        assert sorted(file.name for file in folder.iterdir()) == sorted(
            ["exports.json", *(file.path for file in written.files)]
        )


def test_a_lake_whose_export_is_killed_at_any_time_is_of_one_state_and_the_next_one_replaces_it(
    path: Path, tmp_path: Path, tally: Tally, others: Victims
) -> None:
    folder = tmp_path / "lake"
    longest = others.run(LAKE, path, folder)[1]
    with attach(folder) as db:
        states = [db.rows("prompts")]
    for after in kill_times(longest, len(tally.some(range(60), 3)), random.Random(8)):
        states.append(change(path))
        status, _ = others.run(LAKE, path, folder, after=after)
        assert status in (0, -9), others.said
        tally.runs += status == -9
        with attach(folder) as db:
            assert db.rows("prompts") in states
            assert db.rows("versions") == db.rows("scores") == 300
        tally.prove({})
    with attach(path, texts=True) as db:
        written = export.write(db, folder, formats=("parquet",), partition_by="month")
    left = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert left == {"exports.json", *(file.path for file in written.files)}


def test_an_export_on_a_full_disk_says_so_and_leaves_what_was_there(
    path: Path, tmp_path: Path, tally: Tally, others: Victims
) -> None:
    folder = tmp_path / "exports"
    with attach(path, texts=True) as db:
        export.write(db, folder, layouts=LAYOUTS)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for limit in (0, 20_000):
        for target in (folder, tmp_path / "fresh"):
            status, _ = others.run(LIMITED + EXPORT, path, target, limit)
            tally.runs += 1
            assert status == 1, others.said
        assert_whole(folder, tally)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
        assert not (tmp_path / "fresh").exists()


def test_a_file_that_somebody_writes_during_an_export_is_not_replaced(
    path: Path, tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = import_module("dbtools.export.write")
    folder = tmp_path / "exports"
    for before in (None, "earlier"):
        if before:
            with attach(path, texts=True) as db:
                export.write(db, folder, layouts=LAYOUTS)

        def meanwhile(*given: Any, prove: Any = write.prove) -> int:
            (folder / "judge_scores.csv").write_text("somebody's")
            return int(prove(*given))

        folder.mkdir(exist_ok=True)
        with monkeypatch.context() as patch, attach(path, texts=True) as db:
            patch.setattr(write, "prove", meanwhile)
            with pytest.raises(ConflictError, match="changed during the export"):
                export.write(db, folder, layouts=LAYOUTS)
        tally.runs += 1
        assert (folder / "judge_scores.csv").read_text() == "somebody's"
        (folder / "judge_scores.csv").unlink()


TWICE = """
import sys
from dbtools import attach, export
from dbtools.errors import BusyError, ConflictError
sys.stdin.readline()
for _ in range(2):
    with attach(sys.argv[1], texts=True) as db:
        try:
            export.write(db, sys.argv[2], formats=("csv",))
            print("done")
        except BusyError:
            print("busy")
"""


def test_two_exports_at_once_leave_one_whole_and_the_other_says_that_it_must_wait(
    path: Path, tmp_path: Path, tally: Tally
) -> None:
    with python(TWICE, path, tmp_path / "exports") as one, python(TWICE, path, tmp_path / "exports") as other:
        for child in (one, other):
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [child.communicate(timeout=120)[0].split() for child in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0)
    tally.runs += 4
    assert [len(words) for words in said] == [2, 2]
    assert "done" in said[0] + said[1]
    assert_whole(tmp_path / "exports", tally)


REPORT = """
import os, tempfile
os.setsid()
tempfile.tempdir = None  # as the parent may have asked for it already
from dbtools.notebooks import run
run(given[0], given[1], out=given[2], progress=False)
"""


def test_a_report_that_is_killed_leaves_the_earlier_one_or_the_whole_new_one(
    tmp_path: Path, tally: Tally, others: Victims, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbtools import demo

    project, out = demo.build(tmp_path / "demo"), tmp_path / "reports"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    verdict, longest = others.run(REPORT, "verify", project.root, out)
    assert verdict in (0, 1)  # the demo is not clean, which is the notebook's own verdict
    names = {file.name for file in out.iterdir()}
    for after in kill_times(longest, len(tally.some(range(20), 1)), random.Random(5)):
        status, _ = others.run(REPORT, "verify", project.root, out, after=after)
        tally.runs += status == -9
        if (out / "verify.json").exists():  # for a moment it is not: see below
            json.loads((out / "verify.json").read_text("utf-8"))
        json.loads((out / "verify.ipynb").read_text("utf-8"))
        assert (out / "verify.html").read_text("utf-8").rstrip().endswith("</html>")
        assert {file.name for file in out.iterdir() if not file.name.startswith(".")} | {"verify.json"} == names
        tally.prove({})
    if ALL:
        assert others.run(REPORT, "verify", project.root, out)[0] == verdict
        assert {file.name for file in out.iterdir()} == names
        assert list(temporary.glob("dbtools-*")) == []


PLACE = """
import os, signal
from pathlib import Path
from dbtools.notebooks.report import write as place
left = [int(given[2])]
def disturbed(call):
    def proxy(*args, **more):
        left[0] -= 1
        if left[0] == -1 and given[3] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if left[0] == -1:
            raise OSError(28, "No space left on device")
        return call(*args, **more)
    return proxy
for name in ("mkdir", "fsync", "unlink", "replace", "rmdir"):
    setattr(os, name, disturbed(getattr(os, name)))
place(Path(given[0]), {kind: f"{kind} of {given[1]}" for kind in ("ipynb", "html", "json")})
"""


def report(target: Path) -> dict[str, str]:
    return {file.suffix[1:]: file.read_text() for file in target.parent.glob("*")}


@pytest.mark.parametrize("how", ["killed", "failing"])
def test_a_report_that_ends_between_its_files_has_no_numbers_and_leaves_nothing_behind(
    tmp_path: Path, tally: Tally, others: Victims, how: str
) -> None:
    target = tmp_path / "reports" / "audit"
    whole = {run: {kind: f"{kind} of {run}" for kind in ("ipynb", "html", "json")} for run in ("old", "new")}
    ends, at = list[int](), 0
    while 0 not in ends[1:]:  # the folder is there, so that its making may fail
        assert others.run(PLACE, target, "old", 1000, "")[0] == 0, others.said
        assert report(target) == whole["old"]
        assert len(list(target.parent.iterdir())) == 3
        ends.append(others.run(PLACE, target, "new", at, how)[0])
        found = {file.suffix[1:]: file.read_text() for file in target.parent.iterdir() if file.is_file()}
        if "json" in found:
            assert found in whole.values()
        assert {"ipynb", "html"} <= set(found)
        if ends[-1] == 1:
            assert others.said.startswith('ParameterError: Cannot write the report (No space left on device): "')
            assert [file.name for file in target.parent.iterdir() if file.is_dir()] == []
        at += 1
        tally.prove({})
    tally.calls += at - 1
    tally.runs += at - 1
    assert at > 8


def test_two_reports_of_one_name_do_not_take_turns_within(tmp_path: Path, tally: Tally) -> None:
    target = tmp_path / "audit"
    code = PLACE.replace("given", "sys.argv[1:]").replace("import os", "import os, sys", 1)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with python(code, target, "new", 1000, "") as other:
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=1.5)
        assert [file for file in tmp_path.iterdir() if file.is_file()] == []
        os.close(descriptor)
        assert other.wait(timeout=60) == 0
    assert len(report(target)) == 3
    tally.runs += 1
