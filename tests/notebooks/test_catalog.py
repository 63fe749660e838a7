from pathlib import Path

import papermill
import pytest

from dbtools.errors import NotebookError, ParameterError
from dbtools.notebooks import Parameter, bind, catalog, find

DECLARED = """\
root: str = ""  # the project: größer #1
dry_run: bool = True  # only show
limit: int = 5
level: float = 0.95  # between 0 and 1
accept: list[str] = []  # files to accept
run: Optional[str] = None  # which run
since: "Optional[str]" = None
"""


def test_a_notebook_says_its_name_its_question_and_its_parameters(write):
    path = write("02_cleanup", parameters=DECLARED)
    (notebook,) = catalog(path.parent)
    assert (notebook.name, notebook.path, notebook.question) == ("cleanup", path, "Does 02_cleanup work?")
    assert notebook.parameters == (
        Parameter("root", "str", '""', "the project: größer #1"),
        Parameter("dry_run", "bool", "True", "only show"),
        Parameter("limit", "int", "5", ""),
        Parameter("level", "float", "0.95", "between 0 and 1"),
        Parameter("accept", "list[str]", "[]", "files to accept"),
        Parameter("run", "Optional[str]", "None", "which run"),
        Parameter("since", "Optional[str]", "None", ""),
    )


def test_papermill_sees_the_same_parameters(write):
    path = write("02_cleanup", parameters=DECLARED.replace(" #1", ""))
    seen = papermill.inspect_notebook(path)
    assert [(p.name, p.type, p.default, p.help) for p in find("cleanup", path.parent).parameters] == [
        (p["name"], p["inferred_type_name"], p["default"], p["help"]) for p in seen.values()
    ]


def test_the_catalog_keeps_the_order_of_the_files_and_leaves_others_out(write):
    folder = write("10_later").parent
    write("02_first")
    write("scratch")
    assert [n.name for n in catalog(folder)] == ["first", "later"]


def test_a_notebook_is_found_by_name_and_by_file_name(write):
    folder = write("02_cleanup").parent
    assert find("cleanup", folder) == find("02_cleanup", folder)
    with pytest.raises(
        ParameterError, match=r'No such notebook: "clean"; did you mean cleanup\? Otherwise use one of cleanup\.$'
    ):
        find("clean", folder)


def test_a_damaged_notebook_is_named(tmp_path: Path):
    (tmp_path / "01_audit.ipynb").write_text("{")
    with pytest.raises(NotebookError, match=r"01_audit\.ipynb"):
        catalog(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dry_run", "false", False),
        ("dry_run", "False", False),
        ("dry_run", "no", False),
        ("dry_run", "0", False),
        ("dry_run", "YES", True),
        ("dry_run", True, True),
        ("limit", "007", 7),
        ("limit", 7, 7),
        ("level", "1e-3", 0.001),
        ("level", 1, 1.0),
        ("accept", "a.csv, b c.csv", ["a.csv", "b c.csv"]),
        ("accept", '["a,b.csv"]', ["a,b.csv"]),
        ("accept", "", []),
        ("accept", ("a",), ["a"]),
        ("accept", None, []),
        ("run", "", None),
        ("run", "None", None),
        ("run", None, None),
        ("run", "2025-01-01", "2025-01-01"),
        ("root", "007", "007"),
        ("root", Path("a"), "a"),
    ],
)
def test_a_value_gets_the_type_that_is_declared(write, name, value, expected):
    bound = bind(find("cleanup", write("02_cleanup", parameters=DECLARED).parent), {name: value})
    assert bound == {name: expected}
    assert type(bound[name]) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dry_run", "flase"),
        ("dry_run", 0),
        ("dry_run", ""),
        ("limit", "1.5"),
        ("limit", True),
        ("limit", 1.0),
        ("level", "nan"),
        ("level", "high"),
        ("level", "inf"),
        ("accept", "[1]"),
        ("accept", "[a"),
        ("accept", 3),
        ("run", 3),
        ("root", 3),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_parameter_named(write, name, value):
    notebook = find("cleanup", write("02_cleanup", parameters=DECLARED).parent)
    with pytest.raises(ParameterError, match=f'Not a value of parameter "{name}": .*; give .*default'):
        bind(notebook, {name: value})


def test_an_unknown_parameter_is_refused_with_the_known_ones_listed(write):
    notebook = find("cleanup", write("02_cleanup").parent)
    with pytest.raises(ParameterError, match=r'"dryrun"; use one of root \(str\)\.'):
        bind(notebook, {"dryrun": "False"})


def test_a_notebook_that_declares_a_type_nobody_can_give_is_at_fault_itself(write):
    notebook = find("odd", write("01_odd", parameters="x: dict = {}").parent)
    with pytest.raises(NotebookError, match='"dict"'):
        bind(notebook, {"x": "{}"})
