"""Make the rows of the demo project's databases, from a seeded generator: no clock, no other chance."""

from __future__ import annotations

import base64
import json
import random
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

from dbtools.database.schema import DIMENSIONS

Row = dict[str, Any]
Tables = dict[str, list[Row]]

AGENTS = ("syntax", "structure", "domain")

# The true advantage of each agent per dimension, on the judge's 0-10 scale: structure leads by two of fifty.
_ADVANTAGE = {
    "syntax": (0.0, 0.0, 0.0, 0.0, 0.0),
    "structure": (0.5, 0.2, 0.5, 0.8, 0.0),
    "domain": (0.0, 0.4, 0.0, 0.0, 0.6),
}
_WRITER, _JUDGE = "llama-3.3-70b-versatile", "llama-3.1-8b-instant"
_USD_PER_TOKEN = {_WRITER: (0.59e-6, 0.79e-6), _JUDGE: (0.05e-6, 0.08e-6)}

# Small defects, by the number of the prompt, so that an audit has something to find.
_CHILD_OLDER_THAN_PARENT = 5
_HEAD_SCORE_DIFFERS = 7
_HEAD_NOT_BEST = (3, 8)
# A prompt that did not come through the multi-agent path.
_WITHOUT_REQUEST = 6
# A prompt that was worked on for three days: a chain of eight versions, and one call that failed and was repeated.
_REVISED = 10
# The agents of which the test data generator wrote versions, per prompt.
_GENERATED = (("domain", "structure"), ("syntax", "structure"), ("syntax",), ("domain",))


@dataclass(frozen=True)
class _Asked:
    """One prompt to make: what was asked and answered, when, and how long each step took."""

    number: int
    entry: Row
    generated: bool
    at: datetime
    step: timedelta

    def after(self, steps: int) -> str:
        return stamp(self.at + self.step * steps)


@cache
def texts() -> Row:
    """Return the demo's texts. Reads only."""
    loaded: Row = json.loads(data("texts.json"))
    return loaded


def data(name: str) -> str:
    """Return one of the demo's data files. Reads only."""
    return (Path(__file__).with_name("data") / name).read_text(encoding="utf-8")


def new_id(rng: random.Random) -> str:
    """Return a version 4 UUID as SQLite holds it: 32 hexadecimal digits."""
    return uuid.UUID(int=rng.getrandbits(128), version=4).hex


def dashed(identifier: str) -> str:
    """Return an id as CSV files write it."""
    return str(uuid.UUID(identifier))


