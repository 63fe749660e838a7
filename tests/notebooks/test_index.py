import json
import os
from html import unescape

from dbtools.notebooks.index import about_report, render_index, when, with_history, write_index

ABOUT = {
    "notebook": "audit",
    "title": "Audit",
    "project": "/data/shop",
    "time": "2026-11-26T10:00:00+00:00",
    "version": "1",
    "parameters": {},
    "passed": True,
    "level": "error",
    "reason": "3 errors",
    "history": [],
}


def report(folder, name, **about):
    (folder / f"{name}.json").write_text(json.dumps({"report": {**ABOUT, **about}}))
    (folder / f"{name}.html").touch()
    (folder / f"{name}.ipynb").touch()


def test_the_index_lists_the_newest_report_first_with_its_verdict_and_parameters(tmp_path):
    report(tmp_path, "audit")
    later = {
        "time": "2026-11-27T10:00:00+00:00",
        "level": "good",
        "reason": "<b>all & well",
        "parameters": {"run": "a"},
    }
    report(tmp_path, "a b", title="Cleanup", **later)
    (tmp_path / "broken.html").touch()
    (tmp_path / "broken.ipynb").touch()
    os.mkfifo(tmp_path / "pipe.json")  # to open it would wait for ever
    html = render_index(tmp_path)
    assert html.index('<a href="a%20b.html">Cleanup</a>') < html.index('<a href="audit.html">Audit</a>')
    assert "&lt;b&gt;all &amp; well" in html
    assert "run = 'a'" in unescape(html)
    assert "✗ errors found" in html
    assert "✓ passed" in html
    assert 'Stopped before the end: <a href="broken.html">broken</a>' in html
    assert "27 Nov 2026, 10:00 UTC" in html


def test_a_report_whose_name_cannot_be_shown_as_it_is_is_no_stopped_one(tmp_path):
    report(tmp_path, "audit\u202e")
    assert "Stopped before the end" not in render_index(tmp_path)
    (tmp_path / "audit\u202e.json").unlink()
    assert "Stopped before the end" in render_index(tmp_path)


def test_files_that_are_no_reports_are_left_out(tmp_path):
    report(tmp_path, "audit")
    for name, text in {"a": "{", "b": "[]", "c": '{"report": {"level": "bad"}}', "d": '{"report": 1}'}.items():
        (tmp_path / f"{name}.json").write_text(text)
        (tmp_path / f"{name}.html").touch()
    report(tmp_path, "e", parameters=[1])
    report(tmp_path, "f", level=["error"])
    report(tmp_path, "g", history=[1, {"level": "error"}], project=1, reason=None, time=5)
    assert write_index(tmp_path).read_text().count("<article>") == 2
    assert about_report(tmp_path / "missing.json") == {}


def test_earlier_verdicts_on_the_same_project_are_kept_and_shown(tmp_path):
    first = with_history(ABOUT, {})
    second = with_history({**ABOUT, "time": "2026-11-27T10:00:00+00:00", "level": "good", "reason": "none"}, first)
    assert [entry["reason"] for entry in second["history"]] == ["3 errors"]
    assert with_history({**ABOUT, "project": "/other"}, second)["history"] == []
    report(tmp_path, "audit", **second)
    assert "Earlier verdicts: 1" in render_index(tmp_path)
    assert "26 Nov 2026, 10:00 UTC: 3 errors" in render_index(tmp_path)
    assert with_history(second, {**second, "history": [ABOUT] * 300})["history"][-1]["reason"] == "none"
    assert when("no time") == "no time"
