"""``make bench``: measure jobs against peers, interleaved, and print medians, ratios and memory. Asserts no time."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from data import write

PAIRS = (("effectiveness", "effectiveness_pandas"), ("audit", "audit_sqlite3"))
JOBS = Path(__file__).with_name("jobs.py")


def main(sizes: list[int]) -> None:
    """Measure every pair at every size; the typed copy is built once per size, and measured as a job of its own."""
    print(f"{'versions':>10} {'job':<24}{'seconds':>9}{'MB':>8}   {'peer':<24}{'seconds':>9}{'MB':>8}{'ratio':>8}")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="dbtools-bench-") as folder:
            path = Path(folder) / "prompter.db"
            write(path, size)
            environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache"}
            first = _measure("attach_first", path, environment)
            print(f"{size:>10,} {'attach_first':<24}{first['seconds']:>9.2f}{first['mb']:>8.0f}", flush=True)
            repeats = 5 if size < 100_000 else 3 if size < 1_000_000 else 1
            for job, peer in PAIRS:
                runs = [[_measure(name, path, environment) for name in (job, peer)] for _ in range(repeats)]
                ours, theirs = ({k: statistics.median(r[i][k] for r in runs) for k in runs[0][i]} for i in (0, 1))
                ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in runs)
                print(
                    f"{size:>10,} {job:<24}{ours['seconds']:>9.2f}{ours['mb']:>8.0f}   "
                    f"{peer:<24}{theirs['seconds']:>9.2f}{theirs['mb']:>8.0f}{ratio:>8.2f}",
                    flush=True,
                )


def _measure(name: str, path: Path, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, str(JOBS), name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [3_000, 300_000])
