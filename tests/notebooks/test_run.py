import hashlib
import json
import os
from pathlib import Path

import nbformat
import pytest

from dbtools.errors import DatabaseError, NotebookError, ParameterError
from dbtools.notebooks import refresh, run

RECORD = "from dbtools.notebooks import record"


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


@pytest.mark.slow
def test_a_run_writes_notebook_page_and_numbers(write, tmp_path):
    declared = 'root: str = ""\ndry_run: bool = True\naccept: list[str] = []'
    code = f"{RECORD}\nrecord({{'root': root, 'dry_run': dry_run, 'accept': accept}})"
    folder = write("02_cleanup", code, parameters=declared).parent
    given = {"dry_run": "false", "accept": "a,b"}
    out = tmp_path / "an {out} folder"
    report = run("cleanup", Path("some where"), given, out, save_as="applied", folder=folder)
    expected = {"root": str(Path.cwd() / "some where"), "dry_run": False, "accept": ["a", "b"]}
    assert (report.passed, report.reason, report.values) == (True, "", expected)
    written = json.loads(report.json.read_text())
    assert written.pop("report")["notebook"] == "cleanup"
    assert written == expected
    assert "✓ passed" in report.html.read_text()
    assert names(out) == ["applied.html", "applied.ipynb", "applied.json", "index.html"]
    copy = nbformat.read(report.ipynb, as_version=4)
    assert "papermill" not in json.dumps(copy.metadata) + json.dumps([c.metadata for c in copy.cells])
    assert [c.metadata.get("tags") for c in copy.cells] == [None, ["parameters"], ["injected-parameters"], None]


@pytest.mark.slow
def test_a_failed_verdict_is_a_report_with_all_three_files_that_says_which_database_was_read(write, tmp_path):
    for name in ("prompter.db", "packages/db/prompter.db"):
        (tmp_path / "both" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "both" / name).write_bytes(bytes(1024))
    code = f"{RECORD}\nrecord({{'rows': 165}}, passed=False, reason='165 rows, not 45')"
    folder = write("05_verify", code, parameters='root: str = ""').parent
    report = run("verify", tmp_path / "both", out=tmp_path / "out", folder=folder)
    note = "The database packages/db/prompter.db is read; prompter.db exists as well and may be the one that the "
    note += "application opens."
    values = {"rows": 165, "database_note": note}
    assert (report.passed, report.reason, report.values) == (False, "165 rows, not 45.", values)
    written = json.loads(report.json.read_text())
    assert {name: written[name] for name in values} == values
    page = report.html.read_text()
    assert note in page
    assert "✗ failed: 165 rows, not 45" in page
    assert "Traceback" not in page + report.json.read_text()
    assert "papermill" not in page + report.ipynb.read_text()


@pytest.mark.slow
def test_a_notebook_that_raises_leaves_its_copy_and_page_and_no_old_numbers(write, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "audit.json").write_text("{}")
    folder = write("01_audit", "x = 1\nraise ValueError('first line\\nsecond')", "print('never')").parent
    with pytest.raises(NotebookError, match=r'"audit" stopped at: "ValueError: first line"; look into .*audit\.html'):
        run("audit", out=out, folder=folder)
    assert names(out) == ["audit.html", "audit.ipynb", "index.html"]
    assert "ValueError: first line" in (out / "audit.html").read_text()
    copy = nbformat.read(out / "audit.ipynb", as_version=4)
    assert [len(c.get("outputs", ())) for c in copy.cells] == [0, 0, 1, 0]


@pytest.mark.slow
def test_a_secret_in_an_error_is_in_no_file_and_no_message(write, tmp_path):
    secret = "ghp_" + "a1B2" * 9
    code = "secret = 'gh' + 'p_' + 'a1B2' * 9\nraise ValueError('x' * 180 + ' ' + secret)"
    with pytest.raises(NotebookError) as raised:
        run("audit", out=tmp_path / "out", folder=write("01_audit", code).parent)
    assert "ghp_" not in str(raised.value)
    written = {file.name: file.read_text() for file in (tmp_path / "out").iterdir()}
    assert "xxx «redacted»" in written["audit.ipynb"]
    assert [name for name, text in written.items() if secret in text] == []


@pytest.mark.slow
def test_an_error_of_dbtools_comes_out_as_itself_and_nothing_is_written(write, tmp_path):
    code = "from dbtools.errors import DatabaseError\nraise DatabaseError('Not a database', 'x.db', 'give another')"
    with pytest.raises(DatabaseError, match=r'^Not a database: "x\.db"; give another\.$'):
        run("audit", out=tmp_path / "out", folder=write("01_audit", code).parent)
    assert names(tmp_path / "out") == []


