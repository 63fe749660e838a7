from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support import SHAPES, assert_sentence, hex_id, insert, make_database, unchanged

from dbtools import attach
from dbtools.analysis import effectiveness, usage
from dbtools.analysis.query import columns
from dbtools.analysis.statistics import wilson_interval
from dbtools.analysis.usage import agent_costs, read_prices
from dbtools.errors import ParameterError

MODEL = "llama-3.3-70b-versatile"


def use(path, **options):
    with attach(path) as db:
        return usage(db, **options)


@pytest.fixture
def path(tmp_path):
    """A database of two prompts without calls, votes or checked inputs."""
    path = make_database(tmp_path / "prompter.db", prompts=2)
    change(path, "DELETE FROM token_usage", "DELETE FROM user_feedback", "DELETE FROM security_inputs")
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*([statement] if isinstance(statement, str) else statement))


def call(path, number=1, agent="syntax", **values):
    row = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "total_tokens": 2_000_000, "model": MODEL}
    insert(
        path, "token_usage", prompt_version_id=hex_id("version", number, agent), **{**row, "cost_usd": 1.38, **values}
    )


def group(frame, kind):
    return frame[frame["kind"] == kind].set_index("name")


class TestTokens:
    def test_are_added_up_by_agent_model_day_and_user(self, path):
        call(path)
        call(path, 2, "domain", created_at="2025-12-05 08:00:00", model="llama-3.1-8b-instant", cost_usd=0.13)
        tokens = use(path).tokens
        assert group(tokens, "all").loc["all", ["calls", "total_tokens"]].tolist() == [2, 4_000_000]
        assert group(tokens, "agent")["calls"].to_dict() == {"syntax": 1, "domain": 1}
        assert list(group(tokens, "day").index) == ["2025-12-04", "2025-12-05"]
        assert group(tokens, "user").loc["user-1", "cost_usd"] == 1.38

    def test_are_recomputed_from_the_price_table_and_differences_are_counted(self, path):
        call(path)
        call(path, cost_usd=1.40)
        call(path, cost_usd=1.381)
        call(path, cost_usd=None)
        result = use(path)
        assert result.recomputed["recomputed_usd"] == pytest.approx(4 * (0.59 + 0.79))
        assert {k: result.recomputed[k] for k in ("calls", "costed", "priced", "differing", "unpriced")} == {
            "calls": 4,
            "costed": 3,
            "priced": 4,
            "differing": 1,
            "unpriced": 0,
        }

    def test_the_dear_price_for_a_cheap_model_shows(self, path):
        call(path, model="llama-3.1-8b-instant")
        assert use(path).recomputed["differing"] == 1

    def test_unknown_models_are_named_and_not_priced(self, path):
        call(path)
        call(path, model="oracle-9")
        call(path, model=None)
        result = use(path)
        assert set(result.unknown_models) == {"oracle-9", "(none)"}
        assert result.recomputed["unpriced"] == 2
        assert "no price for" in result.details[0]

    def test_a_call_has_the_price_of_its_day(self, path, tmp_path):
        prices = tmp_path / "prices.csv"
        prices.write_text(
            "model,usd_per_million_prompt,usd_per_million_completion,valid_from\n"
            "oracle-9,1,1,2025-01-01\noracle-9,3,3,2025-12-01\n"
        )
        for day in ("2024-12-31", "2025-06-01", "2025-12-01"):
            call(path, model="Groq/Oracle-9", created_at=f"{day} 10:00:00")
        with attach(path) as db:
            result = usage(db, prices=prices)
        assert group(result.tokens, "day")["recomputed_usd"].fillna(-1).to_dict() == {
            "2024-12-31": -1,
            "2025-06-01": 2,
            "2025-12-01": 6,
        }

    def test_missing_counts_are_not_taken_for_zero(self, path):
        call(path, completion_tokens=None, total_tokens=None)
        row = group(use(path).tokens, "all").loc["all"]
        assert pd.isna(row["recomputed_usd"])
        assert row["priced"] == 0

    def test_calls_without_a_version_are_left_out_and_counted(self, path):
        insert(path, "token_usage", prompt_version_id=None, model=MODEL)
        result = use(path)
        assert result.left_out == {"token_usage": {"unknown": 1}}
        assert "1 unknown calls" in result.details[-1]
        assert group(use(path, provenance="all").tokens, "agent")["calls"].to_dict() == {"(no version)": 1}

    def test_an_address_as_user_id_is_not_shown(self, path):
        change(path, "UPDATE prompts SET user_id = 'ann@example.org'")
        call(path)
        result = use(path)
        assert "example.org" not in json.dumps(result.to_dict())
        assert group(result.tokens, "user").index[0].startswith("e-mail ")

    @pytest.mark.slow
    def test_beyond_the_largest_groups_users_are_one_row(self, path):
        for number in range(370):
            insert(path, "prompts", id=hex_id("more", number), user_id=f"person {number}")
            insert(path, "prompt_versions", id=hex_id("v", number), prompt_id=hex_id("more", number), source="syntax")
        with closing(sqlite3.connect(path)) as connection, connection:
            rows = [{"prompt_version_id": hex_id("v", n), "total_tokens": 1, "model": MODEL} for n in range(370)]
            insert(connection, "token_usage", rows)
        users = group(use(path).tokens, "user")
        assert (len(users), users.loc["(others)", "calls"]) == (367, 4)


