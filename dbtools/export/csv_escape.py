"""Guard text cells that a spreadsheet would run as a formula, so that the guard can be taken off exactly."""

from __future__ import annotations

import re

from dbtools.database.sql import quote

# Blanks and quotes before a formula sign do not stop a spreadsheet; a leading tab or line break hides one. Leading
# apostrophes belong to both branches: a guarded cell then matches again, which is what makes unguarding exact. The
# blanks are spelled out because \s means one set to Python and another to DuckDB.
_RISKY = r"""^[ \t\n\f\r\x0b\x00\x{a0}\x{feff}"']*[=+\-@＝＋－＠]|^'*[\t\r\n]"""
_PATTERN = re.compile(_RISKY.replace(r"\x{a0}\x{feff}", "\u00a0\ufeff"))

MACROS = f"""
CREATE MACRO guarded(t) AS CASE WHEN regexp_matches(t, {quote(_RISKY)}) THEN '''' || t ELSE t END;
CREATE MACRO unguarded(t) AS
  CASE WHEN starts_with(t, '''') AND regexp_matches(substr(t, 2), {quote(_RISKY)}) THEN substr(t, 2) ELSE t END;
"""


def unguard(text: str) -> str:
    """Return a guarded cell as the database holds it: without the apostrophe that the guard put in front.

    Reads only. Every cell of a guarded file can be passed through; cells that were not guarded come back as they are.
    """
    return text[1:] if text.startswith("'") and _PATTERN.search(text[1:]) else text
