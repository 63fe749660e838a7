"""The filters above the tabs: controls that are linked to the traits of the Explorer."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets

from dbtools.analysis.query import PROVENANCES, SCALES
from dbtools.errors import ParameterError
from dbtools.html import text as escaped
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import query
from dbtools.show.explorer.state import State
from dbtools.show.explorer.widgets import FREE, Grid, button, chip, choice, close, group, line, row

_MOST_CHIPS = 12  # sources with a button of their own
_CHOICES = {
    "provenance": (PROVENANCES, "Which rows count"),
    "scale": ((*SCALES, "all"), "Which scale's scores count; agents are compared on one scale only"),
}


class FilterBar:
    """The controls of all filters.

    Attributes
    ----------
    tags : Grid
        What is chosen: a tag for each filter, which can be removed.
    widget : ipywidgets.Box
        The controls, side by side, and the field that opens the page of a prompt by its id.
    """

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self.sources = SourceChips(explorer)
        about = "Only prompts of this user: a name or its beginning, then Enter; several are possible, one by one"
        self.users = line("Users", about, "", "190px", ipywidgets.Combobox, placeholder="all users")
        self.users.observe(lambda change: self._add_user(change["new"]), "value")
        self._choices = {
            name: choice(name.capitalize(), about, words, getattr(explorer, name))
            for name, (words, about) in _CHOICES.items()
        }
        self._links = {
            name: ipywidgets.link((explorer, name), (control, "value")) for name, control in self._choices.items()
        }
        self.tags = Grid()
        self.tags.on_link(self._follow)
        self.controls = row(*self._choices.values(), self.sources.widget, self.users, days(explorer))
        self.controls.layout.display = "none"
        about = "The first eight characters of the id of a prompt or version; Enter opens the prompt"
        self.identifier = line("Open id", about, width="190px", placeholder="b009152b")
        self.identifier.observe(lambda change: self._open(change["new"]), "value")
        self.said = ipywidgets.HTML()
        self.more = chip("Filters", "Show or hide the controls of all filters")
        self.more.observe(lambda change: self._show_controls(change["new"]), "value")
        reset = button("Reset", "Reset all filters", lambda: explorer.reset())
        reload = button("Reload", "Read the database as it is now", lambda: explorer.reload())
        line_of_tags = row(self.tags, self.more, reset, reload, self.identifier)
        self.widget = ipywidgets.VBox([line_of_tags, self.said, self.controls])
        self.offer_users()
        explorer.on_counts.listen(self.show_counts)
        explorer.on_renewed.listen(self.offer)

    def _show_controls(self, shown: bool) -> None:
        self.controls.layout.display = "flex" if shown else "none"

    def _open(self, identifier: str) -> None:
        if not identifier.strip():
            return
        self._try(lambda: self.explorer.open(identifier), self.identifier)

    def _add_user(self, name: str) -> None:
        if name.strip():
            self._try(lambda: self.explorer.add_user(name), self.users)

    def _try(self, act: Callable[[], object], field: ipywidgets.Text) -> None:
        """Do what was typed into a field, and empty it; or say what is wrong."""
        try:
            act()
            field.value = self.said.value = ""
        except ParameterError as error:
            self.said.value = markup.failure(str(error))

    def _follow(self, target: str) -> None:
        kind, _, name = target.partition(":")
        self.explorer.follow(kind, name)

    def show_tags(self) -> None:
        """Show which filters are set, and which of them the open tab does not use."""
        explorer = self.explorer
        tab = explorer.tabs.get(explorer.tab)
        ignored = tab.ignored if tab else []
        shown = [tag(name, said, target, name in ignored) for name, said, target in chosen(explorer)]
        line = f"Explorer({str(explorer.project.root)!r}, **{explorer.state!r})"
        view = (
            '<button type="button" class="dbtools-link" title="Copy a line of Python that opens this view again, '
            f'also after the kernel was restarted" data-copy="{html.escape(line)}">Copy this view</button>'
        )
        self.tags.html = f'<div class="dbtools-tags">{"".join(shown)}{view}</div>'

    def show_counts(self, counts: dict[str, int]) -> None:
        """Show how many versions there are of each provenance and scale."""
        every = sum(n for kind, n in counts.items() if kind.startswith("provenance "))
        for name, control in self._choices.items():
            numbers = {w: every if w == "all" else counts.get(f"{name} {w}", 0) for w in _CHOICES[name][0]}
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
        self.offer_users()

    def offer_users(self) -> None:
        """Offer the users of the data."""
        self.users.options = [user for (user,) in self.explorer.db.sql(query("users")).fetchall()]


def chosen(explorer: State) -> list[tuple[str, str, str]]:
    """Return the name of each filter that is set, what it is set to in words, and what removes it."""
    since, until = explorer.date_range
    span = f"{since or ''}" if since == until else f"{since or '…'} to {until or '…'}"
    said = {
        "provenance": "" if explorer.provenance == "all" else explorer.provenance,
        "scale": "" if explorer.scale == "all" else explorer.scale,
        "agents": ", ".join(explorer.agents),
        "date_range": span if since or until else "",
        "search": explorer.search,
        "totals": from_to(*explorer.totals),
        "prompt_id": explorer.prompt_id[:8],
    }
    shown = [
        (name, words, f"{'any' if name in _CHOICES else 'remove'}:{name}") for name, words in said.items() if words
    ]
    return shown + [("users", user, f"remove:users={user}") for user in explorer.users]


def from_to(least: float | None, below: float | None) -> str:
    """Return the ends of a range of totals in words; nothing where both are open."""
    if least is None:
        return "" if below is None else f"below {below:g}"
    return f"from {least:g}" if below is None else f"{least:g} to {below:g}"


def tag(name: str, said: str, target: str, ignored: bool) -> str:
    """Return a filter as a tag with a button that removes it."""
    word = {"date_range": "days", "prompt_id": "prompt", "agents": "source", "users": "user"}.get(name, name)
    unused = " · not used here" if ignored else ""
    about = f"Remove the filter {word}"
    return (
        f'<span class="dbtools-tag{" out" if ignored else ""}"><span>{word}</span> {escaped(said)}{unused}'
        f'<button type="button" aria-label="{about}" title="{about}" data-go="{html.escape(target)}">✕</button></span>'
    )


class SourceChips:
    """A button for each source; those pressed are the chosen sources."""

    def __init__(self, explorer: State) -> None:
        self.explorer = explorer
        self._showing = False
        self.chips: dict[str, ipywidgets.ToggleButton] = {}
        self.widget = group()
        explorer.observe(self._show, "agents")
        self.offer()

    def offer(self) -> None:
        """Offer the sources of the data."""
        self.chips.clear()
        for source, n in self.explorer.db.sql(query("sources")).fetchall()[:_MOST_CHIPS]:
            tooltip = f"Only {source} ({n:,} versions); none pressed: all sources"
            self.chips[source] = chip(source, tooltip, source in self.explorer.agents)
            self.chips[source].observe(self._press, "value")
        label = ipywidgets.Label("Sources", tooltip="Whose versions count; none pressed: all")
        earlier = self.widget.children
        self.widget.children = (label, *self.chips.values())
        close(*earlier)

    def _press(self, _change: Any) -> None:
        if self._showing:
            return
        others = [name for name in self.explorer.agents if name not in self.chips]
        self.explorer.agents = [*(name for name, one in self.chips.items() if one.value), *others]

    def _show(self, change: Any) -> None:
        self._showing = True  # a button that follows the filter does not set it
        for name, one in self.chips.items():
            one.value = name in change["new"]
        self._showing = False


def days(explorer: State) -> ipywidgets.Box:
    """Return the two fields for the first and the last day."""
    layout = ipywidgets.Layout(width="auto")
    since, until = (
        ipywidgets.DatePicker(
            description=word,
            tooltip=f"Only prompts asked on this day or {'later' if word == 'from' else 'earlier'} (UTC)",
            value=day,
            style=FREE,
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
