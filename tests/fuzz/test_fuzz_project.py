"""A configuration of any kind is taken, with every path inside the project, or refused in one sentence."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import ODD, TRIED, examples, odd
from support import make_database, unchanged

from dbtools import Project, analysis, attach, audit, export
from dbtools.cleanup import find_run, plan, survey
from dbtools.errors import DbtoolsError, ParameterError
from dbtools.notebooks.record import plain

_names = st.one_of(
    st.sampled_from(
        [
            "prompter.db",
            "loop",
            "loop/x",
            "out",
            "out/x",
            "storage/../..",
            "a/../prompter.db",
            "prompter.db/x",
            "storage",
        ]
    ),
    odd,
)
_keys = st.sampled_from(
    ["database", "auth", "exports", "backups", "present", "absent", "rows", "versions_by_source", "x"]
)
_values = st.one_of(
    _names.map(json.dumps),
    st.lists(_names, max_size=3).map(json.dumps),
    st.dictionaries(odd, st.integers(), max_size=3).map(
        lambda d: "{" + ", ".join(f"{json.dumps(k)} = {v}" for k, v in d.items()) + "}"
    ),
    st.sampled_from(
        ["1", "true", "nan", "1979-05-27", "'''", "[" * 3000, "9" * 5000, "{}", '"postgresql://me:CANARY@h/d"']
    ),
)
_lines = st.one_of(
    st.sampled_from(["[project]", "[expect]", "[expect.rows]", "[[project]]", "[other]", ""]),
    st.builds(lambda k, v: f"{k} = {v}", _keys, _values),
)
_configurations = st.one_of(st.lists(_lines, max_size=6).map("\n".join), st.text(max_size=30))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    top = tmp_path_factory.mktemp("configured")
    (top / "outside").mkdir()
    root = top / "root"
    (root / "storage").mkdir(parents=True)
    make_database(root / "prompter.db")
    (root / "backup_old_csvs" / "run").mkdir(parents=True)
    (root / "backup_old_csvs" / "run" / "manifest.json").write_text("{}")
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to(top / "outside")
    return root


def one_sentence(error: DbtoolsError) -> None:
    assert len(str(error).splitlines()) == 1
    assert "CANARY" not in str(error)
    str(error).encode()


@examples(500)
@given(_configurations)
def test_a_configuration_never_leads_out_of_the_project(root, text):
    TRIED["configurations"] += 1
    (root / "dbtools.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with unchanged(root.parent):
        try:
            project = Project.find(root)
        except DbtoolsError as error:
            one_sentence(error)
            return
    for path in (project.database, project.auth, project.exports, project.backups):
        assert os.path.realpath(path).startswith(f"{root}/")


@examples(20)
@given(st.dictionaries(st.sampled_from(["present", "absent"]), st.lists(_names, max_size=4)))
def test_expectations_of_any_path_are_answered_or_refused(root, expected):
    TRIED["expectations"] += 1
    (root / "dbtools.toml").unlink(missing_ok=True)
    with unchanged(root.parent):
        try:
            found = audit.verify(Project.find(root), expected)
        except DbtoolsError as error:
            one_sentence(error)
            return
    assert not any("passwd" in e.name and e.found == "there" for e in found.expectations)
    json.dumps(plain(found.to_dict())).encode()
    found._repr_html_().encode()


@pytest.mark.parametrize("size", [100 << 30, 2 << 20])
@pytest.mark.parametrize("name", ["dbtools.toml", "guide.md", "expect.toml"])
def test_a_text_that_no_person_wrote_is_not_read(root, name, size):
    file = root / name
    (root / "dbtools.toml").unlink(missing_ok=True)
    file.touch()
    os.truncate(file, size)
    try:
        with pytest.raises(DbtoolsError) as caught:
            project = Project.find(root)
            audit.claims(project, name) if name == "guide.md" else audit.verify(project, file)
        one_sentence(caught.value)
        assert "1 MB" in str(caught.value)
    finally:
        file.unlink()


def calls(project, db, found, report, value):
    """Return every call that takes a text of the user."""
    return [
        lambda: project.with_backups(value),
        lambda: find_run(project, value),
        lambda: audit.claims(project, value),
        lambda: audit.verify(project, value),
        lambda: Project.find(value),
        lambda: plan(found, unique_rows=value),
        lambda: plan(found, accept=[value]),
        lambda: report.failed(value),
        lambda: report.rows(value),
        lambda: report.write_csv(f"{project.root}/absent/x{value}"),
        lambda: analysis.effectiveness(db, provenance=value),
        lambda: analysis.effectiveness(db, wins=value),
        lambda: analysis.effectiveness(db, scale=value),
        lambda: analysis.evolution(db, value),
        lambda: analysis.usage(db, value),
        lambda: export.write(db, project.exports, layouts=[value]),
        lambda: export.write(db, project.exports, formats=[value]),
        lambda: export.write(db, f"{project.root}/prompter.db/{value}", layouts=["prompts"]),
        lambda: db.frame(value),
    ]


def test_agents_of_any_name_are_compared_or_refused(root):
    with attach(root / "prompter.db") as db:
        for value in (os.fsdecode(b"\xff"), "'; DROP TABLE prompts; --", "a\0b", ""):
            TRIED["texts given as arguments"] += 1
            with pytest.raises(ParameterError, match="No version is by any such agent") as caught:
                analysis.effectiveness(db, agents=[value])
            one_sentence(caught.value)


def test_a_text_in_any_place_is_used_or_refused_in_one_sentence(root):
    (root / "dbtools.toml").unlink(missing_ok=True)
    project = Project.find(root)
    found, report = survey(project), audit.run(project)
    with unchanged(root.parent), attach(project) as db:
        for value in ODD:
            for call in calls(project, db, found, report, value):
                TRIED["texts given as arguments"] += 1
                try:
                    call()
                except DbtoolsError as error:
                    one_sentence(error)
