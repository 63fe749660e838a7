"""What Python must find out about versions: parents in a circle, and how their texts changed."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from dbtools.audit.scene import Scene, Unanswerable, read_query

_MOST_WORK = 2_000_000_000  # pairs of characters; difflib's time grows with them


def cycles(scene: Scene) -> list[tuple[int]]:
    """Return the versions that are ancestors of themselves, by way of others; of any length, without recursion.

    Every version jumps to its parent; the jump is doubled until it is longer than any chain. Whoever is still reached
    lies on a circle: a chain has ended by then.
    """
    import numpy as np

    edges = scene.connection.execute(read_query("parents")).fetchnumpy()
    child, parent = np.asarray(edges["child"], dtype=np.int64), np.asarray(edges["parent"], dtype=np.int64)
    if not len(child):
        return []
    jump = np.zeros(int(max(child.max(), parent.max())) + 1, dtype=np.int64)  # 0: nobody, where every chain ends
    jump[child] = parent
    for _ in range(len(jump).bit_length()):
        jump = jump[jump]
    return [(int(row),) for row in np.asarray(edges["row_id"])[np.isin(child, jump[jump > 0])]]


def changes(scene: Scene) -> Iterator[tuple[int, str]]:
    """Yield the kind of change from parent to child of each version that names one, recomputed from the texts.

    The application's own definition, by `difflib.SequenceMatcher.ratio` over characters with ``autojunk`` off:
    ``structure`` where the ratio is below 0.5; else ``length`` where the child is longer than one and a half times its
    parent or shorter than half of it; else ``wording``. It never computes ``other``, which says nothing and is not held
    against it.
    """
    if not scene.db.origin["texts"]:
        raise Unanswerable("the long texts are not loaded; attach(…, texts=True) loads them")
    texts = scene.connection.execute(read_query("changed_texts")).fetchall()
    if sum(len(before) * len(after) for _, before, after in texts) > _MOST_WORK:
        raise Unanswerable("comparing so many long texts letter by letter would take hours")
    for row_id, before, after in texts:
        yield row_id, _change(before, after)


def _change(before: str, after: str) -> str:
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
