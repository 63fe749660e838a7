"""Run the checks: each is one readable query in ``checks/`` that returns the bad rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.errors import DatabaseError, ParameterError
from dbtools.project import Project
from dbtools.source import Database, attach, schema
from dbtools.source import snapshot as source
from dbtools.tables import table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SEVERITIES = ("critical", "error", "warning", "info")  # worst first
SAMPLE = 5


@dataclass(frozen=True)
class Check:
    """One check: its id (the file's name), how bad a hit is, what it asks, what to do, and its query."""

    id: str
    severity: str
    question: str
    hint: str
    query: str


@dataclass(frozen=True)
class Finding:
    """What a check found: how many bad rows, and the ids of a few."""

    check: Check
    count: int
    sample: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class AuditReport:
    """The findings of all checks on one state of the database.

    Attributes
    ----------
    findings : tuple of Finding
        Worst first; checks that found nothing included.
    provenance : dict
        By relation: how many rows are ``real``, ``generated``, ``placeholder`` and ``unknown``.
    origin : dict
        The state that was audited (`dbtools.source.Database.origin`).
    """

    project: Project
    findings: tuple[Finding, ...]
    provenance: dict[str, dict[str, int]]
    origin: dict[str, Any]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per check: check, severity, count, question, hint, sample (at most 5 ids)."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "check": f.check.id,
                    "severity": f.check.severity,
                    "count": f.count,
                    "question": f.check.question,
                    "hint": f.check.hint,
                    "sample": ", ".join(f.sample),
                }
                for f in self.findings
            ]
        )

    @cached_property
    def provenance_frame(self) -> pd.DataFrame:
        """One row per relation and provenance: relation, provenance, rows."""
        import pandas as pd

        rows = [(relation, kind, n) for relation, kinds in self.provenance.items() for kind, n in kinds.items()]
        return pd.DataFrame(rows, columns=["relation", "provenance", "rows"])

    @property
    def sentence(self) -> str:
        """How many checks found something, by severity, in words."""
        hits = [f.check.severity for f in self.findings if f.count]
        if not hits:
            return f"none of {len(self.findings)} checks found anything"
        counts = ", ".join(f"{hits.count(s)} {s}" for s in SEVERITIES if s in hits)
        return f"{len(hits)} of {len(self.findings)} checks found something: {counts}"

    @property
    def worst(self) -> str:
        """The worst severity that occurs, or ``"none"``."""
        return next((f.check.severity for f in self.findings if f.count), "none")

    def failed(self, severity: str = "critical") -> bool:
        """Tell whether a finding is as bad as `severity` or worse.

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
            There is no such check.
        DatabaseError
            The database changed since the audit.
        """
        chosen = next((f.check for f in self.findings if f.check.id == check), None)
        if chosen is None:
            raise ParameterError("No such check", check, f"use one of {', '.join(f.check.id for f in self.findings)}")
        with attach(self.project) as db, _audited(db) as connection:
            if db.origin["fingerprint"] != self.origin["fingerprint"]:
                raise DatabaseError("The database changed since the audit", self.origin["path"], "run the audit again")
            return connection.execute(chosen.query).df()

    def __repr__(self) -> str:
        return f"AuditReport({self.sentence})"

    def _repr_html_(self) -> str:
        return table(self.frame[self.frame["count"] > 0], caption=self.sentence[0].upper() + self.sentence[1:])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "generation": self.origin["generation"],
            "migrated": self.origin["migrated"],
            "tables": self.origin["tables"],
            "provenance": self.provenance,
            "checks": {f.check.id: f.count for f in sorted(self.findings, key=lambda f: f.check.id)},
            "worst": self.worst,
        }


def checks() -> tuple[Check, ...]:
    """Return every check of the package, worst severity first."""
    folder = files("dbtools.audit").joinpath("checks")
    found = [_parse(f.name[:-4], f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda c: (SEVERITIES.index(c.severity), c.id)))


def run(project: Project) -> AuditReport:
    """Run every check on a project's database. Reads only.

    Raises
    ------
    DatabaseError, BusyError
        The database cannot be read.
    """
    with attach(project) as db, _audited(db) as connection:
        findings = [_find(connection, check) for check in checks()]
        provenance: dict[str, dict[str, int]] = {}
        counted = connection.execute(files("dbtools.audit").joinpath("provenance.sql").read_text("utf-8"))
        for relation, kind, rows in counted.fetchall():
            provenance.setdefault(relation, {})[kind] = rows
        order = sorted(findings, key=lambda f: (f.count == 0, SEVERITIES.index(f.check.severity), -f.count))
        return AuditReport(project, tuple(order), provenance, dict(db.origin))


def _parse(name: str, text: str) -> Check:
    header = dict(line[3:].split(": ", 1) for line in text.splitlines() if line.startswith("-- "))
    return Check(name, header["severity"], header["question"], header["hint"], text)


def _find(connection: duckdb.DuckDBPyConnection, check: Check) -> Finding:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bad AS {check.query}")
    count = connection.execute("SELECT count(*) FROM bad").fetchall()[0][0]
    sample = connection.execute("SELECT id::VARCHAR FROM bad LIMIT ?", [SAMPLE]).fetchall()
    return Finding(check, count, tuple(id or "(no id)" for (id,) in sample))


@contextmanager
def _audited(db: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """Offer what only SQLite can tell of the file as relations beside those of the database."""
    origin = db.origin
    known = {t.name for t in schema.TABLES}
    with db.workspace() as connection:
        with source.snapshot(Path(origin["path"])) as copy:
            damage = source.integrity(copy)
            with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as sqlite:
                broken = [row[:3] for row in sqlite.execute("PRAGMA foreign_key_check")]
        connection.execute("CREATE TABLE integrity_messages AS SELECT unnest(?::VARCHAR[]) AS message", [damage])
        connection.execute(
            "CREATE TABLE foreign_key_violations AS SELECT unnest(?::VARCHAR[]) AS table_name, "
            "unnest(?::BIGINT[]) AS row_id, unnest(?::VARCHAR[]) AS parent",
            [[row[i] for row in broken] for i in range(3)],
        )
        tables = origin["tables"]
        connection.execute(
            "CREATE TABLE database_tables AS SELECT unnest(?::VARCHAR[]) AS name, unnest(?::BIGINT[]) AS rows, "
            "unnest(?::BOOLEAN[]) AS known",
            [list(tables), list(tables.values()), [name in known for name in tables]],
        )
        connection.execute(
            "CREATE TABLE database_origin AS SELECT ? AS generation, ? AS migrated",
            [origin["generation"], origin["migrated"]],
        )
        yield connection
