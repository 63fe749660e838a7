"""Typed SQL runs in a process that stops at once, has a limit of memory, and ends with its caller."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import psutil
import pytest
from support import assert_sentence, make_database

from dbtools import attach
from dbtools.database.sandbox import run_sql
from dbtools.errors import DatabaseError, ParameterError, QueryError

ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(1000000000) b"
# DuckDB does not interrupt these.
UNINTERRUPTIBLE = ["SELECT length(list_transform(range(60000000), x -> x + 1))", "SELECT hash(repeat('x', 900000000))"]


@pytest.fixture
def fresh(tmp_path):
    make_database(tmp_path / "prompter.db")
    with attach(tmp_path / "prompter.db") as db:
        yield db


@pytest.mark.slow
def test_a_statement_gives_the_rows_that_the_database_gives(db):
    query = "SELECT source, count(*) AS n FROM versions WHERE source <> ? GROUP BY source ORDER BY source"
    assert run_sql(db, query, ["syntax"]).equals(db.sql(query, ["syntax"]).df())
    assert run_sql(db, "SELECT $a AS a", {"a": [1, 2]})["a"].iloc[0].tolist() == [1, 2]
    assert run_sql(db, "SELECT range AS n FROM range(1000)", rows=3)["n"].tolist() == [0, 1, 2]
    assert len(run_sql(db, "SELECT range AS n, 'x' || range AS t FROM range(300000)")) == 300_000
    assert len(run_sql(db, "DESCRIBE versions")) > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELEKT 1", "DuckDB refuses the statement"),
        ("SELECT 'x'::INTEGER", "DuckDB refuses the statement"),
        ("DROP TABLE versions", "does not read rows"),
        ("FROM enable_logging('QueryLog')", "is not allowed in"),
        ("FROM pandas_scan(NULL)", "is not allowed in"),
        ("FROM read_csv('/etc/passwd')", "is not allowed in"),
        ("SELECT 1; SELECT 2", "Expected one statement"),
    ],
)
def test_a_refusal_is_a_sentence_and_the_next_statement_runs(db, query, why):
    with pytest.raises(QueryError, match=why) as caught:
        run_sql(db, query)
    assert_sentence(caught.value, query)
    assert run_sql(db, "SELECT 1 AS a")["a"].tolist() == [1]


class Agent(StrEnum):
    SYNTAX = "syntax"


class Limit(float):
    pass


@dataclass
class Other:
    agent: str


@pytest.mark.parametrize("value", [lambda: 1, Other("syntax"), [Other("syntax")]])
def test_a_value_that_cannot_be_sent_is_a_sentence(db, value):
    with pytest.raises(ParameterError, match="cannot be bound"):
        run_sql(db, "SELECT ?", [value], timeout=60)


def test_texts_and_numbers_of_classes_that_the_worker_does_not_know_are_sent_as_such(db):
    for module in (Agent, Limit):
        module.__module__ = "__main__"  # as in a notebook
    values = {"agent": Agent.SYNTAX, "limit": Limit(1.5), "days": [date(2025, 1, 1)], "agents": [Agent.SYNTAX]}
    found = run_sql(db, "SELECT $agent AS a, $limit AS b, $days AS c, $agents AS d", values, timeout=60)
    assert found["a"].tolist() + found["b"].tolist() == ["syntax", 1.5]
    assert list(found["d"][0]) == ["syntax"]


@pytest.mark.slow
@pytest.mark.parametrize("query", [ENDLESS, *UNINTERRUPTIBLE])
def test_stop_ends_any_statement_at_once(db, query):
    run_sql(db, "SELECT 1")
    stopped = []

    def stop():
        stopped.append(time.monotonic())
        db.interrupt()

    timer = threading.Timer(0.3, stop)
    timer.start()
    with pytest.raises(QueryError, match="was stopped"):
        run_sql(db, query)
    assert time.monotonic() - stopped[0] < 2
    assert run_sql(db, "SELECT 1 AS a")["a"].tolist() == [1]


def test_a_time_limit_ends_a_statement(db):
    run_sql(db, "SELECT 1")
    with pytest.raises(QueryError, match=r"took more than 0\.3 s"):
        run_sql(db, ENDLESS, timeout=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "SELECT length(repeat('x', 3000000000))",
        "SELECT lpad('x', 2000000000, 'y')",
        "SELECT length(list_transform(range(100000000), x -> x))",
        "SELECT bitstring('1', 2000000000)",
        "SELECT array_agg(x) FROM (SELECT range(100000) x FROM range(100000))",
    ],
)
def test_memory_has_a_limit(tmp_path, monkeypatch, query):
    monkeypatch.setenv("DBTOOLS_MEMORY", "300MB")
    make_database(tmp_path / "prompter.db")
    with attach(tmp_path / "prompter.db") as db:
        run_sql(db, "SELECT 1")
        process, most, done = psutil.Process(db.sandbox._process.pid), [0], threading.Event()

        def watch():
            while not done.wait(0.01):
                try:
                    most[0] = max(most[0], process.memory_info().rss)
                except psutil.Error:
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        with pytest.raises(QueryError):
            run_sql(db, query, timeout=5)
        done.set()
        watcher.join()
        assert most[0] < 1_200e6
        assert run_sql(db, "SELECT 1 AS a")["a"].tolist() == [1]


@pytest.mark.slow
def test_the_process_ends_with_the_database_and_with_its_caller(fresh, tmp_path):
    run_sql(fresh, "SELECT 1")
    process = fresh.sandbox._process
    fresh.close()
    assert process.poll() is not None
    code = (
        "import os, sys\nfrom dbtools import attach\nfrom dbtools.database.sandbox import run_sql\n"
        f"db = attach({str(tmp_path / 'prompter.db')!r})\nrun_sql(db, 'SELECT 1')\n"
        "print(db.sandbox._process.pid, flush=True)\nos._exit(1)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(printed)) and psutil.Process(int(printed)).status() != "zombie":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_process_that_is_killed_is_started_again(db):
    run_sql(db, "SELECT 1")
    db.sandbox._process.kill()
    db.sandbox._process.wait()
    db.sandbox.warm()
    assert run_sql(db, "SELECT 1 AS a")["a"].tolist() == [1]


@pytest.mark.slow
def test_a_stop_while_nothing_runs_is_not_the_reason_of_a_later_end(db):
    run_sql(db, "SELECT 1")
    db.interrupt()
    threading.Timer(0.3, db.sandbox._process.kill).start()
    with pytest.raises(QueryError, match="ended the process that ran it"):
        run_sql(db, ENDLESS)


@pytest.mark.slow
def test_where_the_state_is_gone_that_is_the_reason(fresh):
    Path(fresh._file).unlink()
    with pytest.raises(DatabaseError, match="changed since it was attached"):
        run_sql(fresh, "SELECT 1")


@pytest.mark.slow
def test_nothing_in_the_current_folder_is_imported(fresh, tmp_path, monkeypatch):
    for name in ("enum", "pandas", "duckdb", "dbtools", "psutil", "pickle"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / ('ran-' + name))!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert run_sql(fresh, "SELECT 1 AS a")["a"].tolist() == [1]
    assert list(tmp_path.glob("ran-*")) == []
