from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import check, make_files, planned, write_manifest
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


def forged(body: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """Return a manifest with one value replaced, and the checksums of a forger who knows the format."""
    target: Any = body
    *above, last = where.split("/")
    for key in above:
        target = target[int(key) if key.isdigit() else key]
    target[last] = value
    return {**body, "sha256": check(body["removals"])} if where.startswith("removals/") else body


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("root", 5),
        ("sha256", None),
        ("removals", {}),
        ("removals", "text"),
        ("kept", [5]),
        ("removals/0/path", 5),
        ("removals/0/path", None),
        ("removals/0/identity", []),
        ("removals/0/identity/mode", "0644"),
        ("removals/0/identity/mtime_ns", 10**40),
        ("removals/0/identity/size", 1.5),
        ("removals/0/sha256", "../../../etc/passwd"),
        ("removals/0/rescue", ["1"]),
        ("removals/0/rescue", 1),
        ("removals/0/keeper", "keep.csv"),
        ("removals/0/surprise", 1),
    ],
)
def test_a_manifest_of_another_shape_is_refused_in_one_sentence(plan: Plan, where: str, value: object) -> None:
    folder = create(plan, NOW).folder
    write_manifest(folder, forged(json.loads((folder / "manifest.json").read_text()), where, value))
    with pytest.raises(CleanupError, match=r"manifest of the run (is damaged|cannot be read)"):
        read(folder)


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff", b"", b"5", b"[]", b"9" * 10_000])
def test_a_manifest_that_is_no_json_object_is_refused_in_one_sentence(plan: Plan, content: bytes) -> None:
    folder = create(plan, NOW).folder
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(CleanupError, match="manifest of the run cannot be read"):
        read(folder)
    assert of_project(plan.project) == []


def test_a_manifest_that_is_too_large_is_not_read(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    (folder / "manifest.json").chmod(0o600)
    os.truncate(folder / "manifest.json", 1 << 40)
    with pytest.raises(CleanupError, match="manifest of the run cannot be read"):
        read(folder)


def test_a_manifest_whose_removals_are_not_those_of_its_fingerprint_is_damaged(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    body = json.loads((folder / "manifest.json").read_text())
    body["removals"][0]["path"] = "prompter.db"
    write_manifest(folder, body)
    with pytest.raises(CleanupError, match="manifest of the run is damaged"):
        read(folder)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"do": "again", "entries": 5},
        {"do": "kept", "entry": 0},
        {"do": "all", "files": {"0": {"uid": "root", "gid": 0, "mode": 0}}},
        {"do": "all", "files": {"0": {"uid": 1 << 40, "gid": 0, "mode": 0}}},
        {"do": "all", "folders": {"a": {"uid": 0, "gid": 0, "mode": 0, "xattrs": {"user.a": 5}}}},
        {"do": "all", "files": []},
    ],
)
def test_a_record_of_another_shape_counts_as_damage(plan: Plan, record: dict[str, Any]) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
        backup.append(store, **record)
        with pytest.raises(CleanupError, match="journal of a cleanup is damaged"):
            records(folder, store)
