from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dbtools import demo
from dbtools.errors import ConflictError, ParameterError, ProjectError
from dbtools.project import Project

TOTAL = "clarity + specificity + actionability + structure + context_use"
REAL_TEXT = "text NOT LIKE '% agent]' AND text NOT LIKE '[Error:%'"
FILES = {
    ".dbtools-demo",
    "auth_system.db",
    "backend/auth_system.db",
    "dbtools.toml",
    "prompter.db",
    "ratings.jsonl",
    "storage/multi_agent_log.csv",
    "storage/my_learning_log.csv",
    "storage/prompt_learning_log.csv",
    "storage/prompt_versions.csv",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return demo.build(tmp_path_factory.mktemp("demo")).root


def query(root: Path, sql: str, name: str = "prompter.db") -> list[tuple]:
    with closing(sqlite3.connect(f"file:{root / name}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def read_tree(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {p.relative_to(root).as_posix(): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}


def log(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "storage" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_tree_is_the_one_of_the_guide(root):
    assert set(read_tree(root)) == FILES


def test_two_builds_in_two_processes_have_the_same_bytes_and_times(root, tmp_path):
    code = f"from dbtools import demo; demo.build({str(tmp_path / 'twin')!r})"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert read_tree(tmp_path / "twin") == read_tree(root)


def test_the_project_is_found_and_expects_what_the_cleanup_leads_to(root):
    project = Project.find(root)
    assert project.database == root / "prompter.db"
    assert project.expect["rows"] == {"prompts": 15, "prompt_versions": 45}
    assert all((root / name).is_file() for name in project.expect["present"])
    assert all((root / name).is_file() for name in project.expect["absent"])


def test_every_table_is_filled(root):
    counts = {
        "prompts": 15,
        "prompt_versions": 45,
        "judge_scores": 45,
        "best_heads": 15,
        "user_feedback": 10,
        "token_usage": 76,
        "security_inputs": 12,
    }
    found = {table: query(root, f"SELECT count(*) FROM {table}")[0][0] for table in counts}
    assert found == counts
    tables = query(root, "SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {name for (name,) in tables} == set(counts)


def test_each_agent_has_fifteen_versions_and_the_versions_of_a_prompt_are_numbered_from_one(root):
    agents = query(root, "SELECT source, count(*) FROM prompt_versions GROUP BY 1")
    assert dict(agents) == {"syntax": 15, "structure": 15, "domain": 15}
    real = query(root, f"SELECT count(DISTINCT source) FROM prompt_versions WHERE {REAL_TEXT} GROUP BY prompt_id")
    assert real == [(3,)] * 11
    numbers = "SELECT count(*) = max(version_no) AND min(version_no) = 1 FROM prompt_versions GROUP BY prompt_id"
    assert query(root, numbers) == [(1,)] * 15


def test_each_agent_stands_at_each_place_in_the_chain_about_as_often(root):
    first = f"{REAL_TEXT} AND version_no <= 3"
    rows = query(root, f"SELECT count(*) FROM prompt_versions WHERE {first} GROUP BY source, version_no")
    assert len(rows) == 9
    assert all(3 <= count <= 5 for (count,) in rows)


def test_one_prompt_has_a_chain_of_eight_versions_and_a_call_that_failed_and_was_repeated(root):
    chain = query(
        root,
        "WITH RECURSIVE chain AS (SELECT id, 1 AS length FROM prompt_versions WHERE parent_version_id IS NULL"
        " UNION ALL SELECT v.id, length + 1 FROM prompt_versions v JOIN chain c ON c.id = v.parent_version_id"
        " WHERE v.text NOT LIKE '[Error:%') SELECT max(length) FROM chain",
    )
    assert chain == [(8,)]
    failed = query(root, "SELECT prompt_id, source, version_no FROM prompt_versions WHERE text LIKE '[Error:%'")
    assert len(failed) == 1
    prompt_id, source, number = failed[0]
    again = f"prompt_id = '{prompt_id}' AND source = '{source}' AND version_no = {number + 1}"
    assert query(root, f"SELECT count(*) FROM prompt_versions WHERE {again}") == [(1,)]


@pytest.mark.parametrize("name", ["prompter.db", "auth_system.db", "backend/auth_system.db"])
def test_the_databases_are_sound(root, name):
    assert query(root, "PRAGMA integrity_check", name) == [("ok",)]
    assert query(root, "PRAGMA foreign_key_check", name) == []


def test_ids_and_times_have_the_form_of_the_application(root):
    ids = query(root, "SELECT id FROM prompt_versions UNION ALL SELECT id FROM judge_scores")
    assert len(set(ids)) == 90
    assert all(re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", i) for (i,) in ids)
    times = query(root, "SELECT created_at FROM prompts UNION ALL SELECT created_at FROM judge_scores")
    assert all(re.fullmatch(r"2025-(09|10|11)-\d\d \d\d:\d\d:\d\d\.\d{6}", time) for (time,) in times)


def test_scores_are_half_marks_on_the_scale_of_the_judge(root):
    for name in TOTAL.split(" + "):
        marks = query(root, f"SELECT {name} FROM judge_scores")
        assert all(0 <= mark <= 10 and (2 * mark).is_integer() for (mark,) in marks)


def test_in_real_prompts_structure_leads_and_does_not_win_everything(root):
    real = f"(p.user_id IS NULL OR p.user_id NOT LIKE 'test_user%') AND {REAL_TEXT}"
    joined = "prompt_versions v JOIN prompts p ON p.id = v.prompt_id"
    means = dict(
        query(
            root,
            f"SELECT source, avg({TOTAL}) FROM {joined} JOIN judge_scores s ON s.prompt_version_id = v.id"
            f" WHERE {real} GROUP BY 1",
        )
    )
    assert means["syntax"] < means["domain"] < means["structure"]
    assert 1.5 < means["structure"] - means["syntax"] < 2.5
    wins = query(
        root,
        f"SELECT source, count(*) FROM {joined} JOIN best_heads h ON h.prompt_version_id = v.id"
        f" WHERE {real} GROUP BY 1",
    )
    assert dict(wins) == {"structure": 6, "domain": 3, "syntax": 2}


def test_four_prompts_bear_every_mark_of_generated_data_and_no_other_bears_one(root):
    marked = query(
        root,
        "SELECT p.user_id LIKE 'test_user%',"
        " v.text = p.original_text || ' [Enhanced by ' || v.source || ' agent]',"
        " json_extract(s.feedback, '$.synthetic'), json_extract(v.explanation, '$.synthetic')"
        " FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id"
        " JOIN judge_scores s ON s.prompt_version_id = v.id",
    )
    assert [tuple(bool(mark) for mark in row) for row in marked] == [(False,) * 4] * 39 + [(True,) * 4] * 6


def test_real_prompts_are_days_apart_and_generated_ones_within_a_second(root):
    times = [t for (t,) in query(root, "SELECT created_at FROM prompts ORDER BY 1")]
    assert len({time[:10] for time in times[:11]}) == 11
    assert len({time[:19] for time in times[11:]}) == 1


def test_real_texts_are_distinct_per_agent_and_one_prompt_was_asked_twice(root):
    assert query(root, "SELECT count(DISTINCT original_text) FROM prompts") == [(12,)]
    assert query(root, f"SELECT count(DISTINCT text) FROM prompt_versions WHERE {REAL_TEXT}") == [(38,)]


def test_an_audit_finds_the_few_defects_and_no_others(root):
    older = (
        "SELECT count(*) FROM prompt_versions c JOIN prompt_versions p ON p.id = c.parent_version_id"
        " WHERE c.created_at < p.created_at"
    )
    heads = (
        f"WITH scored AS (SELECT v.prompt_id, v.id, {TOTAL} AS total FROM prompt_versions v"
        " JOIN judge_scores s ON s.prompt_version_id = v.id)"
        " SELECT count(*) FROM best_heads h JOIN scored ON scored.id = h.prompt_version_id WHERE "
    )
    better = "total < (SELECT max(total) FROM scored o WHERE o.prompt_id = h.prompt_id)"
    unborn = (
        "SELECT count(*) FROM prompt_versions v JOIN prompts p ON p.id = v.prompt_id WHERE v.created_at < p.created_at"
    )
    assert query(root, older) == [(1,)]
    assert query(root, heads + "total <> h.score") == [(1,)]
    assert query(root, heads + better) == [(2,)]
    assert query(root, unborn) == [(0,)]


def test_versions_form_one_chain_per_prompt(root):
    linked = query(
        root,
        "SELECT count(*), sum(c.version_no = p.version_no + 1)"
        " FROM prompt_versions c JOIN prompt_versions p ON p.id = c.parent_version_id"
        " WHERE c.prompt_id = p.prompt_id AND c.change_magnitude > 0",
    )
    assert linked == [(30, 29)]  # all but the first of each prompt; one was made anew after a call that failed
    kinds = query(root, "SELECT DISTINCT change_type FROM prompt_versions ORDER BY 1")
    assert kinds == [("length",), ("other",), ("structure",), ("wording",)]


def test_user_feedback_agrees_with_heads_and_requests(root):
    rows = query(
        root,
        "SELECT f.judge_winner = v.source, f.request_id = p.request_id,"
        " f.judge_correct = (f.agent_winner = v.source)"
        " FROM user_feedback f JOIN prompts p ON p.id = f.prompt_id"
        " JOIN best_heads h ON h.prompt_id = p.id JOIN prompt_versions v ON v.id = h.prompt_version_id",
    )
    assert rows == [(1, 1, 1)] * 10


def test_token_usage_adds_up_and_has_a_price(root):
    good = "total_tokens = prompt_tokens + completion_tokens AND cost_usd > 0"
    assert query(root, f"SELECT count(*) FROM token_usage WHERE {good}") == [(76,)]


def test_security_inputs_have_all_labels_and_only_blocked_ones_are_blocked(root):
    labels = query(root, "SELECT label, sum(is_blocked) FROM security_inputs GROUP BY 1 ORDER BY 1")
    assert labels == [("blocked", 1), ("high-risk", 0), ("low-risk", 0), ("medium-risk", 0), ("safe", 0)]


def test_the_two_auth_databases_have_the_same_rows_and_other_bytes(root):
    root_copy, backend_copy = "auth_system.db", "backend/auth_system.db"
    rows = query(root, "SELECT * FROM users ORDER BY id", root_copy)
    assert rows == query(root, "SELECT * FROM users ORDER BY id", backend_copy)
    assert (root / root_copy).read_bytes() != (root / backend_copy).read_bytes()
    assert query(root, "SELECT count(*) FROM users WHERE email LIKE '%@example.org'", root_copy) == [(2,)]


def test_the_version_log_is_in_the_database_by_id_or_text_but_for_six_rows(root):
    rows = log(root, "prompt_versions.csv")
    ids = {i for (i,) in query(root, "SELECT id FROM prompt_versions")}
    texts = {t for (t,) in query(root, "SELECT text FROM prompt_versions")}
    texts |= {t for (t,) in query(root, "SELECT original_text FROM prompts")}
    by_id = [row for row in rows if row["version_uuid"].replace("-", "") in ids]
    by_text = [row for row in rows if row["text"] in texts]
    assert all("-" in row["version_uuid"] for row in rows)
    assert (len(rows), len(by_id), len(by_text)) == (36, 24, 30)
    assert sum(row not in by_id and row not in by_text for row in rows) == 6


def test_the_request_log_holds_three_known_requests_and_two_unknown_ones(root):
    rows = log(root, "multi_agent_log.csv")
    requests = {r for (r,) in query(root, "SELECT request_id FROM prompts")}
    texts = {t for (t,) in query(root, "SELECT text FROM prompt_versions")}
    assert [row["request_id"] in requests for row in rows] == [True, True, True, False, False]
    assert [row["final_prompt"] in texts for row in rows] == [True, True, True, False, False]
    for row in rows:
        votes = json.loads(row["vote_breakdown"])
        assert votes[row["selected_agent"]] == max(votes.values())
        assert row["final_prompt"] == row[f"{row['selected_agent']}_improved"]


@pytest.mark.parametrize("name", ["my_learning_log.csv", "prompt_learning_log.csv"])
def test_a_learning_log_has_three_rows_that_the_database_does_not_know(root, name):
    rows = log(root, name)
    assert [row["prompt_id"] for row in rows] == ["001", "001.1", "002"]
    known = {t for (t,) in query(root, "SELECT text FROM prompt_versions")}
    assert known.isdisjoint(row["prompt"] for row in rows)


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ConflictError, match="is not empty"):
        demo.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_marker_that_is_a_link_or_a_folder_opens_no_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / demo.MARKER).mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / demo.MARKER).symlink_to(__file__)
    for name in "ab":
        with pytest.raises(ConflictError):
            demo.build(tmp_path / name)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(ConflictError, match="is a file"):
        demo.build(tmp_path / "demo")
    assert (tmp_path / "demo").read_text() == "mine"


def test_a_demo_is_rebuilt_whole_and_nothing_behind_a_link_is_touched(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.txt").write_text("kept")
    folder = tmp_path / "demo"
    demo.build(folder)
    (folder / "prompter.db").unlink()
    (folder / "reports" / "deep").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    demo.build(folder)
    assert read_tree(folder) == read_tree(root)
    assert (tmp_path / "elsewhere" / "kept.txt").read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="Cannot build the demo"):
        demo.build(tmp_path / "file" / "demo")


def test_an_unknown_stage_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ParameterError, match="found, cleaned"):
        demo.build(tmp_path / "demo", stage="tidy")
    assert not (tmp_path / "demo").exists()


def test_without_a_project_a_fresh_demo_opens_in_the_cache(root, tmp_path, monkeypatch):
    monkeypatch.delenv("DBTOOLS_PROJECT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    project = demo.open_project()
    assert project.root == tmp_path / "cache" / "dbtools" / "demo-found"
    assert read_tree(project.root) == read_tree(root)


def test_a_project_that_is_named_or_around_is_opened_as_it_is(root, tmp_path, monkeypatch):
    monkeypatch.delenv("DBTOOLS_PROJECT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert demo.open_project(str(root)).root == root
    monkeypatch.chdir(root / "storage")
    assert demo.open_project().root == root
    assert not (tmp_path / "cache").exists()


def test_a_project_that_is_named_but_missing_does_not_turn_into_the_demo(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DBTOOLS_PROJECT", str(tmp_path / "gone"))
    with pytest.raises(ProjectError):
        demo.open_project()
    with pytest.raises(ProjectError):
        demo.open_project(str(tmp_path / "gone"))
    assert not (tmp_path / "cache").exists()
