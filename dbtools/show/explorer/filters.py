"""The filters above the tabs: each is a control linked to a trait of the Explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.analysis.query import PROVENANCES, SCALES
from dbtools.show.explorer.selection import query
from dbtools.show.explorer.widgets import button, chip, choice, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbtools.show.explorer.explorer import Explorer

_CHIPS = 12  # sources with a button of their own
_USERS = 500  # users that are offered by name
_LABEL = {"description_width": "initial"}


def build(
    explorer: Explorer,
) -> tuple[ipywidgets.Widget, Callable[[dict[str, int]], None], Callable[[], None]]:
    """Return the filters, what tells them how many versions are of each kind, and what offers those of new data."""
    provenance = choice("Provenance", "Which rows count", PROVENANCES, explorer.provenance)
    scale = choice(
        "Scale", "Which scale's scores count; agents are compared on one scale only", (*SCALES, "all"), explorer.scale
    )
    links = [ipywidgets.link((explorer, "provenance"), (provenance, "value"))]
    links.append(ipywidgets.link((explorer, "scale"), (scale, "value")))
    reset = button("Reset", "Reset all filters", explorer.reset)

    def count(counts: dict[str, int]) -> None:
        for name, control, link in (("provenance", provenance, links[0]), ("scale", scale, links[1])):
            known = PROVENANCES if name == "provenance" else (*SCALES, "all")
            of = {kind: counts.get(f"{name} {kind}", 0) for kind in known}
            of["all"] = sum(n for kind, n in counts.items() if kind.startswith("provenance "))
            # New options make a list choose its first one, which must not become the filter.
            link.unlink()
            control.options = [(f"{kind} ({of[kind]:,})", kind) for kind in known]
            link.link()

    sources, offer_sources = _agents(explorer)
    users, offer_users = _users(explorer)

    def offer() -> None:
        """Offer what the new data has, and drop from the filters what it no longer has."""
        asked = {"sources": list(explorer.agents), "users": list(explorer.users)}
        there = set(explorer.db.sql(query("still_there"), asked).fetchall())
        with explorer.hold_trait_notifications():
            explorer.agents = [name for name in explorer.agents if ("source", name) in there]
            explorer.users = [name for name in explorer.users if ("user", name) in there]
        offer_sources()
        offer_users()

    return row(provenance, scale, sources, users, _days(explorer), reset), count, offer


def _agents(explorer: Explorer) -> tuple[ipywidgets.Box, Callable[[], None]]:
    chips: dict[str, ipywidgets.ToggleButton] = {}
    box = row_of()

    def pressed(_change: Any) -> None:
        others = [name for name in explorer.agents if name not in chips]
        explorer.agents = [*(name for name, one in chips.items() if one.value), *others]

    def told(change: Any) -> None:
        for name, one in chips.items():
            one.value = name in change["new"]

    def offer() -> None:
        chips.clear()
        for source, _, n in explorer.db.sql(query("sources")).fetchall()[:_CHIPS]:
            tip = f"Only {source} ({n:,} versions); none pressed: all sources"
            chips[source] = chip(source, tip, source in explorer.agents)
            chips[source].observe(pressed, "value")
        box.children = (ipywidgets.Label("Sources", tooltip="Whose versions count; none pressed: all"), *chips.values())

    explorer.observe(told, "agents")
    offer()
    return box, offer


def row_of(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    """Return widgets side by side, as wide as they are."""
    return ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"))


def _users(explorer: Explorer) -> tuple[ipywidgets.Box, Callable[[], None]]:
    known: list[str] = []
    tags = ipywidgets.TagsInput(
        value=list(explorer.users),
        placeholder="all users",
        allow_duplicates=False,
        tooltip="Only prompts of these users: type a name, then Enter",
        layout=ipywidgets.Layout(width="auto"),
    )

    def allow() -> None:
        # Of many users any name may be typed.
        allowed = list(dict.fromkeys([*known, *explorer.users])) if 0 < len(known) <= _USERS else []
        if allowed != tags.allowed_tags:
            tags.allowed_tags = allowed

    def told(change: Any) -> None:
        allow()
        tags.value = list(change["new"])

    def offer() -> None:
        known[:] = [user for user, _ in explorer.db.sql(query("users")).fetchall()]
        allow()

    explorer.observe(told, "users")
    tags.observe(lambda change: setattr(explorer, "users", list(change["new"])), "value")
    offer()
    return row_of(ipywidgets.Label("Users"), tags), offer


def _days(explorer: Explorer) -> ipywidgets.Box:
    layout = ipywidgets.Layout(width="auto")
    since, until = (
        ipywidgets.DatePicker(
            description=word,
            tooltip=f"Only prompts asked on this day or {'later' if word == 'from' else 'earlier'} (UTC)",
            value=day,
            style=_LABEL,
            layout=layout,
        )
        for word, day in zip(("from", "to"), explorer.date_range, strict=True)
    )

    def picked(_change: Any) -> None:
        explorer.date_range = (since.value, until.value)

    def told(change: Any) -> None:
        since.value, until.value = change["new"]

    since.observe(picked, "value")
    until.observe(picked, "value")
    explorer.observe(told, "date_range")
    return row_of(since, until)
