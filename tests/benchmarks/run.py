"""``make bench``: measure dbtools beside its peers, interleaved, each run in a process of its own. Asserts no time.

Prints medians and ratios, and the table of the README at the end.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import peers
from data import write

JOBS = Path(__file__).with_name("jobs.py")
PEERS = Path(sys.prefix) / "peers"  # apart, so that nothing else comes to use what they need
SMALL = 3_000
MOST, LONG = 3, 10.0  # times a race is run, unless it has taken so many seconds


@dataclass(frozen=True)
class Race:
    """One question: dbtools' job, the peers that answer it too, and whether all must give the same answer."""

    title: str
    job: str
    peers: tuple[str, ...]
    only: str = ""  # "small": measured at the smallest size only


AGENTS = ("scan_1", "scan_2", "agents_polars", "agents_adbc", "agents_pandas", "agents_sqlite3", "agents_cli")
RACES = (
    Race("agents, nothing cached", "agents", ("read_file", *AGENTS)),
    Race("the application's own loop", "agents", ("agents_orm",), "small"),
    Race("agents again", "agents_hot", ()),
    Race("1,000 × has it changed?", "notice", ()),
    Race("attach", "load", ()),
    Race("attach with texts", "load_texts", ()),
    Race("history to CSV", "export_csv", ("csv_module", "csv_application", "csv_cli")),
    Race("history to Parquet", "export_parquet", ("parquet_pandas",)),
    Race("rows of a CSV file known?", "survey_csv", ("csv_ids_pandas", "csv_ids_polars")),
    Race("same bytes?", "same_bytes", ("hashlib_sha256",)),
    Race("same rows, other bytes?", "same_rows", ("cli_sha3sum",)),
    Race("effectiveness in full", "effectiveness", ("effectiveness_pandas",)),
    Race("audit in full", "audit", ("audit_sqlite3", "scan_all")),
    Race("first answer, whole process", "start", ("start_duckdb",), "small"),
    Race("import, whole process", "import_dbtools", ("start_python",), "small"),
    Race("a report", "report", ("empty_notebook",), "small"),
)


def measure(size: int, races: tuple[Race, ...], folder: Path | None) -> Iterator[dict[str, Any]]:
    """Yield one record per race and competitor: medians, and the median of the ratios taken run by run."""
    with tempfile.TemporaryDirectory(prefix="dbtools-bench-") as scratch:
        path = (folder or Path(scratch)) / str(size) / "prompter.db"
        if not path.is_file():
            path.parent.mkdir(parents=True)
            write(path, size)
            _surround(path)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache"}
        with path.open("rb") as handle:  # or whoever comes first waits for the disk
            while handle.read(1 << 24):
                pass
        for race in races:
            if race.only == "small" and size != SMALL:
                continue
            names = (race.job, *race.peers)
            runs: list[list[dict[str, Any] | None]] = []
            until = time.monotonic() + LONG
            while not runs or (len(runs) < MOST and time.monotonic() < until):
                runs.append([_run(name, path, environment) for name in names])
            for place, name in enumerate(names):
                own = [run[place] for run in runs if run[place]]
                if not own:
                    continue
                ratio = statistics.median(run[0]["seconds"] / run[place]["seconds"] for run in runs if run[place])
                yield {
                    "size": size,
                    "title": race.title,
                    "name": name,
                    "seconds": statistics.median(each["seconds"] for each in own),
                    "ratio": ratio,
                    "mb": max(each["mb"] for each in own),
                    "apart": statistics.median(each.get("apart", 0) for each in own),
                    "answer": own[0]["answer"],
                }


def _run(name: str, path: Path, environment: dict[str, str]) -> dict[str, Any] | None:
    """Run a job; None where this machine lacks what the job is measured with."""
    if hasattr(peers, name):
        environment = {**environment, "PYTHONPATH": str(PEERS)}
    command = [sys.executable, str(JOBS), name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        lacking = ("ModuleNotFoundError", "FileNotFoundError", "CalledProcessError")
        if not any(word in done.stderr for word in lacking):
            raise RuntimeError(done.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def _surround(path: Path) -> None:
    """Put beside the database what the jobs need: a project with a CSV file of its versions, and a copy of its rows."""
    storage = path.parent / "project" / "storage"
    storage.mkdir(parents=True)
    (path.parent / "project" / "prompter.db").hardlink_to(path)
    (path.parent / "alone").mkdir()
    (path.parent / "alone" / "prompter.db").hardlink_to(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", [str(path.with_name("twin.db"))])
        columns = "prompt_id, version_no, id, text, source, explanation, created_at"
        query = f"SELECT {columns} FROM prompt_versions LIMIT 300000"
        with (storage / "prompt_versions.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(["prompt_id", "version_no", "version_uuid", "text", "source", "explanation", "timestamp"])
            for number, row in enumerate(connection.execute(query)):
                gone = number % 1000 == 0
                writer.writerow((row[0], row[1], f"{number:032x}", f"gone {number}", *row[4:]) if gone else row)


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return the Markdown table: one line per race and size; of a peer, how many times as long it takes."""
    lines = ["| versions | job | dbtools | MB | how many times as long others take |", "|---:|---|---:|---:|---|"]
    for size in dict.fromkeys(r["size"] for r in records):
        for title in dict.fromkeys(r["title"] for r in records if r["size"] == size):
            own, *others = (r for r in records if (r["size"], r["title"]) == (size, title))
            beside = ", ".join(f"{_words(o['name'])} {_times(1 / o['ratio'])} ({o['mb']:,.0f} MB)" for o in others)
            proof = f" + proof {_seconds(own['apart'])}" if own["apart"] else ""
            lines.append(f"| {size:,} | {title} | {_seconds(own['seconds'])}{proof} | {own['mb']:,.0f} | {beside} |")
    return lines


def _words(name: str) -> str:
    return name.replace("agents_", "").replace("_", " ")


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _times(value: float) -> str:
    return f"{value:.2g} ×" if value < 100 else f"{value:,.0f} ×"


def same_answers(records: list[dict[str, Any]]) -> None:
    """Refuse figures of competitors that do not answer alike."""
    for size in dict.fromkeys(r["size"] for r in records):
        found = {}
        for record in records:
            if record["size"] == size and record["name"].startswith("agents") and record["answer"]:
                rows = [list(r.values()) if isinstance(r, dict) else list(r) for r in record["answer"]]
                found[record["name"]] = sorted([r[0], int(r[1]), int(r[2] or 0), round(float(r[-1]), 6)] for r in rows)
        if len({json.dumps(rows) for rows in found.values()}) > 1:
            raise RuntimeError(f"Not all give the same answer: {found}")


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[SMALL, 300_000])
    parser.add_argument("--only", default="", help="races whose job starts so")
    parser.add_argument("--folder", type=Path, help="where the databases are kept from one run to the next")
    parser.add_argument("--keep", type=Path, help="a file to which the figures are added, as JSON lines")
    options = parser.parse_args()
    races = tuple(race for race in RACES if race.job.startswith(options.only))
    records = []
    for size in options.sizes:
        for record in measure(size, races, options.folder):
            records.append(record)
            print(
                f"{size:>10,} {record['title']:<30}{record['name']:<22}{record['seconds']:>10.4f} s"
                f"{record['mb']:>8.0f} MB{record['ratio']:>9.3f}"
                + (f"  + {record['apart']:.2f} s apart" if record["apart"] else ""),
                flush=True,
            )
            if options.keep:
                with options.keep.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(record) + "\n")
    same_answers(records)
    print("\n" + "\n".join(table(records)))


if __name__ == "__main__":
    main()
