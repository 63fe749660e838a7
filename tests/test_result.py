from __future__ import annotations

import pandas as pd

from dbtools.result import Result


class Count(Result):
    frame = pd.DataFrame({"n": [3]})
    sentence = "three rows <counted>"
    details = ("one is <b>bold</b>",)

    def to_dict(self):
        return {"n": 3}


class Bare(Count):
    details = ()


def test_a_result_shows_its_class_and_its_sentence():
    assert repr(Count()) == "Count(three rows <counted>)"


def test_in_jupyter_a_result_is_its_sentence_its_table_and_its_details_escaped():
    shown = Count()._repr_html_()
    assert "<caption>Three rows &lt;counted&gt;</caption>" in shown
    assert "<li>one is &lt;b&gt;bold&lt;/b&gt;</li>" in shown


def test_without_details_there_is_no_list():
    assert "<li>" not in Bare()._repr_html_()
