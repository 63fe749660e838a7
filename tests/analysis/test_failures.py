"""Failure rates and failed runs as losses, against pandas and scipy."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from scipy import stats
from support import hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.analysis.failures import FailureRate, failure_details

FAILURE = "Unable to parse response"


def build(path, fails, prompts=20, rerun=()):
    """Build a project in which each agent fails in the given prompts, and is run again in some of them."""
    make_database(path, prompts=prompts)
    rng = np.random.default_rng(prompts)
    with closing(sqlite3.connect(path)) as connection, connection:
        for agent, numbers in fails.items():
            for number in numbers:
                version = hex_id("version", number, agent)
                connection.execute("UPDATE prompt_versions SET explanation = ? WHERE id = ?", [FAILURE, version])
                if (agent, number) in rerun:
                    again = {
                        "id": hex_id("again", number, agent),
                        "prompt_id": hex_id("prompt", number),
                        "version_no": 9,
                    }
                    insert(connection, "prompt_versions", **again, source=agent, text=f"again {number}")
                    insert(connection, "judge_scores", prompt_version_id=again["id"], clarity=9, feedback="{}")
        for (one,) in connection.execute("SELECT id FROM judge_scores").fetchall():
            marks = [float(mark) for mark in rng.integers(8, 19, 5) / 2]
            setters = "clarity = ?, specificity = ?, actionability = ?, structure = ?, context_use = ?"
            connection.execute(f"UPDATE judge_scores SET {setters} WHERE id = ?", [*marks, one])
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    fails = {"syntax": range(1, 13), "domain": (1, 2), "structure": (1,)}
    path = tmp_path_factory.mktemp("failures") / "prompter.db"
    return build(path, fails, rerun={("syntax", 3), ("syntax", 4)})


@pytest.fixture(scope="module")
def results(project):
    with attach(project) as db:
        found = {failures: analysis.effectiveness(db, failures=failures) for failures in ("excluded", "losses")}
        return found | {"rows": db.frame("scored_versions")}


@pytest.mark.slow
def test_the_failure_rate_is_the_share_of_answered_prompts_with_a_placeholder(results):
    rows = results["rows"]
    answered = rows[rows.provenance == "real"].prompt_id.unique()
    failed = rows[rows.prompt_id.isin(answered)].assign(failed=lambda f: f.provenance == "placeholder")
    expected = failed.groupby(["source", "prompt_id"]).failed.max().groupby("source").agg(["mean", "size"])
    found = {a.agent: a for a in results["excluded"].agents}
    assert {agent: a.failure_rate for agent, a in found.items()} == dict(expected["mean"])
    # In prompt 1 every agent failed: it does not count. Every other text is asked once, so the interval is Wilson's.
    assert found["syntax"].failure_rate == 11 / 19
    wilson = stats.binomtest(11, 19).proportion_ci(method="wilson")
    assert (found["syntax"].failure_low, found["syntax"].failure_high) == pytest.approx(tuple(wilson), abs=0.02)
    assert list(results["excluded"].frame.failure_rate) == [a.failure_rate for a in results["excluded"].agents]


@pytest.mark.slow
def test_the_details_say_who_fails_how_often_and_who_more_often(results):
    (text,) = [text for text in results["excluded"].details if "failed run" in text]
    assert text.startswith("Prompts with a failed run, with 95% interval: syntax 11 of 19 (")
    # All ten prompts in which only one of the two failed are syntax's; two rivals are one family.
    p = 2 * 0.5**10
    assert "syntax fails more often than domain (p = 0.00" in text
    assert p < 0.05 and "domain fails more often" not in text


def test_failed_runs_as_losses_have_no_points_where_another_agent_answered(results):
    rows, loss = results["rows"], results["losses"]
    last = rows.sort_values(["version_no"]).assign(failed=lambda f: f.provenance == "placeholder")
    last = last.sort_values(["failed", "version_no"], ascending=[False, True]).groupby(["prompt_id", "source"]).tail(1)
    wide = last.assign(points=last.total.where(~last.failed, 0)).pivot(
        index="prompt_id", columns="source", values="points"
    )
    wide = wide[last[~last.failed].groupby("prompt_id").size().reindex(wide.index).gt(0)]
    for pair in loss.pairs:
        assert pair.n == len(wide) == 19
        assert pair.difference == pytest.approx((wide[pair.a] - wide[pair.b]).mean())
    assert {a.agent: a.mean_total for a in loss.agents} == pytest.approx(dict(wide.mean()))
    assert "A failed run loses with 0 points where another agent answered the prompt." in loss.details
    assert loss.claim.allowed


def test_failed_runs_are_left_out_or_used_and_every_version_is_counted(results):
    rows = results["rows"]
    used = {name: results[name].version_use for name in ("excluded", "losses")}
    assert sum(used["excluded"].values()) == (rows.provenance == "real").sum()
    assert sum(used["losses"].values()) == len(rows)
    assert used["losses"]["unanswered"] == 3
    assert used["losses"]["superseded"] == 2
    assert results["losses"].left_out.get("versions") is None
    assert results["losses"].to_dict()["failures"] == "losses"


def test_the_other_use_of_failed_runs_is_among_the_filters(results):
    for name, other, label in (
        ("excluded", "losses", "failed runs as losses"),
        ("losses", "excluded", "failed runs left out"),
    ):
        (found,) = [s for s in results[name].multiverse if s.filter == label]
        expected = results[other].claim
        assert (found.leader, found.difference) == (expected.leader, expected.closest.difference)


@pytest.mark.slow
def test_a_leader_that_fails_more_often_is_named_in_the_sentence(tmp_path):
    path = build(tmp_path / "prompter.db", {"syntax": range(1, 13)}, prompts=30)
    with closing(sqlite3.connect(path)) as connection, connection:
        ids = [(hex_id("version", number, "syntax"),) for number in range(1, 31)]
        points = "clarity = 9.9, structure = 9.9, specificity = 9.9, actionability = 9.9"
        connection.executemany(f"UPDATE judge_scores SET {points} WHERE prompt_version_id = ?", ids)
    with attach(path) as db:
        result = analysis.effectiveness(db)
        as_losses = analysis.effectiveness(db, failures="losses")
    assert result.sentence.endswith("but fails more often: 40% against 0%.")
    assert len(result.sentence.split()) <= 25
    assert as_losses.claim.leader != "syntax"


@pytest.mark.slow
def test_an_agent_that_always_fails_has_a_row(tmp_path):
    path = build(tmp_path / "prompter.db", {"syntax": range(1, 9)}, prompts=8)
    with attach(path) as db:
        found = {a.agent: a for a in analysis.effectiveness(db).agents}
    assert (found["syntax"].failure_rate, found["syntax"].contests, found["syntax"].mean_total) == (1, 0, None)
    assert found["domain"].p_first is not None


def test_where_no_run_failed_nothing_is_said():
    assert failure_details({"domain": FailureRate(20, 0, 0.0, 0.16)}, {}) == []
