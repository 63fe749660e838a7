"""Ratings by two processes at once, on a full disk, and until a kill: no line is lost, and only the last is torn."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dbtools.database.ratings import Rating, append, read

IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(3)]
WRITER = """
import sys
sys.path[:] = {path!r}
from test_rating_faults import line
from pathlib import Path
from dbtools.database.ratings import append
name, file, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in range(int(sys.argv[4])):
    try:
        append(file, line(f"{{name}}-{{number}}"))
    except OSError:
        print("refused", flush=True)
    else:
        print(f"{{name}}-{{number}}", flush=True)
"""


def line(name: str) -> dict[str, Any]:
    made = Rating(name, datetime(2025, 12, 5, tzinfo=UTC), "Zoë", *IDS, "left", 3.0, "ab")
    return made.to_line()


def writer(name: str, file: Path, count: int, limit: int = 0) -> subprocess.Popen[str]:
    code = WRITER.format(path=[str(Path(__file__).parent), str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-c", code, name, str(file), str(limit), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def names(file: Path) -> list[str]:
    return [one.id for one in read(file).ratings]


def test_two_processes_at_once_lose_and_mix_no_line(folder: Path, tally: Any) -> None:
    file = folder / "ratings.jsonl"
    both = [writer(name, file, 60) for name in ("a", "b")]
    for process in both:
        process.communicate()
    found = names(file)
    assert sorted(found) == sorted(f"{name}-{number}" for name in "ab" for number in range(60))
    assert [name for name in found if name.startswith("a")] == [f"a-{number}" for number in range(60)]
    assert read(file).problems == {}
    tally.runs += 1


def test_a_writer_waits_for_the_one_that_is_writing(folder: Path) -> None:
    file = folder / "ratings.jsonl"
    append(file, line("one"))
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=append, args=(file, line("two")))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert names(file) == ["one"]
    thread.join(10)
    assert names(file) == ["one", "two"]


def test_a_line_is_on_disk_when_adding_returns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, synced = folder / "ratings.jsonl", []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(os.fstat(descriptor)), sync(descriptor)))
    append(file, line("one"))
    assert [status.st_size for status in synced if status.st_ino == file.stat().st_ino] == [file.stat().st_size]
    assert folder.stat().st_ino in {status.st_ino for status in synced}  # the name of the new file, too


def test_a_full_disk_tears_no_line_but_the_last_and_the_next_answer_is_whole(folder: Path, tally: Any) -> None:
    file = folder / "ratings.jsonl"
    append(file, line("first"))
    size, length = file.stat().st_size, len(json.dumps(line("x-0"), ensure_ascii=False).encode()) + 1
    for more in tally.some(range(length), 5):
        file.write_bytes(file.read_bytes()[:size])
        process = writer("x", file, 2, size + more)
        assert process.communicate()[0].split() == ["refused", "refused"]
        assert names(file) == ["first"]
        append(file, line("second"))  # there is space again
        assert names(file) == ["first", "second"]
        assert set(read(file).problems) <= {"torn"}
        tally.runs += 1


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_kill_at_any_call_loses_nothing_that_was_saved(
    folder: Path, tally: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file, real = folder / "ratings.jsonl", getattr(os, call)
    append(file, line("first"))
    size = file.stat().st_size
    length = len(json.dumps(line("killed"), ensure_ascii=False).encode()) + 1

    class Killed(BaseException):
        pass

    for part in range(length + 1) if call == "write" else (0,):

        def die(*given: Any, part: int = part) -> None:
            if call == "write":
                real(given[0], given[1][:part])
            raise Killed

        file.write_bytes(file.read_bytes()[:size])
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, call, die)
            append(file, line("killed"))
        whole = call == "fsync" or part == length
        assert names(file) == ["first", "killed"][: 1 + whole]
        append(file, line("next"))
        assert names(file) == ["first", *(["killed"] if whole else []), "next"]
        assert file.read_bytes()[:size].endswith(b"\n")
        tally.runs += 1


def test_a_killed_process_loses_nothing_that_it_called_saved(folder: Path, tally: Any) -> None:
    rng = random.Random(18)
    file = folder / "ratings.jsonl"
    for run in range(len(tally.some(range(40), 3))):
        file.unlink(missing_ok=True)
        process = writer(f"r{run}", file, 10_000)
        saved = [process.stdout.readline().strip()]
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        saved += process.communicate()[0].split()
        found = names(file)
        assert found[: len(saved)] == saved
        assert len(found) <= len(saved) + 1
        append(file, line("after"))
        assert names(file) == [*found, "after"]
        assert set(read(file).problems) <= {"torn"}
        tally.runs += 1
