from __future__ import annotations

import json
import os
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from dbtools.notebooks.kernel import OPTIONS, SafeKernelManager, forked_kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
TOLD = "import json, os, random, sys; print(json.dumps({})); from dbtools import errors; errors.left = left = 1"
FACTS = (
    "{'pid': os.getpid(), 'pandas': 'pandas' in sys.modules, 'left': 'left' in globals() or hasattr(errors, 'left'),"
    " 'random': random.random(), 'folder': os.getcwd(), 'given': os.environ.get('GIVEN')}"
)


def told(folder: object, **environment: str) -> dict[str, object]:
    """Return what a new kernel says of itself, before it changes a module and leaves a variable."""
    cell = nbformat.v4.new_code_cell(f"from dbtools import errors; {TOLD.format(FACTS)}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=OPTIONS,
        kernel_manager_class=SafeKernelManager,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, **environment})
    return json.loads(notebook.cells[0].outputs[0]["text"])


@pytest.mark.slow
def test_nothing_of_one_forked_kernel_is_in_the_next(tmp_path):
    with forked_kernels():
        first, second = told(tmp_path, GIVEN="a"), told(tmp_path)
    assert first["pandas"], "the kernel was not forked from the process that has imported everything"
    assert (first["folder"], first["given"], second["given"]) == (str(tmp_path), "a", None)
    assert not first["left"]
    assert not second["left"]
    assert first["pid"] != second["pid"]
    assert first["random"] != second["random"]


def test_a_kernel_starts_as_ever_when_the_process_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("dbtools.notebooks.kernel._PROGRAM", ["-c", "pass"])
    with forked_kernels():
        assert told(tmp_path)["folder"] == str(tmp_path)
