"""The tab Versions: search, sort and page through the versions; look into one, compare two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import ipywidgets

from dbtools.analysis.textdiff import compare
from dbtools.database.schema import DIMENSIONS
from dbtools.html import table
from dbtools.show.explorer import markup
from dbtools.show.explorer.filters import from_to
from dbtools.show.explorer.profile import headings, read_profile
from dbtools.show.explorer.selection import Filters, Page, read_page, read_version
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab, as_csv
from dbtools.show.explorer.widgets import Grid, button, chip, line, open_split, row, split

SIZE = 15
_COLUMNS = ("source", "version_no", "total", "created_at", "scale", "provenance", "is_head")
_TEXT = 100
_NO_TEXTS = "The long texts are not loaded; “Load the texts” loads them."
_EVIDENCE = {
    "generated-source": "its source is the generator",
    "generated-explanation": "its explanation says it is synthetic",
    "generated-text": "its text has a phrase that a generator writes",
    "generated-feedback": "the feedback of its score says it is synthetic",
    "generated-user": "its prompt is of a test user",
}


@dataclass(frozen=True)
class Request:
    """The filters, the column and direction to sort by, and the number of the page."""

    filters: Filters
    order: tuple[str, bool]
    number: int


@dataclass(frozen=True)
class Found:
    """A page of versions, how it was asked for, how many there are without filters, and what the columns hold."""

    page: Page
    request: Request
    whole: int
    profile: dict[str, Any]


class VersionsTab(Tab):
    """The versions as a table; below it, one version or the comparison of two."""

    name, title = "versions", "Versions"
    tooltip = "Search, sort, look into one version, compare two"
    description = "Searching"
    depends = ("agents", "provenance", "scale", "users", "date_range", "search", "totals")

    def __init__(self, explorer: State) -> None:
        self.number, self.order = 0, ("created_at", True)
        self.found: Found | None = None
        self.detail_worker = explorer.new_worker()
        self.search = line("Search", "Part of a text, id, source or type of change; Enter searches", width="360px")
        ipywidgets.link((explorer, "search"), (self.search, "value"))
        self.compare = chip("Compare two", "Pressed: the next row chosen is compared with the one already chosen")
        about = "Read the long texts too, for search and to look into versions"
        self.texts = button("Load the texts", about, lambda: explorer.load_texts(self.worker))
        turns = (
            ("|◀", "First page", -(10**9)),
            ("◀", "Previous page", -1),
            ("▶", "Next page", 1),
            ("▶|", "Last page", 10**9),
        )
        self.turns = [button(text, tooltip, partial(self.turn, by)) for text, tooltip, by in turns]
        self.count, self.grid = ipywidgets.HTML(), Grid()
        self.grid.on_choice(self.choose, self.sort, self.turn)
        self.tools = Grid()
        super().__init__(explorer)
        for one in (self.grid, self.tools):
            one.on_link(self.follow)
        self.workers = (self.worker, self.detail_worker)
        explorer.on_reset.listen(lambda: setattr(self.compare, "value", False))
        explorer.observe(lambda _: self.show_detail(), "version_pair")

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        table = (self.count, self.grid, row(*self.turns, self.tools))
        self.split = split(table, (self.detail_worker.widget, self.body))
        return [row(self.search, self.compare, self.texts), self.worker.widget, self.split]

    def request(self) -> Request:
        """Return filters, order and page."""
        return Request(self.explorer.filters, self.order, self.number)

    def compute(self, session: Session, request: Request) -> Found:
        """Return a page of the selected versions."""
        page = read_page(session, request.filters, request.order, request.number, SIZE)
        whole = self.explorer.db.rows("versions")
        return Found(page, request, whole, read_profile(session, request.filters))

    def is_empty(self, result: Found) -> bool:
        """Tell whether no version is selected."""
        return result.page.rows == 0

    def render(self, result: Found, draw: markup.Draw = markup.draw) -> str:
        """Return the page as a table without controls."""
        shown = result.page.frame[list(_COLUMNS)]
        return count_html(result) + table(shown, formats={"total": ".2f"})

    def show(self, result: Found, draw: markup.Draw = markup.draw) -> None:
        """Show the page."""
        self.found, self.number = result, result.page.number
        self.split.layout.display = "none" if self.lacking is not None else "grid"
        self.count.value = count_html(result)
        python = f"attach({str(self.explorer.project.root)!r}).sql({self.explorer.sql!r}).df()"
        self.tools.html = markup.tools(csv="versions", SQL=self.explorer.sql, Python=python)
        self._show_rows()
        first, last = self.number == 0, self.number + 1 >= result.page.of
        for turn, idle in zip(self.turns, (first, first, last, last), strict=True):
            turn.disabled = idle

    def refresh(self) -> None:
        """Show the first page for the present filters, and the versions that are chosen."""
        self.number = 0
        self.texts.layout.display = "none" if self.explorer.db.origin["texts"] else "flex"
        super().refresh()
        self.show_detail()

    def turn(self, by: int) -> None:
        """Turn `by` pages."""
        self.number = max(0, min(self.number + by, self.found.page.of - 1 if self.found else 0))
        super().refresh()

    def sort(self, name: str) -> None:
        """Sort by a column; by the same column again: the other way round."""
        name = {"prompt": "version_id", "version": "version_id", "text": "text_length"}.get(name, name)
        self.order = (name, not self.order[1] if self.order[0] == name else name != "source")
        self.number = 0
        super().refresh()

    def choose(self, key: str, more: bool) -> None:
        """Choose a version: alone, or in addition to the first one."""
        first, second = self.explorer.version_pair
        if first and (more or self.compare.value) and key != first:
            self.explorer.version_pair = (first, key)
        else:
            self.explorer.version_pair = ("", "") if key == first and not second else (key, "")

    def show_detail(self) -> None:
        """Show the chosen version, or the comparison of the two that are chosen."""
        self._show_rows()
        first, second = self.explorer.version_pair
        open_split(self.split, bool(first))
        if not first:
            self.detail_worker.cancel()
            self.body.html = ""
            return
        self.detail_worker.submit(
            lambda session: pair_html(session, first, second) if second else version_html(session, first),
            self._set_body,
            "Reading",
        )

    def _show_rows(self) -> None:
        if self.found is not None:
            chosen = [version for version in self.explorer.version_pair if version]
            self.grid.html = rows_html(self.found, chosen)

    def follow(self, target: str) -> None:
        """Open what a link names, or save all selected versions."""
        if target != "csv:versions":
            super().follow(target)
            return
        self.detail_worker.submit(
            lambda _: as_csv(self.explorer.frame),
            lambda content: self.tools.save("versions.csv", content),
            "Reading all rows",
        )


def count_html(found: Found) -> str:
    """Return how many versions are shown, and which filters leave out the others."""
    page, filters = found.page, found.request.filters
    count = f"{page.rows:,} of {found.whole:,} versions; page {page.number + 1:,} of {page.of:,}."
    if page.rows == found.whole:
        return markup.muted(count)
    reasons = [
        f"provenance {filters.provenance}" if filters.provenance != "all" else "",
        f"scale {filters.scale}" if filters.scale != "all" else "",
        f"source {', '.join(filters.agents)}" if filters.agents else "",
        "the users chosen" if filters.users else "",
        "the days chosen" if any(filters.dates) else "",
        f"search “{filters.search.strip()}”" if filters.search.strip() else "",
        f"total {from_to(*filters.totals)}" if from_to(*filters.totals) else "",
    ]
    left_out = f"Left out: {found.whole - page.rows:,} by the filters: {', '.join(filter(None, reasons))}."
    return markup.muted(f"{count} {left_out}")


def rows_html(found: Found, chosen: list[str]) -> str:
    """Return a page of versions as a table that can be sorted and chosen from."""
    frame = found.page.frame
    shown = frame[list(_COLUMNS)].assign(prompt=frame["prompt_id"].str[:8], version=frame["version_id"].str[:8])
    # The text stands in front, where it can be seen on narrow pages too.
    if "text" in frame:
        shown.insert(3, "text", frame["text"].map(partial(markup.beginning, longest=_TEXT), na_action="ignore"))
    else:
        shown.insert(3, "text_length", frame["text_length"])
    shown["is_head"] = ["★" if head else "" for head in frame["is_head"]]
    filters = found.request.filters
    # A column that a filter makes the same throughout says nothing.
    fixed = {
        "scale": filters.scale != "all",
        "provenance": filters.provenance != "all",
        "source": len(filters.agents) == 1,
    }
    # Beside the table, the version that is open shows its number, time and id itself.
    beside = [name for name in ("version_no", "created_at", "version") if chosen and name != found.request.order[0]]
    shown = shown.drop(columns=[*(name for name, same in fixed.items() if same), *beside])
    keys = frame["version_id"].tolist()
    return table(
        shown,
        formats={"total": ".2f"},
        below=headings(found.profile),
        keys=keys,
        picked=chosen,
        sort=found.request.order,
    )


def version_html(session: Session, version_id: str) -> str:
    """Return one version: scores, provenance with its evidence, explanation, texts. Reads only."""
    found = read_version(session, version_id)
    if found is None:
        return markup.note("No such version.", "warning")
    parts = [
        markup.head(_name(found)),
        open_prompt(found["prompt_id"]),
        markup.muted(_origin(found)),
        markup.note(evidence(found), "" if found["provenance"] == "real" else "warning"),
        _bars(found),
    ]
    if "text" in found:
        for name, text in (
            ("Text", found["text"]),
            ("The user's prompt", found["original_text"]),
            ("The judge's words", markup.plain_words(found["feedback"] or "")),
            ("The agent's words", markup.plain_words(found["explanation"] or "")),
        ):
            parts += [markup.head(name), markup.text_box(text)]
    else:
        parts.append(markup.muted(_NO_TEXTS))
    return "".join(parts)


def pair_html(session: Session, first: str, second: str) -> str:
    """Return two versions side by side, with the differences marked. Reads only."""
    a, b = read_version(session, first), read_version(session, second)
    if a is None or b is None:
        return markup.note("No such version.", "warning")
    names = _name(a), _name(b)
    parts = [markup.head(f"{names[0]}  →  {names[1]}"), open_prompt(a["prompt_id"]), _scores(a, b)]
    if "text" in a and "text" in b:
        diff = compare(names[0], a["text"] or "", names[1], b["text"] or "")
        parts += [markup.muted(diff.sentence), markup.sides(names, diff.parts)]
    else:
        parts.append(markup.muted(_NO_TEXTS))
    if a["prompt_id"] != b["prompt_id"]:
        parts.insert(1, markup.note("These are versions of two different prompts.", "warning"))
    return "".join(parts)


def open_prompt(prompt_id: str) -> str:
    """Return a link to the page of a prompt."""
    return f'<p><span data-go="id:{prompt_id}">Open the prompt {prompt_id[:8]}</span></p>'


def evidence(found: dict[str, Any]) -> str:
    """Return the provenance of a version, and the evidence for it."""
    kind, marks = found["provenance"], found["marks"] or []
    if marks:
        why = "; ".join(_EVIDENCE.get(mark, mark) for mark in marks)
    elif kind == "placeholder":
        why = "the agent's run or call failed, and its result was stored as if it were real"
    elif kind == "unknown":
        why = "its prompt does not exist"
    else:
        why = "nothing marks it as generated or failed"
    return f"Provenance: {kind} ({why})."


def _name(found: dict[str, Any]) -> str:
    return f"{found['source'] or 'no source'}, version {found['version_no']} ({found['version_id'][:8]})"


def _origin(found: dict[str, Any]) -> str:
    user = f" of user {found['user_id']}" if found["user_id"] else ""
    written = f"written {found['created_at']:%Y-%m-%d %H:%M:%S} UTC" if found["created_at"] else "without a time"
    parent = f"; from {found['parent_version_id'][:8]}" if found["parent_version_id"] else ""
    change = f"; change {found['change_type']}" if found["change_type"] else ""
    return f"Version {found['version_id']} of prompt {found['prompt_id']}{user}; {written}{parent}{change}"


def _bars(found: dict[str, Any]) -> str:
    """Return the five scores of a version as bars, and its total."""
    total = f"{found['total']:.2f} of 50" if found["total"] is not None else "no total on a known scale"
    rows = [(name.replace("_", " "), found[name], None) for name in DIMENSIONS]
    return markup.scores(rows, found["scale"]) + markup.muted("; ".join([total, *_standing(found)]))


def _standing(found: dict[str, Any]) -> list[str]:
    said = [f"scale {found['scale'] or 'none'}"]
    said += ["the head of its prompt"] if found["is_head"] else []
    return said + (["the best of its prompt"] if found["is_best"] else [])


def _scores(*found: dict[str, Any]) -> str:
    """Return the scores of two versions as columns, and what else is known of each."""
    import pandas as pd

    names = [*DIMENSIONS, "total"]
    scores = {"dimension": [name.replace("_", " ") for name in DIMENSIONS] + ["total of 50"]}
    columns = {_name(one): [one[name] for name in names] for one in found}
    said = "".join(markup.muted(f"{_name(one)}: {'; '.join(_standing(one))}") for one in found)
    return table(pd.DataFrame({**scores, **columns}), formats=dict.fromkeys(columns, ".2f")) + said
