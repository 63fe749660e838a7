"""The safeguards, and how each is removed: ``python tests/faults/mutants.py [NAME…]`` tries them all, or those named.

For each, some test must fail, or the list says why none does.
"""

from __future__ import annotations

import sys

from mutation import Mutant, always, drop, each, never, one, run, swap, text, without

APPLY, BACKUP, PLAN = (f"tests/cleanup/test_{name}.py" for name in ("apply", "backup", "plan"))
PRECONDITIONS, CLASSIFY = "tests/cleanup/test_preconditions.py", "tests/cleanup/test_classify.py"
INVENTORY, KERNEL = "tests/files/test_inventory.py", "tests/notebooks/test_kernel.py"
RESTORE, RESCUE, SURVEY = (f"tests/cleanup/test_{name}.py" for name in ("restore", "rescue", "survey"))
CRASH, POWER, DAMAGE = (f"tests/faults/test_{name}.py" for name in ("crash", "power_loss", "damage"))
FAILING, ADVERSARY = "tests/faults/test_failing_calls.py", "tests/faults/test_adversary.py"
WRITERS, INTERRUPTED = "tests/faults/test_database_writers.py", "tests/faults/test_interrupted.py"
OUTPUTS, STOPPED = "tests/faults/test_power_loss_outputs.py", "tests/faults/test_stopped.py"
RATINGS = "tests/faults/test_rating_faults.py"
DISK, EXPORT = "tests/test_disk.py", "tests/export/test_write.py"

_STORE_SYNC = ("cleanup/safefile.py:publish", drop("os.fsync"))
_BARRIER_SYNC = ("cleanup/apply.py:_carry_out", drop("os.fsync"))
_JOURNAL_SYNC = ("cleanup/backup.py:append", drop("os.fsync(store)"))
_STATUS_BY_NAME = ("cleanup/preconditions.py:leased", drop("check_status(removal, status)"))
_STATUS_OF_OPEN = ("cleanup/preconditions.py:leased", drop("check_status(removal, os.fstat(fd))"))
_LEASE = ("cleanup/preconditions.py:take_lease", drop("fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)"))
_LEASE_HOLDS = ("cleanup/preconditions.py:check_content", never("fcntl.F_GETLEASE"))
_HASH_BEFORE = (
    "cleanup/restore.py:_restore_one",
    never("backup.is_stored(locked, removal)"),
)
_HASH_AFTER = ("cleanup/restore.py:_restore_one", never("safefile.copy"))
_NAME_IS_FREE = ("cleanup/apply.py:_release", never("safefile.status(folder, target)"))
_GIVE_BACK = ("cleanup/apply.py:_release", swap("os.link", "os.replace"))
_TRUE_FOLDER = ("disk.py:_lock_temporary", swap("os.path.samestat(os.fstat(descriptor), folder.lstat())", "True"))
_NO_LINK = ("disk.py:_lock_temporary", swap("os.O_NOFOLLOW", "0"))

