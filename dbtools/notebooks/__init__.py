"""Run notebooks with checked parameters; each run writes a notebook, a page and the values it recorded."""

from dbtools.notebooks.catalog import Notebook, Parameter, bind, catalog, find
from dbtools.notebooks.record import record
from dbtools.notebooks.run import Report, refresh, run

__all__ = ["Notebook", "Parameter", "Report", "bind", "catalog", "find", "record", "refresh", "run"]
