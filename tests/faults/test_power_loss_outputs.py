"""The power goes while an export or a report is written: what lies there then is whole, or says that it is not."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disk import Disk
from fault_counts import ALL, Tally
from support import insert, make_database

from dbtools import attach, export
from dbtools.database import Database
from dbtools.export import manifest
from dbtools.notebooks.report import write as place

WATCHED = ("mkdir", "rmdir", "unlink", "rename", "replace", "fsync")
LAYOUTS = ("prompts", "judge_scores")


def recorded(root: Path, action: Callable[[], object]) -> Disk:
    """Carry out an action and keep every moment of the disk; what is written is looked at when it is synced."""
    disk = Disk(root)

    def watched(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def proxy(*args: Any, **more: Any) -> Any:
            inode = None
            if name == "fsync":
                disk.look()
                inode = os.fstat(args[0]).st_ino
            result = call(*args, **more)
            disk.look(inode)
            return result

        return proxy

    with pytest.MonkeyPatch.context() as patch:
        for name in WATCHED:
            patch.setattr(os, name, watched(name))
        action()
    return disk


def cuts(disk: Disk, tally: Tally) -> Iterator[bool]:
    """Make each tree that a power cut may leave, once; tell whether the action had come to its end."""
    seen: set[Any] = set()
    randoms = len(tally.some(range(100), 4))
    moments = len(disk.moments)
    tally.calls += moments - 1
    for moment in reversed(range(moments)):  # what may be left at the end may be left before, too
        for found in disk.trees(moment, randoms, seed=moment):
            state = frozenset(found.items())
            if state not in seen:
                seen.add(state)
                disk.make(found)
                tally.runs += 1
                yield moment == moments - 1
                tally.prove({})


@pytest.fixture
def states(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Return two states of a database, in two files so that both can be attached."""
    paths = [make_database(tmp_path / f"{name}.db") for name in ("old", "new")]
    insert(paths[1], "prompts", user_id="late")
    with attach(paths[0], texts=True) as old, attach(paths[1], texts=True) as new:
        yield old, new


def write(db: Database, folder: Path) -> None:
    export.write(db, folder, layouts=LAYOUTS, progress=False)


def told(folder: Path) -> set[str]:
    """Return the states of the database that a folder says it was written from; prove that it is what it says."""
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.csv")}
    listed = manifest.read(folder)
    assert set(files.items()) <= {(entry.path, entry.sha256) for entry in listed}
    if listed and json.loads((folder / manifest.NAME).read_text("utf-8"))["proved"]:
        assert files == {entry.path: entry.sha256 for entry in listed}
        return {entry.fingerprint for entry in listed}
    return {"unfinished"} if listed else set()


@pytest.mark.parametrize("again", [False, True], ids=["the first", "another"])
def test_an_export_without_power_is_the_old_one_or_the_new_one_or_says_that_it_is_neither(
    folder: Path, tally: Tally, states: tuple[Database, Database], again: bool
) -> None:
    old, new = states
    marks = [old.origin["fingerprint"], new.origin["fingerprint"]]
    target = folder / "out" / "exports"
    target.parent.mkdir()
    if again:
        write(old, target)
    found, disk = set[str](), recorded(target.parent, lambda: write(new, target))
    for number, ended in enumerate(cuts(disk, tally)):
        state = told(target)
        assert state in ([{marks[1]}] if ended else [{marks[0]}, {marks[1]}, {"unfinished"}, set()])
        assert again <= bool(state)
        found |= state
        if number % 20 == 0 or ALL:
            write(new, target)
            assert told(target) == {marks[1]}
            assert len(list(target.iterdir())) == 3
    assert found == {*marks[not again :], "unfinished"}


def texts(run: str) -> dict[str, str]:
    return {kind: f"{kind} of the {run} run" for kind in ("ipynb", "html", "json")}


def lying(target: Path) -> dict[str, str]:
    return {kind: file.read_text() for kind in ("ipynb", "html", "json") if (file := Path(f"{target}.{kind}")).exists()}


@pytest.mark.parametrize("stopped", [False, True])
def test_a_report_during_which_the_power_goes_has_no_numbers_but_those_of_its_page(
    folder: Path, tally: Tally, stopped: bool
) -> None:
    target = folder / "reports" / "audit"
    old, new = texts("old"), texts("new")
    if stopped:
        del new["json"]
    place(target, old)
    for ended in cuts(recorded(target.parent, lambda: place(target, new)), tally):
        found = lying(target)
        if "json" in found:
            assert found in (old, new)
        assert all(text in (old[kind], new.get(kind)) for kind, text in found.items())
        assert {"ipynb", "html"} <= set(found)
        if ended:
            assert {**found, "json": ""} == {**new, "json": ""}
        place(target, texts("next"))
        assert lying(target) == texts("next")
        assert len(list(target.parent.iterdir())) == 3
