from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cleaning import make_files, planned
from support import unchanged

from dbtools.cleanup import journal, vault
from dbtools.cleanup.journal import Held
from dbtools.cleanup.plan import Plan
from dbtools.errors import CleanupError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    project = make_files(tmp_path / "project", {"a.csv": b"1", "b\udcff\n.csv": b"2"})
    return planned(project, "a.csv", "b\udcff\n.csv", rescue=(1, 3))


def records(folder: Path, store: int) -> journal.State:
    return journal.load(Held(journal.read(folder), -1, store))


def test_a_manifest_reads_back_as_it_was_pinned(plan: Plan) -> None:
    run = journal.create(plan, NOW)
    assert run.removals == plan.removals
    assert run.root == plan.project.root
    assert journal.runs(plan.project.backups) == journal.unfinished(plan.project.backups) == [run.folder]
    assert journal.of_project(plan.project) == [run]


def test_runs_are_named_by_utc_time_and_never_share_a_folder(plan: Plan) -> None:
    other = Plan(plan.project, plan.removals[:1], ())
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    folders = [journal.create(p, now).folder for p, now in ((plan, NOW), (plan, local), (other, NOW))]
    assert [folder.name[:16] for folder in folders] == ["20260102T030405Z", "20260102T030406Z", "20260102T030405Z"]
    assert journal.runs(plan.project.backups) == sorted(folders)


def test_a_project_that_was_moved_keeps_its_runs(plan: Plan, tmp_path: Path) -> None:
    folder = journal.create(plan, NOW).folder.relative_to(plan.project.root)
    plan.project.root.rename(tmp_path / "moved")
    assert journal.read(tmp_path / "moved" / folder).root == tmp_path / "moved"


def test_runs_of_another_project_in_the_same_folder_are_not_taken_for_its_own(plan: Plan, tmp_path: Path) -> None:
    shared = tmp_path / "backups"
    journal.create(Plan(plan.project.with_backups(shared), plan.removals, ()), NOW)
    other = make_files(tmp_path / "other", {}).with_backups(shared)
    assert len(journal.runs(shared)) == 1
    assert journal.of_project(other) == []


def test_a_backup_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert journal.runs(tmp_path / "nowhere") == journal.unfinished(tmp_path / "nowhere") == []


def test_records_add_up_to_a_state(plan: Plan) -> None:
    folder = journal.create(plan, NOW).folder
    with vault.opened_folder(folder) as store:
        assert records(folder, store) == journal.State()
        journal.append(store, do="kept", entry=0, reason="ü\ud800")
        journal.append(store, do="all")
        journal.append(store, do="removed", entry=1, gone=False)
        journal.append(store, do="closed")
        state = records(folder, store)
        assert state == journal.State({0: "ü\ud800"}, {1: False}, {}, barrier=True, closed=True)
        journal.append(store, do="again", entries=[0])
        state = records(folder, store)
        assert state == journal.State({}, {1: False}, {}, barrier=False, closed=False)
        assert state.undecided(journal.read(folder)) == [0]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_record_is_cut_off_and_the_next_one_follows_cleanly(plan: Plan, cut: int) -> None:
    folder = journal.create(plan, NOW).folder
    with vault.opened_folder(folder) as store:
        journal.append(store, do="kept", entry=0, reason="x")
        whole = (folder / "journal").read_bytes()
        journal.append(store, do="kept", entry=1, reason="y" * 40)
        (folder / "journal").write_bytes((folder / "journal").read_bytes()[:-cut])
        assert list(records(folder, store).kept) == [0]
        journal.tidy(Held(journal.read(folder), -1, store))
        assert (folder / "journal").read_bytes() == whole
        journal.append(store, do="closed")
        assert records(folder, store).closed


def test_any_flipped_bit_before_the_last_record_is_noticed(plan: Plan) -> None:
    folder = journal.create(plan, NOW).folder
    with vault.opened_folder(folder) as store:
        journal.append(store, do="kept", entry=0, reason="x")
        first = len((folder / "journal").read_bytes())
        journal.append(store, do="all")
        journal.append(store, do="closed")
        sound = (folder / "journal").read_bytes()
        for bit in range(8 * first):
            damaged = bytearray(sound)
            damaged[bit // 8] ^= 1 << bit % 8
            (folder / "journal").write_bytes(damaged)
            with pytest.raises(CleanupError, match="damaged"):
                records(folder, store)
        assert journal.unfinished(plan.project.backups) == [folder]


def test_reading_changes_nothing(plan: Plan) -> None:
    run = journal.create(plan, NOW)
    with unchanged(plan.project.root), vault.opened_folder(run.folder) as store:
        records(run.folder, store)
        journal.unfinished(plan.project.backups)
