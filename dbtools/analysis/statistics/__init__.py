"""The statistics the analyses share: functions of numbers, which know nothing of prompts and agents."""

from dbtools.analysis.statistics.proportions import INTERVALS, wilson_interval

__all__ = ["INTERVALS", "wilson_interval"]
