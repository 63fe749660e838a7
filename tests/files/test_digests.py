from __future__ import annotations

import hashlib
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing

import psutil
import pytest
from support import python

from dbtools.database.sqlite import uri
from dbtools.files import digests

ROWS = [(1, "a", b"a"), (2, "é", None), (2, "é", None), (3, "", 1.5)]


@pytest.fixture
def databases(tmp_path):
    paths = [tmp_path / "one.db", tmp_path / "two ' #.db"]
    for path in paths:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE t (a, b, c)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
    return [uri(path) for path in paths]


def test_equal_rows_have_one_digest_and_others_have_others():
    found = digests.count(ROWS)
    assert found == Counter(hashlib.sha256(repr(row).encode()).digest() for row in ROWS)
    assert sorted(found.values()) == [1, 1, 2]


def test_workers_count_what_one_process_counts(databases):
    query = "SELECT t.a, o.b, t.c FROM main.t AS t JOIN other.t AS o ON o.rowid = t.rowid WHERE t.rowid BETWEEN ? AND ?"
    expected = digests.count(ROWS)
    assert digests.count_in_workers(*databases, query, [(1, 2), (3, 9)]) == expected
    assert digests.count_in_workers(*databases, query, [(5, 9), (-(2**63), 2**63 - 1)]) == expected
    assert digests.count_in_workers(*databases, query, [(1, 1), (1, 1)]) == digests.count(ROWS[:1] * 2)


@pytest.mark.parametrize("query", ["SELECT nothing FROM t WHERE ? < ?", "SELECT abs(-9223372036854775808), ?, ?"])
def test_what_a_worker_cannot_answer_is_an_error(databases, query):
    with pytest.raises(ChildProcessError):
        digests.count_in_workers(*databases, query, [(1, 2), (3, 9)])


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_no_worker_outlives_its_caller(databases, sign):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE ? < ?"
    call = "import sys; from dbtools.files import digests; digests.count_in_workers(*sys.argv[1:], [(1, 2), (3, 4)])"
    with python(call, *databases, endless) as process:
        until, workers = time.monotonic() + 30, []
        while len(workers) < 2 and time.monotonic() < until:
            time.sleep(0.05)
            workers = psutil.Process(process.pid).children()
        assert len(workers) == 2
        time.sleep(0.5)  # both are at work
        process.send_signal(sign)
        assert process.wait(timeout=30)
        gone, alive = psutil.wait_procs(workers, timeout=30)
    assert (len(gone), alive) == (2, [])
