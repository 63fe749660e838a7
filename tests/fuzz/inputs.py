"""What the fuzz tests share: how much to try, how much was tried, and how files are damaged."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EFFORT = int(os.environ.get("DBTOOLS_FUZZ", "1"))  # `make fuzz` tries this many times as much
FILES = int(os.environ.get("DBTOOLS_FUZZ_FILES", "20000"))
TRIED: Counter[str] = Counter()
NOTES: list[str] = []


def examples(number: int) -> settings:
    """Return how many examples to try; always the same ones, unless more are asked for."""
    return settings(
        max_examples=number * EFFORT,
        deadline=None,
        derandomize=EFFORT == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# Names and texts that are hard on parsers, quoting, terminals and browsers.
ODD = (
    "",
    " ",
    ".",
    "..",
    "-",
    "-rf",
    "--root",
    "~",
    "~nobody",
    "a\nb",
    "a\0b",
    "a\x1b[31mb",
    "it's",
    'say "x"',
    "'; DROP TABLE prompts; --",
    "{x}",
    "%s",
    "$(id)",
    "`id`",
    "*?[a]",
    "../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "C:\\x",
    "ü🙂",
    "\u202eevil",
    "\ufeff",
    os.fsdecode(b"\xff\xfe"),
    "<script>alert(1)</script>",
    "x" * 300,
    "x" * 5000,
    "None",
    "[",
    "[" * 5000,
    "1e999",
    "9" * 5000,
)
odd = st.one_of(st.sampled_from(ODD), st.text(max_size=20))

# One change to the bytes of a file; numbers are taken modulo its length.
_place = st.integers(0, 1 << 30)
_flip = st.builds(lambda at, bit: lambda b: _set(b, at, b[at % len(b)] ^ (1 << bit)), _place, st.integers(0, 7))
_early = st.builds(lambda at, to: lambda b: _set(b, at % 200, to), _place, st.integers(0, 255))  # the header
_smear = st.builds(lambda at, by: lambda b: _splice(b, at, by), _place, st.binary(min_size=1, max_size=64))
_cut = st.builds(lambda at: lambda b: b[: at % (len(b) + 1)], _place)
_zero = st.builds(lambda at: zeroed(at), _place)
_grow = st.builds(lambda by: lambda b: b + by, st.binary(min_size=1, max_size=9000))
damages = st.lists(st.one_of(_flip, _flip, _early, _smear, _cut, _zero, _grow), min_size=1, max_size=8)


def zeroed(at: int) -> Callable[[bytes], bytes]:
    """Return a change that overwrites a page's worth of bytes with zeros."""
    return lambda content: _splice(content, at, bytes(4096))


def damaged(content: bytes, changes: list[Callable[[bytes], bytes]]) -> bytes:
    """Return `content` after the changes; nothing is left to change in an empty file."""
    for change in changes:
        content = change(content) if content else content
    return content


def _set(content: bytes, at: int, value: int) -> bytes:
    at %= len(content)
    return content[:at] + bytes([value]) + content[at + 1 :]


def _splice(content: bytes, at: int, piece: bytes) -> bytes:
    at %= len(content)
    return content[:at] + piece + content[at + len(piece) :]


def write_as(folder: Path, name: str, content: bytes) -> Path | None:
    """Write a file of any name that the file system takes; None where it takes none."""
    path = Path(os.path.join(folder, name))  # noqa: PTH118 - Path would drop what the name ends in
    try:
        path.write_bytes(content)
    except (OSError, ValueError):
        return None
    return path