@pytest.mark.parametrize("text", ["", "model\nx\n", "model,usd_per_million_prompt,valid_from\nx,1,2025-01-01\n"])
def test_what_is_no_price_table_is_one_sentence(tmp_path, text):
    prices = tmp_path / "prices.csv"
    prices.write_text(text)
    if not text:
        prices.unlink()
    with pytest.raises(ParameterError) as error:
        read_prices(prices)
    assert_sentence(error.value, prices)


def test_the_prices_shipped_are_dated_and_sourced():
    prices = read_prices()
    assert {p["model"] for p in prices} >= {MODEL, "llama-3.1-8b-instant"}
    assert all(0 < p["prompt_usd"] <= p["completion_usd"] for p in prices if p["model"] != "user_input")


class TestCost:
    def test_per_win_and_per_point_is_the_ratio_of_sums(self, path):
        for number in (1, 2):
            for agent, cost in (("syntax", 1.0), ("structure", 2.0), ("domain", 3.0)):
                call(path, number, agent, cost_usd=cost)
        cost = use(path).cost.set_index("agent")
        # The last of three agents is the head; each gains five points (one per dimension) over its parent.
        assert cost.loc["domain", ["prompts", "wins", "cost_per_win", "gained"]].tolist() == [2, 2, 3.0, 10.0]
        assert cost.loc["domain", "cost_per_point"] == pytest.approx(0.6)
        assert cost.loc["structure", "wins"] == 0
        assert pd.isna(cost.loc["structure", "cost_per_win"])
        assert cost.loc["syntax", "gains"] == 0

    def test_points_are_gained_over_the_original_where_it_is_scored(self, path):
        insert(path, "prompt_versions", id=hex_id("o"), prompt_id=hex_id("prompt", 1), source="original", version_no=0)
        marks = dict.fromkeys(("clarity", "specificity", "actionability", "structure", "context_use"), 5)
        insert(path, "judge_scores", prompt_version_id=hex_id("o"), **marks)
        call(path, agent="domain")
        (cost,) = use(path).costs
        assert cost.gained == pytest.approx(5 * 3 + 1)

    def test_a_prompt_with_a_call_of_unknown_cost_is_not_used(self, path):
        call(path, agent="domain", cost_usd=None)
        call(path, 2, "domain")
        (cost,) = use(path).costs
        assert (cost.prompts, cost.cost_per_win) == (1, 1.38)
        assert use(path, basis="recomputed").costs[0].prompts == 2

    @pytest.mark.slow
    @pytest.mark.parametrize(("provenance", "prompts"), [("real", 6), ("placeholder", 2), ("all", 6)])
    def test_a_run_that_failed_and_was_repeated_counts_once(self, tmp_path, provenance, prompts):
        path = make_database(tmp_path / "prompter.db", prompts=6)
        for number in (1, 2):
            again = hex_id("again", number)
            change(
                path,
                (
                    "UPDATE prompt_versions SET explanation = 'Unable to parse response' WHERE id = ?",
                    [hex_id("version", number, "syntax")],
                ),
            )
            insert(path, "prompt_versions", id=again, prompt_id=hex_id("prompt", number), source="syntax", version_no=4)
            marks = dict.fromkeys(("clarity", "specificity", "actionability", "structure", "context_use"), 4)
            insert(path, "judge_scores", prompt_version_id=again, **marks)
            insert(path, "token_usage", prompt_version_id=again, cost_usd=0.01, model=MODEL)
        result = use(path, provenance=provenance)
        cost = result.cost.set_index("agent").loc["syntax"]
        # Each of the six prompts costs 0.001, of the two that were repeated the second call 0.01.
        spent = {"real": 4 * 0.001 + 2 * 0.01, "placeholder": 2 * 0.001, "all": 6 * 0.001 + 2 * 0.01}[provenance]
        assert (cost["prompts"], cost["cost"]) == (prompts, pytest.approx(spent))
        assert group(result.tokens, "agent").loc["syntax", "cost_usd"] == pytest.approx(spent)
        with attach(path) as db:
            (agent,) = [a for a in effectiveness(db, provenance).agents if a.agent == "syntax"]
        assert cost["scored"] == agent.scored == prompts
        assert cost["mean_total"] == pytest.approx(agent.mean_total)

    def test_the_interval_is_that_of_scipys_bootstrap(self):
        rng = np.random.default_rng(5)
        cost, wins = rng.gamma(4, 1, 60), rng.integers(0, 2, 60)
        (found,) = agent_costs(parts(cost, wins), np.random.default_rng(1), 4_999)
        ratio = stats.bootstrap(
            (cost, wins), lambda c, w, axis: c.sum(axis) / w.sum(axis), paired=True, method="percentile", rng=2
        ).confidence_interval
        assert (found.win_low, found.win_high) == (
            pytest.approx(ratio.low, rel=0.03),
            pytest.approx(ratio.high, rel=0.03),
        )

    @pytest.mark.slow
    def test_the_interval_covers_the_true_cost(self):
        covered = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            cost, wins = rng.gamma(4, 1, 80), rng.random(80) < 0.5
            (found,) = agent_costs(parts(cost, wins), rng, 499)
            covered += found.win_low <= 8 <= found.win_high
        assert 0.90 <= covered / 200 <= 0.985

    def test_an_end_that_is_not_bounded_is_none(self):
        (found,) = agent_costs(parts(np.ones(5), [1, 0, 0, 0, 0]), np.random.default_rng(0))
        assert found.cost_per_win == 5
        assert found.win_low is not None
        assert found.win_high is None

    @pytest.mark.slow
    def test_many_prompts_are_dealt_into_groups_without_losing_any(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=40)
        with attach(path) as db, db.session() as connection:
            chosen = {"provenance": "real", "groups": 7, "basis": "stored"}
            dealt = columns(connection, "duckdb/cost", prices=read_prices(), **chosen)
        assert set(dealt["part"]) == set(range(7))
        found = {c.agent: c for c in agent_costs(dealt, np.random.default_rng(0))}
        assert found["domain"].prompts == found["domain"].wins == 40
        assert found["domain"].cost == pytest.approx(40 * 0.003)

    @pytest.mark.slow
    def test_the_same_seed_gives_the_same_interval(self, tmp_path):
        path = make_database(tmp_path / "prompter.db", prompts=12)
        assert use(path).costs == use(path).costs


