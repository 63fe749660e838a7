from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import assert_sentence, hex_id, make_database

from dbtools import Project, attach, cleanup
from dbtools.database import ratings
from dbtools.database.ratings import Rating, append, read
from dbtools.errors import ConflictError, ProjectError

WHEN = datetime(2025, 12, 5, 10, 30, 0, 250_000, tzinfo=UTC)
IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(3)]


def rating(name: str, choice: str = "left", **more: object) -> Rating:
    values = {"rater": "ann", "prompt": IDS[0], "left": IDS[1], "right": IDS[2], "seconds": 4.5, "order": "ab", **more}
    return Rating(id=name, time=WHEN, choice=choice, **values)


def add(file: Path, *some: Rating) -> None:
    append(file, *(one.to_line() for one in some))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.jsonl"


def test_what_is_added_is_read_again_in_order(file: Path) -> None:
    some = [rating("one"), rating("two", "tie", rater="Zoë", seconds=None, order="ba"), rating("three", "skip")]
    for one in some:
        add(file, one)
    assert read(file).ratings == tuple(some)
    assert read(file).note == ""
    assert [json.loads(line)["format"] for line in file.read_text().splitlines()] == [1, 1, 1]


def test_an_undo_is_a_line_of_its_own(file: Path) -> None:
    add(file, rating("one"), rating("two"))
    before = file.read_bytes()
    append(file, ratings.undo_line("x", "ann", "one", WHEN))
    assert file.read_bytes().startswith(before)
    assert [one.id for one in read(file).ratings] == ["two"]


def test_a_file_that_is_not_there_holds_nothing(file: Path) -> None:
    assert read(file) == ratings.Ratings()
    assert not file.exists()


@pytest.mark.parametrize("left", [1, 40, -1], ids=["its first byte", "a part", "all but the line break"])
def test_a_torn_last_line_does_not_count_and_the_next_one_is_whole(file: Path, left: int) -> None:
    add(file, rating("one"))
    whole = file.read_bytes()
    file.write_bytes(whole + (json.dumps(rating("two").to_line()) + "\n").encode()[:left])
    assert [one.id for one in read(file).ratings] == ["one"]
    assert read(file).problems == {"torn": 1}
    torn = file.read_bytes()
    add(file, rating("three"))
    assert file.read_bytes().startswith(torn)
    assert [one.id for one in read(file).ratings] == ["one", "three"]
    assert read(file).problems == {"torn": 1}


def test_lines_that_cannot_be_used_are_reported_and_the_others_count(file: Path) -> None:
    good = rating("one").to_line()
    bad = [
        "not json",
        "[1]",
        json.dumps(good | {"choice": "up"}),
        json.dumps(good | {"seconds": -1}),
        json.dumps(good | {"seconds": True}),
        json.dumps(good | {"prompt": "no id"}),
        json.dumps(good | {"right": good["left"]}),
        json.dumps(good | {"rater": ""}),
        json.dumps(good | {"rater": "a\u202eb"}),
        json.dumps(good | {"time": "yesterday"}),
        json.dumps({k: v for k, v in good.items() if k != "order"}),
        "[" * 50_000,
        json.dumps(good | {"more": "x" * 20_000}),
    ]
    newer = json.dumps({"format": 2, "id": "y"})
    undo = json.dumps(ratings.undo_line("z", "ann", "nobody", WHEN))
    again = json.dumps(good | {"choice": "right"})
    file.write_text("\n".join([json.dumps(good), *bad, "", newer, undo, again, ""]))
    found = read(file)
    assert [(one.id, one.choice) for one in found.ratings] == [("one", "right")]
    assert found.problems == {"unreadable": len(bad), "newer": 1, "pointless": 1, "repeated": 1}
    assert "13 cannot be read" in found.note
    assert "1 repeat the id of another" in found.note


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "second name"])
def test_only_a_regular_file_with_one_name_is_added_to(file: Path, kind: str) -> None:
    other = file.with_name("other.txt")
    other.write_text("mine\n")
    {
        "link": lambda: file.symlink_to(other),
        "pipe": lambda: os.mkfifo(file),
        "folder": file.mkdir,
        "second name": lambda: os.link(other, file),
    }[kind]()
    with pytest.raises(ConflictError) as caught:
        add(file, rating("one"))
    assert_sentence(caught.value, str(file))
    assert other.read_text() == "mine\n"
    assert read(file).ratings == ()


