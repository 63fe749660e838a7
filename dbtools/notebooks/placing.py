"""Put the files of a report in place so that those of two runs never pass for one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dbtools.errors import ParameterError
from dbtools.source import scratch

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LAST = "json"


def place(target: Path, texts: Mapping[str, str]) -> None:
    """Write the texts of a report as ``TARGET.ipynb``, ``TARGET.html`` and, if given, ``TARGET.json``.

    Changes files: those three. All are on disk beside them before any is touched; then ``TARGET.json`` goes first and
    comes last. So whenever this ends early, by an error, a kill or a power cut, it lies there only beside the files of
    its own run. What a killed run left goes with the next.

    Raises
    ------
    ParameterError
        The folder does not take them.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch.folder(".dbtools-report-", target.parent) as staging:
            for kind, text in texts.items():
                (staging / kind).write_text(text, encoding="utf-8")
                scratch.flush(staging / kind)
            with _alone(target.parent):
                _replace(target, staging, [kind for kind in texts if kind != LAST], numbers=LAST in texts)
    except OSError as error:
        raise ParameterError(f"Cannot write ({error.strerror})", target.parent, "give another folder") from None


def _replace(target: Path, staging: Path, kinds: list[str], numbers: bool) -> None:
    last = Path(f"{target}.{LAST}")
    last.unlink(missing_ok=True)
    scratch.flush(target.parent)
    for kind in kinds:
        (staging / kind).replace(f"{target}.{kind}")
    scratch.flush(target.parent)
    if numbers:
        (staging / LAST).replace(last)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else puts a report into the folder; the kernel drops the lock of whoever is killed."""
    descriptor = os.open(folder, os.O_RDONLY) if fcntl else None
    try:
        with suppress(OSError):  # a file system without locks
            if descriptor is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
