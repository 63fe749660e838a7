"""What a cleanup did, or would do, as a report."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.cleanup.journal import State
from dbtools.cleanup.plan import Kept, Plan
from dbtools.errors import readable
from dbtools.html import counted, size, table
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Manifest(Result):
    """What a cleanup did, or would do.

    Attributes
    ----------
    path : Path or None
        The run folder with the backups; None when there was nothing to do.
    removed, planned : tuple of str
        Paths relative to the project's root.
    kept : tuple of Kept
        What stays, and why: planned removals that could not be carried out first, then what the plan keeps.
    rescued_rows : int
        Rows that were (would be) rescued: those that exist nowhere else, and those with a cell the database lacks.
    bytes : int
        Size of what was (would be) removed.
    """

    dry_run: bool
    path: Path | None
    removed: tuple[str, ...]
    kept: tuple[Kept, ...]
    rescued_rows: int
    bytes: int
    planned: tuple[str, ...]
    rows: tuple[tuple[str, str, int | None, str, str], ...] = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per planned and per kept file: path, action, size_bytes, reason, backup."""
        import pandas as pd

        rows = [(readable(path), *more, readable(why), backup) for path, *more, why, backup in self.rows]
        frame = pd.DataFrame(rows, columns=["path", "action", "size_bytes", "reason", "backup"])
        return frame.astype({"size_bytes": "Int64"})

    @property
    def sentence(self) -> str:
        """What was done, or would be."""
        went = len(self.planned) if self.dry_run else len(self.removed)
        rescued = f", {counted(self.rescued_rows, 'row')} rescued first" if self.rescued_rows else ""
        if self.dry_run:
            return (
                f"dry run: {counted(went, 'file')}, {size(self.bytes)}, would be removed{rescued}; nothing was changed"
            )
        planned = counted(len(self.planned), "planned file")
        stay = f"{len(self.kept)} stay{'s' if len(self.kept) == 1 else ''}"
        return f"{went} of {planned} removed, {size(self.bytes)}{rescued}; {stay}"

    def _table(self) -> str:
        frame = self.frame.assign(backup=[re.sub(r"[0-9a-f]{52}$", "…", name) for name in self.frame["backup"]])
        return table(frame, caption=self._caption)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        return {
            "dry_run": self.dry_run,
            "manifest": readable(str(self.path)) if self.path else None,
            "planned": list(map(readable, self.planned)),
            "removed": list(map(readable, self.removed)),
            "kept": [{"path": readable(kept.path), "reason": readable(kept.reason)} for kept in self.kept],
            "rescued_rows": self.rescued_rows,
            "bytes": self.bytes,
        }


def report(plan: Plan, *, dry_run: bool, folder: Path | None = None, state: State | None = None) -> Manifest:
    """Tell what became of a plan, by the journal of its run; without one, what would become of it. Reads only."""
    rows: list[tuple[str, str, int | None, str, str]] = []
    for entry, removal in enumerate(plan.removals):
        action, reason, backup = "would remove", removal.reason, ""
        if state and folder:
            action = "removed" if entry in state.removed else "kept"
            reason = state.kept.get(entry, reason)
            if os.path.lexists(folder / removal.sha256):
                backup = plan.project.relative(folder / removal.sha256)
            if state.removed.get(entry):
                reason += " (it was already gone when its turn came)"
        rows.append((removal.path, action, removal.identity.size, reason, backup))
    if state:
        rescued = sum(record["rows"] for record in state.rescued.values())
    else:
        rescued = sum(len(removal.rescue) for removal in plan.removals)
    return Manifest(
        dry_run=dry_run,
        path=folder,
        removed=tuple(path for path, action, *_ in rows if action == "removed"),
        kept=(*(Kept(path, reason) for path, action, _, reason, _ in rows if action == "kept"), *plan.kept),
        rescued_rows=rescued,
        bytes=sum(size or 0 for _, action, size, *_ in rows if action != "kept"),
        planned=tuple(removal.path for removal in plan.removals),
        rows=(*rows, *((kept.path, "kept", None, kept.reason, "") for kept in plan.kept)),
    )
