"""The tab Time: how versions of a prompt change, along the chain and over time, and each agent."""

from __future__ import annotations

import ipywidgets

from dbtools import analysis
from dbtools.analysis.trend import FEWEST_TIMES
from dbtools.html import bullets
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, line, row

_NUMBERS = ["slope", "low", "high", "change"]
_MOST_ROWS = 100


class TimeTab(Tab):
    """Trends, change points and types of change."""

    name, title = "time", "Time"
    tooltip = "Trends, change points and types of change"
    description = "Following the prompts"
    attribute = "evolution"
    charts = True
    depends = ("prompt_id", "provenance", "users", "date_range")

    def __init__(self, explorer: State) -> None:
        self.prompt = line("Prompt", "The id of one prompt; empty: all prompts", explorer.prompt_id, width="400px")
        ipywidgets.link((explorer, "prompt_id"), (self.prompt, "value"))
        self.all = button("All prompts", "Follow all prompts", lambda: explorer.set_trait("prompt_id", ""))
        super().__init__(explorer)
        self.body.on_choice(lambda prompt_id, _more: explorer.set_trait("prompt_id", prompt_id))

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        return [row(self.prompt, self.all), *super().parts()]

    def request(self) -> tuple[str, str]:
        """Return the prompt to follow (empty: all), and the provenance."""
        return self.explorer.prompt_id.strip(), self.explorer.provenance

    def compute(self, session: Session, request: tuple[str, str]) -> analysis.Evolution:
        """Return the evolution of the prompts."""
        return analysis.evolution(session.derived(), *request)

    def is_empty(self, result: analysis.Evolution) -> bool:
        """Tell whether there are no prompts to follow."""
        return not result.prompts

    def render(self, result: analysis.Evolution, draw: markup.Draw = markup.draw) -> str:
        """Return the evolution with the trends."""
        return evolution_html(result, draw) + trends_html(result)

    def on_mark(self, said: str) -> None:
        """Open the prompt of a version; show the versions of an agent."""
        name = said.split(": ")[0]
        if name.startswith("version "):
            self.follow(f"id:{name.removeprefix('version ')}")
        else:
            self.follow(f"agents:{name.split(', ')[0]}")

    def python(self, request: tuple[str, str]) -> str:
        """Return the call that gives the same numbers."""
        prompt_id, provenance = request
        return f"analysis.evolution({self.explorer.python_db}, {prompt_id!r}, {provenance!r})"


def evolution_html(result: analysis.Evolution, draw: markup.Draw) -> str:
    """Return trends as charts and tables."""
    if not result.prompts:
        return markup.note(result.sentence, "info")
    types = result.stored_types
    parts = [
        markup.note(result.sentence),
        bullets(result.details),
        markup.head("Along the chain", "From parent to child; the band is the 95% interval of the slope."),
        markup.answers(draw(charts.chains, result)),
        markup.head("Over time", "The same scores at the times when they were given."),
        markup.answers(draw(charts.chains, result, "clock")),
        markup.head("Change points", "Where the scores before and after differ most (Pettitt's test)."),
        markup.table(result.change_points, "change-points", limit=_MOST_ROWS, links={"prompt_id": "id"}),
        markup.head("Which type of change helps"),
        draw(charts.change_types, result.change_effects),
        markup.table(types, "change-types", caption="Changes by stored and recomputed type") if len(types) else "",
        markup.head("Agents over time"),
        markup.answers(draw(charts.agents_over_time, result.agents)),
    ]
    return "".join(parts)


def trends_html(result: analysis.Evolution) -> str:
    """Return one row per prompt and order; each leads to its prompt."""
    shown = result.trend.copy()
    # A slope through a few points says nothing.
    numbers = [*_NUMBERS, "p"]
    shown[numbers] = shown[numbers].astype(float).where(shown["times"] >= FEWEST_TIMES)
    columns = ["prompt_id", "order", "scale", "n", "times", "verdict", *numbers]
    formats = dict.fromkeys(_NUMBERS, ".3g")
    keys = shown["prompt_id"].tolist()
    links = {"prompt_id": "id"}
    rows = markup.table(shown[columns], "trends", formats=formats, limit=_MOST_ROWS, keys=keys, links=links)
    about = (
        "Slope in points per dimension, per version (chain) or day (clock). Choose a row to follow its prompt alone."
    )
    return markup.head("Trends", about) + rows
