"""The result of an audit: findings as a frame, as HTML, as JSON and as CSV, and the rows of each check."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import ConflictError, DatabaseError, ParameterError, explained, usable
from dbtools.html import counted, listed, table
from dbtools.project import Project
from dbtools.result import Highlight, Result, frame_of

if TYPE_CHECKING:
    import pandas as pd

SEVERITIES = ("critical", "error", "warning", "info")  # worst first
_WORDS = {
    "sample": ("for example", "One of the rows."),
    "earlier": ("found earlier", "How many the earlier audit found."),
}
_NOUNS = {"critical": "critical finding", "error": "error", "warning": "warning", "info": "note"}
_SHOWN = ["check", "severity", "area", "count", "question", "hint", "sample"]


@dataclass(frozen=True)
class Check:
    """One check, read from the file ``checks/<id>.sql``.

    Attributes
    ----------
    severity, area, question, hint : str
        How bad a finding is, where it belongs, what the check asks, and what to do about a finding.
    needs : tuple of str
        What must exist for the check to apply: every relation that the query reads, but for the optional ones, and the
        columns that its header names (``versions.change_type``).
    query : str
        The text of the file. It returns one row per finding; the first column is called ``id``.
    """

    id: str
    severity: str
    area: str
    question: str
    hint: str
    needs: tuple[str, ...]
    query: str


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    count : int or None
        How many bad rows there are; None where the check does not apply, or could not be answered.
    sample : tuple of str
        The ids of the first bad rows.
    reason : str
        Why there is no count; where there is one, what the check left out.
    unanswered : bool
        Whether the check applies, but the data could not be read.
    """

    check: Check
    count: int | None
    sample: tuple[str, ...] = ()
    reason: str = ""
    unanswered: bool = False


