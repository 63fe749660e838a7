"""Projects as the application writes them: versions with their agents' own marks, and no scores of a judge."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from support import AGENTS, DIMENSIONS, hex_id, insert, schema

from dbtools.database.ratings import Rating, append

NOW = datetime(2025, 12, 5, 10, 30, tzinfo=UTC)


def own_marks_project(root: Path, prompts: int = 12, agents: Sequence[str] = AGENTS, seed: int = 1) -> Path:
    """Build a project of prompts that all agents answered; the head is the version with the highest own mark."""
    rng = random.Random(seed)
    root.mkdir(exist_ok=True)
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        connection.executescript(schema())
        for number in range(prompts):
            prompt, at = hex_id("prompt", number), f"2025-11-{1 + number % 28:02d} 09:00:00.000000"
            insert(connection, "prompts", id=prompt, user_id="u", original_text=f"question {number}", created_at=at)
            marks = {agent: rng.choice([12.0, 14.0, 16.0, 18.0]) for agent in agents}
            for place, agent in enumerate(agents):
                version = hex_id("version", number, agent)
                insert(
                    connection,
                    "prompt_versions",
                    id=version,
                    prompt_id=prompt,
                    version_no=place + 1,
                    source=agent,
                    text=f"Answer {place} to question {number}.",
                    explanation="{}",
                    created_at=at,
                )
                feedback = json.dumps({"agent": agent, "confidence": 0.8})
                score = dict.fromkeys(DIMENSIONS, marks[agent])
                insert(connection, "judge_scores", prompt_version_id=version, feedback=feedback, created_at=at, **score)
            best = max(agents, key=lambda agent: (marks[agent], agent))
            head = hex_id("version", number, best)
            insert(connection, "best_heads", prompt_id=prompt, prompt_version_id=head, score=1.0, updated_at=at)
    return root


def rate(
    root: Path,
    number: int,
    one: str,
    other: str,
    choice: str,
    *,
    rater: str = "ann",
    name: str = "",
    swap: bool = False,
) -> Rating:
    """Add the rating of two agents' versions of a prompt; `choice` names an agent, or is ``tie`` or ``skip``."""
    a, b = sorted((one, other))
    left, right = (b, a) if swap else (a, b)
    made = Rating(
        id=name or f"{rater} {number} {one} {other} {swap}",
        time=NOW,
        rater=rater,
        prompt=_dashed(hex_id("prompt", number)),
        left=_dashed(hex_id("version", number, left)),
        right=_dashed(hex_id("version", number, right)),
        choice={left: "left", right: "right"}.get(choice, choice),
        seconds=3.0,
        order="ba" if swap else "ab",
    )
    append(root / "ratings.jsonl", made.to_line())
    return made


def answer(root: Path, pair: object, rater: str, choose: Callable[[str, str], str], name: str) -> None:
    """Rate a pair that `next_pair` gave; `choose` gets the texts and returns left, right, tie or skip."""
    choice = choose(pair.left_text, pair.right_text)
    line = Rating(name, NOW, rater, pair.prompt_id, pair.left, pair.right, choice, 2.0, pair.order)
    append(root / "ratings.jsonl", line.to_line())


def _dashed(identifier: str) -> str:
    return f"{identifier[:8]}-{identifier[8:12]}-{identifier[12:16]}-{identifier[16:20]}-{identifier[20:]}"
