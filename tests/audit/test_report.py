from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import assert_sentence

from dbtools.audit.report import AuditReport, Check, Finding
from dbtools.errors import ParameterError
from dbtools.project import Project


def report(**counts: int | None) -> AuditReport:
    """Return an audit with a finding per name (``error_a``: the check error-a, an error)."""
    findings = []
    for name, count in counts.items():
        check = Check(name.replace("_", "-"), name.split("_")[0], "scores", "Is it so?", "Look.", (), "")
        findings.append(Finding(check, count, ("a", "b")[: count or 0]))
    project = Project(Path("/p"), Path("/p/prompter.db"), Path("/p/auth"), Path("/p/exports"), Path("/p/backups"))
    origin = {"generation": "G4", "migrated": False, "tables": {}, "fingerprint": "", "path": ""}
    return AuditReport(project, tuple(findings), {}, (), origin)


def written(folder: Path, found: AuditReport, time: str = "2026-11-20T10:00:00+00:00") -> Path:
    path = folder / "audit.json"
    path.write_text(json.dumps({**found.to_dict(), "report": {"time": time}}))
    return path


def test_the_sentence_counts_by_severity_in_words_without_zeros():
    found = report(error_a=3, warning_a=1, warning_b=2, info_a=0, info_b=None)
    assert found.sentence == "1 error and 2 warnings in 4 checks; 1 does not apply"
    assert found.level == "error"
    assert report(info_a=0).sentence == "none of 1 check found anything"
    assert report(info_a=0).level == "good"


def test_what_matters_most_comes_first_with_a_link_to_its_row():
    found = report(**{f"warning_{c}": n for n, c in enumerate("abcdef", 1)}, error_a=1)
    assert [h.text.split(":")[0] for h in found.highlights] == [
        "error-a",
        "warning-f",
        "warning-e",
        "warning-d",
        "warning-c",
    ]
    html = found._repr_html_()
    assert all(f'<tr id="{h.anchor}">' in html for h in found.highlights)


def test_an_earlier_audit_tells_what_is_new_and_what_is_fixed(tmp_path):
    earlier = written(tmp_path, report(error_a=3, error_b=1, warning_a=1, warning_b=0))
    now = report(error_a=3, error_b=0, warning_a=2, warning_b=0).compared_with(earlier)
    assert now.sentence.endswith("; 1 new, 1 fixed since 20 Nov 2026")
    assert (now.to_dict()["new"], now.to_dict()["fixed"]) == (["warning-a"], ["error-b"])
    assert "found earlier" in now._repr_html_()
    assert report(error_a=3).compared_with(earlier).sentence.endswith("; nothing new since 20 Nov 2026")
    assert now.failed("error")
    assert not now.failed("new-error")
    assert now.failed("new-warning")


def test_without_an_earlier_audit_nothing_is_new():
    found = report(error_a=3).compared_with("")
    assert not found.failed("new-info")
    assert "since" not in found.sentence
    with pytest.raises(ParameterError) as error:
        found.failed("new-awful")
    assert_sentence(error.value, "new-awful")


def test_a_pipe_in_the_place_of_an_audit_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "audit.json")
    with pytest.raises(ParameterError, match="not a regular file") as error:
        report(error_a=1).compared_with(tmp_path / "audit.json")
    assert_sentence(error.value, tmp_path / "audit.json")


@pytest.mark.parametrize("content", ["{", "[]", '{"checks": 1}', "[" * 100_000])
def test_a_file_that_is_no_audit_is_refused(tmp_path, content):
    (tmp_path / "audit.json").write_text(content)
    with pytest.raises(ParameterError) as error:
        report(error_a=1).compared_with(tmp_path / "audit.json")
    assert_sentence(error.value, tmp_path / "audit.json")
