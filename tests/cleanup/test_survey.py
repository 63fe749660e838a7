from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from support import hex_id, insert, make_database, python, unchanged

from dbtools import attach, demo, export
from dbtools.cleanup import classify, plan, survey
from dbtools.errors import DatabaseError
from dbtools.files.inventory import LARGEST
from dbtools.project import Project

HEADER = ["prompt_id", "version_no", "version_uuid", "text", "source", "explanation", "timestamp"]


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    make_database(folder / "prompter.db", prompts=3)
    return folder


def look(root: Path) -> dict:
    found = survey(Project.find(root), progress=False)
    return {file.path: file for file in found.files}


def kept(file) -> str:
    return file.duplicate_of.path if file.duplicate_of else ""


def write_csv(path: Path, rows, header=HEADER) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([header, *rows])
    return path


def version_row(number: int, agent: str, **changes) -> list:
    row = {
        "prompt_id": hex_id("prompt", number),
        "version_no": 0,
        "version_uuid": hex_id("version", number, agent),
        "text": f"Explain topic {number}, the {agent} way",
        "source": agent,
        "explanation": "{}",
        "timestamp": "2025-12-04T10:00:00",
    }
    return list({**row, **changes}.values())


@pytest.mark.slow
def test_the_field_case_is_judged_as_it_is(field):
    with unchanged(field):
        found = look(field)
    assert {path: (f.verdict, f.unique_rows, kept(f)) for path, f in found.items()} == {
        "prompter.db": ("primary", 0, ""),
        "auth_system.db": ("auth", 0, ""),
        "backend/auth_system.db": ("same-rows", 0, "auth_system.db"),
        "backend/auth_system.db.backup": ("unique", 1, ""),
        "storage/prompt_versions.csv": ("unique", 95, ""),
        "storage/multi_agent_log.csv": ("unique", 4, ""),
        "storage/my_learning_log.csv": ("unique", 3, ""),
        "storage/prompt_learning_log.csv": ("unique", 3, ""),
    }
    assert [path for path, f in found.items() if f.demo] == [
        "storage/my_learning_log.csv",
        "storage/prompt_learning_log.csv",
    ]


@pytest.mark.slow
def test_the_demo_projects_known_rows_are_found_and_the_others_counted(tmp_path):
    found = look(demo.build(tmp_path / "demo").root)
    unique = {path: f.unique_rows for path, f in found.items() if f.verdict == "unique"}
    assert unique == {
        "storage/multi_agent_log.csv": 2,
        "storage/my_learning_log.csv": 3,
        "storage/prompt_learning_log.csv": 3,
        "storage/prompt_versions.csv": 12,
    }


@pytest.mark.slow
def test_rows_whose_id_and_text_the_database_has_are_regenerable(root):
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax"), version_row(2, "domain")])
    file = look(root)["storage/v.csv"]
    assert (file.verdict, kept(file), file.unique_rows) == ("regenerable", "prompter.db", 0)
    assert file.duplicate_of.path == "prompter.db"
    assert file.reason.startswith("all 2 rows are in prompter.db; 2 of them also hold values")


def test_a_dashed_upper_case_id_is_the_same_id(root):
    given = hex_id("version", 1, "syntax").upper()
    dashed = "-".join([given[:8], given[8:12], given[12:16], given[16:20], given[20:]])
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax", version_uuid=dashed)])
    assert look(root)["storage/v.csv"].verdict == "regenerable"


@pytest.mark.slow
def test_a_known_id_with_another_text_is_unique(root):
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax", text="quite another text")])
    file = look(root)["storage/v.csv"]
    assert (file.verdict, file.unique) == ("unique", (1,))
    assert file.reason == '1 of 1 rows exist nowhere in the database ("quite another text")'


@pytest.mark.slow
def test_texts_known_only_under_another_id_are_rescued(root):
    rows = [
        version_row(1, "syntax", version_uuid=hex_id("other")),
        version_row(1, "domain", version_uuid="", text="  explain TOPIC 1,\n the domain  way "),
        version_row(1, "domain", version_uuid="", text="Explain topic 1"),
    ]
    write_csv(root / "storage" / "v.csv", rows)
    file = look(root)["storage/v.csv"]
    assert (file.verdict, file.unique) == ("unique", (1, 2, 3))
    assert file.reason.startswith("3 of 3 rows have only texts of the database, under another id, agent or prompt (")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "   "])
