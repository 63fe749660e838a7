"""Analyses, audit, exports, Explorer and HTML agree on shared numbers: with failures, reruns, scales and ties."""

import json
import re
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from support import AGENTS, DIMENSIONS, hex_id, insert, make_database

from dbtools import analysis, attach, audit, export
from dbtools.project import Project
from dbtools.show import Explorer

SELF = '{"agent": "domain", "confidence": 0.9}'


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Build 16 prompts: syntax fails in four and is run again in two; domain scores itself in three; two are ties."""
    root = tmp_path_factory.mktemp("same")
    path = make_database(root / "prompter.db", prompts=16)
    setters = ", ".join(f"{name} = ?" for name in DIMENSIONS)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(1, 17):
            for place, agent in enumerate(AGENTS):
                points = 7 if number in (5, 6) else 5 + (number * (place + 3) % 7) / 2
                own = number > 13 and agent == "domain"
                statement = f"UPDATE judge_scores SET {setters}, feedback = ? WHERE prompt_version_id = ?"
                values = [16 if own else points] * 5
                feedback = SELF if own else '{"summary": "judged"}'
                connection.execute(statement, [*values, feedback, hex_id("version", number, agent)])
        for number in (1, 2, 3, 4):
            statement = "UPDATE prompt_versions SET explanation = 'Unable to parse response' WHERE id = ?"
            connection.execute(statement, [hex_id("version", number, "syntax")])
        for number in (1, 2):
            again = hex_id("again", number)
            row = {
                "prompt_id": hex_id("prompt", number),
                "version_no": 9,
                "source": "syntax",
                "text": f"again {number}",
            }
            insert(connection, "prompt_versions", id=again, **row)
            insert(connection, "judge_scores", prompt_version_id=again, feedback="{}", **dict.fromkeys(DIMENSIONS, 8.5))
            insert(connection, "token_usage", prompt_version_id=again, prompt_tokens=9, cost_usd=0.002, model="llama")
    return root


@pytest.fixture(scope="module")
def numbers(project, tmp_path_factory):
    """Return the results of all of them, computed once, and the rows by plain SQL."""
    folder = tmp_path_factory.mktemp("exports") / "out"
    with attach(project) as db:
        export.write(db, folder, layouts=("multi_agent_log",))
        origins = "SELECT relation, provenance, count(*) AS n FROM provenance GROUP BY ALL ORDER BY ALL"
        scales = "SELECT source, scale, count(*) AS n FROM scored_versions WHERE scale > '' GROUP BY ALL ORDER BY ALL"
        return {
            "effectiveness": analysis.effectiveness(db),
            "usage": analysis.usage(db),
            "log": pd.read_csv(folder / "multi_agent_log.csv"),
            "provenance": db.sql(origins).df(),
            "scales": db.sql(scales).df(),
            "audit": audit.run(Project.find(project)),
        }


def expected(project):
    """Return the last real, judged version of each prompt and agent, by pandas from SQLite alone."""
    with closing(sqlite3.connect(project / "prompter.db")) as connection:
        total = " + ".join(f"s.{name}" for name in DIMENSIONS)
        rows = pd.read_sql_query(
            f"SELECT v.prompt_id, v.source AS agent, v.version_no, v.explanation, s.feedback, {total} AS total "
            "FROM prompt_versions AS v JOIN judge_scores AS s ON s.prompt_version_id = v.id",
            connection,
        )
    real = rows[rows.explanation != "Unable to parse response"].sort_values("version_no")
    last = real.groupby(["prompt_id", "agent"]).tail(1)
    return last[last.feedback != SELF]


@pytest.mark.slow
def test_the_agents_have_the_means_of_the_rows_everywhere(project, numbers):
    rows = expected(project)
    means, counts = dict(rows.groupby("agent").total.mean()), dict(rows.groupby("agent").size())
    assert counts == {"domain": 13, "structure": 16, "syntax": 14}
    for name in ("effectiveness", "usage"):
        agents = numbers[name].agents if name == "effectiveness" else numbers[name].costs
        assert {a.agent: a.mean_total for a in agents} == pytest.approx(means)
        assert {a.agent: a.scored for a in agents} == counts
    bounds = {a.agent: (a.total_low, a.total_high) for a in numbers["effectiveness"].agents}
    for agent in numbers["usage"].costs:
        assert (agent.total_low, agent.total_high) == pytest.approx(bounds[agent.agent])


@pytest.mark.slow
def test_the_log_has_the_totals_that_are_compared(project, numbers):
    rows, log = expected(project), numbers["log"]
    number_of = {hex_id("prompt", number): number for number in range(1, 17)}
    for agent in AGENTS:
        # An agent that only failed in a prompt has the score of the failed run there.
        answered = rows[rows.agent == agent].prompt_id.map(lambda one: number_of[one])
        column = log.set_index("request_id")[f"{agent}_score"].loc[[f"request-{number}" for number in answered]]
        assert [*column] == pytest.approx([*rows[rows.agent == agent].total])
    pairs = {(p.a, p.b): p for p in numbers["effectiveness"].pairs}
    wide = rows.pivot(index="prompt_id", columns="agent", values="total")
    for (a, b), pair in pairs.items():
        d = (wide[a] - wide[b]).dropna()
        assert (pair.n, pair.difference) == (len(d), pytest.approx(d.mean()))


def test_usage_counts_the_wins_that_effectiveness_counts(numbers):
    wins = {a.agent: (a.contests, a.wins) for a in numbers["effectiveness"].agents}
    assert {c.agent: (c.contests, c.wins) for c in numbers["usage"].costs} == wins


def test_provenance_and_scales_are_the_same_in_audit_and_analysis(numbers):
    counted = {}
    for row in numbers["provenance"].itertuples():
        counted.setdefault(row.relation, {})[row.provenance] = row.n
    audited = {name: {kind: n for kind, n in kinds.items() if n} for name, kinds in numbers["audit"].provenance.items()}
    origins = numbers["effectiveness"].origins
    assert {name: counted[name] for name in origins} == {name: audited[name] for name in origins} == origins
    assert counted["versions"]["placeholder"] == 4
    assert {(s, k): n for s, k, n in numbers["audit"].scales} == {
        (row.source, row.scale): row.n for row in numbers["scales"].itertuples()
    }
    failed = {a.agent: a.failure_rate for a in numbers["effectiveness"].agents}
    assert failed == {"domain": 0, "structure": 0, "syntax": 4 / 16}


def test_every_version_of_the_rows_left_out_is_counted(numbers):
    use = numbers["effectiveness"].version_use
    assert sum(use.values()) == numbers["audit"].provenance["versions"]["real"]
    assert use["other_scale"] == 3


def shown(html):
    """Return the numbers with two decimals that a page shows in its table cells."""
    return set(re.findall(r"<td[^>]*>[+−]?(\d+\.\d\d)</td>", html))


@pytest.mark.slow
def test_html_json_and_the_explorer_show_the_same_numbers(project, numbers):
    found = numbers["effectiveness"]
    with Explorer(project) as explorer:
        page = explorer.snapshot("agents")
    means = {f"{a.mean_total:.2f}" for a in found.agents}
    differences = {f"{abs(p.difference):.2f}" for p in found.pairs}
    assert means <= shown(found._repr_html_())
    assert means | differences <= shown(page)
    assert found.sentence in page and found.sentence in found._repr_html_()
    stored = json.loads(json.dumps(found.to_dict()))
    assert [a["mean_total"] for a in stored["agents"]] == [a.mean_total for a in found.agents]
    assert [p["difference"] for p in stored["pairs"]] == [p.difference for p in found.pairs]
