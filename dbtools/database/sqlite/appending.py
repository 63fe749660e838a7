"""Bring kept facts up to date by what was added since, where the user gives their word that nothing else changed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import quote
from dbtools.database.sqlite.dbfile import check_file, connect

if TYPE_CHECKING:
    import duckdb

_MOST = 100_000  # rows; so many more are read anew as fast
_ENDS = (
    "SELECT (SELECT max(rowid) FROM prompt_versions), (SELECT max(rowid) FROM judge_scores), max(updated_at), count(*) "
    "FROM best_heads"
)
_NAMED = "SELECT count(head) FROM facts"
_VERSIONS = "SELECT rowid, source FROM prompt_versions WHERE rowid > ? LIMIT ?"
_SCORES = (
    f"SELECT s.rowid, v.rowid, {', '.join(f's.{d}' for d in DIMENSIONS)} FROM judge_scores AS s "  # noqa: S608 - own
    "LEFT JOIN prompt_versions AS v ON v.id = s.prompt_version_id WHERE s.rowid > ? ORDER BY s.rowid LIMIT ?"
)
_HEADS = (
    "SELECT h.rowid, v.rowid FROM best_heads AS h LEFT JOIN prompt_versions AS v "
    "ON v.id = h.prompt_version_id AND v.prompt_id = h.prompt_id WHERE h.updated_at >= ? LIMIT ?"
)


def ends(path: Path) -> list[Any] | None:
    """Return where the tables end: last row ids, newest head, number of heads; None where that would leave files."""
    if not _leaves_nothing(path):
        return None
    try:
        with closing(connect(path, isolation_level=None)) as connection:
            return list(connection.execute(_ENDS).fetchone())
    except sqlite3.Error:
        return None


def append(path: Path, older: Path, target: Path, mark: str) -> bool:
    """Write the facts of `older`, and of what was added since, into `target`; False where all must be read anew.

    Reads the database only; changes files: creates `target`. `mark` is the database's fingerprint.
    """
    import duckdb

    if not _leaves_nothing(path):
        return False
    shutil.copyfile(older, target)
    with closing(duckdb.connect(str(target))) as facts:
        origin = json.loads(facts.execute("SELECT facts FROM origin").fetchall()[0][0])
        until = origin.get("until")
        if not until or None in until:
            return False
        asked = zip((_VERSIONS, _SCORES, _HEADS), until[:3], strict=True)
        try:
            with closing(connect(path, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                added = [connection.execute(query, [last, _MOST]).fetchall() for query, last in asked]
                now = list(connection.execute(_ENDS).fetchone())
        except (sqlite3.Error, UnicodeDecodeError):
            return False
        if any(len(rows) == _MOST for rows in added) or not _is_plain(*added):
            return False
        facts.execute("BEGIN")
        named = facts.execute(_NAMED).fetchall()[0][0]
        _write(facts, *added)
        if facts.execute(_NAMED).fetchall()[0][0] - named != now[3] - until[3]:
            return False  # a head was replaced by another row: which version it named before is not known
        origin |= {"fingerprint": mark, "until": now}
        facts.execute(f"UPDATE origin SET facts = {quote(json.dumps(origin))}")  # noqa: S608 - quoted
        facts.execute("COMMIT")
    return True


def _leaves_nothing(path: Path) -> bool:
    """Tell whether reading the file leaves no other beside it: whether it is in rollback mode."""
    return check_file(path)[18] == 1


def _is_plain(versions: list[Any], scores: list[Any], heads: list[Any]) -> bool:
    """Tell whether every cell is of its kind and every id was found as it is spelled."""
    return (
        all(isinstance(source, str) and "\0" not in source for _, source in versions)
        and all(version is not None for _, version, *_ in [*scores, *heads])
        and all(isinstance(mark, (int, float)) for _, _, *marks in scores for mark in marks)
    )


def _write(facts: duckdb.DuckDBPyConnection, versions: list[Any], scores: list[Any], heads: list[Any]) -> None:
    first = {version: marks for _, version, *marks in reversed(scores)}
    totals = [(version, f"'{sum(marks, 0.0)!r}'::DOUBLE") for version, marks in first.items()]
    named = [(version, head) for head, version in heads]
    for rows, statement in (
        ([(row, quote(source)) for row, source in versions], "INSERT INTO facts (row_id, source) FROM new"),
        (totals, "UPDATE facts SET total = value FROM new WHERE facts.row_id = new.row_id AND total IS NULL"),
        (named, "UPDATE facts SET heads = NULL, head = NULL FROM new WHERE head = value"),
        (named, "UPDATE facts SET heads = 1, head = value FROM new WHERE facts.row_id = new.row_id"),
    ):
        if rows:
            values = ", ".join(f"({row}, {value})" for row, value in rows)
            # A bound value would make DuckDB import pandas.
            facts.execute(f"CREATE OR REPLACE TEMP TABLE new AS FROM (VALUES {values}) AS t (row_id, value)")
            facts.execute(statement)
