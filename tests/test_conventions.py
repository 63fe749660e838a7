from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dbtools"
MODULES = sorted(PACKAGE.rglob("*.py"))
QUERIES = [q for q in sorted(PACKAGE.rglob("*.sql")) if q.parent != PACKAGE / "demo" / "data"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# Which rooms each room may use; within itself each may use everything.
LEAVES = {
    "__version__",
    "clock",
    "disk",
    "environment",
    "errors",
    "html",
    "iri_parsers",
    "progress",
    "redact",
    "result",
    "server",
}
ARROWS = {
    "clock": set(),
    "redact": set(),
    "iri_parsers": set(),
    "errors": {"redact"},
    "disk": {"errors"},
    "progress": {"errors"},
    "server": {"errors"},
    "environment": {"server"},
    "html": {"errors", "redact"},
    "result": {"html"},
    "project": LEAVES,
    "database": LEAVES | {"project"},
    "files": LEAVES | {"project", "database"},
    "audit": LEAVES | {"project", "database", "files"},
    "export": LEAVES | {"project", "database", "files"},
    "analysis": LEAVES | {"project", "database"},
    "cleanup": LEAVES | {"project", "database", "files", "export"},
    "show": LEAVES | {"project", "database", "audit", "export", "analysis", "cleanup"},
    "notebooks": LEAVES | {"project", "database", "files", "show"},
    "demo": LEAVES | {"project", "database", "cleanup"},
    "cli": LEAVES | {"project", "notebooks", "demo"},
    "__main__": {"cli"},
}
# Who alone may import a package that is heavy or dangerous.
ONLY = {
    "papermill": "notebooks",
    "nbconvert": "notebooks",
    "ipywidgets": "show",
    "altair": "show",
    "sqlite3": ("database", "files", "cleanup", "audit", "demo"),
}


def room(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "dbtools":
            found += [f"dbtools.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("module", [m for m in MODULES if m != PACKAGE / "__init__.py"], ids=str)
def test_imports_run_one_way(module):
    here = room(module)
    used = {name.split(".")[1] for name in imports(module) if name.startswith("dbtools.")}
    assert used - {here} <= ARROWS[here]


@pytest.mark.slow
@pytest.mark.parametrize(("package", "rooms"), ONLY.items())
def test_a_heavy_package_has_one_door(package, rooms):
    users = {room(m) for m in MODULES if package in {name.split(".")[0] for name in imports(m)}}
    assert users <= ({rooms} if isinstance(rooms, str) else set(rooms))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.name)
def test_every_query_says_what_it_asks(query):
    head = query.read_text().splitlines()[0]
    assert head.startswith("-- ")
    assert head.startswith("-- severity:") or "?" in query.read_text().split("\nSELECT")[0]


ANSWERS = [
    q
    for q in QUERIES
    # A working table is read by other queries, never shown: it needs no order.
    if q.parent.name in ("checks", "queries", "duckdb", "layouts") and "(A working table" not in q.read_text()
]


@pytest.mark.parametrize("query", ANSWERS, ids=lambda q: q.name)
def test_every_query_fixes_the_order_of_its_rows(query):
    assert "ORDER BY" in query.read_text().rsplit(")", 1)[-1] or re.search(
        r"ORDER BY [^()]+(\([^()]*\)[^()]*)*;?\s*$", query.read_text()
    )


@pytest.mark.slow
def test_the_library_never_prints():
    for module in MODULES:
        calls = [n for n in ast.walk(ast.parse(module.read_text())) if isinstance(n, ast.Call)]
        prints = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]
        assert not prints or module.name in ("cli.py", "__main__.py"), module


def test_html_tables_have_one_maker():
    for module in MODULES:
        text = module.read_text()
        assert module.name in ("html.py",) or not re.search(r"\.to_html\(|(?<!show)\.style\b|<table", text), module


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_and_a_function_can_be_seen_at_once(module):
    text = module.read_text()
    assert len(text.splitlines()) <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            told = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
            assert node.end_lineno - node.lineno + 1 - told <= 60, node.name


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.name)
class TestNotebook:
    def cells(self, notebook, kind="code"):
        return [c for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == kind]

    def test_is_short(self, notebook):
        cells = json.loads(notebook.read_text())["cells"]
        assert len(cells) <= 20
        for cell in self.cells(notebook):
            assert len("".join(cell["source"]).splitlines()) <= 8

    def test_leaves_the_logic_to_the_package(self, notebook):
        for cell in self.cells(notebook):
            source = "".join(cell["source"])
            banned = (ast.FunctionDef, ast.For, ast.While, ast.Try, ast.comprehension, ast.Lambda)
            assert not any(isinstance(node, banned) for node in ast.walk(ast.parse(source)))
            assert not re.search(r"\bSELECT\b|^[%!]", source, re.MULTILINE)

    def test_first_says_what_it_is_for_then_takes_its_parameters(self, notebook):
        first, second, *_ = json.loads(notebook.read_text())["cells"]
        text = "".join(first["source"])
        assert text.startswith("# ")
        assert "**You need**" in text
        assert "**You get**" in text
        assert second["metadata"]["tags"] == ["parameters"]
        for line in "".join(second["source"]).splitlines():
            assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # .+", line), line

    def test_last_records_its_numbers(self, notebook):
        assert "".join(self.cells(notebook)[-1]["source"]).startswith("record(")

    def test_runs_on_the_standard_kernel(self, notebook):
        assert json.loads(notebook.read_text())["metadata"]["kernelspec"]["name"] == "python3"


def test_every_module_of_tests_has_one_that_make_test_runs():
    slow = set(re.search(r"^SLOW +:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())
    for module in (ROOT / "tests").rglob("test_*.py"):
        if module.relative_to(ROOT / "tests").parts[0] in slow:
            continue
        functions = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)]
        tests = [node for node in functions if node.name.startswith("test_")]
        marks = [[ast.unparse(decorator) for decorator in test.decorator_list] for test in tests]
        assert any("pytest.mark.slow" not in of_test for of_test in marks), module
