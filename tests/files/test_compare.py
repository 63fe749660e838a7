from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from dbtools.files import compare, digests
from dbtools.files.compare import Integrity, check_integrity, count_rows, missing_rows, read_shape

VALUES = (
    *("1", "1.0", "'1'", "x'31'", "NULL", "0", "0.0", "-0.0", "'a'", "'A'", "''", "x''", "1e300", "'é'"),
    *("CAST(x'ff' AS TEXT)", "CAST(x'fe' AS TEXT)", "'a' || char(0)", "9007199254740993", "9007199254740992.0"),
)
SHAPES = (
    "CREATE TABLE t (a, b)",
    "CREATE TABLE t (a INTEGER COLLATE NOCASE, b REAL)",
    "CREATE TABLE t (a TEXT COLLATE NOCASE, b NUMERIC)",
    "CREATE TABLE t (rowid, a, b)",
    "CREATE TABLE t (rowid, _rowid_, oid, a, b)",
    "CREATE TABLE t (a, b, k TEXT PRIMARY KEY DEFAULT (hex(randomblob(8)))) WITHOUT ROWID",
    "CREATE TABLE t (k INTEGER PRIMARY KEY, a, b)",
    "CREATE TABLE T (b, a, more)",
    "CREATE TABLE t (a)",
)


def make(path: Path, shape: str, rows: list[tuple[str, str]], setup: str = "") -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{setup}; {shape}; CREATE TABLE u (v)")
        names = ["a", "b"] if "b" in shape.split("(", 1)[1] else ["a"]
        for row in rows:
            connection.execute(f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join(row[: len(names)])})")
        connection.execute("INSERT INTO u VALUES (1), (1), (2)")
    return path


def columns(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(t)")}


def counted(path: Path, names: set[str]) -> Counter:
    cell = 'typeof("{0}"), CASE typeof("{0}") WHEN \'real\' THEN printf(\'%!.17g\', "{0}") ELSE hex("{0}") END'
    with closing(sqlite3.connect(path)) as connection:
        return Counter(connection.execute(f"SELECT {', '.join(map(cell.format, sorted(names)))} FROM t").fetchall())


def expected(candidate: Path, keepers: list[Path]) -> int:
    """Count what is missing by comparing every row with every other, as text."""
    names = columns(candidate)
    held = [counted(keeper, names) for keeper in keepers if names <= columns(keeper)]
    return sum(max(0, n - max((h[row] for h in held), default=0)) for row, n in counted(candidate, names).items())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(60), *range(-12, 0)])
def test_rows_are_missing_exactly_where_no_keeper_has_them_as_often(tmp_path, monkeypatch, seed):
    if seed < 0:  # two processes compare every table
        monkeypatch.setattr(compare, "_LARGE", 0)
    rng = random.Random(seed)
    rows = [(rng.choice(VALUES), rng.choice(VALUES)) for _ in range(40)]
    files = []
    for number in range(rng.randrange(2, 5)):
        own = [row for row in rows if rng.random() < 0.9] if number % 2 else list(rows)
        for _ in range(rng.choice([0, 0, 1, 3])):
            own[rng.randrange(len(own))] = (rng.choice(VALUES), "2")
        if rng.random() < 0.3:
            rng.shuffle(own)
        shape = rng.choice(SHAPES[:5]) if rng.random() < 0.8 else rng.choice(SHAPES)
        files.append(make(tmp_path / f"{number}.db", shape, own))
    found = missing_rows(files[0], files[1:])
    assert found == Counter({"t": expected(files[0], files[1:])}) - Counter()


@pytest.mark.slow
@pytest.mark.parametrize("row_ids", [(-5, 0, 7), (1, 2, 3), (-(2**63), 1, 2**63 - 1)])
@pytest.mark.parametrize("changed", [(), (0,), (2,), (0, 1, 2)])
def test_two_processes_find_the_rows_that_differ_in_either_half(tmp_path, monkeypatch, row_ids, changed):
    monkeypatch.setattr(compare, "_LARGE", 1)
    calls, count = [], digests.count_in_workers
    monkeypatch.setattr(digests, "count_in_workers", lambda *task: calls.append(task) or count(*task))
    files = [tmp_path / "one.db", tmp_path / "two.db"]
    for file in files:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("CREATE TABLE t (a, b TEXT COLLATE NOCASE)")
            for number, row_id in enumerate(row_ids):
                text = "A" if file == files[1] and number in changed else "a"
                connection.execute("INSERT INTO t (rowid, a, b) VALUES (?, ?, ?)", [row_id, number, text])
    assert missing_rows(files[0], files[1:]).total() == len(changed)
    assert len(calls) == (2 if changed else 1)


