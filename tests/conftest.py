"""No test may touch the cache or the settings of the person who runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import hypothesis
import pytest
from support import FIELD

# A machine may be busy: how long an example takes is never a verdict.
hypothesis.settings.register_profile("dbtools", deadline=None)
hypothesis.settings.load_profile("dbtools")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a cache folder of its own, child processes included; returns the one of dbtools."""
    top = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CACHE_HOME", str(top / "cache"))
    monkeypatch.delenv("DBTOOLS_PROJECT", raising=False)
    return top / "cache" / "dbtools"


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """Return a writable copy of a real project as it was found."""
    if not FIELD.is_dir():
        pytest.skip("the field case is not on this machine")
    copy = shutil.copytree(FIELD, tmp_path / "field")
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    return copy
