"""A project in which nothing is wrong: every table filled, logs, accounts and a git repository; in every generation."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import subprocess
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from support import AGENTS, DIMENSIONS, GENERATIONS, USERS, hex_id

MODEL, INPUT_USD, OUTPUT_USD = "llama-3.3-70b-versatile", 0.59, 0.79
PLACES = {"G4": "packages/db/prompter.db"}

_MARKS = ", ".join(f"{d} FLOAT NOT NULL CHECK ({d} BETWEEN 0 AND 10)" for d in DIMENSIONS)
_TABLES = {
    "prompts": (0, "id CHAR(32) NOT NULL, user_id VARCHAR, {request} original_text VARCHAR NOT NULL, "
                "created_at DATETIME NOT NULL, PRIMARY KEY (id)"),
    "prompt_versions": (0, "id CHAR(32) NOT NULL, prompt_id CHAR(32) NOT NULL, version_no INTEGER NOT NULL, "
                        "text VARCHAR NOT NULL, explanation JSON NOT NULL, source VARCHAR NOT NULL, "
                        "created_at DATETIME NOT NULL, {history} PRIMARY KEY (id), UNIQUE (prompt_id, version_no), "
                        "FOREIGN KEY(prompt_id) REFERENCES prompts (id) ON DELETE CASCADE"),
    "judge_scores": (0, "id CHAR(32) NOT NULL, prompt_version_id CHAR(32) NOT NULL, " + _MARKS + ", "
                     "feedback JSON NOT NULL, created_at DATETIME NOT NULL, PRIMARY KEY (id), "
                     "FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id)"),
    "best_heads": (0, "prompt_id CHAR(32) NOT NULL, prompt_version_id CHAR(32) NOT NULL, score FLOAT NOT NULL, "
                   "updated_at DATETIME NOT NULL, PRIMARY KEY (prompt_id), FOREIGN KEY(prompt_id) REFERENCES prompts "
                   "(id), FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id)"),
    "security_inputs": (1, "id CHAR(32) NOT NULL, user_id VARCHAR, input_text VARCHAR NOT NULL, risk_score FLOAT NOT "
                        "NULL, label VARCHAR NOT NULL, is_blocked BOOLEAN NOT NULL, analysis_metadata JSON, "
                        "created_at DATETIME NOT NULL, PRIMARY KEY (id)"),
    "user_feedback": (3, "id {id}, request_id {text} NOT NULL, user_id {text} NOT NULL, prompt_id {key} NOT NULL, "
                      "user_choice {text} NOT NULL CHECK (user_choice IN ('original', 'single', 'multi')), "
                      "judge_winner {text} NOT NULL, agent_winner {text} NOT NULL, judge_correct {flag} NOT NULL, "
                      "created_at {time}, FOREIGN KEY(prompt_id) REFERENCES prompts (id)"),
    "token_usage": (4, "id {id}, prompt_version_id {key} NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens "
                    "INTEGER NOT NULL, total_tokens INTEGER NOT NULL, model {text} NOT NULL, cost_usd FLOAT NOT NULL, "
                    "created_at {time}, FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id)"),
}  # fmt: skip
_CREATED = {
    "request": "request_id VARCHAR,",
    "history": "parent_version_id CHAR(32), change_type VARCHAR NOT NULL, change_magnitude FLOAT NOT NULL, "
    "FOREIGN KEY(parent_version_id) REFERENCES prompt_versions (id),",
    "id": "CHAR(32) NOT NULL PRIMARY KEY", "text": "VARCHAR", "key": "CHAR(32)", "flag": "BOOLEAN",
    "time": "DATETIME NOT NULL",
}  # fmt: skip
_MIGRATED = {
    "id": "TEXT PRIMARY KEY", "text": "TEXT", "key": "TEXT", "flag": "INTEGER", "time": "TEXT DEFAULT CURRENT_TIMESTAMP"
}  # fmt: skip
_MIGRATIONS = {
    2: """ALTER TABLE prompt_versions ADD COLUMN parent_version_id TEXT;
          ALTER TABLE prompt_versions ADD COLUMN change_type TEXT DEFAULT 'other';
          ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL DEFAULT 0.0;
          CREATE INDEX idx_prompt_versions_parent ON prompt_versions(parent_version_id);
          CREATE INDEX idx_prompt_versions_created_at ON prompt_versions(created_at);""",
    3: "ALTER TABLE prompts ADD COLUMN request_id VARCHAR;",
}


def statements(generation: str = "G4", migrated: bool = False, constraints: bool = True) -> str:
    """Return the statements that create a generation; without `constraints`, as SQLite has it in the wild."""
    level = GENERATIONS.index(generation)
    words = dict.fromkeys(_CREATED, "") | (_MIGRATED if migrated else _CREATED)
    if level < 3:
        words["request"] = ""
    if level < 2:
        words["history"] = ""
    parts = [f"CREATE TABLE {name} ({body.format(**words)});" for name, (at, body) in _TABLES.items() if at <= level]
    parts += [text for at, text in _MIGRATIONS.items() if at <= level and migrated]
    script = "\n".join(parts)
    if not constraints:
        script = re.sub(r" CHECK \([^()]*(\([^()]*\))?[^()]*\)", "", script)
        script = script.replace(" UNIQUE (prompt_id, version_no),", "")
    return script


def make_sound(
    root: Path, generation: str = "G4", migrated: bool = False, *, constraints: bool = True, prompts: int = 6
) -> Path:
    """Build the project in `root` and return its prompter database."""
    path = root / PLACES.get(generation, "prompter.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(statements(generation, migrated, constraints))
        for table in [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
            here = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}
            for row in (row for number in range(1, prompts + 1) for row in _rows(number)[table]):
                kept = {name: value for name, value in row.items() if name in here}
                marks = ", ".join("?" * len(kept))
                connection.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", list(kept.values()))
    _auth(root / "auth_system.db", prompts)
    (root / "storage").mkdir()
    _write(root / "storage" / "multi_agent_log.csv", [_request(number) for number in range(1, prompts + 1)])
    versions = [row for number in range(1, prompts + 1) for row in _rows(number)["prompt_versions"]]
    _write(root / "storage" / "prompt_versions.csv", [_logged(row) for row in versions])
    (root / ".env").write_text("DATABASE_URL=sqlite:////srv/prompter/prompter.db\n")
    (root / ".gitignore").write_text("*.db\n*.csv\n.env\n")
    git(root, "init", "--quiet")
    git(root, "add", ".gitignore")
    return path


def git(root: Path, *arguments: str) -> None:
    """Run git in `root`."""
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def _auth(path: Path, accounts: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(USERS)
        connection.executemany(
            "INSERT INTO users (id, username, email, hashed_password) VALUES (?, ?, ?, ?)",
            [
                (n, f"user{n}", f"user{n}@example.org", f"$argon2id$v=19$m=1$salt$hash{n}")
                for n in range(1, accounts + 1)
            ],
        )


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _at(number: int, second: int) -> str:
    return f"2025-12-04 10:{number % 60:02}:{second:02}.000000"


def _text(number: int, agent: str) -> str:
    return f"Explain topic number {number}, the {agent} way"


def _rows(number: int) -> dict[str, list[dict[str, Any]]]:
    prompt, request = hex_id("prompt", number), str(uuid.UUID(hex_id("request", number)))
    versions = {agent: hex_id("version", number, agent) for agent in AGENTS}
    common = {"user_id": str(number), "created_at": _at(number, 0)}
    choice = ("multi", "single", "original")[number % 3]
    # One user chose the single agent that the judge would have chosen too.
    credited = {"multi": "domain", "single": "domain" if number == 4 else "template", "original": "none"}[choice]
    risk, label, blocked = ((5.0, "safe", 0), (50.0, "medium-risk", 0), (85.0, "high-risk", 1))[number % 3]
    return {
        "prompts": [
            {"id": prompt, "request_id": request, "original_text": f"Explain topic number {number}", **common}
        ],
        "prompt_versions": [
            {
                "id": versions[agent], "prompt_id": prompt, "version_no": place, "text": _text(number, agent),
                "explanation": json.dumps({"agent": agent, "improvements": ["clearer"]}), "source": agent,
                "created_at": _at(number, place), "change_type": "wording" if place > 1 else "other",
                "parent_version_id": versions[AGENTS[place - 2]] if place > 1 else None, "change_magnitude": place / 10,
            }
            for place, agent in enumerate(AGENTS, 1)
        ],
        "judge_scores": [
            {
                "id": hex_id("score", number, agent), "prompt_version_id": versions[agent], **_marks(number, place),
                "feedback": json.dumps({"summary": "judged"}), "created_at": _at(number, place + 10),
            }
            for place, agent in enumerate(AGENTS, 1)
        ],
        "best_heads": [
            {
                "prompt_id": prompt, "prompt_version_id": versions["domain"], "score": sum(_marks(number, 3).values()),
                "updated_at": _at(number, 20),
            }
        ],
        "security_inputs": [
            {
                "id": hex_id("input", number), "input_text": f"Explain topic number {number}", "risk_score": risk,
                "label": label, "is_blocked": blocked, "analysis_metadata": '{"total_matches": 0}' if risk else None,
                **common,
            }
        ],
        "user_feedback": [
            {
                "id": hex_id("feedback", number), "request_id": request, "prompt_id": prompt, "user_choice": choice,
                "judge_winner": "domain", "agent_winner": credited, "judge_correct": int(credited == "domain"),
                **common,
            }
        ],
        "token_usage": [
            {
                "id": hex_id("usage", number, agent), "prompt_version_id": versions[agent],
                "prompt_tokens": 100 * place,
                "completion_tokens": 50, "total_tokens": 100 * place + 50, "model": MODEL,
                "cost_usd": (100 * place * INPUT_USD + 50 * OUTPUT_USD) / 1e6, "created_at": _at(number, place),
            }
            for place, agent in enumerate(AGENTS, 1)
        ],
    }  # fmt: skip


def _marks(number: int, place: int) -> dict[str, float]:
    return {dimension: 5 + place + index / 10 + number % 7 / 20 for index, dimension in enumerate(DIMENSIONS)}


def _request(number: int) -> dict[str, Any]:
    votes = {agent: (5.0 + place, 0.5 + place / 10) for place, agent in enumerate(AGENTS)}
    row = {
        "request_id": str(uuid.UUID(hex_id("request", number))), "timestamp": f"2025-12-04T10:{number:02}:20",
        "original_prompt": f"Explain topic number {number}", "final_prompt": _text(number, "domain"),
        "selected_agent": "domain", "decision_rationale": "Selected domain",
    }  # fmt: skip
    for agent, (score, confidence) in votes.items():
        row |= {f"{agent}_score": score, f"{agent}_confidence": confidence, f"{agent}_suggestions": "[]"}
        row[f"{agent}_improved"] = _text(number, agent)
    return {**row, "vote_breakdown": json.dumps({agent: s * c for agent, (s, c) in votes.items()})}


def _logged(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "prompt_id": str(uuid.UUID(row["prompt_id"])), "version_no": row["version_no"] - 1,
        "version_uuid": str(uuid.UUID(row["id"])), "text": row["text"], "source": row["source"],
        "explanation": row["explanation"], "timestamp": row["created_at"].replace(" ", "T"),
    }  # fmt: skip
