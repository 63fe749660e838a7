from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cleaning import make_files, planned
from support import unchanged

from dbtools.cleanup import backup, safefile
from dbtools.cleanup.backup import create, of_project, read, runs, unfinished
from dbtools.cleanup.model import LockedRun, Plan, State
from dbtools.errors import CleanupError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    project = make_files(tmp_path / "project", {"a.csv": b"1", "b\udcff\n.csv": b"2"})
    return planned(project, "a.csv", "b\udcff\n.csv", rescue=(1, 3))


def records(folder: Path, store: int) -> State:
    return backup.load(LockedRun(read(folder), -1, store))


def test_records_add_up_to_a_state(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
        assert records(folder, store) == State()
        backup.append(store, do="kept", entry=0, reason="ü\ud800")
        backup.append(store, do="all")
        backup.append(store, do="removed", entry=1, gone=False)
        backup.append(store, do="closed")
        state = records(folder, store)
        assert state == State({0: "ü\ud800"}, {1: False}, {}, backed_up=True, closed=True)
        backup.append(store, do="again", entries=[0])
        state = records(folder, store)
        assert state == State({}, {1: False}, {}, backed_up=False, closed=False)
        assert state.undecided(read(folder)) == [0]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_record_is_cut_off_and_the_next_one_follows_cleanly(plan: Plan, cut: int) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
        backup.append(store, do="kept", entry=0, reason="x")
        whole = (folder / "journal").read_bytes()
        backup.append(store, do="kept", entry=1, reason="y" * 40)
        (folder / "journal").write_bytes((folder / "journal").read_bytes()[:-cut])
        assert list(records(folder, store).kept) == [0]
        backup.tidy(LockedRun(read(folder), -1, store))
        assert (folder / "journal").read_bytes() == whole
        backup.append(store, do="closed")
        assert records(folder, store).closed


def test_any_flipped_bit_before_the_last_record_is_noticed(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
        backup.append(store, do="kept", entry=0, reason="x")
        first = len((folder / "journal").read_bytes())
        backup.append(store, do="all")
        backup.append(store, do="closed")
        sound = (folder / "journal").read_bytes()
        for bit in range(8 * first):
            damaged = bytearray(sound)
            damaged[bit // 8] ^= 1 << bit % 8
            (folder / "journal").write_bytes(damaged)
            with pytest.raises(CleanupError, match="damaged"):
                records(folder, store)
        assert unfinished(plan.project.backups) == [folder]


def test_reading_changes_nothing(plan: Plan) -> None:
    run = create(plan, NOW)
    with unchanged(plan.project.root), safefile.opened_folder(run.folder) as store:
        records(run.folder, store)
        unfinished(plan.project.backups)


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
