"""What a user would take instead, at the same jobs: each answers as dbtools does, or as much of it as it can."""

from __future__ import annotations

import csv
import re
import sqlite3
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = Callable[[], Any]
MARKS = ("clarity", "specificity", "actionability", "structure", "context_use")
TOTAL = " + ".join(MARKS)
VERSIONS = "SELECT id, prompt_id, source FROM prompt_versions"
SCORES = f"SELECT prompt_version_id AS id, {TOTAL} AS total FROM judge_scores"
HEADS = "SELECT prompt_id, prompt_version_id AS id FROM best_heads"
AGENTS = (
    f"SELECT v.source, count(*), count(h.prompt_id), avg(s.total) FROM ({VERSIONS}) v "
    f"LEFT JOIN ({HEADS}) h ON h.prompt_id = v.prompt_id AND h.id = v.id "
    f"LEFT JOIN ({SCORES}) s ON s.id = v.id GROUP BY 1"
)
HISTORY = {
    "prompt_versions": "SELECT prompt_id, version_no, id AS version_uuid, text, source, explanation, created_at "
    "FROM prompt_versions ORDER BY prompt_id, version_no, id",
    "judge_scores": f"SELECT v.prompt_id, s.prompt_version_id, {', '.join('s.' + m for m in MARKS)}, {TOTAL} AS total, "
    "s.feedback, s.created_at FROM judge_scores s LEFT JOIN prompt_versions v ON v.id = s.prompt_version_id "
    "ORDER BY v.prompt_id, s.prompt_version_id, s.created_at",
}
# The questions of the audit that SQLite's own SQL can ask as they stand.
CHECKS = (
    "PRAGMA integrity_check",
    "PRAGMA foreign_key_check",
    "SELECT count(*) FROM prompt_versions v LEFT JOIN prompts p ON p.id = v.prompt_id WHERE p.id IS NULL",
    "SELECT count(*) FROM judge_scores s LEFT JOIN prompt_versions v ON v.id = s.prompt_version_id WHERE v.id IS NULL",
    "SELECT count(*) FROM (SELECT 1 FROM prompt_versions GROUP BY prompt_id, version_no HAVING count(*) > 1)",
    "SELECT count(*) FROM judge_scores WHERE max(clarity, specificity, actionability, structure, context_use) > 10",
    "SELECT count(*) FROM prompt_versions c JOIN prompt_versions p ON p.id = c.parent_version_id "
    "WHERE c.created_at < p.created_at",
    "SELECT count(*) FROM prompt_versions v JOIN prompts p ON p.id = v.prompt_id WHERE v.created_at < p.created_at",
    "SELECT count(*) FROM best_heads h JOIN judge_scores s ON s.prompt_version_id = h.prompt_version_id "
    f"WHERE abs(h.score - ({TOTAL})) > 1e-6",
    "SELECT count(*) FROM prompts p LEFT JOIN best_heads h ON h.prompt_id = p.id WHERE h.prompt_id IS NULL",
    "SELECT count(*) FROM prompt_versions WHERE trim(text) = ''",
    "SELECT count(*) FROM judge_scores WHERE feedback LIKE '%\"synthetic\": true%'",
    "SELECT count(*) FROM (SELECT original_text FROM prompts GROUP BY lower(original_text) HAVING count(*) > 2)",
)


def agents_sqlite3(path: Path) -> Job:
    """One SQL statement through the sqlite3 module."""
    return lambda: sqlite3.connect(path).execute(AGENTS).fetchall()


def _joined(path: Path) -> Any:
    import pandas as pd

    with sqlite3.connect(path) as connection:
        versions, scores, heads = (pd.read_sql(query, connection) for query in (VERSIONS, SCORES, HEADS))
    rows = versions.merge(scores, on="id", how="left")
    return rows.merge(heads.assign(head=1), on=["prompt_id", "id"], how="left")


def agents_pandas(path: Path) -> Job:
    """read_sql, merge, groupby."""
    import pandas  # noqa: F401 - its import is no part of the job

    def job() -> Any:
        rows = _joined(path)
        found = rows.groupby("source").agg(n=("id", "size"), wins=("head", "sum"), mean=("total", "mean"))
        return found.reset_index().values.tolist()

    return job


