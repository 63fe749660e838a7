"""A parameter's name is code and its value is not: only declared names pass, and values arrive as they were given."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import ODD, TRIED, examples, odd
from nbformat import v4
from papermill.translators import PythonTranslator

from dbtools.errors import DbtoolsError, NotebookError, ParameterError
from dbtools.notebooks import bind, catalog

SHIPPED = catalog()
_values = st.recursive(
    st.one_of(odd, st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([10**400, b"x", 1 + 2j])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
_texts = st.one_of(_values, st.lists(odd, max_size=3).map(json.dumps), odd.map(lambda s: f"[{s}"))
HOSTILE_NAMES = (
    "z=1; open('ran', 'w')",
    "root\nimport os",
    "root: str = ''; x",
    "dry_run #",
    "__import__('os')",
    "root.x",
    "root[0]",
    "ROOT",
    "root ",
    "*root",
    *ODD,
)


@examples(300)
@given(st.data())
def test_a_value_passes_only_in_its_declared_type_and_reaches_the_notebook_unchanged(data):
    notebook = data.draw(st.sampled_from(SHIPPED))
    parameter = data.draw(st.sampled_from(notebook.parameters))
    value = data.draw(_texts)
    TRIED["parameter values"] += 1
    try:
        bound = bind(notebook, {parameter.name: value})
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1
        str(error).encode()
        return
    assert _is_of(bound[parameter.name], parameter.type)
    (assigned,) = ast.parse(PythonTranslator.codify(bound)).body
    assert isinstance(assigned, ast.Assign)
    assert isinstance(assigned.targets[0], ast.Name)
    assert ast.literal_eval(assigned.value) == bound[parameter.name]


def _is_of(value, kind) -> bool:
    if kind == "list[str]":
        return isinstance(value, list) and all(type(v) is str for v in value)
    return type(value).__name__ == kind


@pytest.mark.parametrize("notebook", SHIPPED, ids=lambda n: n.name)
def test_a_name_that_is_not_declared_never_passes(notebook):
    for name in HOSTILE_NAMES:
        TRIED["parameter names"] += 1
        with pytest.raises(ParameterError) as caught:
            bind(notebook, {name: "x"})
        assert len(str(caught.value).splitlines()) == 1
        str(caught.value).encode()


_SOURCES = (
    "x: int = 1",
    "x: int",
    "x = 1",
    "x: 'int' = 1  # y",
    "if x:",
    "1/0",
    "def f(): pass",
    "\0",
    "(" * 300,
    "é = 1",
)


@examples(200)
@given(st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(_SOURCES), max_size=4)))
def test_a_notebook_of_any_content_is_listed_or_named_as_damaged(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("notebooks")
    if isinstance(content, list):
        cell = v4.new_code_cell("\n".join(content), metadata={"tags": ["parameters"]})
        content = json.dumps(v4.new_notebook(cells=[cell])).encode()
    (folder / "01_odd.ipynb").write_bytes(content)
    TRIED["notebooks listed"] += 1
    try:
        (found,) = catalog(folder)
        bind(found, {p.name: "1" for p in found.parameters})
    except DbtoolsError as error:
        assert isinstance(error, NotebookError | ParameterError)
        assert len(str(error).splitlines()) == 1
