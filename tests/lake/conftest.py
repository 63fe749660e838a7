"""One server of each kind, and one odd database in each, for all tests of a process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import adverse
import pytest
from servers import Connect, sail

from dbtools import attach, export


@pytest.fixture(scope="session")
def server() -> Iterator[Connect]:
    """Run a Spark Connect server."""
    with sail() as running:
        yield running


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an odd database, and with the same as a lake without texts."""
    folder = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        with attach(adverse.build(folder / "prompter.db"), texts=False) as db:
            export.write(db, folder / "lake", formats=("parquet",), partition_by="month")
    return folder


@pytest.fixture
def database(odd: Path, tmp_path: Path) -> Path:
    """Return the odd database, to change."""
    return Path(shutil.copy(odd / "prompter.db", tmp_path))
