from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from defects import DEFECTS, KEY, OTHER, groups
from sound import git, make_sound, statements
from support import GENERATIONS, SHAPES, assert_sentence, make_database, unchanged

from dbtools import audit
from dbtools.audit import collect_database
from dbtools.audit.checks import parse
from dbtools.errors import ConflictError, DatabaseError, ParameterError
from dbtools.project import Project
from dbtools.redact import redact

# These have a test of their own below: how many messages a damage makes is SQLite's to say, and every database in the
# wild lacks the constraints.
OWN_TEST = {"integrity", "lost-constraint"}


@pytest.fixture
def root(tmp_path) -> Path:
    """A sound project, except that its tables lack the constraints that would keep defects out."""
    make_sound(tmp_path, constraints=False)
    return tmp_path


def found(root: Path) -> dict[str, int]:
    report = audit.run(Project.find(root))
    facts = report.to_dict()
    assert not [reason for reason in facts["not_applicable"].values() if "DuckDB" in reason]
    return {check: count for check, count in facts["checks"].items() if count}


@pytest.mark.slow
@pytest.mark.parametrize("migrated", [False, True])
def test_a_sound_project_triggers_no_check_and_every_check_applies(tmp_path, migrated):
    make_sound(tmp_path, migrated=migrated)
    with unchanged(tmp_path):
        report = audit.run(Project.find(tmp_path))
    assert {check: n for check, n in report.to_dict()["checks"].items() if n} == {}
    assert report.to_dict()["not_applicable"] == {}
    assert report.sentence == f"none of {len(audit.checks())} checks found anything"


@pytest.mark.slow
@pytest.mark.parametrize("group", groups(), ids=lambda group: group[0])
def test_defects_trigger_their_checks_exactly(root, group):
    for check in group:
        DEFECTS[check].inject(root, root / "packages/db/prompter.db")
    counts = found(root)
    assert counts.pop("lost-constraint") == 7
    assert {check: counts.pop(check, 0) for check in group} == {check: DEFECTS[check].count for check in group}
    # The logs still hold what a statement on the database changed.
    logs = set() if all(callable(DEFECTS[check].do) for check in group) else {"csv-unique-rows"}
    assert set(counts) - logs == set().union(*(DEFECTS[check].implied for check in group)) - logs


def test_every_check_is_triggered_by_some_test():
    assert {check.id for check in audit.checks()} == set(DEFECTS) | OWN_TEST


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_a_generation_is_named_and_what_it_cannot_answer_is_said(tmp_path, generation, migrated):
    make_sound(tmp_path, generation, migrated, constraints=False)
    report = audit.run(Project.find(tmp_path))
    facts, level = report.to_dict(), GENERATIONS.index(generation)
    assert (facts["generation"], facts["migrated"]) == (generation, migrated)
    expected = {"lost-constraint": 7 if generation in ("G3", "G4") else 6}
    if generation != "G4":
        expected["schema-generation"] = 1
    if generation in ("G0", "G1", "G2"):  # the log names requests, which these generations do not record
        expected["csv-unique-rows"] = 6
    assert {c: n for c, n in facts["checks"].items() if n} == expected
    for check, reason, since in (
        ("label-differs", "no table security_inputs", 1),
        ("parent-cycle", "no column prompt_versions.parent_version_id", 2),
        ("change-type-differs", "no column prompt_versions.change_type", 2),
        ("duplicate-feedback", "no table user_feedback", 3),
        ("cost-differs", "no table token_usage", 4),
    ):
        assert (check in facts["not_applicable"]) == (level < since)
        if level < since:
            assert reason in facts["not_applicable"][check]
            row = report.frame.set_index("check").loc[check]
            assert row["reason"] == facts["not_applicable"][check]
            assert row.isna()["count"]
    assert len(report.frame) == len(audit.checks())


@pytest.mark.slow
def test_a_database_without_rows_has_nothing_wrong_with_its_rows(tmp_path):
    make_database(tmp_path / "prompter.db", prompts=0)
    report = audit.run(Project.find(tmp_path))
    areas = {f.check.area for f in report.findings if f.count}
    assert areas <= {"schema", "file"}


