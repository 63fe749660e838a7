"""What is known of a file: what it was when it was examined, its verdict, and what the verdict rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

IN_USE = ("primary", "auth")
DELETABLE = ("same-bytes", "same-rows", "subset", "regenerable")


@dataclass(frozen=True)
class Identity:
    """What the file system said of a regular file when it was examined."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    mode: int
    links: int


@dataclass(frozen=True)
class Keeper:
    """A file, or a server, that must still be there, unchanged, when a removal that rests on it is carried out.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``; of a server, its URL.
    sha256 : str
        Of the file's bytes.
    fingerprint : str
        Of the database file and its ``-wal`` (`sqlite.dbfile.fingerprint`), or of the server's database
        (`postgres.mark`); empty for other files.
    """

    path: str
    sha256: str
    fingerprint: str


@dataclass(frozen=True)
class FileEvidence:
    """What was found out about one file.

    Attributes
    ----------
    path : str
        Relative to the project's root, with ``/``.
    kind : str
        ``sqlite``, ``csv``, ``compressed``, ``link``, ``folder`` or ``other``.
    layout : str
        The CSV layout, where known.
    demo : bool
        Whether the layout is one that only demonstrations wrote.
    rows : int or None
        Rows of all its tables, or records after the header; None where that was not counted.
    verdict : str
        One of primary, auth, export-current, same-bytes, same-rows, subset, regenerable, unique, unknown.
    unique_rows : int
        Rows that exist nowhere else.
    unique : tuple of int
        Their numbers in a CSV file.
    incomplete : tuple of int
        Numbers of the other rows of a CSV file, known by id or text, with a cell that the database does not have.
    reason : str
        What deleting the file would lose, and how that is known.
    kept : str
        The file that holds the same content and stays; empty where there is none.
    obstacle : str
        Why it must not be removed whatever the verdict; empty where nothing forbids it.
    """

    path: str
    kind: str
    identity: Identity
    sha256: str = ""
    layout: str = ""
    demo: bool = False
    rows: int | None = None
    verdict: str = "unknown"
    unique_rows: int = 0
    unique: tuple[int, ...] = ()
    incomplete: tuple[int, ...] = ()
    reason: str = ""
    kept: str = ""
    keeper: Keeper | None = None
    obstacle: str = ""

    @property
    def modified(self) -> datetime:
        """When the file was last written, UTC."""
        return datetime.fromtimestamp(self.identity.mtime_ns / 1e9, UTC).replace(microsecond=0)
