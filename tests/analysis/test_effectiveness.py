from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import duckdb
import numpy as np
import pandas as pd
import pytest
from support import DIMENSIONS, assert_sentence, hex_id, insert, make_database

from dbtools import analysis, attach
from dbtools.errors import ParameterError


def compare(path, **options):
    with attach(path) as db:
        return analysis.effectiveness(db, **options)


def alter(path, statement, parameters=()):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, parameters)


def wins(result) -> dict[str, tuple[int, float]]:
    return {a.agent: (a.contests, a.wins) for a in result.agents}


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_field_case_has_its_known_intervals_and_agreement(field):
    result = compare(field, provenance="generated")
    structure = result.agents[0]
    # Wilson with the effective number of contests: 10 texts, of which some are repeated.
    assert (structure.low, structure.high) == (pytest.approx(0.471, abs=5e-4), pytest.approx(0.895, abs=5e-4))
    assert (structure.n_effective, structure.wins_by_kind["score"]) == (9, 15)
    agreed = result.agreements["recorded", "score"]
    assert (agreed.kappa_degenerate, agreed.ac1) == (True, pytest.approx(0.70, abs=0.005))
    assert result.regret == pytest.approx(1.46, abs=0.005)
    assert result.ranking.state == "separated"


@pytest.mark.slow
def test_the_field_case_has_its_known_differences(field):
    pairs = {(p.a, p.b): p for p in compare(field, provenance="generated").pairs}
    differences = {names: pair.difference for names, pair in pairs.items()}
    assert differences == {
        ("structure", "syntax"): pytest.approx(5.640, abs=5e-4),
        ("structure", "domain"): pytest.approx(4.839, abs=5e-4),
        ("domain", "syntax"): pytest.approx(0.802, abs=5e-4),
    }
    widest, last = pairs["structure", "syntax"], pairs["domain", "syntax"]
    assert (widest.n, widest.clusters, widest.method) == (15, 10, "exact")
    assert (widest.p_exact, last.p_exact) == (pytest.approx(2 / 2**10), pytest.approx(16 / 2**10))
    assert (widest.low, widest.high) == (pytest.approx(5.22, abs=0.005), pytest.approx(6.06, abs=0.005))
    assert widest.low_clustered < widest.low
    assert all(0.5 < pair.mde < 0.7 for pair in pairs.values())


@pytest.mark.slow
def test_the_field_case_claims_nothing_of_generated_rows(field):
    result = compare(field, provenance="generated")
    assert (result.claim.verdict, result.claim.leader) == ("undecided", "structure")
    assert not re.search("best|better|improves", result.sentence)
    assert "n = 15 contests over G = 10 texts" in result.details[0]
    assert {s.verdict for s in result.multiverse} == {"undecided"}
    assert {s.leader for s in result.multiverse if s.leader} == {"structure"}


@pytest.mark.slow
def test_the_field_case_has_no_real_rows_and_says_so(field):
    result = compare(field)
    assert (result.agents, result.pairs, result.claim.verdict) == ((), (), "undecided")
    assert result.sentence.startswith("Undecided: there are no versions among real rows: all 165 are generated.")
    assert (
        "Versions left out: 165 generated; the parameter provenance = generated compares them, which is no evidence."
        in result.details
    )
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["regret"] is None
    assert "Undecided" in result._repr_html_()


@pytest.mark.slow
def test_the_json_has_what_it_promises(field):
    found = json.loads(json.dumps(compare(field, provenance="generated").to_dict(), allow_nan=False))
    assert found["provenance"]["versions"] == {"generated": 165}
    assert {"scale", "regret", "separated", "verdict", "sentence", "agreement", "left_out", "not_competing"} <= set(
        found
    )
    structure, widest = found["agents"][0], found["pairs"][0]
    assert structure["wins"] == {"recorded": 11, "score": 15, "selected": None, "user": None, "rated": None}
    assert {"agent", "contests", "win_rate", "low", "high", "n_effective", "mean_total", "se"} <= set(structure)
    assert set(structure["dimensions"]) == set(DIMENSIONS)
    assert {"a", "b", "n", "clusters", "difference", "low", "high", "superiority", "mde"} <= set(widest)
    assert {"p_exact", "p_holm", "p_wilcoxon"} <= set(widest)
    assert {"filter", "n", "leader", "verdict"} <= set(found["multiverse"][0])
    assert (found["agreement"]["raw"], found["separated"]) == (pytest.approx(11 / 15), True)


@pytest.mark.slow
def test_contests_are_counted_from_the_stored_heads(tmp_path):
    result = compare(make_database(tmp_path / "prompter.db", prompts=4))
    assert wins(result) == {"domain": (4, 4), "structure": (4, 0), "syntax": (4, 0)}


