"""Remove one backed-up file so that a kill at any moment loses nothing."""

from __future__ import annotations

import os
from itertools import chain, count

from dbtools.cleanup import journal, preconditions, safefile
from dbtools.cleanup.journal import Held
from dbtools.cleanup.safefile import Refused

_LONGEST = 220  # bytes of a file's own name in another one: no name may have more than 255


def remove(held: Held, entry: int) -> None:
    """Remove a file whose backup is on disk, and journal it; or keep it, and journal why.

    Changes files: the file, and the journal.
    """
    try:
        gone = _remove(held, entry)
    except Refused as refused:
        journal.append(held.store, do="kept", entry=entry, reason=str(refused))
    else:
        journal.append(held.store, do="removed", entry=entry, gone=gone)


def settle(held: Held) -> None:
    """Close a run that was interrupted: finish or put back what was under way, keep the rest.

    Changes files: those under way, and the journal. A file in a folder that this user may not enter stays undecided and
    the run open: the file may be under way, and whoever comes next looks again.
    """
    journal.tidy(held)
    state, decided = journal.load(held), True
    for entry in state.undecided(held.run):
        try:
            under_way = whereabouts(held, entry)
        except Refused:
            decided = False
            continue
        if under_way == "captured" and state.barrier:
            remove(held, entry)
            continue
        reason = "the run was interrupted before its turn"
        if under_way == "captured":
            reason += _renamed(release(held, entry))
        elif under_way == "absent":
            sha256 = held.run.removals[entry].sha256
            if safefile.digest_at(held.store, sha256) == sha256:
                journal.append(held.store, do="removed", entry=entry, gone=True)
                continue
            reason = "it is no longer there"
        journal.append(held.store, do="kept", entry=entry, reason=reason)
    if decided:
        journal.append(held.store, do="closed")


def whereabouts(held: Held, entry: int) -> str:
    """Tell whether a planned file is "captured", "present" or "absent".

    Changes files: completes an interrupted return of a captured file to its name.

    Raises
    ------
    Refused
        This user may not look.
    """
    try:
        with safefile.parent(held.root, held.run.removals[entry].path) as (folder, name):
            with safefile.refusing():
                captured, there = safefile.status(folder, _captured(held, entry)), safefile.status(folder, name)
            if captured and there and os.path.samestat(captured, there):
                os.unlink(_captured(held, entry), dir_fd=folder)
                os.fsync(folder)
                captured = None
    except Refused as refused:
        if isinstance(refused.__cause__, PermissionError):
            raise
        return "absent" if isinstance(refused.__cause__, FileNotFoundError) else "present"
    return "captured" if captured else "present" if there else "absent"


def release(held: Held, entry: int) -> str | None:
    """Give a captured file its name back; return the other name it got if a newer file has that one.

    Changes files: renames the captured file.
    """
    removal = held.run.removals[entry]
    with safefile.parent(held.root, removal.path) as (folder, name):
        return _release(folder, _captured(held, entry), name, removal.sha256)


def _release(folder: int, captured: str, name: str, sha256: str) -> str | None:
    for target in names(name, sha256):
        if safefile.status(folder, captured) is None:
            return None
        if safefile.status(folder, target):
            continue
        try:
            os.link(captured, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except PermissionError:  # a folder, or a file of another user, that took the name in the last moment
            os.rename(captured, target, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.fsync(folder)
            os.unlink(captured, dir_fd=folder)
        os.fsync(folder)
        return None if target == name else target
    raise AssertionError("there is always a free name")


def names(name: str, sha256: str) -> chain[str]:
    """Return `name` and the ones to fall back on when a newer file has it."""
    cut = name
    while len(os.fsencode(cut)) > _LONGEST:
        cut = cut[:-1]
    other = f"{cut}.restored-{sha256[:8]}"
    return chain((name, other), (f"{other}-{number}" for number in count(2)))


def _captured(held: Held, entry: int) -> str:
    return f".del-{held.run.sha256[:12]}-{entry}"


def _remove(held: Held, entry: int) -> bool:
    """Remove a file; return whether it had gone by itself, or with an earlier attempt."""
    removal, captured = held.run.removals[entry], _captured(held, entry)
    found = whereabouts(held, entry)
    if found == "absent":
        return True
    with safefile.parent(held.root, removal.path) as (folder, name):
        if found == "present":
            _check_proof(held, entry)
            with preconditions.leased(held, removal, folder, name), safefile.refusing():
                # From here no path leads to the file, so that nobody can open or change it by name.
                os.rename(name, captured, src_dir_fd=folder, dst_dir_fd=folder)
        try:
            if found == "captured":
                _check_proof(held, entry)
            with preconditions.leased(held, removal, folder, name, captured) as fd:
                preconditions.check_content(removal, fd)
                os.unlink(captured, dir_fd=folder)
        except BaseException as error:
            other = _release(folder, captured, name, removal.sha256)
            if other and isinstance(error, Refused):
                raise Refused(f"{error}{_renamed(other)}") from None
            raise
        os.fsync(folder)
    return False


def _renamed(other: str | None) -> str:
    return f'; it is now "{other}", because a newer file has its name' if other else ""


def _check_proof(held: Held, entry: int) -> None:
    removal = held.run.removals[entry]
    if safefile.digest_at(held.store, removal.sha256) != removal.sha256:
        raise Refused("its backup is damaged")
    preconditions.check_keeper(held, removal)
