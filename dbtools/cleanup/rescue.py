"""Rescue rows that exist nowhere else, or say more than the database: from a file's backup into a Parquet file.

``attach(project)`` offers them as ``rescued_…`` relations. They are never mixed into an analysis.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from dbtools.cleanup.model import FileEvidence, Removal
from dbtools.database.sql import quote, temporary_duckdb
from dbtools.errors import CleanupError, readable
from dbtools.files import csvfile, inventory
from dbtools.progress import step
from dbtools.project import Project

if TYPE_CHECKING:
    import pandas as pd

ORIGIN = ("_file", "_row", "_sha256")
EXTRA = "_extra_cells"


def write(removal: Removal, source: Path, target: Path) -> int:
    """Write the rows that `removal` rescues to a Parquet file and read them back.

    Changes files: creates `target`.

    Parameters
    ----------
    source : Path
        The backup of the file, byte for byte.
    target : Path
        The Parquet file: the columns of the CSV file as text, cells beyond the header in ``_extra_cells`` (a list), and
        where each row came from: ``_file``, ``_row`` (1 = first after the header; 0 and less: before it), ``_sha256``.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    CleanupError
        What was read back is not what was to be rescued, or the disk or the memory does not hold it.
    """
    read = csvfile.read(source)
    step()  # whoever listens can stop here: nothing was removed yet
    frame = rows_of(read, removal.rescue, removal.path)
    typed = [f'"{c}"::VARCHAR AS "{c}"' for c in frame.columns[:-3]]
    typed += [f"{EXTRA}::VARCHAR[] AS {EXTRA}", "_file::VARCHAR AS _file", "_row::BIGINT AS _row"]
    with temporary_duckdb("The rows cannot be rescued", removal.path, CleanupError) as connection:
        connection.register("frame", frame)
        connection.execute(
            f"CREATE TABLE rescued AS SELECT {', '.join(typed)}, ? AS _sha256 FROM frame",  # noqa: S608 - quoted names
            [removal.sha256],
        )
        connection.execute(f"COPY (FROM rescued ORDER BY _row) TO {quote(target)} (FORMAT parquet, COMPRESSION zstd)")
        differing = connection.execute(
            f"SELECT count(*) FROM ((FROM rescued EXCEPT ALL FROM read_parquet({quote(target)})) UNION ALL "  # noqa: S608
            f"(FROM read_parquet({quote(target)}) EXCEPT ALL FROM rescued))"
        ).fetchall()[0][0]
    if differing or len(frame) != len(set(removal.rescue)):
        raise CleanupError(
            "The rescued rows do not read back as written", removal.path, "nothing was removed; try again"
        )
    return len(frame)


def rows_of(read: csvfile.CsvFile, numbers: Collection[int], path: str) -> pd.DataFrame:
    """Return these rows of a CSV file as text, with ``_extra_cells``, ``_file`` and ``_row``. Reads only."""
    import pandas as pd

    columns = _column_names(read.header)
    width = len(columns)
    rows = [
        [*row.cells[:width], *[None] * (width - len(row.cells)), list(row.cells[width:]), readable(path), row.number]
        for row in read.select(numbers)
    ]
    names = [*columns, EXTRA, "_file", "_row"]
    return pd.DataFrame({name: pd.Series([r[i] for r in rows], dtype=object) for i, name in enumerate(names)})


def read_unique(project: Project, file: FileEvidence) -> pd.DataFrame:
    """Return the rows of a CSV file that exist nowhere else, as they stand in the file. Reads only.

    Raises
    ------
    CleanupError
        The file is no longer the one that was examined.
    """
    path = project.root / file.path
    found = inventory.look(path)
    status = found.status if found else None
    if not status or (status.st_size, status.st_mtime_ns) != (file.identity.size, file.identity.mtime_ns):
        raise CleanupError("The file has changed since it was examined", file.path, "press Rescan")
    rows = rows_of(csvfile.read(path), file.unique, file.path).drop(columns="_file")
    extra = [] if rows[EXTRA].map(bool).any() else [EXTRA]
    return rows.drop(columns=extra)


def _column_names(header: tuple[str, ...]) -> list[str]:
    """Name every column, blank and repeated headings too, without regard to case, as DuckDB compares them."""
    names: list[str] = []
    taken = {name.lower() for name in (EXTRA, *ORIGIN)}
    for i, heading in enumerate(header, 1):
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in heading.strip())
        base = shown.replace('"', "'") or f"column_{i}"
        name, n = base, 1
        while name.lower() in taken:
            n += 1
            name = f"{base}_{n}"
        taken.add(name.lower())
        names.append(name)
    return names
