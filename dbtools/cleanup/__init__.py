"""From a project's files to a proved, reversible cleanup: survey, plan, apply, restore."""

from dbtools.cleanup.apply import apply
from dbtools.cleanup.manifest import Manifest
from dbtools.cleanup.plan import Plan, plan
from dbtools.cleanup.restore import Restored, restore
from dbtools.cleanup.run import find_run, runs
from dbtools.cleanup.survey import Survey, survey

__all__ = ["Manifest", "Plan", "Restored", "Survey", "apply", "find_run", "plan", "restore", "runs", "survey"]
