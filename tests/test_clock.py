from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from dbtools import attach, audit, cleanup, export
from dbtools.clock import utc
from dbtools.demo import build
from dbtools.project import Project

NOON = datetime(2025, 12, 1, 12)
DURING_THE_DEMO = datetime(2025, 11, 24, 20)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a demo project, in a place where the clocks are thirteen hours ahead."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield build(tmp_path / "demo")
    time.tzset()


def test_a_moment_without_a_time_zone_is_utc_and_any_other_is_brought_there():
    assert utc(NOON) == utc(NOON.replace(tzinfo=timezone(timedelta(hours=2))) + timedelta(hours=2))
    assert utc(NOON).tzinfo is UTC
    assert abs(utc() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.slow
def test_every_room_means_the_same_by_a_moment(project: Project, tmp_path: Path) -> None:
    def future(now: datetime) -> object:
        return audit.run(project, now=now, progress=False).frame.set_index("check")["count"]["future-timestamp"]

    assert future(DURING_THE_DEMO) == future(DURING_THE_DEMO.replace(tzinfo=UTC))
    assert future(DURING_THE_DEMO) == future(DURING_THE_DEMO.replace(tzinfo=UTC).astimezone())
    for folder, now in (
        ("naive", NOON),
        ("aware", NOON.replace(tzinfo=UTC)),
        ("local", NOON.replace(tzinfo=UTC).astimezone()),
    ):
        with attach(project, progress=False) as db:
            assert export.write(db, tmp_path / folder, now=now).created == "2025-12-01T12:00:00+00:00"
    plan = cleanup.plan(cleanup.survey(project, progress=False))
    assert cleanup.apply(plan, dry_run=False, now=NOON, progress=False).path.name.startswith("20251201T120000Z-")