def stamp(moment: datetime) -> str:
    """Return a time as SQLite holds it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def prompter(rng: random.Random) -> Tables:
    """Return the rows of prompter.db per table, parents first."""
    tables: Tables = {name: [] for name in ("prompts", "prompt_versions", "judge_scores", "best_heads")}
    for asked in _real(rng) + _generated():
        _add_prompt(tables, rng, asked)
    tables["token_usage"] = [row for version in tables["prompt_versions"] for row in _calls(rng, version)]
    tables["user_feedback"] = _feedback(rng, tables)
    tables["security_inputs"] = _security(rng)
    return tables


def head(tables: Tables, prompt: Row) -> Row:
    """Return the version that is recorded as the best of a prompt."""
    best = {row["prompt_id"]: row["prompt_version_id"] for row in tables["best_heads"]}
    return next(row for row in tables["prompt_versions"] if row["id"] == best[prompt["id"]])


def users() -> list[Row]:
    """Return the rows of auth_system.db: accounts nobody can sign in to, with a plain sentence as "hash"."""
    salt, sentence = (
        base64.b64encode(part).rstrip(b"=").decode()
        for part in (b"demo, no salt...", b"demo only: this is no real hash.")
    )
    made = stamp(datetime(2025, 9, 1, 8, 30, 0, 125_000))
    return [
        {
            "id": number,
            "username": name,
            "email": f"{name}@example.org",
            "hashed_password": f"$argon2id$v=19$m=65536,t=3,p=4${salt}${sentence}",
            "is_active": True,
            "is_verified": True,
            "created_at": made,
            "failed_login_attempts": 0,
            "last_password_change": made,
            "two_factor_enabled": False,
            "login_ip_history": "[]",
        }
        for number, name in enumerate(("demo_admin", "demo_writer"), start=1)
    ]


def _real(rng: random.Random) -> list[_Asked]:
    first = datetime(2025, 9, 3)
    asked = []
    for number, entry in enumerate(texts()["prompts"]):
        at = first + timedelta(days=8 * number, hours=8, microseconds=rng.randrange(10 * 3600 * 10**6))
        step = timedelta(seconds=2, microseconds=rng.randrange(10**6))
        asked.append(_Asked(number, entry, False, at, step))
    return asked


def _generated() -> list[_Asked]:
    """Return prompts with the marks of a test data generator: names, endings, all within one second."""
    first, millisecond = datetime(2025, 11, 25, 1, 10, 44, 361_000), timedelta(milliseconds=1)
    asked = []
    for place, number in enumerate(range(len(texts()["prompts"]), 15)):
        text = texts()["generated"][place % 2]
        entry = {agent: f"{text} [Enhanced by {agent} agent]" for agent in _GENERATED[place]}
        entry |= {"text": text, "user": f"test_user_{place + 1}"}
        asked.append(_Asked(number, entry, True, first + 40 * place * millisecond, millisecond))
    return asked


def _add_prompt(tables: Tables, rng: random.Random, asked: _Asked) -> None:
    prompt = {
        "id": new_id(rng),
        "user_id": asked.entry["user"],
        "request_id": dashed(new_id(rng)),
        "original_text": asked.entry["text"],
        "created_at": stamp(asked.at),
    }
    if asked.generated or asked.number == _WITHOUT_REQUEST:
        prompt["request_id"] = None
    tables["prompts"].append(prompt)
    # Every order of the agents occurs, so that an agent's place in the chain does not stand in for its skill.
    order = [agent for agent in list(permutations(AGENTS))[asked.number % 6] if agent in asked.entry]
    versions: list[Row] = []
    for agent in order:
        versions.append(_version(rng, asked, prompt, agent, asked.entry[agent], versions))
    level = rng.gauss(6.9, 0.4)
    scores = [_score(rng, asked, version, level) for version in versions]
    if asked.number == _REVISED:
        for hours, agent, text in texts()["revisions"]:
            later = replace(asked, at=asked.at + timedelta(hours=hours))
            versions.append(_version(rng, later, prompt, agent, text, versions))
            now = 0.5 if text == texts()["failure"] else level + hours / 60  # the judge is not told that a call failed
            scores.append(_score(rng, later, versions[-1], now))
        asked = later
    tables["prompt_versions"] += versions
    tables["judge_scores"] += scores
    tables["best_heads"].append(_best_head(asked, prompt, scores))


def _version(rng: random.Random, asked: _Asked, prompt: Row, agent: str, text: str, before: list[Row]) -> Row:
    version_no = len(before) + 1
    steps = (1, 3, 2)[len(before)] if asked.number == _CHILD_OLDER_THAN_PARENT else version_no
    explanation: Row = {"agent": agent, "improvements": rng.sample(texts()["improvements"][agent], 2)}
    if asked.generated:
        explanation = {"synthetic": True, "generated_at": (asked.at + asked.step * steps).isoformat()}
    parent = next((row for row in reversed(before) if row["text"] != texts()["failure"]), None)
    change_type, magnitude = _change(parent["text"], text) if parent else ("other", 0.0)
    return {
        "id": new_id(rng),
        "prompt_id": prompt["id"],
        "version_no": version_no,
        "text": text,
        "explanation": json.dumps(explanation),
        "source": agent,
        "created_at": asked.after(steps),
        "parent_version_id": parent["id"] if parent else None,
        "change_type": change_type,
        "change_magnitude": magnitude,
    }


def _change(before: str, after: str) -> tuple[str, float]:
    magnitude = round(1 - SequenceMatcher(None, before, after, autojunk=False).ratio(), 4)
    if ("\n" in before) != ("\n" in after):
        return "structure", magnitude
    ratio = max(len(before), len(after)) / min(len(before), len(after))
    return ("length" if ratio > 1.25 else "wording"), magnitude


def _score(rng: random.Random, asked: _Asked, version: Row, level: float) -> Row:
    agent = version["source"]
    feedback: Row = {"summary": rng.choice(texts()["summaries"][agent])}
    if asked.generated:
        feedback = {"synthetic": True, "agent": agent}
    marks = [level + plus + rng.gauss(0, 0.6) for plus in _ADVANTAGE[agent]]
    # A judge gives whole and half marks.
    halves = [min(10.0, max(0.0, round(2 * mark) / 2)) for mark in marks]
    return {
        "id": new_id(rng),
        "prompt_version_id": version["id"],
        **dict(zip(DIMENSIONS, halves, strict=True)),
        "feedback": json.dumps(feedback),
        "created_at": asked.after(3 + version["version_no"]),
    }


def _best_head(asked: _Asked, prompt: Row, scores: list[Row]) -> Row:
    totals = [(sum(score[name] for name in DIMENSIONS), score["prompt_version_id"]) for score in scores]
    ranked = sorted(totals, key=lambda pair: -pair[0])
    total, version_id = ranked[1 if asked.number in _HEAD_NOT_BEST else 0]
    return {
        "prompt_id": prompt["id"],
        "prompt_version_id": version_id,
        "score": total - 3.5 if asked.number == _HEAD_SCORE_DIFFERS else total,
        "updated_at": asked.after(7),
    }


def _calls(rng: random.Random, version: Row) -> list[Row]:
    """Return the call that wrote a version and the call that judged it; generated and failed ones cost nothing."""
    if version["text"].endswith(" agent]") or version["text"] == texts()["failure"]:
        return []
    length = len(version["text"]) // 4
    tokens = {
        _WRITER: (180 + rng.randrange(60), length + rng.randrange(20)),
        _JUDGE: (240 + length, 90 + rng.randrange(50)),
    }
    return [
        {
            "id": new_id(rng),
            "prompt_version_id": version["id"],
            "prompt_tokens": read,
            "completion_tokens": wrote,
            "total_tokens": read + wrote,
            "model": model,
            "cost_usd": round(read * _USD_PER_TOKEN[model][0] + wrote * _USD_PER_TOKEN[model][1], 8),
            "created_at": version["created_at"],
        }
        for model, (read, wrote) in tokens.items()
    ]


def _feedback(rng: random.Random, tables: Tables) -> list[Row]:
    asked = [prompt for prompt in tables["prompts"] if prompt["request_id"]]
    rows = []
    for prompt, choice in zip(asked, ["multi", "multi", "original", "multi", "single"] * 2, strict=True):
        winner = head(tables, prompt)["source"]
        credited = {"multi": winner, "single": "template", "original": "none"}[choice]
        at = datetime.fromisoformat(prompt["created_at"]) + timedelta(seconds=rng.randrange(60, 900))
        rows.append(
            {
                "id": new_id(rng),
                "request_id": prompt["request_id"],
                "user_id": prompt["user_id"] or "anonymous",
                "prompt_id": prompt["id"],
                "user_choice": choice,
                "judge_winner": winner,
                "agent_winner": credited,
                "judge_correct": winner == credited,
                "created_at": stamp(at),
            }
        )
    return rows


def _security(rng: random.Random) -> list[Row]:
    rows = []
    for number, (text, risk, label) in enumerate(texts()["security"]):
        at = datetime(2025, 11, 20, 9) + timedelta(hours=17 * number, microseconds=rng.randrange(10**6))
        details = json.dumps({"filter": "rules", "hits": int(risk // 20)})
        rows.append(
            {
                "id": new_id(rng),
                "user_id": texts()["prompts"][number % 6]["user"],
                "input_text": text,
                "risk_score": risk,
                "label": label,
                "is_blocked": label == "blocked",
                "analysis_metadata": details if label != "safe" else None,
                "created_at": stamp(at),
            }
        )
    return rows