@pytest.mark.slow
def test_a_tie_is_shared(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE judge_scores SET clarity = 5, specificity = 5, actionability = 5, structure = 5, context_use = 5"
        )
    assert wins(compare(path, wins="score")) == dict.fromkeys(
        ("domain", "structure", "syntax"), (2, pytest.approx(2 / 3))
    )


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_prompt_without_a_head_is_no_contest_of_recorded_wins(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    alter(path, "DELETE FROM best_heads WHERE prompt_id = ?", [hex_id("prompt", 1)])
    assert wins(compare(path))["domain"] == (1, 1)


@pytest.mark.slow
def test_an_agent_never_seen_before_competes(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=1)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="poet", version_no=4)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="original", version_no=5)
    result = compare(path)
    assert "poet" in wins(result)
    assert result.not_competing == {"original": 1}


@pytest.mark.slow
def test_who_competes_can_be_chosen(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=2)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 1), source="original", version_no=5)
    result = compare(path, agents=["syntax", "original"])
    assert set(wins(result)) == {"syntax", "original"}
    assert result.not_competing == {"domain": 2, "structure": 2}


@pytest.mark.slow
def test_the_other_kinds_of_win_are_counted(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=3)
    first, second = hex_id("prompt", 1), hex_id("prompt", 2)
    insert(path, "prompt_versions", prompt_id=first, source="multi_agent", explanation='{"selected_agent": "syntax"}')
    alter(path, "DELETE FROM user_feedback")
    chosen = {"prompt_id": first, "user_choice": "multi"}
    insert(path, "user_feedback", [{**chosen, "agent_winner": name} for name in ("syntax", "syntax", "structure")])
    insert(path, "user_feedback", prompt_id=second, user_choice="single", agent_winner="template")
    # A choice that names its prompt by the request only.
    insert(path, "user_feedback", prompt_id=None, request_id="request-3", user_choice="multi", agent_winner="domain")
    result = compare(path, wins="user")
    assert wins(result) == {
        "syntax": (2, pytest.approx(2 / 3)),
        "structure": (2, pytest.approx(1 / 3)),
        "domain": (2, 1),
    }
    assert wins(compare(path, wins="selected")) == {"syntax": (1, 1), "structure": (1, 0), "domain": (1, 0)}
    assert result.agreements["selected", "user"].raw == pytest.approx(2 / 3)


@pytest.mark.slow
def test_rescued_logs_count_among_the_selections_only_when_asked_for(tmp_path):
    make_database(tmp_path / "prompter.db", prompts=1)
    rescued = tmp_path / "backup_old_csvs" / "run" / "rescued"
    rescued.mkdir(parents=True)
    rows = [
        ("new-1", "syntax", "7.5", "6", ""),
        ("new-2", "structure", "7.5", "9", "3"),
        ("request-1", "syntax", "9", "6", "3"),  # known to the database
        ("new-3", "nobody", "9", "6", "3"),
        ("request_id", "selected_agent", "syntax_score", "structure_score", "domain_score"),  # a repeated header
    ]
    columns = ["request_id", "selected_agent", "syntax_score", "structure_score", "domain_score"]
    frame = pd.DataFrame(rows, columns=columns)
    duckdb.sql("FROM frame").write_parquet(str(rescued / "rescued_log_csv.parquet"))
    duckdb.sql("SELECT request_id FROM frame").write_parquet(str(rescued / "rescued_other_csv.parquet"))
    assert wins(compare(tmp_path, wins="selected"))["syntax"] == (0, 0)
    result = compare(tmp_path, wins="selected", logs=True)
    assert wins(result) == {"syntax": (2, 1), "structure": (2, 1), "domain": (1, 0)}
    assert result.to_dict()["logged_selections"] == 2
    assert len(frame) == 5


@pytest.mark.slow
def test_an_agent_that_repeats_itself_competes_with_its_last_version(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=1)
    again = hex_id("again")
    insert(path, "prompt_versions", id=again, prompt_id=hex_id("prompt", 1), source="syntax", version_no=4)
    insert(path, "judge_scores", prompt_version_id=again, **dict.fromkeys(DIMENSIONS, 9.5))
    assert wins(compare(path, wins="score"))["syntax"] == (1, 1)


