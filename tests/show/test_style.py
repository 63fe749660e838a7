from __future__ import annotations

import re

import altair as alt
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from dbtools.show import charts, style

AGENTS = pd.DataFrame(
    {
        "agent": ["syntax", "structure", "domain"],
        "contests": [15, 15, 12],
        "wins": [4, 5, 6],
        "win_rate": [4 / 15, 5 / 15, 6 / 12],
        "low": 0.1,
        "high": 0.6,
    }
)


@pytest.fixture
def renderer():
    before = alt.renderers.active
    style.enable()
    yield
    alt.renderers.enable(before)


@pytest.mark.usefixtures("renderer")
def test_a_chart_is_shown_as_version_five_for_jupyterlab_and_as_svg(tmp_path):
    InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}), ipython_dir=str(tmp_path))
    try:
        bundle = charts.win_rates(AGENTS)._repr_mimebundle_()
    finally:
        InteractiveShell.clear_instance()
    assert set(bundle) == {"application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"}
    lab = bundle["application/vnd.vegalite.v5+json"]
    assert lab["$schema"].endswith("/vega-lite/v5.json")
    # In the lab: the colours of its theme, which only SVG can take, and a name to be read out.
    assert lab["usermeta"] == {"embedOptions": {"renderer": "svg"}}
    assert lab["config"]["background"] == "transparent"
    assert lab["config"]["title"]["color"] == "var(--jp-content-font-color1,#1f2328)"
    assert lab["description"] == "Chart: Who wins (up to 15 contests per agent)"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == "Chart: Who wins (up to 15 contests per agent)"


@pytest.mark.slow
def test_the_same_numbers_give_the_same_bytes():
    first, again = (style.bundle(charts.win_rates(AGENTS).to_dict()) for _ in range(2))
    assert first == again


def test_every_ink_of_a_chart_has_a_counterpart_for_dark_mode():
    svg = style.bundle(charts.win_rates(AGENTS).to_dict())["image/svg+xml"]
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg))
    assert used - {style.BLUE} <= set(style.DARK)
    assert used & set(style.DARK)
