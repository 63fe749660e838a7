"""What the application itself would report, for comparison."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbtools.analysis.query import query
from dbtools.database import Database
from dbtools.database.attach import opened
from dbtools.html import table
from dbtools.project import Project
from dbtools.result import Result, frame_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SourceStats:
    """One source by the application's definition.

    Attributes
    ----------
    versions, wins, win_rate
        All its versions, how many of them are a recorded head, and the share.
    scored, mean_total
        Versions with a score, and the mean sum of its five scores on whatever scale they are stored.
    """

    source: str
    versions: int
    wins: int
    win_rate: float
    scored: int
    mean_total: float | None


@dataclass(frozen=True, repr=False)
class ApplicationStats(Result):
    """The application's own figures per source: of all rows, whatever their provenance and scale."""

    sources: tuple[SourceStats, ...]
    filter_note: str = ""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per source: source, versions, wins, win_rate, scored, mean_total."""
        return frame_of(self.sources, SourceStats)

    @property
    def sentence(self) -> str:
        """What these figures are, and what they are not."""
        versions = sum(s.versions for s in self.sources)
        return (
            f"The application's own figures over all {versions:,} versions: real and generated rows and all scales "
            "together, so no evidence of effectiveness."
        )

    @property
    def details(self) -> list[str]:
        """How the figures are defined, and which prompts alone count."""
        defined = "A win is a version that is a recorded head; the mean total is the mean sum of the five scores."
        return [defined, f"Counted are {self.filter_note} only."] if self.filter_note else [defined]

    def _table(self) -> str:
        stored = {"mean_total": ("mean of stored totals", "Mean of the sums of five scores, whatever their scale.")}
        return table(self.frame, caption=self._caption, formats={"win_rate": ".1%"}, words=stored)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {"sources": [asdict(s) for s in self.sources], "sentence": self.sentence, "details": self.details}


def application_stats(source: Database | Project | str | os.PathLike[str]) -> ApplicationStats:
    """Count versions, heads and scores per source as the application does. Reads only.

    Parameters
    ----------
    source : Database, Project or path
        A path is read in place and nothing is cached: the fastest first answer.

    Raises
    ------
    DatabaseError, BusyError, ExtensionError, ProjectError
        As `attach`.
    """
    with opened(source, texts=False, progress=False) as db, db.session() as connection:
        found = query(connection, "application").fetchall()
    return ApplicationStats(tuple(SourceStats(*row) for row in found), db.filter_note)