class TestThinData:
    """A sensible answer, whatever there is."""

    def test_an_empty_database(self, tmp_path):
        result = compare(make_database(tmp_path / "prompter.db", prompts=0))
        assert result.sentence == (
            "Undecided: no agent has judge scores among real rows. Needed: scored contests of real rows over at least "
            "6 texts."
        )
        assert result.details == ["No contest decides recorded wins.", "Versions left out: none."]
        assert list(result.frame)[:6] == ["agent", "contests", "wins", "win_rate", "low", "high"]

    def test_one_prompt(self, tmp_path):
        result = compare(make_database(tmp_path / "prompter.db", prompts=1))
        assert (result.claim.verdict, result.claim.leader) == ("undecided", "domain")
        assert (result.pairs[0].low, result.pairs[0].mde, result.pairs[0].p_exact) == (None, None, 1)
        assert "n = 1 contests over G = 1 texts" in result.details[0]
        assert result.sentence.endswith("Needed: 6 texts; there are 1.")

    def test_one_agent_wins_nothing_as_it_has_no_rival(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=4)
        alter(path, "DELETE FROM prompt_versions WHERE source <> 'domain'")
        result = compare(path)
        assert wins(result) == {"domain": (0, 0)}
        assert result.sentence.startswith("Undecided: only domain has judge scores")
        assert ("contests", 4) in zip(result.left_out_frame["relation"], result.left_out_frame["rows"], strict=True)

    def test_no_heads(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=4)
        alter(path, "DELETE FROM best_heads")
        result = compare(path)
        assert result.agents[0].win_rate is None
        assert result.regret is None
        assert "No contest decides recorded wins." in result.details

    def test_no_feedback_in_a_schema_without_it(self, tmp_path):
        result = compare(make_database(tmp_path / "prompter.db", "G0", prompts=4), wins="user")
        assert wins(result) == dict.fromkeys(("domain", "structure", "syntax"), (0, 0))

    def test_no_scores(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=4)
        alter(path, "DELETE FROM judge_scores")
        result = compare(path)
        assert wins(result)["domain"] == (4, 4)
        assert (result.agents[0].mean_total, result.pairs) == (None, ())

    def test_a_score_with_a_missing_mark_does_not_count(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=4)
        missing = "UPDATE judge_scores SET clarity = 'n/a' WHERE prompt_version_id = ?"
        alter(path, missing, [hex_id("version", 1, "syntax")])
        result = compare(path, wins="score")
        assert wins(result)["domain"] == (3, 3)
        assert {(p.a, p.b): p.n for p in result.pairs}["domain", "syntax"] == 3

    def test_all_scores_equal(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=20)
        # Equal within each prompt; the same marks in every row would be those of a judge that is stuck.
        marks = "5 + (SELECT count(*) FROM prompt_versions v WHERE v.prompt_id < w.prompt_id) / 3 * 0.1"
        of = f"(SELECT {marks} FROM prompt_versions w WHERE w.id = judge_scores.prompt_version_id)"
        alter(path, f"UPDATE judge_scores SET {', '.join(f'{d} = {of}' for d in DIMENSIONS)}")
        result = compare(path)
        assert (result.claim.verdict, result.claim.leader) == ("undecided", None)
        assert {(p.difference, p.p_holm, p.superiority, p.mde) for p in result.pairs} == {(0, 1, 0.5, None)}
        assert result.sentence.startswith("Undecided: no agent leads by score")
        assert "five equal scores" in result.confounders_frame["sentence"].str.cat()

    def test_a_judge_with_one_answer_for_every_text_compares_nobody(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=20)
        alter(path, f"UPDATE judge_scores SET {', '.join(f'{d} = 7.1' for d in DIMENSIONS)}")
        result = compare(path)
        assert (result.claim.leader, result.pairs) == (None, ())
        assert "stuck" in " ".join(result.details)

    @pytest.mark.slow
    def test_twenty_six_agents(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=8)
        versions, scores, rng = [], [], np.random.default_rng(5)
        for number in range(1, 9):
            for place, letter in enumerate("abcdefghijklmnopqrstuvw", 4):
                version, prompt = hex_id("more", number, letter), hex_id("prompt", number)
                versions.append({"id": version, "prompt_id": prompt, "version_no": place, "source": f"agent-{letter}"})
                scores.append({"prompt_version_id": version, **dict.fromkeys(DIMENSIONS, rng.integers(2, 10) / 2)})
        insert(path, "prompt_versions", versions)
        insert(path, "judge_scores", scores)
        result = compare(path)
        assert (len(result.agents), len(result.pairs)) == (26, 26 * 25 / 2)
        assert "and 21 more agents" in " ".join(result.details)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["provenance", "wins", "scale", "interval"])
def test_an_unknown_choice_is_one_sentence(tmp_path, option):
    with pytest.raises(ParameterError) as error:
        compare(make_database(tmp_path / "prompter.db"), **{option: "nonsense"})
    assert_sentence(error.value, "nonsense")


