"""The proof: it notices every change to a written file, and tells current from stale exports."""

from __future__ import annotations

import csv
import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from support import hex_id, insert, make_database, unchanged

from dbtools import attach, export
from dbtools.database import Database
from dbtools.errors import ExportError, ParameterError
from dbtools.export import manifest, verify
from dbtools.export.layout import ON_REQUEST
from dbtools.export.verify import prove
from dbtools.files import csvfile

TEXTS = {
    "plain": "asked",
    "empty": "",
    "formula": "=1+1",
    "apostrophe": "'=1+1",
    "lines": "one\r\ntwo\rthree",
    "nul": "a\0b",
}


def make(path: Path) -> Path:
    make_database(path)
    for name, text in TEXTS.items():
        insert(path, "prompts", id=hex_id(name), original_text=text, user_id=None)
    insert(path, "best_heads", prompt_id=hex_id("plain"), score=0.1 + 0.2)
    insert(path, "best_heads", prompt_id=hex_id("lines"), score=-2.5e-300)
    return path


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    home = tmp_path_factory.mktemp("proof")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        db = attach(make(home / "prompter.db"))
    with db:
        yield db


@pytest.fixture(scope="module")
def written(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    export.write(db, folder, layouts=export.LAYOUTS, formats=tuple(export.FORMATS))
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "out"))


def proved(db: Database, file: Path, guarded: bool = True) -> int:
    with db.workspace() as connection:
        connection.execute(csvfile.ESCAPE_MACROS)
        return prove(connection, file, file.stem, file.suffix[1:], guarded and file.suffix == ".csv")


def change(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prompts.csv", "prompts.json", "prompts.parquet", "best_heads.csv"])
def test_what_was_written_is_proved_with_its_number_of_rows(db: Database, folder: Path, name: str) -> None:
    assert proved(db, folder / name) == (8 if name.startswith("prompts") else 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("best_heads.csv", b"0.30000000000000004", b"0.3"),
        ("best_heads.csv", b"-2.5e-300", b"-2.5e-299"),
        ("best_heads.csv", b"-2.5e-300", b""),
        ("best_heads.csv", b"-2.5e-300", b"none"),
        ("best_heads.csv", b"prompt_id,", b"prompt,"),
        ("best_heads.csv", b"-2.5e-300,", b"-2.5e-300,,"),
        ("prompts.csv", b',"",', b",,"),
        ("prompts.csv", b",'=1+1,", b",=2+2,"),
        ("prompts.csv", b"\r\n", b"\n"),
        ("prompts.csv", b"\0", b""),
        ("prompts.csv", b"asked", b"Asked"),
        ("prompts.csv", b"asked", b"\xffasked"),
        ("prompts.json", b'"asked"', b'"Asked"'),
        ("prompts.json", b'"user_id":null', b'"user_id":""'),
        ("prompts.json", b'"user_id":null,', b""),
        ("prompts.json", b"]", b""),
    ],
)
def test_a_file_that_differs_anywhere_is_not_proved(
    db: Database, folder: Path, name: str, old: bytes, new: bytes
) -> None:
    change(folder / name, old, new)
    with pytest.raises(ExportError, match=name):
        proved(db, folder / name)


