"""One rater at work: which pair is shown, what was answered, and taking it back. It knows of no widget."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from dbtools.analysis.rated import Rated, summarize
from dbtools.analysis.ratings import (
    Comparison,
    RatingPair,
    as_tie,
    choose,
    first_wins,
    load_pool,
    missing_ratings,
    named_rater,
    with_texts,
)
from dbtools.database import Database
from dbtools.database.ratings import CHOICES, Rating, append, read, undo_line
from dbtools.errors import ParameterError
from dbtools.project import Project

_LONGEST = 3600.0  # seconds; who takes longer was elsewhere


class RatingSession:
    """The pairs that one rater sees, and what is written of them.

    Attributes
    ----------
    pair : RatingPair or None
        The pair that is shown; None where none is left.
    pairs : int
        All pairs that can be rated.
    done, left, missing : int
        The pairs that this rater has rated or skipped, and those that are left; about how many ratings a decision
        lacks.
    """

    def __init__(
        self,
        db: Database,
        project: Project,
        rater: str,
        agents: Sequence[str] | None = None,
        seed: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db, self._path, self._clock = db, project.ratings, clock
        self._rater, self._seed = named_rater(rater), seed
        project.check_folder(self._path.parent)
        self._pool = load_pool(db, agents, seed)
        self.pairs = sum(len(some) * (len(some) - 1) // 2 for some in self._pool.prompts.values())
        self._back: list[RatingPair] = []
        self._equal: list[RatingPair] = []  # drawn and not shown: ties, which are written with the next answer
        self.pair: RatingPair | None = None
        self.done = self.left = self.missing = 0
        self._id, self._began = "", 0.0
        self._show(None)

    def rate(self, choice: str) -> None:
        """Write the answer to the pair that is shown, and show the next one. Changes files: adds a line.

        Raises
        ------
        ParameterError
            There is no such answer.
        OSError, ConflictError
            It cannot be written; the same pair stays.
        """
        if choice not in CHOICES:
            raise ParameterError("No such answer", choice, f"use one of {', '.join(CHOICES)}")
        if self.pair is None:
            return
        seconds = round(min(time.monotonic() - self._began, _LONGEST), 1)
        ties = [self._line(pair, "tie", None) for pair in self._equal]
        append(self._path, *ties, self._line(self.pair, choice, seconds))
        self._equal.clear()
        self._show(self._back.pop() if self._back else None)

    def undo(self) -> bool:
        """Take back this rater's last answer and show its pair; tell whether there was one. Changes files: adds a line.

        Raises
        ------
        OSError, ConflictError
            It cannot be written; nothing changes.
        """
        own = [one for one in read(self._path).ratings if one.rater == self._rater and one.seconds is not None]
        if not own:
            return False
        last = own[-1]
        append(self._path, undo_line(secrets.token_hex(8), self._rater, last.id, self._clock()))
        if self.pair:
            self._back.append(self.pair)
        pair = RatingPair(last.prompt, last.left, last.right, last.order)
        known = self._pool.comparisons([last])
        self._show(pair if known else None)
        return True

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @property
    def note(self) -> str:
        """Which lines of the file could not be used; empty where all could."""
        return read(self._path).note

    def standings(self) -> Rated:
        """Return what all ratings say by now of the agents. Reads only."""
        done = [one for one in self._compared() if one.outcome is not None]
        return Rated(**summarize(done, self._pool.agents))

    def _compared(self) -> list[Comparison]:
        return self._pool.comparisons(read(self._path).ratings)

    def _show(self, pair: RatingPair | None) -> None:
        """Show this pair; else the one that is next."""
        compared = self._compared()
        compared += [as_tie(self._pool, one, self._rater) for one in self._equal]
        while pair is None and (pair := choose(self._pool, compared, self._rater, self._seed)) and pair.equal:
            self._equal.append(pair)
            compared.append(as_tie(self._pool, pair, self._rater))
            pair = None
        self.pair = with_texts(self._db, pair) if pair else None
        own = [one for one in compared if one.rater == self._rater and one.seconds is not None]
        self.done, self.missing = len(own), missing_ratings(self._pool.agents, first_wins(compared))
        seen = {frozenset(one.versions) for one in compared if one.rater == self._rater}
        self.left = max(0, self.pairs - len(seen))
        self._id, self._began = secrets.token_hex(8), time.monotonic()

    def _line(self, pair: RatingPair, choice: str, seconds: float | None) -> dict[str, object]:
        # Who presses again after an error writes the same id: of two such lines, the last counts.
        name = self._id if seconds is not None else secrets.token_hex(8)
        made = Rating(
            name, self._clock(), self._rater, pair.prompt_id, pair.left, pair.right, choice, seconds, pair.order
        )
        return made.to_line()
