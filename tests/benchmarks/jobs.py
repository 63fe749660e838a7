"""Run one job in a process of its own: `python jobs.py NAME DATABASE` prints seconds, MB and what the job returned."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import ours
import peers


def main(name: str, path: str) -> None:
    """Time the job, imports and set-up left out; the peak of memory is that of the whole process and its children."""
    job = getattr(ours, name, None) or getattr(peers, name)
    work = job(Path(path))
    start = time.perf_counter()
    answer = work()
    measured = {"seconds": time.perf_counter() - start, "answer": None}
    measured.update(answer if isinstance(answer, dict) else {})
    if isinstance(answer, (int, list)):
        measured["answer"] = answer
    measured["seconds"] -= measured.get("apart", 0)
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({**measured, "mb": max(peaks) / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
