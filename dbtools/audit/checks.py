"""Run the checks: each is one readable query in ``checks/`` that returns the bad rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any

from dbtools import server
from dbtools.audit.context import AuditContext, NotApplicable, open_context, read_query
from dbtools.audit.facts import FACTS, relations
from dbtools.audit.report import SEVERITIES, AuditReport, Check, Finding
from dbtools.clock import utc
from dbtools.database import attach, schema
from dbtools.database.engine import materialize
from dbtools.errors import DatabaseError
from dbtools.progress import bar
from dbtools.project import Project

SAMPLE = 5
_NEVER_MADE = {"user_feedback", "token_usage", "prompts.request_id"} | {
    f"prompt_versions.{name}" for name in ("parent_version_id", "change_type", "change_magnitude")
}
_UNMADE = "as the application's migrations 003 to 005 fail on PostgreSQL"
_QUIET = 100_000  # versions; an audit of fewer takes no progress bar


def checks() -> tuple[Check, ...]:
    """Return every check of the package, worst severity first."""
    folder = files("dbtools.audit").joinpath("checks")
    found = [_parse(f.name[:-4], f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda c: (SEVERITIES.index(c.severity), c.id)))


def run(
    project: Project | str | os.PathLike[str], *, now: datetime | None = None, progress: bool = True
) -> AuditReport:
    """Run every check on a project: its prompter database, its other databases and its CSV files. Reads only.

    Parameters
    ----------
    now : datetime, optional
        The moment after which a timestamp lies in the future; without a time zone, UTC. By default the present.

    Raises
    ------
    DatabaseError, BusyError
        The prompter database cannot be read.
    ProjectError
        There is no such project.
    """
    project = Project.find(project)
    with opened(project, now, progress=progress) as context:
        every = checks()
        reasons = gather(context, every, (read_query("scales"),))
        quiet = not progress or context.db.origin["tables"]["prompt_versions"] < _QUIET
        steps = bar(every, desc="audit", unit="checks", disable=quiet, leave=False)
        findings = [_find(context, check, reasons) for check in steps]
        provenance: dict[str, dict[str, int]] = {}
        for relation, kind, rows in context.connection.execute(read_query("provenance")).fetchall():
            provenance.setdefault(relation, {})[kind] = rows
        scales = tuple(context.connection.execute(read_query("scales")).fetchall())
        order = sorted(findings, key=lambda f: (not f.count, SEVERITIES.index(f.check.severity), -(f.count or 0)))
        return AuditReport(project, tuple(order), provenance, scales, dict(context.db.origin))


@contextmanager
def opened(project: Project, now: datetime | None = None, *, progress: bool = True) -> Iterator[AuditContext]:
    """Attach the database of a project and set the context for its checks. Reads only."""
    moment = utc(now).replace(tzinfo=None)
    with attach(project, progress=progress) as db, open_context(project, db, moment) as context:
        yield context


def gather(context: AuditContext, wanted: Iterable[Check], others: Iterable[str] = ()) -> dict[str, str]:
    """Create the relations that the checks, and other queries, read besides those of the database.

    Returns
    -------
    dict
        Why a relation, or a column of one, is not there.
    """
    missing = _missing(context.db.origin)
    queries = (*(check.query for check in wanted), *others)
    for name in dict.fromkeys(name for query in queries for name in relations(query)):
        if name == "scored":  # worked out once for all that read it
            materialize(context.connection, name, read_query(name))
        if name in FACTS:
            try:
                FACTS[name].create(context)
            except NotApplicable as reason:
                missing[name] = str(reason)
    return missing


def _missing(origin: Mapping[str, Any]) -> dict[str, str]:
    """Name the relations and columns that the database at hand does not have."""
    columns, found = origin["columns"], {}
    lacks = f"the database, of generation {origin['generation']}, has no"
    for table in schema.TABLES:
        if table.name not in columns:
            found[table.relation] = f"{lacks} table {table.name}{_why(origin, table.name)}"
        for column in table.columns:
            if table.name in columns and column.found_in({c: c for c in columns[table.name]}) is None:
                name = f"{table.name}.{column.name}"
                found[f"{table.relation}.{column.name}"] = f"{lacks} column {name}{_why(origin, name)}"
    return found


def _why(origin: Mapping[str, Any], name: str) -> str:
    """Say that it is not the user who forgot a migration: PostgreSQL takes no key of text to one of type uuid."""
    return f", {_UNMADE}" if server.is_url(origin["path"]) and name in _NEVER_MADE else ""


def _parse(name: str, text: str) -> Check:
    header = dict(line[3:].split(": ", 1) for line in text.splitlines() if line.startswith("-- ") and ": " in line)
    needs = tuple(header.get("needs", "").replace(",", " ").split())
    return Check(name, header["severity"], header["area"], header["question"], header["hint"], needs, text)


def _find(context: AuditContext, check: Check, missing: dict[str, str]) -> Finding:
    import duckdb

    names = relations(check.query)
    # A query that goes through all tables is answered by those there are.
    needed = [n for n in names if n in FACTS] if "UNION ALL" in check.query else names
    reason = next((missing[n] for n in (*check.needs, *needed) if n in missing), None)
    if reason:
        return Finding(check, None, reason=reason)
    try:
        # A count needs neither order nor columns, so that only a check that finds something costs more.
        count = context.connection.execute(f"SELECT count(*) FROM ({check.query}) AS found").fetchall()[0][0]  # noqa: S608
        # Not in brackets: an engine may forget the order of what stands in them.
        sample = context.connection.execute(f"{check.query} LIMIT {SAMPLE}").fetchall() if count else []
    except (duckdb.Error, DatabaseError) as error:  # its text may quote the data
        return Finding(check, None, reason=f"the query engine could not answer it ({type(error).__name__})")
    return Finding(check, count, tuple("(no id)" if id in (None, "") else str(id) for id, *_ in sample))
