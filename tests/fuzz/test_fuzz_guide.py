"""A guide of any text gives statements, each with a verdict, in little time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import TRIED, examples, odd
from support import make_database, unchanged

from dbtools import Project, audit
from dbtools.audit import guide
from dbtools.errors import DbtoolsError

_WORDS = (
    "- ", "* ", "| ", "## ", "```", "~~~", "---", "├── ", "│   └── ", "prompter.db", "auth_system.db", "storage/",
    "storage/log.csv", "../../etc/passwd.db", "/etc/passwd.csv", "loop.db", "(5 KB)", "~1.5 MiB", "158,981 bytes",
    "9" * 400 + " KB", "DELETE", "KEEP", "DO NOT", "**", "`", "15 prompts", "9,9,9 rows",
    "versions (syntax, structure agents)",
    "duplicate of", "can be regenerated", "Space saved: 3 MB", "Delete 4 CSV files (3 CSV + 1 DB)", "rm -f ",
    'sqlite3 prompter.db "SELECT COUNT(*) FROM prompts"',
    "SELECT source, COUNT(*) FROM prompt_versions GROUP BY source;",
    "SELECT hashed_password, COUNT(*) FROM users GROUP BY hashed_password;", "# should return 15", "syntax|15",
    "-- expected:", "# Output:", "<script>alert(1)</script>", "\t", "\r", "\u2028", "\x1b[0m", "\ufeff",
)  # fmt: skip
_texts = st.lists(st.one_of(st.sampled_from(_WORDS), st.sampled_from(["\n", "\n", " "]), odd), max_size=40).map("".join)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("guided")
    make_database(root / "prompter.db")
    (root / "storage").mkdir()
    (root / "storage" / "log.csv").write_text("request_id,original_prompt,final_prompt,selected_agent\na,b,c,d\n")
    (root / "loop.db").symlink_to("loop.db")
    return Project.find(root)


@examples(400)
@given(_texts)
def test_any_text_is_read_in_little_time(text):
    TRIED["guides read"] += 1
    start = time.process_time()
    for statement in guide.read(text).statements:
        assert 1 <= statement.line <= text.count("\n") + 1
    assert time.process_time() - start < 2


@examples(40)
@given(_texts)
def test_every_statement_gets_a_verdict_and_nothing_is_changed(project, text):
    TRIED["guides held against a project"] += 1
    (project.root / "guide.md").write_bytes(text.encode("utf-8", "surrogateescape"))
    with unchanged(project.root):
        try:
            found = audit.claims(project, "guide.md")
        except DbtoolsError as error:
            assert len(str(error).splitlines()) == 1
            return
    assert {claim.verdict for claim in found.claims} <= {"true", "false", "not checkable"}
    json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False).encode()
    assert "<script" not in found._repr_html_()
    assert not any("hashed_password" in c.reason and c.verdict != "not checkable" for c in found.claims)
