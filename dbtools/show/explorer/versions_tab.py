"""The tab Versions: search, sort and page through the versions; look into one, compare two."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ipywidgets

from dbtools.html import table
from dbtools.redact import redact
from dbtools.show.explorer import detail, page
from dbtools.show.explorer.selection import Filters, Page, read_page
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, chip, column, line, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

SIZE = 15
_COLUMNS = ("source", "version_no", "created_at", "total", "scale", "provenance", "is_head")
_TEXT = 100


class _View:
    """The controls of the tab and what they show."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer, self.number, self.order = explorer, 0, ("created_at", True)
        self.page: Page | None = None
        self.lane, self.looking = explorer.lane(), explorer.lane()
        self.grid, self.count, self.body = Grid(), ipywidgets.HTML(), ipywidgets.HTML()
        self.search = line("Search", "Part of a text, id, source or type of change; Enter searches", width="360px")
        ipywidgets.link((explorer, "search"), (self.search, "value"))
        self.compare = chip("Compare two", "Pressed: the next row chosen is compared with the one already chosen")
        self.texts = button(
            "Load the texts", "Read the long texts too, for search and to look into versions", explorer.load_texts
        )
        self.follow = button(
            "Follow this prompt over time", "Open the tab Time for the prompt of this version", self._follow
        )
        turns = (
            ("|◀", "First page", -(10**9)),
            ("◀", "Previous page", -1),
            ("▶", "Next page", 1),
            ("▶|", "Last page", 10**9),
        )
        self.pager = [button(text, tip, partial(self.turn, by)) for text, tip, by in turns]
        self.grid.listen(self.pick, self.sort)
        explorer.observe(lambda _: self.look(), "version_pair")
        self.follow.layout.display = "none"

    def turn(self, by: int) -> None:
        self.number = max(0, min(self.number + by, self.page.of - 1 if self.page else 0))
        self.refresh(keep=True)

    def sort(self, name: str) -> None:
        name = {"prompt": "version_id", "version": "version_id", "text": "text_length"}.get(name, name)
        self.order = (name, not self.order[1] if self.order[0] == name else name != "source")
        self.refresh()

    def pick(self, key: str, more: bool) -> None:
        first, second = self.explorer.version_pair
        if first and (more or self.compare.value) and key != first:
            self.explorer.version_pair = (first, key)
        else:
            self.explorer.version_pair = ("", "") if key == first and not second else (key, "")

    def refresh(self, keep: bool = False) -> None:
        explorer, filters, order = self.explorer, self.explorer.filters, self.order
        if not keep:
            self.number = 0
        number = self.number
        self.texts.layout.display = "none" if explorer.db.origin["texts"] else "flex"
        self.lane.submit(
            lambda desk: read_page(desk, filters, order, number, SIZE), self.show, "Searching", explorer.state
        )

    def show(self, found: Page) -> None:
        self.page, self.number = found, found.number
        self.draw()
        first, last = found.number == 0, found.number + 1 >= found.of
        for turn, idle in zip(self.pager, (first, first, last, last), strict=True):
            turn.disabled = idle
        whole = self.explorer.db.rows("versions")
        told = f"{found.rows:,} of {whole:,} versions; page {found.number + 1:,} of {found.of:,}."
        self.count.value = page.quiet(f"{told} {why_fewer(self.explorer.filters, found.rows, whole)}")

    def draw(self) -> None:
        if self.page is not None:
            picked = [i for i in self.explorer.version_pair if i]
            self.grid.html = rows_html(self.page, self.order, picked)

    def look(self) -> None:
        self.draw()
        first, second = self.explorer.version_pair
        self.follow.layout.display = "flex" if first else "none"
        if not first:
            self.body.value = page.quiet("Choose a row to look into it; with “Compare two” pressed, a second one.")
            return
        self.looking.submit(
            lambda desk: detail.pair_html(desk, first, second) if second else detail.html(desk, first),
            lambda told: setattr(self.body, "value", told),
            "Reading",
            self.explorer.state,
        )

    def _follow(self) -> None:
        first = self.explorer.version_pair[0]
        frame = self.page.frame if self.page else None
        if frame is not None and first in set(frame["version_id"]):
            self.explorer.prompt_id = str(frame.loc[frame["version_id"] == first, "prompt_id"].iloc[0])
            self.explorer.tab = "time"


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    view = _View(explorer)
    widget = column(
        row(view.search, view.compare, view.texts),
        view.lane.widget,
        view.count,
        view.grid,
        row(*view.pager, view.follow),
        view.looking.widget,
        view.body,
    )

    def refresh() -> None:
        view.refresh()
        view.look()

    depends = ("agents", "provenance", "scale", "users", "date_range", "search")
    tooltip = "Search, sort, look into one version, compare two"
    return Tab("versions", "Versions", tooltip, widget, (view.lane, view.looking), refresh, depends, html)


def rows_html(found: Page, order: tuple[str, bool], picked: list[str]) -> str:
    """Return a page of versions as a table that can be sorted and chosen from."""
    frame = found.frame
    shown = frame[list(_COLUMNS)].assign(prompt=frame["prompt_id"].str[:8], version=frame["version_id"].str[:8])
    if "text" in frame:
        shown = shown.assign(text=frame["text"].map(cut, na_action="ignore"))
    else:
        shown = shown.assign(text_length=frame["text_length"])
    shown["is_head"] = ["★" if head else "" for head in frame["is_head"]]
    return table(shown, formats={"total": ".2f"}, keys=frame["version_id"].tolist(), picked=picked, sort=order)


def cut(text: str) -> str:
    """Return the beginning of a text, for a table."""
    # `table` hides credentials before it cuts, and so must this: half of one no longer looks like it.
    words = " ".join(redact(text).split())
    return words if len(words) <= _TEXT else words[: _TEXT - 1] + "…"


def why_fewer(filters: Filters, rows: int, whole: int) -> str:
    """Return which filters leave versions out."""
    if rows == whole:
        return ""
    why = [
        f"provenance {filters.provenance}" if filters.provenance != "all" else "",
        f"scale {filters.scale}" if filters.scale != "all" else "",
        f"source {', '.join(filters.agents)}" if filters.agents else "",
        "the users chosen" if filters.users else "",
        "the days chosen" if any(filters.dates) else "",
        f"search “{filters.search.strip()}”" if filters.search.strip() else "",
    ]
    return f"Left out: {whole - rows:,} by the filters: {', '.join(filter(None, why))}."


def html(desk: Desk, filters: Filters) -> str:
    """Return the newest of the selected versions. Reads only."""
    found = read_page(desk, filters, ("created_at", True), 0, SIZE)
    whole = desk.db.rows("versions")
    told = f"The newest {len(found.frame)} of {found.rows:,} selected versions."
    shown = found.frame[list(_COLUMNS)]
    return page.quiet(f"{told} {why_fewer(filters, found.rows, whole)}") + table(shown, formats={"total": ".2f"})
