"""Exports on disk: complete, exact, guarded, atomic, and never over somebody else's file."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import random
import resource
import shutil
import sqlite3
import struct
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from support import FIELD, SHAPES, USERS, assert_sentence, hex_id, insert, make_database, read_tree, unchanged

from dbtools import Project, attach, export
from dbtools.database import Database
from dbtools.errors import BusyError, ConflictError, ExportError, ParameterError
from dbtools.export import layout

NOW = datetime(2025, 12, 4, 12, tzinfo=UTC)
SOURCES = {
    "best_heads": "best_heads",
    "judge_scores": "judge_scores",
    "multi_agent_log": "prompts",
    "prompt_versions": "prompt_versions",
    "prompts": "prompts",
    "security_inputs": "security_inputs",
    "temporal_versions": "prompt_versions",
    "token_usage": "token_usage",
    "user_feedback": "user_feedback",
}
HOSTILE = (
    "=1+1",
    "'=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "\t=1",
    "'\tx",
    "",
    '""',
    '"',
    'a "quoted" b',
    "a,b",
    "line\nbreak",
    "line\r\nbreak",
    "return\rhere",
    "\n",
    "\r",
    "nul\0inside",
    "\0",
    "\ufeffmarked",
    "line\u2028separator",
    "🦆 mañana",
    "\\N",
    "NULL",
    "null",
    "NaN",
    "  blanks  ",
    "'",
    "007",
    "1e5",
    "\x1a",
    "x" * 3_000_000,
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database for the tests that add rows of their own."""
    return make_database(tmp_path / "prompter.db")