@dataclass(frozen=True, repr=False)
class AuditReport(Result):
    """The findings of all checks on one state of the database.

    Attributes
    ----------
    findings : tuple of Finding
        All checks: those that found something first, the worst severity first.
    provenance : dict
        By relation and provenance (``real``, ``generated``, ``placeholder``, ``unknown``): how many rows.
    scales : tuple
        Source, scale, and how many versions of that source were scored on it.
    origin : dict
        The state that was audited (`dbtools.database.Database.origin`).
    earlier : dict
        How much each check found in an earlier audit; without one, empty.
    since : str
        The day of that audit.
    """

    project: Project
    findings: tuple[Finding, ...]
    provenance: dict[str, dict[str, int]]
    scales: tuple[tuple[str, str, int], ...]
    origin: dict[str, Any]
    earlier: dict[str, int] = field(default_factory=dict)
    since: str = ""

    def compared_with(self, path: str | os.PathLike[str] | None) -> AuditReport:
        """Return the report with what an earlier one found, read from the JSON file of its notebook. Reads only.

        Raises
        ------
        ParameterError
            The file cannot be read, or is no audit.
        """
        if not path:
            return self
        todo = "give the JSON file of an earlier audit"
        errors = (OSError, ValueError, RecursionError)
        with explained(ParameterError, "The earlier audit cannot be read", path, todo, catch=errors):
            file = Path(path).expanduser()
            if file.exists() and not file.is_file():  # to open a pipe would wait for ever
                raise ValueError("it is not a regular file")
            found = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or not isinstance(found.get("checks"), dict):
                raise ValueError("it holds no findings")
        counts = {str(check): count for check, count in found["checks"].items() if isinstance(count, int)}
        about = found.get("report")
        when = str(about.get("time", "")) if isinstance(about, dict) else ""
        return replace(self, earlier=counts, since=_day(when) or "the earlier audit")

    @property
    def new(self) -> tuple[Finding, ...]:
        """The findings that found more than in the earlier audit; without one, none."""
        return tuple(f for f in self.findings if self.since and (f.count or 0) > self.earlier.get(f.check.id, 0))

    @property
    def fixed(self) -> tuple[Finding, ...]:
        """The checks that find nothing now and found something in the earlier audit."""
        return tuple(f for f in self.findings if f.count == 0 and self.earlier.get(f.check.id))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per check: check, severity, area, count, question, hint, sample (at most 5 ids), reason.

        The count is missing where a check does not apply or could not be answered; the reason says why. Where there is
        a count, the reason says what the check left out.
        """
        rows = [
            {
                "check": f.check.id,
                "severity": f.check.severity,
                "area": f.check.area,
                "count": f.count,
                "question": f.check.question,
                "hint": f.check.hint,
                "sample": ", ".join(f.sample),
                "reason": f.reason,
            }
            for f in self.findings
        ]
        return frame_of(rows, [*_SHOWN, "reason"]).astype({"count": "Int64"})

    @property
    def not_applicable(self) -> pd.DataFrame:
        """One row per check that does not apply: check, question, reason."""
        return self._without_count(unanswered=False)[["check", "question", "reason"]]

    @property
    def unanswered(self) -> pd.DataFrame:
        """One row per check that could not be answered, worst first: check, severity, question, reason."""
        return self._without_count(unanswered=True)[["check", "severity", "question", "reason"]]

    @property
    def left_out(self) -> pd.DataFrame:
        """One row per check that left something out: check, question, reason."""
        chosen = [f.count is not None and bool(f.reason) for f in self.findings]
        return self.frame.loc[chosen, ["check", "question", "reason"]].reset_index(drop=True)

    def _without_count(self, unanswered: bool) -> pd.DataFrame:
        chosen = [f.count is None and f.unanswered == unanswered for f in self.findings]
        return self.frame[chosen].reset_index(drop=True)

    @cached_property
    def provenance_frame(self) -> pd.DataFrame:
        """One row per relation and provenance: relation, provenance, rows."""
        rows = [(relation, kind, n) for relation, kinds in self.provenance.items() for kind, n in kinds.items()]
        return frame_of(rows, ["relation", "provenance", "rows"])

    @cached_property
    def scales_frame(self) -> pd.DataFrame:
        """One row per source and scale: source, scale, versions."""
        return frame_of(self.scales, ["source", "scale", "versions"])

    @property
    def sentence(self) -> str:
        """How many checks found something, by severity; how many could not be answered, and how many do not apply."""
        hits = [f.check.severity for f in self.findings if f.count]
        answered = sum(f.count is not None for f in self.findings)
        unanswered = sum(f.unanswered for f in self.findings)
        silent = len(self.findings) - answered - unanswered
        counts = listed({_NOUNS[s]: hits.count(s) for s in SEVERITIES})
        checks = counted(answered, "check")
        said = f"{counts} in {checks}" if hits else f"none of {checks} found anything"
        said += f"; {unanswered} unanswered" if unanswered else ""
        said += f"; {silent} {'does' if silent == 1 else 'do'} not apply" if silent else ""
        changed = {"new": len(self.new), "fixed": len(self.fixed)}
        news = ", ".join(f"{n} {word}" for word, n in changed.items() if n) or "nothing new"
        return said + (f"; {news} since {self.since}" if self.since else "")

    @property
    def level(self) -> str:
        """The worst severity of all findings; without any, good."""
        return "good" if self.worst == "none" else self.worst

    @property
    def highlights(self) -> list[Highlight]:
        """The five worst findings: critical checks without an answer, what is new, then by severity and count."""
        unsaid = [f for f in self.findings if f.unanswered and f.check.severity == "critical"]
        hits = [f for f in self.findings if f.count]
        new = {f.check.id for f in self.new}
        hits.sort(key=lambda f: (SEVERITIES.index(f.check.severity), f.check.id not in new, -(f.count or 0)))
        lines = [(f, f"could not be answered: {f.reason}") for f in unsaid]
        lines += [(f, f"{f.count or 0:,} found. {f.check.question}") for f in hits]
        return [Highlight(f.check.severity, f"{f.check.id}: {said}", anchor(f.check.id)) for f, said in lines[:5]]

    @property
    def worst(self) -> str:
        """The worst severity of all findings, or ``"none"``; a critical check without an answer counts as critical."""
        if any(f.unanswered and f.check.severity == "critical" for f in self.findings):
            return "critical"
        return next((f.check.severity for f in self.findings if f.count), "none")

    def failed(self, severity: str = "critical") -> bool:
        """Tell whether a finding is as bad as `severity` or worse, or a critical check could not be answered.

        ``new-error`` and the like count only findings that found more than in the earlier audit (`compared_with`);
        without an earlier audit, none is new.

        Raises
        ------
        ParameterError
            `severity` is none of critical, error, warning, info, also after ``new-``.
        """
        word = severity.removeprefix("new-")
        if word not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise ParameterError(
                "No such severity", severity, f"use one of {known}, or new-error for new findings only"
            )
        bad = SEVERITIES[: SEVERITIES.index(word) + 1]
        if word != severity:
            return any(f.check.severity in bad for f in self.new)
        return self.worst in bad

    def rows(self, check: str) -> pd.DataFrame:
        """Return all bad rows of one check. Reads only.

        Raises
        ------
        ParameterError
            There is no such check, or it has no answer here.
        DatabaseError
            The database changed since the audit.
        """
        from dbtools.audit.checks import create_relations, opened

        chosen = next((f for f in self.findings if f.check.id == check), None)
        if chosen is None:
            raise ParameterError("No such check", check, f"use one of {', '.join(f.check.id for f in self.findings)}")
        if chosen.count is None:
            what = "could not be answered" if chosen.unanswered else "does not apply here"
            raise ParameterError(f"The check {what}: {chosen.reason}", check, "choose another one")
        with opened(self.project, damaged="unreadable" in self.origin) as context:
            if context.db.origin["fingerprint"] != self.origin["fingerprint"]:
                raise DatabaseError("The database changed since the audit", self.origin["path"], "run the audit again")
            create_relations(context, [chosen.check])
            bad: pd.DataFrame = context.connection.execute(chosen.check.query).df()
            return bad

    def write_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the findings as one CSV file, a row per check as in `frame`.

        Changes files: creates `path`.

        Raises
        ------
        ConflictError
            The file exists, or cannot be created.
        ParameterError
            The path cannot be used.
        """
        with usable(path):
            target = Path(path).expanduser().absolute()
            target.resolve()
        todo = "give the path of a new file in a folder that exists"
        with (
            explained(ConflictError, "The findings cannot be written", target, todo),
            target.open("x", encoding="utf-8", newline="") as handle,
        ):
            self.frame.to_csv(handle, index=False, lineterminator="\n")
        return target

    def _table(self) -> str:
        hits = self.frame[self.frame["count"].fillna(0) > 0]
        hits = hits[["severity", *(name for name in _SHOWN if name != "severity")]]
        hits = hits.assign(sample=hits["sample"].str.split(", ").str[0])
        if self.since:
            hits.insert(4, "earlier", [self.earlier.get(check, 0) for check in hits["check"]])
        found = table(hits, caption=self._caption, anchors=_anchors(hits), words=_WORDS)
        more = (
            ("Checks that could not be answered", self.unanswered),
            ("Checks that left something out", self.left_out),
            ("Checks that do not apply here", self.not_applicable),
        )
        return found + "".join(
            table(frame, caption=caption, anchors=[] if caption.startswith("Checks that left") else _anchors(frame))
            for caption, frame in more
            if len(frame)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        by_id = sorted(self.findings, key=lambda f: f.check.id)
        return {
            "generation": self.origin["generation"],
            "migrated": self.origin["migrated"],
            "tables": self.origin["tables"],
            "unreadable": self.origin.get("unreadable", {}),
            "provenance": self.provenance,
            "scales": [{"source": s, "scale": scale, "versions": n} for s, scale, n in self.scales],
            "checks": {f.check.id: f.count for f in by_id if f.count is not None},
            "not_applicable": {f.check.id: f.reason for f in by_id if f.count is None and not f.unanswered},
            "unanswered": {f.check.id: f.reason for f in by_id if f.unanswered},
            "left_out": {f.check.id: f.reason for f in by_id if f.count is not None and f.reason},
            "worst": self.worst,
            "new": [f.check.id for f in self.new],
            "fixed": [f.check.id for f in self.fixed],
        }


def _day(time: str) -> str:
    """Return the day of a time in ISO 8601: ``20 Nov 2026``; empty where it is none."""
    try:
        return datetime.fromisoformat(time).strftime("%-d %b %Y")
    except ValueError:
        return ""


def anchor(check: str) -> str:
    """Return the anchor of a check in a report."""
    return f"check-{check}"


def _anchors(frame: pd.DataFrame) -> list[str]:
    return [anchor(check) for check in frame["check"]]
