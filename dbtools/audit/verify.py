"""Compare a project with its expectations: files, row counts, versions by source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database import Database, attach, schema
from dbtools.errors import ParameterError, readable, usable
from dbtools.project import Project, check_expectations, read_expectations
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Expectation:
    """One expectation, and what was found."""

    name: str
    expected: str | int
    found: str | int

    @property
    def passed(self) -> bool:
        """Whether the two are equal."""
        return self.expected == self.found


@dataclass(frozen=True, repr=False)
class Verification(Result):
    """The expectations of a project and what was found; `stated`: whether the expectations were given."""

    expectations: tuple[Expectation, ...]
    stated: bool = True

    @property
    def passed(self) -> bool:
        """Whether every expectation holds."""
        return all(e.passed for e in self.expectations)

    @property
    def sentence(self) -> str:
        """Whether the expectations hold, and which do not."""
        wrong = [e for e in self.expectations if not e.passed]
        if not wrong and not self.stated:
            return "no expectations are stated (dbtools.toml, or expect); the databases in use are there"
        if not wrong:
            return (
                f"all {len(self.expectations)} expectations hold"
                if len(self.expectations) > 1
                else "the expectation holds"
            )
        shown = "; ".join(f"{e.name}: expected {e.expected}, found {e.found}" for e in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return f"{len(wrong)} of {len(self.expectations)} expectations do not hold ({shown}{more})"

    @property
    def level(self) -> str:
        """Good where every stated expectation holds, neutral without any."""
        return "error" if not self.passed else "good" if self.stated else "neutral"

    @property
    def highlights(self) -> list[Highlight]:
        """The first five expectations that do not hold."""
        wrong = [e for e in self.expectations if not e.passed]
        said = [f"{e.name}: expected {e.expected}, found {e.found}." for e in wrong[:5]]
        return [Highlight("error", text, "is-everything-as-expected") for text in said]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per expectation: name, expected, found, passed."""
        columns = ["name", "expected", "found", "passed"]
        return frame_of(self.to_dict()["expectations"], columns).astype({"expected": "str", "found": "str"})

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as JSON-ready values."""
        return {
            "passed": self.passed,
            "expectations": [{**asdict(e), "passed": e.passed} for e in self.expectations],
        }


def verify(
    project: Project | str | os.PathLike[str], expect: str | os.PathLike[str] | Mapping[str, Any] | None = None
) -> Verification:
    """Compare a project with its expectations. Reads only.

    Parameters
    ----------
    expect : path or mapping, optional
        A TOML file or a mapping with ``present``, ``absent``, ``rows``, ``versions_by_source``; by default the
        ``[expect]`` section of dbtools.toml. Without any, the files of the databases in use must be there.

    Raises
    ------
    ParameterError, ProjectError
        The expectations cannot be used.
    """
    project = Project.find(project)
    if isinstance(expect, Mapping):
        wanted = check_expectations(expect, "expect")
    else:
        wanted = read_expectations(expect) if expect else project.expect
    stated = bool(wanted)
    if not stated:
        files = [path for path in (project.database, project.auth) if isinstance(path, Path)]
        wanted = {"present": [project.relative(path) for path in files]}
    with attach(project) as db:
        return Verification((*_files(project, wanted), *_counts(db, wanted)), stated)


def _files(project: Project, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    for expected in ("present", "absent"):
        for name in wanted.get(expected, ()):
            path = (project.root / name).absolute()
            with usable(name):
                folder = path.parent.resolve()
            if not folder.is_relative_to(project.root):
                raise ParameterError(f"expect.{expected} names a path outside the project", name, "name one inside")
            yield Expectation(f"file {readable(name)}", expected, "present" if os.path.lexists(path) else "absent")


def _counts(db: Database, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    rows: Mapping[str, int] = db.origin["tables"]
    by_relation = {t.relation: t.name for t in schema.TABLES}
    for name, expected in wanted.get("rows", {}).items():
        found = rows.get(by_relation.get(name, name), "no such table")
        yield Expectation(f"rows of {readable(name)}", expected, found)
    if "versions_by_source" in wanted:
        expected_by = wanted["versions_by_source"]
        found_by = dict(
            db.sql("SELECT coalesce(source, '(none)') AS s, count(*) FROM versions GROUP BY s ORDER BY s").fetchall()
        )
        for source in [*expected_by, *(s for s in found_by if s not in expected_by)]:
            yield Expectation(f"versions by {readable(source)}", expected_by.get(source, 0), found_by.get(source, 0))
