"""Analysis: which agent is effective, how prompts evolve, what it costs, and how sure that is.

Each function takes an attached database, or a project or path, which is attached for the call.
"""

from dbtools.analysis.application import ApplicationStats, application_stats
from dbtools.analysis.effectiveness import Effectiveness, effectiveness
from dbtools.analysis.evolution import Evolution, evolution
from dbtools.analysis.rating_file import load_ratings
from dbtools.analysis.ratings import RatingPair, next_pair
from dbtools.analysis.recommend import Recommendation, recommend
from dbtools.analysis.segments import Segments, segments
from dbtools.analysis.usage import Usage, usage

__all__ = [
    "ApplicationStats",
    "Effectiveness",
    "Evolution",
    "RatingPair",
    "Recommendation",
    "Segments",
    "Usage",
    "application_stats",
    "effectiveness",
    "evolution",
    "load_ratings",
    "next_pair",
    "recommend",
    "segments",
    "usage",
]
