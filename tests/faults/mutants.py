"""Take one safeguard out at a time: some test must fail, or the reason why none does is written down here.

``python tests/faults/mutants.py [NAME…]`` patches a copy of the package, runs the suites against it, and prints a row
per safeguard. A patch that no longer fits, a survivor without a reason, and a reason that is no longer true are errors.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVERY = ("tests/faults", "tests/cleanup", "tests/export", "tests/source")
APPLY, RESTORE, JOURNAL = (
    "tests/cleanup/test_apply.py",
    "tests/cleanup/test_restore.py",
    "tests/cleanup/test_journal.py",
)
CRASH, POWER, DAMAGE = "tests/faults/test_crash.py", "tests/faults/test_power_loss.py", "tests/faults/test_damage.py"
FAILING, ADVERSARY = "tests/faults/test_failing_calls.py", "tests/faults/test_adversary.py"
WRITERS, EXPORT = "tests/faults/test_database_writers.py", "tests/export/test_write.py"


@dataclass(frozen=True)
class Mutant:
    """A safeguard and how it is taken out.

    Attributes
    ----------
    patches : tuple of (file, old text, new text)
        Below ``dbtools``; each old text occurs once.
    tests : tuple of str
        What should notice, tried first.
    covered : str
        Why nothing notices; empty where something must.
    """

    name: str
    patches: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]
    covered: str = ""


def _one(name: str, file: str, old: str, new: str, *tests: str, covered: str = "") -> Mutant:
    return Mutant(name, ((file, old, new),), tests, covered)


_VAULT, _JOURNAL, _APPLY = "cleanup/vault.py", "cleanup/journal.py", "cleanup/apply.py"
_GUARD, _REMOVE, _RESTORE = "cleanup/guard.py", "cleanup/remove.py", "cleanup/restore.py"
_PUBLISH_SYNC = (_VAULT, "    os.fsync(folder)\n\n\ndef store_file", "\n\ndef store_file")
_BARRIER_SYNC = (_APPLY, "            os.fsync(held.store)\n", "")
_JOURNAL_SYNC = (_JOURNAL, "    if size == 0:\n        os.fsync(store)\n", "")
_STATUS_1 = (_GUARD, "    check_status(removal, status)\n", "")
_STATUS_2 = (_GUARD, "        check_status(removal, os.fstat(fd))\n", "")
_DIGEST = (
    _GUARD,
    "    if vault.digest(fd) != removal.sha256:\n        raise Refused",
    "    if False:\n        raise Refused",
)
_HASH_BEFORE = (
    _RESTORE,
    "        if vault.digest_at(held.store, removal.sha256) != removal.sha256:",
    "        if False:",
)
_HASH_AFTER = (
    _RESTORE,
    "                if vault.copy(source, fd) != removal.sha256:",
    '                if vault.copy(source, fd) == "":',
)
_LEASE = (_GUARD, "        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n", "")
_HELD = (_GUARD, "    if fcntl.fcntl(fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK:", "    if False:")

MUTANTS = (
    # The backup.
    _one("read the copy back", _VAULT, "    if digest(target) != total.hexdigest():", "    if False:", FAILING),
    _one(
        "hash what is backed up",
        _VAULT,
        "        if copy(source, fd, tick) != sha256:\n            raise Refused",
        "        copy(source, fd, tick)\n        if False:\n            raise Refused",
        APPLY,
        ADVERSARY,
    ),
    _one(
        "sync a backup's bytes",
        _VAULT,
        "        os.fsync(fd)\n        publish(folder, TEMPORARY + name, name, sha256)\n\n\ndef store_bytes",
        "        publish(folder, TEMPORARY + name, name, sha256)\n\n\ndef store_bytes",
        POWER,
    ),
    Mutant(
        "sync the run folder after each backup",
        (_PUBLISH_SYNC,),
        (POWER,),
        "the barrier syncs the run folder once more",
    ),
    Mutant(
        "sync the run folder before the barrier",
        (_BARRIER_SYNC,),
        (POWER,),
        "every backup was followed by a sync of the run folder",
    ),
    Mutant("sync the run folder at all", (_PUBLISH_SYNC, _BARRIER_SYNC, _JOURNAL_SYNC), (POWER,)),
    _one(
        "sync the folder that holds the run folder",
        _VAULT,
        "            os.mkdir(path.name, 0o700, dir_fd=fd)\n        os.fsync(fd)\n",
        "            os.mkdir(path.name, 0o700, dir_fd=fd)\n",
        POWER,
    ),
    _one(
        "a backup is read-only",
        _VAULT,
        '            raise Refused("its content changed since the plan")\n        os.fchmod(fd, 0o400)\n',
        '            raise Refused("its content changed since the plan")\n',
        APPLY,
    ),
    _one(
        "run folders are private",
        _VAULT,
        "os.mkdir(path.name, 0o700, dir_fd=fd)",
        "os.mkdir(path.name, 0o755, dir_fd=fd)",
        APPLY,
    ),
    _one("backups stay out of git", _JOURNAL, 'b"*\\n"', 'b"\\n"', APPLY),
    _one(
        "a damaged backup gives way to a sound one",
        _VAULT,
        "        if digest_at(folder, name) != sha256:",
        "        if False:",
        APPLY,
    ),
    _one(
        "a temporary file is a new one",
        _VAULT,
        "os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW",
        "os.O_RDWR | os.O_CREAT",
        covered="what lies at the temporary name is removed just before, and only this run writes into its folder",
    ),
    _one(
        "publish without replacing",
        _VAULT,
        "        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)\n    except",
        "        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)\n    except",
        covered="what would be replaced in a run folder has the same hash for its name, or is a journal's neighbour of the same bytes",
    ),
    _one(
        "hash the backup again before its file goes",
        _REMOVE,
        '    if vault.digest_at(held.store, removal.sha256) != removal.sha256:\n        raise Refused("its backup',
        '    if False:\n        raise Refused("its backup',
        CRASH,
        DAMAGE,
    ),
    # The order of things.
    _one(
        "everything is backed up before anything goes",
        _APPLY,
        '            journal.append(held.store, do="all")\n',
        "",
        CRASH,
        FAILING,
    ),
    _one(
        "rows are rescued before their file goes",
        _APPLY,
        "                _rescue(held, entry)\n",
        "                pass\n",
        APPLY,
    ),
    _one(
        "count the rescued rows",
        _APPLY,
        "            if rows != len(removal.rescue):",
        "            if False:",
        APPLY,
        covered="the rescue itself counts what it was asked for, and reads it back",
    ),
    _one(
        "sync every record of the journal",
        _JOURNAL,
        "        vault.write(fd, line)\n        os.fsync(fd)\n",
        "        vault.write(fd, line)\n",
        POWER,
    ),
    Mutant("sync the name of the journal", (_JOURNAL_SYNC,), (POWER,)),
    _one(
        "check every record of the journal", _JOURNAL, "line.startswith(_check(line[17:-1]))", "len(line) > 18", JOURNAL
    ),
    _one("cut off a torn record", _JOURNAL, "            os.ftruncate(fd, good)\n", "", JOURNAL, CRASH),
    _one("check the manifest", _JOURNAL, '    if _sum(body) != body.get("check"):', "    if False:", DAMAGE),
    _one("sync a removal", _REMOVE, "            raise\n        os.fsync(folder)\n", "            raise\n", POWER),
    _one(
        "close an interrupted run first",
        _APPLY,
        "        elif earlier.folder in interrupted:",
        "        elif False:",
        CRASH,
    ),
    _one(
        "one cleanup at a time",
        _VAULT,
        "            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        APPLY,
    ),
    # Which plans are refused.
    _one("a dry run is a boolean", _APPLY, "    if not isinstance(dry_run, bool):", "    if False:", APPLY),
    _one(
        "no path leads out of the project",
        _VAULT,
        '    if any(name in ("", ".", "..") or "\\0" in name for name in names):',
        "    if False:",
        APPLY,
    ),
    _one("no database in use is planned", _GUARD, "removal.path in protected or ", "", APPLY),
    _one(
        "no other name of a database in use is planned",
        _GUARD,
        " or (removal.identity.device, removal.identity.inode) in inodes",
        "",
        APPLY,
    ),
    _one(
        "no backup is planned",
        _GUARD,
        "        if path.is_relative_to(backups) or any(is_run(folder) for folder in path.parents):",
        "        if False:",
        APPLY,
    ),
    _one("no file is planned twice", _GUARD, "        if removal.path in seen:", "        if False:", APPLY),
    _one(
        "the backup folder is not around the project",
        _GUARD,
        "    if project.root.is_relative_to(backups):",
        "    if False:",
        APPLY,
    ),
    # Which files stay.
    Mutant(
        "look at the file before it is opened",
        (_STATUS_1,),
        (ADVERSARY,),
        "the open file is looked at again, and opening waits for nothing",
    ),
    Mutant(
        "look at the file that was opened",
        (_STATUS_2,),
        (ADVERSARY,),
        "the file was looked at by its name, and its bytes are hashed under the lease",
    ),
    Mutant("look at the file at all", (_STATUS_1, _STATUS_2), (APPLY,)),
    _one("hard links stay", _GUARD, "    if status.st_nlink > 1:", "    if False:", APPLY),
    Mutant(
        "hash the file again under the lease",
        (_DIGEST,),
        (ADVERSARY,),
    ),
    Mutant("take a lease", (_LEASE,), (APPLY, ADVERSARY)),
    Mutant(
        "see that the lease still holds",
        (_HELD,),
        (ADVERSARY, WRITERS),
        "nobody can open the file by a name any more, and who had it open was seen when the lease was taken",
    ),
    Mutant("know of open files at all", (_LEASE, _HELD), (APPLY,)),
    _one(
        "files of this very process stay",
        _GUARD,
        "            if os.path.samestat(descriptor.stat(), status):",
        "            if False:",
        APPLY,
    ),
    _one(
        "databases with live side files stay",
        _GUARD,
        "    if alive := live_sidecar(folder, name):",
        "    if alive := None:",
        APPLY,
    ),
    _one(
        "side files stay with their database",
        _GUARD,
        '        if base not in ("", name) and vault.status(folder, base):',
        "        if False:",
        APPLY,
    ),
    _one(
        "never follow a link in place of a file",
        _VAULT,
        "_FILE = os.O_RDONLY | _NOFOLLOW | ",
        "_FILE = os.O_RDONLY | ",
        DAMAGE,
        ADVERSARY,
    ),
    _one(
        "never follow a link in place of a folder",
        _VAULT,
        "os.open(folder, _FOLDER | _NOFOLLOW, dir_fd=fd)",
        "os.open(folder, _FOLDER, dir_fd=fd)",
        APPLY,
        ADVERSARY,
    ),
    _one(
        "only regular files are opened",
        _VAULT,
        "        if not stat.S_ISREG(os.fstat(fd).st_mode):",
        "        if False:",
        DAMAGE,
    ),
    _one(
        "capture the file before it is removed",
        _REMOVE,
        "removal, captured = held.run.removals[entry], _captured(held, entry)\n    found",
        'removal = held.run.removals[entry]\n    captured = removal.path.split("/")[-1]\n    found',
        ADVERSARY,
        CRASH,
    ),
    _one(
        "never give a name back over a newer file",
        _REMOVE,
        "            os.link(captured, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)\n",
        "            os.replace(captured, target, src_dir_fd=folder, dst_dir_fd=folder)\n            os.link(target, captured, src_dir_fd=folder, dst_dir_fd=folder)\n",
        ADVERSARY,
    ),
    _one(
        "look whether the name is free",
        _REMOVE,
        "        if vault.status(folder, target):\n            continue\n",
        "",
        ADVERSARY,
        covered="a link is never made over anything",
    ),
    Mutant(
        "never give a name back over anything",
        (
            (_REMOVE, "        if vault.status(folder, target):\n            continue\n", ""),
            (
                _REMOVE,
                "            os.link(captured, target, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)\n",
                "            os.replace(captured, target, src_dir_fd=folder, dst_dir_fd=folder)\n            os.link(target, captured, src_dir_fd=folder, dst_dir_fd=folder)\n",
            ),
        ),
        (ADVERSARY,),
    ),
    _one(
        "put a captured file back when it cannot go",
        _REMOVE,
        "            other = _release(folder, captured, name, removal.sha256)\n",
        "            other = None\n",
        ADVERSARY,
        APPLY,
    ),
    _one(
        "finish a return that was interrupted",
        _REMOVE,
        "            if captured and there and os.path.samestat(captured, there):",
        "            if False:",
        CRASH,
    ),
    # The file that stays in its place.
    _one("the keeper is there and unchanged", _REMOVE, "    guard.check_keeper(held, removal)\n", "", APPLY),
    _one(
        "the keeper is not to be removed too",
        _GUARD,
        "    if any(other.path == keeper.path for other in held.run.removals):",
        "    if False:",
        APPLY,
    ),
    _one(
        "the keeper is another file",
        _GUARD,
        "    if any((known.device, known.inode) == (status.st_dev, status.st_ino) for known in planned):",
        "    if False:",
        APPLY,
        covered="two names of one file are hard links, which stay anyway",
    ),
    _one(
        "the keeper's database was not written to",
        _GUARD,
        "        same = same and snapshot.fingerprint(path) == keeper.fingerprint\n",
        "",
        APPLY,
    ),
    # The restore.
    Mutant("hash a backup before it is restored", (_HASH_BEFORE,), (RESTORE,), "the copy is hashed while it is made"),
    Mutant("hash what was restored", (_HASH_AFTER,), (RESTORE,), "the backup was hashed just before"),
    Mutant("hash what is restored at all", (_HASH_BEFORE, _HASH_AFTER), (RESTORE,)),
    _one("sync a restored file", _RESTORE, "            os.fsync(fd)\n", "", POWER),
    _one(
        "sync the name of a restored file",
        _RESTORE,
        "        os.fsync(folder)\n    return removal",
        "    return removal",
        POWER,
    ),
    _one(
        "sync a folder that is made again",
        _VAULT,
        "                    os.mkdir(folder, dir_fd=fd)\n                    os.fsync(fd)\n",
        "                    os.mkdir(folder, dir_fd=fd)\n",
        POWER,
    ),
    _one(
        "restore without replacing",
        _RESTORE,
        "            os.link(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)\n",
        "            os.rename(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)\n",
        RESTORE,
    ),
    _one(
        "never restore beside a foreign journal",
        _RESTORE,
        "        if target == name and guard.live_sidecar(folder, name):",
        "        if False:",
        RESTORE,
    ),
    _one("restore mode", _RESTORE, "            os.fchmod(fd, stat.S_IMODE(removal.identity.mode))\n", "", RESTORE),
    _one(
        "restore time",
        _RESTORE,
        "            os.utime(fd, ns=(removal.identity.mtime_ns, removal.identity.mtime_ns))\n",
        "",
        RESTORE,
    ),
    _one(
        "what was kept is not restored",
        _RESTORE,
        "        if state and entry in state.kept:",
        "        if False:",
        RESTORE,
        CRASH,
    ),
    # The rescue.
    _one(
        "read the rescued rows back",
        "cleanup/rescue.py",
        "    if differing or len(rows)",
        "    if len(rows)",
        covered="DuckDB reads back what DuckDB wrote; a disk that lies would be needed",
    ),
    # The export.
    _one(
        "prove every file",
        "export/write.py",
        "        rows=prove(connection, file, name, kind, guarded, columns),",
        "        rows=0,",
        EXPORT,
    ),
    _one(
        "list what is new before it is in place",
        "export/write.py",
        "    place.put_manifest(staging, manifest, (*known, *manifest.files))\n",
        "",
        EXPORT,
        "tests/faults/test_interrupted.py",
    ),
    _one(
        "a file that is no export of ours stays",
        "export/place.py",
        "    if not stat.S_ISREG(facts.st_mode) or not any(manifests.is_unchanged(file, entry) for entry in own):",
        "    if False:",
        EXPORT,
    ),
    _one(
        "look again before the files are put in place",
        "export/write.py",
        "        if place.state(folder / name) != (facts and place.identity(facts)):",
        "        if False:",
        EXPORT,
        "tests/faults/test_interrupted.py",
    ),
    _one(
        "one export at a time",
        "export/place.py",
        "                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        EXPORT,
    ),
    # The cache.
    _one(
        "a copy belongs to one state of the database",
        "source/attaching.py",
        "            if fingerprint(path) == before:",
        "            if True:",
        "tests/source/test_cache.py",
        covered="the copy would bear the fingerprint of a state that is gone, which nobody asks for again",
    ),
    _one(
        "what a living process uses is not swept",
        "source/scratch.py",
        "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
        "tests/source/test_scratch.py",
    ),
)


def patched(mutant: Mutant, package: Path) -> dict[Path, str]:
    """Return the new texts of the files that a mutant changes."""
    texts: dict[Path, str] = {}
    for file, old, new in mutant.patches:
        path = package / file
        text = texts.get(path) or path.read_text("utf-8")
        if text.count(old) != 1:
            raise LookupError(f'"{mutant.name}" no longer fits {file}: {text.count(old)} places, not 1')
        texts[path] = text.replace(old, new)
    return texts


def failed(copy: Path, tests: tuple[str, ...]) -> str:
    """Run tests on the copy; return the first that fails, or nothing."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "a test that does not end"
    lines = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0] if lines else "" if done.returncode == 0 else f"pytest ended with {done.returncode}"


def main(names: list[str]) -> int:
    """Try the mutants of these names, or all, and return how many are not as this list says."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("dbtools", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if not names and (test := failed(copy, EVERY)):
            raise SystemExit(f"without any patch, {test} fails")
        for mutant in [m for m in MUTANTS if not names or m.name in names]:
            started, texts = time.perf_counter(), patched(mutant, copy / "dbtools")
            sound = {path: path.read_text("utf-8") for path in texts}
            for path, text in texts.items():
                path.write_text(text, "utf-8")
            test = (mutant.tests and failed(copy, mutant.tests)) or failed(copy, EVERY)
            for path, text in sound.items():
                path.write_text(text, "utf-8")
            verdict = f"noticed by {test}" if test else f"survives: {mutant.covered or 'NO REASON KNOWN'}"
            if bool(test) == bool(mutant.covered):
                wrong += 1
                verdict += "; THE LIST SAYS OTHERWISE"
            sys.stdout.write(f"{mutant.name}\t{verdict}\t{time.perf_counter() - started:.0f} s\n")
            sys.stdout.flush()
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
