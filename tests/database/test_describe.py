from __future__ import annotations

from pathlib import Path

from support import make_database

from dbtools import attach
from dbtools.database.describe import describe

PAGE = Path(__file__).parents[2] / "docs" / "relations.md"


def test_the_page_is_the_one_that_the_sql_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(), "run make relations"


def test_every_column_of_every_relation_is_described(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    described = {}
    for section in page.split("\n## ")[2:]:
        name, *lines = section.splitlines()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
        assert all(len(row) == 5 and row[2] and row[4] for row in rows), name
        described[name] = [row[0] for row in rows]
    with attach(make_database(tmp_path / "prompter.db"), texts=True) as db:
        assert described == {name: list(db.sql(f"SELECT * FROM {name}").columns) for name in sorted(db.relations)}
