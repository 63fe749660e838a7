"""The README and the pages of docs: their examples run, their links lead somewhere, and what they name exists."""

from __future__ import annotations

import doctest
import json
import re
import tomllib
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from dbtools import analysis, demo
from dbtools.notebooks import catalog

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def prose(page: Path) -> str:
    """Return the text of a page without code, tables and the targets of links."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^\|.*\|$", "", text, flags=re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`[^`]*`", "code", text)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_fits_on_a_page():
    assert len(README) <= 9_000
    assert len(README.splitlines()) <= 220


@by_name
def test_no_sentence_is_longer_than_thirty_words(page):
    paragraphs = re.split(r"\n\s*\n|\n(?=[-*#] )", prose(page))
    sentences = chain.from_iterable(re.split(r"(?<=[.!?:;])\s+(?=[A-Z`*\"])", " ".join(p.split())) for p in paragraphs)
    assert [s for s in sentences if len(s.split()) > 30] == []


@by_name
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@by_name
def test_every_picture_has_a_text_for_those_who_do_not_see_it(page):
    assert all(text.strip() for text in re.findall(r"!\[([^\]]*)\]", page.read_text(encoding="utf-8")))


@by_name
def test_every_make_target_named_is_there(page):
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)) <= targets


@by_name
def test_every_command_names_notebooks_and_parameters_that_exist(page):
    if page.name == "extending.md":  # it adds a notebook; tests/test_extending.py follows it
        return
    known = {notebook.name: {p.name for p in notebook.parameters} for notebook in catalog()}
    for command in re.findall(r"dbtools run ([^`\n#|]*)", page.read_text(encoding="utf-8")):
        words = command.split()
        names = words[: next((i for i, word in enumerate(words) if word.startswith("-")), len(words))]
        parameters = {words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "-p"}
        if names == ["NAME"] or not names:
            continue
        assert set(names) <= known.keys(), command
        assert parameters <= set.union(*(known[name] for name in names)), command


@pytest.mark.slow
def test_the_examples_of_the_readme_give_what_they_show(tmp_path, monkeypatch):
    demo.build(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(re.findall(r"```pycon\n(.*?)```", README, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(blocks, {}, "README", "README.md", 0)
    failures: list[str] = []
    with pd.option_context("display.width", 120):
        result = doctest.DocTestRunner().run(examples, out=failures.append)
    assert result.attempted > 10
    assert not result.failed, "".join(failures)


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_examples_on_ratings_take_the_answers_of_a_judge_model(tmp_path, monkeypatch):
    demo.build(tmp_path / "my-project")
    monkeypatch.chdir(tmp_path)
    write_tasks, load_answers = blocks("ratings.md")
    names: dict[str, object] = {}
    exec(write_tasks, names)
    tasks = [json.loads(line) for line in Path("tasks/rating_tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"task", "question", "prompt", "left_text", "right_text"} <= tasks[0].keys()
    answers = [json.dumps({"task": task["task"], "choice": "left"}) + "\n" for task in tasks]
    Path("answers.jsonl").write_text("".join(answers), encoding="utf-8")
    before = Path("my-project/ratings.jsonl").read_text(encoding="utf-8")
    exec(load_answers, names)
    added = Path("my-project/ratings.jsonl").read_text(encoding="utf-8").removeprefix(before).splitlines()
    assert len(added) == len(tasks)
    assert {json.loads(line)["rater"] for line in added} == {"model-1"}


@pytest.mark.slow
def test_the_example_of_a_lake_gives_the_same_answer_as_the_database(tmp_path, monkeypatch):
    project = demo.build(tmp_path / "my-project")
    monkeypatch.chdir(tmp_path)
    exec(blocks("backends.md")[0], {})
    of_lake = analysis.effectiveness("lake").to_dict()
    assert of_lake["verdict"] == analysis.effectiveness(project.root / "prompter.db").to_dict()["verdict"]


def test_every_notebook_is_in_the_readme():
    listed = re.findall(r"^\| `(\d\d_\w+)` \|", README, re.MULTILINE)
    assert listed == [notebook.path.stem for notebook in catalog()]


def test_every_dependency_is_in_the_readme():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README.split("## Dependencies")[1].split("##")[0]
    extras = {name: r for name, r in project["optional-dependencies"].items() if name != "dev"}
    for requirement in [*project["dependencies"], *chain.from_iterable(extras.values())]:
        assert re.match(r"[\w-]+", requirement)[0] in table, requirement
