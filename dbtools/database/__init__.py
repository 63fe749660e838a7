"""From prompter.db to typed, read-only relations."""

from dbtools.database.attach import attach
from dbtools.database.database import Database

__all__ = ["Database", "attach"]
