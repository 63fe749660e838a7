from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import USERS, assert_sentence, make_database, unchanged

from dbtools import audit
from dbtools.errors import ParameterError
from dbtools.project import Project

GUIDE = Path(__file__).parents[3] / "shared" / "guide.md"


@pytest.fixture
def root(tmp_path) -> Path:
    """Return a project of 3 prompts, 2 users in an auth database, and a copy of that with the same rows."""
    root = tmp_path / "project"
    (root / "backend").mkdir(parents=True)
    make_database(root / "prompter.db", prompts=3)
    with closing(sqlite3.connect(root / "auth_system.db")) as connection, connection:
        connection.executescript(USERS)
        connection.executemany("INSERT INTO users (username, email, hashed_password) VALUES (?, ?, '')", ["aa", "bb"])
    with closing(sqlite3.connect(root / "auth_system.db")) as connection:
        connection.execute("VACUUM INTO ?", [str(root / "backend" / "auth_system.db")])
    (root / "log.csv").write_text("id,text\n1,a\n\nid,text\n2,b\n")
    return root


def judged(root: Path, guide: str) -> list[tuple[str, str, str]]:
    """Return claim, found and verdict of each claim of a guide."""
    (root / "guide.md").write_text(guide)
    return [(c.claim, c.found, c.verdict) for c in audit.claims(Project.find(root), root / "guide.md").claims]


@pytest.mark.slow
def test_the_guide_of_the_field_is_wrong_in_four_statements(field):
    if not GUIDE.is_file():
        pytest.skip("the field's guide is not on this machine")
    with unchanged(field):
        result = audit.claims(Project.find(field), GUIDE)
    assert [(c.claim, c.expected, c.found) for c in result.having("false")] == [
        ("45 versions", "45", "165"),
        ("5 old multi-agent requests", "5", "4"),
        (
            "versions (syntax, structure, domain agents)",
            "syntax, structure, domain",
            "synthetic_generator (120), domain (15), structure (15), syntax (15)",
        ),
        ("45 judge scores", "45", "165"),
    ]
    true = {c.claim: (c.expected, c.found) for c in result.having("true")}
    assert len(true) == 23
    assert true["15 prompts"] == true["15 best head selections"] == ("15", "15")
    assert true["Space Saved: ~155 KB"] == ("~155 KB", "158,981 bytes")
    assert true["backend/auth_system.db: duplicate"][1] == "the same 2 rows, different bytes"
    assert [(c.kind, c.found) for c in result.having("not checkable")] == [
        ("regenerable", "0 of 4 rows are in the database"),
        ("regenerable", "0 of 95 rows are in the database"),
    ]
    assert {c.claim: c.lines for c in result.claims}["45 versions"] == (16, 62, 158)


def test_a_true_and_a_false_count_of_everything_that_can_be_counted(root):
    assert judged(
        root, "- `log.csv`\n  - 2 records\n  - 3 rows\n\n# All\n3 prompts, 8 versions, 2 users, 7 security inputs"
    ) == [
        ("log.csv is there", "there", "true"),
        ("2 records", "2", "true"),
        ("3 rows", "2", "false"),
        ("3 prompts", "3", "true"),
        ("8 versions", "9", "false"),
        ("2 users", "2", "true"),
        ("7 security inputs", "3", "false"),
    ]


def test_a_count_may_be_of_one_source_only(root):
    query = (
        '```\nsqlite3 prompter.db "SELECT source, COUNT(*) FROM prompt_versions GROUP BY source"\n# Should return:\n'
    )
    assert judged(root, query + "# syntax|3\n# domain|4\n# structure|3\n```")[1:] == [
        ("syntax|3", "3", "true"),
        ("domain|4", "3", "false"),
        ("structure|3", "3", "true"),
    ]


def test_statements_that_say_the_same_are_judged_once(root):
    (root / "guide.md").write_text(
        "3 prompts\n\n- `prompter.db` KEEP\n  - 3 prompts\n# End\n| prompts | 3 |\n3 prompts"
    )
    result = audit.claims(Project.find(root), root / "guide.md")
    assert [(c.claim, c.lines) for c in result.claims] == [("3 prompts", (1, 4, 6, 7)), ("prompter.db is there", (3,))]


