"""Show: charts for reports and JupyterLab."""

from dbtools.show import charts, time_charts, usage_charts

__all__ = ["charts", "time_charts", "usage_charts"]
