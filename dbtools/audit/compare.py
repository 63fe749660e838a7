"""compare(): what changed between two states of a project: rows, findings, agents, files and cost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools import disk
from dbtools.audit import git
from dbtools.audit.checks import checks, run
from dbtools.audit.compare_rows import Example, RelationChange, agents_then_and_now, compare_rows
from dbtools.audit.context import only_database
from dbtools.audit.report import SEVERITIES, AuditReport
from dbtools.database import Database, attach, sqlite
from dbtools.database.schema import TABLES
from dbtools.errors import ParameterError, explained, readable
from dbtools.files.compare import same_bytes
from dbtools.files.git import GitError
from dbtools.files.git import run as run_git
from dbtools.files.inventory import find
from dbtools.html import counted, table
from dbtools.progress import step
from dbtools.project import Project
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

GIT = "git:"
_FILE_AREAS = ("file", "csv", "secrets", "schema")  # of checks that look at more than the rows of the database
_FEWEST_TEXTS = 6  # fewer do not tell how much chance may do
_ROWS, _FINDINGS = "which-rows-changed", "which-findings-are-new-gone-or-still-there"  # headings of the notebook


@dataclass(frozen=True)
class FindingChange:
    """A check that found something in one of the two states; None where it was not answered."""

    check: str
    severity: str
    state: str
    before: int
    after: int


@dataclass(frozen=True)
class Standing:
    """An agent's win rate and mean total then and now, with the 95% interval of the change (None: cannot be told)."""

    agent: str
    contests_before: int
    contests_after: int
    rate_before: float | None
    rate_after: float | None
    rate_change: float | None
    rate_low: float | None
    rate_high: float | None
    score_before: float | None
    score_after: float | None
    score_change: float | None
    score_low: float | None
    score_high: float | None


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """What changed between two states.

    Attributes
    ----------
    before, after : str
        The states, as they were named.
    relations : tuple of RelationChange
        The rows of each relation: added, removed, changed, and in which columns.
    by_counts : bool
        Whether one state is a report, of which only the number of rows is known.
    findings : tuple of FindingChange
        Checks that found something: new, gone or still there.
    standings : tuple of Standing
        The agents, real rows only.
    files : dict
        By path: ``new``, ``gone`` or ``changed``; None where one of the states is no whole project.
    cost : tuple
        Calls and US dollars, before and after; None where they are not recorded.
    notes : tuple of str
        What was not compared, and why.
    """

    before: str
    after: str
    relations: tuple[RelationChange, ...]
    by_counts: bool
    findings: tuple[FindingChange, ...]
    standings: tuple[Standing, ...]
    files: Mapping[str, str] | None
    cost: tuple[tuple[int, float] | None, tuple[int, float] | None]
    notes: tuple[str, ...] = ()

    @property
    def nothing_changed(self) -> bool:
        """Whether every cell of every relation was compared and is equal, and so are findings and files."""
        same = not self.by_counts and all(r.is_same and not r.not_compared for r in self.relations)
        return same and not self._news and not self.files

    @property
    def _news(self) -> list[FindingChange]:
        return [f for f in self.findings if f.state != "still there"]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per relation: relation, before, after, added, removed, changed, columns."""
        names = ["relation", "before", "after", "added", "removed", "changed", "columns"]
        rows = [{**asdict(r), "columns": r.columns_said} for r in self.relations]
        whole = ["before", "after", "added", "removed", "changed"]
        return frame_of(rows, names).astype(dict.fromkeys(whole, "Int64"))

    @cached_property
    def examples(self) -> pd.DataFrame:
        """One row per example and column: relation, id, change, column, value_before, value_after."""
        return frame_of((example for r in self.relations for example in r.examples), Example)

    @cached_property
    def findings_frame(self) -> pd.DataFrame:
        """One row per check: severity, check, state (new, gone, still there), before, after."""
        return frame_of(self.findings, FindingChange)[["severity", "check", "state", "before", "after"]]

    @cached_property
    def standings_frame(self) -> pd.DataFrame:
        """One row per agent: the attributes of `Standing`."""
        return frame_of(self.standings, Standing)

    @cached_property
    def files_frame(self) -> pd.DataFrame:
        """One row per file that is not as it was: path, change."""
        return frame_of(sorted((self.files or {}).items()), ["path", "change"])

    @property
    def sentence(self) -> str:
        """How many rows, findings and files changed, or that nothing did."""
        total = sum(r.after or 0 for r in self.relations)
        if self.nothing_changed:
            return f"nothing changed: all {counted(total, 'row')} in {len(self.relations)} relations are equal"
        kinds = {kind: sum(getattr(r, kind) or 0 for r in self.relations) for kind in ("added", "removed", "changed")}
        rows = [f"{n:,} {kind}" for kind, n in kinds.items() if n]
        if self.by_counts:
            other = sorted((r for r in self.relations if r.before != r.after), key=lambda r: -abs(r.grown))
            more = [f"{r.relation} {r.grown:+,}" for r in other[:3]]
            more += [f"{len(other) - 3} more tables"] if len(other) > 3 else []
            rows_said = f"number of rows: {', '.join(more) or 'the same'}"
        else:
            rows_said = f"rows: {', '.join(rows) or 'the same'}"
        states = {state: sum(f.state == state for f in self.findings) for state in ("new", "gone")}
        news = ", ".join(f"{n} {state}" for state, n in states.items() if n)
        parts = [rows_said, *([f"findings: {news}"] if news else [])]
        parts += [f"{counted(len(self.files), 'file')} changed, new or gone"] if self.files else []
        return "; ".join(parts)

    @property
    def details(self) -> list[str]:
        """The two states, the cost, and what was not compared."""
        found = [f"Before: {self.before}. After: {self.after}.", self._cost_said()]
        found += [f"{r.relation}: {why}." for r in self.relations for why in r.notes]
        return [text for text in (*found, *self.notes) if text]

    def _cost_said(self) -> str:
        before, after = self.cost
        if before is None or after is None:
            return ""
        return (
            f"Cost: ${before[1]:.4f} for {counted(before[0], 'call')} before, ${after[1]:.4f} for {after[0]:,} after."
        )

    @property
    def level(self) -> str:
        """The worst new finding; else a warning where rows were removed; else good."""
        new = {f.severity for f in self.findings if f.state == "new"}
        worst = next((s for s in SEVERITIES if s in new and s != "info"), "")
        return worst or ("warning" if any(r.removed for r in self.relations) else "good")

    @property
    def highlights(self) -> list[Highlight]:
        """New and gone findings, then the relations that changed most."""
        news = sorted(self._news, key=lambda f: (f.state != "new", SEVERITIES.index(f.severity)))
        found = [
            Highlight(
                f.severity if f.state == "new" else "good",
                f"{f.check} is {f.state}: {f.after:,} found.",
                _FINDINGS,
            )
            for f in news
        ]
        changed = [r for r in self.relations if (r.before != r.after if self.by_counts else not r.is_same)]
        rows = sorted(changed, key=lambda r: -r.touched)
        found += [Highlight("info", f"{r.relation}: {r.said}.", _ROWS) for r in rows]
        return found[:5]

    def _table(self) -> str:
        return table(self.frame, caption=self._caption, words=WORDS)

    def caption(self, part: str) -> str:
        """Return the caption of ``examples``, ``findings``, ``agents`` or ``files``, or why they are not compared."""
        if self.by_counts and part in ("examples", "agents"):
            return f"{_CAPTIONS[part]}: not compared, as {_ONLY_COUNTS}."
        if part == "files" and self.files is None:
            return f"{_CAPTIONS[part]}: not compared, as {_ONLY_COUNTS if self.by_counts else _NOT_WHOLE}."
        return _CAPTIONS[part]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        return {
            "before": readable(self.before),
            "after": readable(self.after),
            "nothing_changed": self.nothing_changed,
            "by_counts": self.by_counts,
            "relations": {r.relation: r.to_dict() for r in self.relations},
            "findings": [asdict(f) for f in self.findings],
            "agents": [asdict(s) for s in self.standings],
            "files": None if self.files is None else {readable(path): change for path, change in self.files.items()},
            "cost": {"before": self.cost[0], "after": self.cost[1]},
            "notes": list(self.notes),
            "sentence": self.sentence,
        }


WORDS = {
    "before": ("before", "How many there were."),
    "after": ("after", "How many there are."),
    "columns": ("changed columns", "In how many rows each column changed."),
    "change": ("change", ""),
    "rate_before": ("win rate before", "Contests won as a share of the contests."),
    "rate_after": ("win rate after", "Contests won as a share of the contests."),
    "rate_change": ("change of the win rate", ""),
    "score_before": ("mean total before", "Mean of the sum of the five scores, of 50."),
    "score_after": ("mean total after", "Mean of the sum of the five scores, of 50."),
    "score_change": ("change of the mean total", "In points of 50."),
}
"""Headings and notes of the tables of a comparison."""
_ONLY_COUNTS = "the JSON of a report has only findings and numbers of rows"
_NOT_WHOLE = "one of the two states is not a whole project"
_CAPTIONS = {
    "examples": "Examples of rows that were added, removed or changed",
    "findings": "Findings then and now",
    "agents": "Win rate and mean total",
    "files": "Databases and CSV files that are new, gone or changed",
}


@dataclass
class _State:
    """One of the two states: a database, alone or in a project, or the record of an earlier report.

    `database_only` is a project that holds only this database.
    """

    name: str
    db: Database | None = None
    project: Project | None = None
    database_only: Project | None = None
    record: Mapping[str, Any] | None = None


def compare(
    before: Project | str | os.PathLike[str], after: Project | str | os.PathLike[str], *, progress: bool = True
) -> Comparison:
    """Compare two states: rows by id and column, findings, agents, files and cost. Reads only.

    Rows are compared by the hash of every cell, ids whatever their spelling; a row that was removed and inserted again
    unchanged is equal. Rows with the same id are paired in the order of their values.

    Parameters
    ----------
    before, after : Project, path or text
        A project or its folder, a database file, a backup of one, the folder of a lake, ``git:COMMIT`` of the other
        state's project (``git:HEAD~3``), or the JSON file of an earlier report of dbtools.

    Raises
    ------
    ParameterError, DatabaseError, ProjectError
        One of the two cannot be used.
    """
    with ExitStack() as stack:
        states = [stack.enter_context(_opened(given, other)) for given, other in ((before, after), (after, before))]
        was, now = states
        step("comparing rows")
        by_counts = not (was.db and now.db)
        if was.db and now.db:
            relations = compare_rows(was.db, now.db)
            standings = tuple(_standing(row) for row in agents_then_and_now(was.db, now.db))
        else:
            relations, standings = _counts(was, now), ()
        step("comparing findings")
        findings, notes = _findings(was, now, progress)
        files = _files(was.project, now.project) if was.project and now.project else None
        if by_counts:
            notes = (*notes, f"Rows, agents, files and cost are not compared: {_ONLY_COUNTS}.")
        elif files is None:
            notes = (*notes, f"Files are not compared: {_NOT_WHOLE}.")
        return Comparison(
            was.name, now.name, relations, by_counts, findings, standings, files, (_cost(was), _cost(now)), notes
        )


@contextmanager
def _opened(given: Project | str | os.PathLike[str], other: object) -> Iterator[_State]:
    name = str(given.root) if isinstance(given, Project) else os.fspath(given)
    if not isinstance(given, Project) and name.startswith(GIT):
        with disk.temporary_folder("dbtools-compare-") as folder:
            file = _committed(name.removeprefix(GIT), _project_of(other), folder)
            with attach(file, texts=True, progress=False) as db:
                yield _State(name, db, database_only=only_database(file, folder))
        return
    if name.lower().endswith(".json") and Path(name).expanduser().is_file():
        yield _State(name, record=_record(Path(name).expanduser()))
        return
    with disk.temporary_folder("dbtools-compare-") as folder, _attached(given) as db:
        alone = not db.project and "://" not in name
        project = only_database(Path(name).expanduser().absolute(), folder) if alone else None
        # The address of a server as the database gives it: without the password.
        yield _State(str(db.origin["path"]) if "://" in name else name, db, db.project, project)


def _attached(given: Project | str | os.PathLike[str]) -> Database:
    """Attach with the long texts; a lake may have been written without them."""
    try:
        return attach(given, texts=True, progress=False)
    except ParameterError:
        return attach(given, progress=False)


def _project_of(other: object) -> Project:
    if isinstance(other, Project):
        return other
    path = None if other is None or str(other).startswith(GIT) or str(other).endswith(".json") else Path(str(other))
    return Project.find(path if path and path.expanduser().is_dir() else None)


def _committed(commit: str, project: Project, folder: Path) -> Path:
    """Write the database of a project as it was committed. Changes files: in the folder given."""
    todo = "give a commit, branch or tag that holds the project's database"
    if not isinstance(project.database, Path):
        raise ParameterError("No commit holds the database of the project", project.database, "compare its exports")
    try:
        path = project.relative(project.database)
        blob = run_git(project.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:./{path}")
        file = folder / "prompter.db"
        git.save(project, blob.decode().strip(), file)
    except GitError as error:
        raise ParameterError(f"The database cannot be read from git ({error})", commit, todo) from None
    return file


def _record(path: Path) -> Mapping[str, Any]:
    todo = "give the JSON file of a report of dbtools"
    with explained(
        ParameterError, "The report cannot be read", path, todo, catch=(OSError, ValueError, RecursionError)
    ):
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not {"checks", "tables"} & set(found):
            raise ValueError("it has neither findings nor numbers of rows")
        for counts in (found.get("checks", {}), found.get("tables", {})):
            if not isinstance(counts, dict) or not all(isinstance(n, int | None) for n in counts.values()):
                raise ValueError("its findings or numbers of rows are no numbers by name")
    return found


def _counts(was: _State, now: _State) -> tuple[RelationChange, ...]:
    """Return the numbers of rows by table, where a report is all that is known of one state."""
    relations = {table.name: table.relation for table in TABLES}
    tables = [s.db.origin["tables"] if s.db else (s.record or {}).get("tables", {}) for s in (was, now)]
    known = [{relations.get(name, name): rows for name, rows in of.items()} for of in tables]
    return tuple(
        RelationChange(name, known[0].get(name), known[1].get(name)) for name in sorted({*known[0], *known[1]})
    )


def _findings(was: _State, now: _State, progress: bool) -> tuple[tuple[FindingChange, ...], tuple[str, ...]]:
    counts = [_answers(state, progress) for state in (was, now)]
    if counts[0] is None or counts[1] is None:
        return (), ("Findings are not compared: one of the two states cannot be audited.",)
    every = {check.id: check for check in checks()}
    some = not all(s.project or s.record for s in (was, now))
    both = [c for c in every if c in counts[0] and c in counts[1] and not (some and every[c].area in _FILE_AREAS)]
    both.sort(key=lambda c: (SEVERITIES.index(every[c].severity), c))
    found = [
        FindingChange(c, every[c].severity, _word(counts[0][c], counts[1][c]), counts[0][c], counts[1][c])
        for c in both
        if counts[0][c] or counts[1][c]
    ]
    found.sort(key=lambda f: ("new", "gone", "still there").index(f.state))
    note = "Checks of files are left out, as one of the two states is not a whole project."
    return tuple(found), (note,) if some else ()


def _word(before: int, after: int) -> str:
    return "new" if after and not before else "gone" if before and not after else "still there"


def _answers(state: _State, progress: bool) -> dict[str, int] | None:
    """Return how much each check found that has an answer; None where the state cannot be audited."""
    if state.record is not None:
        found = state.record.get("checks")
        return {str(k): int(v) for k, v in found.items() if isinstance(v, int)} if isinstance(found, dict) else None
    project = state.project or state.database_only
    if project is None:
        return None
    report: AuditReport = run(project, progress=progress)
    return {f.check.id: f.count for f in report.findings if f.count is not None}


def _standing(row: Mapping[str, Any]) -> Standing:
    rate = change_of_ratio(row["rate_before"], row["rate_after"], row["rate_spread"], row["texts"])
    score = change_of_ratio(row["score_before"], row["score_after"], row["score_spread"], row["texts"])
    contests = row["agent"], row["contests_before"], row["contests_after"]
    return Standing(
        *contests, row["rate_before"], row["rate_after"], *rate, row["score_before"], row["score_after"], *score
    )


def change_of_ratio(
    before: float | None, after: float | None, spread: float | None, texts: int
) -> tuple[float | None, float | None, float | None]:
    """Return the change of a ratio of sums with its 95% interval.

    The texts are the clusters. What a text adds to the linearised difference of the two ratios has a mean of 0, and a
    contest that both states share adds to both: Taylor linearisation (D. A. Binder, International Statistical Review
    51 (1983) 279–292), with Student's t of the number of texts less 1.
    """
    from scipy.special import stdtrit

    if before is None or after is None:
        return None, None, None
    if spread is None or texts < _FEWEST_TEXTS:
        return after - before, None, None
    half = float(stdtrit(texts - 1, 0.975)) * sqrt(spread * texts / (texts - 1))
    return after - before, after - before - half, after - before + half


def _cost(state: _State) -> tuple[int, float] | None:
    if state.db is None or "token_usage" not in state.db.origin["columns"]:
        return None
    calls, cost = state.db.sql("SELECT count(*), coalesce(sum(cost_usd), 0) FROM token_usage").fetchall()[0]
    return int(calls), float(cost)


def _files(before: Project, after: Project) -> dict[str, str]:
    """Return the databases and CSV files that are new, gone or have other bytes."""
    was, now = (
        {p.relative(f.path): f for f in find(p) if f.is_regular and (f.is_csv or f.is_database)}
        for p in (before, after)
    )
    found = dict.fromkeys(now.keys() - was.keys(), "new") | dict.fromkeys(was.keys() - now.keys(), "gone")
    for path in was.keys() & now.keys():
        if not _same_bytes(was[path].path, now[path].path):
            found[path] = "changed"
    return dict(sorted(found.items()))


def _same_bytes(one: Path, other: Path) -> bool:
    try:
        return same_bytes(one, other)
    except OSError:
        return False
    finally:
        for path in (one, other):
            with suppress(OSError):
                sqlite.release(path)
