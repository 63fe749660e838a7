"""``make bench``: measure what people do with dbtools beside its peers, as whole processes in turn. Asserts no time.

Writes the table of docs/performance.md. Wall time, processor time (user and system) and memory are those that the
operating system gives for the finished process and its children.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import peers
from data import write

ROOT = Path(__file__).parents[2]
JOBS = Path(__file__).with_name("jobs.py")
PEERS = Path(sys.prefix) / "peers"  # apart, so that nothing else comes to use what they need
_EXPONENT = """\
The exponent says how a job's processor time grows with the number of versions. 1: in proportion; below 1: more slowly.
Up to some thousand versions, starting takes most of the time.
"""
MOST, LONG = 3, 10.0  # times a race is run, unless it has taken so many seconds
HOST = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
found = {"wall": time.perf_counter() - start, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}
print(json.dumps({**found, "status": done.returncode, "out": done.stdout, "error": done.stderr}))
"""


@dataclass(frozen=True)
class Race:
    """One job of dbtools, and the peers that do it too, or as much of it as they can.

    Attributes
    ----------
    cached : bool
        Whether dbtools has attached this state of the database before.
    only_small : bool
        Whether it is measured at the smallest size alone.
    """

    title: str
    job: str
    peers: tuple[str, ...] = ()
    cached: bool = True
    only_small: bool = False


RACES = (
    Race("which agent is effective, first time", "effectiveness", ("effectiveness_pandas",), cached=False),
    Race("which agent is effective, again", "effectiveness"),
    Race("wins and mean score per agent, first time", "agents", ("agents_polars", "agents_pandas"), cached=False),
    Race("the application's own loop for that", "agents", ("agents_orm",), only_small=True),
    Race("how prompts evolve", "evolution"),
    Race("audit", "audit", ("audit_sqlite3", "scan_all")),
    Race("survey a project with one CSV file", "survey", ("csv_ids_pandas", "csv_ids_polars")),
    Race("compare two databases row by row", "same_rows", ("cli_sha3sum",)),
    Race("what changed between two states", "compare_states", ("sqldiff", "compare_pandas")),
    Race("attach with texts, first time", "load_texts", cached=False),
    Race("export the history to CSV, and prove it", "export_csv", ("csv_module", "csv_application")),
    Race("export the history to Parquet, and prove it", "export_parquet", ("parquet_pandas",)),
    Race("one report", "report", ("empty_notebook",), only_small=True),
    Race("the demo with its nine reports", "demo", ("demo_fresh_kernels",), only_small=True),
    Race("import dbtools", "import_dbtools", ("start_python",), only_small=True),
)
SAID = {
    "effectiveness_pandas": "pandas (means and differences only)",
    "agents_polars": "polars",
    "agents_pandas": "pandas",
    "agents_orm": "SQLAlchemy, row by row",
    "audit_sqlite3": "13 of the checks in SQLite",
    "scan_all": "reading every cell in SQLite",
    "csv_ids_pandas": "pandas (ids and texts only)",
    "csv_ids_polars": "polars (ids and texts only)",
    "compare_pandas": "pandas (rows only)",
    "sqldiff": "sqldiff (rows only)",
    "cli_sha3sum": "sqlite3 .sha3sum",
    "csv_module": "Python's csv",
    "csv_application": "the application's export",
    "parquet_pandas": "pandas",
    "demo_fresh_kernels": "a new kernel for each report",
    "empty_notebook": "an empty notebook",
    "start_python": "Python alone",
    "before": "before",
}


