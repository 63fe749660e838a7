"""Check the statements of a cleanup guide against the data."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbtools.audit import guide as text
from dbtools.audit.guide import Statement
from dbtools.audit.verdicts import Verdicts
from dbtools.errors import ParameterError, usable
from dbtools.html import table
from dbtools.project import Project
from dbtools.redact import redact
from dbtools.result import Result

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1 << 20  # bytes; what a person writes is shorter


@dataclass(frozen=True)
class Claim:
    """One statement of a guide, and what the data say of it.

    Attributes
    ----------
    kind : str
        ``file``, ``size``, ``rows``, ``groups``, ``duplicate``, ``regenerable``, ``space``, ``files`` or ``query``.
    claim : str
        The guide's own words, where it says so first.
    lines : tuple of int
        Every line that states the same.
    verdict : str
        ``true``, ``false`` or ``not checkable``.
    reason : str
        How it was found, or why it cannot be.
    """

    kind: str
    claim: str
    lines: tuple[int, ...]
    expected: str
    found: str
    verdict: str
    reason: str


@dataclass(frozen=True, repr=False)
class Claims(Result):
    """The statements of a guide, each judged once, in the order of the guide's lines."""

    guide: str
    claims: tuple[Claim, ...]

    def having(self, verdict: str) -> tuple[Claim, ...]:
        """Return the claims of one verdict: ``true``, ``false`` or ``not checkable``."""
        return tuple(c for c in self.claims if c.verdict == verdict)

    @property
    def sentence(self) -> str:
        """How many statements hold, and which do not."""
        if not self.claims:
            return "the guide states nothing that can be checked"
        false = self.having("false")
        named = "; ".join(f"{c.claim}: found {c.found}" for c in false[:4]) + (" …" if len(false) > 4 else "")
        return redact(
            f"{len(false)} of {len(self.claims)} statements of the guide are false{f' ({named})' if false else ''}, "
            f"{len(self.having('true'))} true, {len(self.having('not checkable'))} cannot be checked"
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per claim: claim, line, expected, found, verdict, reason, kind, repeated (on other lines)."""
        import pandas as pd

        rows = [
            {
                "claim": c["claim"],
                "line": c["lines"][0],
                "expected": c["expected"],
                "found": c["found"],
                "verdict": c["verdict"],
                "reason": c["reason"],
                "kind": c["kind"],
                "repeated": ", ".join(map(str, c["lines"][1:])),
            }
            for c in self.to_dict()["claims"]
        ]
        columns = ["claim", "line", "expected", "found", "verdict", "reason", "kind", "repeated"]
        return pd.DataFrame(rows, columns=columns)

    def _table(self) -> str:
        order = {"false": 0, "not checkable": 1, "true": 2}
        frame = self.frame.sort_values("verdict", key=lambda v: v.map(order), kind="stable")
        shown = frame[["verdict", "claim", "found", "reason", "line", "repeated"]]
        # A line number is a name: it takes no thousands separator.
        return table(shown.astype({"line": "str"}), caption=self._caption)

    def to_dict(self) -> dict[str, Any]:
        """Return the claims as JSON-ready values; what looks like a secret is left out."""
        claims = [
            {k: redact(v) if isinstance(v, str) else list(v) for k, v in vars(claim).items()} for claim in self.claims
        ]
        counts = {v: len(self.having(v)) for v in ("true", "false", "not checkable")}
        return {"guide": self.guide, "counts": counts, "claims": claims}


def claims(project: Project | str | os.PathLike[str], guide: str | os.PathLike[str]) -> Claims:
    """Judge each checkable statement of a cleanup guide in Markdown by the project as it is now. Reads only.

    Statements that say the same of the same thing are judged once and listed with all their lines. A size holds where
    the file's, rounded to the figure given (or rounded up to it, as ``ls -h`` does), is that figure, with 1 KB = 1000
    or 1024 bytes; one given as "about" may be 5% off. SQL in a guide is never run: counts of a table, whole or by one
    column, are recognised, other queries are not checkable. Nor is anything said of a file that the guide deletes
    and that is gone.

    Parameters
    ----------
    guide : path
        Relative to the current folder, else to the project's root.

    Raises
    ------
    ParameterError
        The guide is no readable text of at most 1 MB.
    """
    project = Project.find(project)
    with usable(guide):
        path = Path(guide).expanduser()
        if not path.is_absolute() and not path.exists():
            path = project.root / path
        stated = text.read(_read(path))
    same: dict[Statement, list[Statement]] = {}
    with ExitStack() as stack:
        verdicts = Verdicts(project, stated, stack)
        for s in stated.statements:
            # Said in other words, or of a database in use without naming it, it is still the same statement.
            same.setdefault(replace(s, claim="", line=0, file=verdicts.about(s)), []).append(s)
        judged = [(key.kind, said, verdicts.judge(key)) for key, said in same.items()]
    return Claims(
        project.relative(path.absolute()),
        tuple(
            Claim(kind, said[0].claim, tuple(sorted({s.line for s in said})), *facts) for kind, said, facts in judged
        ),
    )


def _read(path: Path) -> str:
    if not path.is_file():
        raise ParameterError("No such guide", path, "give a text file in Markdown")
    if path.stat().st_size > LARGEST:
        raise ParameterError("The guide is larger than 1 MB", path, "give a text that a person wrote")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ParameterError("The guide cannot be read as UTF-8 text", path, "save it as UTF-8") from None
    if "\0" in content:
        raise ParameterError("The guide is not a text", path, "give a text file in Markdown")
    return content
