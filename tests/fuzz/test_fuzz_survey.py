"""Whatever lies in a project's folders is a row of the survey, stays as it is, and is never deletable unproved."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inputs import FILES, NOTES, ODD, TRIED, damaged, damages, examples, write_as
from support import make_database, run_python, unchanged

from dbtools import Project, attach, audit, cleanup, export
from dbtools.errors import DbtoolsError
from dbtools.notebooks.record import plain

GB = 1 << 30
VERSIONS = b"prompt_id,version_no,version_uuid,text,source,explanation,timestamp\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "storage").mkdir(parents=True)
    make_database(root / "prompter.db")
    return root


def sparse(path: Path, size: int, head: bytes = b"") -> None:
    path.write_bytes(head)
    os.truncate(path, size)


def look(root: Path):
    """Survey, plan and audit a project; every way to show them holds what any file can hold."""
    project = Project.find(root)
    found = cleanup.survey(project, progress=False)
    planned = cleanup.plan(found)
    for result in (found, planned, cleanup.apply(planned), audit.run(project, progress=False)):
        result._repr_html_().encode()
        json.dumps(plain(result.to_dict()), ensure_ascii=False, allow_nan=False).encode()
        result.frame.to_csv().encode()
        repr(result).encode()
    return found, planned


def rows_of(path: Path) -> Counter:
    """Return every row of every table, with the table's name, read by SQLite alone."""
    found: Counter = Counter()
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        names = [n.decode() for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            found.update((name, repr(row)) for row in connection.execute(f'SELECT * FROM "{name}"'))
    return found


SOUND: list[tuple[str, bytes]] = []  # no argument of the test: Hypothesis would print it all


@pytest.fixture(scope="module")
def _sound(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make sound files of every kind that a project holds."""
    folder = tmp_path_factory.mktemp("sound")
    path = make_database(folder / "prompter.db", prompts=6)
    with attach(path) as db:
        export.write(db, folder / "out", formats=("csv", "parquet", "json"))
    files = [path, *sorted((folder / "out").glob("*.*"))]
    SOUND[:] = [(file.name, file.read_bytes()) for file in files]


@pytest.mark.usefixtures("_sound")
@examples(3)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), damages, st.integers(0, 1 << 20)), min_size=20, max_size=25))
def test_damaged_files_of_every_kind_are_rows_and_only_what_is_proved_may_go(tmp_path_factory, changed):
    root = tmp_path_factory.mktemp("damaged")
    primary = root / "prompter.db"
    primary.write_bytes(SOUND[0][1])
    written = []
    for number, (which, changes, odd) in enumerate(changed):
        name, content = SOUND[which % len(SOUND)] if number % 2 else SOUND[0]
        stem = ODD[odd % len(ODD)].replace("/", "_")[:100]
        written.append(write_as(root, f"{number}{stem}.{name}", damaged(content, changes)))
    TRIED["damaged files surveyed"] += len(list(filter(None, written)))
    with unchanged(root):
        found, planned = look(root)
    known = rows_of(primary)
    listed = {file.path: file for file in found.files}
    kinds = (".db", ".csv", ".parquet")
    assert {p.name for p in filter(None, written) if p.suffix in kinds} <= set(listed)
    for removal in planned.removals:
        if removal.kind == "sqlite" and removal.verdict in ("same-rows", "subset"):
            assert not rows_of(root / removal.path) - known, removal
        if removal.kind == "other":
            assert (root / removal.path).read_bytes() == (root / removal.keeper.path).read_bytes()


def test_compressed_bombs_are_listed_and_never_unpacked(root):
    look(root)  # loads what a survey needs, so that only the bombs are measured below
    bomb = gzip.compress(bytes(1 << 28), 9)
    for name in ("a.csv.gz", "b.db.gz", "c.tar", "d.tgz", "e.csv.zst", "f.db.xz", "g.7z"):
        (root / name).write_bytes(bomb)
    (root / "h.csv.bz2").write_bytes(bz2.compress(bytes(1 << 24)))
    with zipfile.ZipFile(root / "i.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prompts.csv", bytes(1 << 26))
    bombs = [p for p in root.iterdir() if p.is_file() and p.name != "prompter.db"]
    (root / "readable.csv").write_bytes(VERSIONS)
    TRIED["compressed bombs"] += len(bombs)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with unchanged_sizes(root):
        found, planned = look(root)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 17, "KB; one bomb alone has 256 MiB"
    assert {f.path for f in found.files if f.kind == "compressed"} == {p.name for p in bombs}
    assert not {r.path for r in planned.removals} & {p.name for p in bombs}


@contextmanager
def unchanged_sizes(root: Path):
    """Prove that files stay as they are without reading them."""
    before = {p: p.lstat() for p in root.rglob("*")}
    yield
    assert {p: p.lstat()[:7] + p.lstat()[8:] for p in root.rglob("*")} == {p: s[:7] + s[8:] for p, s in before.items()}


def test_a_bomb_under_another_name_is_told_by_its_first_bytes_and_stays(root):
    bomb = gzip.compress(bytes(1 << 28), 9)
    for name in ("a.csv", "b.db", "c.parquet"):
        (root / name).write_bytes(bomb)
    TRIED["compressed bombs"] += 3
    with unchanged(root):
        found, planned = look(root)
    found_bombs = {f.path: f.kind for f in found.files if f.path in ("a.csv", "b.db", "c.parquet")}
    assert set(found_bombs.values()) <= {"compressed", "other"}
    assert not {r.path for r in planned.removals} & found_bombs.keys()


def test_sparse_files_of_100_gb_are_not_examined_and_never_deletable(root):
    names = ("a.csv", "b.csv", "storage/c.db", "storage/d.db", "auth_system.db", "e.parquet", "f.sqlite")
    for name in names:
        sparse(root / name, 100 * GB, (root / "prompter.db").read_bytes() if "db" in name or "sqlite" in name else b"")
    (root / "guide.md").write_text(
        "- `a.csv` is a duplicate of b.csv\n- storage/c.db (100 GB) duplicate of storage/d.db\n"
    )
    TRIED["sparse files of 100 GB"] += len(names)
    start = time.monotonic()
    with unchanged_sizes(root):
        found, planned = look(root)
        stated = audit.claims(Project.find(root), "guide.md")
    assert time.monotonic() - start < 30, "266 s is what hashing one of them takes"
    by_name = {file.path: file for file in found.files}
    for name in names:
        assert by_name[name].sha256 == ""
        assert "not examined" in by_name[name].obstacle
    assert not planned.removals
    with pytest.raises(DbtoolsError):
        cleanup.plan(found, accept=["no such file"])
    assert not cleanup.plan(found, accept=["a.csv", "storage/c.db"]).removals
    assert {c.verdict for c in stated.claims if c.kind == "duplicate"} == {"not checkable"}


def test_a_database_larger_than_the_disk_is_refused_before_it_is_copied(root):
    sparse(root / "prompter.db", 1 << 43, (root / "prompter.db").read_bytes())
    TRIED["sparse files of 100 GB"] += 1
    with pytest.raises(DbtoolsError, match="No private copy of the database could be made"):
        look(root)


def test_files_that_only_pretend_are_rows_of_the_survey(root):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    contents = {
        "text.db": b"SQLite, honestly\n" * 9,
        "magic.db": b"SQLite format 3\0",
        "header.db": (root / "prompter.db").read_bytes()[:100],
        "picture.csv": picture,
        "utf16.csv": VERSIONS.decode().encode("utf-16"),
        "nul.csv": bytes(5000),
        "one line.csv": b"," * 1_000_000,
        "quote.csv": VERSIONS + b'a,1,b,"' + b"x\n" * 50_000,
        "json.csv": b'{"a": 1}',
        "text.parquet": b"PAR1" + b"\xff" * 500 + b"PAR1",
        "zip.db": b"PK\x03\x04" + bytes(100),
        "html.csv": b"<script>alert(1)</script>,b\n1,2\n",
        "-wal": b"x",
        ".-journal": b"x",
        "prompter.db-wal.csv": VERSIONS,
    }
    for name, content in contents.items():
        (root / name).write_bytes(content)
    os.mkfifo(root / "pipe.csv")
    os.mkfifo(root / "pipe.db")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root)  # a socket's name must be short
        try:
            server.bind("socket.db")
        finally:
            os.chdir(here)
    (root / "folder.csv").mkdir()
    (root / "folder.db").mkdir()
    for link, target in {
        "l1.csv": "l2.csv",
        "l2.csv": "l1.csv",
        "me.db": "me.db",
        "up": ".",
        "full.csv": "/dev/full",
    }.items():
        (root / link).symlink_to(target)
    TRIED["files that pretend"] += len(contents) + 10
    found, planned = look(root)
    verdicts = {file.path: file.verdict for file in found.files}
    assert set(verdicts.values()) <= {"primary", "unknown", "unique", "subset", "regenerable"}
    for name in (
        "pipe.csv",
        "pipe.db",
        "socket.db",
        "l1.csv",
        "me.db",
        "full.csv",
        *(n for n in contents if n[0] not in "-."),
    ):
        assert name in verdicts, name
    assert not {r.path for r in planned.removals} & {"pipe.csv", "pipe.db", "socket.db", "l1.csv", "me.db", "full.csv"}
    assert not [r for r in planned.removals if r.kind != "csv"]


def test_a_name_of_any_bytes_is_shown_everywhere_and_can_be_removed_and_restored(root):
    odd = [name for name in ODD if not name.isprintable() or set(name) & set("'\"{%$`*[<~-")]
    names = [*(n for n in odd if not set(n) & set("\0/") and len(n) < 200), os.fsdecode(b"dir\xff/x")]
    for number, name in enumerate(names):
        path = root / f"{number}" / f"{name}.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(VERSIONS + f"a,{number},b,unique text {number},syntax,{{}},now\n".encode())
        TRIED["hostile names"] += 1
    project = Project.find(root)
    with unchanged(root):
        found, planned = look(root)
    assert len(planned.removals) == len(names)
    odd_name = next(f["path"] for f in found.to_dict()["files"] if "\\xff" in f["path"])
    assert cleanup.plan(found, accept=[odd_name])
    before = {p: p.read_bytes() for p in root.rglob("*.csv")}
    done = cleanup.apply(planned, dry_run=False, progress=False)
    assert len(done.removed) == len(names)
    with attach(project) as db:
        assert sum(db.rows(name) for name in db.relations if name.startswith("rescued_")) == len(names)
    back = cleanup.restore(done.path)
    for result in (done, back):
        result._repr_html_().encode()
        json.dumps(result.to_dict(), ensure_ascii=False).encode()
        result.frame.to_csv().encode()
    assert {p: p.read_bytes() for p in root.rglob("*.csv")} == before


def test_a_tree_deeper_than_any_path_is_walked_as_far_as_paths_reach_and_the_rest_reported(root):
    depth, fd = 2500, os.open(root, os.O_RDONLY)
    try:
        for _ in range(depth):
            os.mkdir("dd", dir_fd=fd)
            inner = os.open("dd", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = inner
        os.close(os.open("unseen.csv", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        (root / "dd" / "dd" / "seen.csv").write_bytes(VERSIONS)
        NOTES.append(f"{depth:,} folders inside each other")
        found, planned = look(root)
        verdicts = {file.path: file for file in found.files}
        assert "dd/dd/seen.csv" in verdicts
        (cut,) = [file for file in found.files if file.kind == "folder"]
        assert "File name too long" in cut.reason
        assert "not examined" in cut.obstacle
        assert not [r for r in planned.removals if "unseen" in r.path or r.kind == "folder"]
    finally:
        os.close(fd)
        subprocess.run(["rm", "-rf", root / "dd"], check=True)


COUNT = """
import re, sys, time
from pathlib import Path
from dbtools import Project, audit, cleanup
project, start = Project.find(sys.argv[1]), time.monotonic()
found = cleanup.survey(project, progress=False)
surveyed = time.monotonic()
audit.run(project, progress=False)
# Not ru_maxrss: a child takes over the peak of the process that started it.
memory = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10
print(len(found.files), round(surveyed - start, 1), round(time.monotonic() - surveyed, 1), memory)
"""


def test_very_many_files_take_seconds_and_little_memory(root):
    for number in range(FILES):
        if number % 1000 == 0:
            folder = root / f"d{number // 1000}"
            folder.mkdir()
            (folder / "log.csv").write_bytes(b"a,b\n1,2\n")
        else:
            os.close(os.open(f"{folder}/{number}.txt", os.O_CREAT | os.O_WRONLY))
    command = [sys.executable, "-c", COUNT, root]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60 + FILES / 500).stdout
    listed, survey_seconds, audit_seconds, megabytes = printed.split()
    NOTES.append(
        f"{FILES:,} files in one project: surveyed in {survey_seconds} s, audited in {audit_seconds} s, {megabytes} MB"
    )
    assert int(listed) == 1 + -(-FILES // 1000)
    assert int(megabytes) < 300 + FILES / 1000


FEW_HANDLES = """
import resource, sys
from dbtools import Project, audit, cleanup
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
project = Project.find(sys.argv[1])
found = cleanup.survey(project, progress=False)
print(len(found.files), audit.run(project, progress=False).to_dict()["checks"]["copies"])
"""


def test_there_may_be_more_databases_than_a_process_may_open(root):
    content = (root / "prompter.db").read_bytes()
    for number in range(120):
        (root / f"{number}.db").write_bytes(content if number % 2 else b"text %d" % number)
    NOTES.append("120 databases where 100 files may be open")
    assert run_python(FEW_HANDLES, root) == "121 60"
