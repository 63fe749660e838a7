"""The tab Usage: tokens, cost, what users choose, and what was checked for risk."""

from __future__ import annotations

import ipywidgets

from dbtools import analysis
from dbtools.analysis.usage import FORMATS, VOTE_WORDS
from dbtools.html import bullets
from dbtools.show import charts
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import choice, row

_COLUMNS = ["kind", "name", "calls", "prompt_tokens", "completion_tokens", "cost_usd", "recomputed_usd", "differing"]
_ABOUT_COSTS = "Costs differ: calls whose stored cost is more than 1% off the list price."


class UsageTab(Tab):
    """Tokens, cost, feedback, security."""

    name, title = "usage", "Usage"
    tooltip = "Tokens, cost, feedback, security"
    description = "Adding up"
    attribute = "usage"
    charts = True
    depends = ("provenance", "users", "date_range")

    def __init__(self, explorer: State) -> None:
        about = "Which costs are divided by wins and points"
        self.basis = choice("Costs", about, ["stored", "recomputed"], "stored")
        self.basis.observe(lambda _: self.refresh(), "value")
        super().__init__(explorer)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        return [row(self.basis), *super().parts()]

    def request(self) -> tuple[str, str]:
        """Return the provenance, and which costs count."""
        return self.explorer.provenance, self.basis.value

    def compute(self, session: Session, request: tuple[str, str]) -> analysis.Usage:
        """Return what was used."""
        provenance, basis = request
        return analysis.usage(session.derived(), provenance, basis=basis)

    def render(self, result: analysis.Usage, draw: markup.Draw = markup.draw) -> str:
        """Return what was used as charts and tables."""
        kinds = result.tokens["kind"].isin(["all", "agent", "model"])
        tokens = result.tokens[kinds][[c for c in _COLUMNS if c in result.tokens]]
        answers = markup.answers
        parts = [markup.note(result.sentence), bullets(result.details)]
        agents = {
            "name": [
                f"agents:{name}" if kind == "agent" else None
                for kind, name in zip(tokens["kind"], tokens["name"], strict=True)
            ]
        }
        # The sentence says which of the three there is nothing of.
        if len(tokens):
            parts += [
                markup.head("Tokens and cost", _ABOUT_COSTS),
                markup.table(tokens, "tokens", formats=FORMATS, links=agents),
                answers(draw(charts.cost_and_quality, result.cost)),
                answers(draw(charts.cost_per_win, result.cost)),
                answers(draw(charts.cost_by_day, result.tokens)),
            ]
        if len(result.feedback):
            parts += [
                markup.head("What users choose"),
                draw(charts.votes, result.feedback),
                markup.table(result.feedback, "votes", formats=FORMATS, words=VOTE_WORDS),
            ]
        if len(result.security):
            parts += [
                markup.head("Inputs checked for risk"),
                draw(charts.risks, result.security),
                draw(charts.risk_scores, result.security),
            ]
        return "".join(parts)

    def on_mark(self, said: str) -> None:
        """Show the versions of an agent, or those of the prompts of a day."""
        name = said.split(": ")[0]
        self.explorer.follow("day" if name[:4].isdigit() else "agents", name)

    def python(self, request: tuple[str, str]) -> str:
        """Return the call that gives the same numbers."""
        provenance, basis = request
        return f"analysis.usage({self.explorer.python_db}, {provenance!r}, basis={basis!r})"
