"""Small prompter databases of every generation, and trees compared as dicts: what the tests share."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

# A real project as it was found; on a developer's machine only.
FIELD = Path(__file__).parents[2] / "shared" / "field" / "at-guide"
GENERATIONS = ("G0", "G1", "G2", "G3", "G4")
# Each generation as the application creates it, and as its migrations make it; the first migration makes G2.
SHAPES = [(generation, False) for generation in GENERATIONS] + [(g, True) for g in ("G2", "G3", "G4")]
AGENTS = ("syntax", "structure", "domain")
DIMENSIONS = ("clarity", "specificity", "actionability", "structure", "context_use")
NOW = "2025-12-04 10:00:00.000000"

_BASE = """
CREATE TABLE prompts (id CHAR(32) NOT NULL, user_id VARCHAR, {request_id} original_text VARCHAR NOT
  NULL, created_at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE TABLE prompt_versions (id CHAR(32) NOT NULL, prompt_id CHAR(32) NOT NULL, version_no INTEGER NOT
  NULL, text VARCHAR NOT NULL, explanation JSON NOT NULL, source VARCHAR NOT NULL, created_at DATETIME
  NOT NULL, {history} PRIMARY KEY (id), FOREIGN KEY(prompt_id) REFERENCES prompts (id));
CREATE TABLE judge_scores (id CHAR(32) NOT NULL, prompt_version_id CHAR(32) NOT NULL, clarity FLOAT NOT
  NULL, specificity FLOAT NOT NULL, actionability FLOAT NOT NULL, structure FLOAT NOT NULL, context_use
  FLOAT NOT NULL, feedback JSON NOT NULL, created_at DATETIME NOT NULL, PRIMARY KEY (id), FOREIGN
  KEY(prompt_version_id) REFERENCES prompt_versions (id));
CREATE TABLE best_heads (prompt_id CHAR(32) NOT NULL, prompt_version_id CHAR(32) NOT NULL, score FLOAT
  NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (prompt_id), FOREIGN KEY(prompt_id) REFERENCES
  prompts (id));
"""
_SECURITY = """
CREATE TABLE security_inputs (id CHAR(32) NOT NULL, user_id VARCHAR, input_text VARCHAR NOT NULL,
  risk_score FLOAT NOT NULL, label VARCHAR NOT NULL, is_blocked BOOLEAN NOT NULL, {metadata} JSON,
  created_at DATETIME NOT NULL, PRIMARY KEY (id));
"""
_HISTORY = (
    "parent_version_id CHAR(32) REFERENCES prompt_versions (id),",
    "change_type VARCHAR,",
    "change_magnitude FLOAT,",
)
_MIGRATED_HISTORY = """
ALTER TABLE prompt_versions ADD COLUMN parent_version_id TEXT;
ALTER TABLE prompt_versions ADD COLUMN change_type TEXT DEFAULT 'other';
ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL DEFAULT 0.0;
"""
_FEEDBACK = """
CREATE TABLE user_feedback (id CHAR(32) NOT NULL, request_id VARCHAR NOT NULL, user_id VARCHAR,
  prompt_id CHAR(32), user_choice VARCHAR NOT NULL, judge_winner VARCHAR, agent_winner VARCHAR,
  judge_correct BOOLEAN, created_at DATETIME NOT NULL, PRIMARY KEY (id), FOREIGN KEY(prompt_id)
  REFERENCES prompts (id));
"""
_MIGRATED_FEEDBACK = """
ALTER TABLE prompts ADD COLUMN request_id VARCHAR;
CREATE TABLE user_feedback (id TEXT PRIMARY KEY, request_id TEXT NOT NULL, user_id TEXT, prompt_id TEXT,
  user_choice TEXT CHECK (user_choice IN ('original', 'single', 'multi')), judge_winner TEXT,
  agent_winner TEXT, judge_correct INTEGER, created_at TEXT DEFAULT CURRENT_TIMESTAMP, FOREIGN
  KEY(prompt_id) REFERENCES prompts (id));
"""
_TOKENS = """
CREATE TABLE token_usage (id CHAR(32) NOT NULL, prompt_version_id CHAR(32), prompt_tokens INTEGER,
  completion_tokens INTEGER, total_tokens INTEGER, model VARCHAR, cost_usd FLOAT, created_at DATETIME
  NOT NULL, PRIMARY KEY (id));
"""
_MIGRATED_TOKENS = """
CREATE TABLE token_usage (id TEXT PRIMARY KEY, prompt_version_id TEXT, prompt_tokens INTEGER,
  completion_tokens INTEGER, total_tokens INTEGER, model TEXT, cost_usd REAL, created_at TEXT DEFAULT
  CURRENT_TIMESTAMP);
"""
USERS = """
CREATE TABLE users (id INTEGER NOT NULL, username VARCHAR NOT NULL, email VARCHAR NOT NULL UNIQUE,
  hashed_password VARCHAR NOT NULL, is_active BOOLEAN, is_verified BOOLEAN, created_at DATETIME,
  last_login DATETIME, failed_login_attempts INTEGER, account_locked_until DATETIME,
  last_password_change DATETIME, password_reset_token VARCHAR, password_reset_expires DATETIME,
  two_factor_secret VARCHAR, two_factor_enabled BOOLEAN, login_ip_history VARCHAR, PRIMARY KEY (id));
"""


def schema(generation: str = "G4", migrated: bool = False, metadata: str = "analysis_metadata") -> str:
    """Return the statements that create a generation, as the ORM does or as the migrations bring it about."""
    level = GENERATIONS.index(generation)
    fresh = not migrated
    parts = [
        _BASE.format(
            request_id="request_id VARCHAR," if level >= 3 and fresh else "",
            history=" ".join(_HISTORY) if level >= 2 and fresh else "",
        )
    ]
    parts += [_SECURITY.format(metadata=metadata)] * (level >= 1)
    parts += [_MIGRATED_HISTORY] * (level >= 2 and migrated)
    parts += [_FEEDBACK if fresh else _MIGRATED_FEEDBACK] * (level >= 3)
    parts += [_TOKENS if fresh else _MIGRATED_TOKENS] * (level >= 4)
    return "".join(parts)


def hex_id(*names: object) -> str:
    """Return the id, 32 hex digits, that belongs to a name: always the same."""
    return uuid.uuid5(uuid.NAMESPACE_OID, " ".join(map(str, names))).hex


def make_database(
    path: Path,
    generation: str = "G4",
    migrated: bool = False,
    *,
    prompts: int = 2,
    journal: str = "delete",
    metadata: str = "analysis_metadata",
) -> Path:
    """Build a prompter database: `prompts` prompts, a judged version per agent each, the last the head.

    Changes files: creates `path`. `metadata` names the JSON column of security_inputs, once ``metadata``.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.executescript(schema(generation, migrated, metadata))
        for table in [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
            here = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}
            rows = [row for number in range(1, prompts + 1) for row in _rows(number, metadata)[table]]
            insert(connection, table, [{k: v for k, v in row.items() if k in here} for row in rows])
        connection.commit()
    return path


def insert(target: Path | sqlite3.Connection, table: str, rows: Iterable[Mapping[str, Any]] = (), **row: Any) -> None:
    """Insert rows, or the one row given by keywords; what the table needs and is not given is filled in."""
    if isinstance(target, Path):
        with closing(sqlite3.connect(target)) as connection, connection:
            insert(connection, table, rows, **row)
        return
    info = target.execute(f'PRAGMA table_info("{table}")').fetchall()
    count = target.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    for number, given in enumerate([*rows, row] if row else rows, count + 1):
        needed = {name: _default(table, name, number) for _, name, _, need, _, key in info if need or key}
        values = {**needed, **given}
        names, marks = ", ".join(f'"{n}"' for n in values), ", ".join("?" * len(values))
        target.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(values.values()))


