from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import USERS, assert_sentence, hex_id, make_database, unchanged

from dbtools import audit
from dbtools.errors import DatabaseError, ParameterError
from dbtools.project import Project

VERSION = hex_id("version", 1, "syntax")
PROMPT = hex_id("prompt", 1)
# One defect each, and how many rows its check must report. A defect may also trigger checks that it implies.
DEFECTS = {
    "foreign-table": (USERS, 1, set()),
    "unreadable-cells": ("UPDATE judge_scores SET clarity = 'N/A' WHERE rowid = 1", 1, set()),
    "orphan-version": (
        "INSERT INTO prompt_versions SELECT '0' || substr(id, 2), '0' || substr(prompt_id, 2), 9, text, explanation, "
        f"source, created_at, NULL, 'other', 0 FROM prompt_versions WHERE id = '{VERSION}'",
        1,
        {"foreign-keys"},
    ),
    "orphan-score": (f"DELETE FROM prompt_versions WHERE id = '{VERSION}'", 1, {"foreign-keys", "orphan-usage"}),
    "orphan-head": (
        f"UPDATE best_heads SET prompt_version_id = '{hex_id('nothing')}' WHERE prompt_id = '{PROMPT}'",
        1,
        {"foreign-keys"},
    ),
    "orphan-feedback": (
        f"UPDATE user_feedback SET prompt_id = '{hex_id('nothing')}' WHERE rowid = 1",
        1,
        {"foreign-keys"},
    ),
    "orphan-usage": (f"UPDATE token_usage SET prompt_version_id = '{hex_id('nothing')}' WHERE rowid <= 2", 2, set()),
    "duplicate-version-no": (f"UPDATE prompt_versions SET version_no = 2 WHERE id = '{VERSION}'", 1, set()),
    "score-out-of-scale": ("UPDATE judge_scores SET clarity = 10.5 WHERE rowid = 1", 1, set()),
    "head-not-best": (
        f"UPDATE best_heads SET prompt_version_id = '{VERSION}', score = 31 WHERE prompt_id = '{PROMPT}'",
        1,
        set(),
    ),
    "head-score-differs": (f"UPDATE best_heads SET score = 40 WHERE prompt_id = '{PROMPT}'", 1, set()),
    "child-not-younger": (
        f"UPDATE prompt_versions SET created_at = '2025-12-04 10:00:09' WHERE id = '{VERSION}'",
        1,
        set(),
    ),
    "version-before-prompt": (
        f"UPDATE prompt_versions SET created_at = '2025-12-03 10:00:00' WHERE id = '{VERSION}'",
        1,
        set(),
    ),
    "generated-prompts": (
        f"UPDATE prompts SET user_id = 'test_user_1' WHERE id = '{PROMPT}'",
        1,
        {"generated-versions", "generated-scores"},
    ),
    "generated-versions": (
        f"UPDATE prompt_versions SET source = 'synthetic_generator' WHERE id = '{VERSION}'",
        1,
        {"generated-scores"},
    ),
    "generated-scores": (
        "UPDATE judge_scores SET feedback = '{\"synthetic\": true}' WHERE rowid = 1",
        1,
        {"generated-versions"},
    ),
    "foreign-keys": (
        f"UPDATE user_feedback SET prompt_id = '{hex_id('nothing')}' WHERE rowid = 1",
        1,
        {"orphan-feedback"},
    ),
}
NOT_BY_STATEMENT = {"integrity", "schema-generation"}


@pytest.fixture
def root(tmp_path) -> Path:
    make_database(tmp_path / "prompter.db", prompts=3)
    return tmp_path


def found(root: Path) -> dict[str, int]:
    report = audit.run(Project.find(root))
    return {check: count for check, count in report.to_dict()["checks"].items() if count}


def test_a_clean_database_triggers_no_check(root):
    with unchanged(root):
        assert found(root) == {}


@pytest.mark.parametrize("check", DEFECTS)
def test_a_defect_triggers_its_check_exactly(root, check):
    statement, count, implied = DEFECTS[check]
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        connection.executescript(statement)
    counts = found(root)
    assert counts[check] == count
    assert set(counts) - {check} <= implied


def test_every_check_is_triggered_by_some_test():
    assert {check.id for check in audit.checks()} == set(DEFECTS) | NOT_BY_STATEMENT


@pytest.mark.parametrize("generation", ["G0", "G1", "G2", "G3"])
@pytest.mark.parametrize("migrated", [False, True])
def test_older_generations_are_named_and_nothing_else(tmp_path, generation, migrated):
    make_database(tmp_path / "prompter.db", generation, migrated)
    report = audit.run(Project.find(tmp_path))
    assert report.to_dict()["generation"] == generation
    assert {c: n for c, n in report.to_dict()["checks"].items() if n} == {"schema-generation": 1}


def test_a_damaged_page_is_critical(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=200)
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE '%autoindex_prompts%'"
        ).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[page * 4096 - 30 : page * 4096 - 5] = b"\xff" * 25
    path.write_bytes(data)
    report = audit.run(Project.find(tmp_path))
    assert report.worst == "critical"
    assert report.failed("critical")
    assert len(report.rows("integrity")) == report.to_dict()["checks"]["integrity"] > 0


def test_the_field_case_has_the_defects_it_is_known_for(field):
    report = audit.run(Project.find(field))
    facts = report.to_dict()
    assert (facts["generation"], facts["migrated"], facts["worst"]) == ("G2", True, "error")
    assert {check: n for check, n in facts["checks"].items() if n} == {
        "child-not-younger": 60,
        "duplicate-version-no": 6,
        "foreign-table": 1,
        "generated-prompts": 15,
        "generated-scores": 165,
        "generated-versions": 165,
        "head-not-best": 4,
        "head-score-differs": 15,
        "schema-generation": 1,
        "score-out-of-scale": 120,
        "version-before-prompt": 120,
    }
    kinds = {relation: (n["real"], n["generated"]) for relation, n in facts["provenance"].items()}
    assert kinds == {"prompts": (0, 15), "versions": (0, 165), "scores": (0, 165), "heads": (0, 15)}
    assert len(report.rows("score-out-of-scale")) == 120
    assert not report.failed("critical")
    assert report.failed("error")


def test_findings_come_worst_first_with_a_bounded_sample(field):
    frame = audit.run(Project.find(field)).frame
    severities = ["critical", "error", "warning", "info"]
    hits = frame[frame["count"] > 0]
    assert list(hits["severity"]) == sorted(hits["severity"], key=severities.index)
    assert all(len(sample.split(", ")) <= 5 for sample in frame["sample"])


def test_rows_of_a_state_that_is_gone_are_refused(root):
    report = audit.run(Project.find(root))
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        connection.execute("UPDATE best_heads SET score = 1")
    with pytest.raises(DatabaseError):
        report.rows("head-score-differs")


def test_an_unknown_check_or_severity_is_one_sentence(root):
    report = audit.run(Project.find(root))
    with pytest.raises(ParameterError) as error:
        report.rows("nonsense")
    assert_sentence(error.value, "nonsense")
    with pytest.raises(ParameterError) as error:
        report.failed("awful")
    assert_sentence(error.value, "awful")


def test_a_check_is_a_file(tmp_path):
    for check in audit.checks():
        assert check.severity in ("critical", "error", "warning", "info")
        assert check.question.endswith("?")
        assert check.hint.endswith(".")
