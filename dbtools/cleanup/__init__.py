"""From a project's files to a proved, reversible cleanup: survey, plan, apply, restore."""

from dbtools.cleanup.apply import apply
from dbtools.cleanup.backup import find_run, list_runs, runs
from dbtools.cleanup.decisions import Decisions, decisions
from dbtools.cleanup.model import Manifest, Plan
from dbtools.cleanup.plan import plan
from dbtools.cleanup.restore import Restored, restore
from dbtools.cleanup.survey import Survey, survey

__all__ = [
    "Decisions",
    "Manifest",
    "Plan",
    "Restored",
    "Survey",
    "apply",
    "decisions",
    "find_run",
    "list_runs",
    "plan",
    "restore",
    "runs",
    "survey",
]
