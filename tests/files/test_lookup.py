from __future__ import annotations

import csv
import random
import sqlite3
import sys
import uuid
from contextlib import closing

import pytest
from support import AGENTS, DIMENSIONS, NOW, hex_id, insert, make_database

from dbtools import attach
from dbtools.files import csvfile, lookup

VERSIONS = "prompt_id,version_no,version_uuid,text,source,explanation,timestamp"
TEMPORAL = "version_id,parent_version_id,prompt_id,timestamp,text,change_type,change_magnitude,source"
SCORES = f"prompt_id,version_id,{','.join(DIMENSIONS)},total,feedback,timestamp"
LEARNING = "llm_name,original_response,prompt,rewritten_prompt"
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


def as_uuid(cell: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(cell).strip())
    except ValueError:
        return None


def same(cell: str, text: str | None) -> bool:
    return text is not None and text in (cell, csvfile.unescape(cell))


def own(cell: str, text: str | None) -> bool:
    return same(cell, text) or not (cell.strip() or (text or "").strip(" \t\n"))


def number(cell: object) -> float | None:
    try:
        return float(str(cell))
    except ValueError:
        return None


def known(file: csvfile.CsvFile, row: csvfile.Row, path) -> bool:
    """Tell whether the database gives a row's id, agent and prompt the same texts, by comparing it with every row."""
    cells = {name: row.cells[i] for name, i in file.columns.items()}
    said = {name: cell for name, cell in cells.items() if cell.strip()}
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        table = {n: connection.execute(f"SELECT * FROM {n}").fetchall() for n in ("prompts", "prompt_versions")}
        scores = connection.execute("SELECT * FROM judge_scores").fetchall()
        heads = connection.execute("SELECT * FROM best_heads").fetchall()
    key = cells[file.layout.id].strip()
    versions = table["prompt_versions"]
    if file.layout.owner == "versions":
        return any(
            as_uuid(v["id"]) == as_uuid(key)
            and own(cells["text"], v["text"])
            and ("prompt_id" not in said or as_uuid(said["prompt_id"]) == as_uuid(v["prompt_id"]) is not None)
            and said.get("source", v["source"]) == v["source"]
            for v in versions
            if as_uuid(key)
        )
    if file.layout.owner == "scores":
        prompts = {as_uuid(v["id"]): as_uuid(v["prompt_id"]) for v in versions}
        return any(
            as_uuid(s["prompt_version_id"]) == as_uuid(key)
            and [number(cells[d]) for d in DIMENSIONS] == [s[d] for d in DIMENSIONS]
            and ("prompt_id" not in said or as_uuid(said["prompt_id"]) == prompts.get(as_uuid(key)) is not None)
            for s in scores
            if as_uuid(key)
        )
    for prompt in table["prompts"]:
        keys = (prompt["id"], prompt["request_id"] or "")
        if not key or not any(key == k.strip() or as_uuid(key) == as_uuid(k) is not None for k in keys):
            continue
        written = [v for v in versions if as_uuid(v["prompt_id"]) == as_uuid(prompt["id"])]
        best = {as_uuid(h["prompt_version_id"]) for h in heads if as_uuid(h["prompt_id"]) == as_uuid(prompt["id"])}
        won = [v for v in written if as_uuid(v["id"]) in best]
        agents = {name.removesuffix("_improved"): c for name, c in said.items() if name.endswith("_improved")}
        if (
            own(cells["original_prompt"], prompt["original_text"])
            and all(any(v["source"] == a and same(c, v["text"]) for v in written) for a, c in agents.items())
            and (
                not {"final_prompt", "selected_agent"} & set(said)
                or any(
                    ("final_prompt" not in said or same(said["final_prompt"], v["text"]))
                    and said.get("selected_agent", v["source"]) == v["source"]
                    for v in won
                )
            )
        ):
            return True
    return False


def evidence(db, read: csvfile.CsvFile) -> dict[int, str | None]:
    """Look a file up; of each row by number, why the database is said to know it."""
    missing = lookup.look_up(db, read).missing
    assert set(missing) <= {row.number for row in read.rows}
    return {row.number: missing.get(row.number, "id") for row in read.rows}


@pytest.mark.slow
@pytest.mark.parametrize("header", READ, ids=["versions", "temporal", "scores", "log"])
@pytest.mark.parametrize("seed", range(6))
def test_a_row_is_known_exactly_where_id_agent_and_prompt_have_the_same_texts(db, tmp_path, header, seed):
    database, rows = db
    write(tmp_path / "log.csv", header, rows[header], random.Random(f"{header} {seed}"))
    read = csvfile.read(tmp_path / "log.csv")
    found = lookup.look_up(database, read)
    expected = {row.number for row in read.rows if not row.problem and known(read, row, database.origin["path"])}
    assert set(found.missing) == {row.number for row in read.rows} - expected
    assert found.incomplete <= expected


