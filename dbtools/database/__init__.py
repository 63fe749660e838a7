"""From prompter.db to typed, read-only relations."""

from dbtools.database.attach import ask_facts, attach
from dbtools.database.database import Database

__all__ = ["Database", "ask_facts", "attach"]
