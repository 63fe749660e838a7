"""What nobody may read is in nothing that dbtools makes: not even compressed, cached, or in an error."""

from __future__ import annotations

import base64
import gzip
import re
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hostile import plant
from support import GENERATIONS, make_database, read_tree

from dbtools import Project, analysis, attach, audit, cleanup, export
from dbtools.errors import DbtoolsError

CANARY = re.compile(rb"canary\w{0,20}?\d{3}q")


def tables(path: Path) -> Iterator[str]:
    """Yield every row of a DuckDB or Parquet file as text: there, texts may lie compressed."""
    with duckdb.connect() as connection:
        if path.suffix == ".parquet":
            yield str(connection.execute("FROM read_parquet(?)", [str(path)]).fetchall())
            return
        connection.execute(f"ATTACH '{path}' AS f (READ_ONLY)")
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'f'"
        ).fetchall():
            yield str(connection.execute(f'FROM f.main."{name}"').fetchall())


def contents(path: Path) -> bytes:
    """Return the bytes of a file and everything that can be decoded from them."""
    raw = path.read_bytes()
    found = [raw, str(path).encode("utf-8", "surrogateescape")]
    if path.suffix in (".parquet", ".duckdb"):
        found += [text.encode("utf-8", "replace") for text in tables(path)]
    if raw.startswith(b"\x1f\x8b"):
        found.append(gzip.decompress(raw))
    found += [base64.b64decode(part + b"==") for part in re.findall(rb"base64,([A-Za-z0-9+/]+)", raw)]
    return b"\n".join(found)


def leaks(folder: Path) -> dict[str, set[bytes]]:
    """Return the files below a folder that hold a canary."""
    files = [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    found = {str(p.relative_to(folder)): set(CANARY.findall(contents(p))) for p in files}
    return {name: canaries for name, canaries in found.items() if canaries}


def test_nothing_that_was_made_of_a_project_holds_a_canary(context):
    names = {p.suffix for p in context.made.rglob("*") if p.is_file()}
    assert {".html", ".ipynb", ".json", ".csv", ".parquet", ".duckdb", ".txt"} <= names
    pages = [page for page in context.made.rglob("*.html") if page.name != "index.html"]
    assert len(pages) == len(list(context.made.rglob("*.ipynb"))) >= 10
    assert leaks(context.made) == {}


def test_the_search_finds_what_is_there(context):
    for name in (context.made / "exported" / "prompt_versions.parquet", next(context.made.rglob("*.duckdb"))):
        assert b"postMessage" in contents(name), "what may be read is exported and cached"
    planted = {canary.encode() for canary, place in context.placed.items() if place.startswith("prompter.db ")}
    assert len(planted) > 40
    assert planted <= set(CANARY.findall((context.root / "prompter.db").read_bytes()))
    assert len(context.placed) > 300


def test_a_cleaned_project_holds_canaries_only_in_its_own_files_and_their_private_backups(context):
    run = next(p.parent for p in (context.cleaned / "backup_old_csvs").rglob("manifest.json"))
    own = {p.relative_to(context.cleaned).as_posix() for p in context.cleaned.rglob("*.db")}
    backed_up = {
        p.relative_to(context.cleaned).as_posix() for p in run.iterdir() if re.fullmatch("[0-9a-f]{64}", p.name)
    }
    found = {name for name in leaks(context.cleaned) if not name.startswith(".git/")}
    # A backup is the user's own file, byte for byte: it holds what that held, and nobody else may read it.
    assert found & backed_up
    assert found <= own | backed_up
    for name in found & backed_up:
        assert stat.S_IMODE((context.cleaned / name).stat().st_mode) == 0o400
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    rescued = list((run / "rescued").iterdir())
    assert rescued
    assert {run / "manifest.json", run / "journal"} <= set(run.iterdir())


@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_generation_leaks_through_attach_export_audit_or_cache(generation, tmp_path, cache):
    root = tmp_path / "project"
    root.mkdir()
    migrated = GENERATIONS.index(generation) % 2 == 0
    plant(make_database(root / "prompter.db", generation, migrated), "own")
    project, shown = Project.find(root), []
    with attach(project) as db:
        export.write(db, tmp_path / "out", formats=("csv", "parquet", "json"))
        shown += [db.frame(name).to_string() for name in db.relations]
        shown += [str(db.origin), repr(db), str(analysis.usage(db).to_dict())]
    report = audit.run(project)
    for result in (report, cleanup.survey(project), audit.verify(project)):
        shown += [repr(result), result._repr_html_(), str(result.to_dict()), result.frame.to_string()]
    shown += [report.rows(check).to_string() for check in ("credentials-in-database", "schema-drift", "foreign-table")]
    assert not CANARY.findall("".join(shown).encode())
    assert leaks(tmp_path / "out") == leaks(cache) == {}


def test_no_error_of_a_damaged_database_quotes_what_nobody_may_read(tmp_path, cache):
    path = make_database(tmp_path / "prompter.db")
    plant(path, "own")
    sound, said = path.read_bytes(), []
    project = Project.find(tmp_path)
    for place in range(100, len(sound) - 64, len(sound) // 8):
        path.write_bytes(sound[:place] + b"\xff" * 64 + sound[place + 64 :])
        with warnings.catch_warnings(record=True) as warned:
            try:
                report = audit.run(project)
                said.append(report._repr_html_())
                said.append(report.rows("integrity").to_string())
            except DbtoolsError as error:
                said.append(str(error))
        said += [str(w.message) for w in warned]
    for wrong in ("users", "sessions", "hashed_password"):
        with attach(_copy(sound, tmp_path / "sound.db")) as db, pytest.raises(DbtoolsError) as caught:
            db.sql(f"SELECT {wrong} FROM {wrong}")
        said.append(str(caught.value))
    assert len(said) > 8
    assert not CANARY.findall("".join(said).encode("utf-8", "replace"))
    assert leaks(cache) == {}


def _copy(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def test_no_private_copy_is_left_behind(context):
    for temporary in context.made.glob("home*/tmp"):
        assert {name for name in read_tree(temporary) if "dbtools" in name} == set()
