"""The process that kernels are forked from: it has imported what notebooks use, and does nothing else.

Each line it reads from its standard input is a request: ``arguments`` of the kernel, ``environment``, and ``folder``.
It answers with the process id of the new kernel.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

_IMPORTED = (
    *("ipykernel.kernelapp", "pandas", "scipy.special"),
    *("dbtools.analysis", "dbtools.audit", "dbtools.cleanup", "dbtools.export", "dbtools.notebooks"),
    *("dbtools.show.charts", "altair"),
)


def serve() -> None:
    """Fork a kernel for every request until the input ends. The child returns when its kernel has ended."""
    _import()
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        process = os.fork()
        if not process:
            return _become_kernel(json.loads(line))
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


def _import() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # a kernel then shares the memory of what was imported


def _reap(*_: object) -> None:
    """Wait for the kernels that have ended, so that their processor time counts as that of this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become_kernel(request: dict[str, Any]) -> None:
    from ipykernel import kernelapp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - no file of the user's
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    os.environ.clear()
    # The kernel ends when its parent does.
    os.environ.update(request["environment"] | {"JPY_PARENT_PID": str(os.getppid())})
    if request["folder"]:
        os.chdir(request["folder"])
    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    serve()