def agents_polars(path: Path) -> Job:
    """polars over connectorx."""
    import polars as pl

    def job() -> Any:
        versions, scores, heads = (pl.read_database_uri(q, f"sqlite://{path}") for q in (VERSIONS, SCORES, HEADS))
        heads = heads.with_columns(head=1)
        rows = versions.join(scores, on="id", how="left").join(heads, on=["prompt_id", "id"], how="left")
        return rows.group_by("source").agg(pl.len(), pl.sum("head"), pl.mean("total")).rows()

    return job


def agents_orm(path: Path) -> Job:
    """SQLAlchemy objects one by one: a query for the score and one for the head of every version."""
    from sqlalchemy import create_engine, select
    from sqlalchemy.ext.automap import automap_base
    from sqlalchemy.orm import Session

    engine = create_engine(f"sqlite:///{path}")
    base = automap_base()
    base.prepare(engine, generate_relationship=lambda *_, **__: None)
    version, score, head = (base.classes[n] for n in ("prompt_versions", "judge_scores", "best_heads"))

    def job() -> Any:
        found = defaultdict(lambda: [0, 0, 0, 0.0])
        with Session(engine) as session:
            for one in session.scalars(select(version)):
                own = found[one.source]
                own[0] += 1
                mark = session.scalars(select(score).where(score.prompt_version_id == one.id)).first()
                if mark:
                    own[2] += 1
                    own[3] += sum(getattr(mark, name) for name in MARKS)
                best = session.get(head, one.prompt_id)
                own[1] += best is not None and best.prompt_version_id == one.id
        return [(source, n, wins, total / scored) for source, (n, wins, scored, total) in found.items()]

    return job


def effectiveness_pandas(path: Path) -> Job:
    """Wins, means and paired differences only: no clusters, no multiverse, no exact tests."""
    import pandas  # noqa: F401 - its import is no part of the job

    def job() -> None:
        rows = _joined(path)
        rows.groupby("source").agg(n=("id", "size"), wins=("head", "sum"), mean=("total", "mean"))
        wide = rows.pivot_table(index="prompt_id", columns="source", values="total")
        for a, b in (("syntax", "structure"), ("syntax", "domain"), ("structure", "domain")):
            (wide[a] - wide[b]).agg(["mean", "sem"])

    return job


def audit_sqlite3(path: Path) -> Job:
    """Thirteen of the more than eighty questions: those that SQLite's SQL can ask as they stand."""

    def job() -> None:
        with sqlite3.connect(path) as connection:
            for check in CHECKS:
                connection.execute(check).fetchall()

    return job


def scan_all(path: Path) -> Job:
    """The cheapest scan of all the audit's tables: every column, in SQLite's C library."""

    def job() -> None:
        with sqlite3.connect(path) as connection:
            for table in ("prompts", "prompt_versions", "judge_scores", "best_heads"):
                names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                connection.execute(f"SELECT {', '.join(f'sum(length({n}))' for n in names)} FROM {table}").fetchall()

    return job


def csv_module(path: Path) -> Job:
    """csv.writer over the sqlite3 module."""

    def job() -> None:
        with sqlite3.connect(path) as connection, tempfile.TemporaryDirectory(dir=path.parent) as folder:
            for name, query in HISTORY.items():
                with (Path(folder) / name).open("w", newline="", encoding="utf-8") as handle:
                    writer, cursor = csv.writer(handle), connection.execute(query)
                    writer.writerow([column[0] for column in cursor.description])
                    writer.writerows(cursor)

    return job


def csv_application(path: Path) -> Job:
    """csv.DictWriter over rows as dicts, as the application writes its exports."""

    def job() -> None:
        with sqlite3.connect(path) as connection, tempfile.TemporaryDirectory(dir=path.parent) as folder:
            connection.row_factory = sqlite3.Row
            for name, query in HISTORY.items():
                with (Path(folder) / name).open("w", newline="", encoding="utf-8") as handle:
                    cursor = connection.execute(query)
                    writer = csv.DictWriter(handle, [column[0] for column in cursor.description])
                    writer.writeheader()
                    for row in cursor:
                        writer.writerow(dict(row))

    return job


