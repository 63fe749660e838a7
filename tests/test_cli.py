import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dbtools import __version__, cli
from dbtools.cli import main

HEAVY = {"duckdb", "pandas", "papermill", "altair", "ipywidgets", "nbformat", "nbconvert", "IPython"}
RECORD = "from dbtools.notebooks import record\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a project and three notebooks in it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "prompter.db").touch()
    (tmp_path / "notebooks").mkdir()
    root = 'root: str = ""  # the project'
    write(tmp_path, "01_audit", f"{root}\nfail_on: 'Optional[str]' = None", f"{RECORD}record({{'root': root}})")
    verdict = f"{RECORD}record({{'passed': dry_run}}, passed=dry_run, reason='165 ≠ 45')"
    write(tmp_path, "02_verify", f"{root}\ndry_run: bool = True", verdict)
    missing = "from dbtools.project import Project\nProject.find('missing')"
    write(tmp_path, "03_unusable", root, missing)
    write(tmp_path, "04_broken", root, "1/0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(place: Path, name: str, parameters: str, code: str) -> None:
    def cell(source: str, **metadata: object) -> dict[str, object]:
        extra = {"id": f"c{abs(hash(source)) % 10**8}", "metadata": metadata, "source": source}
        return {"cell_type": "code", "execution_count": None, "outputs": [], **extra}

    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {name}\n\nDoes {name} work?"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": [title, cell(parameters, tags=["parameters"]), cell(code)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (place / "notebooks" / f"{name}.ipynb").write_text(json.dumps(notebook))


def run(*arguments: str) -> int:
    return main(["run", *arguments, "--notebooks", "notebooks"])


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.slow
def test_two_notebooks_run_and_say_where_their_pages_are(place, capsys):
    assert run("audit", "verify", "--root", "project", "-p", "dry_run", "True") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines() == [
        f"audit: passed  {place}/reports/audit.html",
        f"verify: passed  {place}/reports/verify.html",
        "    165 ≠ 45",
    ]
    about = f'<p class="about">{place}/project · '
    assert about in (page := (place / "reports/verify.html").read_text())
    assert f" UTC · dbtools {__version__}</p>" in page  # a parameter that is as usual is left out
    values = json.loads((place / "reports/audit.json").read_text())
    about = values.pop("report")
    assert values == {"root": str(place / "project")}
    assert (about["title"], about["project"], about["level"]) == ("01_audit", str(place / "project"), "good")
    kinds = ("html", "ipynb", "json")
    reports = [f"{n}.{k}" for n in ("audit", "verify") for k in kinds]
    assert files(place / "reports") == sorted([*reports, "index.html"])


@pytest.mark.slow
def test_a_failed_verdict_or_a_notebook_that_stops_gives_status_one_and_the_rest_still_runs(place, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(place))
    arguments = ("verify", "broken", "audit", "--root", "project", "-p", "dry_run", "False", "--out", "here")
    assert run(*arguments) == 1
    shown = capsys.readouterr()
    assert '<p class="about">~/project · ' in (place / "here/verify.html").read_text()
    assert " · dry_run = False</p>" in (place / "here/verify.html").read_text()
    assert f"verify: FAILED  {place}/here/verify.html\n    165 ≠ 45" in shown.out
    assert f"audit: passed  {place}/here/audit.html" in shown.out
    assert shown.err == (
        'dbtools: The notebook "broken" stopped at: "ZeroDivisionError: division by zero"; '
        f"look into {place}/here/broken.html.\n"
    )


@pytest.mark.slow
def test_an_error_of_dbtools_inside_a_notebook_is_one_sentence_and_writes_nothing(place, capsys):
    before = files(place)
    assert run("unusable", "--root", "project") == 2
    assert capsys.readouterr().err == (
        f'dbtools: No such project folder: "{place}/missing"; give the folder that holds prompter.db.\n'
    )
    assert files(place) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["audti"], 'No such notebook: "audti"; did you mean audit? Otherwise use one of audit, verify'),
        (["audit", "-p", "dryrun", "False"], 'No parameter of audit: "dryrun"; use one of fail_on, root.'),
        (["audit", "verify", "-p", "dry_run", "flase"], 'Not a value of parameter "dry_run": "flase"; give True or'),
        (["audit", "-p", "root", "project"], 'The parameter is given twice: "root"; give it once.'),
    ],
)
def test_wrong_input_is_one_sentence_before_anything_runs(place, capsys, arguments, sentence):
    before = files(place)
    assert run(*arguments, "--root", "project") == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"dbtools: {sentence}")
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert files(place) == before


def test_no_project_is_an_error_and_never_the_demo(place, capsys):
    assert run("audit") == 2
    assert "No prompter database in this folder or above it" in capsys.readouterr().err
    assert run("audit", "--root", "notebooks") == 2
    assert "No prompter database in the project" in capsys.readouterr().err


@pytest.mark.slow
def test_a_parameter_may_be_given_in_either_spelling(place, capsys):
    assert run("verify", "--root", "project", "-p", "dry_run=False") == 1
    assert run("verify", "--root=project", "--parameter", "dry_run", "True") == 0