def test_a_blank_text_proves_nothing(root, text):
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax", version_uuid=hex_id("no"), text=text)])
    assert look(root)["storage/v.csv"].unique_rows == 1


@pytest.mark.slow
def test_a_log_row_is_known_only_with_all_its_texts(root):
    header = ["request_id", "timestamp", "original_prompt", "final_prompt", "selected_agent", "syntax_improved"]
    known, final = "Explain topic 1", "Explain topic 1, the domain way"
    rows = [
        [hex_id("prompt", 1), "t", known, final, "domain", ""],
        [hex_id("prompt", 1), "t", known, final, "domain", "an improvement nobody stored"],
    ]
    write_csv(root / "storage" / "log.csv", rows, header)
    assert look(root)["storage/log.csv"].unique == (2,)


@pytest.mark.slow
def test_scores_are_known_by_version_and_all_five_marks(root):
    with closing(sqlite3.connect(root / "prompter.db")) as connection:
        version, *marks = connection.execute(
            "SELECT prompt_version_id, clarity, specificity, actionability, structure, context_use FROM judge_scores"
        ).fetchone()
    header = ["version_id", "clarity", "specificity", "actionability", "structure", "context_use"]
    write_csv(root / "storage" / "s.csv", [[version, *marks], [version, *marks[:4], marks[4] + 0.5]], header)
    assert look(root)["storage/s.csv"].unique == (2,)


@pytest.mark.slow
def test_malformed_rows_are_unique_because_nothing_is_proved_of_them(root):
    path = write_csv(root / "storage" / "v.csv", [version_row(1, "syntax"), version_row(1, "domain")[:4]])
    path.write_bytes(path.read_bytes() + b"x,1,y,caf\xe9\x81,s,e,t\n")
    file = look(root)["storage/v.csv"]
    assert file.unique == (2, 3)
    assert "1 ragged (line 3)" in file.reason
    assert "1 bad encoding (line 4)" in file.reason


@pytest.mark.slow
def test_a_csv_of_no_known_layout_is_unknown(root):
    write_csv(root / "sales.csv", [[1, 2]], ["month", "sum"])
    assert look(root)["sales.csv"].verdict == "unknown"


@pytest.mark.slow
def test_copies_of_a_file_that_has_no_rows_are_told_apart_by_their_bytes(root):
    for name in ("a.db", "b.db"):
        (root / name).write_bytes(b"no database")
    found = look(root)
    assert [(found[n].verdict, found[n].rows) for n in ("a.db", "b.db")] == [("unknown", None), ("same-bytes", None)]
    assert found["b.db"].reason.startswith("every byte is also in a.db; nothing would be lost")


@pytest.mark.slow
def test_copies_of_a_database_are_told_apart_by_bytes_rows_and_parts(root):
    database = root / "prompter.db"
    shutil.copy(database, root / "same.db")
    shutil.copy(database, root / "rows.db")
    shutil.copy(database, root / "part.db")
    shutil.copy(database, root / "more.db")
    for name, statement in (
        ("rows", "PRAGMA user_version = 7"),
        ("part", "DELETE FROM judge_scores WHERE rowid = 1"),
        ("more", "UPDATE prompts SET original_text = original_text || '!' WHERE rowid <= 2"),
    ):
        with closing(sqlite3.connect(root / f"{name}.db")) as connection, connection:
            connection.execute(statement)
    found = look(root)
    assert {n: (found[n].verdict, kept(found[n])) for n in ("same.db", "rows.db", "part.db", "more.db")} == {
        "same.db": ("same-bytes", "prompter.db"),
        "rows.db": ("same-rows", "prompter.db"),
        "part.db": ("subset", "prompter.db"),
        "more.db": ("unique", ""),
    }
    assert found["more.db"].unique_rows == 2


