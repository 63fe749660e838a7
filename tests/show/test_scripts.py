"""The scripts and styles of the Explorer."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dbtools.show import style
from dbtools.show.explorer import markup

FOLDER = Path(markup.__file__).parent
SCRIPTS = sorted(FOLDER.glob("*.js"))
PYTHON = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))


def test_there_are_scripts_and_no_script_in_a_python_string():
    assert [path.name for path in SCRIPTS] == ["keys.js", "page.js", "sql.js", "tabs.js"]
    assert "addEventListener" not in PYTHON


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_a_module_that_parses(script, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not on this machine")
    module = shutil.copy(script, tmp_path / f"{script.stem}.mjs")
    checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_takes_no_text_for_code_and_loads_nothing(script):
    code = script.read_text("utf-8")
    assert not re.search(r"\beval\b|new Function|document\.write|\bfetch\(|import\(|https?:", code)
    assert code.startswith("// ")
    assert "\t" not in code
    assert max(map(len, code.splitlines())) <= 120


def test_the_styles_are_balanced_and_only_for_the_explorer():
    css = re.sub(r"/\*.*?\*/", "", (FOLDER / "explorer.css").read_text("utf-8"), flags=re.DOTALL)
    assert css.count("{") == css.count("}") > 30
    selectors = [rule.strip() for rule in re.findall(r"(?:^|\})\s*([^{}]+)\{", css)]
    assert [s for s in selectors if "dbtools-" not in s and not re.fullmatch(r"from|to", s)] == []


def test_every_colour_of_a_chart_follows_the_theme():
    css = (FOLDER / "explorer.css").read_text("utf-8")
    for colour in style.DARK:
        assert f'.dbtools-chart [fill="{colour}"]' in css
        assert f'.dbtools-chart [stroke="{colour}"]' in css


def test_the_modules_of_the_explorer_import_each_other_in_one_direction():
    imports = {
        path.stem: set(re.findall(r"from dbtools\.show\.explorer\.?(\w*) import (.+)", path.read_text("utf-8")))
        for path in FOLDER.glob("*.py")
    }
    names = set(imports)
    needs = {
        name: {module or word for module, words in found for word in ([""] if module else words.split(", "))}
        & (names - {name})
        for name, found in imports.items()
    }
    order: list[str] = []
    while len(order) < len(names):
        free = sorted(name for name in names - set(order) if needs[name] <= set(order))
        assert free, f"these import each other in a circle: {sorted(names - set(order))}"
        order += free