def read_tree(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, mtime and content of everything in a folder, itself included, by relative name."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        facts = path.lstat()
        if path.is_symlink():
            content = str(path.readlink())
        else:
            content = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        found[path.relative_to(folder).as_posix()] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Prove that a folder's files, modes and times are the same after the block as before."""
    before = read_tree(folder)
    yield
    assert read_tree(folder) == before


def assert_sentence(error: BaseException | str, thing: object) -> None:
    """Prove that an error is one line that shows the thing in quotes."""
    text = str(error)
    assert len(text.splitlines()) == 1, text
    assert f'"{thing}"' in text, text
    assert text.endswith(".")


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python on `code` in a process of its own; it and its pipes are the caller's to close."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_python(code: str, *arguments: object) -> str:
    """Run `code` to its end in a process of its own and return what it printed."""
    with python(code, *arguments) as process:
        printed = process.communicate(timeout=60)[0]
    return printed.strip()


def try_lock(path: Path) -> str:
    """Try to begin writing from another process; return ``free``, or what SQLite says against it."""
    return run_python(
        """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0).execute("BEGIN IMMEDIATE")
    print("free")
except sqlite3.OperationalError as error:
    print(error)
""",
        path,
    )


def _default(table: str, name: str, number: int) -> object:
    if name == "id" or name.endswith("_id"):
        return hex_id(table, name, number)
    if name in ("created_at", "updated_at"):
        return NOW
    if name in ("explanation", "feedback"):
        return "{}"
    if name == "is_blocked":
        return 0
    numbers = ("version_no", "score", "risk_score", *DIMENSIONS)
    return number if name in numbers else f"{name} {number}"


def _rows(number: int, metadata: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of one prompt by table, in the newest shape."""
    prompt, request, text = hex_id("prompt", number), f"request-{number}", f"Explain topic {number}"
    asked = {"user_id": f"user-{number}", "created_at": NOW}
    head, score = hex_id("version", number, AGENTS[-1]), sum(_marks(len(AGENTS)).values())
    places = [(place, agent, hex_id("version", number, agent)) for place, agent in enumerate(AGENTS, 1)]
    return {
        "prompts": [{"id": prompt, "request_id": request, "original_text": text, **asked}],
        "prompt_versions": [
            {
                "id": version,
                "prompt_id": prompt,
                "version_no": place,
                "text": f"{text}, the {agent} way",
                "explanation": json.dumps({"agent": agent, "improvements": [f"clearer {place}"]}),
                "source": agent,
                "created_at": f"2025-12-04 10:00:0{place}.000000",
                "parent_version_id": places[place - 2][2] if place > 1 else None,
                "change_type": "other",
                "change_magnitude": place / 10,
            }
            for place, agent, version in places
        ],
        "judge_scores": [
            {"prompt_version_id": version, "feedback": json.dumps({"summary": "judged"}), **_marks(place)}
            for place, _, version in places
        ],
        "best_heads": [{"prompt_id": prompt, "prompt_version_id": head, "score": score}],
        "security_inputs": [{"input_text": text, "label": "safe", metadata: '{"checks": 3}', **asked}],
        "user_feedback": [
            {"request_id": request, "prompt_id": prompt, "user_choice": "multi", "judge_correct": 1, **asked}
        ],
        "token_usage": [
            {
                "prompt_version_id": version,
                "prompt_tokens": 10 * place,
                "cost_usd": 0.001 * place,
                "model": "llama",
            }
            for place, _, version in places
        ],
    }


def _marks(place: int) -> dict[str, float]:
    return {dimension: 5 + place + index / 10 for index, dimension in enumerate(DIMENSIONS)}
