"""A database in which everything is odd that a query may stumble over."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from support import AGENTS, DIMENSIONS, hex_id, insert, make_database

TEXTS = (
    "Explain it",
    "explain  IT",
    "Ünïcode 漢字 🦆",
    'it\'s "quoted" \\ and; -- odd $name :name ${x}',
    "   ",
    "long " * 400,
)
FEEDBACK = (
    {},
    {"summary": "Heuristic scoring (fallback mode)."},
    {"synthetic": True},
    {"agent": "syntax", "confidence": 0.5},
    {"summary": "judged"},
)
TIMES = ("2025-01-31 23:59:59.999999", "2025-03-01 00:00:00", "2025-03-01 00:00:00", "no time", "1999-12-31 12:00:00")


def build(path: Path) -> Path:
    """Write the database: ties, holes, orphans, repeated ids, odd texts, bad times, months without rows."""
    make_database(path, prompts=3)
    with closing(sqlite3.connect(path)) as connection, connection:
        _fill(connection)
    return path


def _fill(path: sqlite3.Connection) -> None:
    for number in range(12):
        prompt = hex_id("odd", number)
        user, text = ("test_user1", None, "o'neill", "ann")[number % 4], TEXTS[number % len(TEXTS)]
        request = f"odd-{number % 5}" if number % 3 else None
        time = TIMES[number % len(TIMES)]
        insert(path, "prompts", id=prompt, user_id=user, request_id=request, original_text=text, created_at=time)
        for place, source in enumerate((*AGENTS, "original", "new 'agent' ü", "synthetic_generator")[: 1 + number % 6]):
            _version(path, number, place, source)
        if number % 4:
            head = hex_id("odd", number, number % 3) if number % 5 else hex_id("nobody")
            insert(path, "best_heads", prompt_id=prompt, prompt_version_id=head, score=35.0, updated_at=time)
    _oddities(path)


def _version(path: sqlite3.Connection, number: int, place: int, source: str) -> None:
    told: dict[str, Any] = {"agent": source}
    version = hex_id("odd", number, place)
    if number % 3 == 2:
        told = {"selected_agent": AGENTS[number % 2]}
    if number == 7:
        told = {"synthetic": True}
    row = {
        "version_no": place // 2 + 1,
        "text": TEXTS[(number + place) % len(TEXTS)] if place else TEXTS[number % len(TEXTS)],
        "explanation": "no json" if number == 5 else json.dumps(told),
        "created_at": TIMES[(number + place) % len(TIMES)],
        "parent_version_id": hex_id("odd", number, place - 1) if place % 2 else None,
        "change_type": ("wording", "odd", None)[place % 3],
        "change_magnitude": (0.5, 2.0, None)[number % 3],
    }
    insert(path, "prompt_versions", id=version, prompt_id=hex_id("odd", number), source=source, **row)
    for again in range((number + place) % 3):
        height = (7.0, 7.0, 8.1, 0.0, 5.0)[(number + place + again) % 5]
        marks = dict.fromkeys(DIMENSIONS, height)
        if number % 2:
            marks["clarity"] = height / 3
        feedback = json.dumps(FEEDBACK[(number + again) % len(FEEDBACK)])
        score = {"feedback": feedback, "created_at": TIMES[(number + again) % len(TIMES)], **marks}
        insert(path, "judge_scores", id=hex_id("score", number, place, again), prompt_version_id=version, **score)


def _oddities(path: sqlite3.Connection) -> None:
    syntax, structure = hex_id("odd", 4, 0), hex_id("odd", 4, 1)
    insert(path, "prompts", id=str(UUID(hex_id("odd", 4))), user_id="twice", original_text="twice")
    insert(path, "prompt_versions", id=hex_id("lost"), prompt_id=hex_id("gone"), source="domain", version_no=9)
    insert(path, "judge_scores", id=hex_id("lost score"), prompt_version_id=hex_id("gone"))
    insert(path, "judge_scores", id=hex_id("odd score"), prompt_version_id=syntax, clarity="many", structure=60.0)
    for n, (choice, winner) in enumerate(
        (("multi", "syntax"), ("multi", "structure"), ("multi", None), ("single", "domain"))
    ):
        row = {"user_choice": choice, "agent_winner": winner, "judge_winner": "syntax", "judge_correct": n % 2}
        of = {"prompt_id": hex_id("odd", 4) if n % 2 else None, "request_id": f"odd-{n}"}
        insert(path, "user_feedback", id=hex_id("vote", n), user_id=f"u{n % 2}", **row, **of)
    for n, (prompt, done, total) in enumerate(((5, 6, 11), (5, 6, 12), (None, 6, 6), (2**62, 2**62, 1))):
        row = {
            "prompt_tokens": prompt,
            "completion_tokens": done,
            "total_tokens": total,
            "cost_usd": (0.1, None)[n % 2],
        }
        model = ("llama-3.3-70b-versatile", "no such 'model'", None)[n % 3]
        insert(path, "token_usage", id=hex_id("use", n), prompt_version_id=structure, model=model, **row)
    for n, (risk, label) in enumerate(((10, "safe"), (90, "safe"), (101, "blocked"), (55.5, "odd"))):
        insert(
            path, "security_inputs", id=hex_id("in", n), input_text=TEXTS[n], risk_score=risk, label=label, user_id="u1"
        )
