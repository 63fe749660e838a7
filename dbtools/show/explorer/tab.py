"""What the Explorer knows of a tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ipywidgets

    from dbtools.show.explorer.selection import Filters
    from dbtools.show.explorer.worker import Desk, Lane


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes
    ----------
    depends : tuple of str
        The traits it shows something of: when one changes, it is brought up to date.
    refresh : callable
        Brings it up to date, beside the kernel.
    static : callable or None
        The same as HTML without controls, for where widgets cannot run.
    """

    name: str
    title: str
    tooltip: str
    widget: ipywidgets.Widget
    lanes: tuple[Lane, ...]
    refresh: Callable[[], None]
    depends: tuple[str, ...] = ()
    static: Callable[[Desk, Filters], str] | None = None