@pytest.mark.slow
def test_agents_who_have_written_nothing_are_refused(tmp_path):
    with attach(make_database(tmp_path / "prompter.db")) as db:
        with pytest.raises(ParameterError, match=r'^No version is by any such agent: "sintax"; use some of '):
            analysis.effectiveness(db, agents=["sintax"])
        assert [a.agent for a in analysis.effectiveness(db, agents=["sintax", "syntax"], provenance="all").agents] == [
            "syntax"
        ]


@pytest.mark.slow
def test_where_no_rows_are_left_those_that_could_be_compared_are_named(tmp_path):
    with attach(make_database(tmp_path / "prompter.db", prompts=3)) as db:
        details = analysis.effectiveness(db, "placeholder").details
    assert details[-1] == "Versions left out: 9 real; the parameter provenance = real compares them."


def fail(path, number, agent="syntax"):
    alter(
        path,
        "UPDATE prompt_versions SET explanation = 'Unable to parse response' WHERE id = ?",
        [hex_id("version", number, agent)],
    )


@pytest.mark.slow
def test_with_all_provenances_there_is_one_contest_per_prompt(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=6)
    for number in (1, 2, 3):
        fail(path, number)
    # In prompt 1 the failed run was repeated: the later version competes.
    again = hex_id("again")
    insert(path, "prompt_versions", id=again, prompt_id=hex_id("prompt", 1), source="syntax", version_no=4)
    insert(path, "judge_scores", prompt_version_id=again, **dict.fromkeys(DIMENSIONS, 9))
    result = compare(path, provenance="all", wins="score")
    assert {(p.a, p.b): p.n for p in result.pairs} == {
        ("domain", "structure"): 6,
        ("domain", "syntax"): 6,
        ("structure", "syntax"): 6,
    }
    # Totals of the builder: 31, 36 and 41; the repeated version has 45.
    assert wins(result) == {"domain": (6, 5), "syntax": (6, 1), "structure": (6, 0)}
    assert result.contests["contests"] == 6
    assert result.version_use == {
        "compared": 18,
        "superseded": 1,
        "unscored": 0,
        "other_scale": 0,
        "unopposed": 0,
        "unanswered": 0,
    }
    assert {s.filter: s.n for s in result.multiverse}["real rows"] == 4
    # Among real rows the failed versions do not compete.
    assert {(p.a, p.b): p.n for p in compare(path).pairs}["domain", "syntax"] == 4


@pytest.mark.slow
def test_every_version_is_compared_or_counted_as_left_out(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=8)
    own = '{"agent": "syntax", "confidence": 0.9}'
    setters = ", ".join(f"{d} = 16" for d in DIMENSIONS)
    for number in (1, 2):  # another scale
        alter(
            path,
            f"UPDATE judge_scores SET {setters}, feedback = ? WHERE prompt_version_id = ?",
            [own, hex_id("version", number, "syntax")],
        )
    alter(path, "DELETE FROM judge_scores WHERE prompt_version_id = ?", [hex_id("version", 3, "domain")])
    for agent in ("syntax", "structure"):  # leaves the third alone
        alter(path, "DELETE FROM judge_scores WHERE prompt_version_id = ?", [hex_id("version", 4, agent)])
    fail(path, 5)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 6), source="syntax", version_no=4)  # not scored
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 7), source="original", version_no=4)
    insert(path, "prompt_versions", prompt_id=hex_id("prompt", 8), source="", version_no=4)
    result = compare(path)
    assert result.version_use == {
        "compared": 16,
        "superseded": 1,
        "unscored": 4,
        "other_scale": 2,
        "unopposed": 1,
        "unanswered": 0,
    }
    assert result.not_competing == {"no source": 1, "original": 1}
    assert result.left_out["versions"] == {"placeholder": 1}
    with closing(sqlite3.connect(path)) as connection:
        (total,) = connection.execute("SELECT count(*) FROM prompt_versions").fetchone()
    assert sum(result.version_use.values()) + 2 + 1 == total
    said = "Versions left out: 1 placeholder, 1 superseded by a later version of the same agent and prompt, 4 without"
    assert any(text.startswith(said) for text in result.details)


@pytest.mark.slow
def test_two_agents_equal_in_everything_are_a_tie(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=10)
    for number in range(1, 11):
        setters = ", ".join(f"{d} = 8" for d in DIMENSIONS)
        for agent in ("domain", "structure"):
            alter(
                path,
                f"UPDATE judge_scores SET {setters} WHERE prompt_version_id = ?",
                [hex_id("version", number, agent)],
            )
    result = compare(path)
    assert result.sentence == "Undecided: domain and structure are equal by score in 10 contests."
    assert (result.claim.leader, result.to_dict()["needed"]) == (None, None)
