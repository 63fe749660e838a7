"""The filters above the tabs: controls that are linked to the traits of the Explorer."""

from __future__ import annotations

from typing import Any

import ipywidgets

from dbtools.analysis.query import PROVENANCES, SCALES
from dbtools.show.explorer.selection import query
from dbtools.show.explorer.state import State
from dbtools.show.explorer.widgets import button, chip, choice, close, group, row

_MOST_CHIPS = 12  # sources with a button of their own
_MOST_USERS = 500  # users that are offered by name
_STYLE = {"description_width": "initial"}


class FilterBar:
    """The controls of all filters.

    Attributes
    ----------
    widget : ipywidgets.Box
        The controls, side by side.
    """

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self.sources, self.users = SourceChips(explorer), UserTags(explorer)
        known = {"provenance": PROVENANCES, "scale": (*SCALES, "all")}
        tooltips = {
            "provenance": "Which rows count",
            "scale": "Which scale's scores count; agents are compared on one scale only",
        }
        self._choices = {
            name: choice(name.capitalize(), tooltips[name], words, getattr(explorer, name))
            for name, words in known.items()
        }
        self._links = {
            name: ipywidgets.link((explorer, name), (control, "value")) for name, control in self._choices.items()
        }
        reset = button("Reset", "Reset all filters", lambda: explorer.reset())
        self.widget = row(*self._choices.values(), self.sources.widget, self.users.widget, days(explorer), reset)
        explorer.on_counts.listen(self.show_counts)
        explorer.on_renewed.listen(self.offer)

    def show_counts(self, counts: dict[str, int]) -> None:
        """Show how many versions there are of each provenance and scale."""
        every = sum(n for kind, n in counts.items() if kind.startswith("provenance "))
        for name, control in self._choices.items():
            words = PROVENANCES if name == "provenance" else (*SCALES, "all")
            numbers = {word: every if word == "all" else counts.get(f"{name} {word}", 0) for word in words}
            # A list with new options chooses the first one, which must not become the filter.
            self._links[name].unlink()
            control.options = [(f"{word} ({n:,})", word) for word, n in numbers.items()]
            self._links[name].link()

    def offer(self) -> None:
        """Offer the sources and users of the data, and remove from the filters those that it does not have."""
        explorer = self.explorer
        chosen = {"sources": list(explorer.agents), "users": list(explorer.users)}
        there = set(explorer.db.sql(query("still_there"), chosen).fetchall())
        with explorer.hold_trait_notifications():
            explorer.agents = [name for name in explorer.agents if ("source", name) in there]
            explorer.users = [name for name in explorer.users if ("user", name) in there]
        self.sources.offer()
        self.users.offer()


class SourceChips:
    """A button for each source; those pressed are the chosen sources."""

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self.chips: dict[str, ipywidgets.ToggleButton] = {}
        self.widget = group()
        explorer.observe(self._show, "agents")
        self.offer()

    def offer(self) -> None:
        """Offer the sources of the data."""
        self.chips.clear()
        for source, _, n in self.explorer.db.sql(query("sources")).fetchall()[:_MOST_CHIPS]:
            tooltip = f"Only {source} ({n:,} versions); none pressed: all sources"
            self.chips[source] = chip(source, tooltip, source in self.explorer.agents)
            self.chips[source].observe(self._press, "value")
        label = ipywidgets.Label("Sources", tooltip="Whose versions count; none pressed: all")
        earlier = self.widget.children
        self.widget.children = (label, *self.chips.values())
        close(*earlier)

    def _press(self, _change: Any) -> None:
        others = [name for name in self.explorer.agents if name not in self.chips]
        self.explorer.agents = [*(name for name, one in self.chips.items() if one.value), *others]

    def _show(self, change: Any) -> None:
        for name, one in self.chips.items():
            one.value = name in change["new"]


class UserTags:
    """A field that takes the names of users; those in it are the chosen users."""

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self._known: list[str] = []
        self.tags = ipywidgets.TagsInput(
            value=list(explorer.users),
            placeholder="all users",
            allow_duplicates=False,
            tooltip="Only prompts of these users: type a name, then Enter",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.widget = group(ipywidgets.Label("Users"), self.tags)
        self.tags.observe(self._enter, "value")
        explorer.observe(self._show, "users")
        self.offer()

    def offer(self) -> None:
        """Offer the users of the data."""
        self._known = [user for user, _ in self.explorer.db.sql(query("users")).fetchall()]
        self._allow()

    def _allow(self) -> None:
        # Where there are many users, any name can be typed.
        known = list(dict.fromkeys([*self._known, *self.explorer.users]))
        allowed = known if 0 < len(self._known) <= _MOST_USERS else []
        if allowed != self.tags.allowed_tags:
            self.tags.allowed_tags = allowed

    def _enter(self, change: Any) -> None:
        self.explorer.users = list(change["new"])

    def _show(self, change: Any) -> None:
        self._allow()
        self.tags.value = list(change["new"])


def days(explorer: State) -> ipywidgets.Box:
    """Return the two fields for the first and the last day."""
    layout = ipywidgets.Layout(width="auto")
    since, until = (
        ipywidgets.DatePicker(
            description=word,
            tooltip=f"Only prompts asked on this day or {'later' if word == 'from' else 'earlier'} (UTC)",
            value=day,
            style=_STYLE,
            layout=layout,
        )
        for word, day in zip(("from", "to"), explorer.date_range, strict=True)
    )

    def enter(_change: Any) -> None:
        explorer.date_range = (since.value, until.value)

    def show(change: Any) -> None:
        since.value, until.value = change["new"]

    since.observe(enter, "value")
    until.observe(enter, "value")
    explorer.observe(show, "date_range")
    return group(since, until)
