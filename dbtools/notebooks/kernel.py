"""Start kernels that import nothing from the folder they run in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_client.manager import AsyncKernelManager

T = TypeVar("T")

# The level stops ipykernel from writing about transport encryption at every start. The line leaves out an optional
# module of jsonschema that builds 35 parsers when it is imported, which takes a second; no notebook needs it.
OPTIONS = [
    "--log-level=50",
    "--IPKernelApp.exec_lines=__import__('sys').modules.setdefault('rfc3987_syntax', None)",
]
_ATTEMPTS = 3


class SafeKernelManager(AsyncKernelManager):
    """Starts kernels without the current folder on the path from the first import on.

    The launcher of ipykernel takes the folder off its path too late: it has imported modules by then.
    """

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the kernel."""
        await super()._async_start_kernel(**options | {"env": safe_environment(options.get("env") or os.environ)})


def safe_environment(environment: Any) -> dict[str, str]:
    """Return `environment` with Python's safe path on, and without the parts of PYTHONPATH that are not absolute."""
    safe = dict(environment) | {"PYTHONSAFEPATH": "1"}
    parts = [part for part in safe.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(part)]  # noqa: PTH117
    if parts:
        # The launcher drops the first part where it is the current folder, which may be a checkout of dbtools.
        safe["PYTHONPATH"] = os.pathsep.join([os.devnull, *parts])
    else:
        safe.pop("PYTHONPATH", None)
    return safe


def retry_start(work: Callable[[], T]) -> T:
    """Return what `work` returns; call it again where the kernel died before it was ready.

    Another process may take a port between the moment it is chosen and the moment the kernel binds it. No cell has run
    by then.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return work()
        except RuntimeError as error:
            if "died before replying" not in str(error):
                raise
    return work()
