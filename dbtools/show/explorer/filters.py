"""The filters above the tabs: each is a control linked to a trait of the Explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.analysis.questions import PROVENANCES, SCALES
from dbtools.show.explorer.controls import button, chip, choice, row
from dbtools.show.explorer.selection import query

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbtools.show.explorer.explorer import Explorer

_CHIPS = 12  # sources with a button of their own
_USERS = 500  # users that are offered by name
_LABEL = {"description_width": "initial"}


def build(explorer: Explorer) -> tuple[ipywidgets.Widget, Callable[[dict[str, int]], None]]:
    """Return the filters, and what tells them how many versions are of each kind."""
    provenance = choice("Provenance", "Which rows count", PROVENANCES, explorer.provenance)
    scale = choice(
        "Scale", "Whose scores count; agents are compared on one scale only", (*SCALES, "all"), explorer.scale
    )
    links = [ipywidgets.link((explorer, "provenance"), (provenance, "value"))]
    links.append(ipywidgets.link((explorer, "scale"), (scale, "value")))
    reset = button("Reset", "Set all filters back", explorer.reset)

    def count(counts: dict[str, int]) -> None:
        for name, control, link in (("provenance", provenance, links[0]), ("scale", scale, links[1])):
            known = PROVENANCES if name == "provenance" else (*SCALES, "all")
            of = {kind: counts.get(f"{name} {kind}", 0) for kind in known}
            of["all"] = sum(n for kind, n in counts.items() if kind.startswith("provenance "))
            # New options make a list choose its first one, which must not become the filter.
            link.unlink()
            control.options = [(f"{kind} ({of[kind]:,})", kind) for kind in known]
            link.link()

    return row(provenance, scale, _agents(explorer), _users(explorer), *_days(explorer), reset), count


def _agents(explorer: Explorer) -> ipywidgets.Widget:
    found = explorer.db.sql(query("sources")).fetchall()
    chips = {
        source: chip(source, f"Only {source} ({n:,} versions); none pressed: all sources", source in explorer.agents)
        for source, _, n in found[:_CHIPS]
    }

    def pressed(_change: Any) -> None:
        others = [name for name in explorer.agents if name not in chips]
        explorer.agents = [*(name for name, one in chips.items() if one.value), *others]

    def told(change: Any) -> None:
        for name, one in chips.items():
            one.value = name in change["new"]

    for one in chips.values():
        one.observe(pressed, "value")
    explorer.observe(told, "agents")
    label = ipywidgets.Label("Sources", tooltip="Whose versions count; none pressed: all")
    return row_of(label, *chips.values())


def row_of(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    """Return widgets side by side, as wide as they are."""
    return ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"))


def _users(explorer: Explorer) -> ipywidgets.Widget:
    known = [user for user, _ in explorer.db.sql(query("users")).fetchall()]
    offered = {"allowed_tags": list(dict.fromkeys([*known, *explorer.users]))} if len(known) <= _USERS else {}
    tags = ipywidgets.TagsInput(
        value=list(explorer.users),
        placeholder="all users",
        allow_duplicates=False,
        tooltip="Only prompts of these users: type a name, then Enter",
        layout=ipywidgets.Layout(width="auto"),
        **offered,
    )

    def told(change: Any) -> None:
        if tags.allowed_tags:
            tags.allowed_tags = [*known, *(user for user in change["new"] if user not in known)]
        tags.value = list(change["new"])

    explorer.observe(told, "users")
    tags.observe(lambda change: setattr(explorer, "users", list(change["new"])), "value")
    return row_of(ipywidgets.Label("Users"), tags)


def _days(explorer: Explorer) -> tuple[ipywidgets.Widget, ...]:
    layout = ipywidgets.Layout(width="auto")
    since, until = (
        ipywidgets.DatePicker(
            description=word,
            tooltip=f"Only prompts asked {word} this day (UTC)",
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
    return since, until
