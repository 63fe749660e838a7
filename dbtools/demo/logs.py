"""Make the rows of the demo project's old CSV logs, around rows of its database."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dbtools.demo.rows import AGENTS, Row, Tables, dashed, head, new_id, texts

_REQUEST = (
    *("request_id", "timestamp", "original_prompt", "final_prompt", "selected_agent", "decision_rationale"),
    *(f"{agent}_{part}" for agent in AGENTS for part in ("score", "confidence", "suggestions", "improved")),
    "vote_breakdown",
)
_VERSION = ("prompt_id", "version_no", "version_uuid", "text", "source", "explanation", "timestamp")


def requests(rng: random.Random, tables: Tables) -> list[Sequence[Any]]:
    """Return header and rows of the old request log: three requests the database holds, two it does not."""
    rows: list[Sequence[Any]] = [_REQUEST]
    for number in (1, 4, 7):
        prompt, entry = tables["prompts"][number], texts()["prompts"][number]
        at = datetime.fromisoformat(prompt["created_at"])
        rows.append(_request(rng, prompt["request_id"], at, head(tables, prompt)["source"], entry))
    for number, entry in enumerate(texts()["requests"]):
        at = datetime(2025, 11, 11 + 3 * number, 12, 19, 58, 70_211)
        rows.append(_request(rng, dashed(new_id(rng)), at, entry["selected"], entry))
    return rows


def versions(rng: random.Random, tables: Tables) -> list[Sequence[Any]]:
    """Return header and rows of the old version log.

    Six rows are nowhere in the database. The versions of eight prompts are there under their ids, those of
    two more with the same texts under other ids.
    """
    rows: list[Sequence[Any]] = [_VERSION]
    for number, entry in enumerate(texts()["lost"]):
        lost_id, first = new_id(rng), datetime(2025, 9, 1 + number, 15, 6, 20, 410_377)
        for place, agent in enumerate(AGENTS):
            at = first + timedelta(seconds=4 * place)
            rows.append(_version(lost_id, place, new_id(rng), entry[agent], agent, at))
    known = {prompt["id"]: prompt["id"] for prompt in tables["prompts"][:8]}
    renamed = {prompt["id"]: new_id(rng) for prompt in tables["prompts"][8:10]}
    for row in tables["prompt_versions"]:
        prompt_id = (known | renamed).get(row["prompt_id"])
        if prompt_id:
            version_id = row["id"] if row["prompt_id"] in known else new_id(rng)
            at = datetime.fromisoformat(row["created_at"])
            # This log counts versions from 0, the database from 1.
            rows.append(_version(prompt_id, row["version_no"] - 1, version_id, row["text"], row["source"], at))
    return rows


def _version(prompt_id: str, version_no: int, version_id: str, text: str, agent: str, at: datetime) -> Sequence[Any]:
    notes = json.dumps({"bullets": texts()["improvements"][agent], "diffs": []})
    return (dashed(prompt_id), version_no, dashed(version_id), text, agent, notes, at.isoformat())


def _request(rng: random.Random, request_id: str, at: datetime, selected: str, entry: Row) -> Sequence[Any]:
    votes: dict[str, float] = {}
    cells: list[Any] = []
    rationale = ""
    for agent in AGENTS:
        score, confidence = float(rng.randrange(5, 7)), 0.8
        if agent == selected:
            score, confidence = score + 2, 0.9
        hints = texts()["improvements"][agent]
        if entry[agent] == entry["text"]:
            # What the agents stored when the model's answer could not be read.
            score, confidence, hints = 5.0, 0.5, ["Unable to generate improvements"]
        votes[agent] = round(score * confidence, 2)
        cells += [score, confidence, json.dumps(hints), entry[agent]]
        if agent == selected:
            rationale = (
                f"Selected {agent} (weighted score: {votes[agent]:.2f}). "
                f"Analysis score: {score}/10, Confidence: {confidence:.0%}"
            )
    start = (request_id, at.isoformat(), entry["text"], entry[selected], selected, rationale)
    return (*start, *cells, json.dumps(votes))
