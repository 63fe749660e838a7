"""Run one job: `python jobs.py NAME DATABASE` prints what it returned, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import ours
import peers


def main(name: str, path: str) -> None:
    """Run the job, and leave its answer as the last line."""
    job = getattr(ours, name, None) or getattr(peers, name)
    answer = job(Path(path))
    answer = answer() if callable(answer) else answer  # a peer returns its job
    print(json.dumps(answer if isinstance(answer, (int, list)) else None))


if __name__ == "__main__":
    main(*sys.argv[1:])
