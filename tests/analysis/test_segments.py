from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support import DIMENSIONS, hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.analysis.segments import (
    Segments,
    benjamini_hochberg,
    compare_segments,
    mixture_quantile,
    permutation_p,
    shrink,
)
from dbtools.errors import ParameterError

PROMPTS = 60


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents in 60 prompts of three users: structure leads by 2, but for bo, where it trails by 2."""
    path = make_database(tmp_path_factory.mktemp("segments") / "prompter.db", prompts=0)
    rng, prompts, versions, scores = np.random.default_rng(3), [], [], []
    texts = (
        "What is rain {}?",
        "Write a poem no. {}",
        "```\nprint({})\n```",
        "Steps {}:\n- one\n- two",
        "Что такое {}",
    )
    for number in range(PROMPTS):
        prompt, user = hex_id("prompt", number), ("al", "bo", "cy")[number % 3]
        text = texts[number % 5].format(number) + " 1234 5678 90" * (number % 4)
        at = f"2025-{number // 30 + 1:02}-05 10:00:00"
        prompts.append({"id": prompt, "user_id": user, "original_text": text, "created_at": at})
        for place, agent in enumerate(("syntax", "structure"), 1):
            version = hex_id("version", number, agent)
            words = {"id": version, "prompt_id": prompt, "source": agent, "version_no": place}
            versions.append({**words, "text": f"{agent} {number}"})
            lead = 0.0 if agent == "syntax" else -2.0 if user == "bo" else 2.0
            marks = np.full(5, 6 + lead / 5) + rng.normal(0, 0.2, 5)
            scores.append({"prompt_version_id": version, **dict(zip(DIMENSIONS, marks.tolist(), strict=True))})
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in (("prompts", prompts), ("prompt_versions", versions), ("judge_scores", scores)):
            insert(connection, table, rows)
    return path


@pytest.mark.slow
def test_the_segments_of_users_have_their_own_means_and_the_reversal_is_named(path):
    with attach(path) as db:
        found = analysis.segments(db, by="user")
        rows = db.frame("scored_versions").merge(
            db.frame("prompts")[["id", "user_id"]], left_on="prompt_id", right_on="id"
        )
    wide = rows.pivot_table(index=["user_id", "prompt_id"], columns="source", values="total")
    expected = (wide["structure"] - wide["syntax"]).groupby("user_id").mean()
    assert (found.leader, found.rival) == ("structure", "syntax")
    assert dict(zip(found.frame.segment, found.frame.difference, strict=True)) == pytest.approx(expected.to_dict())
    assert found.frame.n.sum() == PROMPTS
    assert found.p < 0.01
    assert found.sentence.startswith("By user, syntax is ahead of structure in bo (by ")
    assert len(found.sentence.split()) <= 25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("month", {"2025-01", "2025-02"}),
        ("form", {"a question", "other", "with code", "with a list"}),
        ("script", {"Latin", "Cyrillic"}),
    ],
)
def test_segments_that_do_not_matter_are_named_and_nothing_is_claimed(path, by, names):
    with attach(path) as db:
        found = analysis.segments(db, by=by)
    assert set(found.frame.segment) == names
    assert not found.differ
    assert found.sentence.startswith("No evidence")


@pytest.mark.slow
def test_lengths_are_divided_into_thirds(path):
    with attach(path) as db:
        found = analysis.segments(db, by="length").frame
        lengths = db.frame("prompts").text_length
    assert found.segment.str.startswith("up to").sum() == found.segment.str.startswith("more than").sum() == 1
    assert found.n.sum() == len(lengths)
    assert found.n.min() >= len(lengths) / 5


@pytest.mark.slow
def test_labels_of_ones_own_divide_as_well_and_what_they_leave_out_is_counted(path):
    with attach(path) as db:
        prompts = db.frame("prompts")
        labels = pd.DataFrame({"prompt_id": prompts.id, "topic": np.where(prompts.user_id == "bo", "law", "art")})
        found = analysis.segments(db, by=labels[:45])
        with pytest.raises(ParameterError, match="no labels of prompts"):
            analysis.segments(db, by=labels[["topic"]])
        with pytest.raises(ParameterError, match="use one of user, month"):
            analysis.segments(db, by="weather")
        with pytest.raises(ParameterError, match="Agents are a list"):
            analysis.segments(db, agents="syntax")
    assert found.by == "topic"
    assert [s.segment for s in found.reversed] == ["law"]
    assert found.outside == 15


def test_without_two_agents_or_two_segments_the_sentence_says_so():
    assert "no two agents" in Segments("user", "", "", (), None, 0, "real").sentence
    small, p = compare_segments([1.0] * 8, range(8), ["a"] * 6 + ["b"] * 2)
    assert p is None
    assert "at least two need 6 prompt texts each" in Segments("user", "x", "y", small, p, 0, "real").sentence


def test_small_segments_become_one():
    labels = ["large"] * 12 + [f"small {n}" for n in range(9)]
    found, p = compare_segments(np.arange(21.0), range(21), labels)
    assert [(s.segment, s.n) for s in found] == [("large", 12), ("(small segments)", 9)]
    assert p is not None


@pytest.mark.slow
def test_the_permutation_test_of_two_segments_is_that_of_scipy():
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 1, 12), rng.normal(1, 2, 9)

    def welch(x, y):
        return abs(stats.ttest_ind(x, y, equal_var=False).statistic)

    theirs = stats.permutation_test((a, b), welch, n_resamples=2999, alternative="greater", rng=1).pvalue
    codes = np.repeat([0, 1], [12, 9])
    ours = permutation_p(np.concatenate([a, b]), np.ones(21), codes, np.random.default_rng(2), 2999)
    assert ours == pytest.approx(theirs, abs=0.02)


def test_adjusted_p_values_are_those_of_scipy():
    p = np.random.default_rng(6).random(17) ** 2
    assert benjamini_hochberg(p.tolist()) == pytest.approx(stats.false_discovery_control(p))


def test_shrinking_is_that_of_a_grid_over_the_spread():
    means, variances, scale = [0.0, 1.0, 4.0], [0.5, 0.2, 1.0], 1.5
    grid = np.linspace(1e-4, 400, 400_000)
    v, m = np.array(variances)[:, None], np.array(means)[:, None]
    w = 1 / (v + grid**2)
    whole = (w * m).sum(axis=0) / w.sum(axis=0)
    log = 0.5 * (np.log(w).sum(axis=0) - np.log(w.sum(axis=0)) - (w * (m - whole) ** 2).sum(axis=0))
    mass = np.exp(log - log.max()) / (1 + (grid / scale) ** 2)
    kept = grid**2 * w
    expected = ((whole + kept * (m - whole)) * mass).sum(axis=1) / mass.sum()
    found = shrink(means, variances, scale)
    assert [mid for mid, _, _ in found] == pytest.approx(expected.tolist(), abs=0.02)
    assert all(low < mid < high for mid, low, high in found)


def test_the_quantile_of_one_normal_distribution_is_its_own():
    one = np.ones(1)
    assert mixture_quantile(0.975, 2 * one, 3 * one, one) == pytest.approx(2 + 3 * 1.959964, abs=1e-5)
