"""Audit: what is wrong with the data, how bad it is, which rows, and what to do."""

from dbtools.audit.checks import checks, run
from dbtools.audit.claims import Claim, Claims, claims
from dbtools.audit.compare import Comparison, compare
from dbtools.audit.history import History, history
from dbtools.audit.report import AuditReport, Check
from dbtools.audit.verify import Verification, verify

__all__ = [
    "AuditReport",
    "Check",
    "Claim",
    "Claims",
    "Comparison",
    "History",
    "Verification",
    "checks",
    "claims",
    "compare",
    "history",
    "run",
    "verify",
]
