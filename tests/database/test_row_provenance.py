"""The classifier of real, generated and placeholder rows, on a labelled set of cases."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support import DIMENSIONS, hex_id, insert, make_database

from dbtools import attach

CASES = Path(__file__).parents[1] / "data" / "provenance.csv"


def read_cases() -> list[dict[str, str]]:
    with CASES.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[dict[str, str], str]]]:
    """Return each case with the provenance that dbtools gives its version."""
    cases = read_cases()
    path = make_database(tmp_path_factory.mktemp("cases") / "prompter.db", prompts=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, case in enumerate(cases):
            prompt, version = hex_id("case", number), hex_id("version", number)
            insert(connection, "prompts", id=prompt, user_id=case["user_id"], original_text=case["prompt"])
            words = {name: case[name] for name in ("text", "source", "version_no", "explanation")}
            insert(connection, "prompt_versions", id=version, prompt_id=prompt, **words)
            score = dict.fromkeys(DIMENSIONS, float(case["score"]))
            insert(connection, "judge_scores", prompt_version_id=version, feedback=case["feedback"], **score)
    with attach(path) as db:
        rows = db.sql(
            "SELECT row_id, provenance FROM provenance WHERE relation = 'versions' ORDER BY row_id"
        ).fetchall()
    yield [(case, provenance) for case, (_, provenance) in zip(cases, rows, strict=True)]


def test_the_set_is_large_and_has_every_kind() -> None:
    expected = Counter(case["expected"] for case in read_cases())
    assert sum(expected.values()) >= 300
    assert min(expected[kind] for kind in ("real", "generated", "placeholder")) >= 60


@pytest.mark.slow
def test_rows_that_are_not_real_are_found_and_real_rows_are_left_alone(labelled) -> None:
    flagged = [case for case, found in labelled if found != "real"]
    wanted = [case for case, _ in labelled if case["expected"] != "real"]
    right = [case for case in flagged if case["expected"] != "real"]
    assert len(right) >= 0.98 * len(flagged), [case["text"] for case in flagged if case["expected"] == "real"]
    assert len(right) >= 0.90 * len(wanted), [c["text"] for c, f in labelled if f == "real" != c["expected"]]


@pytest.mark.slow
def test_each_row_gets_its_own_kind(labelled) -> None:
    wrong = [(case["case"], case["text"], found) for case, found in labelled if found != case["expected"]]
    assert len(wrong) <= 0.02 * len(labelled), wrong
