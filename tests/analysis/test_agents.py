"""Columns that must not contradict the verdict, against least squares of the rows."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from support import DIMENSIONS, hex_id, make_database

from dbtools import analysis, attach

PROMPTS = 24


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Build prompts of which the last twelve are easy; domain is 5 points better, and hardly meets the easy ones."""
    path = make_database(tmp_path_factory.mktemp("agents") / "prompter.db", prompts=PROMPTS)
    rng = np.random.default_rng(17)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(1, PROMPTS + 1):
            for agent in ("domain", "structure", "syntax"):
                points = 20 + 20 * (number > 12) + 5 * (agent == "domain") + rng.integers(-2, 3) / 2
                setters = ", ".join(f"{name} = ?" for name in DIMENSIONS)
                where = "WHERE prompt_version_id = ?"
                values = [points / 5] * 5
                connection.execute(
                    f"UPDATE judge_scores SET {setters} {where}", [*values, hex_id("version", number, agent)]
                )
            easy = number > 14 or (number % 4 == 0 and number <= 12)
            gone = [hex_id("version", number, "domain" if easy and number > 12 else "syntax")] if easy else []
            for one in gone:
                connection.execute("DELETE FROM prompt_versions WHERE id = ?", [one])
                connection.execute("DELETE FROM judge_scores WHERE prompt_version_id = ?", [one])
            text, user, day = (
                f"Sum up {number // 2} pages!",
                f"user {number % 7}",
                f"2025-12-{1 + number % 9:02} 10:00:00",
            )
            values = [text, user, day, hex_id("prompt", number)]
            connection.execute("UPDATE prompts SET original_text = ?, user_id = ?, created_at = ? WHERE id = ?", values)
    return path


@pytest.fixture(scope="module")
def result(project):
    with attach(project) as db:
        return analysis.effectiveness(db, wins="score"), db.frame("contests")


@pytest.mark.slow
def test_the_adjusted_means_are_those_of_least_squares_with_a_term_for_every_prompt(result):
    found, rows = result
    both = rows[rows.groupby("prompt_id").agent.transform("size") > 1]
    design = pd.get_dummies(both.agent, dtype=float).join(pd.get_dummies(both.prompt_id, dtype=float))
    effects = np.linalg.lstsq(design.to_numpy(), both.total.to_numpy(), rcond=None)[0][:3]
    effects = dict(zip(sorted(set(both.agent)), effects, strict=True))
    shift = both.total.mean() - both.agent.map(effects).mean()
    assert {a.agent: a.adjusted_mean for a in found.agents} == pytest.approx({k: v + shift for k, v in effects.items()})


@pytest.mark.slow
def test_an_agent_that_met_hard_prompts_leads_by_adjusted_but_not_by_raw_means(result):
    agents = {a.agent: a for a in result[0].agents}
    assert agents["domain"].mean_total < agents["structure"].mean_total
    assert agents["domain"].adjusted_mean > agents["structure"].adjusted_mean + 4
    assert result[0].claim.leader == "domain"


def test_the_chance_level_is_the_mean_of_one_over_the_agents_of_a_contest(result):
    found, rows = result
    sizes = rows.groupby("prompt_id").agent.transform("size")
    expected = (1 / sizes)[sizes > 1].groupby(rows.agent).mean()
    assert {a.agent: a.chance for a in found.agents} == pytest.approx(dict(expected))


@pytest.mark.slow
@pytest.mark.parametrize(("cluster", "unit"), [("near", "similar texts"), ("user", "users"), ("day", "days")])
def test_prompts_can_be_taken_together_by_similar_text_user_or_day(project, cluster, unit):
    with attach(project) as db:
        found, prompts = analysis.effectiveness(db, cluster=cluster), db.frame("prompts")
        wide = db.frame("contests").pivot(index="prompt_id", columns="agent", values="total")
    pair = found.claim.closest
    met = prompts[prompts.id.isin(wide[[pair.a, pair.b]].dropna().index)]
    near = met.original_text.str.replace(r"\d", "", regex=True)
    keys = {"near": near, "user": met.user_id, "day": met.created_at.dt.date}
    assert pair.clusters == keys[cluster].nunique()
    assert any(f"over G = {pair.clusters} {unit}" in text for text in found.details)
    assert found.to_dict()["cluster"] == cluster


@pytest.mark.slow
def test_agents_that_no_contest_connects_have_no_adjusted_mean(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=400)
    with attach(path) as db:
        assert [a.adjusted_mean for a in analysis.effectiveness(db, agents=["syntax"]).agents] == [None]
        assert all(a.adjusted_mean for a in analysis.effectiveness(db).agents)
    with closing(sqlite3.connect(path)) as connection, connection:
        others = [(hex_id("prompt", number),) for number in range(201, 401)]
        connection.executemany("UPDATE prompt_versions SET source = 'new ' || source WHERE prompt_id = ?", others)
    with attach(path) as db:  # two groups that never met, each of so many contests that sums of 1/3 are rounded
        assert [a.adjusted_mean for a in analysis.effectiveness(db).agents] == [None] * 6