@pytest.mark.slow
@pytest.mark.parametrize("header", [VERSIONS, TEMPORAL, SCORES], ids=["versions", "temporal", "scores"])
def test_rows_as_the_database_holds_them_are_known_and_complete(db, tmp_path, header):
    database, rows = db
    known = [row for row in rows[header] if "no id" not in row and "\t" not in row]
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([header.split(","), *known])
    found = lookup.look_up(database, csvfile.read(tmp_path / "log.csv"))
    assert found == lookup.Lookup({}, frozenset())


def test_every_kind_of_evidence_comes_up_in_what_is_compared(db, tmp_path):
    database, rows = db
    seen = set()
    for header in READ:
        write(tmp_path / "log.csv", header, rows[header], random.Random(f"{header} 0"))
        seen |= set(evidence(database, csvfile.read(tmp_path / "log.csv")).values())
    assert seen == {"id", "text", "normalised", None}


IDS = {agent: hex_id("version", 1, agent) for agent in AGENTS}
WAYS = {agent: f"Explain topic 1, the {agent} way" for agent in AGENTS}
AS_IT_IS = {
    VERSIONS: {"prompt_id": hex_id("prompt", 1), "version_uuid": IDS["syntax"], "text": WAYS["syntax"],
               "source": "syntax"},
    LOG: {"request_id": "request-1", "original_prompt": "Explain topic 1", "final_prompt": WAYS["domain"],
          "selected_agent": "domain", "syntax_improved": WAYS["syntax"], "structure_improved": WAYS["structure"]},
    SCORES: {"version_id": IDS["syntax"], **dict.fromkeys(DIMENSIONS, "3")},
    LEARNING: {"prompt": "Explain topic 1", "rewritten_prompt": WAYS["structure"]},
}  # fmt: skip
SWAPPED = {"syntax_improved": WAYS["structure"], "structure_improved": WAYS["syntax"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "change", "expected"),
    [
        (VERSIONS, {}, "id"),
        (VERSIONS, {"text": WAYS["domain"]}, "text"),
        (VERSIONS, {"text": "Explain topic 1"}, "text"),
        (VERSIONS, {"source": "domain"}, "text"),
        (VERSIONS, {"prompt_id": hex_id("prompt", 2)}, "text"),
        (VERSIONS, {"version_uuid": hex_id("nobody")}, "text"),
        (VERSIONS, {"version_uuid": ""}, "text"),
        (VERSIONS, {"text": WAYS["syntax"].upper()}, "normalised"),
        (VERSIONS, {"text": f"    {WAYS['syntax']}"}, "normalised"),
        (VERSIONS, {"text": f"{WAYS['syntax']}\n"}, "normalised"),
        (VERSIONS, {"text": "nowhere"}, None),
        (LOG, {}, "id"),
        (LOG, SWAPPED, "text"),
        (LOG, {"final_prompt": WAYS["syntax"]}, "text"),
        (LOG, {"final_prompt": WAYS["syntax"], "selected_agent": "syntax"}, "text"),
        (LOG, {"selected_agent": "syntax"}, "text"),
        (LOG, {"final_prompt": "Explain topic 2, the domain way"}, "text"),
        (LOG, {"original_prompt": "Explain topic 2"}, "text"),
        (LOG, {"request_id": "request-2"}, "text"),
        (LOG, {"request_id": "request-9"}, "text"),
        (SCORES, {}, "id"),
        (SCORES, {"clarity": "4"}, None),
        (SCORES, {"prompt_id": hex_id("prompt", 2)}, None),
        (LEARNING, {}, "id"),
        (LEARNING, {"rewritten_prompt": "Explain topic 2, the domain way"}, "text"),
        (LEARNING, {"prompt": "Explain topic 1 "}, "normalised"),
    ],
)
def test_a_row_whose_id_agent_or_prompt_has_another_text_is_not_known(db, tmp_path, header, change, expected):
    names = [*header.split(","), "structure_improved"] if header == LOG else header.split(",")
    row = AS_IT_IS[header] | change
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([names, [row.get(name, "") for name in names]])
    assert evidence(db[0], csvfile.read(tmp_path / "log.csv")) == {1: expected}


def test_the_score_of_an_agent_belongs_to_its_text(db, tmp_path):
    scores = {agent: sum(5 + place + i / 10 for i in range(5)) for place, agent in enumerate(AGENTS, 1)}
    names = LOG.split(",")
    for score, incomplete in ((scores["structure"], set()), (scores["domain"], {1})):
        row = AS_IT_IS[LOG] | {"structure_score": score}
        names = [*AS_IT_IS[LOG], "structure_score"]
        with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([names, [row[name] for name in names]])
        found = lookup.look_up(db[0], csvfile.read(tmp_path / "log.csv"))
        assert found == lookup.Lookup({}, frozenset(incomplete))


