"""Let jsonschema build its parsers of IRIs when the first IRI is checked, not when it is imported.

altair, nbformat and all of Jupyter import jsonschema, which imports ``rfc3987_syntax``. That builds 35 parsers at once,
which takes seconds, for a format that hardly any schema uses.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_NAME = "rfc3987_syntax"


class _Deferred(ModuleType):
    """Stands for the module until a name of it is asked for; then the module itself takes its place.

    ipykernel and `inspect` ask every module that is imported for names such as ``__file__``; that loads nothing.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {_NAME!r} has no attribute {name!r}")
        return getattr(_load(), name)


def defer() -> None:
    """Put off the import of the parsers, unless they are imported already. What they do stays the same."""
    if _NAME not in sys.modules and (spec := find_spec(_NAME)):
        module = _Deferred(_NAME)
        module.__spec__, module.__path__ = spec, spec.submodule_search_locations or []
        module.__file__, module.__loader__ = spec.origin, spec.loader
        module.__dict__["is_valid_syntax"] = _is_valid_syntax  # jsonschema takes it when it is imported
        sys.modules[_NAME] = module


def _is_valid_syntax(*args: Any, **kwargs: Any) -> Any:
    return _load().is_valid_syntax(*args, **kwargs)


def _load() -> ModuleType:
    if isinstance(sys.modules.get(_NAME), _Deferred):
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)
