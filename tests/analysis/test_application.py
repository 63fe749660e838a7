from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from support import DIMENSIONS, hex_id, insert, make_database

from dbtools import analysis, attach


def loop(path):
    """Count as the application does: a query per version, the first score found, a head that is this version."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        for version, prompt, source in connection.execute(
            "SELECT id, prompt_id, source FROM prompt_versions"
        ).fetchall():
            stats = found.setdefault(source, {"versions": 0, "wins": 0, "totals": []})
            stats["versions"] += 1
            query = f"SELECT {', '.join(DIMENSIONS)} FROM judge_scores WHERE prompt_version_id = ? ORDER BY rowid"
            score = connection.execute(query, [version]).fetchone()
            if score:
                stats["totals"].append(sum(score))
            query = "SELECT count(*) FROM best_heads WHERE prompt_id = ? AND prompt_version_id = ?"
            stats["wins"] += connection.execute(query, [prompt, version]).fetchone()[0]
    return found


def assert_equal_to_loop(path):
    with attach(path) as db:
        stats = analysis.application_stats(db)
    expected = loop(path)
    assert {s.source for s in stats.sources} == set(expected)
    for one in stats.sources:
        own = expected[one.source]
        assert (one.versions, one.wins, one.scored) == (own["versions"], own["wins"], len(own["totals"]))
        assert one.win_rate == pytest.approx(own["wins"] / own["versions"])
        mean = sum(own["totals"]) / len(own["totals"]) if own["totals"] else None
        assert one.mean_total == (pytest.approx(mean) if mean is not None else None)
    return stats


@pytest.mark.slow
def test_the_field_case_counts_as_the_application_would(field):
    stats = assert_equal_to_loop(field / "prompter.db")
    assert stats.frame.set_index("source").loc["synthetic_generator", "mean_total"] == pytest.approx(350.56, abs=0.005)
    assert "no evidence" in stats._repr_html_()
    assert stats.to_dict()["sources"][0]["source"] == "domain"


def test_scores_that_repeat_or_are_missing_count_as_the_application_counts_them(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=3)
    again = hex_id("version", 1, "syntax")
    insert(
        path, "judge_scores", prompt_version_id=again, created_at="2020-01-01 00:00:00", **dict.fromkeys(DIMENSIONS, 1)
    )
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 2), source="original", version_no=9)
    assert_equal_to_loop(path)
