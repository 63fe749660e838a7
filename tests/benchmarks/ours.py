"""What people do with dbtools. Each job runs in a process of its own, and what is timed is the whole process."""

from __future__ import annotations

import tempfile
from pathlib import Path

HISTORY = ("prompt_versions", "judge_scores")


def agents(path: Path) -> list[dict]:
    """Wins and means per agent."""
    from dbtools import analysis

    return analysis.application_stats(path).to_dict()["sources"]


def effectiveness(path: Path) -> None:
    """Compare the agents in full."""
    from dbtools import analysis, attach

    with attach(path, texts=False, progress=False) as db:
        assert analysis.effectiveness(db).sentence


def evolution(path: Path) -> None:
    """Follow the prompts with the most versions."""
    from dbtools import analysis, attach

    with attach(path, texts=False, progress=False) as db:
        assert analysis.evolution(db).sentence


def attach_all(path: Path) -> None:
    """Attach what the jobs find attached, before those are measured."""
    from dbtools import attach

    folder = path.parent
    for file in (path, folder / "alone" / path.name, folder / "project" / path.name, folder / "earlier.db"):
        attach(file, progress=False).close()
    load_texts(path)


def load_texts(path: Path) -> None:
    """Attach with the long texts."""
    from dbtools import attach

    attach(path, texts=True, progress=False).close()


def export_csv(path: Path) -> None:
    """Write the history as CSV, and prove it by reading it back."""
    _export(path, "csv")


def export_parquet(path: Path) -> None:
    """Write the history as Parquet, and prove it by reading it back."""
    _export(path, "parquet")


def _export(path: Path, kind: str) -> None:
    from dbtools import attach, export

    with attach(path, texts=True, progress=False) as db, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        export.write(db, folder, layouts=HISTORY, formats=(kind,), guard=False, progress=False)


def audit(path: Path) -> None:
    """Run every check."""
    from dbtools import audit as room

    assert room.run(path.parent / "alone", progress=False).findings


def survey(path: Path) -> int:
    """Survey a project with a CSV file of its versions, a few of which exist nowhere else."""
    from dbtools import cleanup

    return sum(file.unique_rows for file in cleanup.survey(path.parent / "project", progress=False).files)


def same_rows(path: Path) -> None:
    """Compare two databases of the same rows and different bytes."""
    try:
        from dbtools.files.compare import missing_rows
    except ModuleNotFoundError:  # an earlier dbtools has it elsewhere
        from dbtools.files.rows import missing_rows

    assert not sum(missing_rows(path, [path.with_name("twin.db")]).values())


def compare_states(path: Path) -> list[int]:
    """Say what changed since an earlier state: rows of versions and scores that were added, removed and changed."""
    from dbtools import audit as room

    change = room.compare(path.with_name("earlier.db"), path, progress=False)
    of = {each.relation: each for each in change.relations}
    return [n for name in ("versions", "scores") for n in (of[name].added, of[name].removed, of[name].changed)]


def import_dbtools(path: Path) -> None:
    """Import the package."""
    import dbtools  # noqa: F401


def report(path: Path) -> None:
    """Run one notebook, to a page."""
    from dbtools import cli

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        assert cli.main(["run", "usage", "--root", str(path.parent / "alone"), "--out", folder]) in (0, 1)
        assert Path(folder, "usage.json").is_file(), "the notebook stopped"


def demo_fresh_kernels(path: Path) -> None:
    """Do as `demo`, with a kernel of its own for every report, as Jupyter starts them."""
    from contextlib import nullcontext

    from dbtools.notebooks import kernel

    kernel.forked_kernels = nullcontext
    demo(path)


def demo(path: Path) -> None:
    """Build the demo project and its nine reports."""
    from dbtools import cli

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        assert cli.main(["demo", f"{folder}/demo"]) in (0, 1)
        assert len(list(Path(folder, "demo", "reports").glob("*.json"))) >= 8, "a notebook stopped"
