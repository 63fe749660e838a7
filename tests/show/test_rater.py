from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from rating_projects import own_marks_project
from support import AGENTS, assert_sentence, hex_id

from dbtools.database.ratings import read
from dbtools.errors import DatabaseError, ParameterError
from dbtools.show import Explorer
from dbtools.show.rater import Rater, rater

FOLDER = Path(rater.__file__).parent


@pytest.fixture
def root(tmp_path):
    return own_marks_project(tmp_path / "project", prompts=4)


@pytest.fixture
def widget(root):
    made = Rater(root, "ann")
    yield made
    made.close()


def press(widget, choice, token=None):
    """Send what the page sends."""
    widget._handle_custom_msg({"choice": choice, "token": token or widget.shown["token"]}, [])


def answers(root):
    return [one.choice for one in read(root / "ratings.jsonl").ratings]


@pytest.mark.slow
def test_each_answer_is_on_disk_before_the_next_pair_is_shown(root, widget):
    for count, choice in enumerate(("left", "right", "tie", "skip"), 1):
        before = widget.shown
        press(widget, choice)
        assert widget.shown["texts"] != before["texts"]
        assert len(answers(root)) == widget.shown["done"] == count
    assert answers(root) == ["left", "right", "tie", "skip"]
    assert {one.rater for one in read(root / "ratings.jsonl").ratings} == {"ann"}
    assert all(one.seconds is not None for one in read(root / "ratings.jsonl").ratings)


@pytest.mark.slow
def test_nothing_that_is_sent_to_the_page_tells_who_wrote_a_text(root, widget):
    sent = []
    for choice in ("left", "undo", "tie", "right", "skip"):
        sent.append(json.dumps({k: v for k, v in widget.get_state().items() if k not in ("_esm", "_css")}, default=str))
        press(widget, choice)
    told = " ".join(sent)
    ids = {one.left for one in read(root / "ratings.jsonl").ratings} | {hex_id("version", 0, a) for a in AGENTS}
    assert not re.search("|".join([*AGENTS, *ids, hex_id("prompt", 0), "prompt_id", "version_id", "score"]), told)
    assert "Answer" in told


@pytest.mark.slow
def test_an_undone_answer_shows_its_pair_again_and_then_the_one_after_it(root, widget):
    first = widget.shown["texts"]
    press(widget, "left")
    second = widget.shown["texts"]
    press(widget, "left")
    press(widget, "undo")
    assert widget.shown["texts"] == second
    press(widget, "undo")
    assert widget.shown["texts"] == first
    assert answers(root) == []
    press(widget, "right")
    assert widget.shown["texts"] == second
    assert (root / "ratings.jsonl").read_text().count("undo") == 2


@pytest.mark.slow
def test_who_comes_back_goes_on_and_can_still_undo(root, widget):
    press(widget, "left")
    press(widget, "right")
    shown = widget.shown["texts"]
    with_other_kernel = Rater(root, "ann")
    assert with_other_kernel.shown["texts"] == shown
    assert with_other_kernel.shown["done"] == 2
    press(with_other_kernel, "undo")
    assert answers(root) == ["left"]
    with_other_kernel.close()


def test_a_key_pressed_twice_is_one_answer(root, widget):
    token = widget.shown["token"]
    press(widget, "left", token)
    press(widget, "left", token)
    assert answers(root) == ["left"]


