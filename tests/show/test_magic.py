import pytest
from IPython.core.interactiveshell import InteractiveShell
from support import assert_sentence, make_database
from traitlets.config import Config

from dbtools.errors import NoProjectError, ParameterError, QueryError


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=str(tmp_path / "i"))
    shell.run_line_magic("load_ext", "dbtools")
    yield shell
    if "db" in shell.user_ns:
        shell.user_ns["db"].close()
    InteractiveShell.clear_instance()


@pytest.fixture
def asked(shell, tmp_path):
    make_database(tmp_path / "prompter.db", prompts=2)
    return lambda line, cell: shell.run_cell_magic("dsql", line, cell)


@pytest.mark.slow
def test_a_cell_is_asked_of_the_project_around_here(asked):
    assert asked("", "SELECT count(*) AS n FROM versions")["n"].tolist() == [6]


@pytest.mark.slow
def test_variables_are_bound_as_values_and_never_as_text(asked, shell):
    shell.user_ns.update(agent="syntax' OR true --", agents=["syntax", "domain"])
    assert asked("", "SELECT count(*) AS n FROM versions WHERE source = $agent")["n"].tolist() == [0]
    shell.run_cell_magic("dsql", "found <<", "SELECT count(*) AS n FROM versions WHERE list_contains($agents, source)")
    assert shell.user_ns["found"]["n"].tolist() == [4]


@pytest.mark.slow
def test_a_line_binds_variables_as_a_cell_does(asked, shell):
    shell.user_ns.update(agent="syntax' OR true --", agents=["syntax", "domain"])
    ask = "SELECT count(*) AS n FROM versions WHERE "
    assert shell.run_line_magic("dsql", f"{ask}source = $agent")["n"].tolist() == [0]
    assert shell.run_line_magic("dsql", f"{ask}list_contains($agents, source)")["n"].tolist() == [4]
    assert shell.run_line_magic("dsql", "SELECT '{agent}' AS text")["text"].tolist() == ["{agent}"]


def test_a_variable_of_ones_own_named_db_is_refused_and_stays(asked, shell):
    shell.user_ns["db"] = mine = ["mine"]
    with pytest.raises(ParameterError) as raised:
        asked("", "SELECT 1")
    assert_sentence(raised.value, "list")
    assert shell.user_ns.pop("db") is mine


@pytest.mark.slow
def test_one_line_will_do(asked, shell):
    assert shell.run_line_magic("dsql", "SELECT 1 AS one")["one"].tolist() == [1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "cell", "error", "thing"),
    [
        ("", "SELECT $nobody", ParameterError, "nobody"),
        ("a b <<", "SELECT 1", ParameterError, "a b"),
        ("class <<", "SELECT 1", ParameterError, "class"),
        ("", "DROP TABLE versions", QueryError, "DROP TABLE versions"),
        ("", "SELEKT 1", QueryError, "SELEKT 1"),
        ("", "SELECT 1; SELECT 2", QueryError, "SELECT 1; SELECT 2"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(asked, line, cell, error, thing):
    with pytest.raises(error) as raised:
        asked(line, cell)
    assert_sentence(raised.value, thing)


def test_without_a_project_that_is_said(shell):
    with pytest.raises(NoProjectError):
        shell.run_cell_magic("dsql", "", "SELECT 1")
