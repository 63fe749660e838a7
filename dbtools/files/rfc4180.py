"""Count the records of a CSV file, and prove that every reader finds the same ones in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    _Positions = npt.NDArray[np.intp]

LONGEST = 2_000_000  # bytes of a record
_CHUNK = 4 << 20
_NUL, _LF, _CR, _QUOTE, _COMMA = b'\0\n\r",'


def count_records(
    handle: BinaryIO, width: int, line_end: bytes, words: Sequence[bytes], is_header: Callable[[list[str]], bool]
) -> int | None:
    r"""Count the records that follow a file's header, or return None where readers may differ. Reads only.

    Every reader finds the same records in what RFC 4180 describes: UTF-8 without NUL, all line ends alike, as many
    cells in each record as in the header, and quotes only around a cell or doubled inside one. None is no
    finding: such a file may be sound, but too unusual to be proved here.

    Parameters
    ----------
    handle : BinaryIO
        The file, open after its header.
    width : int
        How many cells the header has.
    line_end : bytes
        The line end of the header, ``\n`` or ``\r\n``.
    words : sequence of bytes
        Every further header has one of these, in letters of any case.
    is_header : callable
        Tells of a record with such a word whether it is a header; a file with one is not counted.
    """
    data, count = b"\n", 0  # a chunk begins with the line end before its first record
    while block := handle.read(_CHUNK):
        data += block
        checked = _check(data, width, line_end, words, is_header)
        if checked is None:
            return None
        records, size = checked
        data, count = data[size:], count + records
    if data != b"\n":
        checked = _check(data + line_end, width, line_end, words, is_header)
        if checked is None or checked[1] != len(data + line_end) - 1:
            return None
        count += checked[0]
    return count


def _check(
    data: bytes, width: int, line_end: bytes, words: Sequence[bytes], is_header: Callable[[list[str]], bool]
) -> tuple[int, int] | None:
    """Return how many whole records a chunk has and where the last of them ends, or None where readers may differ."""
    import numpy as np

    codes = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    ends = _unquoted(codes, _LF, quotes)
    size = int(ends[-1])
    quotes = quotes[quotes < size]
    opening, closing = quotes[::2], quotes[1::2]
    returns, commas = (_unquoted(codes[:size], code, quotes) for code in (_CR, _COMMA))
    try:
        data[:size].decode()
    except UnicodeDecodeError:
        return None
    sound = (
        b"\0" not in data
        and len(data) - size <= LONGEST
        and bool((np.diff(ends) <= LONGEST).all())
        and bool((np.diff(np.searchsorted(commas, ends)) == width - 1).all())
        and np.array_equal(returns + 1, ends[1:] if line_end == b"\r\n" else ends[:0])
        and bool(np.isin(codes[opening - 1], (_COMMA, _LF, _QUOTE)).all())
        and bool(np.isin(codes[closing + 1], (_COMMA, _LF, _CR, _QUOTE)).all())
        and not any(is_header(record) for record in _records_with(data[:size], ends, words))
    )
    return (len(ends) - 1, size) if sound else None


def _unquoted(codes: npt.NDArray[np.uint8], code: int, quotes: _Positions) -> _Positions:
    """Return where a character stands outside quotes: after an even number of them."""
    import numpy as np

    places = np.flatnonzero(codes == code)
    before = np.searchsorted(quotes, places)
    unquoted: _Positions = places[before % 2 == 0]
    return unquoted


def _records_with(data: bytes, ends: _Positions, words: Sequence[bytes]) -> Iterator[list[str]]:
    """Yield the records that hold one of some words."""
    lower = data.lower()
    for word in words:
        at = lower.find(word)
        while at >= 0:
            number = int(ends.searchsorted(at))
            record = data[ends[number - 1] + 1 : ends[number]].decode()
            yield next(csv.reader(io.StringIO(record, newline="")))
            at = lower.find(word, int(ends[number]))
