"""Put the files of a report in place so that those of two runs never pass for one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dbtools import disk
from dbtools.errors import ParameterError, explained

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
    with explained(ParameterError, "Cannot write the report", target.parent, "give another folder"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with disk.temporary_folder(".dbtools-report-", target.parent) as staging:
            for kind, text in texts.items():
                (staging / kind).write_text(text, encoding="utf-8")
                disk.sync(staging / kind)
            with disk.locked_folder(target.parent, wait=True):  # until nobody else puts a report into the folder
                _replace(target, staging, [kind for kind in texts if kind != LAST], numbers=LAST in texts)


def _replace(target: Path, staging: Path, kinds: list[str], numbers: bool) -> None:
    last = Path(f"{target}.{LAST}")
    last.unlink(missing_ok=True)
    disk.sync(target.parent)
    for kind in kinds:
        (staging / kind).replace(f"{target}.{kind}")
    disk.sync(target.parent)
    if numbers:
        (staging / LAST).replace(last)
