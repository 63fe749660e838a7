from __future__ import annotations

from pathlib import Path

import pytest
from support import assert_sentence, make_database

from dbtools import audit
from dbtools.errors import ParameterError, ProjectError
from dbtools.project import Project


@pytest.fixture
def root(tmp_path) -> Path:
    make_database(tmp_path / "prompter.db", prompts=3)
    (tmp_path / "auth_system.db").touch()
    return tmp_path


def verify(root: Path, expect=None) -> dict[str, tuple]:
    result = audit.verify(Project.find(root), expect)
    assert result.passed == all(e.passed for e in result.expectations)
    return {e.name: (e.expected, e.found, e.passed) for e in result.expectations}


@pytest.mark.slow
def test_the_guides_expectations_do_not_hold_in_the_field(field, tmp_path):
    expect = tmp_path / "guide.toml"
    expect.write_text(
        'present = ["prompter.db"]\nabsent = ["backend/auth_system.db"]\n[rows]\nprompts = 15\nprompt_versions = 45\n'
        "[versions_by_source]\nsyntax = 15\nstructure = 15\ndomain = 15\n"
    )
    assert verify(field, expect) == {
        "file prompter.db": ("present", "present", True),
        "file backend/auth_system.db": ("absent", "present", False),
        "rows of prompts": (15, 15, True),
        "rows of prompt_versions": (45, 165, False),
        "versions by syntax": (15, 15, True),
        "versions by structure": (15, 15, True),
        "versions by domain": (15, 15, True),
        "versions by synthetic_generator": (0, 120, False),
    }


@pytest.mark.slow
def test_without_expectations_the_databases_in_use_must_be_there(root):
    assert verify(root) == {
        "file prompter.db": ("present", "present", True),
        "file auth_system.db": ("present", "present", True),
    }
    assert audit.verify(Project.find(root)).sentence.startswith("no expectations are stated")
    (root / "auth_system.db").unlink()
    assert not audit.verify(Project.find(root)).passed


@pytest.mark.slow
def test_expectations_come_from_the_projects_configuration(root):
    (root / "dbtools.toml").write_text("[expect.rows]\nprompts = 4\n")
    assert verify(root) == {"rows of prompts": (4, 3, False)}


def test_a_table_that_is_not_there_does_not_hold(root):
    assert verify(root, {"rows": {"nonsense": 0}}) == {"rows of nonsense": (0, "no such table", False)}


@pytest.mark.slow
def test_a_relations_name_serves_as_well_as_the_tables(root):
    assert verify(root, {"rows": {"versions": 9, "prompt_versions": 9}})["rows of versions"] == (9, 9, True)


@pytest.mark.slow
def test_the_sentence_names_what_does_not_hold(root):
    result = audit.verify(Project.find(root), {"rows": {"prompts": 1}})
    assert result.sentence == "1 of 1 expectations do not hold (rows of prompts: expected 1, found 3)"


@pytest.mark.parametrize(
    "text",
    ["rows = 3", "[rows]\nprompts = 'many'", "present = 'a.db'", "presents = []", "not toml", "[rows]\nprompts = true"],
)
def test_unusable_expectations_are_one_sentence(root, tmp_path, text):
    expect = tmp_path / "expect.toml"
    expect.write_text(text)
    with pytest.raises(ProjectError) as error:
        verify(root, expect)
    assert_sentence(error.value, expect)


def test_a_missing_file_of_expectations_is_one_sentence(root, tmp_path):
    with pytest.raises(ParameterError) as error:
        verify(root, tmp_path / "none.toml")
    assert_sentence(error.value, tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd"])
def test_no_path_outside_the_project_is_looked_at(root, name):
    with pytest.raises(ParameterError) as error:
        verify(root, {"present": [name]})
    assert_sentence(error.value, name)


def test_a_name_that_is_no_utf8_is_shown_as_any_page_can_hold_it(root):
    found = audit.verify(root, {"absent": ["\udcff"], "rows": {"\udcfe": 0}, "versions_by_source": {"\udcfd": 0}})
    assert r"file \xff" in found._repr_html_().encode().decode()
    assert {r"rows of \xfe", r"versions by \xfd"} <= set(found.frame["name"])
