"""What changed between two texts, as one readable text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from dbtools.html import counted
from dbtools.redact import redact

_LONGEST = 20_000  # characters of each text that are compared
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_LOOK = {
    "del": "background:rgba(213,94,0,.18);text-decoration:line-through",
    "ins": "background:rgba(0,158,115,.2);text-decoration:none",
}


@dataclass(frozen=True)
class TextDiff:
    """Two texts word by word; in Jupyter removed text is struck out and new text is highlighted.

    Attributes
    ----------
    parts : tuple of (str, str)
        ``=``, ``-`` or ``+``, and the piece of text that both have, only the first has, or only the second.
    """

    sentence: str
    parts: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"TextDiff({self.sentence})"

    def _repr_html_(self) -> str:
        marks = {"-": "del", "+": "ins"}
        pieces = []
        before = ("=", "")
        for kind, text in self.parts:
            if before[0] == "-" and kind == "+" and not (before[1][-1:].isspace() or text[:1].isspace()):
                pieces.append(" ")  # what replaces a word stands apart from it
            before = (kind, text)
            tag, inside = marks.get(kind), html.escape(text)
            pieces.append(f'<{tag} style="{_LOOK[tag]}">{inside}</{tag}>' if tag else inside)
        box = "white-space:pre-wrap;overflow-wrap:anywhere;max-width:60em;line-height:1.5"
        return f'<p><b>{html.escape(self.sentence)}</b></p><div style="{box}">{"".join(pieces)}</div>'


def compare(name_a: str, text_a: str, name_b: str, text_b: str) -> TextDiff:
    """Compare two texts; credentials in them are hidden first, and very long texts cut."""
    cut = max(len(text_a), len(text_b)) > _LONGEST
    words_a, words_b = (_WORDS.findall(redact(text)[:_LONGEST]) for text in (text_a, text_b))
    parts = tuple(_parts(words_a, words_b))
    gone, new = (sum(len(_WORDS.findall(t)) for k, t in parts if k == kind and t.strip()) for kind in "-+")
    note = f"; only the first {_LONGEST:,} characters are compared" if cut else ""
    change = f"{counted(gone, 'word')} gone, {new:,} new" if gone or new else "the same words"
    return TextDiff(f"From {name_a} to {name_b}: {change}{note}.", parts)


def _parts(a: list[str], b: list[str]) -> Iterator[tuple[str, str]]:
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, a, b, autojunk=len(a) + len(b) > 2_000).get_opcodes():
        if kind == "equal":
            yield "=", "".join(a[a_from:a_to])
            continue
        for mark, words in (("-", a[a_from:a_to]), ("+", b[b_from:b_to])):
            if words:
                yield mark, "".join(words)
