"""Read the CSV files of the application: layouts, encodings and separators, damage, and escaped cells."""

from __future__ import annotations

import csv
import math
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from dbtools.database.schema import DIMENSIONS
from dbtools.database.sql import quote
from dbtools.errors import DbtoolsError, readable
from dbtools.files import rfc4180
from dbtools.html import size

if TYPE_CHECKING:
    from _csv import Reader

_LONGEST_CELL = 16 << 20  # characters
_LONGEST_LINE = 32 << 20
_MOST_COLUMNS = 1_000  # of a known layout; rescued rows become a table of as many
_LONGEST_HEADER = 64 << 10
_SMALL = 8 << 20  # bytes; a smaller file is read whole in the time that the proof takes
_PREAMBLE = 20  # how many lines may stand before the header
_SHOWN = 5
_PROBLEMS = ("before the header", "ragged", "bad encoding", "bad quoting")
_ENCODINGS = {"cp1252": "Windows-1252", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # the first line of files for Excel
_SEPARATORS = {",": "", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class CsvError(DbtoolsError):
    """The file cannot be read as CSV within the limits: save it in another form."""


@dataclass(frozen=True)
class Layout:
    """One kind of CSV file, as the application has written it over time.

    Attributes
    ----------
    name : str
        The layout's name.
    needs : frozenset of str
        A header with all of these columns is of this layout.
    id : str
        The column that holds an id of the database, or empty.
    owner : str
        What the id names: ``versions``, ``prompts`` or ``scores``.
    texts : tuple of str
        The columns with texts of the database, that of the row named by the id first.
    others : frozenset of str
        All other columns that any program version wrote.
    demo : bool
        Whether only demonstrations wrote it.
    """

    name: str
    needs: frozenset[str]
    id: str
    owner: str
    texts: tuple[str, ...]
    others: frozenset[str] = frozenset()
    demo: bool = False


_AGENT_COLUMNS = frozenset(
    f"{agent}_{part}"
    for agent in ("syntax", "structure", "domain")
    for part in ("score", "confidence", "suggestions", "improved")
)
LAYOUTS = (
    Layout(
        "multi_agent_log",
        frozenset({"request_id", "original_prompt", "final_prompt", "selected_agent"}),
        "request_id",
        "prompts",
        ("original_prompt", "final_prompt", "syntax_improved", "structure_improved", "domain_improved"),
        frozenset({"timestamp", "decision_rationale", "vote_breakdown", "other_agents"}) | _AGENT_COLUMNS,
    ),
    Layout(
        "temporal_versions",
        frozenset({"version_id", "prompt_id", "text", "change_type"}),
        "version_id",
        "versions",
        ("text",),
        frozenset({"parent_version_id", "timestamp", "change_magnitude", "source"}),
    ),
    Layout(
        "prompt_versions",
        frozenset({"prompt_id", "version_no", "version_uuid", "text"}),
        "version_uuid",
        "versions",
        ("text",),
        frozenset({"source", "explanation", "timestamp"}),
    ),
    Layout(
        "judge_scores",
        frozenset({"version_id", *DIMENSIONS}),
        "version_id",
        "scores",
        (),
        frozenset({"prompt_id", "total", "feedback", "timestamp"}),
    ),
    Layout(
        "learning_log",
        frozenset({"llm_name", "prompt", "original_response"}),
        "",
        "prompts",
        ("prompt", "rewritten_prompt"),
        frozenset({"prompt_id", "rewritten_response", "learning_memory", "timestamp"}),
        demo=True,
    ),
)
NAMES = frozenset[str]().union(*(layout.needs | layout.others | set(layout.texts) for layout in LAYOUTS))
# No header is without one of these; each is long, so that few texts have it.
HEADER_WORDS = tuple(max(sorted(layout.needs), key=len).encode() for layout in LAYOUTS)


class Row(NamedTuple):  # there may be millions, and a dataclass takes three times as long to make
    r"""One record.

    Attributes
    ----------
    number, line : int
        Its number (1 = first after the header, 0 and less: before it) and the line of the file it ends on.
    cells : tuple of str
        As many as the record has; bytes that are not of the file's encoding are written ``\xff``.
    problem : str
        ``before the header``, ``ragged``, ``bad encoding``, ``bad quoting``, or empty.
    """

    number: int
    line: int
    cells: tuple[str, ...]
    problem: str


@dataclass(frozen=True)
class UnreadRows:
    """The records of a file in which every reader finds the same ones: they are counted, and read at each use."""

    path: Path
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        csv.field_size_limit(_LONGEST_CELL)
        with self.path.open(encoding="utf-8", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            next(reader)
            for number, raw in enumerate(reader, 1):
                yield Row(number, reader.line_num, tuple(raw), "")


@dataclass(frozen=True)
class CsvFile:
    """A CSV file as read: its header, its layout if known, its records, and what is wrong with it.

    Attributes
    ----------
    rows : tuple of Row, or UnreadRows
        The records.
    repeated_headers, other_headers : tuple of int
        The lines on which a header stands among the records; those of them on which it is one of another layout.
    dialect : str
        How the file was read, where not as UTF-8 with commas.
    """

    header: tuple[str, ...]
    layout: Layout | None
    rows: tuple[Row, ...] | UnreadRows
    repeated_headers: tuple[int, ...]
    other_headers: tuple[int, ...] = ()
    dialect: str = ""

    @cached_property
    def columns(self) -> dict[str, int]:
        """The index of each column, by lower-case name; of several with one name the first counts."""
        return {_column_name(name): i for i, name in reversed(list(enumerate(self.header)))}

    @cached_property
    def faulty_rows(self) -> tuple[Row, ...]:
        """The records with a problem."""
        return () if isinstance(self.rows, UnreadRows) else tuple(row for row in self.rows if row.problem)

    def select(self, numbers: Collection[int]) -> Iterator[Row]:
        """Yield the records with these numbers; the file is not read beyond the last of them."""
        last = max(numbers, default=-_PREAMBLE)
        wanted = set(numbers)
        return (row for row in takewhile(lambda row: row.number <= last, self.rows) if row.number in wanted)

    @property
    def notes(self) -> str:
        """What is wrong with the file, in words; empty when nothing is."""
        found = [(problem, [r.line for r in self.faulty_rows if r.problem == problem]) for problem in _PROBLEMS]
        found.append(("repeated header", list(self.repeated_headers)))
        problems = (
            f"{len(lines)} {problem} ({'line' if len(lines) == 1 else 'lines'} "
            f"{', '.join(map(str, lines[:_SHOWN]))}{' …' if len(lines) > _SHOWN else ''})"
            for problem, lines in found
            if lines
        )
        return "; ".join(filter(None, (self.dialect, *problems)))


@dataclass(frozen=True)
class _Dialect:
    """How the text of a file is divided: what separates cells, and how many lines stand before the header."""

    separator: str = ","
    skipped: int = 0
    preamble: tuple[tuple[int, str], ...] = ()  # those of the skipped lines that say something, with their numbers


def recognise(header: Sequence[str]) -> Layout | None:
    """Return the layout whose columns the header holds, or None. Pure."""
    if "_" not in "".join(header):
        return None  # every layout needs a name with one; this is asked for every row
    present = {_column_name(name) for name in header}
    return next((layout for layout in LAYOUTS if layout.needs <= present), None)


def read(path: Path) -> CsvFile:
    """Read a CSV file whole: UTF-8, UTF-16 or Windows-1252, whatever separates its cells. Reads only.

    Raises
    ------
    OSError
        As the file system does.
    CsvError
        It is no regular file, a cell, a line or the header is too long, or a UTF-16 file is damaged.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise CsvError("It is not a regular file", path.name, "examine it by hand")
    csv.field_size_limit(_LONGEST_CELL)  # 128 KiB by default; prompts may be megabytes
    encoding = _encoding_of_wide(path) or "utf-8-sig"
    try:
        return _read(path, encoding, strict=True)
    except (UnicodeDecodeError, csv.Error):
        pass
    if encoding == "utf-8-sig" and _is_windows(path):
        encoding = "cp1252"
    try:
        return _read(path, encoding, strict=False)
    except UnicodeDecodeError:
        raise CsvError(f"The file is not sound {_ENCODINGS[encoding]}", path.name, "save it as UTF-8") from None
    except csv.Error as error:
        shown = str(error).replace(str(_LONGEST_CELL), size(_LONGEST_CELL))
        raise CsvError(f"The file cannot be read as CSV ({shown})", path.name, "examine it by hand") from None


def read_fast(path: Path) -> CsvFile:
    """Read a CSV file as `read` does, but leave the records of a large one unread where every reader finds the same.

    The file must not change until they have been used.
    """
    if readable(str(path)) == str(path) and stat.S_ISREG(path.stat().st_mode) and path.stat().st_size >= _SMALL:
        with path.open("rb") as handle:
            line = handle.readline(_LONGEST_HEADER)
            line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
            text = line.removesuffix(line_end).decode("ascii", "replace")
            header = tuple(text.split(","))
            layout = recognise(header)
            if layout and text.isprintable() and '"' not in text and len(header) <= _MOST_COLUMNS:
                again = partial(_is_header, header, _names(header))
                count = rfc4180.count_records(handle, len(header), line_end, HEADER_WORDS, again)
                if count is not None:
                    return CsvFile(header, layout, UnreadRows(path, count), ())
    return read(path)


def _names(header: Sequence[str]) -> frozenset[str]:
    """Return every name that a column of a further header may have."""
    return NAMES.union(map(_column_name, header), [""])


def _is_header(header: tuple[str, ...], names: frozenset[str], record: Sequence[str]) -> bool:
    """Tell whether a record is the header again, or one of another layout."""
    again = len(record) > 1 and recognise(record) is not None and names.issuperset(map(_column_name, record))
    return again or tuple(record) == header


def _read(path: Path, encoding: str, strict: bool) -> CsvFile:
    """Read a file strictly, or allow damaged bytes and quotes; a sound file gives the same result either way."""
    damaged = "surrogateescape" if encoding == "utf-8-sig" and not strict else "strict"
    with path.open(encoding=encoding, errors=damaged, newline="") as handle:
        dialect = _dialect(handle)
        reader = _reader(handle, path, dialect, strict)
        header = _clean(next(reader, []))
        layout, width, skipped = recognise(header), len(header), dialect.skipped
        if layout and width > _MOST_COLUMNS:
            what = f"The file has {width:,} columns and at most {_MOST_COLUMNS:,} are read"
            raise CsvError(what, path.name, "examine it by hand")
        names = _names(header)
        first = 1 - len(dialect.preamble)
        rows = [Row(n, line, (text,), _PROBLEMS[0]) for n, (line, text) in enumerate(dialect.preamble, first)]
        repeated, others = [], []
        for number, raw in enumerate(reader, 1):
            cells = tuple(raw) if strict else _clean(raw)
            if _is_header(header, names, cells):
                repeated.append(skipped + reader.line_num)
                if recognise(cells) != layout:
                    others.append(skipped + reader.line_num)
            elif raw:
                problem = "" if len(raw) == width else "ragged"
                if not strict and cells != tuple(raw):
                    problem = "bad encoding"
                rows.append(Row(number, skipped + reader.line_num, cells, problem))
        if not strict:
            broken = skipped + _first_broken_line(handle, path, dialect)
            rows = [row._replace(problem="bad quoting") if row.line >= broken else row for row in rows]
    read_as = [
        f"read as {_ENCODINGS[encoding]}" if encoding in _ENCODINGS else "",
        f"separated by {_SEPARATORS.get(dialect.separator, dialect.separator)}" if dialect.separator != "," else "",
    ]
    return CsvFile(header, layout, tuple(rows), tuple(repeated), tuple(others), ", ".join(filter(None, read_as)))


def _encoding_of_wide(path: Path) -> str | None:
    """Return the encoding of a UTF-16 file, by its byte order mark or by where its zero bytes are; None for others."""
    with path.open("rb") as handle:
        head = handle.read(4096)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    zeros = head[0::2].count(0), head[1::2].count(0)
    enough = len(head) // 4  # half of the characters at least are those of ASCII
    if enough and not zeros[0] and zeros[1] > enough:
        return "utf-16-le"
    return "utf-16-be" if enough and not zeros[1] and zeros[0] > enough else None


def _is_windows(path: Path) -> bool:
    """Tell whether a file is Windows-1252: all of it can be, and no line with such characters is UTF-8."""
    found = False
    with path.open("rb") as handle:
        while line := handle.readline(_LONGEST_LINE):
            if not line.isascii():
                found = True
                try:
                    line.decode()
                    return False
                except UnicodeDecodeError:
                    pass
                try:
                    line.decode("cp1252")
                except UnicodeDecodeError:
                    return False
    return found


def _dialect(handle: TextIO) -> _Dialect:
    """Find the header of a known layout among the first lines, and what separates its cells."""
    separators = tuple(_SEPARATORS)
    preamble: list[tuple[int, str]] = []
    lines = iter(lambda: handle.readline(_LONGEST_LINE), "")
    for skipped, line in enumerate(islice(lines, _PREAMBLE)):
        text = line.strip("\r\n\ufeff")
        if named := _SEPARATOR_LINE.fullmatch(text):
            separators = (named[1],)
            continue
        for separator in separators if len(text) < _LONGEST_HEADER else ():
            if recognise(next(csv.reader([text], delimiter=separator), [])):
                return _Dialect(separator, skipped, tuple(preamble))
        if text.strip():
            preamble.append((skipped + 1, _clean([text])[0]))
    return _Dialect()


def _reader(handle: TextIO, path: Path, dialect: _Dialect, strict: bool) -> Reader:
    """Return a reader at the file's header."""
    handle.seek(0)
    for _ in range(dialect.skipped):
        handle.readline(_LONGEST_LINE)
    lines = handle if path.stat().st_size <= _LONGEST_LINE else _short_lines(handle, path)
    return csv.reader(lines, strict=strict, delimiter=dialect.separator)


def _short_lines(handle: TextIO, path: Path) -> Iterator[str]:
    while line := handle.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise CsvError(f"A line is longer than {size(_LONGEST_LINE)}", path.name, "examine the file by hand")
        yield line


def _first_broken_line(handle: TextIO, path: Path, dialect: _Dialect) -> float:
    """Return the line at which strict reading fails: a quote left open there may have swallowed whole rows."""
    reader = _reader(handle, path, dialect, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error:
        return line
    return math.inf


def _clean(cells: list[str]) -> tuple[str, ...]:
    r"""Return cells whose bytes that are not of the file's encoding are written ``\xff``."""
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return tuple(c.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for c in cells)
    return tuple(cells)


def _column_name(heading: str) -> str:
    return heading.strip().strip("\ufeff").lower()


# Text that a spreadsheet would run as a formula. Blanks and quotes before a formula sign do not stop a spreadsheet; a
# leading tab or line break hides one. Leading apostrophes belong to both branches: an escaped cell then matches again,
# which makes unescaping exact. The blanks are spelled out because \s means one set to Python and another to DuckDB.
_FORMULA = r"""^[ \t\n\f\r\x0b\x00\x{a0}\x{feff}"']*[=+\-@＝＋－＠]|^'*[\t\r\n]"""
_PATTERN = re.compile(_FORMULA.replace(r"\x{a0}\x{feff}", "\u00a0\ufeff"))

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")

# A file's rows with every cell as text. The buffer is named because DuckDB would take sixteen times the longest line;
# the file is no bound value because for one DuckDB imports pandas.
READER = (
    "read_csv({file}, auto_detect = false, header = true, columns = {texts}, delim = ',', quote = '\"', escape = '\"', "
    "nullstr = '', allow_quoted_nulls = false, parallel = false, hive_partitioning = false, "
    "max_line_size = {longest}, buffer_size = 2 * {longest})"
)

ESCAPE_MACROS = f"""
CREATE TEMP MACRO escaped(t) AS CASE WHEN regexp_matches(t, {quote(_FORMULA)}) THEN '''' || t ELSE t END;
CREATE TEMP MACRO unescaped(t) AS
  CASE WHEN starts_with(t, '''') AND regexp_matches(substr(t, 2), {quote(_FORMULA)}) THEN substr(t, 2) ELSE t END;
"""


def escape(text: str) -> str:
    """Return a cell with an apostrophe in front where a spreadsheet would run it as a formula; a number is none."""
    return f"'{text}" if _PATTERN.search(text) and not _NUMBER.fullmatch(text) else text


def unescape(text: str) -> str:
    """Return an escaped cell as the database holds it: without the apostrophe that the export put in front.

    Reads only. Every cell of an escaped file can be passed through; cells that were not escaped come back as they are.
    """
    return text[1:] if text.startswith("'") and _PATTERN.search(text[1:]) else text
