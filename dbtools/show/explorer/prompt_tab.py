"""The tab Prompt: one prompt with each agent's version side by side; without a prompt, all of them to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools.analysis.query import RowFilter
from dbtools.analysis.textdiff import compare
from dbtools.database.engine import row_dicts
from dbtools.database.schema import DIMENSIONS
from dbtools.html import counted, number
from dbtools.html import text as escaped
from dbtools.show.explorer import markup
from dbtools.show.explorer.selection import Filters, query, read_texts, versions_of
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import button, row

if TYPE_CHECKING:
    import pandas as pd

_MOST_SIDES = 4  # versions side by side
_MOST_ROWS, _SHOWN = 60_000, 200  # rows of the list that are read, and shown
_TEXT = 90
_COLUMNS = ("version_id", "source", "version_no", "created_at", "total", "scale", "provenance", "is_head", "cost_usd")
_ABOUT_LIST = (
    "Points of each agent above the best of the others in the same prompt; below 0: it lost. "
    "Choose a row to open the prompt; a heading sorts."
)


@dataclass(frozen=True)
class Request:
    """The prompt (empty: all), its version to show, the filters, and the column to sort by."""

    prompt_id: str
    version_id: str
    filters: Filters
    order: tuple[str, bool]


@dataclass(frozen=True)
class PromptPage:
    """A prompt, its versions with their texts, and the median scores on each scale."""

    head: dict[str, Any]
    versions: pd.DataFrame
    texts: dict[str, dict[str, Any]]
    medians: dict[str, dict[str, Any]]
    chosen: str


class PromptTab(Tab):
    """One prompt with all that was made of it."""

    name, title = "prompt", "Prompt"
    tooltip = "One prompt, each agent's version side by side"
    description = "Reading the prompt"
    depends = ("prompt_id", "version_pair", "agents", "provenance", "scale", "users", "date_range")
    in_snapshot = False

    def __init__(self, explorer: State) -> None:
        self.order = ("spread", True)
        self.neighbours = ("", "")
        self.back = button("‹ Previous", "The prompt asked before this one", lambda: self._turn(0))
        self.next = button("Next ›", "The prompt asked after this one", lambda: self._turn(1))
        self.all = button("All prompts", "List the prompts", lambda: explorer.set_trait("prompt_id", ""))
        self.bar = row(self.back, self.next, self.all)
        super().__init__(explorer)
        self.body.on_choice(self.choose, self.sort)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and result."""
        return [self.bar, *super().parts()]

    @property
    def ignored(self) -> list[str]:
        """The filters that change nothing here: the page of one prompt has all its versions."""
        one = ["agents", "provenance", "scale"] if self.explorer.prompt_id else []
        return [*super().ignored, *one]

    def request(self) -> Request:
        """Return prompt, version and filters."""
        explorer = self.explorer
        return Request(explorer.prompt_id.strip(), explorer.version_pair[0], explorer.filters, self.order)

    def refusal(self) -> str:
        """Refuse to compare scores of several scales."""
        several = self.explorer.scale == "all" and not self.explorer.prompt_id
        return "Scores of two scales are never compared: choose one." if several else ""

    def compute(self, session: Session, request: Request) -> PromptPage | pd.DataFrame:
        """Return the page of a prompt, or the list of prompts."""
        if request.prompt_id:
            return read_prompt(session, request.prompt_id, request.version_id)
        return read_prompts(session, request.filters)

    def is_empty(self, result: PromptPage | pd.DataFrame) -> bool:
        """Tell whether the list has no prompt."""
        return not isinstance(result, PromptPage) and result.empty

    def render(self, result: PromptPage | pd.DataFrame, draw: markup.Draw = markup.draw) -> str:
        """Return the page, or the list."""
        if isinstance(result, PromptPage):
            return page_html(result)
        name, down = self.order
        shown = result.sort_values(name, ascending=not down, kind="stable") if name in result else result
        leads = dict.fromkeys((c for c in shown.columns if shown[c].dtype.kind == "f"), "+.1f")
        keys = shown["prompt_id"].tolist()
        cut = shown.assign(prompt_id=shown["prompt_id"].str[:8])
        look = {"formats": {**leads, "spread": ".1f"}, "sort": self.order, "keys": keys, "limit": _SHOWN}
        return markup.head("Prompts", _ABOUT_LIST) + markup.table(cut, "prompts", **look)

    def show(self, result: PromptPage | pd.DataFrame, draw: markup.Draw = markup.draw) -> None:
        """Show the page or the list."""
        one = result.head if isinstance(result, PromptPage) else {}
        self.neighbours = one.get("previous") or "", one.get("next") or ""
        self.bar.layout.display = "flex" if isinstance(result, PromptPage) else "none"
        for at, control in enumerate((self.back, self.next)):
            control.disabled = not self.neighbours[at]
        super().show(result, draw)

    def sort(self, name: str) -> None:
        """Sort the list by a column; by the same column again: the other way round."""
        self.order = (name, not self.order[1] if self.order[0] == name else name in ("spread", "asked"))
        if self._shown is not None:
            self.show(self._shown)

    def choose(self, key: str, _more: bool) -> None:
        """Open a prompt of the list, or show a version of the prompt."""
        if self.explorer.prompt_id:
            self.explorer.version_pair = (key, "")
        else:
            self.explorer.open(key)

    def python(self, request: Request) -> str:
        """Return the call that gives the same versions."""
        if not request.prompt_id:
            return f"{self.explorer.python_db}.frame('contests')"
        return f"analysis.evolution({self.explorer.python_db}, {request.prompt_id[:8]!r}, 'all').timeline"

    def _turn(self, at: int) -> None:
        if self.neighbours[at]:
            with self.explorer.hold_trait_notifications():
                self.explorer.prompt_id, self.explorer.version_pair = self.neighbours[at], ("", "")


