"""The tab Rate: compare two versions of a prompt blind."""

from __future__ import annotations

from typing import Any

import ipywidgets

from dbtools.database import attach
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, line, row
from dbtools.show.rater.rater import RaterView, user_name
from dbtools.show.rater.session import RatingSession

_ABOUT = (
    "Which text is better for the prompt? The page does not show who wrote it. Each answer is saved at once, in the "
    "project's file of ratings. Keys: 1, 2, = (equal), S (skip), U (undo)."
)


class RateTab(Tab):
    """Two versions side by side, and one key for an answer."""

    name, title = "rate", "Rate"
    tooltip = "Compare two versions blind, with one key each"
    description = "Reading the texts"
    depends = ("agents",)
    in_snapshot = False

    def __init__(self, explorer: State) -> None:
        self.view = RaterView()
        self.rater = line("Rater", "Your name in the file of ratings; Enter takes it", user_name())
        self.rater.observe(lambda _: self.refresh(), "value")
        again = button("Start again", "Read the texts and the ratings as they are now", self.refresh)
        self.controls = row(self.rater, again)
        super().__init__(explorer)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return the name of the rater, and the pair."""
        return [self.controls, self.worker.widget, self.body, self.view]

    def request(self) -> Any:
        """Return who rates, and which agents."""
        return self.rater.value, tuple(self.explorer.agents)

    def compute(self, session: Session, request: Any) -> RatingSession:
        """Read the texts that can be rated."""
        rater, agents = request
        # Its own database: it stays open as long as somebody rates.
        db = attach(self.explorer.project, texts=True, progress=False)
        return RatingSession(db, self.explorer.project, rater, agents or None)

    def render(self, result: RatingSession, draw: markup.Draw = markup.draw) -> str:
        """Return what the tab is for."""
        return markup.muted(_ABOUT)

    def show(self, result: RatingSession, draw: markup.Draw = markup.draw) -> None:
        """Show the pair that is next."""
        super().show(result, draw)
        self.view.start(result)
