"""Spark itself, as a cluster of two executor processes: slow, and only where there is one to start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from servers import spark
from test_same_on_every_engine import LONG_TEXTS, assert_alike, assert_same, rows

from dbtools import analysis, attach, audit
from dbtools.audit.relations import COLLECTED, read_by
from dbtools.database import engine

PYTHON = os.environ.get("SPARK_PYTHON", "")
pytestmark = pytest.mark.skipif(
    not (PYTHON and shutil.which("java")),
    reason="needs Java, and SPARK_PYTHON: a Python with all of pyspark, not only its client",
)


def test_two_executors_say_the_same_as_duckdb(odd: Path) -> None:
    with spark(PYTHON) as server, attach(odd / "lake", engine=server.url) as db, attach(odd / "lake") as own:
        assert_alike(*(analysis.effectiveness(of, "all").to_dict() for of in (db, own)))
        assert_alike(*(analysis.evolution(of, provenance="all").to_dict() for of in (db, own)))
        with db.session() as one, own.session() as other:
            for on in (one, other):
                engine.materialize(on, "scored", audit.context.read_query("scored"))
            for check in audit.checks():
                if not set(read_by(check.query)) & set(COLLECTED) and not set(check.needs) & LONG_TEXTS:
                    assert_same(rows(one.execute(check.query)), rows(other.execute(check.query)), check.id)
