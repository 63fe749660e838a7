from __future__ import annotations

import time

import pytest

from dbtools.audit import guide


def stated(text: str) -> list[tuple]:
    """Return kind, file, table and what is expected of every statement but that a file is there."""
    return [(s.kind, s.file, s.table, *s.expected) for s in guide.read(text).statements if s.kind != "file"]


@pytest.mark.parametrize(
    "line",
    [
        "1. **`storage/log.csv` (6.8 KB)** ← **STALE (DELETE)**",
        "- `storage/log.csv` (6.8 KB) DELETE",
        "## storage/log.csv, 6.8 KB: DELETE",
        "| `./storage/log.csv` | 6.8 KB | DELETE |",
        "## What to delete\n\n* storage/log.csv 6.8 kb",
        "## Remove these\n\n1. ❌ **storage/log.csv** (6.8 KB)",
        "```\nApp/\n└── storage/\n    ├── other/\n    └── log.csv   ← DELETE (6.8 KB)\n```",
    ],
)
def test_a_line_about_a_file_states_that_it_is_there_its_size_and_its_end(line):
    found = guide.read(line)
    assert [(s.kind, s.file) for s in found.statements] == [("file", "storage/log.csv"), ("size", "storage/log.csv")]
    assert found.statements[1].expected == ("6.8", "KB", "")
    assert (list(found.keep), list(found.delete)) == ([], ["storage/log.csv"])


@pytest.mark.parametrize(
    "line", ["`a.db` KEEP", "## Keep these\n`a.db`", "## Do not delete\n- a.db", "- a.db: NEVER DELETE"]
)
def test_a_file_may_be_marked_to_keep(line):
    assert (list(guide.read(line).keep), list(guide.read(line).delete)) == (["a.db"], [])


def test_removal_commands_mark_files_too():
    text = "```bash\nrm -f storage/a.csv 'b.db' # gone\nrm storage/*.csv $X/c.csv\ncp d.csv e.csv\n```"
    assert list(guide.read(text).delete) == ["storage/a.csv", "b.db"]


@pytest.mark.parametrize(
    ("line", "table", "number"),
    [
        ("We have 15 prompts.", "prompts", "15"),
        ("- 1,045 prompt versions", "prompt_versions", "1045"),
        ("- **45** judge scores", "judge_scores", "45"),
        ("15 best head selections", "best_heads", "15"),
        ("2 user accounts", "users", "2"),
        ("| `prompt_versions` | 45 |", "prompt_versions", "45"),
        ("- **Prompts:** 15", "prompts", "15"),
    ],
)
def test_a_number_before_what_a_table_holds_is_a_count(line, table, number):
    assert stated(line) == [("rows", "", table, number)]


@pytest.mark.parametrize(
    "line",
    [
        "Version 2 prompts the user",
        "10 prompts per day",
        "v1.15 prompts",
        "3 requests",
        "45 rows",
        "4-15 prompts",
        "prompts: 15",
    ],
)
def test_other_numbers_are_no_counts(line):
    expected = [("rows", "", "prompts", "2")] if line.startswith("Version") else []
    assert stated(line) == expected


def test_below_a_csv_file_every_count_is_one_of_its_records():
    text = "- `storage/log.csv`\n  - 5 old multi-agent requests\n  - 95 versions\n\n# Next\n3 requests"
    assert stated(text) == [("rows", "storage/log.csv", "", "5"), ("rows", "storage/log.csv", "", "95")]


def test_a_word_that_may_mean_only_some_rows_is_kept():
    (statement,) = guide.read("3 broken prompts").statements
    assert (statement.expected, statement.unknown) == (("3",), "broken")


def test_names_in_brackets_are_the_sources_of_versions():
    assert stated("45 prompt versions (syntax, structure and domain agents)")[1:] == [
        ("groups", "", "prompt_versions", "syntax", "structure", "domain")
    ]
    assert stated("45 versions (from the test data)") == [("rows", "", "prompt_versions", "45")]


@pytest.mark.parametrize(
    "text",
    [
        'sqlite3 my.db "SELECT COUNT(*) FROM prompts;"\n# Should return: 15',
        'sqlite3 -readonly my.db "select count(*) from prompts"\n# Expected output: 15',
        'sqlite3 my.db "SELECT COUNT(*) FROM prompts;"  -- should return 15',
    ],
)
def test_a_query_with_its_answer_is_a_count(text):
    assert stated(f"```bash\n{text}\n```") == [("rows", "my.db", "prompts", "15")]


def test_a_grouped_query_states_the_groups_and_each_count():
    text = (
        '```\nsqlite3 my.db "SELECT source, COUNT(*) FROM prompt_versions GROUP BY source;"\n'
        "# Should return:\n#   syntax|15\n#   domain|3\necho done | 5\n```"
    )
    assert stated(text) == [
        ("groups", "my.db", "prompt_versions", "syntax", "domain"),
        ("rows", "my.db", "prompt_versions", "15"),
        ("rows", "my.db", "prompt_versions", "3"),
    ]
    assert [s.value for s in guide.read(text).statements] == ["", "syntax", "domain"]


def test_a_query_of_another_shape_is_kept_as_it_is():
    text = "```\nSELECT avg(clarity) FROM judge_scores;\n-- Should return: 7\n```"
    assert [(s.kind, s.claim) for s in guide.read(text).statements] == [
        ("query", "SELECT avg(clarity) FROM judge_scores")
    ]


def test_code_that_asks_nothing_states_nothing():
    assert stated("```python\n# 15 prompts\ndata = read('data.csv')  # 45 versions\n```") == []


def test_what_a_file_is_a_duplicate_of_is_named_or_has_its_name():
    assert stated("- `backend/a.db` DUPLICATE") == [("duplicate", "backend/a.db", "", "a.db")]
    assert stated("- `backend/b.db`\n  - duplicate of `a.db`") == [("duplicate", "backend/b.db", "", "a.db")]
    assert stated("- `a.db` DUPLICATE") == []


def test_lines_are_counted_as_editors_count_them():
    assert [s.line for s in guide.read("a\x85b\u2028c\fd\n15 prompts").statements] == [2]


def test_space_and_numbers_of_files_are_statements():
    assert stated("**Space Saved:** ~155 KB") == [("space", "", "", "155", "KB", "~")]
    assert stated("This frees 1.5 MB") == [("space", "", "", "1.5", "MB", "")]
    assert stated("Delete 5 files (4 CSV + 1 duplicate DB); keep 2 databases") == [
        ("files", "", "", "5 file", "4 csv", "1 database"),
        ("files", "", "", "2 database"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Nothing\n\nto see",
        "\x00\x01",
        "```\n" * 7,
        "| | |\n",
        "`.db` (x KB)",
        "15 " * 5000,
        "a/" * 9000 + ".db",
        "* " * 9000,
        "`" * 99,
    ],
)
def test_nonsense_states_nothing_and_takes_no_time(text):
    started = time.process_time()
    assert guide.read(text).statements == []
    assert time.process_time() - started < 1
