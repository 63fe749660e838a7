"""A judge that changes its scale, is stuck, or drifts: what the audit finds, and what is compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from support import AGENTS, DIMENSIONS, hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.audit.checks import checks

PROMPTS = 90
CHECKS = {check.id: check.query for check in checks() if check.id in ("stuck-judge", "scale-changed", "judge-drift")}
Change = Callable[[np.ndarray], np.ndarray]


def marked(root: Path, change: Change) -> Path:
    """Make 90 prompts, each with versions by three agents; `change` turns sound marks (version, mark) into others."""
    path = make_database(root / "prompter.db", prompts=0)
    rng = np.random.default_rng(4)
    prompt_level = np.repeat(rng.normal(0, 0.8, PROMPTS), len(AGENTS))[:, None]
    sound = (6 + prompt_level + rng.normal(0, 0.8, (PROMPTS * len(AGENTS), 5))).round(1).clip(0, 10)
    marks = iter(change(sound).tolist())
    prompts, versions, scores = [], [], []
    for number in range(PROMPTS):
        asked, at = hex_id("prompt", number), f"2025-11-{number // 24 + 1:02} {number % 24:02}:00:00"
        prompts.append({"id": asked, "original_text": f"Question {number}", "created_at": at})
        for place, agent in enumerate(AGENTS, 1):
            version, times = hex_id("version", number, agent), {"created_at": f"{at[:-1]}{place}"}
            words = {
                "id": version,
                "prompt_id": asked,
                "source": agent,
                "text": f"{agent} {number}",
                "version_no": place,
            }
            versions.append(words | times)
            scores.append({"prompt_version_id": version, **dict(zip(DIMENSIONS, next(marks), strict=True)), **times})
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in (("prompts", prompts), ("prompt_versions", versions), ("judge_scores", scores)):
            insert(connection, table, rows)
    return path


def shrunk(marks: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(marks))[:, None] >= 180, (marks / 10).round(2), marks)


def stuck(marks: np.ndarray) -> np.ndarray:
    return np.where(np.isin(np.arange(len(marks)), np.arange(90, 150))[:, None], [7, 6, 8, 5, 7], marks)


def drifting(marks: np.ndarray) -> np.ndarray:
    return (marks - 1.2 + np.linspace(0, 2.4, len(marks))[:, None]).clip(0, 10)  # 12 points in all


def sound(marks: np.ndarray) -> np.ndarray:
    return marks


def lazy(marks: np.ndarray) -> np.ndarray:
    return marks.round()  # whole marks only: the same ones come again and again


def one_agent_fails(marks: np.ndarray) -> np.ndarray:
    return np.where((np.arange(len(marks)) % 3 == 0)[:, None], 1.0, marks)


def one_agent_improves(marks: np.ndarray) -> np.ndarray:
    gain = np.where(np.arange(len(marks)) % 3 == 0, np.linspace(0, 2, len(marks)), 0)
    return (marks + gain[:, None]).clip(0, 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (shrunk, "scale-changed"),
        (stuck, "stuck-judge"),
        (drifting, "judge-drift"),
        (sound, None),
        (lazy, None),
        (one_agent_fails, None),
        (one_agent_improves, None),
    ],
)
def test_the_audit_finds_a_change_of_the_judge_and_nothing_in_sound_scores(tmp_path, change, found):
    with attach(marked(tmp_path, change)) as db, db.session() as connection:
        hits = {name: len(connection.execute(query).fetchall()) for name, query in CHECKS.items()}
    assert {name: n for name, n in hits.items() if n} == ({found: 1} if found else {})


@pytest.mark.slow
def test_scores_of_two_scales_are_never_pooled(tmp_path):
    with attach(marked(tmp_path, shrunk)) as db:
        rows = db.frame("scored_versions")
        large, small = (analysis.effectiveness(db, scale=scale) for scale in ("judge", "unit"))
    assert rows.groupby("scale").size().to_dict() == {"judge": 180, "unit": 90}
    raw = rows[rows.scale == "judge"].groupby("source").raw_total.mean()
    assert {a.agent: a.mean_total for a in large.agents} == pytest.approx(raw.to_dict())
    tenfold = rows[rows.scale == "unit"].groupby("source").raw_total.mean() * 10
    assert {a.agent: a.mean_total for a in small.agents} == pytest.approx(tenfold.to_dict())
    assert [pair.n for pair in large.pairs] == [60] * 3
    assert [pair.n for pair in small.pairs] == [30] * 3
    assert any("90 versions have scores of 0–1" in detail for detail in large.details)


@pytest.mark.slow
def test_the_marks_of_a_stuck_judge_are_left_out_and_counted(tmp_path):
    with attach(marked(tmp_path, stuck)) as db:
        found = analysis.effectiveness(db)
    assert [pair.n for pair in found.pairs] == [70] * 3
    assert found.version_use["other_scale"] == 60
    assert any("60 have the same scores in a row" in detail for detail in found.details)


def test_a_choice_of_prompts_does_not_change_the_scale_of_a_score(tmp_path):
    with attach(marked(tmp_path, stuck)) as db:
        scales = "SELECT version_id, scale FROM scored_versions ORDER BY version_id"
        everything = dict(db.sql(scales).fetchall())
        with db.filter(since="2025-11-03") as some:  # two of the prompts: only 6 scores in a row
            chosen = dict(some.sql(scales).fetchall())
            stored = db.sql("SELECT count(*) FROM scored_versions WHERE scale = 'stuck'").fetchall()[0][0]
    assert stored == 60
    assert sum(scale == "stuck" for scale in chosen.values()) == 6
    assert chosen == {version: everything[version] for version in chosen}


def test_a_drift_is_said_and_leaves_the_pairs_of_a_prompt_comparable(tmp_path):
    with attach(marked(tmp_path, drifting)) as db:
        found = analysis.effectiveness(db)
    assert [pair.n for pair in found.pairs] == [90] * 3
    assert any("moved by +" in detail for detail in found.details)
