"""Start kernels that import nothing from the folder they run in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from jupyter_client.manager import AsyncKernelManager

T = TypeVar("T")

OPTIONS = ["--log-level=50"]  # else ipykernel writes about transport encryption at every start
_ATTEMPTS = 3
_LAUNCHER = "ipykernel_launcher"
_PROGRAM = ["-m", "dbtools.notebooks.template"]
_templates: list[_Template] = []  # of the ``with`` blocks that this process is in


class SafeKernelManager(AsyncKernelManager):
    """Starts kernels without the current folder on the path from the first import on.

    The launcher of ipykernel takes the folder off its path too late: it has imported modules by then.
    """

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the kernel."""
        await super()._async_start_kernel(**options | {"env": safe_environment(options.get("env") or os.environ)})

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        process = _templates[-1].fork(kernel_cmd, kw) if _templates else None
        if process is None:
            await super()._async_launch_kernel(kernel_cmd, **kw)
            return
        launched: Any = self.provisioner
        launched.process, launched.pid = process, process.pid
        self._reconcile_connection_info(launched.connection_info)


@contextmanager
def forked_kernels() -> Iterator[None]:
    """Start the kernels of the ``with`` block as copies of one process that has imported what notebooks use.

    Each kernel is a new process all the same: nothing of one is in the next. Where processes cannot be copied, or the
    kernel belongs to another Python, they are started as ever.
    """
    if sys.platform != "linux":  # elsewhere, a copy of a process with system libraries in use may crash
        yield
        return
    template = _Template()
    _templates.append(template)
    try:
        yield
    finally:
        _templates.remove(template)
        template.close()


class _Template:
    """The process that runs `dbtools.notebooks.template`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this Python and a module of dbtools
            [sys.executable, *_PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=safe_environment(os.environ),
            start_new_session=True,  # what interrupts the terminal's process must not end it
            text=True,
        )

    def fork(self, command: list[str], options: dict[str, Any]) -> _ForkedKernel | None:
        """Return a new kernel; None where the command is for another Python, or the process is gone."""
        requests, answers = self._process.stdin, self._process.stdout
        if command[0] != sys.executable or _LAUNCHER not in command or not requests or not answers:
            return None
        arguments = command[command.index(_LAUNCHER) + 1 :]
        folder = options.get("cwd")
        request = {"arguments": arguments, "environment": options["env"], "folder": folder and str(folder)}
        try:
            requests.write(f"{json.dumps(request)}\n")
            requests.flush()
        except OSError:
            return None
        answer = answers.readline()
        return _ForkedKernel(int(answer)) if answer else None

    def close(self) -> None:
        """End the process; a kernel that still runs ends with it."""
        self._process.kill()
        with suppress(OSError), self._process:  # its input may hold a request that it never read
            pass


class _ForkedKernel:
    """What jupyter_client uses of a `subprocess.Popen`, for a process that is not a child of this one."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self.returncode = pid, None

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0  # how it ended is not known
        return None

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.01)
        return 0

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


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
