from __future__ import annotations

import pytest
from support import DIMENSIONS, hex_id, insert, make_database

from dbtools import analysis, attach


def filters(path, **options):
    with attach(path) as db:
        return {s.filter: s for s in analysis.effectiveness(db, **options).multiverse}


def test_every_defensible_filter_is_tried(tmp_path):
    found = filters(make_database(tmp_path / "prompter.db", prompts=8))
    wins = {"wins recorded", "wins score", "wins selected", "wins user"}
    rows = {"generated rows", "all rows", "all but placeholders"}
    assert set(found) == {"as asked", "one contest per text"} | wins | rows
    assert found["as asked"].verdict == "best"
    assert (found["generated rows"].n, found["generated rows"].leader) == (0, None)


@pytest.mark.slow
def test_a_leader_that_generated_rows_make_is_seen_to_change(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=8)
    for number in range(1, 25):
        prompt = hex_id("made", number)
        insert(path, "prompts", id=prompt, user_id="test_user_1", original_text=f"Made {number}")
        for place, (agent, mark) in enumerate((("syntax", 9.5), ("structure", 6), ("domain", 5.5)), 1):
            version = hex_id("made", number, agent)
            insert(path, "prompt_versions", id=version, prompt_id=prompt, source=agent, version_no=place)
            insert(path, "judge_scores", prompt_version_id=version, **dict.fromkeys(DIMENSIONS, mark))
    found = filters(path)
    assert (found["as asked"].leader, found["as asked"].verdict) == ("domain", "best")
    assert (found["all rows"].leader, found["all rows"].verdict) == ("syntax", "undecided")
    assert found["all rows"].n == 32
    with attach(path) as db:
        assert "domain leads by score under 4 of the 7 filters" in " ".join(analysis.effectiveness(db).details)


@pytest.mark.slow
def test_another_scale_is_a_filter_of_its_own_and_never_pooled(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=3)
    for number in range(1, 4):
        for place, agent in enumerate(("syntax", "structure"), 4):
            version = hex_id("own", number, agent)
            asked = {"prompt_id": hex_id("prompt", number + 10), "source": agent, "version_no": place}
            insert(path, "prompt_versions", id=version, **asked)
            mark = '{"agent": "x", "confidence": 0.5}'
            insert(
                path, "judge_scores", prompt_version_id=version, feedback=mark, **dict.fromkeys(DIMENSIONS, 20 - place)
            )
        insert(path, "prompts", id=hex_id("prompt", number + 10), original_text=f"Own {number}")
    found = filters(path)
    assert (found["as asked"].n, found["scale self"].n) == (3, 3)
    assert (found["as asked"].leader, found["scale self"].leader) == ("domain", "syntax")


@pytest.mark.slow
def test_rows_of_another_scale_do_not_change_the_verdict_of_what_was_asked(tmp_path):
    path = make_database(tmp_path / "prompter.db", prompts=8)
    insert(path, "prompts", id=hex_id("made"), user_id="test_user_1", original_text="Made")
    for place, agent in enumerate(("syntax", "structure"), 1):
        version = hex_id("made", agent)
        insert(path, "prompt_versions", id=version, prompt_id=hex_id("made"), source=agent, version_no=place)
        insert(path, "judge_scores", prompt_version_id=version, **dict.fromkeys(DIMENSIONS, 60 + place))
    with attach(path) as db:
        result = analysis.effectiveness(db, "all")
    found = {s.filter: (s.n, s.verdict) for s in result.multiverse}
    assert (result.claim.verdict, found["as asked"], found["real rows"]) == ("best", (8, "best"), (8, "best"))
