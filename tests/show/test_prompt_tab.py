"""The page of a prompt and the list of prompts."""

from __future__ import annotations

import pytest
from support import assert_sentence

from dbtools import analysis, attach, demo
from dbtools.errors import ParameterError
from dbtools.show import Explorer
from dbtools.show.explorer import markup


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return demo.build(tmp_path_factory.mktemp("prompts") / "demo")


@pytest.fixture(scope="module")
def explorer(project):
    with Explorer(project, tab="prompt") as explorer:
        yield explorer


@pytest.fixture(scope="module")
def worst(project):
    """The prompt that syntax lost by most, found with plain pandas."""
    with attach(project) as db:
        contests = db.frame("contests")
    real = contests[(contests["provenance"] == "real") & (contests["scale"] == "judge")]
    wide = real.pivot_table(index="prompt_id", columns="agent", values="total")
    lead = wide["syntax"] - wide.drop(columns="syntax").max(axis=1)
    return str(lead.idxmin()), lead.min()


@pytest.mark.slow
def test_the_list_sorted_by_an_agent_begins_with_the_prompt_it_lost_worst(explorer, worst):
    explorer.prompt_id = ""
    tab = explorer.tabs["prompt"]
    explorer._refresh()
    assert explorer.wait()
    tab.sort("syntax")
    first = tab._shown.sort_values("syntax").iloc[0]
    assert (first["prompt_id"], first["syntax"]) == worst
    assert tab.body.html.index(worst[0]) < tab.body.html.index(
        str(tab._shown.sort_values("syntax").iloc[1]["prompt_id"])
    )


@pytest.mark.slow
def test_among_all_provenances_an_agent_competes_with_its_last_version(project):
    with attach(project) as db:
        found = db.frame("contests")
    last = found.sort_values(["version_no", "created_at"]).groupby(["prompt_id", "agent"]).last()
    wide = last[last["scale"] == "judge"]["total"].unstack().dropna(thresh=2)
    spread = wide.max(axis=1) - wide.min(axis=1)
    with Explorer(project, tab="prompt", provenance="all") as explorer:
        explorer._refresh()
        assert explorer.wait()
        shown = explorer.tabs["prompt"]._shown.set_index("prompt_id")
        assert shown["spread"].to_dict() == {str(prompt): points for prompt, points in spread.items()}
        for prompt, totals in wide.iterrows():
            for agent, total in totals.dropna().items():
                assert shown.loc[str(prompt), agent] == total - totals.drop(agent).max()


@pytest.mark.slow
def test_the_page_has_each_agents_text_scores_words_and_differences(explorer, project, worst):
    explorer.open(worst[0][:8])
    assert explorer.wait()
    shown = explorer.tabs["prompt"].body.html
    assert shown.count('class="dbtools-side"') == 3
    assert "behind the highest" in shown
    assert shown.count("<summary>Against ") == 9
    with attach(project, texts=True) as db:
        texts = db.sql(f"SELECT text FROM versions WHERE prompt_id = '{worst[0]}'").fetchall()
        words = db.sql("SELECT original_text FROM prompts WHERE id = ?", [worst[0]]).fetchall()[0][0]
    assert all(text.split("\n")[0][:20] in shown for (text,) in texts)
    assert words in shown
    assert "The judge's words" in shown


@pytest.mark.slow
def test_previous_and_next_walk_through_all_prompts_in_the_order_they_were_asked(explorer, project):
    with attach(project) as db:
        asked = [str(i) for (i,) in db.sql("SELECT id FROM prompts ORDER BY created_at, id").fetchall()]
    tab = explorer.tabs["prompt"]
    explorer.open(asked[0])
    assert explorer.wait()
    walked = [explorer.prompt_id]
    while not tab.next.disabled:
        tab.next.click()
        assert explorer.wait()
        walked.append(explorer.prompt_id)
    assert walked == asked


@pytest.mark.slow
def test_the_id_of_a_version_opens_its_prompt(explorer, project):
    with attach(project) as db:
        version, prompt = db.sql("SELECT id::VARCHAR, prompt_id::VARCHAR FROM versions ORDER BY id LIMIT 1").fetchall()[
            0
        ]
    explorer.open(version[:8].upper())
    assert explorer.prompt_id == prompt
    assert explorer.wait()


@pytest.mark.slow
@pytest.mark.parametrize("given", ["zz", "ffffffff0000", "a"])
def test_an_id_that_names_nothing_is_said_and_nothing_changes(explorer, given):
    before = explorer.prompt_id
    with pytest.raises(ParameterError) as raised:
        explorer.open(given)
    assert_sentence(raised.value, given)
    assert explorer.prompt_id == before


@pytest.mark.slow
def test_evolution_takes_the_first_eight_characters_too(project, worst):
    with attach(project) as db:
        short = analysis.evolution(db, worst[0][:8])
        assert short.to_dict() == analysis.evolution(db, worst[0]).to_dict()
        with pytest.raises(ParameterError) as raised:
            analysis.evolution(db, "ffffffff")
        assert_sentence(raised.value, "ffffffff")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "no JSON", '"text"'])
def test_words_that_are_no_object_are_shown_as_they_are_however_deep(text):
    assert markup.plain_words(text) == text
