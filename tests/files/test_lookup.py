from __future__ import annotations

import csv
import random
import sqlite3
from contextlib import closing

import pytest
from support import DIMENSIONS, NOW, hex_id, insert, make_database

from dbtools import attach
from dbtools.files import csvfile, lookup

VERSIONS = "prompt_id,version_no,version_uuid,text,source,explanation,timestamp"
TEMPORAL = "version_id,parent_version_id,prompt_id,timestamp,text,change_type,change_magnitude,source"
SCORES = f"prompt_id,version_id,{','.join(DIMENSIONS)},total,feedback,timestamp"
LOG = "request_id,timestamp,original_prompt,final_prompt,selected_agent,syntax_score,syntax_improved,other"
READ = {
    VERSIONS: "SELECT prompt_id, version_no, id, text, source, explanation, created_at FROM prompt_versions",
    TEMPORAL: "SELECT id, parent_version_id, prompt_id, created_at, text, change_type, change_magnitude, source "
    "FROM prompt_versions",
    SCORES: f"SELECT v.prompt_id, v.id, {', '.join(DIMENSIONS)}, {' + '.join(DIMENSIONS)}, feedback, s.created_at "
    "FROM judge_scores s JOIN prompt_versions v ON v.id = s.prompt_version_id",
    LOG: "SELECT p.request_id, p.created_at, original_text, v.text, v.source, 30.5, v.text, NULL "
    "FROM prompts p JOIN best_heads h ON h.prompt_id = p.id JOIN prompt_versions v ON v.id = h.prompt_version_id",
}
CELLS = (
    "", "  ", "\t", "\u00a0", "0", "1", "-1", "2.5", "nan", "x", "a\nb", "a\0b", "'=1+1", "'x", "''=1+1", '"quoted"',
    "null", '{"a": 1}', "2025-12-04T10:00:01Z", "2025-12-04 10:00:00.900000", "2025-12-05", "wording",
    hex_id("version", 1, "syntax"), hex_id("prompt", 2), "Explain topic 1", "EXPLAIN  topic 1", "syntax", "domain",
    "Explain topic 2, the domain way",
)  # fmt: skip


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    path = make_database(tmp_path_factory.mktemp("lookup") / "prompter.db", prompts=4)
    one = hex_id("version", 1, "syntax")
    dashed = f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}".upper()
    for number, more in enumerate(
        (
            {"id": dashed, "text": "a twin id"},
            {"id": "no id", "text": "without an id"},
            {"text": "=1+1"},
            {"text": "'=1+1"},
            {"text": ""},
            {"text": " "},
            {"text": "\t"},
            {"text": "Éa\u0301\u3000x", "explanation": '{ "a" : 1 }', "change_magnitude": 1e308},
        ),
        20,
    ):
        insert(path, "prompt_versions", **{"id": hex_id(number), "prompt_id": hex_id("prompt", 1), "version_no": 1,
               "source": "syntax", "created_at": NOW, **more})  # fmt: skip
    insert(path, "judge_scores", prompt_version_id=one, **dict.fromkeys(DIMENSIONS, 3.0))
    insert(path, "prompts", request_id=hex_id("version", 3, "domain"), original_text="=asked")
    with attach(path, texts=True, progress=False) as db, closing(sqlite3.connect(path)) as connection:
        yield db, {header: connection.execute(query).fetchall() for header, query in READ.items()}


def vary(rng: random.Random, row: list[str], width: int) -> list[str]:
    """Return a row with one of the differences that logs have."""
    kind, place = rng.randrange(10), rng.randrange(width)
    if kind < 4:
        row[place] = rng.choice(CELLS)
    elif kind == 4:
        row[place] = f"'{row[place]}"
    elif kind == 5:
        row[place] = row[place].upper()
    elif kind == 6:
        row[place] = f" {row[place]} "
    elif kind == 7:
        return [*row, "more"] if rng.random() < 0.5 else row[:place]
    return row


def write(path, header: str, rows: list, rng: random.Random) -> None:
    names = header.split(",")
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator=rng.choice(["\n", "\r\n"]))
        writer.writerow([*names, rng.choice(names)] if rng.random() < 0.2 else names)
        for _ in range(60):
            row = ["" if cell is None else str(cell) for cell in rng.choice(rows)]
            writer.writerow(vary(rng, row, len(names)) if rng.random() < 0.6 else row)
            if rng.random() < 0.02:
                writer.writerow(rng.choice([names, VERSIONS.upper().split(","), []]))
    data = path.read_bytes()
    at = rng.randrange(len(header) + 2, len(data))
    tail = rng.choice([b"", b"", b"\xff", b'"', b'"\xe9"'])
    path.write_bytes(data[:at] + tail + data[at:])


@pytest.mark.parametrize("header", READ, ids=["versions", "temporal", "scores", "log"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_settled_at_once_is_what_the_thorough_queries_find(db, tmp_path, monkeypatch, header, seed):
    database, rows = db
    write(tmp_path / "log.csv", header, rows[header], random.Random(f"{header} {seed}"))
    read = csvfile.read(tmp_path / "log.csv")
    found = lookup.look_up(database, read)
    monkeypatch.setattr(lookup, "_same", lambda *_: "")
    assert lookup.look_up(database, read) == found


@pytest.mark.parametrize("header", [VERSIONS, TEMPORAL, SCORES], ids=["versions", "temporal", "scores"])
def test_rows_as_the_database_holds_them_are_settled_at_once(db, tmp_path, monkeypatch, header):
    database, rows = db
    known = [row for row in rows[header] if "no id" not in row and "\t" not in row]
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([header.split(","), *known])
    monkeypatch.setattr(lookup, "_query", {"settled": lookup._query("settled")}.__getitem__)
    found = lookup.look_up(database, csvfile.read(tmp_path / "log.csv"))
    assert set(found.found.values()) == {"id"}
    assert not found.incomplete


def test_every_kind_of_evidence_comes_up_in_what_is_compared(db, tmp_path):
    database, rows = db
    seen = set()
    for header in READ:
        write(tmp_path / "log.csv", header, rows[header], random.Random(f"{header} 0"))
        found = lookup.look_up(database, csvfile.read(tmp_path / "log.csv"))
        seen |= set(found.found.values())
        assert found.incomplete
    assert seen == {"id", "text", "normalised", None}


@pytest.mark.parametrize("seed", range(40))
def test_a_sound_file_is_read_the_same_at_once_as_with_patience(db, tmp_path, seed):
    rng = random.Random(seed)
    header = rng.choice(list(READ))
    write(tmp_path / "log.csv", header, db[1][header], rng)
    assert csvfile.read(tmp_path / "log.csv") == csvfile._read(tmp_path / "log.csv", sound=False)


def test_an_empty_file_of_a_known_layout_has_nothing_to_look_up(db, tmp_path):
    (tmp_path / "log.csv").write_text(VERSIONS)
    assert lookup.look_up(db[0], csvfile.read(tmp_path / "log.csv")) == lookup.Lookup({}, frozenset())


@pytest.mark.parametrize("header", ["\0ource", "it's", "source\0", "größe"])
def test_a_column_of_any_name_is_looked_up_as_one_the_database_lacks(db, tmp_path, header):
    file = tmp_path / "odd.csv"
    with file.open("w", newline="") as handle:
        csv.writer(handle).writerows(
            [["prompt_id", "version_no", "version_uuid", "text", header], [*db[1][VERSIONS][0][:4], "syntax"]]
        )
    read = csvfile.read(file)
    found = lookup.look_up(db[0], read)
    assert read.layout.name == "prompt_versions"
    assert (found.found, found.incomplete) == ({1: "id"}, {1})