CLEANUP = (
    # The backup.
    one("read the copy back", "cleanup/safefile.py:copy", never("digest(target) != total.hexdigest()"), FAILING),
    one(
        "hash what is backed up",
        "cleanup/safefile.py:store_file",
        swap("copy(source, fd, tick) != sha256", "not copy(source, fd, tick)"),
        PRECONDITIONS,
        "tests/cleanup/test_safefile.py",
    ),
    one("sync the bytes of a backup", "cleanup/safefile.py:store_file", drop("os.fsync"), POWER),
    Mutant(
        "sync the run folder after each backup",
        (_STORE_SYNC,),
        (POWER,),
        "the run folder is synced once more before the first removal",
    ),
    Mutant(
        "sync the run folder before the first removal",
        (_BARRIER_SYNC,),
        (POWER,),
        "every backup was followed by a sync of the run folder",
    ),
    Mutant("sync the run folder at all", (_STORE_SYNC, _BARRIER_SYNC, _JOURNAL_SYNC), (POWER,)),
    one("sync the folder that holds the run folder", "cleanup/safefile.py:make_folders", drop("os.fsync"), POWER),
    one("a backup is read-only", "cleanup/safefile.py:store_file", drop("os.fchmod"), APPLY),
    one("run folders are private", "cleanup/safefile.py:make_folders", swap("0o700", "0o755"), APPLY),
    one(
        "backups stay out of git",
        "cleanup/backup.py:create",
        drop("safefile.store_bytes(fd, _IGNORE, b'*\\n')"),
        APPLY,
    ),
    one(
        "a sound backup replaces a damaged one",
        "cleanup/safefile.py:publish",
        never("digest_at(folder, name) != sha256"),
        APPLY,
    ),
    one(
        "a temporary file is a new one",
        "cleanup/safefile.py:temporary",
        swap("os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW", "os.O_RDWR | os.O_CREAT"),
        APPLY,
        FAILING,
        covered="a file at the temporary name is removed just before, and only this run writes into its folder",
    ),
    one(
        "publish without replacing",
        "cleanup/safefile.py:publish",
        swap("os.link", "os.replace"),
        APPLY,
        CRASH,
        covered="what would be replaced in a run folder has the same bytes",
    ),
    one(
        "hash the backup again before its file goes",
        "cleanup/apply.py:_check_proof",
        never("backup.is_stored(locked, removal)"),
        CRASH,
        DAMAGE,
    ),
    # The order of the steps.
    one(
        "everything is backed up before anything goes",
        "cleanup/apply.py:_carry_out",
        drop("backup.append(locked.store, do='all', **metadata)"),
        CRASH,
        FAILING,
    ),
    one("rows are rescued before their file goes", "cleanup/apply.py:_carry_out", drop("backup.rescue_rows"), APPLY),
    one(
        "count the rescued rows",
        "cleanup/backup.py:rescue_rows",
        never("rows != len(removal.rescue)"),
        APPLY,
        covered="the rescue itself counts the rows and reads them back",
    ),
    one("sync every record of the journal", "cleanup/backup.py:append", drop("os.fsync(fd)"), POWER),
    Mutant("sync the name of the journal", (_JOURNAL_SYNC,), (POWER,)),
    one(
        "check every record of the journal",
        "cleanup/backup.py:_records",
        swap("line.startswith(_check(line[17:-1]))", "len(line) > 18"),
        BACKUP,
    ),
    one("cut off an incomplete record", "cleanup/backup.py:tidy", drop("os.ftruncate"), BACKUP, CRASH),
    one("check the manifest", "cleanup/backup.py:read", never("sound"), DAMAGE),
    one("sync a removal", "cleanup/apply.py:_remove_file", drop("os.fsync"), POWER),
    one("close an interrupted run first", "cleanup/apply.py:_apply", never("earlier.folder in interrupted"), CRASH),
    one("one cleanup at a time", "cleanup/safefile.py:locked", never("disk.lock(fd) is False"), APPLY),
    # Which plans are refused.
    one("a dry run is a boolean", "cleanup/apply.py:apply", never("isinstance(dry_run, bool)"), APPLY),
    one(
        "no path leads out of the project",
        "cleanup/safefile.py:parts",
        never("name in ('', '.', '..')"),
        APPLY,
        PRECONDITIONS,
    ),
    one(
        "no database in use is planned",
        "cleanup/preconditions.py:check_plan",
        without("removal.path in protected"),
        PRECONDITIONS,
    ),
    one(
        "no other name of a database in use is planned",
        "cleanup/preconditions.py:check_plan",
        without("(removal.identity.device, removal.identity.inode) in inodes"),
        PRECONDITIONS,
    ),
    one(
        "no backup is planned",
        "cleanup/preconditions.py:check_plan",
        never("path.is_relative_to(backups)"),
        PRECONDITIONS,
    ),
    one(
        "no file is planned twice", "cleanup/preconditions.py:check_plan", never("removal.path in seen"), PRECONDITIONS
    ),
    one(
        "the backup folder is not around the project",
        "cleanup/preconditions.py:check_plan",
        never("project.root.is_relative_to(backups)"),
        PRECONDITIONS,
    ),
    # Which files stay.
    Mutant(
        "look at the file before it is opened",
        (_STATUS_BY_NAME,),
        (ADVERSARY,),
        "the open file is looked at again, and opening waits for nothing",
    ),
    Mutant(
        "look at the file that was opened",
        (_STATUS_OF_OPEN,),
        (ADVERSARY,),
        "the file was looked at by its name, and its bytes are hashed under the lease",
    ),
    Mutant("look at the file at all", (_STATUS_BY_NAME, _STATUS_OF_OPEN), (PRECONDITIONS,)),
    one("hard links stay", "cleanup/preconditions.py:check_status", never("status.st_nlink > 1"), PRECONDITIONS),
    one("look for links again", "cleanup/apply.py:_remove_file", drop("preconditions.check_link"), PRECONDITIONS),
    one(
        "hash the file again under the lease",
        "cleanup/preconditions.py:check_content",
        never("safefile.digest(fd) != removal.sha256"),
        ADVERSARY,
    ),
    Mutant("take a lease", (_LEASE,), (PRECONDITIONS, ADVERSARY)),
    Mutant(
        "see that the lease still holds",
        (_LEASE_HOLDS,),
        (ADVERSARY, WRITERS),
        "nobody can open the file by a name any more, and who had it open was seen when the lease was taken",
    ),
    Mutant("know of open files at all", (_LEASE, _LEASE_HOLDS), (PRECONDITIONS,)),
    one(
        "files of this process stay",
        "cleanup/preconditions.py:_check_own",
        never("os.path.samestat(descriptor.stat(), status)"),
        PRECONDITIONS,
    ),
    one(
        "databases with live sidecars stay",
        "cleanup/preconditions.py:check_sidecars",
        never("live_sidecar(folder, name)"),
        PRECONDITIONS,
    ),
    one(
        "sidecars stay with their database",
        "cleanup/preconditions.py:check_sidecars",
        never("base not in ('', name)"),
        PRECONDITIONS,
    ),
    one(
        "never follow a link in place of a file",
        "cleanup/safefile.py:",
        swap("os.O_RDONLY | _NOFOLLOW | getattr(os, 'O_NONBLOCK', 0)", "os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0)"),
        DAMAGE,
        ADVERSARY,
    ),
    one(
        "never follow a link in place of a folder",
        "cleanup/safefile.py:parent",
        swap("_FOLDER | _NOFOLLOW", "_FOLDER"),
        APPLY,
        ADVERSARY,
    ),
    one(
        "only regular files are opened",
        "cleanup/safefile.py:opened_file",
        never("stat.S_ISREG(os.fstat(fd).st_mode)"),
        DAMAGE,
    ),
    one(
        "quarantine the file before it is removed",
        "cleanup/apply.py:_remove_file",
        swap("_quarantine_name(locked, entry)", "removal.path.split('/')[-1]"),
        ADVERSARY,
        CRASH,
    ),
    Mutant("never give a name back over a newer file", (_GIVE_BACK,), (ADVERSARY,)),
    Mutant("see whether the name is free", (_NAME_IS_FREE,), (ADVERSARY,), "a link is never made over anything"),
    Mutant("never give a name back over anything", (_NAME_IS_FREE, _GIVE_BACK), (ADVERSARY,)),
    one(
        "put a quarantined file back when it cannot go",
        "cleanup/apply.py:_remove_file",
        swap("_release(folder, quarantined, name, removal.sha256)", "None"),
        ADVERSARY,
        APPLY,
    ),
    one(
        "finish a return that was interrupted",
        "cleanup/apply.py:locate",
        never("os.path.samestat(hidden, there)"),
        CRASH,
    ),
    one(
        "a run stays open while a file cannot be looked at",
        "cleanup/apply.py:close_interrupted",
        swap("False", "True"),
        CRASH,
    ),
    one(
        "a file that was kept while it was quarantined goes later",
        "cleanup/apply.py:_reopen",
        always("locate(locked, entry) != 'quarantined'"),
        CRASH,
    ),
    one(
        "a file that was kept while it was quarantined comes back",
        "cleanup/restore.py:_restore_all",
        drop("release"),
        CRASH,
    ),
    # The copy that stays.
    one(
        "the surviving copy is there and unchanged",
        "cleanup/apply.py:_check_proof",
        drop("preconditions.check_surviving_copy"),
        PRECONDITIONS,
    ),
    one(
        "the surviving copy is not to be removed too",
        "cleanup/preconditions.py:check_surviving_copy",
        never("other.path == keeper.path"),
        PRECONDITIONS,
    ),
    one(
        "the surviving copy is another file",
        "cleanup/preconditions.py:_check_surviving_file",
        never("(known.device, known.inode) == (status.st_dev, status.st_ino)"),
        PRECONDITIONS,
        covered="two names of one file are hard links, which stay anyway",
    ),
    one(
        "the surviving database was not written to",
        "cleanup/preconditions.py:_check_surviving_file",
        swap("sqlite.fingerprint(path) == keeper.fingerprint", "True"),
        PRECONDITIONS,
    ),
    # The restore.
    Mutant("hash a backup before it is restored", (_HASH_BEFORE,), (RESTORE,), "the copy is hashed while it is made"),
    Mutant("hash what was restored", (_HASH_AFTER,), (RESTORE,)),
    Mutant("hash what is restored at all", (_HASH_BEFORE, _HASH_AFTER), (RESTORE,)),
    one("sync a restored file", "cleanup/restore.py:_restore_one", drop("os.fsync(fd)"), POWER),
    one("sync the name of a restored file", "cleanup/restore.py:_restore_one", drop("os.fsync(folder)"), POWER),
    one(
        "sync a folder that is made again", "cleanup/safefile.py:make_folder", each(2, drop("os.fsync(folder)")), POWER
    ),
    one("restore without replacing", "cleanup/restore.py:_link", swap("os.link", "os.rename"), RESTORE),
    one(
        "never restore beside a foreign journal",
        "cleanup/restore.py:_names",
        without("not preconditions.live_sidecar(folder, name)"),
        RESTORE,
    ),
    one("restore mode", "cleanup/safefile.py:write_metadata", drop("os.fchmod"), RESTORE),
    one("restore time", "cleanup/restore.py:_restore_one", drop("os.utime"), RESTORE),
    one("what was kept is not restored", "cleanup/restore.py:_wanted", never("entry in state.kept"), RESTORE, CRASH),
    # The rescue and the Stop.
    one(
        "read the rescued rows back",
        "cleanup/rescue.py:write",
        without("differing"),
        RESCUE,
        covered="DuckDB reads back what DuckDB wrote; only a disk that returns other bytes would show it",
    ),
    one("a rescue can be stopped", "cleanup/rescue.py:write", drop("step"), STOPPED),
    one("a restore can be stopped between files", "cleanup/restore.py:_restore_all", drop("step"), STOPPED),
    one("a restore can be stopped within a file", "cleanup/restore.py:_restore_one", swap("step()", "None"), STOPPED),
    # What a plan may hold.
    one("no database in use is accepted", "cleanup/plan.py:_named", never("files[path].verdict in IN_USE"), PLAN),
    one("an obstacle keeps a file", "cleanup/plan.py:_why_kept", never("file.obstacle"), PLAN),
    one(
        "current exports stay",
        "cleanup/plan.py:_why_kept",
        swap("(*IN_USE, 'export-current')", "IN_USE"),
        PLAN,
        covered="such a verdict is not one of those that may go",
    ),
    one("nothing goes that was not chosen", "cleanup/plan.py:plan", never("file.path not in only"), PLAN),
    one(
        "rows that say more than the database are rescued",
        "cleanup/plan.py:plan",
        swap("(*file.unique, *file.incomplete)", "file.unique"),
        PLAN,
    ),
    one("no file rests on another that goes", "cleanup/plan.py:_rest_on_what_stays", always("twin is None"), PLAN),
)

