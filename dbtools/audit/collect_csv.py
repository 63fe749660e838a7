"""Collect what the CSV files of a project hold: faults, rows that the database lacks, secrets, and votes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from dbtools.audit.context import AuditContext, Unanswered
from dbtools.database.engine import register
from dbtools.database.sql import macros, temporary_duckdb
from dbtools.errors import DatabaseError
from dbtools.files.csvfile import CsvFile, Row
from dbtools.files.lookup import look_up
from dbtools.redact import holds_secret

_AGENTS = re.compile(r"(\w+)_score")


def problems(context: AuditContext) -> Iterator[tuple[str, int, str]]:
    """Yield every fault of every CSV file with its line."""
    for path, csv in context.logs:
        name = context.name(path)
        if csv.dialect:
            yield name, 1, csv.dialect
        with path.open("rb") as handle:
            if handle.read(3) == b"\xef\xbb\xbf":
                yield name, 1, "byte order mark"
        yield from ((name, row.line, row.problem) for row in csv.rows if row.problem)
        for line in csv.repeated_headers:
            yield name, line, "header of another layout" if line in csv.other_headers else "repeated header"


def unread(context: AuditContext) -> list[tuple[str, str]]:
    """Return the CSV files that were not read, and why."""
    return [(context.name(path), found) for path, found in context.csv_files.items() if isinstance(found, str)]


def lost_rows(context: AuditContext) -> Iterator[tuple[str, int, int, bool]]:
    """Yield the rows of the logs that the database does not hold."""
    if not context.db.origin["texts"]:
        raise Unanswered("the long texts are not loaded; a survey of the cleanup answers it")
    for path, csv in context.logs:
        if csv.layout is None:
            continue
        missing = set(look_up(context.db, csv).missing)
        for row in csv.rows:
            if row.number in missing:
                yield context.name(path), row.number, row.line, csv.layout.demo


def secrets(context: AuditContext) -> list[tuple[str, int, str]]:
    """Return where cells hold something with the shape of a secret, never what they hold."""
    cells = [
        (context.name(path), row.line, csv.header[i] if i < len(csv.header) else f"column {i + 1}", cell)
        for path, csv in context.logs
        for row in csv.rows
        for i, cell in enumerate(row.cells)
        if len(cell) >= 16
    ]
    # The cells never leave this process. The expression finds a few more than the table that it is made from.
    failed = "The cells of the CSV files cannot be searched"
    with temporary_duckdb(failed, context.project.root, DatabaseError) as connection:
        connection.execute(macros())
        register(connection, "csv_cells", "n BIGINT, cell VARCHAR", [(n, cell[3]) for n, cell in enumerate(cells)])
        hits = connection.execute("SELECT n FROM csv_cells WHERE may_hold_secret(cell) ORDER BY n").fetchall()
    return [cells[n][:3] for (n,) in hits if holds_secret(cells[n][3])]


def votes(context: AuditContext) -> Iterator[tuple[str, int, str, float | None, float | None, float | None, bool]]:
    """Yield what each agent scored in each request of an old multi-agent log, and whether it was selected."""
    for path, csv in context.logs:
        if csv.layout is None or csv.layout.name != "multi_agent_log" or "vote_breakdown" not in csv.columns:
            continue
        agents = [m.group(1) for column in csv.columns if (m := _AGENTS.fullmatch(column))]
        for row in csv.rows:
            if not row.problem:
                for agent in agents:
                    yield (context.name(path), row.line, *_vote(csv, row, agent))


def _vote(csv: CsvFile, row: Row, agent: str) -> tuple[str, float | None, float | None, float | None, bool]:
    cells = {name: row.cells[i] for name, i in csv.columns.items()}
    breakdown = {}
    with suppress(ValueError, RecursionError):
        breakdown = json.loads(cells["vote_breakdown"])
    vote = breakdown.get(agent) if isinstance(breakdown, dict) else None
    score, confidence = (_number(cells.get(f"{agent}_{what}", "")) for what in ("score", "confidence"))
    return agent, score, confidence, _number(vote), cells["selected_agent"].strip() == agent


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
