"""Write a prompter database of any size: three agents per prompt, texts as long as real ones, always the same rows."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from support import AGENTS, schema

_WORDS = [
    "write",
    "explain",
    "list",
    "with",
    "the",
    "for",
    "a",
    "clear",
    "short",
    "table",
    "of",
    "every",
    "step",
    "and",
    "check",
    "that",
    "result",
    "holds",
    "in",
    "python",
]


def write(path: Path, versions: int, seed: int = 5) -> None:
    """Write `versions` versions, a score each and a head per prompt. Changes files: creates `path`."""
    rng = random.Random(seed)
    prompts = versions // len(AGENTS)
    ids = [[f"{rng.getrandbits(128):032x}" for _ in range(1 + len(AGENTS))] for _ in range(prompts)]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + schema("G4"))
        for table, rows in (("prompts", _prompts), ("prompt_versions", _versions), ("judge_scores", _scores)):
            marks = ", ".join("?" * len(next(rows(ids[:1], random.Random(seed)))))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows(ids, rng))
        heads = ((p, rng.choice(v), 35.0, _time(n)) for n, (p, *v) in enumerate(ids))
        connection.executemany("INSERT INTO best_heads VALUES (?, ?, ?, ?)", heads)
        connection.commit()


def _prompts(ids: list[list[str]], rng: random.Random) -> Iterator[tuple]:
    for number, (prompt, *_) in enumerate(ids):
        yield prompt, f"user{number % 97}", prompt, _text(rng, 12), _time(number)


def _versions(ids: list[list[str]], rng: random.Random) -> Iterator[tuple]:
    for number, (prompt, *versions) in enumerate(ids):
        for place, (version, agent) in enumerate(zip(versions, AGENTS, strict=True), 1):
            parent = versions[place - 2] if place > 1 else None
            explanation = f'{{"agent": "{agent}"}}'
            time = _time(number, place)
            yield version, prompt, place, _text(rng, 60), explanation, agent, time, parent, "wording", 0.2


def _scores(ids: list[list[str]], rng: random.Random) -> Iterator[tuple]:
    for number, (_, *versions) in enumerate(ids):
        for place, version in enumerate(versions, 1):
            marks = [min(10.0, max(0.0, round(rng.gauss(7 + (place == 2) * 0.1, 1), 1))) for _ in range(5)]
            yield f"{rng.getrandbits(128):032x}", version, *marks, '{"summary": "judged"}', _time(number, place + 3)


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))


def _time(number: int, seconds: int = 0) -> str:
    return str(datetime(2025, 1, 1) + timedelta(seconds=60 * number + seconds))