TEMPORARY = (
    one(
        "the folder of a living process is not removed",
        "disk.py:_lock_temporary",
        swap("lock(descriptor)", "True"),
        DISK,
    ),
    one(
        "only folders of the same user are removed",
        "disk.py:make_temporary",
        without("left.lstat().st_uid == os.getuid()"),
        DISK,
        covered="the system lets nobody but root remove what another user keeps in a folder of mode 0700",
    ),
    Mutant("what is removed is what was locked", (_TRUE_FOLDER,), (DISK,)),
    Mutant(
        "no link is followed when folders are removed",
        (_NO_LINK,),
        (DISK,),
        "the link itself is not the folder that would be locked",
    ),
    Mutant("no link is removed", (_NO_LINK, _TRUE_FOLDER), (DISK,)),
)

_SURVEY = "tests/cleanup/test_survey.py::"
_ATTACH, _SQLITE = "tests/database/test_attach.py::", "tests/database/test_sqlite.py::"
ANALYST, CACHE = "tests/database/test_database.py", "tests/database/test_cache.py"
COMPARE, SIGNED = "tests/files/test_compare.py", "tests/database/test_extension.py"

EVIDENCE = (
    one(
        "a database with live sidecars is in use",
        "cleanup/classify.py:_obstacle",
        never("_live_sidecar(path)"),
        _SURVEY + "test_a_database_in_use_is_judged_but_carries_the_obstacle",
    ),
    one(
        "a hard link is not deletable",
        "cleanup/classify.py:_obstacle",
        never("file.identity.links > 1"),
        _SURVEY + "test_links_hard_links_and_compressed_files_are_never_deletable",
    ),
    one(
        "a read-only file is meant to stay",
        "cleanup/classify.py:_obstacle",
        never("stat.S_IWUSR"),
        _SURVEY + "test_a_single_read_only_file_is_meant_to_stay_but_a_read_only_tree_is_a_copy",
    ),
    one(
        "a file that changed while it was read stays",
        "cleanup/classify.py:classify",
        never("unchanged"),
        _SURVEY + "test_a_file_that_is_written_while_it_is_examined_stays",
    ),
    one(
        "only a file that stays is a duplicate",
        "cleanup/classify.py:classify",
        always("found.verdict not in DELETABLE"),
        SURVEY,
    ),
    one(
        "a database with live sidecars is compared row by row",
        "cleanup/classify.py:_classify_database",
        without("not _live_sidecar(survived.project.root / twin.path)"),
        _SURVEY + "test_a_copy_of_a_database_that_has_since_lost_a_row_in_its_wal_is_unique",
    ),
    one(
        "an empty file has no duplicate",
        "cleanup/classify.py:_classify_content",
        without("file.identity.size"),
        _SURVEY + "test_files_that_only_pretend_are_unknown",
    ),
    one(
        "a file of no known layout is unknown",
        "cleanup/classify.py:_classify_csv",
        never("read.layout is None"),
        _SURVEY + "test_a_csv_of_no_known_layout_is_unknown",
    ),
    one("a damaged database proves nothing", "cleanup/classify.py:_proved_by", never("integrity.damage"), CLASSIFY),
    one("a damaged database stays", "cleanup/classify.py:_sound", never("own.damage"), CLASSIFY),
    one(
        "links are not followed",
        "files/inventory.py:walk",
        swap("e.is_dir(follow_symlinks=False)", "e.is_dir()"),
        _SURVEY + "test_links_hard_links_and_compressed_files_are_never_deletable",
        "tests/fuzz/test_fuzz_survey.py::test_files_that_only_pretend_are_rows_of_the_survey",
    ),
    one(
        "backups are not surveyed",
        "files/inventory.py:walk",
        never("path.name in SKIPPED"),
        _SURVEY + "test_version_control_environments_and_backups_are_left_out",
    ),
    one(
        "backups in another folder are not surveyed",
        "files/inventory.py:_is_foreign",
        without("is_run(folder)"),
        _SURVEY + "test_backups_are_known_wherever_they_lie",
    ),
    one(
        "a project inside the project is not searched",
        "files/inventory.py:walk",
        never("_is_other_project(path, in_use)"),
        SURVEY,
        "tests/files/test_inventory.py",
    ),
    one(
        "cells of different types differ", "files/compare.py:", text("typeof(t.{c}) = typeof(o.{c}) AND ", ""), COMPARE
    ),
    one("collations do not matter", "files/compare.py:", text(" COLLATE BINARY", ""), COMPARE),
    one(
        "affinities do not matter",
        "files/compare.py:",
        text("+t.{c} IS +o.{c}", "t.{c} IS o.{c}"),
        COMPARE,
        covered="in a column that converts, what is still of the same storage class is what cannot be converted",
    ),
    one("no column is taken for the row id", "files/compare.py:_row_id", swap("n not in taken", "True"), COMPARE),
    one(
        "the entries of an index that needs the application are counted",
        "files/compare.py:_expected",
        text("wrong # of entries in index (?:", "wrong # of entries in index (?:.*|"),
        COMPARE,
    ),
    one(
        "a file that a link leads to stays",
        "cleanup/plan.py:_why_kept",
        never("file.caution"),
        _SURVEY + "test_a_file_that_a_link_leads_to_stays_unless_it_is_named",
    ),
    one(
        "a database with views of its own stays",
        "cleanup/classify.py:_compare_rows",
        swap("read_views(copy)", "{}"),
        "tests/cleanup/test_classify.py::test_a_database_with_views_or_triggers_of_its_own_goes_only_if_it_is_named",
    ),
    one(
        "a database that settings name is in use",
        "project.py:Project.in_use",
        swap("environment.named_databases(self.root)", "[]"),
        "tests/test_environment.py",
    ),
)

