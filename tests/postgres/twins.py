"""The same rows on a PostgreSQL server and in an SQLite file, in both shapes of the application's tables."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from support import DIMENSIONS, hex_id, insert

from dbtools import Project

SHAPES = Path(__file__).parent / "shapes"
JSON = {"prompt_versions": "explanation", "judge_scores": "feedback", "security_inputs": "analysis_metadata"}


@dataclass(frozen=True)
class Twins:
    """Two projects that differ in where their database is."""

    server: servers.Postgres
    database: str
    file: Project
    served: Project


def make_database(server: servers.Postgres, name: str, source: Path, shape: str) -> None:
    """Copy an SQLite prompter database to the server, rows in their order; JSON texts become equal on both sides."""
    server.psql(f"CREATE DATABASE {name}")
    server.psql((SHAPES / f"{shape}.sql").read_text(), name)
    with closing(sqlite3.connect(source)) as connection:
        for table in servers.TABLES:
            servers.copy(server, name, table, connection.execute(f"SELECT * FROM {table} ORDER BY rowid"))
        for table, column in JSON.items():  # JSONB does not keep a text as it was written
            asked = f"SELECT json_agg(json_build_array({column}::text, replace(id::text, '-', ''))) FROM {table}"
            texts = json.loads(server.psql(asked, name) or "[]")
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE id = ?", texts)
        connection.commit()


def make_harder(path: Path, *, sound: bool) -> None:
    """Add what sources might treat differently; where the tables have no constraints, also what those forbid."""
    prompt, versions = hex_id("hard"), [hex_id("hard", n) for n in range(4)]
    text = 'Größe\tof ✓ \\N "it\'s"\r\nnext  line\n\n \U0001f600 e\u0301'
    time = {"created_at": "2025-12-05 00:00:00"}
    shared: dict[str, Any] = {"prompt_id": prompt, "explanation": '{"b": 1.50, "agent": "\\u00e9"}', **time}
    insert(path, "prompts", id=prompt, user_id=None, request_id="r-hard", original_text=text, **time)
    for number, version in enumerate(versions[: 3 if sound else 4]):
        source = ("syntax", "structure", "a new agent", "syntax")[number]
        parent = {"parent_version_id": versions[number - 1] if number else None, "change_type": "other"}
        place = {"version_no": min(number + 1, 3), "change_magnitude": 0.1 + 0.2}
        insert(path, "prompt_versions", id=version, source=source, text=text * number, **shared, **parent, **place)
        for repeated in range(2):  # at one time: the one that was stored last counts
            marks = (0.1 + 0.2, 1 / 3, 10.0, 0.0, 9.999999999999998 if sound or repeated else 83.62)
            dims = dict(zip(DIMENSIONS, marks, strict=True))
            judged = {"id": hex_id(version, repeated), "feedback": '{"summary": "x"}', **time, **dims}
            insert(path, "judge_scores", prompt_version_id=version, **judged)
    head = {"prompt_id": prompt, "prompt_version_id": versions[1], "score": 20.4}
    insert(path, "best_heads", **head, updated_at="2025-12-05 00:00:00.000001")
    choice = {"user_choice": "multi", "agent_winner": "syntax", "judge_winner": "syntax", "judge_correct": 0}
    asked = {"request_id": "r-hard", "user_id": "", "prompt_id": prompt, **time}
    insert(path, "user_feedback", id=hex_id("vote"), **asked, **choice)
