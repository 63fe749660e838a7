"""Follow docs/extending.md literally: put its files into a copy of dbtools and use them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from dbtools import demo
from dbtools.audit import checks
from dbtools.audit.checks import _HEADER, _OPTIONAL_HEADER
from dbtools.audit.report import SEVERITIES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def as_notebook(cells: str) -> str:
    """Make a notebook of a script whose cells begin with ``# %%``."""
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
    added = re.findall(r"`((?:dbtools|notebooks)/\S+)`[^`]*?\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
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


@pytest.mark.slow
def test_what_the_page_adds_is_one_file_each_and_works(extended):
    assert python(extended, "-c", USE).splitlines() == ["True", "True True", "True 0"]
    assert "users: Who asks how much?" in python(extended, "-m", "dbtools.cli", "list")
    python(extended, "-m", "dbtools.cli", "run", "users", "--root", "demo")
    recorded = json.loads((extended / "reports" / "users.json").read_text())
    with closing(sqlite3.connect(extended / "demo" / "prompter.db")) as connection:
        asked = connection.execute("SELECT coalesce(user_id, 'nobody'), count(*) FROM prompts GROUP BY 1")
        assert recorded["users"] == dict(asked)


def test_the_page_lists_every_key_severity_and_area_of_a_check():
    keys = re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)
    assert keys == ["key", *_HEADER, *_OPTIONAL_HEADER]
    severity, area = (re.search(rf"^\| {key} \| (.*) \|$", PAGE, re.MULTILINE)[1] for key in ("severity", "area"))
    assert re.findall(r"`(\w+)`", severity) == list(SEVERITIES)
    assert set(re.findall(r"`(\w+)`", area)) == {check.area for check in checks()}
