from __future__ import annotations

import json

import pytest
from rating_projects import own_marks_project
from support import AGENTS, assert_sentence, hex_id

from dbtools import analysis, attach, export
from dbtools.database.ratings import read
from dbtools.errors import ParameterError


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return own_marks_project(tmp_path_factory.mktemp("tasks") / "project", prompts=3)


@pytest.fixture
def project(base):
    yield base
    (base / "ratings.jsonl").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def tasks(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    with attach(base, texts=True) as db:
        written = export.write(db, folder, layouts=("rating_tasks",), progress=False)
    assert [file.path for file in written.files] == ["rating_tasks.jsonl"]
    assert written.files[0].rows == 18
    return [json.loads(line) for line in (folder / "rating_tasks.jsonl").read_text().splitlines()]


def answers(folder, lines):
    file = folder / "answers.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return file


@pytest.mark.slow
def test_the_tasks_are_blind_and_each_pair_comes_with_its_sides_swapped(tasks):
    assert set(tasks[0]) == {"task", "question", "prompt", "left_text", "right_text"}
    pairs = {(task["prompt"], task["left_text"], task["right_text"]) for task in tasks}
    assert len(pairs) == 3 * 3 * 2
    assert {(prompt, right, left) for prompt, left, right in pairs} == pairs
    told = json.dumps(tasks)
    ids = [hex_id("version", number, agent) for number in range(3) for agent in AGENTS]
    assert not [name for name in (*AGENTS, *ids) if name in told.replace("-", "")]


@pytest.mark.slow
def test_a_default_export_has_no_tasks(base, tmp_path):
    with attach(base, texts=True) as db:
        written = export.write(db, tmp_path / "out", progress=False)
    assert "rating_tasks" not in {file.layout for file in written.files}


@pytest.mark.slow
def test_any_layout_can_be_written_as_json_lines(base, tmp_path):
    with attach(base, texts=True) as db:
        export.write(db, tmp_path / "out", layouts=("prompts",), formats=("jsonl",), progress=False)
    lines = (tmp_path / "out/prompts.jsonl").read_text().splitlines()
    assert {json.loads(line)["original_text"] for line in lines} == {f"question {number}" for number in range(3)}


@pytest.mark.slow
def test_the_answers_come_back_as_ratings_once(project, tasks, tmp_path):
    # This judge prefers the text of the agent that is first in AGENTS, and the left one of the others.
    given = [{"task": t["task"], "choice": "right" if "Answer 0" in t["right_text"] else "left"} for t in tasks]
    file = answers(tmp_path, given)
    assert analysis.load_ratings(project, file, rater="model-1") == 18
    assert analysis.load_ratings(project, file, rater="model-1") == 0
    assert len(read(project / "ratings.jsonl").ratings) == 18
    with attach(project) as db:
        rated = analysis.effectiveness(db, wins="rated").rated
    assert {agent: sum(table.totals) for agent, table in rated.tables.items()} == {
        AGENTS[0]: 12,
        AGENTS[1]: 3,
        AGENTS[2]: 3,
    }
    assert (rated.swapped, rated.same) == (9, 6)
    assert analysis.load_ratings(project, file, rater="model-2") == 18


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("no json", "Line 2 of the answers is no JSON object"),
        ("[1]", "Line 2 of the answers is no JSON object"),
        ({"task": "unknown", "choice": "left"}, "Line 2 has no task of this project"),
        ({"choice": "left"}, "Line 2 has no task of this project"),
        ("up", "Line 2 has no answer"),
        ("right", "Line 2 contradicts an earlier answer"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence_and_nothing_is_added(project, tasks, tmp_path, bad, said):
    task = tasks[0]["task"]
    second = {"task": task, "choice": bad} if bad in ("up", "right") else bad
    file = answers(tmp_path, [{"task": task, "choice": "left"}, second])
    with pytest.raises(ParameterError) as caught:
        analysis.load_ratings(project, file, rater="model-1")
    assert str(caught.value).startswith(said)
    assert len(str(caught.value).splitlines()) == 1
    assert not (project / "ratings.jsonl").exists()


@pytest.mark.slow
def test_another_answer_on_another_day_is_refused(project, tasks, tmp_path):
    task = tasks[0]["task"]
    analysis.load_ratings(project, answers(tmp_path, [{"task": task, "choice": "left"}]), rater="model-1")
    with pytest.raises(ParameterError, match="contradicts"):
        analysis.load_ratings(project, answers(tmp_path, [{"task": task, "choice": "tie"}]), rater="model-1")


def test_a_file_that_is_not_there_is_named(project, tmp_path):
    with pytest.raises(ParameterError) as caught:
        analysis.load_ratings(project, tmp_path / "none.jsonl", rater="m")
    assert_sentence(caught.value, str(tmp_path / "none.jsonl"))
