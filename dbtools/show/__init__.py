"""Show: charts for reports and JupyterLab, the Explorer, and the rater."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dbtools.show import charts

if TYPE_CHECKING:
    from dbtools.show.explorer import Explorer
    from dbtools.show.rater import Rater

__all__ = ["Explorer", "Rater", "charts"]


def __getattr__(name: str) -> Any:
    if name in ("Explorer", "Rater"):  # loaded when first used: they import ipywidgets
        return getattr(import_module(f"dbtools.show.{name.lower()}"), name)
    raise AttributeError(f"module 'dbtools.show' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
