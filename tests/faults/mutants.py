"""Take one safeguard out at a time: some test must fail, or the reason why none does is written down here.

``python tests/faults/mutants.py [NAME…]`` patches copies of the package, runs the suites against them, and prints a
row per safeguard. A patch that no longer fits, a survivor without a reason, and a reason that is no longer true are
errors.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
APPLY, RESTORE, JOURNAL = (
    "tests/cleanup/test_apply.py",
    "tests/cleanup/test_restore.py",
    "tests/cleanup/test_journal.py",
)
CRASH, POWER, DAMAGE = "tests/faults/test_crash.py", "tests/faults/test_power_loss.py", "tests/faults/test_damage.py"
FAILING, ADVERSARY = "tests/faults/test_failing_calls.py", "tests/faults/test_adversary.py"
WRITERS, EXPORT = "tests/faults/test_database_writers.py", "tests/export/test_write.py"
INTERRUPTED, SURVEY, PLAN = (
    "tests/faults/test_interrupted.py",
    "tests/cleanup/test_survey.py",
    "tests/cleanup/test_plan.py",
)
ATTACH, SNAPSHOT, SILENT, DIRECT = (
    f"tests/database/test_{name}.py" for name in ("attach", "snapshot", "silent_errors", "direct")
)
CACHE, APPENDING, SCRATCH, ANALYST = (
    f"tests/database/test_{name}.py" for name in ("cache", "appending", "scratch", "analyst_connection")
)
OUTPUTS, STOPPED = "tests/faults/test_power_loss_outputs.py", "tests/faults/test_stopped.py"
SIGNED = "tests/database/test_extension.py"
ROWS, CSV, WALK = (f"tests/files/test_{name}.py" for name in ("rows", "csvfile", "walk"))


@dataclass(frozen=True)
class Mutant:
    """A safeguard and how it is taken out.

    Attributes
    ----------
    patches : tuple of (file, old text, new text)
        Below ``dbtools``; each old text occurs once.
    tests : tuple of str
        What should notice; where nothing does, what is nearest to it.
    covered : str
        Why nothing notices; empty where something must.
    """

    name: str
    patches: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]
    covered: str = ""


def _one(name: str, file: str, old: str, new: str, *tests: str, covered: str = "") -> Mutant:
    return Mutant(name, ((file, old, new),), tests, covered)


_VAULT, _JOURNAL, _APPLY = "cleanup/safefile.py", "cleanup/journal.py", "cleanup/apply.py"
_RUN = "cleanup/run.py"
_JUDGE, _PLAN = "cleanup/judge.py", "cleanup/plan.py"
_WRITE, _PLACE = "export/write.py", "export/place.py"
_ROWS, _SNAPSHOT, _DIRECT = "files/compare.py", "database/sqlite/snapshot.py", "database/sqlite/direct.py"
_DBFILE, _APPENDING = "database/sqlite/dbfile.py", "database/sqlite/appending.py"
_SCRATCH, _DATABASE = "disk.py", "database/database.py"
_EXTENSION, _PLACING = "database/extension.py", "notebooks/placing.py"
_GUARD, _REMOVE, _RESTORE = "cleanup/preconditions.py", "cleanup/remove.py", "cleanup/restore.py"
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
    "                if vault.copy(source, fd, lambda _: step()) != removal.sha256:",
    '                if vault.copy(source, fd, lambda _: step()) == "":',
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
    _one("backups stay out of git", _RUN, 'b"*\\n"', 'b"\\n"', APPLY),
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
        APPLY,
        FAILING,
        covered="what lies at the temporary name is removed just before, and only this run writes into its folder",
    ),
    _one(
        "publish without replacing",
        _VAULT,
        "        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)\n    except",
        "        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)\n    except",
        APPLY,
        CRASH,
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
    _one("check the manifest", _RUN, '    if _sum(body) != body.get("check"):', "    if False:", DAMAGE),
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
        "        if disk.lock(fd) is False:",
        "        if False:",
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
    _one(
        "a run stays open while a file under way cannot be looked at",
        _REMOVE,
        "            decided = False\n",
        "            pass\n",
        CRASH,
    ),
    _one(
        "what was kept while it was under way goes later",
        _APPLY,
        '            if whereabouts(held, entry) != "captured":',
        "            if True:",
        CRASH,
    ),
    _one(
        "what was kept while it was under way comes back",
        _RESTORE,
        "                release(held, entry)\n            continue",
        "                pass\n            continue",
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
        "        same = same and dbfile.fingerprint(path) == keeper.fingerprint\n",
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
        "tests/cleanup/test_rescue.py",
        covered="DuckDB reads back what DuckDB wrote; a disk that lies would be needed",
    ),
    # The export.
    _one(
        "prove every file",
        _WRITE,
        "    rows = prove(connection, file, name, kind, guarded, columns)",
        "    rows = 0",
        EXPORT,
    ),
    _one(
        "list what is new before it is in place",
        _PLACE,
        "    _put_manifest(staged, replace(manifest, proved=False), (*known, *manifest.files))\n",
        "",
        EXPORT,
        INTERRUPTED,
    ),
    _one(
        "a file that is no export of ours stays",
        _PLACE,
        "    if not stat.S_ISREG(facts.st_mode) or not any(manifests.is_unchanged(file, entry) for entry in own):",
        "    if False:",
        EXPORT,
    ),
    _one(
        "look again before the files are put in place",
        _PLACE,
        "        if (now and _identity(now)) != (facts and _identity(facts)):",
        "        if False:",
        EXPORT,
        INTERRUPTED,
        "tests/lake/test_lake_files.py::test_what_somebody_changes_during_an_export_stays_and_the_lake_is_as_it_was",
    ),
    _one(
        "one export at a time",
        _PLACE,
        "        if alone is False:",
        "        if False:",
        EXPORT,
    ),
    # The cache.
    _one(
        "a copy belongs to one state of the database",
        "database/attach.py",
        "            if folder is None or fingerprint(path) != before:",
        "            if folder is None:",
        CACHE,
        covered="the copy would bear the fingerprint of a state that is gone, which nobody asks for again",
    ),
    _one(
        "what a living process uses is not swept",
        _SCRATCH,
        "        alone = disk.lock(lock)\n",
        "        alone = True\n",
        SCRATCH,
    ),
    _one(
        "only folders of the same user are swept",
        _SCRATCH,
        "left.lstat().st_uid == os.getuid() and ",
        "",
        SCRATCH,
        covered="the system lets nobody but root remove what another user keeps in a folder of mode 0700",
    ),
    _one(
        "what is swept is what was locked",
        _SCRATCH,
        "        taken = alone and os.path.samestat(os.fstat(lock), folder.lstat())\n",
        "        taken = alone\n",
        SCRATCH,
    ),
    _one(
        "no link is followed in sweeping",
        _SCRATCH,
        " | os.O_NOFOLLOW",
        "",
        SCRATCH,
        covered="the link itself is not the folder that would be locked",
    ),
    Mutant(
        "no link is swept",
        (
            (_SCRATCH, " | os.O_NOFOLLOW", ""),
            (
                _SCRATCH,
                "        taken = alone and os.path.samestat(os.fstat(lock), folder.lstat())\n",
                "        taken = alone\n",
            ),
        ),
        (SCRATCH,),
    ),
    _one(
        "a cached copy is private",
        "database/attach.py",
        "            built.chmod(0o600)\n            if folder is None or fingerprint",
        "            if folder is None or fingerprint",
        CACHE,
    ),
    # What the survey says of a file.
    _one(
        "a database with live side files is not judged deletable",
        _JUDGE,
        '            if file.kind == "sqlite" and dbfile.sidecar(path, suffix):',
        "            if False:",
        f"{SURVEY}::test_a_database_in_use_is_judged_but_carries_the_obstacle",
    ),
    _one(
        "a hard link is not judged deletable",
        _JUDGE,
        "        if file.identity.links > 1:",
        "        if False:",
        f"{SURVEY}::test_links_hard_links_and_compressed_files_are_never_deletable",
    ),
    _one(
        "a read-only file is meant to stay",
        _JUDGE,
        "        if not file.identity.mode & stat.S_IWUSR and ",
        "        if False and ",
        f"{SURVEY}::test_a_single_read_only_file_is_meant_to_stay_but_a_read_only_tree_is_a_copy",
    ),
    _one(
        "a file that changed while it was read",
        _JUDGE,
        "        if not unchanged:",
        "        if False:",
        f"{SURVEY}::test_a_file_that_is_written_while_it_is_examined_stays",
    ),
    _one(
        "a file too large to be read is not examined",
        _JUDGE,
        "        if file.identity.size > LARGEST:",
        "        if False:",
        f"{SURVEY}::test_a_file_too_large_to_be_read_is_not_even_hashed",
    ),
    _one(
        "a CSV file too large to be read is not examined",
        _JUDGE,
        "        if file.identity.size > csvfile.LARGEST:",
        "        if False:",
        f"{SURVEY}::test_a_csv_file_too_large_to_be_read_whole_is_not_examined",
    ),
    _one(
        "a database by another name is the database",
        _JUDGE,
        "            if (status.st_dev, status.st_ino) == (file.identity.device, file.identity.inode):",
        "            if project.root / file.path == database:",
        f"{SURVEY}::test_a_database_behind_a_link_is_in_use",
    ),
    _one(
        "a database with live side files is compared row by row",
        _JUDGE,
        "            if not any(dbfile.sidecar(database, suffix) for database in both for suffix in dbfile.LIVE):",
        "            if True:",
        f"{SURVEY}::test_a_copy_of_a_database_that_has_since_lost_a_row_in_its_wal_is_unique",
    ),
    _one(
        "an empty file has no twin",
        _JUDGE,
        "        if twin and file.identity.size:",
        "        if twin:",
        f"{SURVEY}::test_files_that_only_pretend_are_unknown",
    ),
    _one(
        "only what stays is a twin",
        _JUDGE,
        "        if judged.verdict not in DELETABLE:",
        "        if True:",
        SURVEY,
        f"{SURVEY}::test_two_copies_of_what_may_go_both_rest_on_the_database",
    ),
    _one(
        "files of no known layout are unknown",
        _JUDGE,
        "        if read.layout is None or known is None:",
        "        if False:",
        f"{SURVEY}::test_a_csv_of_no_known_layout_is_unknown",
    ),
    _one(
        "compressed files are never opened",
        _JUDGE,
        'file.kind in ("link", "compressed")',
        'file.kind == "link"',
        f"{SURVEY}::test_links_hard_links_and_compressed_files_are_never_deletable",
        covered="the first look at it read nothing either, so that it has no kind that anything could be proved of",
    ),
    _one(
        "links are not followed",
        "files/inventory.py",
        "e.is_dir(follow_symlinks=False)",
        "e.is_dir()",
        f"{SURVEY}::test_links_hard_links_and_compressed_files_are_never_deletable",
        "tests/fuzz/test_fuzz_survey.py::test_files_that_only_pretend_are_rows_of_the_survey",
    ),
    _one(
        "backups are not surveyed",
        "files/inventory.py",
        "path == project.backups or _is_foreign(path)",
        "False",
        f"{SURVEY}::test_version_control_environments_and_backups_are_left_out",
    ),
    _one(
        "backups in another folder are not surveyed",
        "files/inventory.py",
        " or is_run(folder)\n\n\ndef is_run",
        "\n\n\ndef is_run",
        f"{SURVEY}::test_backups_are_known_wherever_they_lie",
    ),
    # What a plan may hold.
    _one(
        "no database in use is accepted", _PLAN, "        if files[path].verdict in IN_USE:", "        if False:", PLAN
    ),
    _one("what forbids a removal is heeded", _PLAN, "    if file.obstacle:", "    if False:", PLAN),
    _one(
        "current exports stay",
        _PLAN,
        '(*IN_USE, "export-current")',
        "IN_USE",
        PLAN,
        covered="such a verdict is not one of those that may go",
    ),
    _one("nothing goes that was not chosen", _PLAN, "only is not None and file.path not in only", "False", PLAN),
    _one(
        "rows that say more than the database are rescued",
        _PLAN,
        "sorted((*file.unique, *file.incomplete))",
        "sorted(file.unique)",
        PLAN,
    ),
    _one("no file rests on another that goes", _PLAN, "        if twin is None:", "        if True:", PLAN),
    # Evidence from content.
    _one(
        "cells of different kinds differ",
        _ROWS,
        '_SAME = "typeof(t.{c}) = typeof(o.{c}) AND +t.{c}',
        '_SAME = "+t.{c}',
        ROWS,
    ),
    _one("collations have no say", _ROWS, " COLLATE BINARY", "", ROWS),
    _one(
        "affinities have no say",
        _ROWS,
        "+t.{c} IS +o.{c}",
        "t.{c} IS o.{c}",
        ROWS,
        covered="in a column that converts, what is still of the same storage class is what cannot be converted",
    ),
    _one(
        "rows count as often as they are there",
        _ROWS,
        '    return left - _digests(connection, ("keeper", "main"), table, columns, place) if left else left\n',
        '    there = _digests(connection, ("keeper", "main"), table, columns, place)\n    return Counter({row: n for row, n in left.items() if row not in there})\n',
        ROWS,
    ),
    _one(
        "a keeper has all columns",
        _ROWS,
        'set(names) <= set(_columns(connection, "keeper", table))',
        '_columns(connection, "keeper", table)',
        ROWS,
    ),
    _one(
        "no column is taken for the row id",
        _ROWS,
        '(n for n in ("rowid", "_rowid_", "oid") if n not in taken)',
        'iter(("rowid",))',
        ROWS,
    ),
    _one(
        "of a malformed row nothing is proved",
        "files/lookup.py",
        "    sound = [row for row in csv.rows if not row.problem]\n",
        "    sound = [row for row in csv.rows if len(row.cells) >= len(csv.header)]\n",
        f"{SURVEY}::test_malformed_rows_are_unique_because_nothing_is_proved_of_them",
        f"{SURVEY}::test_a_quote_left_open_proves_nothing_of_what_it_swallows",
    ),
    _one(
        "what an open quote swallowed is malformed",
        "files/csvfile.py",
        "        if not sound:\n            broken",
        "        if False:\n            broken",
        f"{SURVEY}::test_a_quote_left_open_proves_nothing_of_what_it_swallows",
        "tests/files/test_csvfile.py",
    ),
    # Reading the database where it lies.
    _one(
        "a look at a file keeps the locks of this process",
        _DBFILE,
        "        if _readers[key] or (_LISTS_DESCRIPTORS and is_open_here(path)):",
        "        if _readers[key]:",
        f"{SNAPSHOT}::test_a_lock_this_process_holds_outlives_a_peek_and_a_release",
    ),
    _one(
        "who reads a file keeps it open",
        _DBFILE,
        "        if _readers[key] or (_LISTS_DESCRIPTORS and is_open_here(path)):",
        "        if _LISTS_DESCRIPTORS and is_open_here(path):",
        f"{SNAPSHOT}::test_who_still_reads_a_file_keeps_it_open",
    ),
    _one(
        "a truncated database is refused",
        _SNAPSHOT,
        '.fetchone()[0] != "wal" and dbfile.is_truncated(path):',
        '.fetchone()[0] != "wal" and False:',
        f"{ATTACH}::test_a_truncated_database_is_refused",
        f"{ATTACH}::test_a_database_cut_at_a_page_is_refused_too",
    ),
    _one(
        "a truncated database in WAL mode is refused",
        _SNAPSHOT,
        '        cut = not dbfile.sidecar(path, "-wal") and dbfile.is_truncated(path)\n',
        "        cut = False\n",
        f"{ATTACH}::test_a_truncated_database_is_refused",
        f"{ATTACH}::test_a_database_cut_at_a_page_is_refused_too",
    ),
    _one(
        "a copied -wal did not begin anew",
        _SNAPSHOT,
        "        if _wal_mark(path) == before:",
        "        if True:",
        f"{SNAPSHOT}::test_a_wal_that_begins_anew_while_it_is_copied_is_copied_again",
    ),
    _one(
        "a database in WAL mode is never opened where it lies",
        _SNAPSHOT,
        "            if header[18] == 2 or header[19] == 2:",
        "            if False:",
        f"{ATTACH}::test_a_database_at_rest_is_read_and_nothing_appears_beside_it",
    ),
    _one(
        "only a regular file is a database",
        _DBFILE,
        "        if not stat.S_ISREG(mode):",
        "        if False:",
        f"{ATTACH}::test_what_is_no_regular_file_is_refused_without_waiting_for_it",
        covered="what is no regular file cannot be read at a place, or has no header of a database",
    ),
    _one(
        "room for a copy is asked for first",
        _SNAPSHOT,
        "        if path.stat().st_size > shutil.disk_usage(folder).free:",
        "        if False:",
        SNAPSHOT,
        covered="writing the copy then fails, and says the same",
    ),
    _one(
        "the fingerprint knows the -wal",
        _DBFILE,
        '((path, HEADER), (beside(path, "-wal"), WAL_HEADER))',
        "((path, _HEADER),)",
        f"{SNAPSHOT}::test_the_fingerprint_changes_with_every_commit_and_with_nothing_else",
    ),
    _one(
        "a direct answer is of one state",
        _DIRECT,
        "        if fingerprint(path) == before:",
        "        if True:",
        f"{DIRECT}::test_a_writer_that_never_rests_is_seen_between_its_transactions",
        covered="a reader's lock holds off every commit; this is for file systems whose locks do not",
    ),
    _one(
        "a direct read keeps the locks of this process",
        _DIRECT,
        "header[18] == header[19] == 1 and not is_open_here(path)",
        "header[18] == header[19] == 1",
        f"{DIRECT}::test_a_lock_this_process_holds_outlives_it",
    ),
    _one(
        "a database in WAL mode is never read where it lies",
        _DIRECT,
        "header[18] == header[19] == 1 and not",
        "not",
        f"{DIRECT}::test_every_generation_says_the_same_as_when_loaded",
        f"{DIRECT}::test_a_writer_that_never_rests_is_seen_between_its_transactions",
    ),
    _one(
        "a write of this process that began meanwhile keeps its lock",
        _DIRECT,
        "                while file == path and is_open_here(path, to_write=True) and time.monotonic() < deadline:",
        "                while False:",
        f"{DIRECT}::test_a_lock_that_another_thread_takes_meanwhile_outlives_it",
    ),
    _one(
        "a direct question names relations only",
        _DIRECT,
        '        if "sample" in node and not',
        "        if False and not",
        "tests/security/test_direct_questions.py",
    ),
    _one(
        "a column that the scanner would bend is not read in place",
        _DIRECT,
        "            if str(kind) not in _SOUND[column.kind]:",
        "            if False:",
        f"{DIRECT}::test_what_cannot_be_read_as_it_lies_is_loaded",
        covered="what turns a cell into its type takes no other kind, and says so",
    ),
    _one(
        "rows of other kinds are read anew",
        _APPENDING,
        "        if any(len(rows) == _MOST for rows in added) or not _is_plain(*added):",
        "        if any(len(rows) == _MOST for rows in added):",
        APPENDING,
    ),
    _one(
        "more rows than are asked for are read anew",
        _APPENDING,
        "        if any(len(rows) == _MOST for rows in added) or not",
        "        if not",
        APPENDING,
    ),
    _one(
        "a replaced head is read anew",
        _APPENDING,
        "        if facts.execute(_NAMED).fetchall()[0][0] - named != now[3] - until[3]:",
        "        if False:",
        APPENDING,
    ),
    _one(
        "a database in WAL mode is not appended from",
        _APPENDING,
        "    return check_file(path)[18] == 1\n",
        "    return True\n",
        APPENDING,
    ),
    # What a statement that somebody typed can reach.
    _one(
        "no access to files",
        _DATABASE,
        '        self._connection.execute("SET enable_external_access = false")\n',
        "",
        ANALYST,
    ),
    _one(
        "no change of settings",
        _DATABASE,
        '        self._connection.execute("SET lock_configuration = true")\n',
        "",
        ANALYST,
    ),
    _one(
        "the copy is opened read-only", "database/connecting.py", " AS cache (READ_ONLY)", " AS cache", ANALYST, CACHE
    ),
    _one(
        "one statement at a time",
        _DATABASE,
        "            if len(statements) != 1:",
        "            if not statements:",
        ANALYST,
    ),
    _one(
        "only statements that read",
        _DATABASE,
        "            if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):",
        "            if False:",
        ANALYST,
    ),
    _one(
        "no statement hidden in EXPLAIN ANALYZE",
        _DATABASE,
        "            if statements[0].type == duckdb.StatementType.EXPLAIN and re",
        "            if False and re",
        ANALYST,
    ),
    # The scanner.
    _one(
        "a signature is checked",
        _EXTENSION,
        "    trusted = mark is not None and os.access(mark, os.R_OK)\n",
        "    trusted = mark is not None\n",
        SIGNED,
    ),
    _one(
        "only what was loaded is marked",
        _EXTENSION,
        "    if mark and loaded and not trusted:",
        "    if mark and not trusted:",
        SIGNED,
    ),
    _one("a mark is of one state of a file", _EXTENSION, "        facts.st_ctime_ns,\n", "", SIGNED),
    _one(
        "a marked file that cannot be loaded is checked anew",
        _EXTENSION,
        "        if not loaded and not trusted:",
        "        if not loaded:",
        SIGNED,
    ),
    # Power cuts during an export.
    _one("sync an export", _WRITE, "    flush(file)\n    rows", "    rows", OUTPUTS),
    _one(
        "sync the list of an export",
        _PLACE,
        "    flush(file)\n    file.replace(manifest.folder / manifests.NAME)\n",
        "    file.replace(manifest.folder / manifests.NAME)\n",
        OUTPUTS,
    ),
    _one(
        "sync the name of the list before and after the files",
        _PLACE,
        "    file.replace(manifest.folder / manifests.NAME)\n    flush(manifest.folder)\n",
        "    file.replace(manifest.folder / manifests.NAME)\n",
        OUTPUTS,
    ),
    _one("sync the names of an export", _WRITE, "        flush(folder)\n", "", OUTPUTS),
    _one(
        "sync the folders made for an export",
        _PLACE,
        "                flush(path.parent)\n",
        "                pass\n",
        OUTPUTS,
    ),
    _one(
        "an export under way does not pass for a whole one",
        _PLACE,
        "replace(manifest, proved=False)",
        "manifest",
        OUTPUTS,
    ),
    # The report.
    _one("sync a report", _PLACING, "                disk.sync(staging / kind)\n", "", OUTPUTS),
    _one("old numbers go first", _PLACING, "    last.unlink(missing_ok=True)\n", "", OUTPUTS, INTERRUPTED),
    _one(
        "sync that the old numbers are gone",
        _PLACING,
        "    last.unlink(missing_ok=True)\n    disk.sync(target.parent)\n",
        "    last.unlink(missing_ok=True)\n",
        OUTPUTS,
    ),
    _one(
        "sync the names of a report before its numbers come",
        _PLACING,
        "    disk.sync(target.parent)\n    if numbers:",
        "    if numbers:",
        OUTPUTS,
    ),
    _one(
        "numbers come last",
        _PLACING,
        "[kind for kind in texts if kind != LAST], numbers=LAST in texts)",
        "[kind for kind in sorted(texts, reverse=True)], numbers=False)",
        OUTPUTS,
        INTERRUPTED,
    ),
    _one(
        "one report at a time",
        _PLACING,
        "disk.locked_folder(target.parent, wait=True)",
        "disk.locked_folder(target.parent)",
        INTERRUPTED,
    ),
    # A Stop.
    _one(
        "a rescue can be stopped",
        "cleanup/rescue.py",
        "    step()  # whoever listens can stop here: nothing was removed yet\n",
        "",
        STOPPED,
    ),
    _one(
        "a restore can be stopped between files",
        _RESTORE,
        "        step()  # whoever listens can stop here, or within a copy: the same call brings back the rest\n",
        "",
        STOPPED,
    ),
    _one("a restore can be stopped within a file", _RESTORE, "fd, lambda _: step())", "fd)", STOPPED),
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


def failed(copy: Path, tests: Iterable[str]) -> str:
    """Run tests on the copy; return the first that fails, or nothing."""
    # That the patches fit is told by a test that each of them breaks.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--ignore=tests/faults/test_mutants.py"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "a test that does not end"
    lines = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0] if lines else "" if done.returncode == 0 else f"pytest ended with {done.returncode}"


@dataclass(frozen=True)
class Outcome:
    """Which test noticed a mutant, if any; or that the mutant is `stale`."""

    mutant: Mutant
    test: str
    seconds: float
    stale: str = ""

    @property
    def wrong(self) -> bool:
        return bool(self.stale) or bool(self.test) == bool(self.mutant.covered)

    def __str__(self) -> str:
        survives = f"survives: {self.mutant.covered or 'NO REASON KNOWN'}"
        verdict = self.stale or (f"noticed by {self.test}" if self.test else survives)
        if self.test and self.mutant.covered:
            verdict += f"; THE LIST SAYS THAT NOTHING DOES, AS {self.mutant.covered}"
        return f"{self.mutant.name}\t{verdict}\t{self.seconds:.0f} s"


def tried(mutant: Mutant, copy: Path) -> Outcome:
    """Run the tests that should notice a mutant; the copy is whole again afterwards."""
    started, package = time.perf_counter(), copy / "dbtools"
    try:
        texts = patched(mutant, package)
    except LookupError as error:
        return Outcome(mutant, "", 0.0, f"STALE: {error}")
    sound = {path: path.read_text("utf-8") for path in texts}
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    test = failed(copy, mutant.tests)
    for path, text in sound.items():
        path.write_text(text, "utf-8")
    return Outcome(mutant, test, time.perf_counter() - started)


def copied(folder: Path) -> Path:
    """Copy what the tests need, so that a patch touches nobody's files."""
    for part in ("dbtools", "tests", "notebooks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def main(names: list[str]) -> int:
    """Try the mutants of these names, or all, and return 1 if any is not as this list says."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    outcomes, free = list[Outcome](), SimpleQueue[Path]()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        Path(folder).chmod(0o755)  # some tests are another user for a moment
        for number in range(AT_ONCE):
            free.put(copied(Path(folder, str(number))))

        def borrowed(work, given):
            copy = free.get()
            try:
                return work(given, copy)
            finally:
                free.put(copy)

        # A test that fails anyway would notice everything.
        for test in pool.map(
            lambda test: borrowed(lambda test, copy: failed(copy, [test]), test),
            dict.fromkeys(test for mutant in chosen for test in mutant.tests),
        ):
            if test:
                raise SystemExit(f"without any patch, {test} fails")
        for done in as_completed([pool.submit(borrowed, tried, mutant) for mutant in chosen]):
            outcomes.append(done.result())
            sys.stdout.write(f"{outcomes[-1]}\n")
            sys.stdout.flush()
    sys.stdout.write(summary(outcomes))
    return int(any(outcome.wrong for outcome in outcomes))


def summary(outcomes: list[Outcome]) -> str:
    """Say how many were tried and noticed, which survive and why, and what is not as the list says."""
    noticed = sum(bool(outcome.test) for outcome in outcomes)
    survivors = [o for o in outcomes if not o.test and not o.stale]
    lines = [f"{len(outcomes)} safeguards taken out, {noticed} noticed, {len(survivors)} survive:"]
    lines += [f"  {o.mutant.name}: {o.mutant.covered or 'NO REASON KNOWN'}" for o in survivors]
    lines += [f"  NOT AS LISTED: {o}" for o in outcomes if o.wrong]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
