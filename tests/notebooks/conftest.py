from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a notebook of a title, a parameters cell and code cells into tmp_path/notebooks."""

    def writer(name: str, *code: str, parameters: str = 'root: str = ""  # the project') -> Path:
        cells = [
            v4.new_markdown_cell(f"# {name}\n\nDoes {name}\nwork?\n\nYou need nothing.", id="title"),
            v4.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
            *(v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(code)),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    return writer