@pytest.mark.slow
def test_a_damaged_page_is_critical(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=200)
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE '%autoindex_prompts%'"
        ).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[page * 4096 - 30 : page * 4096 - 5] = b"\xff" * 25
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as connection:
        messages = connection.execute("PRAGMA integrity_check").fetchall()
    report = audit.run(Project.find(tmp_path))
    assert report.worst == "critical"
    assert report.failed("critical")
    assert len(report.rows("integrity")) == report.to_dict()["checks"]["integrity"] == len(messages)
    assert set(report.rows("integrity")["id"]) == {"prompter.db"}


@pytest.mark.slow
def test_the_field_case_has_the_defects_it_is_known_for(field):
    report = audit.run(Project.find(field))
    facts = report.to_dict()
    assert (facts["generation"], facts["migrated"], facts["worst"]) == ("G2", True, "error")
    assert {check: n for check, n in facts["checks"].items() if n} == {
        "ambiguous-user": 1,
        "change-type-differs": 51,
        "child-not-younger": 60,
        "constant-head": 15,
        "copies": 1,
        "creation-burst": 15,
        "credentials-in-database": 1,
        "csv-tie": 1,
        "csv-unique-demo-rows": 6,
        "csv-unique-rows": 99,
        "duplicate-version-no": 6,
        "flat-scores": 120,
        "foreign-table": 1,
        "generated-explanation": 120,
        "generated-feedback": 165,
        "generated-source": 120,
        "generated-text": 165,
        "generated-user": 15,
        "head-not-best": 4,
        "head-not-best-of-all": 6,
        "head-score-differs": 15,
        "lost-constraint": 6,
        "mixed-scales": 2,
        "sample-text": 5,
        "schema-generation": 1,
        "score-out-of-scale": 120,
        "unknown-user": 15,
        "version-before-prompt": 120,
    }
    assert all(f.sample for f in report.findings if f.count)
    kinds = {relation: (n["real"], n["generated"]) for relation, n in facts["provenance"].items()}
    assert kinds == {"prompts": (0, 15), "versions": (0, 165), "scores": (0, 165), "heads": (0, 15)}
    assert len(report.rows("score-out-of-scale")) == 120
    assert not report.failed("critical")
    assert report.failed("error")


@pytest.mark.slow
def test_findings_come_worst_first_with_a_bounded_sample(field):
    frame = audit.run(Project.find(field)).frame
    severities = ["critical", "error", "warning", "info"]
    hits = frame[frame["count"] > 0]
    assert list(hits["severity"]) == sorted(hits["severity"], key=severities.index)
    assert all(len(sample.split(", ")) <= 5 for sample in frame["sample"])


@pytest.mark.slow
def test_rows_of_a_state_that_is_gone_are_refused(root):
    report = audit.run(Project.find(root))
    with closing(sqlite3.connect(root / "packages/db/prompter.db")) as connection, connection:
        connection.execute("UPDATE best_heads SET score = 1")
    with pytest.raises(DatabaseError):
        report.rows("head-score-differs")


@pytest.mark.slow
def test_all_bad_rows_are_returned_where_the_sample_is_cut(root):
    DEFECTS["constant-head"].inject(root, root / "packages/db/prompter.db")
    report = audit.run(Project.find(root))
    assert len(report.rows("constant-head")) == 6
    assert len(next(f.sample for f in report.findings if f.check.id == "constant-head")) == 5


@pytest.mark.slow
def test_an_unknown_check_or_severity_is_one_sentence(tmp_path):
    make_sound(tmp_path, "G2")
    report = audit.run(Project.find(tmp_path))
    for wrong in ("nonsense", "cost-differs"):
        with pytest.raises(ParameterError) as error:
            report.rows(wrong)
        assert_sentence(error.value, wrong)
    with pytest.raises(ParameterError) as error:
        report.failed("awful")
    assert_sentence(error.value, "awful")


def test_a_check_is_a_file(tmp_path):
    areas = {"file", "schema", "provenance", "references", "scores", "feedback", "usage", "secrets", "csv"}
    for check in audit.checks():
        assert check.severity in ("critical", "error", "warning", "info")
        assert check.question.endswith("?")
        assert check.hint.endswith(".")
        assert check.area in areas


@pytest.mark.slow
def test_the_clock_decides_what_lies_in_the_future(root):
    project = Project.find(root)
    early = audit.run(project, now=datetime(2025, 12, 1))
    assert early.to_dict()["checks"]["future-timestamp"] > 0
    assert audit.run(project, now=datetime(2025, 12, 3, 11)).to_dict()["checks"]["future-timestamp"] == 0


