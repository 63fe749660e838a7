from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cleaning import make_files, planned
from support import unchanged

from dbtools.cleanup import journal, safefile
from dbtools.cleanup.journal import Held
from dbtools.cleanup.plan import Plan
from dbtools.cleanup.run import create, read
from dbtools.errors import CleanupError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    project = make_files(tmp_path / "project", {"a.csv": b"1", "b\udcff\n.csv": b"2"})
    return planned(project, "a.csv", "b\udcff\n.csv", rescue=(1, 3))


def records(folder: Path, store: int) -> journal.State:
    return journal.load(Held(read(folder), -1, store))


def test_records_add_up_to_a_state(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
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
        assert state.undecided(read(folder)) == [0]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_record_is_cut_off_and_the_next_one_follows_cleanly(plan: Plan, cut: int) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
        journal.append(store, do="kept", entry=0, reason="x")
        whole = (folder / "journal").read_bytes()
        journal.append(store, do="kept", entry=1, reason="y" * 40)
        (folder / "journal").write_bytes((folder / "journal").read_bytes()[:-cut])
        assert list(records(folder, store).kept) == [0]
        journal.tidy(Held(read(folder), -1, store))
        assert (folder / "journal").read_bytes() == whole
        journal.append(store, do="closed")
        assert records(folder, store).closed


def test_any_flipped_bit_before_the_last_record_is_noticed(plan: Plan) -> None:
    folder = create(plan, NOW).folder
    with safefile.opened_folder(folder) as store:
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
    run = create(plan, NOW)
    with unchanged(plan.project.root), safefile.opened_folder(run.folder) as store:
        records(run.folder, store)
        journal.unfinished(plan.project.backups)
