from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from support import assert_sentence, hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.errors import ParameterError


def compare(path, **options):
    with attach(path) as db:
        return analysis.effectiveness(db, **options)


def wins(result) -> dict[str, tuple[int, float]]:
    return {a.agent: (a.contests, a.wins) for a in result.agents}


def test_the_field_case_has_its_known_wins_and_means(field):
    result = compare(field, provenance="generated")
    assert wins(result) == {"structure": (15, 11), "domain": (15, 2), "syntax": (15, 2)}
    means = {a.agent: a.mean_total for a in result.agents}
    assert means == {
        "structure": pytest.approx(42.96, abs=0.005),
        "domain": pytest.approx(38.12, abs=0.005),
        "syntax": pytest.approx(37.32, abs=0.005),
    }
    assert result.not_competing == {"synthetic_generator": 120}
    assert wins(compare(field, provenance="generated", wins="score"))["structure"] == (15, 15)


def test_the_field_case_has_no_real_rows_and_says_so(field):
    result = compare(field)
    assert result.agents == ()
    assert result.sentence.startswith("Undecided: ")
    assert "165 generated" in result.sentence


def test_contests_are_counted_from_the_stored_heads(tmp_path):
    result = compare(make_database(tmp_path / "prompter.db", prompts=4))
    assert wins(result) == {"domain": (4, 4), "structure": (4, 0), "syntax": (4, 0)}


def test_a_tie_is_shared(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE judge_scores SET clarity = 5, specificity = 5, actionability = 5, structure = 5, context_use = 5"
        )
    assert wins(compare(path, wins="score")) == dict.fromkeys(
        ("domain", "structure", "syntax"), (2, pytest.approx(2 / 3))
    )


def test_scores_of_another_scale_are_not_pooled(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    self_score = '{"agent": "syntax", "confidence": 0.9}'
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE judge_scores SET clarity = 16, specificity = 16, actionability = 16, structure = 16, "
            "context_use = 16, feedback = ? WHERE prompt_version_id = ?",
            [self_score, hex_id("version", 1, "syntax")],
        )
    result = compare(path, wins="score")
    assert {a.agent: a.scored for a in result.agents} == {"domain": 2, "structure": 2, "syntax": 1}
    # The prompt whose scores are of two scales tells no win by score.
    assert {contests for contests, _ in wins(result).values()} == {1}


def test_a_prompt_without_a_head_is_no_contest_of_recorded_wins(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM best_heads WHERE prompt_id = ?", [hex_id("prompt", 1)])
    assert wins(compare(path))["domain"] == (1, 1)


def test_an_agent_never_seen_before_competes(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=1)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="poet", version_no=4)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="original", version_no=5)
    result = compare(path)
    assert "poet" in wins(result)
    assert result.not_competing == {"original": 1}


def test_an_empty_database_is_undecided(tmp_path):
    result = compare(make_database(tmp_path / "prompter.db", prompts=0))
    assert (
        result.sentence == "Undecided: there are no contests with recorded wins among real rows; left out: no versions."
    )
    assert list(result.frame) == ["agent", "contests", "wins", "win_rate", "low", "high", "mean_total", "scored"]


@pytest.mark.parametrize("option", ["provenance", "wins"])
def test_an_unknown_choice_is_one_sentence(tmp_path, option):
    with pytest.raises(ParameterError) as error:
        compare(make_database(tmp_path / "prompter.db"), **{option: "nonsense"})
    assert_sentence(error.value, "nonsense")
