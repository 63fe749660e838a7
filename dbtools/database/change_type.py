"""The type of a change from one text to the next, as the application's generator defines it."""

from __future__ import annotations

try:
    from cydifflib import SequenceMatcher  # the same answers, compiled
except ImportError:  # no wheel for this Python
    from difflib import SequenceMatcher

COMPILED = SequenceMatcher.__module__ != "difflib"


def change_type(before: str, after: str) -> str:
    """Return the type of a change: ``structure``, ``length`` or ``wording``. Reads only.

    By `difflib.SequenceMatcher.ratio` over characters with ``autojunk`` off: ``structure`` where it is below 0.5; else
    ``length`` where the text grew by more than half or lost more than half; else ``wording``. ``other`` is never
    computed, only stored.
    """
    if not _half_alike(before, after):
        return "structure"
    return "wording" if 0.5 <= len(after) / max(len(before), 1) <= 1.5 else "length"


def _half_alike(before: str, after: str) -> bool:
    """Tell whether `SequenceMatcher.ratio` is at least 0.5, looking only as far as it takes to know."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.quick_ratio() < 0.5:  # an upper bound of the ratio, and cheap
        return False
    needed = (len(before) + len(after)) / 4
    matched, possible = 0, min(len(before), len(after))
    places = [(0, len(before), 0, len(after))]
    while matched < needed <= matched + possible and places:
        low, high, other_low, other_high = places.pop()
        possible -= min(high - low, other_high - other_low)
        start, other, length = matcher.find_longest_match(low, high, other_low, other_high)
        matched += length
        if length:
            for place in ((low, start, other_low, other), (start + length, high, other + length, other_high)):
                if size := min(place[1] - place[0], place[3] - place[2]):
                    places.append(place)
                    possible += size
    return matched >= needed