def test_where_a_worker_fails_one_process_compares(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "_LARGE", 0)
    files = [tmp_path / "one.db", tmp_path / "two.db"]
    for file, text in zip(files, "ab", strict=True):  # a worker does not know the collation
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.create_collation("mine", lambda one, other: (one > other) - (one < other))
            connection.execute("CREATE TABLE t (a COLLATE mine)")
            connection.executemany("INSERT INTO t VALUES (?)", [("x",), (text,)])
    assert missing_rows(files[0], files[1:]) == {"t": 1}


def test_texts_that_a_collation_calls_equal_are_told_apart(tmp_path):
    files = [make(tmp_path / f"{n}.db", SHAPES[2], [(text, "1")]) for n, text in enumerate(("'a'", "'A'"))]
    assert missing_rows(files[0], files[1:]) == {"t": 1}


def test_a_column_called_rowid_is_not_the_place_of_a_row(tmp_path):
    shape = "CREATE TABLE t (rowid DEFAULT 1, a, b)"
    files = [make(tmp_path / f"{n}.db", shape, [("1", "2")] * n) for n in (2, 1)]
    assert missing_rows(files[0], files[1:]) == {"t": 1}


def test_more_keepers_than_sqlite_attaches_at_once_are_all_asked(tmp_path):
    candidate = make(tmp_path / "c.db", SHAPES[0], [("11", "1")])
    keepers = [make(tmp_path / f"{n}.db", SHAPES[0], [(str(n), "1")]) for n in range(12)]
    assert missing_rows(candidate, keepers[:11]) == {"t": 1}
    assert missing_rows(candidate, keepers) == {}


def test_paths_that_mean_something_in_an_address_are_paths(tmp_path):
    folder = tmp_path / "a?mode=rw#%20 'b'"
    folder.mkdir()
    files = [make(folder / name, SHAPES[0], [("1", "2")]) for name in ("one.db", "two.db")]
    assert missing_rows(files[0], files[1:]) == {}
    assert count_rows(files[0]) == 4


def test_texts_that_are_no_utf16_are_told_apart_by_their_bytes(tmp_path):
    texts = ("CAST(x'00d8' AS TEXT)", "CAST(x'01d8' AS TEXT)")
    files = [
        make(tmp_path / f"{n}.db", SHAPES[0], [(text, "1")], "PRAGMA encoding = 'UTF-16le'")
        for n, text in enumerate(texts)
    ]
    assert missing_rows(files[0], files[1:]) == {"t": 1}
    assert missing_rows(files[0], files[:1]) == {}


def test_two_databases_have_the_same_shape_with_as_many_rows_of_the_same_columns(tmp_path):
    one = make(tmp_path / "one.db", SHAPES[0], [("1", "1")])
    assert read_shape(one) == read_shape(
        make(tmp_path / "two.db", "CREATE TABLE T (b, a); CREATE TABLE empty (x)", [("2", "2")])
    )
    assert read_shape(one) != read_shape(make(tmp_path / "three.db", SHAPES[0], [("1", "1"), ("1", "1")]))
    assert read_shape(one) != read_shape(make(tmp_path / "four.db", SHAPES[7], [("1", "1")]))


def test_damage_is_told_from_what_only_an_application_can_evaluate(tmp_path):
    path = make(tmp_path / "a.db", SHAPES[0], [("1", "2")] * 2000)
    assert check_integrity(path) == Integrity()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_collation("OWN", lambda a, b: (a > b) - (a < b))
        connection.create_function("own", 1, lambda a: a, deterministic=True)
        connection.execute("CREATE INDEX by_collation ON t (a COLLATE OWN)")
        connection.execute("CREATE INDEX by_function ON t (own(b))")
    before = path.read_bytes()
    found = check_integrity(path)
    assert (found.damage, found.unknown) == ((), "")
    assert "own" in found.left_out.lower()
    assert path.read_bytes() == before
    assert (count_rows(path), missing_rows(path, [path])) == (2003, Counter())
    path = make(tmp_path / "b.db", SHAPES[0], [("1", "2")] * 20000)
    assert "longer than 0 s" in check_integrity(path, 0).unknown
    assert check_integrity(path, stop=lambda: True).unknown
    assert check_integrity(path, stop=lambda: False) == Integrity()
    content = bytearray(before)
    content[2 * 4096 : 2 * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)
    assert check_integrity(path).damage
    path.write_bytes(b"no database" * 1000)
    assert check_integrity(path).damage


