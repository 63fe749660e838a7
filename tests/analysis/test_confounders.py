from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import statsmodels.formula.api as smf
from support import DIMENSIONS, hex_id, make_database

from dbtools import analysis, attach


def confounders(path, **options):
    with attach(path) as db:
        return {c.name: c for c in analysis.effectiveness(db, **options).confounders}


def run(path, statement, rows):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(statement, rows)


@pytest.mark.slow
def test_position_cannot_be_told_where_each_agent_has_its_place(tmp_path):
    found = confounders(make_database(tmp_path / "prompter.db", prompts=5))["position"]
    assert found.values == {"identifiable": False, "spread": None}
    assert "cannot be separated" in found.sentence


@pytest.mark.slow
def test_a_planted_position_effect_is_found_where_agents_change_places(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=12)
    places, marks = [], []
    for number in range(1, 13):
        for i, agent in enumerate(("syntax", "structure", "domain")):
            place, version = (i + number) % 3 + 1, hex_id("version", number, agent)
            places.append((place, version))
            marks.append((*[5.0 + 0.2 * i + 0.1 * place] * 5, version))
    run(path, "UPDATE prompt_versions SET version_no = ? WHERE id = ?", places)
    run(path, f"UPDATE judge_scores SET {', '.join(f'{d} = ?' for d in DIMENSIONS)} WHERE prompt_version_id = ?", marks)
    found = confounders(path)["position"].values
    assert found == {"identifiable": True, "spread": pytest.approx(5 * 0.1 * 2)}


@pytest.mark.slow
def test_the_length_slope_is_that_of_a_regression_with_an_effect_per_prompt(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=20)
    rng, ids = (
        np.random.default_rng(8),
        [hex_id("version", n, a) for n in range(1, 21) for a in ("syntax", "structure", "domain")],
    )
    lengths = rng.integers(20, 200, len(ids))
    run(
        path,
        "UPDATE prompt_versions SET text = ? WHERE id = ?",
        [("x" * int(k), i) for k, i in zip(lengths, ids, strict=True)],
    )
    marks = [(float(m), i) for m, i in zip(4 + np.log2(lengths) / 3 + rng.normal(0, 0.3, len(ids)), ids, strict=True)]
    run(path, "UPDATE judge_scores SET clarity = ? WHERE prompt_version_id = ?", marks)
    with attach(path) as db:
        rows = db.frame("contests")
        found = {c.name: c for c in analysis.effectiveness(db).confounders}["length"].values
    rows["x"], rows["prompt"] = np.log2(rows["text_length"]), rows["prompt_id"].factorize()[0]
    fitted = smf.ols("total ~ x + C(prompt)", rows).fit()
    assert found["slope"] == pytest.approx(fitted.params["x"])
    assert found["low"] < fitted.params["x"] < found["high"]
    within = rows.assign(**{n: rows[n] - rows.groupby("prompt")[n].transform("mean") for n in ("x", "total")})
    clustered = smf.ols("total ~ x - 1", within).fit(
        cov_type="cluster", cov_kwds={"groups": within["prompt"], "df_correction": True}, use_t=True
    )
    # statsmodels' factor (n−1)/(n−k) is 1 here.
    assert (found["low"], found["high"]) == pytest.approx(tuple(clustered.conf_int().loc["x"]), rel=1e-6)


def test_flat_and_heaped_marks_are_counted(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=4)
    flat = [(7.0,) * 5 + (hex_id("version", n, "syntax"),) for n in (1, 2, 3)]
    run(path, f"UPDATE judge_scores SET {', '.join(f'{d} = ?' for d in DIMENSIONS)} WHERE prompt_version_id = ?", flat)
    found = confounders(path)["judge"].values
    assert found["flat"] == pytest.approx(3 / 12)
    # In the builder's rows one mark in five is whole, and in flat rows all.
    assert found["halves"] == pytest.approx((3 * 5 + 9) / 60)
    assert 0.9 < found["halo"] <= 1


@pytest.mark.slow
def test_marks_of_the_input_are_named(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    own = [(*[16.0] * 5, '{"agent": "syntax", "confidence": 0.9}', hex_id("version", 1, "syntax"))]
    setters = ", ".join(f"{d} = ?" for d in DIMENSIONS)
    run(path, f"UPDATE judge_scores SET {setters}, feedback = ? WHERE prompt_version_id = ?", own)
    assert "1 rows hold an agent's own score" in confounders(path)["self_scores"].sentence
    assert "compared here" in confounders(path, scale="self")["self_scores"].sentence
