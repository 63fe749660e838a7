"""What a cleanup decided about each file, in one table, with what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools.cleanup.model import FileEvidence, Manifest, Plan, shown
from dbtools.cleanup.survey import Survey
from dbtools.html import counted
from dbtools.result import Highlight, Result

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ["path", "action", "verdict", "size_bytes", "modified", "rows", "unique_rows", "rescued_rows", "reason"]


@dataclass(frozen=True, repr=False)
class Decisions(Result):
    """The files of a project: what they are, what was decided about each, and why."""

    survey: Survey
    plan: Plan
    result: Manifest

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per file: path, action, verdict, size_bytes, modified, rows, unique_rows, rescued_rows, reason."""
        rescued = {shown(r.path): len(r.rescue) for r in self.plan.removals}
        known = self.survey.frame.drop(columns="reason").drop_duplicates("path")
        found = self.result.frame[["path", "action", "reason"]].merge(known, on="path", how="left")
        return found.assign(rescued_rows=[rescued.get(path, 0) for path in found["path"]])[_COLUMNS]

    @property
    def sentence(self) -> str:
        """What was done, or would be."""
        return self.result.sentence

    @property
    def details(self) -> list[str]:
        """Why rows are rescued, where they are, and the command that comes next."""
        return [*self._rescued(), *self._next()]

    @property
    def highlights(self) -> list[Highlight]:
        """The command that comes next, and how many rows are rescued."""
        said, files = [*self._next()], sum(bool(removal.rescue) for removal in self.plan.removals)
        if files:
            rows = f"{counted(self.result.rescued_rows, 'row')} {self._rescued_or_would_be}"
            said.append(f"{rows} from {counted(files, 'file')}, as listed below the table.")
        return [Highlight("info", text, "which-files-go-which-stay-and-why") for text in said]

    @property
    def _rescued_or_would_be(self) -> str:
        return "would be rescued" if self.result.dry_run else "rescued"

    def _rescued(self) -> Iterator[str]:
        evidence = {file.path: file for file in self.survey.files}
        for removal in self.plan.removals:
            if removal.rescue and removal.path in evidence:
                why = _why_rescued(evidence[removal.path])
                rows = counted(len(removal.rescue), "row")
                yield f"{shown(removal.path)}: {rows} {self._rescued_or_would_be}: {why}."

    def _next(self) -> Iterator[str]:
        project, run = self.plan.project, self.result.path
        root = shlex.quote(str(project.root))
        if self.result.dry_run:
            if self.plan.removals:
                yield f"To apply it: dbtools run cleanup --root {root} -p dry_run False"
            return
        if run is None:
            return
        outside = (
            "" if run.parent == project.root / "backup_old_csvs" else f" -p backup_dir {shlex.quote(str(run.parent))}"
        )
        yield f"To undo it: dbtools run restore --root {root} -p run {run.name}{outside}"
        names = sorted(file.stem for file in run.glob("rescued/rescued_*.parquet"))
        if names:
            yield f"The rescued rows: attach({str(project.root)!r}).sql('FROM {names[0]}')" + (
                f", and the same with {', '.join(names[1:])}" if names[1:] else ""
            )

    def to_dict(self) -> dict[str, Any]:
        """Return survey, plan and result as JSON-ready values."""
        return {**self.survey.to_dict(), **self.result.to_dict()}


def decisions(survey: Survey, plan: Plan, result: Manifest) -> Decisions:
    """Return what was decided about every file, in one table. Pure."""
    return Decisions(survey, plan, result)


def _why_rescued(file: FileEvidence) -> str:
    parts = []
    if file.unique:
        parts.append(f"{len(file.unique):,} exist{'s' if len(file.unique) == 1 else ''} nowhere else")
    if file.incomplete:
        one = len(file.incomplete) == 1
        parts.append(
            f"{len(file.incomplete):,} {'is' if one else 'are'} known by id or text, but "
            f"{'has a cell' if one else 'have cells'} that the database does not have"
        )
    return ", and ".join(parts)