# What only the application can evaluate: each statement runs in a connection that has its functions and collations.
OWN = {
    "index with a collation": "CREATE INDEX i ON t (a COLLATE OWN)",
    "unique index with a collation": 'CREATE UNIQUE INDEX i ON t (b COLLATE "o w""n", a)',
    "index with a function": "CREATE INDEX i ON t (own(a))",
    "index with a condition": "CREATE INDEX i ON t (b) WHERE own(a) > 'm'",
    "column with a collation": "CREATE TABLE own (a TEXT COLLATE OWN, b); INSERT INTO own SELECT a, b FROM t",
    "key with a collation": "CREATE TABLE own (a TEXT PRIMARY KEY COLLATE OWN); INSERT INTO own SELECT a || b FROM t",
    "key without row ids": (
        "CREATE TABLE own (a TEXT PRIMARY KEY COLLATE OWN) WITHOUT ROWID; INSERT INTO own SELECT a || b FROM t"
    ),
    "computed column": "ALTER TABLE t ADD COLUMN c TEXT NOT NULL GENERATED ALWAYS AS (own(a)) VIRTUAL",
    "computed column in an index": (
        "ALTER TABLE t ADD COLUMN c TEXT GENERATED ALWAYS AS (own(a)) VIRTUAL; CREATE INDEX i ON t (c)"
    ),
    "condition on values": "CREATE TABLE own (a CHECK (own(a) <> 'x')); INSERT INTO own SELECT a FROM t",
}


@pytest.mark.parametrize("statements", OWN.values(), ids=OWN)
def test_a_database_that_needs_its_application_is_checked_compared_and_counted(tmp_path, statements):
    rows = [(f"'{letter}{n}'", str(n)) for n in range(300) for letter in "aBcD"]  # in another order without case
    path = make(tmp_path / "a.db", SHAPES[0], rows)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in ("OWN", 'o w"n'):
            connection.create_collation(name, lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
        connection.create_function("own", 1, lambda a: a[::-1], deterministic=True)
        connection.executescript(statements)
    before = path.read_bytes()
    found = check_integrity(path)
    assert (found.damage, found.unknown) == ((), "")
    assert path.read_bytes() == before
    assert count_rows(path) >= 1200
    assert missing_rows(path, [path]) == {}
    plain = make(tmp_path / "b.db", SHAPES[0], rows[:-1])
    assert missing_rows(plain, [path]) == {}
    assert missing_rows(path, [plain])["t"] == 1
    shorter = bytearray(before)  # the last row of a leaf is hidden by its number of cells
    at = next(page for page in range(4096, len(before), 4096) if before[page] == 13 and b"a1" in before[page:]) + 3
    shorter[at : at + 2] = (int.from_bytes(shorter[at : at + 2], "big") - 1).to_bytes(2, "big")
    path.write_bytes(shorter)
    assert check_integrity(path).damage


def test_an_index_that_only_its_application_can_read_has_as_many_entries_as_its_table_has_rows(tmp_path):
    path = make(tmp_path / "a.db", SHAPES[0], [(f"'a{n}'", str(n)) for n in range(1000)])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_collation("OWN", lambda a, b: (a > b) - (a < b))
        connection.execute("CREATE INDEX i ON t (a COLLATE OWN)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'i'").fetchone()[0]
    assert check_integrity(path).damage == ()
    content = bytearray(path.read_bytes())
    # Hide the last entry of a leaf of the index, and count its bytes as unused: no other rule of SQLite is broken.
    leaf = next(at for at in range(root * 4096, len(content), 4096) if content[at] == 10)
    entries = int.from_bytes(content[leaf + 3 : leaf + 5], "big")
    last = leaf + int.from_bytes(content[leaf + 6 + 2 * entries : leaf + 8 + 2 * entries], "big")
    content[leaf + 3 : leaf + 5] = (entries - 1).to_bytes(2, "big")
    content[leaf + 7] += 1 + content[last]
    path.write_bytes(content)
    (message,) = check_integrity(path).damage
    assert "wrong # of entries in index i" in message


@pytest.mark.parametrize("encodings", [("UTF-8", "UTF-16le"), ("UTF-16le", "UTF-8"), ("UTF-16le", "UTF-16be")])
def test_texts_are_compared_across_encodings_and_a_malformed_one_equals_none(tmp_path, encodings):
    rows = [("'\U0001f600 é'", "1.5"), ("x'00'", "NULL"), ("''", "-0.0")]
    one, other = (
        make(tmp_path / f"{n}.db", SHAPES[0], rows, f"PRAGMA encoding = '{encoding}'")
        for n, encoding in enumerate(encodings)
    )
    assert missing_rows(one, [other]) == missing_rows(other, [one]) == {}
    with closing(sqlite3.connect(one)) as connection, connection:
        connection.execute("INSERT INTO t VALUES (CAST(x'00d8ff' AS TEXT), 1)")
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("INSERT INTO t VALUES (char(0xfffd), 1)")
    assert missing_rows(one, [other]) == {"t": 1}
