"""A small database that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import make_database

from dbtools import attach
from dbtools.database import Database


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Attach a database of two prompts."""
    folder = tmp_path_factory.mktemp("database")
    make_database(folder / "prompter.db", prompts=2)
    with attach(folder / "prompter.db") as db:
        yield db