def measure(size: int, races: Iterable[Race], folder: Path | None, before: Path | None) -> Iterator[dict[str, Any]]:
    """Yield one record per race and competitor: medians, and the median of the ratios taken run by run.

    `before` is the Python of an environment with an earlier dbtools, which is one more competitor.
    """
    with tempfile.TemporaryDirectory(prefix="dbtools-bench-") as scratch:
        path = (folder or Path(scratch)) / str(size) / "prompter.db"
        if not path.is_file():
            path.parent.mkdir(parents=True)
            write(path, size)
            _surround(path)
        for python in (None, before) if before else (None,):
            _run("attach_all", python, path, f"{scratch}/cache")
        for number, race in enumerate(races):
            cache = f"{scratch}/cache" if race.cached else f"{scratch}/cache-{number}"
            own_sides = [(race.job, race.job, None), *([("before", race.job, before)] if before else [])]
            sides = [*own_sides, *((peer, peer, None) for peer in race.peers)]
            runs: list[list[dict[str, Any] | None]] = []
            until = time.monotonic() + LONG
            while not runs or (len(runs) < MOST and time.monotonic() < until):
                own = cache if race.cached else f"{cache}-{len(runs)}"
                runs.append([_run(job, python, path, own) for _, job, python in sides])
            for place, (name, _, _) in enumerate(sides):
                own_runs = [run[place] for run in runs if run[place]]
                if own_runs:
                    middle = {k: statistics.median(r[k] for r in own_runs) for k in ("wall", "cpu", "mb")}
                    ratio = statistics.median(r[place]["wall"] / r[0]["wall"] for r in runs if r[place] and r[0])
                    answer = own_runs[0]["answer"]
                    facts = {"size": size, "title": race.title, "job": race.job, "name": name}
                    yield {**facts, "ratio": ratio, "answer": answer, **middle}


def _run(name: str, before: Path | None, path: Path, cache: str) -> dict[str, Any] | None:
    """Run a job; None where this machine or the earlier dbtools lacks what the job is measured with."""
    environment = {**os.environ, "XDG_CACHE_HOME": f"{cache}-before" if before else cache}
    if hasattr(peers, name):
        environment["PYTHONPATH"] = str(PEERS)
    command = [sys.executable, "-c", HOST, str(before or sys.executable), str(JOBS), name, str(path)]
    # Not in the folder of this dbtools: earlier kernels imported what lay in the current one.
    done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if found["status"]:
        lacking = ("ModuleNotFoundError", "FileNotFoundError", "CalledProcessError", "AttributeError")
        if (before or hasattr(peers, name)) and any(word in found["error"] for word in lacking):
            return None
        raise RuntimeError(found["error"])
    return {**found, "answer": json.loads(found["out"].splitlines()[-1])}