@contextmanager
def attached(home: Path, prompts: list[dict[str, object]]) -> Iterator[Database]:
    """Attach a database once for all tests that only read it."""
    file = make_database(home / "prompter.db")
    insert(file, "prompts", prompts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        db = attach(file)
    with db:
        yield db


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with attached(tmp_path_factory.mktemp("plain"), []) as db:
        yield db


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    rows: list[dict[str, object]] = [
        {"id": hex_id("hostile", number), "original_text": text, "user_id": HOSTILE[-number - 1][:10]}
        for number, text in enumerate(HOSTILE)
    ]
    none = {"id": hex_id("hostile", "none"), "original_text": "no user", "user_id": None}
    with attached(tmp_path_factory.mktemp("hostile"), [*rows, none]) as db:
        yield db


def query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def read_csv(file: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with file.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_every_table_of_every_generation_is_exported_and_proved(
    tmp_path: Path, generation: str, migrated: bool
) -> None:
    database = make_database(tmp_path / "prompter.db", generation, migrated, prompts=3)
    tables = {name for (name,) in query(database, "SELECT name FROM sqlite_master")}
    expected = {
        layout: query(database, f"SELECT count(*) FROM {table}")[0][0]
        for layout, table in SOURCES.items()
        if table in tables
    }
    with attach(database) as db:
        written = export.write(db, tmp_path / "out")
    assert written.proved
    assert {file.layout: file.rows for file in written.files} == expected
    assert set(written.skipped) == set(SOURCES) - set(expected)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {file.path for file in written.files} | {"exports.json"}


@pytest.mark.slow
def test_a_layout_asked_for_by_name_gives_a_header_where_its_table_is_lacking(tmp_path: Path) -> None:
    with attach(make_database(tmp_path / "prompter.db", "G0")) as db:
        written = export.write(db, tmp_path / "out", layouts=["token_usage"])
    assert (written.files[0].rows, written.skipped) == (0, ())
    assert (tmp_path / "out" / "token_usage.csv").read_text().startswith("id,prompt_version_id,prompt_tokens,")


@pytest.mark.slow
@pytest.mark.parametrize("kind", export.FORMATS)
def test_a_database_without_rows_gives_files_without_rows(tmp_path: Path, kind: str) -> None:
    with attach(make_database(tmp_path / "prompter.db", prompts=0)) as db:
        written = export.write(db, tmp_path / "out", formats=[kind])
    assert {file.rows for file in written.files} == {0}


@pytest.mark.slow
def test_hostile_texts_come_back_equal_from_every_format(tmp_path: Path, hostile: Database) -> None:
    rows = query(Path(hostile.origin["path"]), "SELECT id, original_text, user_id FROM prompts")
    expected = {str(uuid.UUID(identifier)): (text, user) for identifier, text, user in rows}
    export.write(hostile, tmp_path / "out", layouts=["prompts"], formats=("csv", "parquet", "json"))
    table = read_csv(tmp_path / "out" / "prompts.csv")
    found = {r["id"]: (export.unguard(r["original_text"]), export.unguard(r["user_id"])) for r in table}
    assert found == {key: (text, user or "") for key, (text, user) in expected.items()}
    parquet = duckdb.read_parquet(str(tmp_path / "out" / "prompts.parquet"))
    assert {r[0]: r[1:] for r in parquet.project("id, original_text, user_id").fetchall()} == expected
    array = json.loads((tmp_path / "out" / "prompts.json").read_text())
    assert {row["id"]: (row["original_text"], row["user_id"]) for row in array} == expected


@pytest.mark.slow
def test_an_empty_text_is_quoted_and_a_missing_one_is_not(tmp_path: Path, database: Path) -> None:
    insert(database, "prompts", id=hex_id("empty"), original_text="", user_id=None, request_id="r")
    with attach(database) as db:
        export.write(db, tmp_path / "out", layouts=["prompts"])
    line = f'{uuid.UUID(hex_id("empty"))},,r,"",2025-12-04T10:00:00.000000'
    assert line in (tmp_path / "out" / "prompts.csv").read_text().splitlines()


@pytest.mark.slow
def test_formulas_are_guarded_in_csv_alone_and_only_when_wanted(tmp_path: Path, database: Path) -> None:
    insert(database, "prompts", id=hex_id("formula"), original_text="=cmd|' /C calc'!A0")
    with attach(database) as db:
        files = export.write(db, tmp_path / "on", layouts=["prompts"], formats=("csv", "parquet", "json")).files
        assert not export.write(db, tmp_path / "off", layouts=["prompts"], guard=False).files[0].guarded
    assert all(file.guarded == (file.format == "csv") for file in files)
    assert "'=cmd|' /C calc'!A0" in [r["original_text"] for r in read_csv(tmp_path / "on" / "prompts.csv")]
    assert "=cmd|' /C calc'!A0" in [r["original_text"] for r in read_csv(tmp_path / "off" / "prompts.csv")]
    assert "\"=cmd|' /C calc'!A0\"" in (tmp_path / "on" / "prompts.json").read_text()


@pytest.mark.slow
def test_doubles_come_back_to_the_last_bit(tmp_path: Path, database: Path) -> None:
    chance = random.Random(4)
    values = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(500)]
    values = [v for v in values if v == v] + [
        0.1,
        1 / 3,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        float("inf"),
        -float("inf"),
    ]
    insert(database, "best_heads", [{"prompt_id": hex_id("head", n), "score": v} for n, v in enumerate(values)])
    with attach(database) as db:
        export.write(db, tmp_path / "out", layouts=["best_heads"], formats=("csv", "parquet", "json"))
    expected = sorted(struct.pack("<d", v) for (v,) in query(database, "SELECT score FROM best_heads"))
    text = [float(row["score"]) for row in read_csv(tmp_path / "out" / "best_heads.csv")]
    array = [float(row["score"]) for row in json.loads((tmp_path / "out" / "best_heads.json").read_text())]
    parquet = duckdb.read_parquet(str(tmp_path / "out" / "best_heads.parquet")).project("score").fetchall()
    for found in (text, array, [v for (v,) in parquet]):
        assert sorted(struct.pack("<d", v) for v in found) == expected


@pytest.mark.slow
def test_the_log_leaves_the_score_of_an_agent_that_did_not_run_empty(tmp_path: Path, database: Path) -> None:
    insert(database, "prompts", id=hex_id("one"), original_text="only one agent", created_at="2025-12-05 00:00:00")
    version = hex_id("one", "syntax")
    insert(database, "prompt_versions", id=version, prompt_id=hex_id("one"), source="syntax", text="better")
    with attach(database) as db:
        export.write(db, tmp_path / "out", layouts=["multi_agent_log"])
    row = read_csv(tmp_path / "out" / "multi_agent_log.csv")[-1]
    assert row == {
        **dict.fromkeys(row, ""),
        "request_id": str(uuid.UUID(hex_id("one"))),
        "timestamp": "2025-12-05T00:00:00.000000",
        "original_prompt": "only one agent",
        "syntax_improved": "better",
    }


@pytest.mark.slow
def test_the_log_takes_winner_texts_and_scores_from_the_database(tmp_path: Path, db: Database) -> None:
    export.write(db, tmp_path / "out", layouts=["multi_agent_log"])
    first = read_csv(tmp_path / "out" / "multi_agent_log.csv")
    assert {row["request_id"] for row in first} == {"request-1", "request-2"}
    marks = "clarity + specificity + actionability + structure + context_use"
    for row in first:
        assert row["selected_agent"] == "domain"
        assert row["final_prompt"] == row["domain_improved"] == f"{row['original_prompt']}, the domain way"
        for agent in ("syntax", "structure", "domain"):
            total = query(
                Path(db.origin["path"]),
                f"SELECT {marks} FROM judge_scores JOIN prompt_versions AS v ON v.id = prompt_version_id "
                f"WHERE v.text = '{row[agent + '_improved']}'",
            )
            assert float(row[agent + "_score"]) == pytest.approx(total[0][0], abs=1e-12)


FAILED = {"explanation": json.dumps({"bullets": ["Unable to generate improvements"]})}
ATTEMPTS = [  # agent, number, text, failed, totals of its scores
    ("syntax", 1, "z, the failed run", True, [90]),
    ("syntax", 2, "a, the run after it", False, [20]),
    ("structure", 1, "a, the run before it", False, [35]),
    ("structure", 2, "z, the failed run", True, [5]),
    ("domain", 1, "z, the first", False, [45]),
    ("domain", 2, "m, the last", False, [40, 30]),
    ("domain", 3, "a, failed", True, []),
    ("critic", 1, "z, failed first", True, [25]),
    ("critic", 2, "a, failed again", True, []),
]


@pytest.mark.slow
def test_text_and_score_of_an_agent_are_those_of_its_last_version_that_did_not_fail(tmp_path: Path) -> None:
    database = make_database(tmp_path / "prompter.db", prompts=0)
    insert(database, "prompts", id=hex_id("asked"), original_text="asked", request_id="r")
    for agent, number, text, failed, totals in ATTEMPTS:
        version = {"id": hex_id(agent, number), "prompt_id": hex_id("asked"), "source": agent, "version_no": number}
        insert(database, "prompt_versions", text=text, **version, **(FAILED if failed else {}))
        for at, total in enumerate(totals):
            marks = dict.fromkeys(("clarity", "specificity", "actionability", "structure", "context_use"), total / 5)
            insert(database, "judge_scores", prompt_version_id=version["id"], created_at=f"2025-12-0{at + 1}", **marks)
    with attach(database) as db:
        export.write(db, tmp_path / "out", layouts=["multi_agent_log"])
    (row,) = read_csv(tmp_path / "out" / "multi_agent_log.csv")
    found = {a: (row[f"{a}_improved"], float(row[f"{a}_score"])) for a in ("syntax", "structure", "domain")}
    assert found == {
        "syntax": ("a, the run after it", 20),
        "structure": ("a, the run before it", 35),
        "domain": ("m, the last", 30),
    }
    assert json.loads(row["other_agents"]) == [{"agent": "critic", "score": None, "improved": "a, failed again"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ORDER BY s.provenance = 'placeholder', v.version_no DESC", "ORDER BY v.version_no DESC"),
        ("v.text AS improved", "max(v.text) OVER (PARTITION BY v.prompt_id, v.source) AS improved"),
        ("s.raw_total AS score", "max(s.raw_total) OVER (PARTITION BY v.prompt_id, v.source) AS score"),
        ("w.text AS final_prompt", "a.syntax_improved AS final_prompt"),
        ("FILTER (agent = 'syntax')", "FILTER (agent = 'domain')"),
        ("LEFT JOIN winners", "JOIN winners"),
    ],
)
def test_a_log_whose_query_is_wrong_is_not_proved(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    asked = {"id": hex_id("asked"), "original_text": "asked"}
    insert(database, "prompts", [asked, {"id": hex_id("no head"), "original_text": "not answered"}])
    for number, text, failed in ((1, "z", False), (2, "a", False), (3, "b", True)):
        version = {"id": hex_id("v", number), "prompt_id": asked["id"], "source": "syntax", "version_no": number}
        insert(database, "prompt_versions", text=text, **version, **(FAILED if failed else {}))
        insert(database, "judge_scores", prompt_version_id=version["id"], clarity=9 - number)
    text = layout.query("multi_agent_log")
    assert right in text
    monkeypatch.setattr(layout, "query", lambda _: text.replace(right, wrong))
    with attach(database) as db, pytest.raises(ExportError, match="does not equal the database"):
        export.write(db, tmp_path / "out", layouts=["multi_agent_log"])
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_agent_without_columns_of_its_own_is_not_lost(tmp_path: Path, database: Path) -> None:
    version = {"id": hex_id("new"), "prompt_id": hex_id("prompt", 1), "source": "critic", "text": "sharper"}
    insert(database, "prompt_versions", [version])
    with attach(database) as db:
        export.write(db, tmp_path / "out", layouts=["multi_agent_log"])
    others = {row["request_id"]: row["other_agents"] for row in read_csv(tmp_path / "out" / "multi_agent_log.csv")}
    assert json.loads(others["request-1"]) == [{"agent": "critic", "score": None, "improved": "sharper"}]
    assert others["request-2"] == ""


@pytest.mark.slow
def test_the_same_database_gives_the_same_bytes(tmp_path: Path, hostile: Database) -> None:
    once = export.write(hostile, tmp_path / "a", layouts=["multi_agent_log", "prompts"], now=NOW)
    again = export.write(hostile, tmp_path / "b", layouts=["multi_agent_log", "prompts"], now=NOW)
    assert once.files == again.files
    assert (tmp_path / "a" / "exports.json").read_bytes() == (tmp_path / "b" / "exports.json").read_bytes()


@pytest.mark.slow
def test_the_manifest_says_what_was_written_from_what(tmp_path: Path, database: Path) -> None:
    insert(database, "best_heads", prompt_id=hex_id("x"), score="N/A")
    with attach(database) as db:
        written = export.write(db, tmp_path / "out", layouts=["best_heads"], now=NOW)
        kept = json.loads((tmp_path / "out" / "exports.json").read_text())
        assert kept["fingerprint"] == db.origin["fingerprint"]
    entry = kept["files"][0]
    file = tmp_path / "out" / entry["path"]
    assert (entry["path"], entry["rows"], entry["bytes"]) == ("best_heads.csv", 3, file.stat().st_size)
    assert (kept["generation"], kept["created"], kept["proved"]) == ("G4", "2025-12-04T12:00:00+00:00", True)
    assert (kept["database"], kept["unreadable_cells"]) == ("prompter.db", 1)
    assert {**kept, "folder": str(tmp_path / "out")} == written.to_dict()
    assert list(written.frame["sha256"]) == [entry["sha256"]]


@pytest.mark.slow
def test_later_exports_replace_their_own_files_and_keep_the_record_of_the_others(
    tmp_path: Path, database: Path
) -> None:
    out = tmp_path / "out"
    with attach(database) as db:
        export.write(db, out, layouts=["prompts", "best_heads", "judge_scores"])
    (out / "judge_scores.csv").write_text("edited")
    insert(database, "prompts", id=hex_id("later"), original_text="later")
    with attach(database) as db:
        export.write(db, out, layouts=["prompts"])
    listed = {entry["path"]: entry["rows"] for entry in json.loads((out / "exports.json").read_text())["files"]}
    assert listed == {"best_heads.csv": 2, "prompts.csv": 3}
    assert len(read_csv(out / "prompts.csv")) == 3


def edited(folder: Path) -> str:
    with (folder / "prompts.csv").open("a") as handle:
        handle.write("mine\n")
    return "prompts.csv"


def foreign(folder: Path) -> str:
    (folder / "token_usage.csv").write_text("kept by hand\n")
    return "token_usage.csv"


def linked(folder: Path) -> str:
    (folder / "prompts.csv").rename(folder / "elsewhere.csv")
    (folder / "prompts.csv").symlink_to("elsewhere.csv")
    return "prompts.csv"


def a_folder(folder: Path) -> str:
    (folder / "token_usage.csv").mkdir()
    return "token_usage.csv"


def foreign_manifest(folder: Path) -> str:
    (folder / "exports.json").write_text('{"files": [{"path": "prompts.csv"}]}')
    return "exports.json"


def no_json(folder: Path) -> str:
    (folder / "exports.json").write_bytes(b"\xff\xfe")
    return "exports.json"


def leading_out(folder: Path) -> str:
    kept = json.loads((folder / "exports.json").read_text())
    kept["files"][0]["path"] = "../prompter.db"
    (folder / "exports.json").write_text(json.dumps(kept))
    return "exports.json"


def linked_manifest(folder: Path) -> str:
    (folder / "exports.json").rename(folder / "other.json")
    (folder / "exports.json").symlink_to("other.json")
    return "exports.json"


@pytest.mark.slow
@pytest.mark.parametrize(
    "happened", [edited, foreign, linked, a_folder, foreign_manifest, no_json, leading_out, linked_manifest]
)
def test_what_is_not_provably_an_export_is_never_overwritten(tmp_path: Path, db: Database, happened: object) -> None:
    out = tmp_path / "out"
    export.write(db, out, layouts=["best_heads", "prompts"])
    name = happened(out)  # type: ignore[operator]
    with unchanged(tmp_path), pytest.raises(ConflictError) as caught:
        export.write(db, out)
    assert_sentence(caught.value, out / name)
    assert "run the cleanup first, or give another folder" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("last", range(6))
def test_an_interrupted_export_leaves_whole_files_and_the_next_one_goes_through(
    tmp_path: Path, db: Database, hostile: Database, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    out, layouts = tmp_path / "out", ["best_heads", "prompts", "token_usage"]
    export.write(db, out, layouts=layouts)
    before = {p.read_bytes() for p in out.glob("*.csv")}
    export.write(hostile, tmp_path / "whole", layouts=layouts)
    after = {p.read_bytes() for p in (tmp_path / "whole").glob("*.csv")}
    moves, replace = iter(range(100)), Path.replace

    def interrupted(source: Path, target: Path) -> Path:
        if next(moves) == last:
            raise KeyboardInterrupt
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    if last < 5:
        with pytest.raises(KeyboardInterrupt):
            export.write(hostile, out, layouts=layouts)
    assert {p.read_bytes() for p in out.glob("*.csv")} <= before | after
    export.write(hostile, out, layouts=layouts)
    assert {p.read_bytes() for p in out.glob("*.csv")} == after


@pytest.mark.slow
def test_a_folder_name_is_never_taken_for_a_pattern(tmp_path: Path, db: Database) -> None:
    folder = tmp_path / "year=2025" / "it's [a] *? {b} name"
    written = export.write(db, folder, layouts=["best_heads"], formats=("csv", "parquet", "json"))
    (folder / "exports.json").unlink()
    assert all(export.is_current(db, folder / file.path).current for file in written.files)


def test_what_a_killed_export_left_behind_is_removed(tmp_path: Path, db: Database) -> None:
    left = tmp_path / "out" / ".dbtools-export"
    left.mkdir(parents=True)
    (left / "prompts.csv").write_text("half")
    export.write(db, tmp_path / "out", layouts=["prompts"])
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"prompts.csv", "exports.json"}


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, hostile: Database) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = set(read_tree(tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(ExportError) as caught:
            export.write(hostile, tmp_path / "new" / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_sentence(caught.value, tmp_path / "new" / "out")
    assert set(read_tree(tmp_path)) == before


@pytest.mark.slow
def test_too_little_memory_is_said_to_be_that_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with attached(tmp_path, [{"id": hex_id("long"), "original_text": "x" * 40_000_000}]) as db:
        before = set(read_tree(tmp_path))
        monkeypatch.setenv("DBTOOLS_MEMORY", "100MB")
        with pytest.raises(ExportError, match=r"set \$DBTOOLS_MEMORY higher") as caught:
            export.write(db, tmp_path / "new" / "out", layouts=["prompts"])
        assert_sentence(caught.value, tmp_path / "new" / "out")
        assert set(read_tree(tmp_path)) == before


def test_a_second_export_into_the_folder_waits_for_nobody(tmp_path: Path, db: Database) -> None:
    (tmp_path / "out").mkdir()
    descriptor = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with unchanged(tmp_path), pytest.raises(BusyError) as caught:
            export.write(db, tmp_path / "out")
    finally:
        os.close(descriptor)
    assert_sentence(caught.value, tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "thing"),
    [
        ({"layouts": ["users"]}, "users"),
        ({"layouts": ["../prompts"]}, "../prompts"),
        ({"formats": ["xlsx"]}, "xlsx"),
        ({"formats": "xlsx"}, "xlsx"),
        ({"formats": []}, ""),
    ],
)
def test_an_unknown_layout_or_format_is_named_with_those_that_are_known(
    tmp_path: Path, db: Database, arguments: dict[str, list[str]], thing: str
) -> None:
    with unchanged(tmp_path), pytest.raises(ParameterError) as caught:
        export.write(db, tmp_path / "out", **arguments)
    assert_sentence(caught.value, thing)
    assert "use one of " in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, db: Database) -> None:
    file = tmp_path / "file"
    file.touch()
    with unchanged(tmp_path), pytest.raises(ParameterError) as caught:
        export.write(db, file / "out")
    assert_sentence(caught.value, file / "out")


@pytest.mark.slow
def test_without_the_long_texts_only_the_layouts_that_need_none_are_written(tmp_path: Path, database: Path) -> None:
    with attach(database, texts=False) as db:
        with unchanged(tmp_path), pytest.raises(ParameterError, match=r"attach\(…, texts=True\)"):
            export.write(db, tmp_path / "out")
        assert export.write(db, tmp_path / "out", layouts=["best_heads", "token_usage"]).proved


@pytest.mark.slow
def test_the_project_s_export_folder_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "packages" / "db").mkdir(parents=True)
    database = make_database(tmp_path / "packages" / "db" / "prompter.db")
    project, before = Project.find(tmp_path), read_tree(database.parent)
    with attach(project) as db:
        written = export.write(db, layouts=["prompts"])
    assert (written.folder, written.database) == (project.exports, "packages/db/prompter.db")
    assert read_tree(database.parent) == before
    with attach(database) as db:
        with pytest.raises(ParameterError, match="give a folder"):
            export.write(db)
        assert export.write(db, project=project, layouts=["prompts"]).folder == project.exports


@pytest.mark.slow
def test_no_account_ever_reaches_an_export(tmp_path: Path, database: Path) -> None:
    canary = "c4n4ry-in-every-column"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(USERS)
        names = [r[1] for r in connection.execute("PRAGMA table_info(users)")][1:]
        insert(connection, "users", id=1, **dict.fromkeys(names, canary))
        connection.execute("ALTER TABLE prompts ADD COLUMN password VARCHAR")
        connection.execute("UPDATE prompts SET password = ?", [canary])
    with attach(database) as db:
        # Parquet would hide it in a compressed page.
        export.write(db, tmp_path / "out", formats=("csv", "json"))
    assert not any(canary.encode() in file.read_bytes() for file in (tmp_path / "out").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not FIELD.is_dir(), reason="the field case is not here")
def test_the_field_case_is_exported_whole(tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(FIELD, root)
    with attach(Project.find(root)) as db, unchanged(root):
        written = export.write(db, tmp_path / "out")
        with pytest.raises(ConflictError):
            export.write(db)
    rows = {file.layout: file.rows for file in written.files}
    assert (rows["multi_agent_log"], rows["prompt_versions"], rows["judge_scores"]) == (15, 165, 165)
    log = read_csv(tmp_path / "out" / "multi_agent_log.csv")
    winners = query(
        root / "prompter.db",
        "SELECT p.id, v.source FROM prompts AS p JOIN best_heads AS h ON h.prompt_id = p.id "
        "JOIN prompt_versions AS v ON v.id = h.prompt_version_id",
    )
    assert {uuid.UUID(r["request_id"]).hex: r["selected_agent"] for r in log} == dict(winners)
    assert all(float(row[f"{agent}_score"]) > 0 for row in log for agent in ("syntax", "structure", "domain"))