@pytest.mark.slow
def test_the_relation_has_the_ratings_with_their_types(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    prompt, left, right = (hex_id(name) for name in ("p", "v", "w"))
    add(tmp_path / "ratings.jsonl", rating("o'ne", "tie", prompt=prompt, left=left, right=right, seconds=None))
    with attach(tmp_path) as db:
        (row,) = db.sql("SELECT * FROM ratings").fetchall()
        kinds = [str(kind) for kind in db.sql("SELECT * FROM ratings").types]
        with db.filter(since="2000-01-01") as some:  # its prompt is none of the database's
            assert some.rows("ratings") == 0
        add(tmp_path / "ratings.jsonl", rating("two"))
        with db.reopen() as again:  # as they were when it was attached
            assert again.rows("ratings") == 1
    assert kinds == ["VARCHAR", "TIMESTAMP", "VARCHAR", "UUID", "UUID", "UUID", "VARCHAR", "DOUBLE", "VARCHAR"]
    assert (row[0], row[1], row[2], row[6:]) == ("o'ne", WHEN.replace(tzinfo=None), "ann", ("tie", None, "ab"))
    assert [value.hex for value in row[3:6]] == [prompt, left, right]
    with attach(tmp_path / "prompter.db") as db:  # no project, no ratings
        assert db.rows("ratings") == 0


@pytest.mark.parametrize("name", ["../ratings.jsonl", "/tmp/ratings.jsonl", "prompter.db", "dbtools.toml", "."])
def test_a_path_that_is_no_place_for_ratings_is_refused(tmp_path: Path, name: str) -> None:
    make_database(tmp_path / "prompter.db")
    (tmp_path / "dbtools.toml").write_text(f'[project]\nratings = "{name}"\n')
    with pytest.raises(ProjectError) as caught:
        Project.find(tmp_path)
    assert_sentence(caught.value, name)


@pytest.mark.parametrize("kind", ["link", "pipe", "linked folder"])
def test_a_link_or_pipe_in_the_place_of_the_ratings_is_refused(tmp_path: Path, kind: str) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    make_database(root / "prompter.db")
    (root / "dbtools.toml").write_text('[project]\nratings = "notes/ratings.jsonl"\n')
    if kind == "linked folder":
        (root / "notes").symlink_to(outside)
    else:
        (root / "notes").mkdir()
        place = root / "notes/ratings.jsonl"
        os.mkfifo(place) if kind == "pipe" else place.symlink_to(outside / "ratings.jsonl")
    with pytest.raises(ProjectError) as caught:
        Project.find(root)
    assert_sentence(caught.value, root / "notes/ratings.jsonl")


@pytest.mark.slow
def test_the_survey_names_the_file_and_no_cleanup_takes_it(tmp_path: Path) -> None:
    make_database(tmp_path / "prompter.db")
    add(tmp_path / "ratings.jsonl", rating("one"))
    survey = cleanup.survey(tmp_path, progress=False)
    (found,) = [file for file in survey.files if file.path == "ratings.jsonl"]
    assert found.verdict == "ratings"
    assert "blind ratings" in found.reason
    assert "ratings.jsonl" not in [removal.path for removal in cleanup.plan(survey, unique_rows="rescue").removals]
    with pytest.raises(Exception, match="names a file in use"):
        cleanup.plan(survey, accept=["ratings.jsonl"])