@pytest.mark.parametrize(
    ("stated", "size", "holds"),
    [
        ("797 B", 797, True),
        ("797 B", 798, False),
        ("6.8 KB", 6936, True),  # 6.77 KiB
        ("6.8 KB", 6800, True),
        ("6.8 KB", 6640, False),
        ("127 KB", 129_100, True),  # 126.07 KiB, which ls -h rounds up
        ("127 KB", 130_700, False),
        ("~155 KB", 148_000, True),
        ("~155 KB", 140_000, False),
        ("0 B", 0, True),
        ("1.0 KiB", 1024, True),
    ],
)
def test_a_size_holds_within_the_rounding_of_the_figure(root, stated, size, holds):
    (root / "x.csv").write_bytes(b"x" * size)
    assert judged(root, f"- `x.csv` ({stated})")[1][1:] == (f"{size:,} bytes", "true" if holds else "false")


def test_files_that_the_guide_deletes_are_counted_and_their_sizes_added(root):
    size = sum((root / name).stat().st_size for name in ("log.csv", "backend/auth_system.db"))
    guide = (
        "- `prompter.db` KEEP\n- `log.csv` DELETE\n- `backend/auth_system.db` DELETE\n\n"
        f"Delete 2 files (1 CSV + 1 DB). Keep 2 databases.\nSpace saved: {size} bytes"
    )
    assert judged(root, guide)[3:] == [
        ("Delete 2 files (1 CSV + 1 DB)", "2 files, 1 CSV, 1 database", "true"),
        ("Keep 2 databases", "1 database", "false"),
        (f"Space saved: {size} bytes", f"{size:,} bytes", "true"),
    ]


def test_what_is_said_of_files_that_were_deleted_as_told_is_not_checkable(root):
    (root / "log.csv").unlink()
    guide = "- `log.csv` (21 B) DELETE\n- `other.csv` (3 B)\n\nDelete 1 file. Frees 21 B"
    assert [verdict for *_, verdict in judged(root, guide)] == [
        "not checkable",
        "not checkable",
        "false",  # nobody meant other.csv to go
        "not checkable",
        "not checkable",
        "not checkable",
    ]


def test_a_duplicate_has_the_same_bytes_or_the_same_rows(root):
    shutil.copy(root / "log.csv", root / "copy.csv")
    (root / "near.csv").write_text("id,text\n1,a\n")
    with closing(sqlite3.connect(root / "near.db")) as connection, connection:
        connection.executescript(USERS)
        connection.execute("INSERT INTO users (username, email, hashed_password) VALUES ('a', 'a', 'x')")
    guide = "".join(f"- `{a}`: copy of `{b}`\n" for a, b in [
        ("copy.csv", "log.csv"), ("near.csv", "log.csv"), ("backend/auth_system.db", "auth_system.db"),
        ("near.db", "auth_system.db"), ("near.db", "log.csv"), ("none.db", "auth_system.db"),
    ])  # fmt: skip
    assert [c[1:] for c in judged(root, guide) if "copy of" in c[0]] == [
        ("the same bytes", "true"),
        ("different bytes", "false"),
        ("the same 2 rows, different bytes", "true"),
        ("1 rows are not in auth_system.db, 2 of its rows are not here", "false"),
        ("", "not checkable"),
        ("", "not checkable"),
    ]


@pytest.mark.parametrize(
    ("guide", "why"),
    [
        ("- `../secret.csv` (3 B)", "outside the project"),
        ("- `/etc/passwd.db` (3 B)", "outside the project"),
        ("- `link.db` (3 B)", "outside the project"),
        ("- `far/away.db` (3 B)", "outside the project"),
        ("5 broken prompts", '"broken"'),
        ("```\nSELECT sum(score) FROM best_heads;\n-- Should return: 7\n```", "never run"),
        ("```\nSELECT email, COUNT(*) FROM users GROUP BY email\n# Should return:\n# a|1\n```", "not counted by email"),
        ("```\nsqlite3 broken.db 'SELECT COUNT(*) FROM users'\n# Should return: 1\n```", "Not an SQLite database"),
        ("- `broken.db`: duplicate of `auth_system.db`", "Not an SQLite database"),
        (f"- `{'a' * 400}.csv` (3 B)", "cannot be read"),
        ("- `log.csv`: will be regenerated", "layout"),
    ],
)
def test_what_cannot_be_checked_says_why(root, guide, why):
    (root / "broken.db").write_text("nonsense")
    (root.parent / "secret.csv").write_text("a,b")
    (root / "link.db").symlink_to(root / "auth_system.db")
    (root / "far").symlink_to(root.parent)
    (root / "guide.md").write_text(guide)
    result = audit.claims(Project.find(root), root / "guide.md")
    reasons = {c.reason for c in result.having("not checkable")}
    assert reasons
    assert all(why in reason for reason in reasons)


