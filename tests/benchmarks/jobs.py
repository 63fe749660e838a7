"""The jobs that are measured, each in a process of its own: `python jobs.py NAME DATABASE` prints seconds and MB."""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

DIMENSIONS = "clarity + specificity + actionability + structure + context_use"
# The questions of the audit that SQLite's own SQL can ask as they stand.
CHECKS = (
    "PRAGMA integrity_check",
    "PRAGMA foreign_key_check",
    "SELECT count(*) FROM prompt_versions v LEFT JOIN prompts p ON p.id = v.prompt_id WHERE p.id IS NULL",
    "SELECT count(*) FROM judge_scores s LEFT JOIN prompt_versions v ON v.id = s.prompt_version_id WHERE v.id IS NULL",
    "SELECT count(*) FROM (SELECT 1 FROM prompt_versions GROUP BY prompt_id, version_no HAVING count(*) > 1)",
    "SELECT count(*) FROM judge_scores WHERE max(clarity, specificity, actionability, structure, context_use) > 10",
    "SELECT count(*) FROM prompt_versions c JOIN prompt_versions p ON p.id = c.parent_version_id "
    "WHERE c.created_at < p.created_at",
    "SELECT count(*) FROM prompt_versions v JOIN prompts p ON p.id = v.prompt_id WHERE v.created_at < p.created_at",
    "SELECT count(*) FROM best_heads h JOIN judge_scores s ON s.prompt_version_id = h.prompt_version_id "
    f"WHERE abs(h.score - ({DIMENSIONS})) > 1e-6",
    "SELECT count(*) FROM prompts p LEFT JOIN best_heads h ON h.prompt_id = p.id WHERE h.prompt_id IS NULL",
    "SELECT count(*) FROM prompt_versions WHERE trim(text) = ''",
    "SELECT count(*) FROM judge_scores WHERE feedback LIKE '%\"synthetic\": true%'",
    "SELECT count(*) FROM (SELECT original_text FROM prompts GROUP BY lower(original_text) HAVING count(*) > 2)",
)


def attach_first(path: Path) -> None:
    """Attach a database that was not attached before: snapshot, load, types."""
    from dbtools import attach

    attach(path, texts=False, progress=False).close()


def effectiveness(path: Path) -> None:
    """Compare the agents, the typed copy being there."""
    from dbtools import analysis, attach

    with attach(path, texts=False, progress=False) as db:
        assert analysis.effectiveness(db).agents


def effectiveness_pandas(path: Path) -> None:
    """Read with pandas; wins, means and paired differences only: no clusters, no multiverse, no exact tests."""
    import pandas as pd

    with sqlite3.connect(path) as connection:
        versions = pd.read_sql("SELECT id, prompt_id, source FROM prompt_versions", connection)
        scores = pd.read_sql(f"SELECT prompt_version_id AS id, {DIMENSIONS} AS total FROM judge_scores", connection)
        heads = pd.read_sql("SELECT prompt_version_id AS id, 1 AS head FROM best_heads", connection)
    rows = versions.merge(scores, on="id", how="left").merge(heads, on="id", how="left")
    assert len(rows.groupby("source").agg(n=("head", "size"), wins=("head", "sum"), mean=("total", "mean"))) == 3
    wide = rows.pivot_table(index="prompt_id", columns="source", values="total")
    for a, b in (("syntax", "structure"), ("syntax", "domain"), ("structure", "domain")):
        (wide[a] - wide[b]).agg(["mean", "sem"])


def audit(path: Path) -> None:
    """Run every check, the typed copy being there."""
    from dbtools import Project
    from dbtools import audit as room

    assert room.run(Project.find(path.parent), progress=False).findings


def audit_sqlite3(path: Path) -> None:
    """Ask the thirteen questions that SQLite's SQL can ask as they stand, of the more than eighty."""
    with sqlite3.connect(path) as connection:
        for check in CHECKS:
            connection.execute(check).fetchall()


def main(name: str, path: str) -> None:
    """Run one job and print what it took: seconds after the imports of this file, peak memory in MB."""
    job: Callable[[Path], None] = globals()[name]
    start = time.perf_counter()
    job(Path(path))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
