"""Backups, manifests and journals that the disk has damaged: noticed, never believed, and the rest comes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cleanup_projects import tree
from faulty_system import PLANNED, calls, clean, killed, running, world
from support import read_tree

from dbtools.cleanup import backup
from dbtools.cleanup.backup import MANIFEST, read, runs, unfinished
from dbtools.cleanup.model import Plan
from dbtools.cleanup.restore import restore
from dbtools.errors import CleanupError


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.chmod(0o600)
    path.write_bytes(content)


def flipped(backup: Path) -> None:
    flip(backup, 5)


def truncated(backup: Path) -> None:
    os.truncate(backup, backup.stat().st_size // 2)


def longer(backup: Path) -> None:
    backup.chmod(0o600)
    with backup.open("ab") as file:
        file.write(b"more")


def fifo(backup: Path) -> None:
    backup.unlink()
    os.mkfifo(backup)


def link(backup: Path) -> None:
    backup.rename(backup.with_name("elsewhere"))
    backup.symlink_to("elsewhere")


def folder_in_place(backup: Path) -> None:
    backup.unlink()
    backup.mkdir()


DAMAGES = (flipped, truncated, longer, Path.unlink, fifo, link, folder_in_place)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_file_whose_backup_was_damaged_after_the_barrier_stays(
    folder: Path, tally: Any, damage: Callable[[Path], None]
) -> None:
    names = calls(lambda: clean(world(folder, PLANNED[:1])))
    barrier, capture = names.index("rename") - 40, names.index("rename")
    for at in tally.some(range(barrier, capture), 6):
        plan = world(folder, PLANNED[:1])
        with running(killed(at)):
            clean(plan)
        damage(runs(plan.project.backups)[0] / plan.removals[0].sha256)
        with suppress(CleanupError):
            clean(plan)
        tally.runs += 1
        tally.examine(plan)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_backup_is_never_restored_and_the_others_are(
    folder: Path, tally: Any, damage: Callable[[Path], None]
) -> None:
    plan = world(folder)
    before = tree(plan.project.root)
    run = clean(plan).path
    damage(run / plan.removals[0].sha256)
    with pytest.raises(CleanupError, match="damaged or gone"):
        restore(run)
    tally.runs += 1
    found = tree(plan.project.root, "backups")
    assert found == {name: file for name, file in before.items() if name != PLANNED[0]}


def test_a_flipped_bit_anywhere_in_a_manifest_is_noticed_or_changes_nothing(folder: Path, tally: Any) -> None:
    plan = world(folder, PLANNED[:2])
    run = clean(plan).path
    sound, manifest = read(run), run / MANIFEST
    content = manifest.read_bytes()
    manifest.chmod(0o600)
    for bit in tally.some(range(8 * len(content)), 1000):
        flip(manifest, bit)
        tally.runs += 1
        with suppress(CleanupError):
            assert read(run) == sound, content[bit // 8 - 20 : bit // 8 + 20]
        manifest.write_bytes(content)


def test_a_run_whose_manifest_is_damaged_is_left_alone_and_hinders_nobody(folder: Path, tally: Any) -> None:
    plan = world(folder)
    first = clean(Plan(plan.project, plan.removals[:1], ())).path
    flip(first / MANIFEST, 3000)
    before = read_tree(first)
    rest = Plan(plan.project, plan.removals[1:], ())
    result = clean(rest)
    assert len(result.removed) == 3
    tally.runs += 1
    tally.examine(plan)
    restore(result.path)
    assert read_tree(first) == before
    with pytest.raises(CleanupError, match="64 hex digits"):
        restore(first)


def test_a_flipped_bit_anywhere_in_a_journal_hinders_no_restore(folder: Path, tally: Any) -> None:
    plan = world(folder, PLANNED[1:3])
    before = tree(plan.project.root)
    run = clean(plan).path
    log = run / backup.JOURNAL
    content, bits = log.read_bytes(), 8 * log.stat().st_size
    for bit in tally.some(range(bits), 200):
        (run / f"{backup.JOURNAL}.damaged").unlink(missing_ok=True)
        log.write_bytes(content)
        for file in PLANNED[1:3]:
            (plan.project.root / file).unlink(missing_ok=True)
        flip(log, bit)
        tally.runs += 1
        tally.examine(plan)
        assert restore(run).conflicts == ()
        assert tree(plan.project.root, "backups") == before, bit
        assert unfinished(plan.project.backups) == []


def test_a_flipped_bit_anywhere_in_a_journal_lets_no_resumed_cleanup_lose_anything(folder: Path, tally: Any) -> None:
    names = calls(lambda: clean(world(folder, PLANNED[1:3])))
    middle = [i for i, name in enumerate(names) if name == "rename"][1]
    plan = world(folder, PLANNED[1:3])
    with running(killed(middle)):
        clean(plan)
    bits = 8 * (runs(plan.project.backups)[0] / backup.JOURNAL).stat().st_size
    for bit in tally.some(range(bits), 100):
        plan = world(folder, PLANNED[1:3])
        before = tree(plan.project.root)
        with running(killed(middle)):
            clean(plan)
        (run,) = runs(plan.project.backups)
        flip(run / backup.JOURNAL, bit)
        with suppress(CleanupError):
            result = clean(plan)
            assert sorted(result.removed) == sorted(PLANNED[1:3])
        tally.runs += 1
        tally.examine(plan)
        restore(run)
        assert tree(plan.project.root, "backups") == before


def test_a_newer_file_and_a_half_restored_one_are_both_left_alone(folder: Path, tally: Any) -> None:
    plan = world(folder)
    run = clean(plan).path
    newer = plan.project.root / PLANNED[0]
    newer.write_bytes(b"newer")
    names = calls(lambda: restore(run))
    for at in range(len(names)):
        plan = world(folder)
        run = clean(plan).path
        newer.write_bytes(b"newer")
        with newer.open("ab"), running(killed(at)):
            restore(run)
        tally.runs += 1
        tally.examine(plan)
        (conflict,) = restore(run).conflicts
        assert newer.read_bytes() == b"newer"
        assert (plan.project.root / conflict.written_as).read_bytes() == b"one" * 1700
        assert len(list(newer.parent.iterdir())) == 2
        there = tree(plan.project.root)
        restore(run)
        assert tree(plan.project.root) == there
