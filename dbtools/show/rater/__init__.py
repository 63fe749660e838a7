"""The widget in which people rate versions blind."""

from dbtools.show.rater.rater import Rater

__all__ = ["Rater"]