def _surround(path: Path) -> None:
    """Put beside the database what the jobs need: a project with a CSV file of its versions, and a copy of its rows."""
    storage = path.parent / "project" / "storage"
    storage.mkdir(parents=True)
    (path.parent / "project" / "prompter.db").hardlink_to(path)
    (path.parent / "alone").mkdir()
    (path.parent / "alone" / "prompter.db").hardlink_to(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", [str(path.with_name("twin.db"))])
        connection.execute("VACUUM INTO ?", [str(path.with_name("earlier.db"))])
        columns = "prompt_id, version_no, id, text, source, explanation, created_at"
        query = f"SELECT {columns} FROM prompt_versions LIMIT 300000"
        with (storage / "prompt_versions.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(["prompt_id", "version_no", "version_uuid", "text", "source", "explanation", "timestamp"])
            for number, row in enumerate(connection.execute(query)):
                gone = number % 1000 == 0
                writer.writerow((row[0], row[1], f"{number:032x}", f"gone {number}", *row[4:]) if gone else row)
    with closing(sqlite3.connect(path.with_name("earlier.db"))) as earlier, earlier:
        # One version in a thousand was edited since, one removed, and one has a new id.
        earlier.execute("UPDATE prompt_versions SET text = 'before: ' || text WHERE rowid % 1000 = 1")
        earlier.execute("DELETE FROM prompt_versions WHERE rowid % 1000 = 2")
        earlier.execute("UPDATE prompt_versions SET id = lower(hex(randomblob(16))) WHERE rowid % 1000 = 3")


def table(records: list[dict[str, Any]]) -> str:
    """Return the Markdown table: one line per job and size."""
    lines = ["| job | versions | wall time | processor time | memory | compared |", "|---|---:|---:|---:|---:|---|"]
    for title in dict.fromkeys(r["title"] for r in records):
        for size in dict.fromkeys(r["size"] for r in records if r["title"] == title):
            own, *others = (r for r in records if (r["size"], r["title"]) == (size, title))
            beside = "; ".join(f"{SAID[other['name']]}: {_times(other['ratio'])}" for other in others)
            times = f"{_seconds(own['wall'])} | {_seconds(own['cpu'])} | {own['mb']:,.0f} MB"
            lines.append(f"| {title} | {size:,} | {times} | {beside} |")
    return "\n".join(lines) + "\n"


def growth(records: list[dict[str, Any]]) -> str:
    """Return the Markdown table of the exponents by which each job's processor time grows from size to size."""
    sizes = list(dict.fromkeys(record["size"] for record in records))
    steps = list(itertools.pairwise(sizes))
    heads = "".join(f" {few:,} to {many:,} |" for few, many in steps)
    lines = [f"| job |{heads}", f"|---|{'---:|' * len(steps)}"]
    for title in dict.fromkeys(r["title"] for r in records):
        used: dict[int, float] = {}
        for record in records:
            if record["title"] == title:
                used.setdefault(record["size"], record["cpu"])  # dbtools comes first
        if len(used) == len(sizes):
            cells = (f" {math.log(used[many] / used[few]) / math.log(many / few):.2f} |" for few, many in steps)
            lines.append(f"| {title} |{''.join(cells)}")
    return f"{_EXPONENT}\n" + "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else f"{value:,.0f} s"


def _times(value: float) -> str:
    return f"{value:.2g} times as long" if value < 100 else f"{value:,.0f} times as long"


def same_answers(records: list[dict[str, Any]]) -> None:
    """Refuse figures of competitors that do not answer alike."""
    for size in dict.fromkeys(r["size"] for r in records):
        found = {}
        for record in records:
            if record["size"] == size and record["job"] == "agents" and record["answer"]:
                rows = [list(r.values()) if isinstance(r, dict) else list(r) for r in record["answer"]]
                rows = sorted([r[0], int(r[1]), int(r[2] or 0), round(float(r[-1]), 6)] for r in rows)
                found[record["title"], record["name"]] = rows
        changes = {
            record["name"]: record["answer"]
            for record in records
            if record["size"] == size and record["job"] == "compare_states"
        }
        for answers in (found, changes):
            if len({json.dumps(answer) for answer in answers.values()}) > 1:
                raise RuntimeError(f"Not all give the same answer: {answers}")


def main() -> None:
    """Measure, print each figure, and write the table unless some jobs only were asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[3_000, 300_000])
    parser.add_argument("--only", default="", help="races whose job starts so; the table is printed, not written")
    parser.add_argument("--folder", type=Path, help="where the databases are kept from one run to the next")
    parser.add_argument("--before", type=Path, help="the Python of an environment with an earlier dbtools, to compare")
    options = parser.parse_args()
    races = [race for race in RACES if race.job.startswith(options.only)]
    records = []
    for size in options.sizes:
        some = [race for race in races if size == min(options.sizes) or not race.only_small]
        for record in measure(size, some, options.folder, options.before):
            records.append(record)
            print(
                f"{size:>10,} {record['title']:<45}{record['name']:<22}{record['wall']:>9.3f} s{record['cpu']:>9.3f} s"
                f"{record['mb']:>8.0f} MB{record['ratio']:>9.3f}",
                flush=True,
            )
    same_answers(records)
    if options.only:
        print("\n" + table(records))
        return
    page = ROOT / "docs" / "performance.md"
    text = _between(page.read_text(encoding="utf-8"), "speed", table(records))
    page.write_text(_between(text, "growth", growth(records)), encoding="utf-8")
    print(f"\nThe tables are in {page}")


def _between(text: str, name: str, lines: str) -> str:
    """Replace what stands between two marks of a page."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, _, rest = text.partition(start)
    return before + start + lines + end + rest.partition(end)[2]


if __name__ == "__main__":
    main()
