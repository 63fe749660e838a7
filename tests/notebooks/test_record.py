import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_notebook, new_output
from traitlets.config import Config

from dbtools.errors import ParameterError, VerdictError
from dbtools.html import LEVELS
from dbtools.notebooks.record import MIME, Recorded, plain, record, recorded
from dbtools.result import Highlight, Result


@pytest.fixture
def shell(tmp_path):
    yield InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=str(tmp_path))
    InteractiveShell.clear_instance()


def test_plain_turns_everything_a_notebook_computes_into_strict_json():
    values = {
        "nan": float("nan"),
        "inf": np.float64("inf"),
        "na": pd.NA,
        "nat": pd.NaT,
        "int": np.int64(3),
        "float": np.float32(0.5),
        "flag": np.bool_(True),
        "path": Path("a/b"),
        "id": UUID(int=1),
        "when": datetime(2025, 1, 2, 3, 4, tzinfo=UTC),
        "stamp": pd.Timestamp("2025-01-02 03:04"),
        "day": date(2025, 1, 2),
        "set": {"b", "a"},
        "rows": ({"n": None},),
        1: "key",
    }
    assert json.loads(json.dumps(plain(values), allow_nan=False)) == {
        "nan": None,
        "inf": None,
        "na": None,
        "nat": None,
        "int": 3,
        "float": 0.5,
        "flag": True,
        "path": "a/b",
        "id": "00000000-0000-0000-0000-000000000001",
        "when": "2025-01-02T03:04:00+00:00",
        "stamp": "2025-01-02T03:04:00",
        "day": "2025-01-02",
        "set": ["a", "b"],
        "rows": [{"n": None}],
        "1": "key",
    }


def test_a_frame_is_not_plain_data():
    with pytest.raises(ParameterError, match="DataFrame"):
        plain({"frame": pd.DataFrame()})


@pytest.mark.usefixtures("shell")
def test_record_shows_the_verdict_and_keeps_the_values_as_text():
    with capture_output() as shown:
        record({"rows": 3, "name": "größer"})
    (output,) = shown.outputs
    assert output.data[MIME] == '{"rows": 3, "name": "größer"}'
    assert output.data["text/plain"] == "✓ passed"
    assert "✓ passed" in output.data["text/html"]


@pytest.mark.usefixtures("shell")
def test_a_secret_in_a_name_is_in_no_part_of_what_is_recorded():
    token, found = "ghp_" + "aB3d" * 9, Found()
    found.highlights = (Highlight("error", f"log {token}.csv stays", "check-a"),)
    with capture_output() as shown:
        record(
            {token: [{"path": f"storage/log {token}.csv"}, Path(f"a/{token}")]}, reason=f"kept: {token}", result=found
        )
    (output,) = shown.outputs
    assert "aB3daB3d" not in json.dumps(output.data)
    assert json.loads(output.data[MIME]) == {"«redacted»": [{"path": "storage/log «redacted».csv"}, "a/«redacted»"]}


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("reason", ["Undecided: one leads", "✗ failed: really", ""])
def test_what_a_verdict_says_can_be_read_again(reason):
    with capture_output() as shown:
        record({}, reason=reason)
    (output,) = shown.outputs
    assert output.data["text/plain"] == f"✓ {reason or 'passed'}"
    cell = new_code_cell(outputs=[new_output("display_data", data=output.data)])
    assert recorded(new_notebook(cells=[cell])) == Recorded({}, reason)


class Found(Result):
    """A result with three errors."""

    frame = pd.DataFrame()
    sentence = "3 errors"
    level = "error"
    highlights = (Highlight("error", "a <b>", "check-a"),)

    def to_dict(self):
        return {}


@pytest.mark.usefixtures("shell")
def test_three_errors_are_never_a_tick_and_what_matters_is_linked():
    with capture_output() as shown:
        record({}, result=Found())
    (output,) = shown.outputs
    assert output.data["text/plain"] == "✗ 3 errors"
    assert LEVELS["error"][1] in output.data["text/html"]
    assert '<a href="#check-a">a &lt;b&gt;</a>' in output.data["text/html"]
    cell = new_code_cell(outputs=[new_output("display_data", data=output.data)])
    assert recorded(new_notebook(cells=[cell])) == Recorded({}, "3 errors", True, "error", ("a <b>",))


@pytest.mark.usefixtures("shell")
def test_a_failed_verdict_is_shown_escaped_before_it_raises():
    with capture_output() as shown, pytest.raises(VerdictError, match=r"^165 <b> 45\.$"):
        record({"rows": 165}, passed=False, reason="165 <b> 45.")
    (output,) = shown.outputs
    assert json.loads(output.data[MIME]) == {"rows": 165}
    assert "✗ failed: 165 &lt;b&gt; 45" in output.data["text/html"]
