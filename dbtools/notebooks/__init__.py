"""Notebooks: run one with checked parameters and get a notebook, a page and the numbers it recorded."""

from dbtools.notebooks.catalog import Notebook, Parameter, bind, catalog, find
from dbtools.notebooks.execute import Report, refresh, run
from dbtools.notebooks.recording import record

__all__ = ["Notebook", "Parameter", "Report", "bind", "catalog", "find", "record", "refresh", "run"]
