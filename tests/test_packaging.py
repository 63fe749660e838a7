from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
HEAVY = {
    "duckdb",
    "pandas",
    "numpy",
    "altair",
    "papermill",
    "nbconvert",
    "nbformat",
    "ipywidgets",
    "jupyterlab",
    "tqdm",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", name)[0]).lower()


def pins() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        found.setdefault(normal(name), set()).add(version)
    return found


def wanted() -> list[str]:
    return [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


@pytest.mark.parametrize("requirement", wanted())
def test_every_dependency_is_pinned_in_the_lock(requirement):
    assert normal(requirement) in pins()
    if "==" in requirement:
        assert pins()[normal(requirement)] == {requirement.split("==")[1]}


def test_every_pin_has_a_hash_and_no_address():
    entries = re.findall(r"^[A-Za-z0-9._-]+==.*?(?=^[A-Za-z]|\Z)", LOCK, re.MULTILINE | re.DOTALL)
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK


def test_duckdb_and_its_scanner_are_of_one_version():
    assert pins()["duckdb"] == pins()["duckdb-extension-sqlite-scanner"]


def test_the_conda_environment_is_the_same_as_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["-r requirements.lock"]
    versions = {d.split("=")[0].removeprefix("python-"): d.split("=")[1] for d in conda if "=" in d}
    assert versions.pop("python") == PROJECT["requires-python"].removeprefix(">=")
    assert {"jupyterlab", "duckdb", "pandas", "ipywidgets", "nbval", "papermill"} <= set(versions)
    declared = {normal(d) for d in wanted()}
    for name, version in versions.items():
        assert name in declared
        assert pins()[name] == {version}


def test_what_pypi_shows_is_true():
    assert PROJECT["license"] == "MIT"
    assert all((ROOT / name).read_text().startswith("MIT License") for name in PROJECT["license-files"])
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "dbtools" / "py.typed").is_file()
    named = [
        c.rpartition(" ")[2] for c in PROJECT["classifiers"] if c.startswith("Programming Language :: Python :: 3.")
    ]
    assert named[0] == PROJECT["requires-python"].removeprefix(">=")


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "dbtools").rglob("*.py")), ids=str)
def test_the_code_needs_no_newer_syntax_than_the_oldest_python(path):
    oldest = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
    ast.parse(path.read_text(encoding="utf-8"), feature_version=oldest)


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "dbtools", "--version"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith("dbtools ")


def test_importing_dbtools_loads_the_standard_library_only():
    code = "import sys, dbtools; print(*sorted(m.split('.')[0] for m in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    foreign = set(printed.split()) - set(sys.stdlib_module_names) - {"dbtools", "sitecustomize"}
    assert not {m for m in foreign if not m.startswith(("_", "__"))} & HEAVY


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_command_lines_help_loads_nothing_heavy(option):
    code = f"""if True:
        import sys
        from dbtools.cli import main
        try:
            main([{option!r}])
        except SystemExit:
            print(*sys.modules)
    """
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "argparse" in printed
    assert not HEAVY & {m.split(".")[0] for m in printed.split()}