@pytest.mark.slow
def test_what_cannot_be_saved_is_said_and_the_pair_stays(root, widget, monkeypatch):
    before = widget.shown["texts"]
    with monkeypatch.context() as full:
        full.setattr("os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        press(widget, "left")
    assert widget.shown["said"] == "Not saved: No space left on device. The same pair is shown again."
    assert widget.shown["texts"] == before
    press(widget, "right")
    assert answers(root) == ["right"]


@pytest.mark.slow
def test_standings_are_sent_only_when_asked_for(widget):
    press(widget, "left")
    assert widget.shown["standings"] == []
    press(widget, "standings")
    assert {row[0] for row in widget.shown["standings"]} <= set(AGENTS)
    press(widget, "left")
    assert widget.shown["standings"] == []


@pytest.mark.slow
def test_differences_are_marked_when_asked_for(widget):
    assert widget.shown["parts"] == []
    widget.marking = True
    left, right = widget.shown["parts"]
    assert ["".join(text for _, text in side) for side in (left, right)] == widget.shown["texts"]
    assert any(own for own, _ in left)


@pytest.mark.slow
def test_what_is_missing_is_told_as_long_as_there_are_enough_pairs(root, widget):
    assert widget.shown["count"] == "0 done; 12 pairs left, and a decision may take more prompts"
    many = Rater(own_marks_project(root.parent / "many", prompts=60, agents=AGENTS[:2]), "ann")
    assert re.fullmatch(r"0 done; about \d\d more to decide", many.shown["count"])
    many.close()


@pytest.mark.slow
def test_the_end_is_said(root):
    small = own_marks_project(root.parent / "small", prompts=1, agents=AGENTS[:2])
    made = Rater(small, "ann")
    press(made, "tie")
    assert made.shown["said"] == "No pair is left for you. Thank you."
    assert made.shown["texts"] == []
    press(made, "left")
    assert answers(small) == ["tie"]
    made.close()


@pytest.mark.slow
def test_where_nothing_can_be_rated_it_is_said(root):
    root = own_marks_project(root.parent / "alone", prompts=2, agents=AGENTS[:1])
    made = Rater(root, "ann")
    assert (made.shown["count"], made.shown["texts"]) == ("", [])
    assert made.shown["said"].startswith("There is nothing to rate: it takes real versions")
    made.close()


@pytest.mark.slow
def test_equal_texts_are_a_tie_that_nobody_saw_saved_with_the_next_answer(tmp_path):
    root = own_marks_project(tmp_path / "same", prompts=3, agents=AGENTS[:2])
    with closing(sqlite3.connect(root / "prompter.db")) as connection, connection:
        equal = [hex_id("prompt", number) for number in range(2)]
        connection.execute("UPDATE prompt_versions SET text = 'Equal' WHERE prompt_id IN (?, ?)", equal)
    made = Rater(root, "ann")
    assert not (root / "ratings.jsonl").exists()  # looking writes nothing
    while made.shown["texts"]:
        assert "Equal" not in made.shown["texts"]
        press(made, "left")
    found = [(one.choice, one.seconds is None) for one in read(root / "ratings.jsonl").ratings]
    assert found.count(("left", False)) == made.shown["done"] == 1
    assert set(found) <= {("left", False), ("tie", True)}
    press(made, "undo")
    assert "left" not in answers(root)
    made.close()


@pytest.mark.slow
def test_lines_that_cannot_be_used_are_told(root):
    (root / "ratings.jsonl").write_text("no json\n")
    made = Rater(root, "ann")
    assert made.shown["said"] == "Lines of the ratings that were not used: 1 cannot be read."
    made.close()


@pytest.mark.slow
def test_the_tab_of_the_explorer_takes_answers_too(root):
    with Explorer(root) as explorer:
        explorer.tab = "rate"
        assert explorer.wait()
        tab = explorer.tabs["rate"]
        opened = [tab.view._session._db]
        tab.rater.value = "bob"
        assert explorer.wait()
        opened.append(tab.view._session._db)
        with pytest.raises(DatabaseError, match="is closed"):
            opened[0].sql("SELECT 1")
        press(tab.view, "left")
        assert [(one.rater, one.choice) for one in read(root / "ratings.jsonl").ratings] == [("bob", "left")]
        tab.rater.value = "\n"
        assert explorer.wait()
        assert "name of a rater" in tab.worker.message.value
    with pytest.raises(DatabaseError, match="is closed"):
        opened[1].sql("SELECT 1")


def test_a_rater_without_a_name_is_refused(root):
    with pytest.raises(ParameterError) as caught:
        Rater(root, "a\nb")
    assert_sentence(caught.value, r"a\nb")


@pytest.mark.slow
def test_the_page_without_a_kernel_says_so(widget):
    bundle = widget._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "needs a running kernel" in data["text/html"]


def test_the_script_parses_and_takes_no_text_for_html(tmp_path):
    code = (FOLDER / "rater.js").read_text("utf-8")
    assert not re.search(r"\beval\b|innerHTML|insertAdjacentHTML|document\.write|\bfetch\(|import\(|https?:", code)
    assert max(map(len, code.splitlines())) <= 120
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not on this machine")
    module = shutil.copy(FOLDER / "rater.js", tmp_path / "rater.mjs")
    checked = subprocess.run([node, "--check", module], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_styles_are_balanced_and_only_for_the_rater():
    css = re.sub(r"/\*.*?\*/", "", (FOLDER / "rater.css").read_text("utf-8"), flags=re.DOTALL)
    assert css.count("{") == css.count("}") > 20
    selectors = [rule.strip() for rule in re.findall(r"(?:^|\})\s*([^{}]+)\{", css)]
    assert [s for s in selectors if "dbtools-rater" not in s and not s.startswith("@")] == []