def read_prompts(session: Session, filters: Filters) -> pd.DataFrame:
    """Return one row per prompt in which agents competed: each agent's lead, and the spread. Reads only."""
    connection = versions_of(session)
    kinds = list(RowFilter.of(filters.provenance, filters.scale).kinds)
    bound = {"kinds": kinds, "scale": filters.scale, "agents": list(filters.agents), "most": _MOST_ROWS}
    found = connection.execute(query("prompt_list"), bound).df()
    if found.empty:
        return found
    named = ["prompt_id", "asked", "user_id", "head", "spread"]
    wide = found.pivot_table(index="prompt_id", columns="agent", values="lead", aggfunc="first", sort=False)
    facts = found.drop_duplicates("prompt_id")[named].set_index("prompt_id")
    agents = sorted(wide.columns)
    listed = facts.join(wide[agents]).reset_index()
    if session.db.origin["texts"]:
        known = dict(connection.execute(query("prompt_texts"), {"ids": listed["prompt_id"].tolist()}).fetchall())
        listed.insert(
            1, "prompt", [markup.beginning(known.get(one) or "", _TEXT) or None for one in listed["prompt_id"]]
        )
    front = [c for c in ("prompt_id", "prompt", *agents, "spread") if c in listed]
    return listed[[*front, "head", "asked", "user_id"]]


def read_prompt(session: Session, prompt_id: str, version_id: str) -> PromptPage:
    """Return the page of a prompt. Reads only."""
    connection = versions_of(session)
    (head,) = row_dicts(connection.execute(query("prompt_head"), {"id": prompt_id})) or [{"prompt_id": prompt_id}]
    versions = connection.execute(query("prompt_page"), {"id": prompt_id}).df()
    if "ratings" in session.db.relations:
        ratings = connection.execute(query("prompt_ratings"), {"id": prompt_id}).df()
        versions = versions.merge(ratings, on="version_id", how="left")
    medians: dict[str, dict[str, Any]] = {}
    for scale in versions["scale"].dropna().unique():
        one = connection.execute(query("prompt_medians"), {"scale": scale}).df()
        medians[str(scale)] = {str(name): value for name, value in one.iloc[0].items()}
    texts = read_texts(session, versions["version_id"].tolist())
    return PromptPage(head, versions, texts, medians, version_id)


def sides_of(page: PromptPage) -> list[dict[str, Any]]:
    """Return the versions to show side by side: the chosen one, and of each other source the last one."""
    rows: list[dict[str, Any]] = [{str(k): v for k, v in one.items()} for one in page.versions.to_dict("records")]
    chosen = [one for one in rows if one["version_id"] == page.chosen]
    taken = {one["source"]: one for one in chosen}
    for one in rows:  # of each source, the last version comes first
        taken.setdefault(one["source"], one)
    in_order = [taken[source] for source in dict.fromkeys(one["source"] for one in rows)]
    return sorted(in_order, key=lambda one: one not in chosen)[:_MOST_SIDES]


