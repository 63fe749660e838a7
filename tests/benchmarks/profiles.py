"""``make profile``: where the time of the agent question, of the export and of the import goes, to profiles/."""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import ours
from data import write

LINES = 40


def main(size: int = 300_000) -> None:
    """Write one text file per job: functions by cumulated seconds; of the import, modules by microseconds."""
    target = Path("profiles")
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dbtools-profile-") as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        path = Path(folder) / "prompter.db"
        write(path, size)
        for name in ("agents", "export_csv"):
            profile = cProfile.Profile()
            profile.runcall(getattr(ours, name), path)
            with (target / f"{name}.txt").open("w", encoding="utf-8") as handle:
                pstats.Stats(profile, stream=handle).sort_stats("cumulative").print_stats(LINES)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import dbtools"], check=True, capture_output=True, text=True
    )
    (target / "import.txt").write_text(done.stderr, encoding="utf-8")
    print("\n".join(str(file) for file in sorted(target.iterdir())))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
