"""No question reads the long texts of all rows: EXPLAIN of every statement says which columns of a table are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dbtools import analysis, attach, demo
from dbtools.analysis.query import said_instead
from dbtools.database import Database, schema

LONG = {(table.relation, column.name) for table in schema.TABLES for column in table.columns if column.long}
NO_PLAN = re.compile(r"\s*(SET|INSERT|DROP)\b")
COMMENTS = re.compile(r"\A(\s|--[^\n]*\n)+")


class Recorder:
    """A connection that notes which long texts each statement would read."""

    def __init__(self, connection: Any, read: set[tuple[str, str]]) -> None:
        self.connection, self.read = connection, read

    def execute(self, statement: str) -> Any:
        if not NO_PLAN.match(statement):
            explained = self.connection.execute(f"EXPLAIN (FORMAT json) {COMMENTS.sub('', statement)}").fetchall()
            self.read |= {column for node in json.loads(explained[0][1]) for column in columns(node)} & LONG
        return self.connection.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def columns(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    facts = node.get("extra_info") or {}
    read = facts.get("Projections", ())
    for column in [read] if isinstance(read, str) else read:
        yield str(facts.get("Table", "")).rpartition(".")[2], column
    for child in node.get("children", ()):
        yield from columns(child)


@pytest.fixture
def read(monkeypatch) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    session = Database.session

    @contextmanager
    def recorded(db: Database) -> Iterator[Recorder]:
        with session(db) as connection:
            yield Recorder(connection, found)

    monkeypatch.setattr(Database, "session", recorded)
    return found


@pytest.mark.parametrize(
    ("question", "needed"),
    [
        pytest.param(analysis.effectiveness, set(), marks=pytest.mark.slow),
        pytest.param(analysis.usage, set(), marks=pytest.mark.slow),
        (analysis.evolution, {("versions", "text")}),  # of the changes that it lists
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_question_reads_no_text_that_it_does_not_need(tmp_path, read, question, needed):
    with attach(demo.build(tmp_path / "demo"), texts=True) as db:
        question(db, provenance="all")
    assert read == needed


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({}, ""),
        ({"generated": 0}, ""),
        ({"generated": 1}, ": 1 is generated"),
        ({"generated": 1650, "unknown": 0}, ": all 1,650 are generated"),
        ({"generated": 2, "unknown": 1}, ": 2 are generated, 1 is unknown"),
    ],
)
def test_what_versions_are_instead_is_said_in_good_grammar(kinds, said):
    assert said_instead(kinds) == said
