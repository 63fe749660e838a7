from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from planted_samples import paired_sums_of
from scipy import stats
from support import DIMENSIONS, make_database

from dbtools import attach
from dbtools.analysis.pairs import LISTED, compare, contest_differences, paired_sums
from dbtools.analysis.query import RowFilter, select_entries, working_table

CHOSEN = RowFilter(("real",), "judge")


def scored(path, prompts, texts):
    """Build a database whose marks are random and whose prompts repeat `texts` texts."""
    make_database(path, prompts=prompts)
    rng = np.random.default_rng(prompts)
    with closing(sqlite3.connect(path)) as connection, connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM judge_scores ORDER BY id")]
        marks = rng.integers(8, 19, (len(ids), 5)) / 2
        setters = ", ".join(f"{d} = ?" for d in DIMENSIONS)
        connection.executemany(
            f"UPDATE judge_scores SET {setters} WHERE id = ?",
            [(*map(float, row), one) for row, one in zip(marks, ids, strict=True)],
        )
        asked = [(f"Text {rng.integers(texts)}", row[0]) for row in connection.execute("SELECT id FROM prompts")]
        connection.executemany("UPDATE prompts SET original_text = ? WHERE id = ?", asked)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "texts"), [(12, 8), (60, 30), (1_300, 10_000)])
def test_the_sums_of_the_database_give_what_the_rows_give(tmp_path, prompts, texts):
    with attach(scored(tmp_path / "prompter.db", prompts, texts)) as db:
        with working_table(db, None) as connection:
            select_entries(connection, CHOSEN)
            found = {(p.a, p.b): p for p in compare(paired_sums(connection, CHOSEN))}
        rows = db.frame("contests")
    wide = rows.pivot(index="prompt_id", columns="agent", values="total")
    group = rows.groupby("prompt_id")["prompt_key"].first().loc[wide.index].factorize()[0]
    expected = {(p.a, p.b): p for p in compare(paired_sums_of({a: wide[a].to_numpy() for a in wide}, group))}
    assert set(found) == set(expected)
    for names, pair in found.items():
        d = wide[names[0]] - wide[names[1]]
        assert (pair.n, pair.clusters) == (prompts, len(set(group)))
        assert pair.difference == pytest.approx(d.mean())
        assert pair.effect == pytest.approx(d.mean() / d.std())
        assert pair.superiority == pytest.approx((d > 0).mean() + (d == 0).mean() / 2)
        interval = stats.t.interval(0.95, prompts - 1, d.mean(), d.sem())
        assert (pair.low, pair.high) == pytest.approx(interval)
        # The random patterns flip the texts in the order they come in: each order has a slightly different interval.
        slack = 0 if pair.method == "exact" else 0.02 * (interval[1] - interval[0])
        assert (pair.low_clustered, pair.high_clustered) == pytest.approx(
            (expected[names].low_clustered, expected[names].high_clustered), abs=max(slack, 1e-9)
        )
        means = d.groupby(group).mean()
        assert pair.p_wilcoxon == pytest.approx(stats.wilcoxon(means[means != 0]).pvalue, abs=1e-6)
        assert pair.method == (
            "normal" if len(set(group)) > LISTED else "exact" if len(set(group)) <= 16 else "monte carlo"
        )
        assert pair.p_exact == pytest.approx(expected[names].p_exact, abs=1e-12 if pair.method == "exact" else 0.015)


@pytest.mark.slow
def test_one_contest_per_text_leaves_no_clusters(tmp_path):
    with attach(scored(tmp_path / "prompter.db", 40, 15)) as db, working_table(db, None) as connection:
        select_entries(connection, CHOSEN)
        (first, *_) = compare(paired_sums(connection, CHOSEN, distinct=True))
    assert first.n == first.clusters <= 15


