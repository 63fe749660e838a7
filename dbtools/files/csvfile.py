"""Read CSV files that several program versions appended to: ragged rows, repeated headers, bad encoding."""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TextIO

from dbtools.files.layouts import Layout, recognise

_LONGEST_CELL = min(sys.maxsize, 2**31 - 1)
_SHOWN = 5
_PROBLEMS = ("ragged", "bad encoding", "bad quoting")


class Row(NamedTuple):  # there may be millions, and a dataclass takes three times as long to make
    r"""One record after the header.

    Attributes
    ----------
    number, line : int
        Its number (1 = first after the header) and the line of the file it ends on.
    cells : tuple of str
        As many as the record has; bytes that are not UTF-8 are written ``\xff``.
    problem : str
        ``ragged``, ``bad encoding``, ``bad quoting``, or empty.
    """

    number: int
    line: int
    cells: tuple[str, ...]
    problem: str


@dataclass(frozen=True)
class CsvFile:
    """A CSV file as read: its header, its layout if known, its records, and what is wrong with it.

    Attributes
    ----------
    repeated_headers, other_headers : tuple of int
        The lines on which a header stands among the records; those of them on which it is one of another layout.
    """

    header: tuple[str, ...]
    layout: Layout | None
    rows: tuple[Row, ...]
    repeated_headers: tuple[int, ...]
    other_headers: tuple[int, ...] = ()

    @cached_property
    def columns(self) -> dict[str, int]:
        """The place of each column, by lower-case name; of twins the first counts."""
        return {name.strip().lower(): i for i, name in reversed(list(enumerate(self.header)))}

    @property
    def notes(self) -> str:
        """What is wrong with the file, in words; empty when nothing is."""
        found = [(problem, [r.line for r in self.rows if r.problem == problem]) for problem in _PROBLEMS]
        found.append(("repeated header", list(self.repeated_headers)))
        return "; ".join(
            f"{len(lines)} {problem} ({'line' if len(lines) == 1 else 'lines'} "
            f"{', '.join(map(str, lines[:_SHOWN]))}{' …' if len(lines) > _SHOWN else ''})"
            for problem, lines in found
            if lines
        )


def read(path: Path) -> CsvFile:
    """Read a CSV file whole. Reads only; raises OSError as the file system does."""
    # csv refuses cells above 128 KiB by default; prompts may be megabytes.
    csv.field_size_limit(_LONGEST_CELL)
    try:
        return _read(path, sound=True)
    except (UnicodeDecodeError, csv.Error):
        return _read(path, sound=False)


def _read(path: Path, sound: bool) -> CsvFile:
    """Read a file that must be UTF-8 and quoted by the rules, or any; the first says the same of it in less time."""
    with path.open(encoding="utf-8-sig", errors="strict" if sound else "surrogateescape", newline="") as handle:
        reader = csv.reader(handle, strict=sound)
        header = _clean(next(reader, []))
        layout, width = recognise(header), len(header)
        rows, repeated, others = [], [], []
        for number, raw in enumerate(reader, 1):
            cells = tuple(raw) if sound else _clean(raw)
            if cells == header or (len(raw) > 1 and recognise(raw) is not None):
                repeated.append(reader.line_num)
                if recognise(raw) != layout:
                    others.append(reader.line_num)
            elif raw:
                problem = "" if len(raw) == width else "ragged"
                if not sound and cells != tuple(raw):
                    problem = "bad encoding"
                rows.append(Row(number, reader.line_num, cells, problem))
        if not sound:
            broken = _broken_from(handle)
            rows = [row._replace(problem="bad quoting") if row.line >= broken else row for row in rows]
    return CsvFile(header, layout, tuple(rows), tuple(repeated), tuple(others))


def _broken_from(handle: TextIO) -> float:
    """Return the line at which strict reading fails: a quote left open there may have swallowed whole rows."""
    handle.seek(0)
    reader = csv.reader(handle, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error:
        return line
    return math.inf


def _clean(cells: list[str]) -> tuple[str, ...]:
    r"""Return cells whose bytes that are not UTF-8 are written ``\xff``."""
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return tuple(c.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for c in cells)
    return tuple(cells)
