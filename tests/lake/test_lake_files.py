from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from support import assert_sentence, insert, make_database, unchanged

from dbtools import Project, analysis, attach, cleanup, demo, export, progress
from dbtools.database.lake import RELATIONS
from dbtools.errors import ConflictError, DatabaseError, ExportError, ParameterError, ProjectError, QueryError
from dbtools.notebooks import run
from dbtools.notebooks.record import plain
from dbtools.show import Explorer


def lake_of(path: Path, folder: Path, texts: bool = True) -> export.ExportManifest:
    with attach(path, texts=texts) as db:
        return export.write(db, folder, formats=("parquet",), partition_by="month")


def months(folder: Path, relation: str) -> set[str]:
    return {path.name for path in (folder / relation).iterdir()}


def test_every_row_is_in_the_folder_of_its_month_and_one_without_a_time_in_a_folder_of_its_own(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    assert months(tmp_path / "lake", "prompts") == {
        "month=2025-01", "month=2025-03", "month=2025-12", "month=1999-12", "month=unknown",
    }  # fmt: skip
    query = f"FROM read_parquet('{tmp_path}/lake/prompts/*/*.parquet', hive_types = {{month: VARCHAR}})"
    for month, moment in duckdb.sql(f"SELECT month, created_at {query}").fetchall():
        assert month == (moment.strftime("%Y-%m") if moment else "unknown")


def test_no_row_is_lost(database, tmp_path):
    written = lake_of(database, tmp_path / "lake")
    with closing(sqlite3.connect(database)) as connection, attach(tmp_path / "lake") as db:
        for relation, table in (("prompts", "prompts"), ("versions", "prompt_versions"), ("scores", "judge_scores")):
            there = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert db.rows(relation) == there == sum(f.rows for f in written.files if f.layout == relation)


def test_ids_are_text_and_no_type_is_one_that_spark_lacks(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    for relation in RELATIONS:
        query = f"DESCRIBE FROM read_parquet('{tmp_path}/lake/{relation}/*/*.parquet', hive_partitioning = false)"
        kinds = {name: kind for name, kind, *_ in duckdb.sql(query).fetchall()}
        assert set(kinds.values()) <= {"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"}
        assert kinds.get("id", "VARCHAR") == "VARCHAR"


@pytest.mark.parametrize("texts", [True, False])
def test_the_lake_has_the_same_relations_as_the_database_it_is_of(database, tmp_path, texts):
    lake_of(database, tmp_path / "lake", texts)
    with attach(database, texts=texts) as one, attach(tmp_path / "lake") as other:
        assert one.relations == other.relations
        assert {**one.origin, "path": ""} == {**other.origin, "path": ""}
        for name in one.relations:
            left, right = (db.frame(name).drop(columns="text_hash", errors="ignore") for db in (one, other))
            rows = [sorted(map(repr, frame.itertuples(index=False, name=None))) for frame in (left, right)]
            assert rows[0] == rows[1], name
            assert list(left.columns) == list(right.columns)


def test_attached_to_it_nothing_else_can_be_read_or_written(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    own = sorted((tmp_path / "lake").rglob("*.parquet"))[0]
    with attach(tmp_path / "lake") as db, unchanged(tmp_path):
        for query in ("FROM read_text('/etc/passwd')", f"FROM read_parquet('{tmp_path}/lake/*/*/*.parquet')"):
            with pytest.raises(QueryError, match="not allowed"):
                db.sql(query).fetchall()
            with pytest.raises(duckdb.Error, match=r"file system|Permission"):  # where the list of functions has a gap
                db._connection.execute(query).fetchall()
        with pytest.raises(QueryError):
            db.sql(f"COPY (SELECT 1) TO '{own}'")


def test_a_new_state_replaces_the_old_one_and_keeps_other_exports(database, tmp_path):
    first = lake_of(database, tmp_path / "lake")
    with attach(database, texts=True) as db:
        export.write(db, tmp_path / "lake", layouts=("prompts",))
    insert(database, "prompts", created_at="2030-07-01 00:00:00")
    second = lake_of(database, tmp_path / "lake")
    files = {p.relative_to(tmp_path / "lake").as_posix() for p in (tmp_path / "lake").rglob("*") if p.is_file()}
    assert files == {f.path for f in second.files} | {"prompts.csv", "exports.json"}
    assert {f.path for f in first.files} & {f.path for f in second.files} == {"lake.json"}
    listed = json.loads((tmp_path / "lake" / "exports.json").read_text())["files"]
    assert {entry["path"] for entry in listed} == files - {"exports.json"}
    assert "month=2030-07" in months(tmp_path / "lake", "prompts")


def test_who_attached_the_old_state_never_sees_the_new_one(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    with attach(tmp_path / "lake") as db:
        insert(database, "prompts", created_at="2030-07-01 00:00:00")
        lake_of(database, tmp_path / "lake")
        with pytest.raises((QueryError, duckdb.Error)):
            db.sql("SELECT sum(text_length) FROM prompts").fetchall()


@pytest.mark.parametrize("what", ["prompts/month=2025-01/mine.parquet", "versions", "lake.json"])
def test_a_file_that_is_not_of_the_lake_stays_and_nothing_is_written(database, tmp_path, what):
    mine = tmp_path / "lake" / what
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with unchanged(tmp_path / "lake"), pytest.raises(ConflictError) as caught:
        lake_of(database, tmp_path / "lake")
    assert_sentence(caught.value, mine)


def test_nothing_is_written_through_a_link(database, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "versions").symlink_to(tmp_path / "elsewhere")
    with unchanged(tmp_path / "elsewhere"), pytest.raises(ConflictError):
        lake_of(database, tmp_path / "lake")


def test_a_lake_that_does_not_equal_the_database_is_not_put_in_place(database, tmp_path, monkeypatch):
    from dbtools.export import lake

    monkeypatch.setattr(lake, "difference", _after_losing_a_row(lake.difference))
    with pytest.raises(ExportError, match="does not equal"):
        lake_of(database, tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def _after_losing_a_row(difference):
    def compare(connection):
        connection.execute("DELETE FROM written WHERE rowid = 0")
        return difference(connection)

    return compare


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"partition_by": "year", "formats": ("parquet",)}, "year"),
        ({"partition_by": "month"}, "csv"),
        ({"partition_by": "month", "formats": ("parquet",), "layouts": ("prompts",)}, "prompts"),
    ],
)
def test_what_makes_no_lake_is_refused(database, tmp_path, asked, word):
    with attach(database) as db, pytest.raises(ParameterError) as caught:
        export.write(db, tmp_path / "lake", **asked)
    assert_sentence(caught.value, word)


def test_some_prompts_make_no_lake(database, tmp_path):
    with (
        attach(database) as db,
        db.filter(users=["ann"]) as some,
        pytest.raises(ParameterError, match="whole database"),
    ):
        export.write(some, tmp_path / "lake", formats=("parquet",), partition_by="month")


@pytest.mark.parametrize("damage", ["missing", "cut", "row", "text", "elsewhere"])
def test_a_damaged_lake_is_one_sentence(database, tmp_path, damage):
    folder = tmp_path / "lake"
    lake_of(database, folder)
    file = sorted((folder / "versions").rglob("*.parquet"))[0]
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:100])
    elif damage == "row":
        duckdb.sql(f"COPY (FROM read_parquet('{file}', hive_partitioning = false) LIMIT 1) TO '{file}'")
    else:
        text = (folder / "lake.json").read_text()
        wrong = "{" if damage == "text" else text.replace("versions/month", "../versions/month")
        (folder / "lake.json").write_text(wrong)
    with pytest.raises(DatabaseError) as caught:
        attach(folder)
    assert_sentence(caught.value, folder)


