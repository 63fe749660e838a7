"""Run the checks. Each check is one SQL file in ``checks/`` whose query returns the bad rows."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from dbtools import server
from dbtools.audit import relations
from dbtools.audit.context import (
    NO_TEXTS,
    AuditContext,
    NotAnswered,
    NotApplicable,
    Unanswered,
    open_context,
    read_query,
)
from dbtools.audit.report import SEVERITIES, AuditReport, Check, Finding
from dbtools.clock import utc
from dbtools.database import attach, schema
from dbtools.database.attach import attach_readable
from dbtools.database.sql import PER_TABLE
from dbtools.errors import DatabaseError
from dbtools.progress import bar
from dbtools.project import Project, is_lake

SAMPLE = 5
_HEADER = ("severity", "area", "question", "hint")
_OPTIONAL_HEADER = ("needs", "optional")
# The application's migrations 003 to 005 fail on PostgreSQL: a text column cannot reference a uuid column.
_NEVER_MADE = {"user_feedback", "token_usage", "prompts.request_id"} | {
    f"prompt_versions.{name}" for name in ("parent_version_id", "change_type", "change_magnitude")
}
_UNMADE = "as the application's migrations 003 to 005 fail on PostgreSQL"
_LAST = "integrity_messages"  # the relation that takes longest; it is made in a thread of its own
_QUICK = 100_000  # versions; an audit of fewer shows no progress bar


def checks() -> tuple[Check, ...]:
    """Return every check of the package, worst severity first."""
    folder = files("dbtools.audit").joinpath("checks")
    found = [parse(f.name[:-4], f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda c: (SEVERITIES.index(c.severity), c.id)))


def parse(name: str, text: str) -> Check:
    """Read a check from the text of its file.

    The header is the comment lines at the top, ``-- key: value``: severity, area, question and hint, then ``needs``
    (columns without which the check does not apply) and ``optional`` (relations that count as empty where the database
    lacks their table). Every other relation that the query reads is needed.

    Raises
    ------
    ValueError
        The header lacks a key, has another one, or its severity is not known.
    """
    header: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        key, separator, value = line[3:].partition(": ")
        if not separator or key not in (*_HEADER, *_OPTIONAL_HEADER):
            raise ValueError(f'The header of check "{name}" has a line that is no known key: "{line}".')
        header[key] = value
    missing = [key for key in _HEADER if key not in header]
    if missing or header["severity"] not in SEVERITIES:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has the unknown severity {header['severity']}"
        raise ValueError(f'The header of check "{name}" {wrong}.')
    columns, optional = (header.get(key, "").replace(",", " ").split() for key in _OPTIONAL_HEADER)
    needed = [relation for relation in relations.read_by(text) if relation not in optional]
    severity, area, question, hint = (header[key] for key in _HEADER)
    return Check(name, severity, area, question, hint, (*needed, *columns), text)


def run(
    project: Project | str | os.PathLike[str], *, now: datetime | None = None, progress: bool = True
) -> AuditReport:
    """Run every check on a project: its prompter database, its other databases and its CSV files. Reads only.

    Parameters
    ----------
    now : datetime, optional
        Timestamps after this moment lie in the future; without a time zone, UTC. By default the present.

    Raises
    ------
    DatabaseError, BusyError
        The prompter database cannot be read.
    ProjectError
        There is no such project.
    """
    project = Project.find(project)
    for damaged in (False, True):
        try:
            with opened(project, now, progress=progress, damaged=damaged) as context:
                if report := _report(context, damaged=damaged, progress=progress):
                    return report
        except DatabaseError:
            if damaged or not isinstance(project.database, Path) or is_lake(project.database):
                raise
    raise AssertionError("the second audit returns or raises")


def _report(context: AuditContext, *, damaged: bool, progress: bool) -> AuditReport | None:
    """Run every check; None where SQLite finds damage in a database that was attached as a sound one."""
    import duckdb

    with suppress(NotAnswered, OSError, sqlite3.Error, UnicodeError):  # then the relation says why
        _ = context.integrity  # begins to check, beside all that follows
    every = checks()
    last = [check for check in every if _LAST in relations.read_by(check.query)]
    first = [check for check in every if check not in last]
    quiet = not progress or context.db.origin["tables"].get("prompt_versions", 0) < _QUICK
    findings = []
    with bar(total=len(every), desc="audit", unit="checks", disable=quiet, leave=False) as steps:
        for some, others in ((first, (read_query("scales"),)), (last, ())):
            missing = create_relations(context, some, others)
            if some is last and not damaged and _is_damaged(context):
                return None
            for check in some:
                findings.append(_find(context, check, missing))
                steps.update()
    findings.sort(key=lambda finding: every.index(finding.check))
    provenance: dict[str, dict[str, int]] = {}
    scales: tuple[tuple[str, str, int], ...] = ()
    with suppress(duckdb.CatalogException) if context.unreadable else nullcontext():
        for relation, kind, rows in context.connection.execute(read_query("provenance")).fetchall():
            provenance.setdefault(relation, {})[kind] = rows
        scales = tuple(context.connection.execute(read_query("scales")).fetchall())
    order = sorted(findings, key=lambda f: (not f.count, SEVERITIES.index(f.check.severity), -(f.count or 0)))
    return AuditReport(context.project, tuple(order), provenance, scales, dict(context.db.origin))


def _is_damaged(context: AuditContext) -> bool:
    """Tell whether SQLite finds the prompter database damaged, although it could be attached."""
    if not isinstance(context.project.database, Path) or is_lake(context.project.database):
        return False
    own = context.name(context.project.database)
    # Compared here and not in DuckDB, which imports pandas for a bound value.
    return (own,) in context.connection.execute("SELECT DISTINCT path FROM integrity_messages").fetchall()


@contextmanager
def opened(
    project: Project, now: datetime | None = None, *, progress: bool = True, damaged: bool = False
) -> Iterator[AuditContext]:
    """Attach the database of a project and open the context for its checks. Reads only.

    Of a `damaged` database, what can still be read is attached.
    """
    moment = utc(now).replace(tzinfo=None)
    attached = attach_readable if damaged else attach
    with attached(project, progress=progress) as db, open_context(project, db, moment) as context:
        if context.unreadable:
            left_out = f"without the damaged tables: {', '.join(context.unreadable)}"
            context.left_out.update(dict.fromkeys(PER_TABLE, left_out))
        yield context


def create_relations(
    context: AuditContext, wanted: Iterable[Check], others: Iterable[str] = ()
) -> dict[str, NotAnswered]:
    """Create the relations that checks, and other queries, read besides those of the database.

    Returns
    -------
    dict
        By relation, or column of one, why it does not exist.
    """
    missing = _missing(context.db.origin)
    queries = (*(check.query for check in wanted), *others)
    for name in sorted({name for query in queries for name in relations.read_by(query)}):
        try:
            relations.create(context, name)
        except NotAnswered as reason:
            missing[name] = reason
    return missing


def _missing(origin: Mapping[str, Any]) -> dict[str, NotAnswered]:
    """Name the relations and columns that the database does not have."""
    missing: dict[str, NotAnswered] = {}
    columns, unreadable = origin["columns"], origin.get("unreadable", {})
    lacks = f"the database, of generation {origin['generation']}, has no"
    for table in schema.TABLES:
        if table.name in unreadable:
            missing[table.relation] = Unanswered(f"table {table.name} cannot be read ({unreadable[table.name]})")
        elif table.name not in columns:
            missing[table.relation] = NotApplicable(f"{lacks} table {table.name}{_why(origin, table.name)}")
        else:
            for column in table.columns:
                if column.found_in({c: c for c in columns[table.name]}) is None:
                    name = f"{table.name}.{column.name}"
                    why = NotApplicable(f"{lacks} column {name}{_why(origin, name)}")
                    missing[f"{table.relation}.{column.name}"] = why
    if not columns:
        missing |= dict.fromkeys(PER_TABLE, Unanswered("no table of the database can be read"))
    if not origin["texts"]:
        long = [f"{table.relation}.{column.name}" for table in schema.TABLES for column in table.columns if column.long]
        missing |= {name: Unanswered(NO_TEXTS) for name in long if name not in missing}
    return missing


def _why(origin: Mapping[str, Any], name: str) -> str:
    """Explain the tables and columns that no PostgreSQL database of the application has."""
    return f", {_UNMADE}" if server.is_url(origin["path"]) and name in _NEVER_MADE else ""


def _find(context: AuditContext, check: Check, missing: Mapping[str, NotAnswered]) -> Finding:
    import duckdb

    reason = next((missing[name] for name in check.needs if name in missing), None)
    if reason:
        return Finding(check, None, reason=str(reason), unanswered=isinstance(reason, Unanswered))
    try:
        # Counting needs neither the order nor the columns. Most checks find nothing and end here.
        count = context.connection.execute(f"SELECT count(*) FROM ({check.query}) AS found").fetchall()[0][0]  # noqa: S608
        # LIMIT is appended: an engine may ignore the ORDER BY of a subquery.
        sample = context.connection.execute(f"{check.query} LIMIT {SAMPLE}").fetchall() if count else []
    except (duckdb.Error, DatabaseError) as error:  # the text of the error may quote the data
        if context.unreadable and isinstance(error, duckdb.CatalogException):
            reason = context.needs_unreadable()
        else:
            reason = Unanswered(f"the query engine could not answer it ({type(error).__name__})")
        return Finding(check, None, reason=str(reason), unanswered=True)
    ids = tuple("(no id)" if id in (None, "") else str(id) for id, *_ in sample)
    left_out = "; ".join(context.left_out[name] for name in check.needs if name in context.left_out)
    return Finding(check, count, ids, left_out)
