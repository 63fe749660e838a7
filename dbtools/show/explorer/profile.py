"""What the columns of the selected versions hold, as small pictures for the headings of their table."""

from __future__ import annotations

import html
from typing import Any

from dbtools.database.engine import row_dicts
from dbtools.show import style
from dbtools.show.explorer.selection import Filters, query, selection, versions_of
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import HIGHEST_TOTAL, STEP

_WIDE, _HIGH = 84, 14
_MOST = 4  # values of a column that have a part of their own


def read_profile(session: Session, filters: Filters) -> dict[str, Any]:
    """Return counts of each column of the selection, in one pass. Reads only."""
    bound = filters.parameters(prompts=False)
    chosen = selection(bound, bool(session.db.origin["texts"])).rpartition("\nORDER BY")[0]

    def make(_stack: object) -> dict[str, Any]:
        (counts,) = row_dicts(versions_of(session).execute(query("profile").replace("{chosen}", chosen), bound))
        return counts

    found: dict[str, Any] = session.cached("profile", filters, make)
    return found


def headings(profile: dict[str, Any]) -> dict[str, str]:
    """Return what stands below the heading of each column. A part of a picture that is clicked becomes a filter."""
    rows = profile["rows"]
    if not rows:
        return {}
    missing = f"{1 - profile['scored'] / rows:.0%} none" if profile["scored"] < rows else ""
    first, last = profile["first_time"], profile["last_time"]
    days = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if first and last else ""
    letters = f"{profile['shortest']:,} to {profile['longest']:,} letters" if profile["longest"] is not None else ""
    said = {
        "source": shares(profile["source"], "agents"),
        "scale": shares(profile["scale"], "scale"),
        "provenance": shares(profile["provenance"], "provenance"),
        "total": totals(profile["total"] or {}) + missing,
        "text": letters,
        "text_length": letters,
        "created_at": days,
        "version_no": f"{profile['numbers']:,} values",
        "is_head": f"{profile['heads']:,} heads",
        "prompt": f"{profile['prompts']:,} prompts",
        "version": "all differ",
    }
    return {name: f"<small>{what}</small>" for name, what in said.items() if what}


def shares(counts: dict[str, int], target: str) -> str:
    """Return the parts of a column as one bar."""
    whole = sum(counts.values())
    largest = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST]
    parts, left = [], 0.0
    for (name, n), colour in zip(largest, style.PALETTE, strict=False):
        wide = _WIDE * n / whole
        words = html.escape(f"{name}: {n:,} of {whole:,}")
        go = f' data-go="filter:{target}={html.escape(name)}"' if name != "(none)" else ""
        parts.append(
            f'<rect x="{left:.1f}" y="3" width="{max(1, wide - 1):.1f}" height="8" fill="{colour}"{go}>'
            f"<title>{words}</title></rect>"
        )
        left += wide
    return _svg("".join(parts))


def totals(counts: dict[float, int]) -> str:
    """Return how the totals are spread, a bar for every five points."""
    most = max(counts.values(), default=1)
    wide = _WIDE / (HIGHEST_TOTAL / STEP)
    parts = []
    for low, n in sorted(counts.items()):
        high = max(1.5, _HIGH * n / most)
        parts.append(
            f'<rect x="{wide * low / STEP:.1f}" y="{_HIGH - high:.1f}" width="{wide - 1:.1f}" height="{high:.1f}" '
            f'fill="{style.GREY}" data-go="filter:total={low:g}"><title>{low:g} to {low + STEP:g}: {n:,}</title></rect>'
        )
    return _svg("".join(parts))


def _svg(inside: str) -> str:
    return f'<svg width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}">{inside}</svg>'