def parts(cost, wins):
    zero = np.zeros(len(cost))
    columns = {"prompts": zero + 1, "cost": cost, "contests": zero + 1, "cost_of_contests": cost, "wins": wins}
    rest = dict.fromkeys(("gains", "cost_of_gains", "gained", "scored", "total"), zero)
    return pd.DataFrame({"agent": "syntax", "part": range(len(cost)), **columns, **rest})


def vote(path, choice, judge="syntax", correct=None, prompt=1, **values):
    agent = {"multi": judge, "single": "template", "original": "none"}.get(choice)
    correct = (choice == "multi") if correct is None else correct
    row = {"user_choice": choice, "judge_winner": judge, "agent_winner": agent, "judge_correct": int(correct)}
    insert(path, "user_feedback", [{**row, "prompt_id": hex_id("prompt", prompt), "user_id": "ann", **values}])


class TestFeedback:
    def test_choices_and_agents_have_rates_with_wilson_intervals(self, path):
        for choice, judge in (("multi", "syntax"), ("original", "syntax"), ("multi", "domain"), ("single", "domain")):
            vote(path, choice, judge)
        feedback = use(path).feedback
        assert group(feedback, "choice")["wins"].to_dict() == {"multi": 2, "original": 1, "single": 1}
        agents = group(feedback, "agent")
        assert agents.loc["syntax", ["n", "wins"]].tolist() == [2, 1]
        assert tuple(agents.loc["syntax", ["low", "high"]]) == wilson_interval(1, 2)

    @pytest.mark.slow
    def test_the_judges_agreement_is_refused_where_it_only_repeats_the_choice(self, path):
        vote(path, "multi")
        vote(path, "original")
        votes = use(path).votes
        assert (votes.agreement, votes.judged) == (None, 2)
        assert "repeats the user's choice" in votes.refused
        assert "is not computed" in " ".join(use(path).details)

    def test_else_it_is_given_with_its_interval(self, path):
        vote(path, "multi")
        vote(path, "original", correct=True)
        vote(path, "single")
        votes = use(path).votes
        assert (votes.agreement, votes.low, votes.high) == (pytest.approx(2 / 3), *wilson_interval(2, 3))
        assert votes.refused == ""

    @pytest.mark.parametrize(
        ("votes", "status"), [(0, "Cold Start"), (1, "Warming Up"), (9, "Warming Up"), (10, "Learned")]
    )
    def test_the_learning_status_follows_the_applications_thresholds(self, path, votes, status):
        for _ in range(votes):
            vote(path, "multi")
        assert use(path).votes.learning_status == status

    def test_votes_on_generated_prompts_do_not_count_as_real(self, path):
        change(path, ("UPDATE prompts SET user_id = 'test_user_1' WHERE id = ?", [hex_id("prompt", 1)]))
        vote(path, "multi", prompt=1)
        vote(path, "multi", prompt=2)
        result = use(path)
        assert (result.votes.n, result.votes.requests) == (1, 1)
        assert result.left_out == {"feedback": {"generated": 1}}