@pytest.mark.slow
def test_a_sentence_that_the_terminal_cannot_show_is_written_out(place):
    (place / "notebooks" / "02_verify.ipynb").unlink()
    write(place, "02_verify", 'root: str = ""', f"{RECORD}record({{}}, reason='165 ≠ \\x1b[31m45')")
    command = [sys.executable, "-m", "dbtools.cli", "run", "verify", "--root", "project", "--notebooks", "notebooks"]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "    165 \\u2260 \\x1b[31m45"


def test_who_stops_reading_the_list_sees_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read(); from dbtools.cli import main; sys.exit(main(['list']))"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as listing:  # fmt: skip
        listing.stdout.close()
        listing.stdin.close()
        assert (listing.stderr.read(), listing.wait()) == ("", 141)


def test_list_shows_questions_and_parameters(place, capsys):
    assert main(["list", "--notebooks", "notebooks"]) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "audit: Does 01_audit work?",
        '    root: str = ""  # the project',
        "    fail_on: Optional[str] = None",
        "verify: Does 02_verify work?",
    ]


@pytest.mark.parametrize("arguments", [[], ["run"], ["clean"], ["run", "audit", "-p", "dry_run"]])
def test_wrong_usage_is_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: dbtools" in capsys.readouterr().err


def test_the_demo_shows_a_cleanup_before_it_applies_one():
    steps = [(name, parameters.get("dry_run"), save_as) for name, parameters, save_as in cli.DEMO]
    dry, applied = steps.index(("cleanup", None, None)), steps.index(("cleanup", False, "cleanup-applied"))
    assert dry < applied < steps.index(("export", None, None)) < steps.index(("verify", None, None))


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["run", "--help"], 0), (["--version"], 0)])
def test_help_and_version_load_nothing_heavy(arguments, status):
    code = (
        "import sys\nfrom dbtools.cli import main\ntry:\n    main(sys.argv[1:])\n"
        f"except SystemExit as stop:\n    print(stop.code, sorted({HEAVY!r} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.splitlines()[-1] == f"{status} []"
    assert __version__ in done.stdout or "usage: dbtools" in done.stdout


@pytest.mark.slow
def test_a_folder_that_the_terminal_cannot_show_is_written_out(place):
    command = [sys.executable, "-c", "from dbtools import cli; cli.DEMO = (); cli.main(['demo', 'd\u00e9m'])"]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].endswith("d\\xe9m")


@pytest.mark.slow
def test_json_prints_what_was_recorded_and_quiet_prints_nothing_but_failures(place, capsys):
    assert run("audit", "verify", "--root", "project", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["root"], first["report"]["notebook"]) == (str(place / "project"), "audit")
    assert (second["passed"], second["report"]["reason"]) == (True, "165 ≠ 45")
    assert run("audit", "verify", "--root", "project", "-q", "-p", "dry_run", "False") == 1
    assert capsys.readouterr().out.startswith("verify: FAILED")


def test_help_and_list_explain_one_notebook(place, capsys):
    assert main(["help", "verify", "--notebooks", "notebooks"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "verify: Does 02_verify work?",
        '    root: str = ""  # the project',
        "    dry_run: bool = True",
        "Run it: dbtools run verify --root DIR -p PARAMETER VALUE",
    ]
    assert main(["list", "verify", "--notebooks", "notebooks"]) == 0
    assert "01_audit" not in capsys.readouterr().out
    assert main(["help", "run"]) == 0
    assert "usage: dbtools run" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "meant"), [("audit", "dbtools run audit"), ("lst", "dbtools list")])
def test_a_wrong_command_suggests_the_right_one(word, meant, capsys):
    with pytest.raises(SystemExit):
        main([word])
    assert f'no such command: "{word}"; did you mean {meant}?' in capsys.readouterr().err


def test_the_shell_completes_commands_and_notebooks(capsys):
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("autoload -U +X bashcompinit")
    words = "COMP_WORDS=(dbtools run aud); COMP_CWORD=2; _dbtools; echo ${COMPREPLY[@]}"
    dbtools = f'dbtools() {{ "{sys.executable}" -m dbtools "$@"; }}'
    assert main(["completion", "bash"]) == 0
    done = subprocess.run(
        ["bash", "-c", f"{capsys.readouterr().out}\n{dbtools}\n{words}"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["audit"], done.stderr


@pytest.mark.slow
def test_an_audit_is_compared_with_the_one_it_replaces(place, capsys):
    parameters = 'root: str = ""\nearlier: str = ""  # the audit before'
    write(place, "05_again", parameters, f"{RECORD}record({{'earlier': earlier}}, reason=earlier or 'the first')")
    assert run("again", "--root", "project") == 0
    assert run("again", "--root", "project", "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["earlier"] == str(place / "reports" / "again.json")
    assert [entry["reason"] for entry in found["report"]["history"]] == ["the first"]
    assert found["report"]["parameters"] == {}
    shutil.copytree("project", "another")
    assert run("again", "--root", "another", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["earlier"] == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("True", "run the same command again"),
        ("False", "files may have been removed"),
        ("no", "files may have been removed"),
    ],
)
def test_an_interrupted_run_says_what_may_have_happened_to_files(place, capsys, monkeypatch, value, said):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dbtools.notebooks.run", interrupt)
    assert run("verify", "--root", "project", "-p", "dry_run", value) == 130
    assert said in capsys.readouterr().err
    assert not (place / "reports").exists()
