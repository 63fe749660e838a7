from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from rating_projects import own_marks_project, rate
from support import AGENTS, hex_id, insert

from dbtools import analysis, attach


def result(root, **options):
    with attach(root) as db:
        return analysis.effectiveness(db, **options)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return own_marks_project(tmp_path_factory.mktemp("evidence") / "project", prompts=120)


@pytest.mark.slow
def test_a_project_with_own_marks_only_is_answered_with_the_next_step(project):
    found = result(project)
    assert found.sentence.startswith("Undecided: 360 versions carry only their agents' own marks. Rate about ")
    assert found.sentence.endswith("pairs to decide (Explorer, tab Rate).")
    assert len(found.sentence.split()) <= 25
    marks, heads = found.evidence
    assert (marks.kind, marks.n, marks.shares) == ("own marks", 360, ())
    assert "rate the prompt, not the text" in found.details[0]
    assert (heads.kind, heads.n, heads.chance) == ("heads", 120, pytest.approx(1 / 3))
    assert sum(share.won for share in heads.shares) == 120
    assert all(share.low < share.won / share.n < share.high for share in heads.shares)
    assert "by chance 33%" in found.details[1]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["evidence"][1]["kind"] == "heads"


@pytest.mark.slow
def test_votes_are_evidence_of_their_own(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=6)
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        for number in range(4):
            insert(
                connection,
                "user_feedback",
                prompt_id=hex_id("prompt", number),
                user_choice="multi",
                agent_winner="syntax" if number else "domain",
            )
    votes = result(root).evidence[-1]
    assert (votes.kind, votes.n) == ("votes", 4)
    assert {share.agent: (share.won, share.n) for share in votes.shares} == {
        "syntax": (3, 4),
        "domain": (1, 4),
        "structure": (0, 4),
    }


@pytest.mark.slow
def test_ratings_answer_where_there_are_no_scores(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=20)
    for number in range(14):
        rate(root, number, "domain", "syntax", "domain")
        rate(root, number, "domain", "structure", "domain")
    found = result(root)
    assert (found.claim.verdict, found.claim.leader) == ("best", "domain")
    assert [one.kind for one in found.evidence] == ["own marks", "heads", "ratings"]


def test_few_prompts_are_named_as_what_is_missing(tmp_path):
    root = own_marks_project(tmp_path / "project", prompts=3, agents=AGENTS[:2])
    assert "Rate the 3 pairs (Explorer, tab Rate); more prompts may be needed." in result(root).sentence
    for number in range(3):
        rate(root, number, *AGENTS[:2], "tie")
    assert result(root).sentence.endswith("Needed: more prompts: all pairs are rated.")


@pytest.mark.slow
def test_scores_of_the_judge_are_the_answer_where_there_are_any(tmp_path):
    from support import make_database

    found = result(make_database(tmp_path / "prompter.db", prompts=3))
    assert found.evidence == ()
    assert "points" in found.sentence
