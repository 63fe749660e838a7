"""The result of an audit: findings as a frame, as HTML, as JSON and as CSV, and the rows of each check."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import ConflictError, DatabaseError, ParameterError, explained, usable
from dbtools.html import table
from dbtools.project import Project
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd

SEVERITIES = ("critical", "error", "warning", "info")  # worst first
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
    """

    project: Project
    findings: tuple[Finding, ...]
    provenance: dict[str, dict[str, int]]
    scales: tuple[tuple[str, str, int], ...]
    origin: dict[str, Any]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per check: check, severity, area, count, question, hint, sample (at most 5 ids), reason.

        The count is missing where a check does not apply or could not be answered; the reason says why. Where there is
        a count, the reason says what the check left out.
        """
        import pandas as pd

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
        return pd.DataFrame(rows, columns=[*_SHOWN, "reason"]).astype({"count": "Int64"})

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
        import pandas as pd

        rows = [(relation, kind, n) for relation, kinds in self.provenance.items() for kind, n in kinds.items()]
        return pd.DataFrame(rows, columns=["relation", "provenance", "rows"])

    @cached_property
    def scales_frame(self) -> pd.DataFrame:
        """One row per source and scale: source, scale, versions."""
        import pandas as pd

        return pd.DataFrame(self.scales, columns=["source", "scale", "versions"])

    @property
    def sentence(self) -> str:
        """How many checks found something, by severity; how many could not be answered, and how many do not apply."""
        hits = [f.check.severity for f in self.findings if f.count]
        answered = sum(f.count is not None for f in self.findings)
        unanswered = sum(f.unanswered for f in self.findings)
        silent = len(self.findings) - answered - unanswered
        more = f"; {unanswered} could not be answered" if unanswered else ""
        more += f"; {silent} do not apply here" if silent else ""
        if not hits:
            return f"none of {answered} checks found anything{more}"
        counts = ", ".join(f"{hits.count(s)} {s}" for s in SEVERITIES if s in hits)
        return f"{len(hits)} of {answered} checks found something: {counts}{more}"

    @property
    def worst(self) -> str:
        """The worst severity of all findings, or ``"none"``; a critical check without an answer counts as critical."""
        if any(f.unanswered and f.check.severity == "critical" for f in self.findings):
            return "critical"
        return next((f.check.severity for f in self.findings if f.count), "none")

    def failed(self, severity: str = "critical") -> bool:
        """Tell whether a finding is as bad as `severity` or worse, or a critical check could not be answered.

        Raises
        ------
        ParameterError
            `severity` is none of critical, error, warning, info.
        """
        if severity not in SEVERITIES:
            raise ParameterError("No such severity", severity, f"use one of {', '.join(SEVERITIES)}")
        return self.worst in SEVERITIES[: SEVERITIES.index(severity) + 1]

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
        with opened(self.project) as context:
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
        hits = hits[_SHOWN].assign(sample=hits["sample"].str.split(", ").str[0])
        found = table(hits.rename(columns={"sample": "for example"}), caption=self._caption)
        more = (
            ("Checks that could not be answered", self.unanswered),
            ("Checks that left something out", self.left_out),
            ("Checks that do not apply here", self.not_applicable),
        )
        return found + "".join(table(frame, caption=caption) for caption, frame in more if len(frame))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        by_id = sorted(self.findings, key=lambda f: f.check.id)
        return {
            "generation": self.origin["generation"],
            "migrated": self.origin["migrated"],
            "tables": self.origin["tables"],
            "provenance": self.provenance,
            "scales": [{"source": s, "scale": scale, "versions": n} for s, scale, n in self.scales],
            "checks": {f.check.id: f.count for f in by_id if f.count is not None},
            "not_applicable": {f.check.id: f.reason for f in by_id if f.count is None and not f.unanswered},
            "unanswered": {f.check.id: f.reason for f in by_id if f.unanswered},
            "left_out": {f.check.id: f.reason for f in by_id if f.count is not None and f.reason},
            "worst": self.worst,
        }
