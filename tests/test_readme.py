from __future__ import annotations

import doctest
import re
from itertools import chain
from pathlib import Path

import pandas as pd

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
