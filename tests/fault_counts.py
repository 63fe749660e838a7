"""What the fault suites try, counted as they run.

With ``FAULTS=all`` in the environment every combination is tried; without, a sample of the large ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from faulty_system import lost

from dbtools.cleanup.model import Plan

ALL = os.environ.get("FAULTS") == "all"
T = TypeVar("T")


@dataclass
class Tally:
    """What one suite tried.

    Attributes
    ----------
    calls : int
        System calls at which a fault was put, each counted once.
    runs : int
        Runs with a fault in them.
    states : int
        Trees that were examined after a fault.
    lost : int
        Bytes of planned files that were found nowhere.
    """

    calls: int = 0
    runs: int = 0
    states: int = 0
    lost: int = 0

    def examine(self, plan: Plan) -> None:
        """Prove that every planned content is in the tree or in a backup that bears its hash."""
        self.prove(lost(plan))

    def prove(self, gone: Mapping[str, int]) -> None:
        """Count a tree that was examined, and prove that no content, given with its size, is gone."""
        self.states += 1
        self.lost += sum(gone.values())
        assert not gone

    def some(self, cases: Sequence[T], most: int) -> list[T]:
        """Return all the cases when every one is to be tried, else `most` of them, spread over the whole."""
        if ALL or len(cases) <= most:
            return list(cases)
        return [cases[i] for i in sorted(random.Random(len(cases)).sample(range(len(cases)), most))]
