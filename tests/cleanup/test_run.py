from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cleaning import make_files, planned

from dbtools.cleanup.journal import unfinished
from dbtools.cleanup.plan import Plan
from dbtools.cleanup.run import create, of_project, read, runs

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    project = make_files(tmp_path / "project", {"a.csv": b"1", "b\udcff\n.csv": b"2"})
    return planned(project, "a.csv", "b\udcff\n.csv", rescue=(1, 3))


def test_a_manifest_reads_back_as_it_was_pinned(plan: Plan) -> None:
    run = create(plan, NOW)
    assert run.removals == plan.removals
    assert run.root == plan.project.root
    assert runs(plan.project.backups) == unfinished(plan.project.backups) == [run.folder]
    assert of_project(plan.project) == [run]


def test_runs_are_named_by_utc_time_and_never_share_a_folder(plan: Plan) -> None:
    other = Plan(plan.project, plan.removals[:1], ())
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    folders = [create(p, now).folder for p, now in ((plan, NOW), (plan, local), (other, NOW))]
    assert [folder.name[:16] for folder in folders] == ["20260102T030405Z", "20260102T030406Z", "20260102T030405Z"]
    assert runs(plan.project.backups) == sorted(folders)


def test_a_project_that_was_moved_keeps_its_runs(plan: Plan, tmp_path: Path) -> None:
    folder = create(plan, NOW).folder.relative_to(plan.project.root)
    plan.project.root.rename(tmp_path / "moved")
    assert read(tmp_path / "moved" / folder).root == tmp_path / "moved"


def test_runs_of_another_project_in_the_same_folder_are_not_taken_for_its_own(plan: Plan, tmp_path: Path) -> None:
    shared = tmp_path / "backups"
    create(Plan(plan.project.with_backups(shared), plan.removals, ()), NOW)
    other = make_files(tmp_path / "other", {}).with_backups(shared)
    assert len(runs(shared)) == 1
    assert of_project(other) == []


def test_a_backup_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert runs(tmp_path / "nowhere") == unfinished(tmp_path / "nowhere") == []
