"""Show: charts for reports and JupyterLab, the Explorer, and the rater."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.show import charts

if TYPE_CHECKING:
    from dbtools.show.explorer import Explorer
    from dbtools.show.rater import Rater

__all__ = ["Explorer", "Rater", "charts"]


def __getattr__(name: str) -> Any:
    # Loaded when first used: they import ipywidgets.
    if name == "Explorer":
        from dbtools.show.explorer import Explorer

        return Explorer
    if name == "Rater":
        from dbtools.show.rater import Rater

        return Rater
    raise AttributeError(f"module 'dbtools.show' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