def test_a_lake_without_texts_says_so(database, tmp_path):
    lake_of(database, tmp_path / "lake", texts=False)
    with pytest.raises(ParameterError, match="without the long texts"):
        attach(tmp_path / "lake", texts=True)


def test_an_empty_database_makes_an_empty_lake(tmp_path):
    lake_of(make_database(tmp_path / "prompter.db", "G0", prompts=0), tmp_path / "lake")
    with attach(tmp_path / "lake") as db:
        assert {name: db.rows(name) for name in RELATIONS} == dict.fromkeys(RELATIONS, 0)


@pytest.fixture
def project(tmp_path):
    """Return a project whose database is a lake that the notebook wrote."""
    root = demo.build(tmp_path / "demo").root
    chosen = {"partition_by": "month", "formats": ["parquet"], "folder": str(root / "lake")}
    run("export", root, chosen, tmp_path / "reports", progress=False)
    (root / "prompter.db").unlink()
    config = root / "dbtools.toml"
    config.write_text(config.read_text().replace('"prompter.db"', '"lake"', 1))
    return Project.find(root)


def test_no_file_rests_on_a_lake(project):
    with unchanged(project.root), pytest.raises(ProjectError, match="A lake is a copy") as caught:
        cleanup.survey(project)
    assert_sentence(caught.value, project.database)
    with pytest.raises(ProjectError, match="is a lake, not a project") as caught:
        Project.find(project.database)
    assert_sentence(caught.value, project.database)


def test_the_explorer_shows_a_lake_and_says_what_it_cannot_tell(project):
    with Explorer(project) as explorer:
        for name in explorer.tabs:
            explorer.tab = name
            assert explorer.wait()
        told = {name: "".join(worker.message.value for worker in tab.workers) for name, tab in explorer.tabs.items()}
        with attach(project) as db:
            assert plain(explorer.effectiveness.to_dict()) == plain(analysis.effectiveness(db).to_dict())
    assert "A lake is a copy" in told.pop("files")
    assert set(told.values()) == {""}


def test_what_somebody_changes_during_an_export_stays_and_the_lake_is_as_it_was(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    old, *_ = sorted((tmp_path / "lake" / "heads").rglob("*.parquet"))
    before = (tmp_path / "lake" / "lake.json").read_bytes()

    def change(done, total, what):
        old.write_text("somebody's")

    with progress.listening(change), pytest.raises(ConflictError) as caught:
        lake_of(database, tmp_path / "lake")
    assert_sentence(caught.value, old)
    assert (old.read_text(), (tmp_path / "lake" / "lake.json").read_bytes()) == ("somebody's", before)


def test_a_lake_that_does_not_count_its_rows_in_numbers_is_refused(database, tmp_path):
    lake_of(database, tmp_path / "lake")
    names = tmp_path / "lake" / "lake.json"
    told = json.loads(names.read_text())
    told["origin"]["tables"]["prompts"] = "many"
    names.write_text(json.dumps(told))
    with pytest.raises(DatabaseError, match="where the database had many") as caught:
        attach(tmp_path / "lake")
    assert_sentence(caught.value, tmp_path / "lake")
