"""Show: charts for reports and JupyterLab."""

from dbtools.show import charts

__all__ = ["charts"]
