from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dbtools import demo

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, as pip would, into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        folder,
    ]
    subprocess.run([*map(str, command), str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_every_file_of_the_package_and_the_notebooks(installed):
    def content(folder: Path) -> set[str]:
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}

    notebooks = {f"_notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert content(ROOT / "dbtools") | notebooks <= content(installed / "dbtools")


def test_notebooks_run_without_a_checkout(installed, tmp_path):
    root = demo.build(tmp_path / "demo").root
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from dbtools.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, installed, "run", "verify", "--root", root, "--out", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr  # the demo is not cleaned yet
    assert json.loads((tmp_path / "out" / "verify.json").read_text())["passed"] is False
