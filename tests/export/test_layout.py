"""The layouts: one documented, completely ordered SELECT each, over allowed tables only."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from support import make_database

from dbtools import attach
from dbtools.database import schema
from dbtools.export import LAYOUTS, layout

HEADERS = {
    "multi_agent_log": "request_id, timestamp, original_prompt, final_prompt, selected_agent, syntax_score, "
    "structure_score, domain_score, syntax_improved, structure_improved, domain_improved",
    "temporal_versions": "version_id, parent_version_id, prompt_id, timestamp, text, change_type, "
    "change_magnitude, source",
    "prompt_versions": "prompt_id, version_no, version_uuid, text, source, explanation, timestamp",
    "judge_scores": "prompt_id, version_id, clarity, specificity, actionability, structure, context_use, total, "
    "feedback, timestamp",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_says_what_it_answers_and_fixes_the_order_of_its_rows(name: str) -> None:
    lines = layout.query(name).strip().splitlines()
    assert lines[0].startswith("-- ")
    assert "?" in lines[0]
    assert lines[-1].startswith("ORDER BY ")
    assert lines[-1].rstrip(")").endswith("row_id")


@pytest.mark.slow
def test_every_table_that_may_be_read_has_a_layout_with_all_its_columns(tmp_path: Path) -> None:
    own = {"prompt_versions", "judge_scores"}  # these two have the headers of the application's logs
    with attach(make_database(tmp_path / "prompter.db")) as db, db.workspace() as connection:
        for table in schema.TABLES:
            found = [column.name for column in layout.columns(connection, table.name)]
            assert table.name in own or found == [column.name for column in table.columns]


@pytest.mark.slow
def test_the_application_s_own_layouts_keep_their_headers(tmp_path: Path) -> None:
    with attach(make_database(tmp_path / "prompter.db")) as db, db.workspace() as connection:
        for name, header in HEADERS.items():
            columns = layout.filled(connection, name, layout.columns(connection, name))
            assert [column.name for column in columns] == next(csv.reader([header], skipinitialspace=True))