READING = (
    one(
        "a look at a file keeps the locks of this process",
        "database/sqlite.py:release",
        without("_LISTS_DESCRIPTORS and is_open_here(path)"),
        _SQLITE + "test_a_lock_this_process_holds_outlives_a_peek_and_a_release",
    ),
    one(
        "a reader keeps the file open",
        "database/sqlite.py:release",
        without("_readers[key]"),
        _SQLITE + "test_who_still_reads_a_file_keeps_it_open",
    ),
    one(
        "a truncated database is refused",
        "database/sqlite.py:_copy_locked",
        never("is_truncated(path)"),
        _ATTACH + "test_a_truncated_database_is_refused",
    ),
    one(
        "a truncated database in WAL mode is refused",
        "database/sqlite.py:_copy_wal",
        swap("is_truncated(path)", "False"),
        _ATTACH + "test_a_truncated_database_is_refused",
    ),
    one(
        "a copied -wal did not begin anew",
        "database/sqlite.py:_copy_wal",
        always("_wal_mark(path) == before"),
        _SQLITE + "test_a_wal_that_begins_anew_while_it_is_copied_is_copied_again",
    ),
    one(
        "a database in WAL mode is never opened where it lies",
        "database/sqlite.py:snapshot",
        never("header[18] == 2"),
        _ATTACH + "test_a_database_at_rest_is_read_and_nothing_appears_beside_it",
    ),
    one(
        "only a regular file is a database",
        "database/sqlite.py:check_file",
        never("stat.S_ISREG(mode)"),
        _ATTACH + "test_what_is_no_regular_file_is_refused_without_waiting_for_it",
        covered="what is no regular file cannot be read at an offset, or has no header of a database",
    ),
    one(
        "the fingerprint knows the -wal",
        "database/sqlite.py:fingerprint",
        swap("((path, HEADER), (beside(path, '-wal'), WAL_HEADER))", "((path, HEADER),)"),
        _SQLITE + "test_the_fingerprint_changes_with_every_commit_and_with_nothing_else",
    ),
    one("a cached copy is private", "database/attach.py:_attach_copy", drop("built.chmod"), CACHE),
    one(
        "typed SQL has no access to files",
        "database/database.py:open_read_only",
        drop("connection.execute('SET enable_external_access = false')"),
        ANALYST,
    ),
    one(
        "typed SQL changes no settings",
        "database/database.py:open_read_only",
        drop("connection.execute('SET lock_configuration = true')"),
        ANALYST,
    ),
    one("the copy is opened read-only", "database/database.py:_connect", text(" (READ_ONLY)", ""), ANALYST, CACHE),
    one("a signature is checked", "database/extension.py:connect", without("os.access(mark, os.R_OK)"), SIGNED),
    one("only what was loaded is marked", "database/extension.py:connect", without("loaded"), SIGNED),
    one("a mark is of one state of a file", "database/extension.py:_mark", swap("facts.st_ctime_ns", "0"), SIGNED),
)