@pytest.mark.slow
def test_a_row_stored_twice_is_not_covered_by_one(root):
    with closing(sqlite3.connect(root / "notes.db")) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('a'), ('a'), ('b')")
    shutil.copy(root / "notes.db", root / "other.db")
    with closing(sqlite3.connect(root / "other.db")) as connection, connection:
        connection.execute("INSERT INTO notes VALUES ('c'), ('c')")
        connection.execute("DELETE FROM notes WHERE rowid = 1")
    found = look(root)
    verdicts = {found["notes.db"].verdict, found["other.db"].verdict}
    assert verdicts == {"unique"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mine", "theirs"), [("1", "1.0"), ("'a'", "'A'"), ("'1'", "1"), ("x'61'", "'a'"), ("0.1", "0.1000000000000000055")]
)
def test_values_are_the_same_only_in_class_and_bytes(root, mine, theirs):
    for name, value in (("a.db", mine), ("b.db", theirs)):
        with closing(sqlite3.connect(root / name)) as connection, connection:
            connection.execute("CREATE TABLE t (v COLLATE NOCASE)")
            connection.execute(f"INSERT INTO t VALUES ({value})")
    expected = "same-rows" if mine == "0.1" else "unique"
    assert {look(root)[name].verdict for name in ("b.db",)} <= {expected, "same-bytes"}