def without_last(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def last_twice(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[-1]]


def last_instead_of_first(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[-1], *lines[2:]]


def header_in_the_middle(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[0]]


@pytest.mark.parametrize("edit", [without_last, last_twice, last_instead_of_first, header_in_the_middle])
def test_rows_are_compared_as_a_multiset(
    db: Database, folder: Path, edit: Callable[[list[bytes]], list[bytes]]
) -> None:
    file = folder / "best_heads.csv"
    file.write_bytes(b"".join(edit(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ExportError):
        proved(db, file)


def test_sums_are_equal_exactly_where_the_multisets_are() -> None:
    rng = random.Random(9)
    lists = [[rng.randrange(3) for _ in range(rng.randrange(5))] for _ in range(60)]
    sums = []
    for some in lists:
        values = " UNION ALL ".join(["SELECT 0::UHUGEINT AS digest WHERE false", *(f"SELECT {n}" for n in some)])
        sums.append(duckdb.sql(f"SELECT {verify._SUMS} FROM ({values})").fetchall())
    for (one, first), (other, second) in itertools.combinations(zip(lists, sums, strict=True), 2):
        assert (first == second) == (Counter(one) == Counter(other))


def test_the_order_of_rows_is_no_difference(db: Database, folder: Path) -> None:
    file = folder / "best_heads.csv"
    header, *rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([header, *reversed(rows)]))
    assert proved(db, file) == len(rows)


def test_a_guarded_file_is_not_proved_as_an_unguarded_one(db: Database, folder: Path) -> None:
    with pytest.raises(ExportError):
        proved(db, folder / "prompts.csv", guarded=False)


def test_a_fresh_export_is_current_by_its_manifest(db: Database, folder: Path) -> None:
    with unchanged(folder):
        for file in manifest.read(folder):
            found = export.is_current(db, folder / file.path)
            assert (found.layout, found.current) == (file.layout, True)
            assert "exports.json" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("kind", export.FORMATS)
def test_without_its_manifest_an_export_is_current_by_its_rows(db: Database, folder: Path, kind: str) -> None:
    (folder / "exports.json").unlink()
    for layout in export.LAYOUTS:
        if kind not in ON_REQUEST.get(layout, (kind,)):
            continue
        found = export.is_current(db, folder / f"{layout}.{kind}")
        assert (found.layout, found.current) == (layout, True)
        assert "rows are those of the database" in found.reason


@pytest.mark.slow
def test_an_export_stays_current_when_the_project_is_copied(db: Database, folder: Path) -> None:
    moved = shutil.copyfile(db.origin["path"], folder.parent / "prompter.db")
    with attach(moved) as copy:
        assert copy.origin["fingerprint"] != db.origin["fingerprint"]
        assert export.is_current(copy, folder / "multi_agent_log.csv").current


@pytest.mark.slow
def test_an_export_is_stale_once_the_database_has_more(db: Database, folder: Path) -> None:
    moved = shutil.copyfile(db.origin["path"], folder.parent / "prompter.db")
    insert(moved, "prompts", id=hex_id("later"), original_text="later")
    with attach(moved) as later:
        prompts, heads = (export.is_current(later, folder / f"{n}.csv") for n in ("prompts", "best_heads"))
    assert (prompts.layout, prompts.current, heads.current) == ("prompts", False, True)
    assert prompts.reason.startswith("0 of its 8 rows are not in the database as it is now, and 1 rows")


def test_an_edited_export_is_judged_by_its_rows(db: Database, folder: Path) -> None:
    change(folder / "prompts.csv", b"asked", b"Asked")
    found = export.is_current(db, folder / "prompts.csv")
    assert (found.layout, found.current) == ("prompts", False)
    assert found.reason.startswith("1 of its 8 rows ")


def test_an_export_of_another_writer_is_current_when_its_values_are_equal(db: Database, tmp_path: Path) -> None:
    names = ["id", "user_id", "request_id", "original_text", "created_at"]
    frame = db.sql(f"SELECT {', '.join(names)} FROM prompts ORDER BY original_text").fetchall()
    file = tmp_path / "written_elsewhere.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)  # CRLF, nothing for None, undashed ids, blank between date and time
        writer.writerow(names)
        writer.writerows([[row[0].hex, *row[1:]] for row in frame if "\0" not in row[3]])
    assert export.is_current(db, file).reason == (
        "0 of its 7 rows are not in the database as it is now, and 1 rows of the database are not in it"
    )


@pytest.mark.parametrize(
    ("content", "layout", "reason"),
    [
        (b"", None, "its columns are those of no export layout"),
        (b"id,llm_name,prompt\n1,x,y\n", None, "its columns are those of no export layout"),
        (b"\xff\xfe\x00", None, "it cannot be read as an export"),
        (b"prompt_id,prompt_version_id,score,updated_at\n1,2\n", "best_heads", "it cannot be read as an export"),
        (b"prompt_id,prompt_version_id,score,updated_at\n1,2,x,y\n", "best_heads", "1 of its 1 rows are not"),
    ],
)
def test_any_other_csv_file_is_not_current(
    db: Database, tmp_path: Path, content: bytes, layout: str | None, reason: str
) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(content)
    found = export.is_current(db, file)
    assert (found.layout, found.current) == (layout, False)
    assert found.reason.startswith(reason)


def test_a_last_row_whose_quote_is_never_closed_is_not_overlooked(db: Database, folder: Path) -> None:
    with (folder / "best_heads.csv").open("a") as handle:
        handle.write('"1,2,3,4\n')
    found = export.is_current(db, folder / "best_heads.csv")
    assert (found.current, found.reason) == (False, "it cannot be read as an export (unexpected end of data)")


def test_a_file_of_another_kind_is_not_current(db: Database) -> None:
    assert not export.is_current(db, Path(db.origin["path"])).current


@pytest.mark.slow
def test_without_the_long_texts_only_the_manifest_can_tell(tmp_path: Path, folder: Path) -> None:
    other = make_database(tmp_path / "other.db")
    with attach(other, texts=False) as narrow:
        export.write(narrow, tmp_path / "narrow", layouts=["best_heads"])
        assert export.is_current(narrow, tmp_path / "narrow" / "best_heads.csv").current
        with pytest.raises(ParameterError, match="texts=True"):
            export.is_current(narrow, folder / "prompts.csv")
