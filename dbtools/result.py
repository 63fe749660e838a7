"""What every result offers: a table, one sentence, details, and JSON-ready values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from dbtools.html import bullets, table

if TYPE_CHECKING:
    import pandas as pd


class Highlight(NamedTuple):
    """One thing that matters in a result: how bad it is, in words, and the anchor of the place that explains it."""

    level: str
    text: str
    anchor: str


class Result(ABC):
    """A result that Jupyter shows as its sentence, its table and its details.

    A subclass defines `frame`, `sentence` and `to_dict`, and `_table` where the table is not the whole frame.
    """

    @property
    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The rows of the result."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What the result says, in one sentence."""

    @property
    def details(self) -> list[str]:
        """What belongs to the sentence: numbers, rows left out, caveats. One item each."""
        return []

    @property
    def level(self) -> str:
        """How bad the sentence is: one of `dbtools.html.LEVELS`."""
        return "good"

    @property
    def highlights(self) -> list[Highlight]:
        """The five things that matter most, worst first."""
        return []

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""

    @property
    def _caption(self) -> str:
        return self.sentence[:1].upper() + self.sentence[1:]

    def _table(self) -> str:
        return table(self.frame, caption=self._caption)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sentence})"

    def _repr_html_(self) -> str:
        return self._table() + bullets(self.details)


def frame_of(found: Iterable[Any], columns: list[str] | type | None = None) -> pd.DataFrame:
    """Return rows (dicts, tuples, instances of a data class) or columns by name as a frame of pandas.

    `columns` are the names of the columns, or the data class whose fields they are.
    """
    import pandas as pd

    names = [field.name for field in fields(columns)] if isinstance(columns, type) else columns
    return pd.DataFrame(found, columns=names)
