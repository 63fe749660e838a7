from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import assert_sentence

from dbtools.cleanup.model import Identity, SurvivingCopy
from dbtools.cleanup.plan import plan
from dbtools.cleanup.survey import FileEvidence, Survey
from dbtools.errors import ParameterError
from dbtools.project import Project

ROOT = Path("/project")
PROJECT = Project(ROOT, ROOT / "prompter.db", ROOT / "auth_system.db", ROOT / "storage", ROOT / "backup_old_csvs")


def evidence(path: str, verdict: str, kind: str = "csv", **more) -> FileEvidence:
    return FileEvidence(path, kind, Identity(1, hash(path), 100, 0, 0o644, 1), "0" * 64, verdict=verdict, **more)


def decide(*files: FileEvidence, **options):
    return plan(Survey(PROJECT, files), **options)


@pytest.mark.parametrize("verdict", ["same-bytes", "same-rows", "subset", "regenerable"])
def test_proved_files_may_go(verdict):
    keeper = SurvivingCopy("prompter.db", "1" * 64, "f")
    decided = decide(evidence("a.csv", verdict, duplicate_of=keeper))
    assert [(r.path, r.keeper) for r in decided.removals] == [("a.csv", keeper)]
    assert decided.bytes == 100


@pytest.mark.parametrize("verdict", ["primary", "auth", "export-current", "unknown"])
def test_files_in_use_current_exports_and_unknown_files_stay(verdict):
    decided = decide(evidence("a.db", verdict, "sqlite"))
    assert decided.removals == ()
    assert [k.path for k in decided.kept] == ["a.db"]


def test_unique_csv_rows_go_only_when_rescued():
    file = evidence("a.csv", "unique", unique=(2, 5))
    assert decide(file).removals[0].rescue == (2, 5)
    assert decide(file, unique_rows="keep").removals == ()


def test_databases_with_unique_rows_and_unknown_files_go_only_when_named():
    files = evidence("a.db", "unique", "sqlite"), evidence("b.bin", "unknown", "other")
    assert decide(*files).removals == ()
    assert [r.path for r in decide(*files, accept=["a.db", "b.bin"]).removals] == ["a.db", "b.bin"]


def test_a_null_of_yaml_accepts_nothing():
    assert decide(evidence("b.bin", "unknown", "other"), accept=None).removals == ()


@pytest.mark.parametrize("verdict", ["same-bytes", "unique", "unknown"])
def test_an_obstacle_outweighs_every_verdict_and_acceptance(verdict):
    decided = decide(evidence("a.csv", verdict, obstacle="it is a link"), accept=["a.csv"])
    assert decided.removals == ()
    assert decided.kept[0].reason == "it is a link"


@pytest.mark.parametrize(("path", "verdict"), [("prompter.db", "primary"), ("auth_system.db", "auth")])
def test_a_database_in_use_cannot_be_accepted(path, verdict):
    with pytest.raises(ParameterError) as error:
        decide(evidence(path, verdict, "sqlite"), accept=[path])
    assert_sentence(error.value, path)


@pytest.mark.parametrize("parameter", ["accept", "only"])
@pytest.mark.parametrize(
    ("given", "named"),
    [(["nothing.db"], "nothing.db"), ("a and b.csv", "a and b.csv"), (["prompter.db"], "prompter.db")],
)
def test_what_is_no_list_of_surveyed_files_that_are_not_in_use_is_refused(parameter, given, named):
    files = evidence("a", "regenerable"), evidence("prompter.db", "primary", "sqlite")
    with pytest.raises(ParameterError) as error:
        decide(*files, **{parameter: given})
    assert_sentence(error.value, named)
    assert str(error.value).startswith(parameter)


def test_a_file_with_a_name_that_is_not_utf8_is_chosen_as_it_is_shown():
    files = evidence("a\udcff", "regenerable"), evidence("b", "regenerable")
    assert [removal.path for removal in decide(*files, only=["a\\xff"]).removals] == ["a\udcff"]