def test_a_column_or_table_that_is_not_there_is_no_count(root):
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        connection.execute("DROP TABLE token_usage")
    query = "```\nSELECT model, COUNT(*) FROM token_usage GROUP BY model\n# Should return:\n# x|1\n```"
    assert judged(root, "| token_usage | 9 |\n" + query) == [
        ("token_usage | 9", "no such table", "false"),
        ("SELECT model, COUNT(*) FROM token_usage GROUP BY model", "", "not checkable"),
        ("x|1", "", "not checkable"),
    ]


def test_the_project_stays_as_it_is(root):
    (root / "guide.md").write_text("- `backend/auth_system.db`: duplicate of `auth_system.db`\n3 prompts")
    with unchanged(root):
        audit.claims(Project.find(root), root / "guide.md")


def test_the_guide_is_found_in_the_project(root, monkeypatch, tmp_path):
    (root / "docs").mkdir()
    (root / "docs" / "guide.md").write_text("3 prompts")
    monkeypatch.chdir(tmp_path)
    assert audit.claims(Project.find(root), "docs/guide.md").guide == "docs/guide.md"


def test_a_guide_without_claims_says_so(root):
    (root / "guide.md").write_text("# Hello\n\nNothing to see.")
    result = audit.claims(Project.find(root), root / "guide.md")
    assert result.sentence == "the guide states nothing that can be checked"
    assert list(result.frame.columns)[:5] == ["claim", "line", "expected", "found", "verdict"]
    assert '<p class="nothing">The guide states nothing that can be checked' in result._repr_html_()


@pytest.mark.parametrize("content", [b"\x00\x01", "ü".encode("latin-1"), "a".encode("utf-16"), b"a" * (1 << 20) + b"b"])
def test_a_guide_that_is_no_text_of_a_person_is_one_sentence(root, content):
    (root / "guide.md").write_bytes(content)
    with pytest.raises(ParameterError) as error:
        audit.claims(Project.find(root), root / "guide.md")
    assert_sentence(error.value, root / "guide.md")


@pytest.mark.parametrize("name", ["none.md", ".", "pipe"])
def test_a_guide_that_is_no_file_is_one_sentence(root, name):
    os.mkfifo(root / "pipe")
    with pytest.raises(ParameterError) as error:
        audit.claims(Project.find(root), root / name)
    assert_sentence(error.value, root / name)


@pytest.mark.slow
def test_the_longest_guide_takes_seconds(root):
    numbers = "\n".join(f"{n} prompts and {n} broken versions" for n in range(20_000))
    started = time.process_time()
    assert len(judged(root, numbers)) == 40_000
    assert time.process_time() - started < 10


def test_what_a_guide_says_is_shown_escaped_and_without_secrets(root):
    (root / "guide.md").write_text("3 <b>x</b> prompts\n5 sk-0123456789abcdef01 prompts\n- `<script>.csv` (3 B)")
    result = audit.claims(Project.find(root), root / "guide.md")
    shown = result._repr_html_() + repr(result) + json.dumps(result.to_dict(), allow_nan=False)
    assert "<script>" not in result._repr_html_()
    assert "0123456789" not in shown


def test_the_frame_and_the_dictionary_say_the_same(root):
    (root / "guide.md").write_text("4 prompts\n9 versions\n4 prompts")
    result = audit.claims(Project.find(root), root / "guide.md")
    assert result.frame.to_dict("records")[0] == {
        "claim": "4 prompts",
        "line": 1,
        "expected": "4",
        "found": "3",
        "verdict": "false",
        "reason": "rows of prompts in prompter.db",
        "kind": "rows",
        "repeated": "3",
    }
    told = result.to_dict()
    assert told["counts"] == {"true": 1, "false": 1, "not checkable": 0}
    assert [c["lines"] for c in told["claims"]] == [[1, 3], [2]]
    assert result.sentence == (
        "1 of 2 statements of the guide are false (4 prompts: found 3), 1 true, 0 cannot be checked"
    )
