"""No test may touch the cache or the settings of the person who runs it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from support import FIELD

from dbtools import iri_parsers

iri_parsers.defer()  # before nbval imports jsonschema
pytest_plugins = ["nbval.plugin"]

# A shell ignores interrupts for jobs in the background; so would the tests, and what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine may be busy: how long an example takes is never a verdict.
hypothesis.settings.register_profile("dbtools", deadline=None)
hypothesis.settings.load_profile("dbtools")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest test first; begun last, it would keep one process waiting for the other."""
    items.sort(key=lambda item: item.path.name != "test_main_job.py")


# Notes of the scanners whose signature was checked in this process: checking one takes a quarter of a second.
_checked: set[str] = set()


@pytest.fixture(autouse=True)
def cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give every test a cache folder of its own, child processes included; yields the one of dbtools."""
    top = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CACHE_HOME", str(top / "cache"))
    monkeypatch.delenv("DBTOOLS_PROJECT", raising=False)
    folder = top / "cache" / "dbtools"
    is_about_signatures = request.path.name == "test_extension.py"
    if _checked and not is_about_signatures:
        for each in (folder.parent, folder, folder / "signed"):
            each.mkdir(mode=0o700)
        for name in _checked:
            (folder / "signed" / name).touch(mode=0o600)
    yield folder
    if not is_about_signatures:
        _checked.update(note.name for note in folder.glob("signed/*"))


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """Return a writable copy of a real project as it was found."""
    if not FIELD.is_dir():
        pytest.skip("the field case is not on this machine")
    copy = shutil.copytree(FIELD, tmp_path / "field")
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return copy
