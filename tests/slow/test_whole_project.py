"""The whole way on a real project: look, clean, export, verify, restore; by command, papermill and Python."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import duckdb
import papermill
import pytest
from support import FIELD, make_database, python, read_tree, unchanged

from dbtools import Project, attach, cleanup, demo, export
from dbtools.cli import main

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
GONE = [
    "backend/auth_system.db",
    "storage/multi_agent_log.csv",
    "storage/my_learning_log.csv",
    "storage/prompt_learning_log.csv",
    "storage/prompt_versions.csv",
]
STAYS = ["auth_system.db", "backend/auth_system.db.backup", "prompter.db"]
GUIDE = """
[expect.rows]
prompts = 15
prompt_versions = 45
[expect.versions_by_source]
syntax = 15
structure = 15
domain = 15
"""


def dbtools(*arguments: object) -> int:
    """Run the command line in this process; a usage error leaves by SystemExit as argparse does."""
    return main([str(a) for a in arguments])


def recorded(out: Path, name: str) -> dict:
    return json.loads((out / f"{name}.json").read_text())


def files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and "backup_old" not in str(p))


def winners(root: Path) -> dict[str, str]:
    with closing(sqlite3.connect(f"file:{root / 'prompter.db'}?mode=ro&immutable=1", uri=True)) as connection:
        return dict(
            connection.execute(
                "SELECT h.prompt_id, v.source FROM best_heads h JOIN prompt_versions v ON v.id = h.prompt_version_id"
            )
        )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_a_dry_run_tells_everything_and_changes_nothing(field, tmp_path):
    with unchanged(field):
        assert dbtools("run", "cleanup", "--root", field, "--out", tmp_path / "out") == 0
    result = recorded(tmp_path / "out", "cleanup")
    assert result["dry_run"] is True
    assert result["planned"] == GONE
    assert (result["removed"], result["rescued_rows"], result["bytes"], result["manifest"]) == ([], 105, 158_981, None)
    assert {f["path"]: (f["verdict"], f["unique_rows"]) for f in result["files"]} == {
        "prompter.db": ("primary", 0),
        "auth_system.db": ("auth", 0),
        "backend/auth_system.db": ("same-rows", 0),
        "backend/auth_system.db.backup": ("unique", 1),
        "storage/prompt_versions.csv": ("unique", 95),
        "storage/multi_agent_log.csv": ("unique", 4),
        "storage/my_learning_log.csv": ("unique", 3),
        "storage/prompt_learning_log.csv": ("unique", 3),
    }


@pytest.mark.parametrize("how", ["command line", "papermill", "python"])
def test_a_cleanup_rescues_removes_and_is_taken_back(field, tmp_path, how):
    before, out = read_tree(field), tmp_path / "out"
    databases = {name: before[name] for name in ("prompter.db", "auth_system.db", "backend/auth_system.db.backup")}
    if how == "command line":
        assert dbtools("run", "cleanup", "--root", field, "--out", out, "-p", "dry_run", "False") == 0
        result = recorded(out, "cleanup")
    elif how == "papermill":
        out.mkdir()
        parameters = {"root": str(field), "dry_run": False}
        executed = papermill.execute_notebook(
            NOTEBOOKS / "02_cleanup.ipynb", out / "o.ipynb", parameters, progress_bar=False, kernel_name="python3"
        )
        result = json.loads(executed.cells[-1].outputs[0]["data"]["application/vnd.dbtools.record"])
    else:
        project = Project.find(field)
        result = cleanup.apply(cleanup.plan(cleanup.survey(project)), dry_run=False, progress=False).to_dict()
    assert (result["removed"], result["rescued_rows"], result["bytes"]) == (GONE, 105, 158_981)
    assert files(field) == STAYS
    assert {name: read_tree(field)[name] for name in databases} == databases
    run = Path(result["manifest"])
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    with attach(Project.find(field)) as db:
        rescued = {name: db.rows(name) for name in db.relations if name.startswith("rescued_")}
        assert sorted(rescued.values()) == [3, 3, 4, 95]
        assert db.rows("versions") == 165

    again = cleanup.apply(cleanup.plan(cleanup.survey(Project.find(field))), dry_run=False, progress=False)
    assert (again.removed, again.path) == ((), None)
    if how == "command line":
        assert dbtools("run", "restore", "--root", field, "--out", out) == 0
    else:
        assert cleanup.restore(run).restored == tuple(GONE)
    after = read_tree(field)
    kept = {name: facts for name, facts in after.items() if not name.startswith("backup_old_csvs")}
    folders = {".", "backend", "storage"}  # their own times change with what goes and comes
    assert {n: f for n, f in kept.items() if n not in folders} == {n: f for n, f in before.items() if n not in folders}


def test_a_copy_of_a_read_only_project_is_cleaned_too(tmp_path):
    if not FIELD.is_dir():
        pytest.skip("the field case is not on this machine")
    root = shutil.copytree(FIELD, tmp_path / "field")
    for path in root.rglob("*"):
        path.chmod(0o444 if path.is_file() else 0o755)
    result = cleanup.apply(cleanup.plan(cleanup.survey(Project.find(root))), dry_run=False, progress=False)
    assert result.removed == tuple(GONE)


def test_exports_before_and_after_the_cleanup(field, tmp_path, capsys):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    with unchanged(field):
        assert dbtools("run", "export", "--root", field, "--out", out) == 2
        error = capsys.readouterr().err
        assert "run the cleanup first, or give another folder" in error
        assert len(error.splitlines()) == 1
        assert dbtools("run", "export", "--root", field, "--out", out, "-p", "folder", elsewhere) == 0
    project = Project.find(field)
    cleanup.apply(cleanup.plan(cleanup.survey(project)), dry_run=False, progress=False)
    assert dbtools("run", "export", "--root", field, "--out", out) == 0
    assert recorded(out, "export")["proved"] is True
    heads = winners(field)
    for folder in (elsewhere, field / "storage"):
        log = read_csv(folder / "multi_agent_log.csv")
        assert len(log) == 15
        assert all(heads[row["request_id"].replace("-", "")] == row["selected_agent"] for row in log)
        assert all(float(row[f"{agent}_score"]) > 0 for row in log for agent in ("syntax", "structure", "domain"))
        assert len(read_csv(folder / "prompt_versions.csv")) == 165
    verdicts = {file.path: file.verdict for file in cleanup.survey(project).files if file.path.startswith("storage/")}
    assert set(verdicts.values()) == {"export-current"}


def test_the_guides_expectations_fail_and_say_what_is_different(field, tmp_path, capsys):
    (tmp_path / "guide.toml").write_text(GUIDE)
    out = tmp_path / "out"
    assert dbtools("run", "verify", "--root", field, "--out", out, "-p", "expect", tmp_path / "guide.toml") == 1
    result = recorded(out, "verify")
    assert result["passed"] is False
    wrong = {e["name"]: (e["expected"], e["found"]) for e in result["expectations"] if not e["passed"]}
    assert wrong == {"rows of prompt_versions": (45, 165), "versions by synthetic_generator": (0, 120)}
    assert "FAILED" in capsys.readouterr().out
    assert "165" in (out / "verify.html").read_text()


def test_audit_and_effectiveness_write_the_keys_of_the_contract_and_pages_that_need_no_network(field, tmp_path):
    out = tmp_path / "out"
    arguments = ("--root", field, "--out", out, "-p", "provenance", "generated")
    assert dbtools("run", "audit", "effectiveness", *arguments) == 0
    found = recorded(out, "audit")
    assert (found["generation"], found["worst"]) == ("G2", "error")
    assert found["provenance"]["versions"]["generated"] == 165
    assert (found["checks"]["duplicate-version-no"], found["checks"]["score-out-of-scale"]) == (6, 120)
    agents = {a["agent"]: (a["contests"], a["wins"]["recorded"]) for a in recorded(out, "effectiveness")["agents"]}
    assert agents == {"structure": (15, 11), "domain": (15, 2), "syntax": (15, 2)}
    for page in ((out / f"{name}.html").read_text() for name in ("audit", "effectiveness")):
        assert "default-src 'none'" in page
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")
        assert not any(f' {attribute}="http' in page for attribute in ("src", "href"))


HALF = "half"


@pytest.mark.parametrize(
    ("content", "notebooks"),
    [
        (None, ["audit", "cleanup", "export", "verify", "effectiveness"]),  # refused before a kernel starts
        (b"not a database at all\n" * 10, ["audit", "verify"]),
        (HALF, ["cleanup", "effectiveness"]),
        (b"", ["export"]),
    ],
    ids=["no database", "text", "truncated", "empty"],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, capsys, content, notebooks):
    root = tmp_path / "project"
    root.mkdir()
    if content == HALF:
        whole = make_database(tmp_path / "whole.db", prompts=50).read_bytes()
        content = whole[: len(whole) // 2]
    if content is not None:
        (root / "prompter.db").write_bytes(content)
    for notebook in notebooks:
        with unchanged(root):
            assert dbtools("run", notebook, "--root", root, "--out", tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1, error
        assert error.startswith("dbtools: ")
        assert str(root) in error


def test_an_unknown_parameter_is_one_sentence_and_nothing_runs(field, tmp_path, capsys):
    with unchanged(field):
        assert dbtools("run", "cleanup", "--root", field, "--out", tmp_path / "out", "-p", "dryrun", "False") == 2
    error = capsys.readouterr().err
    assert '"dryrun"' in error
    assert "dry_run" in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_malformed_csv_files_are_rows_of_the_report(tmp_path):
    root = demo.build(tmp_path / "demo").root
    header = "prompt_id,version_no,version_uuid,text,source,explanation,timestamp\n"
    for name, content in {
        "latin1.csv": header.encode() + b"a,1,b,caf\xe9,d,e,f\n",
        "ragged.csv": header.encode() + b"a,1\n",
        "twice.csv": (header + "a,1,b,c,d,e,f\n" + header + "a,2,b,c,d,e,f\n").encode(),
    }.items():
        (root / "storage" / name).write_bytes(content)
    with unchanged(root):
        found = {file.path: file.reason for file in cleanup.survey(Project.find(root)).files}
    assert "read as Windows-1252" in found["storage/latin1.csv"]
    assert "1 ragged (line 2)" in found["storage/ragged.csv"]
    assert "1 repeated header (line 3)" in found["storage/twice.csv"]


def test_a_database_open_elsewhere_is_never_removed(tmp_path):
    root = demo.build(tmp_path / "demo").root
    shutil.copy(root / "prompter.db", root / "copy.db")
    code = """if True:
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("SELECT count(*) FROM prompts").fetchone()
        print("ready", flush=True)
        input()
    """
    with python(code, root / "copy.db") as process:
        assert process.stdout.readline() == "ready\n"
        plan = cleanup.plan(cleanup.survey(Project.find(root)))
        assert "copy.db" in [removal.path for removal in plan.removals]
        result = cleanup.apply(plan, dry_run=False, progress=False)
        process.communicate("\n")
    assert "copy.db" not in result.removed
    assert (root / "copy.db").exists()
    assert "open" in next(kept.reason for kept in result.kept if kept.path == "copy.db")


def test_a_database_written_in_wal_mode_is_read_whole_and_with_its_sidecar_stays(tmp_path):
    root = demo.build(tmp_path / "demo").root
    make_database(root / "live.db", prompts=2, journal="wal")
    code = """if True:
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("UPDATE prompts SET user_id = 'written'")
        connection.commit()
        print("ready", flush=True)
        input()
    """
    with python(code, root / "live.db") as process:
        assert process.stdout.readline() == "ready\n"
        with attach(root / "live.db") as db:
            assert db.sql("SELECT DISTINCT user_id FROM prompts").fetchall() == [("written",)]
        plan = cleanup.plan(cleanup.survey(Project.find(root)), accept=["live.db"])
        process.communicate("\n")
    assert "live.db" not in [removal.path for removal in plan.removals]
    assert "live.db-wal is not empty" in next(kept.reason for kept in plan.kept if kept.path == "live.db")


def test_parquet_exports_and_rescued_rows_are_readable_by_others(field, tmp_path):
    project = Project.find(field)
    with attach(project, texts=True) as db:
        written = export.write(db, tmp_path / "out", formats=("csv", "parquet"))
    assert written.proved
    count = duckdb.sql(f"SELECT count(*) FROM read_parquet('{tmp_path}/out/prompt_versions.parquet')").fetchone()
    assert count == (165,)
