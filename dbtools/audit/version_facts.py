"""What Python must find out about versions: parents in a circle, and how their texts changed."""

from __future__ import annotations

from collections.abc import Iterator

from dbtools.audit.context import AuditContext, NotApplicable, read_query
from dbtools.database.change_type import change_type

_MOST_WORK = 2_000_000_000  # pairs of characters; difflib's time grows with them


def cycles(context: AuditContext) -> list[tuple[int]]:
    """Return the versions that are ancestors of themselves, by way of others; of any length, without recursion.

    Every version jumps to its parent; the jump is doubled until it is longer than any chain. Whoever is still reached
    lies on a circle: a chain has ended by then.
    """
    import numpy as np

    edges = context.connection.execute(read_query("parents")).fetchnumpy()
    child, parent = np.asarray(edges["child"], dtype=np.int64), np.asarray(edges["parent"], dtype=np.int64)
    if not len(child):
        return []
    jump = np.zeros(int(max(child.max(), parent.max())) + 1, dtype=np.int64)  # 0: nobody, where every chain ends
    jump[child] = parent
    for _ in range(len(jump).bit_length()):
        jump = jump[jump]
    return [(int(row),) for row in np.asarray(edges["row_id"])[np.isin(child, jump[jump > 0])]]


def changes(context: AuditContext) -> Iterator[tuple[int, str]]:
    """Yield the type of change from parent to child of each version that names one, recomputed from the texts."""
    if not context.db.origin["texts"]:
        raise NotApplicable("the long texts are not loaded; attach(…, texts=True) loads them")
    texts = context.connection.execute(read_query("changed_texts")).fetchall()
    if sum(len(before) * len(after) for _, before, after in texts) > _MOST_WORK:
        raise NotApplicable("comparing so many long texts letter by letter would take hours")
    for row_id, before, after in texts:
        yield row_id, change_type(before, after)