USER_SQL, SANDBOX = "tests/database/test_user_sql.py", "tests/database/test_sandbox.py"

GUARDS = (
    # A restore stays in its project and gives back no more than was there.
    one(
        "a restore writes into the project asked for only",
        "cleanup/restore.py:_root",
        never("run.root != around(run.folder.resolve())"),
        RESTORE,
    ),
    one(
        "root carries out no run of another user",
        "cleanup/backup.py:_check_owner",
        never("status.st_uid != 0"),
        RESTORE,
    ),
    one(
        "the removals of a manifest are those of its hash",
        "cleanup/backup.py:read",
        swap("_sum(removals) == run.sha256", "True"),
        BACKUP,
    ),
    one(
        "a manifest has the shape of a manifest",
        "cleanup/backup.py:_checked",
        never("type(item[field.name]) is not wanted"),
        BACKUP,
    ),
    one("a huge manifest is not read", "cleanup/safefile.py:content", never("os.fstat(fd).st_size > _LARGEST"), BACKUP),
    one(
        "a file whose owner changed stays",
        "cleanup/apply.py:_remove_file",
        never("safefile.read_metadata(fd) != recorded"),
        APPLY,
    ),
    one(
        "no setuid or setgid comes back on a file",
        "cleanup/safefile.py:write_metadata",
        swap("0o1777", "0o7777"),
        RESTORE,
    ),
    one("the owner comes back", "cleanup/safefile.py:_write_owner", drop("os.fchown"), RESTORE),
    # What is in use or damaged stays.
    one(
        "an unfinished integrity check proves nothing",
        "cleanup/classify.py:_proved_by",
        never("integrity.unknown"),
        CLASSIFY,
    ),
    one("what git tracks goes only if named", "cleanup/plan.py:_why_kept", never("file.caution"), CLASSIFY),
    one("no virtual table is read", "files/compare.py:_tables", text("rootpage > 0 AND ", ""), CLASSIFY),
    one(
        "the folder of a database in use is searched",
        "files/inventory.py:_is_other_project",
        without("path not in in_use"),
        INVENTORY,
    ),
    # Code, SQL and secrets.
    one(
        "kernels start without the current folder",
        "notebooks/kernel.py:safe_environment",
        text("PYTHONSAFEPATH", "PYTHONUNSAFE"),
        KERNEL,
        "tests/notebooks/test_run.py",
    ),
    one("Stop ends the SQL worker", "database/sandbox.py:Sandbox.stop", drop("self._process.kill"), SANDBOX),
    one("a composed relation is checked too", "database/user_sql.py:Relation._call", drop("check_fragment"), USER_SQL),
    one(
        "an invisible character is written out",
        "errors.py:printable",
        without("not _BLANK.match(c)"),
        "tests/test_errors.py",
    ),
    one("hide before cutting", "redact.py:shorten", swap("redact(text)", "text"), "tests/test_redact.py"),
    one(
        "numbers of a report go last",
        "notebooks/report.py:_replace",
        drop("Path(f'{target}.{LAST}').unlink"),
        OUTPUTS,
        INTERRUPTED,
    ),
    # The ratings.
    one("a rating is on disk", "database/ratings.py:append", drop("os.fsync"), RATINGS),
    one("ratings are added one after the other", "database/ratings.py:append", drop("disk.lock"), RATINGS),
    one("a torn rating is ended", "database/ratings.py:append", never("is_torn"), RATINGS),
    one(
        "ratings go into a regular file",
        "database/ratings.py:append",
        never("not stat.S_ISREG(status.st_mode)"),
        "tests/database/test_ratings.py",
    ),
    one(
        "the ratings are no other file",
        "project.py:_ratings",
        never("path.suffix != '.jsonl'"),
        "tests/database/test_ratings.py",
    ),
    # The claim.
    one(
        "a leader is ahead of every rival",
        "analysis/claim.py:make_claim",
        swap("all", "any"),
        "tests/analysis/test_claim.py",
    ),
)

MUTANTS = (*CLEANUP, *TEMPORARY, *EVIDENCE, *READING, *GUARDS)

if __name__ == "__main__":
    sys.exit(run(m for m in MUTANTS if not sys.argv[1:] or m.name in sys.argv[1:]))