def test_a_pair_can_be_seen_from_either_side():
    rng = np.random.default_rng(3)
    (pair,) = compare(paired_sums_of({"a": rng.normal(1, 1, 20), "b": rng.normal(0, 1, 20)}, np.arange(20) // 2))
    (turned,) = compare(paired_sums_of({"a": rng.normal(0, 1, 20), "b": rng.normal(1, 1, 20)}, np.arange(20) // 2))
    assert (pair.a, turned.a) == ("a", "b")
    back = pair.seen_by("b")
    assert (back.a, back.b, back.difference, back.low) == ("b", "a", -pair.difference, -pair.high)
    assert back.superiority == pytest.approx(1 - pair.superiority)
    assert back.seen_by("a") == pair


def test_which_agent_is_named_first_changes_no_evidence():
    rng = np.random.default_rng(9)
    better, worse, group = rng.normal(1, 1, 30), rng.normal(0, 1, 30), np.arange(30) // 2
    (one,) = compare(paired_sums_of({"a": better, "z": worse}, group))
    (other,) = compare(paired_sums_of({"a": worse, "z": better}, group))
    assert (one.a, other.a) == ("a", "z")
    for name in ("difference", "low", "high_clustered", "p_exact", "p_wilcoxon", "superiority", "mde"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


@pytest.mark.slow
def test_one_contest_per_text_is_the_first_in_which_both_took_part(tmp_path):
    path = scored(tmp_path / "prompter.db", 60, 12)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM prompt_versions WHERE source = 'syntax' AND rowid % 2 = 0")
    with attach(path) as db, working_table(db, None) as connection:
        select_entries(connection, CHOSEN)
        found = {(s.a, s.b): s.sums.n for s in paired_sums(connection, CHOSEN, distinct=True)}
        rows = db.frame("contests")
    for (a, b), n in found.items():
        both = set(rows[rows["agent"] == a]["prompt_id"]) & set(rows[rows["agent"] == b]["prompt_id"])
        assert n == rows[rows["prompt_id"].isin(both)]["prompt_key"].nunique()


@pytest.mark.slow
def test_the_single_contests_are_those_of_the_rows_in_time_order(tmp_path):
    path = scored(tmp_path / "prompter.db", 30, 12)
    rng = np.random.default_rng(30)
    with closing(sqlite3.connect(path)) as connection, connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM prompt_versions ORDER BY id")]
        changed = [(f"2025-12-{1 + rng.integers(28):02} 10:00:00", "word " * rng.integers(1, 40), one) for one in ids]
        connection.executemany("UPDATE prompt_versions SET created_at = ?, text = ? WHERE id = ?", changed)
        frame = pd.read_sql_query(
            "SELECT p.id, p.original_text AS asked, v.source, v.created_at, length(v.text) AS size, s.clarity + "
            "s.specificity + s.actionability + s.structure + s.context_use AS total FROM prompts AS p JOIN "
            "prompt_versions AS v ON v.prompt_id = p.id JOIN judge_scores AS s ON s.prompt_version_id = v.id",
            connection,
        )
    with attach(path) as db, working_table(db, None) as connection:
        select_entries(connection, CHOSEN)
        found = contest_differences(connection, CHOSEN, paired_sums(connection, CHOSEN))["structure", "syntax"]
    both = frame[frame.source == "structure"].merge(frame[frame.source == "syntax"], on=["id", "asked"])
    both["late"], both["d"] = both[["created_at_x", "created_at_y"]].max(axis=1), both.total_x - both.total_y
    both["ratio"] = np.log(both.size_x / both.size_y)
    days = both.groupby("late").agg(d=("d", sorted), ratio=("ratio", sorted), asked=("asked", "nunique")).sort_index()
    ends = both.groupby("late").size().sort_index().cumsum().to_numpy()
    for start, end, (_, day) in zip([0, *ends], ends, days.iterrows(), strict=False):
        assert sorted(found.differences[start:end]) == pytest.approx(day.d)
        assert sorted(found.ratios[start:end]) == pytest.approx(day.ratio)
        assert len(set(found.clusters[start:end])) == day.asked
