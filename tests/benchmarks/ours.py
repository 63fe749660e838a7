"""What dbtools is measured at. Each job gets the database, does its imports and set-up, and returns what is timed."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = Callable[[], Any]
HISTORY = ("prompt_versions", "judge_scores")


def agents(path: Path) -> Job:
    """Wins and means per agent, nothing being there."""
    from dbtools import analysis
    from dbtools.database import cache

    cache.forget(path)
    return lambda: analysis.application_stats(path).to_dict()["sources"]


def agents_hot(path: Path) -> Job:
    """Ask the attached database once more."""
    from dbtools import analysis, attach

    db = attach(path, texts=False, progress=False)
    analysis.application_stats(db)
    return lambda: analysis.application_stats(db).to_dict()["sources"]


def notice(path: Path) -> Job:
    """Tell whether the database changed: a thousand times over."""
    from dbtools.database.sqlite import fingerprint

    return lambda: [fingerprint(path) for _ in range(1000)]


def load(path: Path) -> Job:
    """Attach without the long texts, nothing being there."""
    from dbtools.database import attach, cache

    cache.forget(path)
    return lambda: attach(path, texts=False, progress=False).close()


def load_texts(path: Path) -> Job:
    """Attach with the long texts, nothing being there."""
    from dbtools.database import attach, cache

    cache.forget(path)
    return lambda: attach(path, texts=True, progress=False).close()


def export_csv(path: Path) -> Job:
    """Write the history as CSV from the attached database, proof left out."""
    return _export(path, "csv")


def export_parquet(path: Path) -> Job:
    """Write the history as Parquet from the attached database, proof left out."""
    return _export(path, "parquet")


def _export(path: Path, kind: str) -> Job:
    from dbtools import attach, export

    write = importlib.import_module("dbtools.export.write")
    prove, proof = write.prove, [0.0]

    def timed(*args: Any, **options: Any) -> int:
        start = time.perf_counter()
        rows = prove(*args, **options)
        proof[0] += time.perf_counter() - start
        return int(rows)

    write.prove = timed
    db = attach(path, texts=True, progress=False)
    folder = tempfile.mkdtemp(prefix="export-", dir=path.parent)

    def job() -> dict[str, float]:
        written = export.write(db, folder, layouts=HISTORY, formats=(kind,), guard=False, progress=False)
        return {"apart": proof[0], "bytes": sum(file.bytes for file in written.files)}

    return job


def effectiveness(path: Path) -> Job:
    """Compare the agents in full, the database being attached."""
    from dbtools import analysis, attach

    db = attach(path, texts=False, progress=False)

    def job() -> None:
        assert analysis.effectiveness(db).agents

    return job


def audit(path: Path) -> Job:
    """Run every check, the typed copy being there."""
    from dbtools import Project, attach
    from dbtools import audit as room

    project = Project.find(path.parent / "alone")
    attach(project, progress=False).close()

    def job() -> None:
        assert room.run(project, progress=False).findings

    return job


def survey_csv(path: Path) -> Job:
    """Survey a project: a CSV file of all versions, a few of which exist nowhere; the typed copy being there."""
    from dbtools import Project, attach, cleanup

    project = Project.find(path.parent / "project")
    attach(project, texts=True, progress=False).close()
    return lambda: sum(file.unique_rows for file in cleanup.survey(project, progress=False).files)


def same_bytes(path: Path) -> Job:
    """Take the digest by which a copy is known."""
    from dbtools.database.sqlite import sha256

    return lambda: sha256(path)


def same_rows(path: Path) -> Job:
    """Hold two databases of the same rows and different bytes against each other."""
    from dbtools.files.compare import missing_rows

    return lambda: missing_rows(path, [path.with_name("twin.db")])


def start(path: Path) -> Job:
    """Start Python and get the first answer of the small database."""
    code = "import sys; from dbtools import analysis; print(analysis.application_stats(sys.argv[1]))"
    return lambda: subprocess.run([sys.executable, "-c", code, str(path)], check=True, stdout=subprocess.DEVNULL)


def import_dbtools(path: Path) -> Job:
    """Start Python and import the package."""
    return lambda: subprocess.run([sys.executable, "-c", "import dbtools"], check=True)


def report(path: Path) -> Job:
    """Run the usage notebook on a small project, to a page."""
    from dbtools.notebooks import run

    folder = tempfile.mkdtemp(prefix="report-", dir=path.parent)
    return lambda: run("usage", path.parent / "alone", out=folder, progress=False)
