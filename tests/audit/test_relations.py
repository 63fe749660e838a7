from __future__ import annotations

from pathlib import Path

import pytest
from sound import make_sound

from dbtools import audit
from dbtools.audit import relations
from dbtools.audit.checks import opened
from dbtools.database import schema, sql
from dbtools.project import Project


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("SELECT * FROM versions, scores ORDER BY 1", ("scores", "versions")),
        ('SELECT * FROM "versions" AS v ORDER BY 1', ("versions",)),
        ("WITH changes AS (SELECT 1 AS n FROM heads) SELECT n FROM changes ORDER BY n", ("heads",)),
        ("SELECT id FROM prompts WHERE EXISTS (SELECT 1 FROM versions) ORDER BY id", ("prompts", "versions")),
        ("-- from a comment\nSELECT 'FROM text' AS id FROM (VALUES (1)) AS listed (n) ORDER BY n", ()),
    ],
)
def test_the_parser_finds_what_a_query_reads(query: str, read: tuple[str, ...]) -> None:
    assert relations.read_by(query) == read


def test_checks_read_only_relations_that_exist() -> None:
    known = {table.relation for table in schema.TABLES} | {name for name, _ in sql.views()}
    known |= {"id_cells", "unreadable_cells", "prices", *relations.COLLECTED, *relations.COMPUTED}
    for check in audit.checks():
        assert set(relations.read_by(check.query)) <= known, check.id


@pytest.mark.slow
def test_every_collected_relation_is_read_by_a_check_and_has_the_columns_it_declares(tmp_path: Path) -> None:
    make_sound(tmp_path)
    read = {name for check in audit.checks() for name in relations.read_by(check.query)}
    assert set(relations.COLLECTED) <= read
    with opened(Project.find(tmp_path), progress=False) as context:
        for name, (columns, _) in relations.COLLECTED.items():
            relations.create(context, name)
            described = context.connection.execute(f"DESCRIBE {name}").fetchall()
            assert [f"{column} {kind}" for column, kind, *_ in described] == columns.split(", ")
