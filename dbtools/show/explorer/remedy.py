"""What to do where the filters leave nothing: one sentence, and a button that changes the filters."""

from __future__ import annotations

from typing import Any

import ipywidgets

from dbtools.html import counted
from dbtools.html import text as escaped
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.state import State
from dbtools.show.explorer.widgets import button


class Remedy:
    """The banner: a sentence and a button, shown where the filters leave nothing.

    Attributes
    ----------
    change : dict
        The filters that the button sets.
    """

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self.change: dict[str, Any] = {}
        self.note = ipywidgets.HTML()
        self.note.add_class("dbtools-banner-text")
        about = "Change the filters so that there is something to see"
        self.button = button("Clear filters", about, self.apply, button_style="primary")
        self.widget = ipywidgets.Box([self.note, self.button])
        self.widget.add_class("dbtools-banner")
        self.hide()

    def hide(self) -> None:
        """Show nothing."""
        self.widget.layout.display = "none"

    def show(self, filters: Filters, counts: dict[str, int]) -> None:
        """Show why these filters leave nothing; `counts` has the versions of each provenance and scale."""
        sentence, label, self.change = remedy(filters, counts)
        why = " None comes from real use, so nothing here can decide between agents." if _no_real(counts) else ""
        self.note.value = f"<b>{escaped(sentence)}</b>{why}"
        self.button.description = label
        self.button.layout.display = "flex" if label else "none"
        self.widget.layout.display = "flex"

    def apply(self) -> None:
        """Change the filters."""
        with self.explorer.hold_trait_notifications():
            for name, value in self.change.items():
                setattr(self.explorer, name, value)


def _no_real(counts: dict[str, int]) -> bool:
    kinds = [what for what, n in counts.items() if n and what.startswith("provenance ")]
    return kinds == ["provenance generated"]


def remedy(filters: Filters, counts: dict[str, int]) -> tuple[str, str, dict[str, Any]]:
    """Return why filters leave nothing, the text of a button that helps, and the filters that it sets."""
    kinds = {what.removeprefix("provenance "): n for what, n in counts.items() if what.startswith("provenance ") and n}
    total = sum(kinds.values())
    if not total:
        if filters.users or any(filters.dates):
            everyone = {"users": [], "date_range": (None, None)}
            return "The chosen users and days have no versions.", "Show all users and days", everyone
        return "The database has no versions.", "", {}
    if len(kinds) == 1 and filters.provenance not in (*kinds, "all"):
        (kind,) = kinds
        every = counted(total, "version")
        return (
            f"All {every} are {kind}." if total > 1 else f"The only version is {kind}.",
            f"Show {kind} versions",
            {"provenance": kind},
        )
    scales = {what.removeprefix("scale "): n for what, n in counts.items() if what.startswith("scale ") and n}
    scale = (
        filters.scale
        if filters.scale in (*scales, "all")
        else max(scales, key=lambda name: scales[name], default="all")
    )
    open_filters = {"agents": [], "search": "", "provenance": "all", "scale": scale}
    return "No scored versions match these filters.", "Clear filters", open_filters
