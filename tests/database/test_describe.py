from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import make_database

from dbtools import attach
from dbtools.database.describe import describe

PAGE = Path(__file__).parents[2] / "docs" / "relations.md"


def test_the_page_is_the_one_that_the_sql_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(), "run make relations"


@pytest.mark.slow
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


def test_the_glossary_explains_the_words_of_the_readme_and_the_values_of_parameters() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE.read_text("utf-8").split("\n## ")[1], re.MULTILINE))
    readme = (PAGE.parents[1] / "README.md").read_text("utf-8")
    model = re.findall(r"^(\w+) ", re.findall(r"```\n(prompt.*?)```", readme, re.DOTALL)[0], re.MULTILINE)
    assert model == ["prompt", "version", "score", "head"]
    assert {*model, "agent", "source", "judge", "total", "scale", "own mark", "contest", "win", "claim"} <= rows.keys()
    assert {"provenance", "placeholder", "rating", "verdict", "layout", "lake"} <= rows.keys()
    assert all(word in rows["win"] + rows["rating"] for word in ("recorded", "score", "selected", "user", "rated"))
    assert all(word in rows["provenance"] for word in ("real", "generated", "placeholder", "unknown"))
