"""dbtools: audit, clean, export and understand prompter.db from Jupyter.

Public names are loaded when they are first used, so that the import takes almost no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbtools import analysis, audit, cleanup, export, show
    from dbtools.database import attach
    from dbtools.project import Project

__version__ = "0.1.0"
__all__ = ["Project", "__version__", "analysis", "attach", "audit", "cleanup", "export", "show"]

_HOMES = {"Project": "dbtools.project", "attach": "dbtools.database"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dbtools' has no attribute {name!r}")
    home = importlib.import_module(_HOMES.get(name, f"dbtools.{name}"))
    value = getattr(home, name) if name in _HOMES else home
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """Register ``%%dsql``; IPython calls this for ``%load_ext dbtools``."""
    from dbtools.show.magic import load

    load(shell)
