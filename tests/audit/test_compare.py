from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import assert_sentence, hex_id, make_database
from test_history import Repository

from dbtools import attach, audit, export
from dbtools.audit.compare import change_of_ratio
from dbtools.errors import ParameterError

VERSION = hex_id("version", 1, "syntax")
BLANK = f"UPDATE prompt_versions SET text = '' WHERE id = '{VERSION}'"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    make_database(tmp_path / "project" / "prompter.db")
    return tmp_path / "project"


def edit(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "prompter.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.slow
def test_two_projects_are_compared_by_rows_findings_files_and_cost(project, tmp_path):
    later = Path(shutil.copytree(project, tmp_path / "later"))
    same = audit.compare(project, later, progress=False)
    assert same.nothing_changed
    assert same.sentence == "nothing changed: all 26 rows in 7 relations are equal"
    assert same.level == "good"
    edit(
        later, f"UPDATE prompt_versions SET text = '' WHERE id = '{VERSION}'", "DELETE FROM token_usage WHERE rowid = 1"
    )
    (later / "new.csv").write_text("a,b\n1,2\n")
    change = audit.compare(project, later, progress=False)
    assert not change.nothing_changed
    assert change.files == {"new.csv": "new", "prompter.db": "changed"}
    assert {f.check: f.state for f in change.findings}["blank-text"] == "new"
    assert change.sentence.startswith("rows: 1 removed, 1 changed; findings: ")
    assert len(change.sentence.split()) <= 25
    assert change.cost == ((6, pytest.approx(0.012)), (5, pytest.approx(0.011)))
    back = audit.compare(later, project, progress=False)
    assert {f.check: f.state for f in back.findings}["blank-text"] == "gone"
    assert json.loads(json.dumps(change.to_dict()))["relations"]["versions"]["columns"] == {"text": 1}
    assert "prompt_versions" not in change._repr_html_()


@pytest.mark.slow
def test_a_commit_is_compared_with_the_project_as_it_is(tmp_path):
    repository = Repository(tmp_path / "project")
    make_database(repository.root / "prompter.db")
    first = repository.commit()
    edit(repository.root, "DELETE FROM user_feedback")
    repository.commit()
    edit(repository.root, f"UPDATE prompt_versions SET source = 'new' WHERE id = '{VERSION}'")
    found = {}
    for commit in (first, "HEAD"):
        change = audit.compare(f"git:{commit}", repository.root, progress=False)
        found[commit] = {r.relation: (r.removed, r.changed) for r in change.relations if not r.is_same}
        assert change.files is None
        assert "Checks of files are left out" in change.notes[0]
    assert found == {first: {"feedback": (2, 0), "versions": (0, 1)}, "HEAD": {"versions": (0, 1)}}
    with pytest.raises(ParameterError) as error:
        audit.compare("git:nowhere", repository.root)
    assert_sentence(error.value, "nowhere")
    with pytest.raises(ParameterError):
        audit.compare("git:--help", repository.root)


@pytest.mark.slow
def test_an_earlier_report_tells_numbers_of_rows_and_findings_only(project, tmp_path):
    earlier = tmp_path / "audit.json"
    earlier.write_text(json.dumps(audit.run(project, progress=False).to_dict()))
    edit(
        project,
        "DELETE FROM user_feedback WHERE rowid = 1",
        f"UPDATE prompt_versions SET text = '' WHERE id = '{VERSION}'",
    )
    change = audit.compare(earlier, project, progress=False)
    assert change.by_counts
    assert not change.nothing_changed
    assert change.sentence.startswith("number of rows: feedback -1; findings: ")
    assert [change.caption(part).partition(": ")[2] != "" for part in ("examples", "findings", "agents", "files")] == [
        True, False, True, True,
    ]  # fmt: skip
    assert "Rows, agents, files and cost are not compared" in change.notes[-1]
    assert [h.text for h in change.highlights if h.level == "info"] == ["feedback: 2 rows before, 1 after."]
    for text in ("{", '{"a": 1}', "[]", '{"checks": {}, "tables": [1]}', '{"tables": {"prompts": "x"}}'):
        earlier.write_text(text)
        with pytest.raises(ParameterError) as error:
            audit.compare(earlier, project)
        assert_sentence(error.value, earlier)


@pytest.mark.slow
def test_a_single_database_file_is_compared_too(project, tmp_path):
    backup = shutil.copy(project / "prompter.db", tmp_path / "prompter.db.backup")
    change = audit.compare(backup, project, progress=False)
    assert all(r.is_same for r in change.relations)
    assert change.nothing_changed


@pytest.mark.slow
def test_a_lake_is_compared_with_the_database_that_it_was_written_from(project, tmp_path):
    with attach(project) as db:
        export.write(db, tmp_path / "lake", formats=("parquet",), partition_by="month", progress=False)
    same = audit.compare(tmp_path / "lake", project / "prompter.db", progress=False)
    assert [r.relation for r in same.relations if not r.is_same] == []
    edit(project, f"UPDATE prompt_versions SET source = 'new' WHERE id = '{VERSION}'", "DELETE FROM user_feedback")
    change = audit.compare(tmp_path / "lake", project / "prompter.db", progress=False)
    found = {r.relation: (r.added, r.removed, r.changed) for r in change.relations if not r.is_same}
    assert found == {"feedback": (0, 2, 0), "versions": (0, 0, 1)}


def test_a_change_has_an_interval_where_enough_texts_tell_how_much_chance_may_do():
    assert change_of_ratio(0.5, 0.5, 0.0, 40) == (0.0, 0.0, 0.0)
    assert change_of_ratio(0.5, 0.6, 0.1, 5) == (pytest.approx(0.1), None, None)
    assert change_of_ratio(None, 0.6, 0.1, 50) == (None, None, None)