def parquet_pandas(path: Path) -> Job:
    """read_sql and to_parquet."""
    import pandas as pd
    import pyarrow  # noqa: F401 - what pandas writes Parquet with

    def job() -> None:
        with sqlite3.connect(path) as connection, tempfile.TemporaryDirectory(dir=path.parent) as folder:
            for name, query in HISTORY.items():
                pd.read_sql(query, connection).to_parquet(Path(folder) / name, compression="zstd")

    return job


def csv_ids_pandas(path: Path) -> Job:
    """Which rows of the CSV file have an id, or else a text, that the database does not know."""
    import pandas as pd

    def job() -> int:
        with sqlite3.connect(path) as connection:
            known = pd.read_sql("SELECT id, text FROM prompt_versions", connection)
        rows = pd.read_csv(path.parent / "project" / "storage" / "prompt_versions.csv", dtype=str)
        lacking = rows[~rows.version_uuid.isin(known.id)]
        return int((~lacking.text.isin(known.text)).sum())

    return job


def csv_ids_polars(path: Path) -> Job:
    """The same with polars over connectorx."""
    import polars as pl

    def job() -> int:
        known = pl.read_database_uri("SELECT id, text FROM prompt_versions", f"sqlite://{path}")
        file = path.parent / "project" / "storage" / "prompt_versions.csv"
        rows = pl.read_csv(file, infer_schema=False)
        lacking = rows.join(known, left_on="version_uuid", right_on="id", how="anti")
        return lacking.join(known, on="text", how="anti").height

    return job


def cli_sha3sum(path: Path) -> Job:
    """The row digest of the sqlite3 command line, of both databases."""

    def job() -> None:
        for file in (path, path.with_name("twin.db")):
            subprocess.run(["sqlite3", "-readonly", file, ".sha3sum"], check=True, capture_output=True)

    return job


def compare_pandas(path: Path) -> Job:
    """Rows of versions and scores that were added, removed and changed, by a merge on the id."""
    import pandas as pd

    def job() -> list[int]:
        counts = []
        for name in ("prompt_versions", "judge_scores"):
            earlier, later = (
                pd.read_sql(f"SELECT * FROM {name}", sqlite3.connect(file))
                for file in (path.with_name("earlier.db"), path)
            )
            both = earlier.merge(later, on="id", how="outer", indicator=True, suffixes=("", "_later"))
            same = both[both["_merge"] == "both"]
            cells = [c for c in earlier if c != "id"]
            equal = [(same[c] == same[f"{c}_later"]) | (same[c].isna() & same[f"{c}_later"].isna()) for c in cells]
            sides = both["_merge"].value_counts()
            changed = len(same) - int(pd.concat(equal, axis=1).all(axis=1).sum())
            counts += [int(sides["right_only"]), int(sides["left_only"]), changed]
        return counts

    return job


def sqldiff(path: Path) -> Job:
    """The same by SQLite's own tool for two databases."""

    def job() -> list[int]:
        counts = []
        for name in ("prompt_versions", "judge_scores"):
            command = ["sqldiff", "--summary", "--primarykey", "--table", name, path.with_name("earlier.db"), path]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = {word: int(n) for n, word in re.findall(r"(\d+) (changes|inserts|deletes)", said)}
            counts += [found.get(word, 0) for word in ("inserts", "deletes", "changes")]
        return counts

    return job


def start_python(path: Path) -> Job:
    """Start Python and import what the job of dbtools may not do without."""
    return lambda: None


def empty_notebook(path: Path) -> Job:
    """Run a notebook of one empty cell with papermill."""
    import nbformat
    import papermill

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("None")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    file = path.parent / "empty.ipynb"
    nbformat.write(notebook, file)
    return lambda: papermill.execute_notebook(file, file.with_name("executed.ipynb"), progress_bar=False)