@pytest.mark.slow
def test_the_findings_are_written_once_as_csv(root, tmp_path):
    import pandas as pd

    report = audit.run(Project.find(root))
    written = report.write_csv(tmp_path / "findings.csv")
    frame = pd.read_csv(written)
    assert list(frame.columns) == list(report.frame.columns)
    assert dict(zip(frame["check"], frame["count"], strict=True)) == report.to_dict()["checks"]
    with pytest.raises(ConflictError) as error:
        report.write_csv(written)
    assert_sentence(error.value, written)


@pytest.mark.slow
@pytest.mark.parametrize("check", ["credentials-in-database", "secret-in-text", "secret-in-csv"])
def test_a_secret_is_placed_and_never_shown(root, check):
    DEFECTS[check].inject(root, root / "packages/db/prompter.db")
    report = audit.run(Project.find(root))
    shown = repr(report.to_dict()) + report.frame.to_csv() + report._repr_html_() + report.rows(check).to_csv()
    assert KEY not in shown
    assert "row 1" in shown or "line 2" in shown


@pytest.mark.slow
def test_a_cycle_of_any_length_is_found_whole_and_a_chain_is_none(root):
    path, lengths = root / "packages/db/prompter.db", (2, 7, 1000)
    with closing(sqlite3.connect(path)) as connection, connection:
        number = 4
        for length in lengths:
            for kind in ("c", "d"):  # a circle, and a chain
                ids = [f"{kind}{length:07x}{n:024x}" for n in range(length)]
                parents = [*ids[1:], ids[0] if kind == "c" else None]
                connection.executemany(
                    "INSERT INTO prompt_versions SELECT ?, prompt_id, ?, text || ?, explanation, source, created_at, "
                    "?, 'other', 0 FROM prompt_versions WHERE rowid = 1",
                    [
                        (a, number + n, f"{kind} {length} {n}", b)
                        for n, (a, b) in enumerate(zip(ids, parents, strict=True))
                    ],
                )
                number += length
        # A tail that leads into a circle is no part of it.
        connection.execute("UPDATE prompt_versions SET parent_version_id = ? WHERE rowid = 1", [f"c{7:07x}{0:024x}"])
    assert found(root)["parent-cycle"] == sum(lengths)


@pytest.mark.slow
def test_what_only_the_application_can_evaluate_is_no_damage(root):
    path = root / "packages/db/prompter.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("slug", 1, str.lower, deterministic=True)
        connection.execute("CREATE INDEX by_slug ON prompts (slug(original_text))")
    facts = audit.run(Project.find(root)).to_dict()
    assert facts["checks"]["integrity"] == 0
    assert (
        "packages/db/prompter.db: the indexes that need slug of the application were not checked"
        in facts["left_out"]["integrity"]
    )
    assert "slug" in facts["left_out"]["integrity"]


@pytest.mark.slow
def test_git_is_asked_without_running_what_the_repository_configures(root, tmp_path):
    hook = root / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {root}/ran\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(hook))
    assert found(root)
    assert not (root / "ran").exists()


@pytest.mark.slow
def test_git_is_asked_of_the_project_even_inside_a_hook_of_another_repository(root, tmp_path, monkeypatch):
    git(root, "add", "--force", "storage/prompt_versions.csv")
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert found(root)["tracked-by-git"] == 1


@pytest.mark.slow
def test_the_sidecar_of_a_database_behind_a_link_lies_beside_the_file_itself(root):
    (root / "data").mkdir()
    (root / "auth_system.db").rename(root / "data/auth.db")
    (root / "auth_system.db").symlink_to(root / "data/auth.db")
    (root / "data/auth.db-wal").write_bytes(b"x")
    assert found(root)["live-sidecar"] == 1


HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE prompts; --",
    'a "quoted" \\ text',
    "nul \0 inside",
    "x" * 3_000_000,
]