def test_the_sentence_counts_one_as_one():
    decided = decide(evidence("a.csv", "unique", unique=(2,)), evidence("b.db", "primary", "sqlite"))
    assert decided.sentence == "1 file to remove, 100 bytes; 1 stays; 1 row is rescued first"


def test_unique_rows_takes_two_words_only():
    with pytest.raises(ParameterError) as error:
        decide(unique_rows="drop")
    assert_sentence(error.value, "drop")


def twins(verdict: str, kind: str = "csv", **more):
    original = evidence("a", verdict, kind, **more)
    return original, evidence("b", "same-bytes", kind, duplicate_of=SurvivingCopy("a", "0" * 64, ""))


def test_a_copy_does_not_wait_for_a_file_whose_rows_are_rescued():
    original, copy = twins("unique", unique=(1,))
    assert [(r.path, r.keeper) for r in decide(original, copy).removals] == [("a", None), ("b", None)]
    assert decide(original, copy, unique_rows="keep").removals[0].keeper == copy.duplicate_of


@pytest.mark.parametrize(("verdict", "kind"), [("unique", "sqlite"), ("unknown", "csv")])
def test_accepting_one_file_does_not_accept_its_copy(verdict, kind):
    original, copy = twins(verdict, kind)
    decided = decide(original, copy, accept=["a"])
    assert [r.path for r in decided.removals] == ["a"]
    assert "name both in accept" in next(k.reason for k in decided.kept if k.path == "b")
    assert [r.path for r in decide(original, copy, accept=["a", "b"]).removals] == ["a", "b"]


def test_incomplete_rows_are_rescued_or_the_file_stays():
    file = evidence("a.csv", "regenerable", unique=(), incomplete=(3,))
    assert decide(file).removals[0].rescue == (3,)
    assert decide(file, unique_rows="keep").removals == ()


def test_of_what_may_go_only_what_was_chosen_goes():
    files = [evidence(f"{name}.csv", "regenerable") for name in "ab"] + [evidence("c.csv", "unknown")]
    decided = decide(*files, only=["b.csv", "c.csv"])
    assert [removal.path for removal in decided.removals] == ["b.csv"]
    assert {kept.path: kept.reason for kept in decided.kept}["a.csv"] == "it was not chosen"
    assert decide(*files, only=[]).removals == ()


@pytest.mark.parametrize("name", ["a\u202evsc.x", "b\u200b.csv", "c\x1b[2J.csv", "d\n.csv", "e\udcff.csv"])
def test_a_name_that_would_deceive_is_shown_as_escapes_and_can_be_given_so(name):
    decided = decide(evidence(name, "unknown"), accept=[name])
    (written,) = decided.frame.path
    assert written.isprintable()
    assert written.startswith(f"{name[0]}\\")
    assert decide(evidence(name, "unknown"), accept=[written]).removals == decided.removals
    assert all(c.isprintable() or c == "\n" for c in str(decided.frame))


def test_a_shown_name_that_two_files_have_means_neither_unless_it_is_the_name_itself():
    files = evidence("a\u200b.csv", "unknown"), evidence("a\\u200b.csv", "unknown")
    assert [r.path for r in decide(*files, accept=["a\\u200b.csv"]).removals] == ["a\\u200b.csv"]
    twins = (
        evidence("b\udcff.csv", "unknown"),
        evidence("b\\xff\u200b.csv", "unknown"),
        evidence("b\\xff.csv", "unknown"),
    )
    assert [r.path for r in decide(*twins, accept=["b\\xff.csv"]).removals] == ["b\\xff.csv"]


def test_a_file_that_was_not_examined_stays_for_the_reason_that_its_survey_gives():
    file = replace(evidence("a.csv", "unknown", obstacle="it was not examined", reason="a pipe"), sha256="")
    assert decide(file, accept=["a.csv"]).kept[0].reason == "it was not examined; a pipe"
