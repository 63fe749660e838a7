"""Analysis: which agent is effective, and how sure that is."""

from dbtools.analysis.effectiveness import Effectiveness, effectiveness

__all__ = ["Effectiveness", "effectiveness"]