@pytest.mark.slow
def test_hostile_content_never_stops_the_audit_and_is_reported(root):
    path = root / "packages/db/prompter.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for row, text in enumerate(HOSTILE, 1):
            connection.execute("UPDATE prompts SET original_text = ?1, user_id = ?1 WHERE rowid = ?2", [text, row])
            connection.execute("UPDATE prompt_versions SET text = ?1, source = ?1 WHERE rowid = ?2", [text, row])
            connection.execute("UPDATE token_usage SET model = ?1 WHERE rowid = ?2", [text, row])
        connection.executescript(
            "UPDATE prompts SET original_text = CAST(x'c328ff' AS TEXT) WHERE rowid = 6;"
            "UPDATE judge_scores SET feedback = CAST(x'7bff7d' AS TEXT), created_at = x'00' WHERE rowid = 1;"
            "UPDATE judge_scores SET clarity = 'N/A', structure = x'ff', specificity = 9e999 WHERE rowid = 2;"
            "UPDATE judge_scores SET feedback = 5 WHERE rowid = 3;"
            "UPDATE prompt_versions SET version_no = 9223372036854775809 WHERE rowid = 6;"
            "UPDATE prompt_versions SET version_no = 9223372036854775807 WHERE rowid = 7;"
            "UPDATE prompt_versions SET version_no = -9223372036854775808 WHERE rowid = 8;"
            "UPDATE token_usage SET prompt_tokens = 9223372036854775807, completion_tokens = 9223372036854775807;"
            "UPDATE security_inputs SET risk_score = 'high', is_blocked = 'maybe', label = '<i>' WHERE rowid = 1;"
            "UPDATE prompt_versions SET id = 'no id at all' WHERE rowid = 9;"
            "UPDATE prompts SET created_at = '9999-12-31 23:59:59.999999' WHERE rowid = 1;"
            "UPDATE prompts SET created_at = '0001-01-01' WHERE rowid = 2;"
            'CREATE TABLE "odd "" <b>table</b>" (x);'
        )
    (root / "storage/odd.csv").write_bytes(b'request_id,"unclosed\n\xff\xfe\0' + b"," * 10_000)
    counts = found(root)
    for check, count in {
        "unreadable-cells": 6,
        "bad-timestamp": 1,
        "score-not-a-number": 1,
        "score-out-of-scale": 1,
        "bad-json": 1,
        "tokens-do-not-add": 18,
        "future-timestamp": 1,
        "unpriced-model": 5,
        "unknown-user": 5,
        "schema-drift": 1,
    }.items():
        assert (check, counts.get(check)) == (check, count)
    report = audit.run(Project.find(root))
    assert "<script>" not in report._repr_html_()
    assert "<b>table" not in report._repr_html_()
    for check in ("unreadable-cells", "bad-json", "unpriced-model", "schema-drift"):
        assert len(report.rows(check)) == counts[check]


@pytest.mark.slow
def test_a_schema_that_was_changed_by_hand_is_told_from_its_generation(root):
    with closing(sqlite3.connect(root / "packages/db/prompter.db")) as connection:
        connection.executescript(
            "DROP TABLE security_inputs; ALTER TABLE best_heads DROP COLUMN updated_at; CREATE TABLE notes (x);"
            "CREATE INDEX i ON prompts (user_id);"
        )
    assert sorted(audit.run(Project.find(root)).rows("schema-drift")["id"]) == [
        "best_heads: column updated_at is missing",
        "notes: no generation has this table",
        "prompts: index on user_id belongs to no generation",
        "security_inputs: the table is missing",
    ]


@pytest.mark.slow
def test_a_declaration_that_was_lost_is_named(tmp_path):
    script = statements(constraints=False)
    changes = {
        "source VARCHAR NOT NULL": ("source VARCHAR", "NOT NULL of source is missing"),
        "version_no INTEGER": ("version_no VARCHAR(9)", "column version_no has TEXT affinity instead of INTEGER"),
        ", FOREIGN KEY(prompt_id) REFERENCES prompts (id) ON DELETE CASCADE": ("", "foreign key prompt_id to prompts"),
    }
    for old, (new, _) in changes.items():
        assert old in script
        script = script.replace(old, new)
    with closing(sqlite3.connect(tmp_path / "prompter.db")) as connection:
        connection.executescript(script)
    found = list(audit.run(Project.find(tmp_path)).rows("schema-drift")["difference"])
    assert len(found) == len(changes)
    for _, says in changes.values():
        assert sum(difference.startswith(says) for difference in found) == 1