@pytest.mark.slow
def test_of_two_equal_strangers_the_first_stays(root):
    with closing(sqlite3.connect(root / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE t (v)")
        connection.execute("INSERT INTO t VALUES (1)")
    shutil.copy(root / "a.db", root / "b.db")
    found = look(root)
    assert (found["a.db"].verdict, found["b.db"].verdict, kept(found["b.db"])) == ("unique", "same-bytes", "a.db")


@pytest.mark.slow
def test_two_copies_of_what_may_go_both_rest_on_the_database(root):
    for name in ("a.csv", "b.csv"):
        write_csv(root / "storage" / name, [version_row(1, "syntax")])
    found = look(root)
    assert {kept(found[f"storage/{name}"]) for name in ("a.csv", "b.csv")} == {"prompter.db"}


@pytest.mark.slow
def test_links_hard_links_and_compressed_files_are_never_deletable(root, tmp_path):
    secret = write_csv(tmp_path / "outside" / "v.csv", [version_row(1, "syntax")])
    (root / "link.csv").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    os.link(secret, root / "hard.csv")
    (root / "dump.csv.gz").write_bytes(b"\x1f\x8b not really")
    found = look(root)
    assert (found["link.csv"].reason, found["link.csv"].obstacle) == ("", "it is a link, which is not followed")
    assert "hard links" in found["hard.csv"].obstacle
    assert found["dump.csv.gz"].kind == "compressed"
    assert not any(path.startswith("folder/") for path in found)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["known.csv", "sub/../known.csv", "{root}/known.csv", "again"])
def test_a_file_that_a_link_leads_to_stays_unless_it_is_named(root, target):
    text = "user_id\n1\n"
    (root / "first.csv").write_text(text, "utf-8")
    (root / "known.csv").write_text(text, "utf-8")
    (root / "sub").mkdir()
    (root / "again").symlink_to("known.csv")
    (root / "sub/readme").symlink_to(Path("..") / target.format(root=root))
    (root / "elsewhere").symlink_to("sub")
    surveyed = survey(root, progress=False)
    found = {file.path: file for file in surveyed.files}
    assert found["known.csv"].verdict == "same-bytes"
    assert found["known.csv"].caution == 'the link "again" leads to it and would lead nowhere'
    assert not found["first.csv"].caution
    assert {"again", "sub/readme"} <= found.keys()
    assert "elsewhere" not in found
    planned = plan(surveyed)
    assert "known.csv" not in [removal.path for removal in planned.removals]
    assert "to remove it, name it in accept" in next(kept.reason for kept in planned.kept if kept.path == "known.csv")
    assert "known.csv" in [removal.path for removal in plan(surveyed, accept=["known.csv"]).removals]


@pytest.mark.slow
def test_what_lies_too_deep_to_be_looked_at_is_called_a_file_or_a_folder_as_it_is(root):
    deep = root / "/".join(["d" * 200] * 19)  # close to the 4096 bytes that a path may have
    deep.mkdir(parents=True)
    deep = deep / ("e" * (4000 - len(os.fsencode(deep)) - 1))
    deep.mkdir()
    inside = os.open(deep, os.O_RDONLY)
    try:
        os.mkdir("f" * 200, dir_fd=inside)
        os.close(os.open("f" * 200 + ".csv", os.O_CREAT | os.O_WRONLY, dir_fd=inside))
        kinds = {path[-4:]: file.kind for path, file in look(root).items() if "File name too long" in file.reason}
        assert kinds == {"ffff": "folder", ".csv": "other"}
    finally:
        os.close(inside)
        subprocess.run(["rm", "-rf", root / ("d" * 200)], check=True)


def test_version_control_environments_and_backups_are_left_out(root):
    for folder in (".git", "node_modules", "backup_old_csvs", "venv"):
        write_csv(root / folder / "v.csv", [version_row(1, "syntax")])
    (root / "venv" / "pyvenv.cfg").touch()
    assert list(look(root)) == ["prompter.db"]


@pytest.mark.slow
def test_a_database_in_use_is_judged_but_carries_the_obstacle(root):
    make_database(root / "live.db", prompts=3, journal="wal")
    code = """if True:
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("DELETE FROM best_heads")
        connection.commit()
        print("ready", flush=True)
        input()
    """
    with python(code, root / "live.db") as process:
        assert process.stdout.readline() == "ready\n"
        with unchanged(root):
            file = look(root)["live.db"]
        process.communicate("\n")
    assert file.verdict == "subset"
    assert "live.db-wal is not empty" in file.obstacle


@pytest.mark.slow
def test_a_copy_of_a_database_that_has_since_lost_a_row_in_its_wal_is_unique(root):
    (root / "prompter.db").unlink()
    make_database(root / "prompter.db", journal="wal")
    shutil.copy(root / "prompter.db", root / "copy.db")
    with closing(sqlite3.connect(root / "prompter.db")) as connection:
        connection.execute("DELETE FROM judge_scores WHERE rowid = 1")
        connection.commit()
        assert (root / "prompter.db").read_bytes() == (root / "copy.db").read_bytes()
        file = look(root)["copy.db"]
    assert (file.verdict, file.unique_rows) == ("unique", 1)


@pytest.mark.slow
def test_a_file_that_is_written_while_it_is_examined_stays(root, monkeypatch):
    file = write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    assert look(root)["storage/v.csv"].verdict == "regenerable"
    sha256 = classify.sqlite.sha256

    def meanwhile(path):
        found = sha256(path)
        if path == file:
            file.write_text(file.read_text() + "\n")
        return found

    monkeypatch.setattr(classify.sqlite, "sha256", meanwhile)
    found = look(root)["storage/v.csv"]
    assert (found.verdict, found.obstacle) == ("unknown", "it is being written")


@pytest.mark.slow
def test_a_file_too_large_to_be_read_is_not_even_hashed(root, monkeypatch):
    monkeypatch.setitem(LARGEST, "sqlite", (root / "prompter.db").stat().st_size)
    shutil.copy(root / "prompter.db", root / "larger.db")
    with (root / "larger.db").open("ab") as handle:
        handle.write(bytes(4096))
    found = look(root)["larger.db"]
    assert (found.sha256, found.obstacle) == ("", "it was not examined")


@pytest.mark.slow
def test_a_csv_file_too_large_to_be_read_whole_is_not_examined(root, monkeypatch):
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    monkeypatch.setitem(LARGEST, "csv", 10)
    found = look(root)["storage/v.csv"]
    assert (found.verdict, found.obstacle) == ("unknown", "it was not examined")


@pytest.mark.slow
def test_a_single_read_only_file_is_meant_to_stay_but_a_read_only_tree_is_a_copy(root):
    path = write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    path.chmod(0o444)
    assert "read-only" in look(root)["storage/v.csv"].obstacle
    (root / "prompter.db").chmod(0o444)
    assert look(root)["storage/v.csv"].obstacle == ""


@pytest.mark.slow
def test_files_that_only_pretend_are_unknown(root):
    (root / "empty.db").touch()
    (root / "text.db").write_text("hello")
    (root / "broken.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    (root / "empty.csv").touch()
    found = look(root)
    assert {found[n].verdict for n in ("empty.db", "text.db", "broken.db", "empty.csv")} == {"unknown"}
    assert found["broken.db"].obstacle == "it was not examined"


@pytest.mark.slow
def test_names_with_newlines_quotes_and_dashes_are_surveyed(root):
    names = ["-rf.csv", 'a"b.csv', "line\nbreak.csv", "é.csv"]
    for name in names:
        write_csv(root / name, [version_row(1, "syntax")])
    found = look(root)
    assert set(names) <= set(found)


def test_without_a_readable_primary_nothing_can_be_proved(root):
    (root / "prompter.db").write_text("not a database")
    with pytest.raises(DatabaseError):
        look(root)


@pytest.mark.slow
def test_bad_rows_in_the_database_do_not_stop_the_survey(root):
    insert(root / "prompter.db", "prompts", original_text=b"\xff\xfe", created_at="not a date")
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    assert look(root)["storage/v.csv"].verdict == "regenerable"


@pytest.mark.slow
def test_the_frame_has_the_columns_of_the_contract(root):
    frame = survey(Project.find(root), progress=False).frame
    assert list(frame) == [
        "path", "kind", "size_bytes", "modified", "rows", "verdict", "unique_rows", "reason", "kept",
    ]  # fmt: skip
    assert frame.loc[0, "path"] == "prompter.db"


@pytest.mark.slow
def test_a_known_row_with_a_cell_that_the_database_lacks_is_found_but_incomplete(root):
    explanation = '{"agent": "syntax", "improvements": ["clearer 1"]}'
    known = {"explanation": explanation, "timestamp": "2025-12-04T10:00:01"}
    rows = [
        version_row(1, "syntax", version_no=1, prompt_id=hex_id("prompt", 1), **known),
        version_row(1, "syntax", version_no=1, **{**known, "explanation": '{"note": "only here"}'}),
        version_row(1, "syntax", version_no=1, **{**known, "timestamp": "2025-12-04T11:00:01"}),
        version_row(1, "syntax", version_no=1, **{**known, "source": "domain"}),
    ]
    write_csv(root / "storage" / "v.csv", rows)
    file = look(root)["storage/v.csv"]
    assert (file.verdict, file.unique, file.incomplete) == ("unique", (4,), (2, 3))
    write_csv(root / "storage" / "v.csv", rows[:3])
    file = look(root)["storage/v.csv"]
    assert (file.verdict, file.unique, file.incomplete) == ("regenerable", (), (2, 3))
    assert "2 of them also hold values that the database lacks" in file.reason


@pytest.mark.slow
def test_a_quote_left_open_proves_nothing_of_what_it_swallows(root):
    path = write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    text = path.read_text() + ",".join(map(str, version_row(1, "domain")[:6])) + ',"2025-1\n'
    path.write_text(text + "a,1,b,UNIQUE TEXT,c,d,e\na,2,b,ANOTHER,c,d,e\n")
    file = look(root)["storage/v.csv"]
    assert file.verdict == "unique"
    assert 2 in file.unique
    assert "bad quoting" in file.reason


@pytest.mark.slow
def test_a_header_of_no_utf8_is_read(root):
    (root / "log.csv").write_bytes(b"prompt_id,version_no,version_uuid,text,caf\xe9\na,1,b,unknown text,e\n")
    assert look(root)["log.csv"].unique_rows == 1


def test_backups_are_known_wherever_they_lie(root):
    run = root / "elsewhere" / "20260101T000000Z-12345678"
    run.mkdir(parents=True)
    for name in ("manifest.json", "journal", "object.csv"):
        (run / name).touch()
    assert list(look(root)) == ["prompter.db"]


@pytest.mark.slow
def test_a_damaged_database_beside_it_is_reported_and_stops_nothing(root):
    path = make_database(root / "bad.db", prompts=100)
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 60] = b"\xff" * 60
    path.write_bytes(data)
    file = look(root)["bad.db"]
    assert file.verdict == "unknown"
    assert file.obstacle == "it was not examined"


@pytest.mark.slow
def test_a_database_behind_a_link_is_in_use(root):
    (root / "data").mkdir()
    (root / "prompter.db").rename(root / "data" / "real.db")
    (root / "prompter.db").symlink_to(root / "data" / "real.db")
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax")])
    shutil.copy(root / "data" / "real.db", root / "backup.db")
    found = look(root)
    assert found["data/real.db"].verdict == "primary"
    assert kept(found["backup.db"]) == "data/real.db"
    assert found["storage/v.csv"].verdict == "regenerable"


@pytest.mark.slow
def test_secrets_in_samples_are_hidden(root):
    text = "$2b$12$abcdefghijklmnopqrstuuJ5JvGGEZfBRPBTGsHtDQ3Kq1p1lVSNK"
    write_csv(root / "storage" / "v.csv", [version_row(1, "syntax", version_uuid="", text=text)])
    assert "«redacted»" in look(root)["storage/v.csv"].reason
    assert "$2b$" not in look(root)["storage/v.csv"].reason


LAYOUTS = ["judge_scores", "multi_agent_log", "prompt_versions", "temporal_versions"]
ODD = ["=1+1", "'=1+1", "\ufeff=1", "\0=1", "", " ", "\t", "a\rb", "É\u3000x", '"', 'no, "rest"\n']


@pytest.fixture
def exported(root) -> Path:
    for number, text in enumerate(ODD, 50):
        prompt = hex_id("prompt", number)
        insert(root / "prompter.db", "prompts", id=prompt, original_text=text, request_id=prompt)
        insert(root / "prompter.db", "prompt_versions", id=hex_id(number), prompt_id=prompt, text=text, source="syntax")
        insert(root / "prompter.db", "judge_scores", prompt_version_id=hex_id(number), clarity=number)
        insert(root / "prompter.db", "best_heads", prompt_id=prompt, prompt_version_id=hex_id(number))
    with attach(root, texts=True, progress=False) as db:
        export.write(db, root / "storage", layouts=LAYOUTS, progress=False)
    (root / "storage" / "exports.json").unlink()
    return root


@pytest.mark.slow
def test_exports_of_the_database_as_it_is_now_are_known_whatever_their_texts(exported):
    found = look(exported)
    assert {f.layout: f.verdict for f in found.values() if f.kind == "csv"} == dict.fromkeys(LAYOUTS, "export-current")


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_with_a_row_less_or_another_cell_is_not_current(exported, layout):
    path = exported / "storage" / f"{layout}.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    write_csv(path, rows[1:], header)
    assert look(exported)[f"storage/{layout}.csv"].verdict != "export-current"
    place = header.index("timestamp")
    write_csv(path, [[*rows[0][:place], "2020-01-01", *rows[0][place + 1 :]], *rows[1:]], header)
    file = look(exported)[f"storage/{layout}.csv"]
    assert (file.verdict != "export-current", bool(file.incomplete)) == (True, True)


@pytest.mark.slow
def test_a_text_that_an_export_escaped_is_known_by_its_letters(exported):
    numbers = [number for number, text in enumerate(ODD, 50) if "=" in text and text[0] != "'"]
    rows = [
        version_row(1, "syntax", prompt_id=hex_id("prompt", n), version_uuid=hex_id(n), text=f"'{ODD[n - 50]}")
        for n in numbers
    ]
    write_csv(exported / "storage" / "v.csv", rows)
    assert (len(rows), look(exported)["storage/v.csv"].unique) == (3, ())


@pytest.mark.slow
def test_a_view_named_like_a_table_elsewhere_stops_nothing(tmp_path):
    make_database(tmp_path / "prompter.db")
    with closing(sqlite3.connect(tmp_path / "prompter.db")) as connection, connection:
        connection.execute("CREATE VIEW summary AS SELECT id FROM prompts")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE summary (id TEXT)")
        connection.execute("INSERT INTO summary VALUES ('alone')")
    found = {file.path: file for file in survey(Project.find(tmp_path), progress=False).files}
    assert (found["other.db"].verdict, found["other.db"].unique_rows) == ("unique", 1)
