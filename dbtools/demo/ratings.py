"""Make the demo project's blind ratings, from a seed of their own: a tie, a skipped pair, and an answer taken back."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import combinations

from dbtools.database.ratings import Rating, undo_line
from dbtools.demo.rows import AGENTS, Tables, dashed

_SEED = 18
_FIRST = datetime(2025, 12, 3, 15, 20, tzinfo=UTC)
_PREFERENCE = 0.75  # for the text of the agent that leads by score
_LEADER = "structure"
_EVERY = 2  # of three pairs of agents, so many are rated in each prompt
_SPECIAL = {4: "skip", 9: "tie"}
_UNDONE = 12


def lines(tables: Tables) -> list[str]:
    """Return the lines of the file of ratings."""
    rng = random.Random(_SEED)  # noqa: S311 - a demo needs repeatable numbers, not secret ones
    made: list[str] = []
    for number, (left, right) in enumerate(_pairs(tables, rng)):
        rater = ("demo_writer", "demo_admin")[number % 3 == 2]
        time = _FIRST + timedelta(seconds=41 * number)
        if _LEADER in (left["source"], right["source"]):
            better = "left" if (left["source"] == _LEADER) == (rng.random() < _PREFERENCE) else "right"
        else:
            better = rng.choice(("left", "right"))
        rating = Rating(
            id=f"{rng.getrandbits(64):016x}",
            time=time,
            rater=rater,
            prompt=dashed(left["prompt_id"]),
            left=dashed(left["id"]),
            right=dashed(right["id"]),
            choice=_SPECIAL.get(number, better),
            seconds=round(rng.uniform(4, 35), 1),
            order="ab" if left["source"] < right["source"] else "ba",
        )
        made.append(json.dumps(rating.to_line()))
        if number == _UNDONE:
            undo = undo_line(f"{rng.getrandbits(64):016x}", rater, rating.id, time + timedelta(seconds=3))
            made.append(json.dumps(undo))
    return made


def _pairs(tables: Tables, rng: random.Random) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return pairs of versions of the real prompts, sides drawn at random."""
    last: dict[str, dict[str, dict[str, str]]] = {}
    for version in tables["prompt_versions"]:
        if version["source"] in AGENTS and not version["text"].endswith(" agent]"):
            last.setdefault(version["prompt_id"], {})[version["source"]] = version
    found = []
    for place, versions in enumerate(last.values()):
        pairs = [pair for pair in combinations(AGENTS, 2) if set(pair) <= versions.keys()]
        for shift in range(min(_EVERY, len(pairs))):
            sides = list(pairs[(place + shift) % len(pairs)])
            rng.shuffle(sides)
            found.append((versions[sides[0]], versions[sides[1]]))
    return found