FAR = ("9999-12-31T23:59:59.999999+00:00", "9999-12-31 23:59:59-15:59", "10000-01-01", "0000-00-00", "0001-01-01",
       "2025-02-30", "2025-13-01 25:61:61", "infinity", "11/22/2025 9:05", "45983.4", "1" * 400)  # fmt: skip


@pytest.mark.parametrize(("column", "cells"), [("timestamp", FAR), ("version_no", ("9" * 30, "1e400", "nan", "1.5.2"))])
def test_a_date_or_number_that_nobody_can_hold_is_a_cell_the_database_lacks(db, tmp_path, column, cells):
    names = VERSIONS.split(",")
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = [AS_IT_IS[VERSIONS] | {column: cell} for cell in cells]
        csv.writer(handle).writerows([names, *([row.get(name, "") for name in names] for row in rows)])
    found = lookup.look_up(db[0], csvfile.read(tmp_path / "log.csv"))
    assert found == lookup.Lookup({}, frozenset(range(1, len(cells) + 1)))


@pytest.mark.parametrize(("note", "cell"), [("", "remember"), ("remember", ""), ("text", "another")])
def test_what_only_a_column_of_somebodys_own_says_is_not_lost(db, tmp_path, note, cell):
    names = [*VERSIONS.split(","), note]
    row = [AS_IT_IS[VERSIONS].get(name, "") for name in names[:-1]]
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([names, [*row, cell]])
    found = lookup.look_up(db[0], csvfile.read(tmp_path / "log.csv"))
    assert found == lookup.Lookup({}, frozenset({1}))


@pytest.mark.parametrize("seed", range(40))
def test_a_sound_file_is_read_the_same_strictly_as_with_patience(db, tmp_path, seed):
    rng = random.Random(seed)
    header = rng.choice(list(READ))
    write(tmp_path / "log.csv", header, db[1][header], rng)
    assert csvfile.read(tmp_path / "log.csv") in (
        csvfile._read(tmp_path / "log.csv", encoding, strict=False) for encoding in ("utf-8-sig", "cp1252")
    )


@pytest.mark.slow
@pytest.mark.parametrize("header", [*READ, LEARNING], ids=["versions", "temporal", "scores", "log", "learning"])
@pytest.mark.parametrize("seed", range(4))
def test_an_unread_file_is_looked_up_like_one_that_was_read(db, tmp_path, monkeypatch, header, seed):
    monkeypatch.setattr(csvfile, "_SMALL", 0)
    rng = random.Random(f"{header} {seed}")
    names = header.split(",")
    known = db[1].get(header) or [["", "", *AS_IT_IS[LEARNING].values()]]
    rows = [["" if cell is None else str(cell) for cell in rng.choice(known)] for _ in range(80)]
    varied = [vary(rng, row, len(names)) for row in rows]
    odd = [[rng.choice(CELLS) for _ in names] for _ in range(40)]
    sound = [row for row in [*rows[:20], *varied, *odd] if len(row) == len(names) and "\0" not in "".join(row)]
    with (tmp_path / "log.csv").open("w", newline="", encoding="utf-8") as handle:
        handle.write(",".join([*names, "a note of mine"] if seed == 3 else names) + "\r\n")
        csv.writer(handle, quoting=seed % 2).writerows([*row, ""] if seed == 3 else row for row in sound)
    fast, strict = (reading(tmp_path / "log.csv") for reading in (csvfile.read_fast, csvfile.read))
    assert isinstance(fast.rows, csvfile.UnreadRows)
    found = lookup.look_up(db[0], fast)
    assert found == lookup.look_up(db[0], strict)
    assert len(found.missing) < len(strict.rows) or header == LOG
    # Where DuckDB counts other records than the proof, it reads none of them.
    monkeypatch.setattr(lookup, "READER", lookup.READER.replace("header = true", "header = true, skip = 3"))
    assert lookup.look_up(db[0], fast) == found


def test_an_empty_file_of_a_known_layout_has_nothing_to_look_up(db, tmp_path):
    (tmp_path / "log.csv").write_text(VERSIONS)
    assert lookup.look_up(db[0], csvfile.read(tmp_path / "log.csv")) == lookup.Lookup({}, frozenset())


def test_no_character_is_white_space_to_python_and_not_to_the_query():
    blank = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    assert set(lookup._BLANKS) == blank


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
    assert found == lookup.Lookup({}, frozenset({1}))
