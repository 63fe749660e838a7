"""From prompter.db to typed, read-only relations."""

from dbtools.source.database import Database, attach

__all__ = ["Database", "attach"]
