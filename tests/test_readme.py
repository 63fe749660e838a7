from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import chain
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from dbtools import demo
from dbtools.notebooks import catalog

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tour_gives_what_it_shows(tmp_path, monkeypatch):
    demo.build(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(re.findall(r"```pycon\n(.*?)```", README, re.DOTALL))
    tour = doctest.DocTestParser().get_doctest(blocks, {}, "tour", "README.md", 0)
    failures: list[str] = []
    with pd.option_context("display.width", 120):
        result = doctest.DocTestRunner().run(tour, out=failures.append)
    assert result.attempted > 10
    assert not result.failed, "".join(failures)


def as_notebook(cells: str) -> str:
    """Make a notebook of cells that are told apart by ``# %%``."""
    notebook = nbformat.v4.new_notebook()
    for head, _, body in (cell.partition("\n") for cell in cells.split("# %%")[1:]):
        if "markdown" in head:
            notebook.cells.append(nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE)))
        else:
            tags = {"tags": ["parameters"]} if "parameters" in head else {}
            notebook.cells.append(nbformat.v4.new_code_cell(body.strip(), metadata=tags))
    return nbformat.writes(notebook)


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """Return a copy of dbtools with the files that the page adds, and the demo project beside it."""
    for folder in ("dbtools", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    chapter = README.split("### Adding to it")[1]
    added = re.findall(r"`((?:dbtools|notebooks)/\S+)`[^`]*?\n\n```\w+\n(.*?)```", chapter, re.DOTALL)
    assert len(added) == 4
    for name, text in added:
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(as_notebook(text) if name.endswith(".ipynb") else text, encoding="utf-8")
    demo.build(tmp_path / "demo")
    return tmp_path


def python(tree: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run([sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout


USE = """
from dbtools import attach, audit, export
with attach("demo") as db:
    print(db.frame("users").prompts.sum() == db.rows("prompts") > 0)
    written = export.write(db, "out", layouts=["user_prompts"])
    print(written.files[0].rows == db.rows("prompts"), written.proved)
report = audit.run("demo", progress=False)
print("capitals" in set(report.frame.check), len(report.rows("capitals")))
"""


def test_what_the_page_adds_is_one_file_each_and_works(extended):
    assert python(extended, "-c", USE).splitlines() == ["True", "True True", "True 0"]
    assert "users: Who asks how much?" in python(extended, "-m", "dbtools.cli", "list")
    python(extended, "-m", "dbtools.cli", "run", "users", "--root", "demo")
    recorded = json.loads((extended / "reports" / "users.json").read_text())
    with closing(sqlite3.connect(extended / "demo" / "prompter.db")) as connection:
        asked = connection.execute("SELECT coalesce(user_id, 'nobody'), count(*) FROM prompts GROUP BY 1")
        assert recorded["users"] == dict(asked)


def test_every_notebook_is_in_the_table():
    listed = re.findall(r"^\| `(\d\d_\w+)` \|", README, re.MULTILINE)
    assert listed == [notebook.path.stem for notebook in catalog()]


def test_every_picture_is_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_every_make_target_named_is_there():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?\bmake ([a-z-]+)`?", README)) <= targets | {"is"}


def test_every_dependency_is_in_the_table():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README.split("## Dependencies")[1].split("##")[0]
    for requirement in [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]:
        assert re.match(r"[\w-]+", requirement)[0] in table, requirement
