"""A first answer does not wait for packages that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dbtools import demo

HEAVY = ("pandas", "scipy.stats", "scipy.sparse", "scipy.optimize", "altair", "IPython", "ipywidgets", "nbformat")
ANSWERS = {
    "effectiveness": "from dbtools import analysis\nwith attach(root) as db:\n    analysis.effectiveness(db).sentence",
    "usage": "from dbtools import analysis\nwith attach(root) as db:\n    analysis.usage(db).sentence",
    "evolution": "from dbtools import analysis\nwith attach(root) as db:\n    analysis.evolution(db).sentence",
    "application": "from dbtools import analysis\nanalysis.application_stats(root).sentence",
    "verify": "from dbtools import audit\naudit.verify(root).sentence",
    "audit": "from dbtools import audit\naudit.run(root, progress=False).sentence",
    "survey": "from dbtools import cleanup\ncleanup.survey(root, progress=False).sentence",
    "query": "with attach(root) as db:\n    db.sql('SELECT count(*) FROM contests').fetchall()",
}
PROGRAM = """
import json, sys
from dbtools import attach
root = sys.argv[1]
{answer}
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(demo.build(tmp_path_factory.mktemp("demo")).root)


def modules(program: str, *arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_first_answer_imports_neither_pandas_nor_the_large_parts_of_scipy(root: str, answer: str) -> None:
    assert not modules(PROGRAM.format(answer=ANSWERS[answer]), root) & set(HEAVY)


def test_the_command_line_imports_no_package_before_it_knows_what_to_do() -> None:
    found = modules("import json, sys, dbtools.cli\ndbtools.cli._parser()\nprint(json.dumps(sorted(sys.modules)))")
    assert not found & {*HEAVY, "duckdb", "numpy", "scipy"}
