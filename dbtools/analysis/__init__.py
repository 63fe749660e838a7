"""Analysis: which agent is effective, and how sure that is."""

from dbtools.analysis.application import ApplicationStats, application_stats
from dbtools.analysis.effectiveness import Effectiveness, effectiveness

__all__ = ["ApplicationStats", "Effectiveness", "application_stats", "effectiveness"]