@pytest.mark.slow
def test_a_migrated_table_without_the_indexes_of_its_migration_has_drifted(tmp_path):
    path = make_sound(tmp_path, "G2", migrated=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX idx_prompt_versions_parent")
    report = audit.run(Project.find(tmp_path))
    assert list(report.rows("schema-drift")["difference"]) == ["index on parent_version_id is missing"]


@pytest.mark.slow
def test_every_fault_of_a_csv_file_is_placed_on_its_line(root):
    header = b"prompt_id,version_no,version_uuid,text,source,explanation,timestamp\n"
    other = b"version_id,clarity,specificity,actionability,structure,context_use,timestamp\n"
    (root / "storage/bad.csv").write_bytes(
        b"\xef\xbb\xbf" + header + b"a,1,b,\xff,s,{},t\n" + header + b"ragged\n" + other
    )
    report = audit.run(Project.find(root))
    assert list(report.rows("csv-malformed")[["id", "problem"]].itertuples(index=False, name=None)) == [
        ("storage/bad.csv line 1", "byte order mark"),
        ("storage/bad.csv line 2", "bad encoding"),
        ("storage/bad.csv line 3", "repeated header"),
        ("storage/bad.csv line 4", "ragged"),
        ("storage/bad.csv line 5", "header of another layout"),
    ]


SECRETS = {
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA": True,
    "$2b$12$abcdefghijklmnopqrstuv": True,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl": True,
    "sk-proj-abcdefgh1234567890abcd": True,
    KEY: True,
    "ghp_abcdefghijklmnopqrst1234": True,
    "AKIAABCDEFGHIJKLMNOP": True,
    "explain sk-learn-based-classifier-pipelines": False,
    "use hashlib.pbkdf2_hmac('sha256', password, salt, 100_000)": False,
    "a $2 discount on argon2 hashing books": False,
    "eyJ is how such a token begins": False,
}


@pytest.mark.slow
def test_the_shape_of_a_secret_is_found_in_texts_and_hidden_in_reports(root):
    with closing(sqlite3.connect(root / "packages/db/prompter.db")) as connection, connection:
        connection.execute("DELETE FROM security_inputs WHERE rowid > 1")
        for row, secret in enumerate(SECRETS, 1):
            connection.execute(
                "INSERT INTO security_inputs SELECT ?, user_id, ?, risk_score, label, is_blocked, analysis_metadata, "
                "created_at FROM security_inputs WHERE rowid = 1",
                [f"{row:032x}", f"see ({secret}) there"],
            )
    found = audit.run(Project.find(root)).rows("secret-in-text")["id"].str.extract(r"row (\d+)")[0].astype(int)
    assert [row in set(found - 1) for row in range(1, len(SECRETS) + 1)] == list(SECRETS.values())
    for secret, is_one in SECRETS.items():
        assert not is_one or "redacted" in redact(f"see ({secret}) there")


@pytest.mark.slow
def test_a_file_is_a_copy_by_its_bytes_before_its_rows_and_its_name(root):
    (root / "old").mkdir()
    for name, original in (("copied.db", "packages/db/prompter.db"), ("auth_system.db", "auth_system.db")):
        (root / "old" / name).write_bytes((root / original).read_bytes())
    with closing(sqlite3.connect(root / "old/auth_system.db")) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA user_version = 7")
    (root / "storage/again.csv").write_bytes((root / "storage/prompt_versions.csv").read_bytes())
    (root / "old/multi_agent_log.csv").write_text("a,b\n1,2\n")
    copied = audit.run(Project.find(root)).rows("copies").set_index("id")["same"].to_dict()
    assert copied == {
        "old/copied.db": "the same bytes",
        "old/auth_system.db": "the same rows",
        "storage/prompt_versions.csv": "the same bytes",
        "storage/multi_agent_log.csv": "the same name, other content",
    }


GOOD = "-- severity: info\n-- area: scores\n-- question: Which?\n-- hint: None.\nSELECT id FROM versions ORDER BY id"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("-- hint: None.\n", "", "lacks hint"),
        ("severity: info", "severity: bad", "has the unknown severity bad"),
        ("-- area: scores", "-- room: scores", 'no known key: "-- room: scores"'),
        ("-- area: scores", "-- the area is scores", "no known key"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_with_the_name_of_the_check(old, new, says):
    with pytest.raises(ValueError, match='check "odd"') as error:
        parse("odd", GOOD.replace(old, new))
    assert says in str(error.value)


def test_a_check_needs_every_relation_it_reads_but_the_optional_ones():
    text = GOOD.replace("SELECT id FROM versions", "SELECT v.id FROM versions AS v, scores, feedback")
    assert parse("a", text).needs == ("feedback", "scores", "versions")
    header = "-- hint: None.\n-- needs: versions.change_type, prompts.request_id\n-- optional: scores, feedback\n"
    more = text.replace("-- hint: None.\n", header)
    assert parse("a", more).needs == ("versions", "versions.change_type", "prompts.request_id")


@pytest.mark.slow
def test_texts_too_long_to_compare_are_left_out_and_counted(root, monkeypatch):
    monkeypatch.setattr(collect_database, "_MOST_WORK", 10_000)
    DEFECTS["change-type-differs"].inject(root, root / "packages/db/prompter.db")
    with closing(sqlite3.connect(root / "packages/db/prompter.db")) as connection, connection:
        long = "an entirely different text " * 1500
        connection.execute("UPDATE prompt_versions SET text = ? WHERE prompt_id = ? AND version_no = 3", [long, OTHER])
    report = audit.run(Project.find(root))
    facts = report.to_dict()
    left_out = int(facts["left_out"]["change-type-differs"].split()[0])
    assert 0 < left_out < 12
    assert facts["left_out"]["change-type-differs"].endswith("of 12 versions were not compared: too long texts")
    assert facts["checks"]["change-type-differs"] == 1
    assert "Checks that left something out" in report._repr_html_()


@pytest.mark.slow
def test_two_long_texts_do_not_hold_up_the_audit(root):
    letters = random.Random(1)
    with closing(sqlite3.connect(root / "packages/db/prompter.db")) as connection, connection:
        for number in (1, 2):
            text = "".join(letters.choices("abcdefgh ", k=40_000))
            connection.execute(
                "UPDATE prompt_versions SET text = ? WHERE prompt_id = ? AND version_no = ?", [text, OTHER, number]
            )
    started = time.process_time()
    facts = audit.run(Project.find(root)).to_dict()
    assert time.process_time() - started < 10  # comparing them takes minutes
    assert "1 of 12" in facts["left_out"]["change-type-differs"]


def score_by_agents(database: Path) -> None:
    """Store what the multi-agent path stores: each agent scores itself, and the judge scores the selected answer."""
    explanation = '{"source": "multi_agent", "selected_agent": "domain"}'
    with closing(sqlite3.connect(database)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(prompt_versions)")]
        changed = {
            "id": "substr(id, 2) || substr(id, 1, 1)",
            "version_no": "4",
            "source": "'multi_agent'",
            "explanation": "?",
        }
        changed |= {
            "created_at": "replace(created_at, ':03.', ':04.')",
            "parent_version_id": "id",
            "change_type": "'other'",
        }
        values = ", ".join(changed.get(column, column) for column in columns)
        copy = f"INSERT INTO prompt_versions SELECT {values} FROM prompt_versions WHERE version_no = 3"
        connection.execute(copy.replace("text,", "text || ', combined',", 1), [explanation])
        connection.execute(
            "INSERT INTO judge_scores SELECT substr(id, 2) || substr(id, 1, 1), "
            "substr(prompt_version_id, 2) || substr(prompt_version_id, 1, 1), clarity, "
            "specificity, actionability, structure, context_use, feedback, replace(created_at, ':13.', ':14.') "
            "FROM judge_scores WHERE prompt_version_id IN (SELECT id FROM prompt_versions WHERE version_no = 3)"
        )
        connection.execute(
            "UPDATE judge_scores SET clarity = 8 + rowid % 9, specificity = 8 + rowid % 9, "
            "actionability = 8 + rowid % 9, "
            "structure = 8 + rowid % 9, context_use = 8 + rowid % 9, feedback = ? "
            "WHERE prompt_version_id IN (SELECT id FROM prompt_versions WHERE version_no < 4)",
            ['{"agent": "syntax", "confidence": 0.9}'],
        )
        connection.execute(
            "UPDATE best_heads SET prompt_version_id = substr(prompt_version_id, 2) || substr(prompt_version_id, 1, 1)"
        )


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_a_real_project_whose_agents_score_themselves_has_no_error_and_no_warning(tmp_path, generation, migrated):
    score_by_agents(make_sound(tmp_path, generation, migrated, constraints=False))
    for log in (tmp_path / "storage").glob("*.csv"):  # they hold the ids and scores from before
        log.unlink()
    report = audit.run(Project.find(tmp_path))
    found = {f.check.id for f in report.findings if f.count and f.check.severity != "info"}
    assert found == set()
    assert report.to_dict()["unanswered"] == {}
    assert {scale for _, scale, _ in report.scales} == {"self", "judge"}