@pytest.mark.slow
def test_an_error_that_only_shares_its_name_is_not_taken_for_one_of_dbtools(write, tmp_path):
    code = "import sqlite3\ndb = sqlite3.connect(':memory:')\ndb.deserialize(b'not a database' * 99)\n"
    folder = write("01_audit", code + "db.execute('SELECT * FROM sqlite_schema')").parent
    with pytest.raises(NotebookError, match="DatabaseError: file is not a database"):
        run("audit", out=tmp_path / "out", folder=folder)


def test_nothing_runs_when_a_parameter_or_the_output_folder_cannot_be_used(write, tmp_path):
    folder = write("01_audit", "raise SystemExit(1)").parent
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match="dryrun"):
        run("audit", parameters={"dryrun": True}, out=tmp_path / "out", folder=folder)
    with pytest.raises(ParameterError, match="Cannot write reports into"):
        run("audit", out=tmp_path / "file", folder=folder)
    assert names(tmp_path) == ["file", "notebooks"]


@pytest.mark.slow
def test_refresh_gives_the_same_bytes_every_time_and_strips_widgets(write, monkeypatch):
    monkeypatch.setenv("DBTOOLS_PROJECT", "elsewhere")
    code = "import os\nprint('DBTOOLS_PROJECT' in os.environ)\n1 + 1"
    plain = write("01_audit", code)
    widget = write("00_explore", "import ipywidgets\nipywidgets.IntSlider()")
    folder = plain.parent
    assert refresh(folder) == [widget, plain]
    first = hashlib.sha256(plain.read_bytes()).hexdigest()
    assert refresh(folder) == []
    assert hashlib.sha256(plain.read_bytes()).hexdigest() == first
    cells = nbformat.read(plain, as_version=4).cells
    assert [o.get("text") or o.data["text/plain"] for o in cells[-1].outputs] == ["False\n", "2"]
    assert cells[1].metadata == {"tags": ["parameters"]}
    assert nbformat.read(widget, as_version=4).cells[-1].outputs == []


@pytest.mark.slow
def test_refresh_leaves_a_notebook_that_raises_as_it_was(write):
    path = write("01_audit", "1/0")
    before = path.read_bytes()
    with pytest.raises(NotebookError, match=r'"01_audit.ipynb" stopped at: "ZeroDivisionError'):
        refresh(path.parent)
    assert path.read_bytes() == before


def test_nothing_runs_where_a_folder_is_in_the_place_of_the_report(write, tmp_path):
    folder = write("02_cleanup", "open('ran', 'w').close()").parent
    (tmp_path / "out" / "cleanup.html").mkdir(parents=True)
    with pytest.raises(ParameterError, match=r"not a file: \".*cleanup\.html\"; move it away"):
        run("cleanup", out=tmp_path / "out", folder=folder)
    assert names(tmp_path / "out") == ["cleanup.html"]


@pytest.mark.slow
def test_what_a_notebook_did_is_said_where_its_report_cannot_be_written(write, tmp_path, monkeypatch):
    out = tmp_path / "out"
    code = f"{RECORD}\nimport pathlib\npathlib.Path({str(out / 'cleanup.html')!r}).mkdir(parents=True)\n"
    folder = write("02_cleanup", code + "record({}, reason='5 files removed')").parent
    with pytest.raises(NotebookError, match=r'Cannot write the report \(.+ The notebook had run: "5 files removed'):
        run("cleanup", out=out, folder=folder)
    assert "cleanup.json" not in names(out)


@pytest.mark.slow
@pytest.mark.parametrize(("dry_run", "todo"), [("False", "run restore"), ("True", "free memory and run it again")])
def test_a_killed_kernel_says_what_to_do_next(write, tmp_path, dry_run, todo):
    folder = write("02_cleanup", "import os\nos.kill(os.getpid(), 9)", parameters="dry_run: bool = True").parent
    with pytest.raises(NotebookError, match=todo):
        run("cleanup", None, {"dry_run": dry_run}, tmp_path / "out", folder=folder)


@pytest.mark.slow
def test_no_file_of_the_current_folder_is_imported_and_the_home_folder_is_in_no_report(write, tmp_path, monkeypatch):
    project = tmp_path / "home" / "alice-secret" / "proj"
    project.mkdir(parents=True)
    planted = ("enum", "pandas", "duckdb", "dbtools", "json", "IPython", "sitecustomize", "usercustomize")
    for name in planted:
        (project / f"{name}.py").write_text(
            f"open({str(tmp_path)!r} + '/ran-{name}', 'w').close()\nraise ImportError\n"
        )
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(project.parent))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", os.environ.get("PYTHONPATH", "")]))
    code = f"import sys\nimport pandas\nprint(root)\n{RECORD}\n"
    code += "record({'root': root, 'path': '' in sys.path})"
    report = run("audit", project, None, tmp_path / "out", folder=write("01_audit", code).parent)
    assert report.values == {"root": str(project), "path": False}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("ran-")] == []
    for file in (report.ipynb, report.html, report.json):
        text = file.read_text()
        assert "~/proj" in text
        assert "alice-secret" not in text
