"""From prompter.db to typed, read-only relations."""

from dbtools.source.attaching import ask_facts, attach
from dbtools.source.database import Database

__all__ = ["Database", "ask_facts", "attach"]