def check(path, risk, label="safe", blocked=0, **values):
    insert(path, "security_inputs", risk_score=risk, label=label, is_blocked=blocked, **values)

    def test_a_vote_without_a_prompt_belongs_to_its_request(self, path):
        vote(path, "multi", prompt_id=None, request_id="request-2")
        vote(path, "multi", prompt_id=None, request_id="nobody's")
        result = use(path)
        assert result.votes.n == 1
        assert result.left_out == {"feedback": {"unknown": 1}}


class TestSecurity:
    def test_inputs_are_counted_by_label_score_and_time(self, path):
        check(path, 0, created_at="2025-12-01 10:00:00")
        check(path, 9.99, created_at="2025-12-02 10:00:00")
        check(path, 100, "blocked", 1, created_at="2025-12-02 11:00:00")
        security = use(path).security
        assert group(security, "score")["n"].to_dict() == {"00–10": 2, "90–100": 1}
        assert group(security, "time")["n"].to_dict() == {"2025-12-01": 1, "2025-12-02": 2}
        assert group(security, "label")["blocked"].to_dict() == {"safe": 0, "blocked": 1}
        assert tuple(group(security, "all").loc["all", ["low", "high"]]) == wilson_interval(1, 3)

    def test_a_label_that_contradicts_the_block_is_counted(self, path):
        check(path, 95, "blocked", 0)
        assert group(use(path).security, "all").loc["all", "disagree"] == 1
        assert "contradicts" in " ".join(use(path).details)

    def test_texts_are_shown_only_when_asked_for_cut_and_without_credentials(self, path):
        check(path, 90, input_text="<b>my key</b> sk-0123456789abcdefghij " + "x" * 5000)
        assert use(path).texts is None
        result = use(path, texts=True)
        text = result.texts["text"][0]
        assert text.startswith("<b>my key</b> «redacted»")
        assert len(text) == 160
        assert "my key" not in json.dumps(result.to_dict())
        assert "my key" not in result._repr_html_()

    def test_texts_that_are_not_loaded_are_one_sentence(self, path):
        with attach(path, texts=False) as db, pytest.raises(ParameterError) as error:
            usage(db, texts=True)
        assert_sentence(error.value, path)


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "migrated"), SHAPES)
def test_every_generation_gives_an_answer(tmp_path, generation, migrated):
    result = use(make_database(tmp_path / "prompter.db", generation, migrated))
    json.dumps(result.to_dict(), allow_nan=False)
    assert set(result.to_dict()) >= {"tokens", "cost", "feedback", "security"}
    assert ("no calls" in result.sentence) == (generation != "G4")


@pytest.mark.slow
@pytest.mark.parametrize("provenance", ["real", "generated", "placeholder", "unknown", "all"])
def test_without_rows_the_sentence_says_so(tmp_path, provenance):
    result = use(make_database(tmp_path / "prompter.db", prompts=0), provenance=provenance)
    assert "no calls; no votes; no inputs checked" in result.sentence
    assert result.recomputed["calls"] == 0
    assert result.cost.empty
    assert '<p class="nothing">Among' in result._repr_html_()
    assert "<table" not in result._repr_html_()


@pytest.mark.slow
def test_the_field_case_has_neither_calls_nor_votes(field):
    with unchanged(field):
        result = use(field, provenance="all")
    assert result.sentence.startswith("Among all rows: no calls; no votes")


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"provenance": "nonsense"}, {"basis": "nonsense"}])
def test_an_unknown_choice_is_one_sentence(path, options):
    with pytest.raises(ParameterError) as error:
        use(path, **options)
    assert_sentence(error.value, "nonsense")


@pytest.mark.slow
def test_only_the_generators_own_user_ids_make_an_input_generated(path):
    for user in ("testXuser7", "ann"):
        insert(path, "security_inputs", user_id=user, label="safe")
    insert(path, "security_inputs", user_id="test_user_7", label="safe")
    assert group(use(path).security, "all").loc["all", "n"] == 2
    assert use(path).left_out["security_inputs"] == {"generated": 1}
