"""The same rows give the same answers, whether they lie in an SQLite file or on a PostgreSQL server."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from servers import PASSWORD
from twins import Twins

from dbtools import analysis, attach, audit, cleanup, export, show
from dbtools.notebooks.record import plain

pytestmark = pytest.mark.usefixtures("access")
# What only a file can answer: with accounts of their own, neither project lacks other databases to look into.
FILES_ONLY = {"foreign-keys", "lost-constraint", "schema-drift", "wrong-place"}


def equal(one: Any, other: Any) -> bool:
    """Tell whether two JSON-ready values are the same, numbers to 1e-9."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one == other


def test_every_cell_of_every_relation_is_the_same_to_the_last_bit(twins: Twins) -> None:
    with attach(twins.file) as file, attach(twins.served) as served:
        assert file.relations == served.relations
        for name in file.relations:
            rows = [sorted(map(repr, db.sql(f'FROM "{name}"').fetchall())) for db in (file, served)]
            assert rows[0] == rows[1], name
        assert served.rows("unreadable_cells") == 0
        same = ("generation", "migrated", "texts", "tables")
        assert [served.origin[key] for key in same] == [file.origin[key] for key in same]


def test_the_analyses_are_the_same(twins: Twins) -> None:
    with attach(twins.file) as file, attach(twins.served) as served:
        prompts = [prompt for (prompt,) in file.sql("SELECT id FROM prompts ORDER BY id").fetchall()]
        for provenance in ("real", "all") if twins.database == "migrated" else ("all",):
            for ask in (analysis.effectiveness, analysis.usage, analysis.evolution):
                one, other = (ask(db, provenance=provenance).to_dict() for db in (file, served))
                assert equal(one, other), (ask, provenance)
        assert equal(*(analysis.evolution(db, prompts[-1]).to_dict() for db in (file, served)))


def test_the_audit_finds_the_same_and_says_what_only_a_file_can_tell(twins: Twins) -> None:
    file, served = (audit.run(project) for project in (twins.file, twins.served))
    one, other = file.to_dict(), served.to_dict()
    extra = other["not_applicable"].keys() - one["not_applicable"].keys()
    assert extra == FILES_ONLY
    assert {other["not_applicable"][check] for check in extra} == {
        "not applicable: the database is a PostgreSQL server"
    }
    asked = {check: count for check, count in one["checks"].items() if check not in extra}
    assert other["checks"] == asked
    for key in ("generation", "migrated", "tables", "provenance", "scales"):
        assert equal(one[key], other[key]), key
    found = [f for f in file.findings if f.count and f.check.id not in extra]
    samples = {f.check.id: f.sample for f in served.findings}
    assert found
    assert all(samples[f.check.id] == f.sample for f in found if f.check.area != "file")
    check = next(f.check.id for f in found)
    assert served.rows(check).equals(file.rows(check))


def test_exports_are_the_same_bytes(twins: Twins, tmp_path: Path) -> None:
    written = {}
    for name, project in (("file", twins.file), ("served", twins.served)):
        with attach(project) as db:
            manifest = export.write(db, tmp_path / name, formats=("csv", "json", "parquet"))
            assert manifest.database == project.relative(project.database)
            written[name] = {f.path: (f.rows, f.sha256) for f in manifest.files}
            assert all(export.is_current(db, tmp_path / name / path).current for path in written[name])
    assert written["file"] == written["served"]
    assert len(written["file"]) > 20


def test_what_is_expected_and_what_lies_there_is_judged_alike(twins: Twins) -> None:
    verified = [audit.verify(project).to_dict() for project in (twins.file, twins.served)]
    assert verified[0] == verified[1]
    verdicts = []
    for project in (twins.file, twins.served):
        survey = cleanup.survey(project)
        verdicts.append({f.path: (f.verdict, f.unique_rows) for f in survey.files if f.path != "prompter.db"})
    assert verdicts[0] == verdicts[1]
    assert {verdict for verdict, _ in verdicts[0].values()} >= {"auth", "same-rows", "unique"}


@pytest.mark.parametrize("twins", ["created"], indirect=True)
def test_the_explorer_shows_the_same_numbers(twins: Twins) -> None:
    shown = []
    for project in (twins.file, twins.served):
        with show.Explorer(project, provenance="all") as explorer:
            explorer.tab = "usage"
            assert explorer.wait()
            page = explorer.snapshot("overview")
            assert str(project.database) in page
            shown.append(explorer.to_dict())
    for one in shown:
        one.pop("report", None)  # there, or still on its way; it has a test of its own
    assert equal(*shown)


@pytest.mark.parametrize("twins", ["migrated"], indirect=True)  # one shape is enough for two kernels
def test_notebooks_record_the_same_numbers_and_hold_no_password(twins: Twins, tmp_path: Path, cache: Path) -> None:
    root = Path(shutil.copytree(twins.served.root, tmp_path / "environment"))
    config = (root / "dbtools.toml").read_text()
    (root / "dbtools.toml").write_text(config.replace("database =", "# database ="))
    url = twins.server.url(twins.database, secret=quote(PASSWORD, safe=""))
    environment = {name: value for name, value in os.environ.items() if name != "PGPASSWORD"} | {"DATABASE_URL": url}
    command = [sys.executable, "-m", "dbtools.cli", "run", "effectiveness", "audit", "--root", root]
    subprocess.run([*command, "--out", tmp_path / "made"], env=environment, check=True, timeout=300)
    with attach(twins.file) as file:
        answers = {"effectiveness": analysis.effectiveness(file), "audit": audit.run(twins.file, progress=False)}
    for name, python in answers.items():
        expected = json.loads(json.dumps(plain(python.to_dict())))
        recorded = json.loads((tmp_path / "made" / f"{name}.json").read_text())
        for check in FILES_ONLY & set(expected.get("checks", ())):
            for part in ("checks", "not_applicable"):
                expected[part].pop(check, None)
                recorded[part].pop(check, None)
        assert equal({key: recorded[key] for key in expected}, expected), name
    made = [path for top in (tmp_path / "made", cache) for path in top.rglob("*") if path.is_file()]
    assert {".html", ".ipynb", ".json", ".duckdb"} <= {path.suffix for path in made}
    assert [path for path in made if b"canarypg" in path.read_bytes() + str(path).encode()] == []