def page_html(page: PromptPage) -> str:
    """Return the prompt, each agent's version, and the table of all versions."""
    head, sides = page.head, sides_of(page)
    asked = f"asked {head['asked']:%Y-%m-%d %H:%M} UTC" if head.get("asked") else "without a time"
    user = f" by {head['user_id']}" if head.get("user_id") else ""
    place = f"prompt {head['place']:,} of {head['prompts']:,}" if "place" in head else "not among the prompts"
    original = next((text["original_text"] for text in page.texts.values() if text.get("original_text")), None)
    parts = [
        markup.head(f"Prompt {head['prompt_id'][:8]}"),
        markup.muted(f"{head['prompt_id']}; {asked}{user}; {place}; {counted(len(page.versions), 'version')}"),
        markup.tools(id=head["prompt_id"]),
        markup.text_box(original)
        if page.texts
        else markup.note("The long texts are not loaded: see Versions.", "info"),
    ]
    if not sides:
        return "".join(parts) + markup.note("This prompt has no versions.", "info")
    totals = {one["version_id"]: one["total"] for one in sides if one["total"] == one["total"]}
    best = max(totals.values(), default=None)
    shown = "".join(side_html(page, one, sides, original, best) for one in sides)
    listed = page.versions[[c for c in _COLUMNS if c in page.versions]].copy()
    listed["is_head"] = ["★" if is_head else "" for is_head in listed["is_head"]]
    listed["version_id"] = listed["version_id"].str[:8]
    keys = page.versions["version_id"].tolist()
    picked = [one["version_id"] for one in sides]
    look = {"formats": {"total": ".2f", "cost_usd": ".6f"}, "keys": keys, "picked": picked}
    caption = "All versions; choose one to show it above"
    parts += [f'<div class="dbtools-sides">{shown}</div>', markup.table(listed, "versions", caption=caption, **look)]
    return "".join(parts)


def side_html(
    page: PromptPage, one: dict[str, Any], sides: list[dict[str, Any]], original: str | None, best: float | None
) -> str:
    """Return one version: verdict, text, differences, scores, the judge's words, and what else is known."""
    text = page.texts.get(one["version_id"], {})
    name = f"{one['source'] or 'no source'}, version {one['version_no']}"
    parts = [f"<h3>{escaped(name)}</h3>", _verdict(one, best)]
    if text:
        parts.append(markup.text_box(text["text"]))
        parts += _differences(name, text["text"] or "", original or "", one, sides, page.texts)
    if one["total"] == one["total"] or one["clarity"] == one["clarity"]:
        middle = page.medians.get(one["scale"], {})
        values = [(dim.replace("_", " "), _known(one[dim]), _known(middle.get(dim))) for dim in DIMENSIONS]
        of = f"{int(middle.get('versions', 0)):,} versions on the {one['scale']} scale"
        line = f"Bar: this version. Line: median of {of}."
        parts += ["<h4>Scores of the judge</h4>", markup.scores(values, one["scale"]), markup.muted(line)]
    for who, column in (("judge", "feedback"), ("agent", "explanation")):
        if text.get(column):
            words = escaped(markup.plain_words(text[column]))
            parts.append(f"<h4>The {who}'s words</h4><blockquote>{words}</blockquote>")
    parts.append(markup.muted("; ".join(_facts(one))))
    return f'<div class="dbtools-side">{"".join(parts)}</div>'


def _known(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _verdict(one: dict[str, Any], best: float | None) -> str:
    total = _known(one["total"])
    if total is None or best is None:
        return markup.muted("not scored on a known scale")
    behind = best - total
    won = "highest total" if behind < 1e-9 else f"{number(behind, '.1f')} behind the highest"
    kind = "none" if behind < 1e-9 else "info"
    return markup.note(f"{total:.1f} of 50: {won}{', head' if one['is_head'] is True else ''}", kind)


def _differences(
    name: str, text: str, original: str, one: dict[str, Any], sides: list[dict[str, Any]], texts: dict[str, Any]
) -> list[str]:
    """Return what changed against the prompt and against each other version, each to be opened."""
    against = [("the prompt", original)] if original else []
    against += [
        (str(other["source"]), texts.get(other["version_id"], {}).get("text") or "")
        for other in sides
        if other is not one
    ]
    parts = []
    for other, before in against:
        diff = compare(other, before, name, text)
        change = diff.sentence.rpartition(": ")[2]
        summary = f"Against {escaped(other)}: {escaped(change)}"
        parts.append(f"<details><summary>{summary}</summary>{markup.changed(diff.parts)}</details>")
    return parts


def _facts(one: dict[str, Any]) -> list[str]:
    facts = [f"version {one['version_id'][:8]}", f"{one['provenance']}", f"scale {one['scale'] or 'none'}"]
    if one["is_head"] is True:
        facts.append("recorded as the head")
    if _known(one["cost_usd"]) is not None:
        facts.append(f"cost ${one['cost_usd']:.6f} ({int(one['tokens'] or 0):,} tokens)")
    if one["votes_of"]:
        facts.append(f"{one['votes']:,} of {counted(int(one['votes_of']), 'vote')}")
    if _known(one.get("ratings")):
        facts.append(f"{one['won']:g} of {counted(int(one['ratings']), 'rating')} won")
    return facts
