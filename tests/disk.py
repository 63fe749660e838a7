"""What may be on a disk when the power goes: only what was synced is sure, and nothing else has an order.

The real folder is looked at after every call that may change it; a `Disk` keeps these moments, and what was synced.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

FOLDER = -1  # mode and time of a folder are of no interest here


@dataclass(frozen=True)
class Moment:
    """What a folder and all below it are: names by folder; mode, time and bytes by file; both are numbers."""

    folders: dict[int, dict[str, int]]
    files: dict[int, tuple[int, int, bytes]]
    synced: dict[int, int]  # at which moment


Leaf = tuple[int, int, int, bytes]  # a number that files with two names share, mode, time, bytes


class Disk:
    """The moments of one folder, `root`, whose present state is on disk."""

    def __init__(self, root: Path) -> None:
        self.root, self.numbers, self.next = root, dict[int, int](), count()
        self.moments: list[Moment] = []
        self.look()
        everything = dict.fromkeys((*self.moments[0].folders, *self.moments[0].files), 0)
        self.moments = [Moment(self.moments[0].folders, self.moments[0].files, everything)]

    def look(self, synced: int | None = None) -> None:
        """Note how the folder is now, and that the file or folder with the inode `synced` was synced."""
        before, numbers = self.moments[-1] if self.moments else None, dict[int, int]()
        folders: dict[int, dict[str, int]] = {}
        files: dict[int, tuple[int, int, bytes]] = {}
        self._scan(self.root, numbers, folders, files, before)
        # An inode that had no name for a moment is another file when it comes back.
        self.numbers = numbers
        marks = dict(before.synced) if before else {}
        if synced in numbers:
            marks[numbers[synced]] = len(self.moments)
        self.moments.append(Moment(folders, files, marks))

    def _scan(self, path: Path, numbers: dict[int, int], folders: Any, files: Any, before: Moment | None) -> int:
        status = path.lstat()
        number = self.numbers.get(status.st_ino)
        number = next(self.next) if number is None else number
        numbers[status.st_ino] = number
        if stat.S_ISDIR(status.st_mode):
            folders[number] = {
                child.name: self._scan(child, numbers, folders, files, before) for child in path.iterdir()
            }
        elif number not in files:
            known = before.files.get(number) if before else None
            # Opening a file would break a lease on it; nothing here changes bytes without changing the size.
            content = known[2] if known and len(known[2]) == status.st_size else path.read_bytes()
            files[number] = (stat.S_IMODE(status.st_mode), status.st_mtime_ns, content)
        return number

    def trees(self, moment: int, randoms: int, seed: int) -> Iterator[dict[str, Leaf]]:
        """Yield the trees that a power cut after a moment may leave."""
        now, rng = self.moments[moment], random.Random(seed)
        every = [*now.folders, *now.files]
        yield self._tree(moment, lambda _: 0.0, lambda _: "synced", rng)
        for bytes_ in ("now", "synced", "half", "zeros"):
            yield self._tree(moment, lambda _: 1.0, lambda _, bytes_=bytes_: bytes_, rng)
        yield self._tree(moment, lambda _: 0.0, lambda _: "now", rng)
        for folder in now.folders:
            yield self._tree(moment, lambda n, one=folder: float(n == one), lambda _: "synced", rng)
            yield self._tree(moment, lambda n, one=folder: float(n != one), lambda _: "now", rng)
        for _ in range(randoms):
            ages = {number: rng.random() for number in every}
            kinds = {number: rng.choice(("now", "synced", "half", "zeros")) for number in every}
            yield self._tree(moment, lambda n, a=ages: a.get(n, 0.0), lambda n, k=kinds: k.get(n, "synced"), rng)

    def _tree(self, moment: int, age: Any, kind: Any, rng: random.Random) -> dict[str, Leaf]:
        """Put together one tree: each folder as at its `age` between its last sync (0) and now (1)."""
        found: dict[str, Leaf] = {}

        def walk(folder: int, path: str) -> None:
            for name, number in self._listing(moment, folder, age(folder), rng).items():
                if self._is_folder(moment, number):
                    found[f"{path}{name}/"] = (number, FOLDER, FOLDER, b"")
                    walk(number, f"{path}{name}/")
                else:
                    found[path + name] = (number, *self._file(moment, number, kind(number)))

        walk(self.numbers[self.root.lstat().st_ino], "")
        return found

    def _is_folder(self, moment: int, number: int) -> bool:
        return any(number in m.folders for m in self.moments[: moment + 1])

    def _listing(self, moment: int, folder: int, age: float, rng: random.Random) -> dict[str, int]:
        synced = self.moments[moment].synced.get(folder)
        history = [
            m.folders[folder] for m in self.moments[0 if synced is None else synced : moment + 1] if folder in m.folders
        ]
        if synced is None:
            history.insert(0, {})  # made, and never synced
        if age in (0.0, 1.0) or age > 0.5:
            return history[round(age * (len(history) - 1))]
        # Each name by itself: what was done last may be there, and what was done first not.
        old, new = history[0], history[-1]
        picked = {name: rng.choice((old.get(name), new.get(name))) for name in {*old, *new}}
        return {name: number for name, number in sorted(picked.items()) if number is not None}

    def _file(self, moment: int, number: int, kind: str) -> tuple[int, int, bytes]:
        seen = [m.files[number] for m in self.moments[: moment + 1] if number in m.files]
        mark = self.moments[moment].synced.get(number)
        sure = (0o600, 0, b"") if mark is None else self.moments[mark].files[number]
        mode, mtime, now = seen[-1]
        if kind == "synced":
            return sure
        if kind == "half":
            now = now[: (len(sure[2]) + len(now)) // 2]
        elif kind == "zeros" and now != sure[2]:
            now = sure[2][: len(now)].ljust(len(now), b"\0")
        return mode, mtime, now

    def make(self, tree: dict[str, Leaf]) -> None:
        """Make the folder what a tree says. Changes files: all below the root."""
        for child in self.root.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        made: dict[int, Path] = {}
        for name, (number, mode, mtime, content) in tree.items():
            path = self.root / name
            if mode == FOLDER:
                path.mkdir()
            elif number in made:
                os.link(made[number], path)
            else:
                made[number] = path
                path.write_bytes(content)
                path.chmod(mode)
                os.utime(path, ns=(mtime, mtime))
