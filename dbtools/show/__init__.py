"""Show: charts for reports and JupyterLab, and the Explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtools.show import charts

if TYPE_CHECKING:
    from dbtools.show.explorer import Explorer

__all__ = ["Explorer", "charts"]


def __getattr__(name: str) -> Any:
    if name != "Explorer":
        raise AttributeError(f"module 'dbtools.show' has no attribute {name!r}")
    from dbtools.show.explorer import Explorer  # loaded when first used: it imports ipywidgets

    return Explorer


def __dir__() -> list[str]:
    return __all__
