"""The cards of the tab Overview: one question each, with a verdict in words, a number, and the tab that says more."""

from __future__ import annotations

import html

from dbtools import analysis, audit, cleanup
from dbtools.audit.report import SEVERITIES
from dbtools.html import counted, number, p_value
from dbtools.html import text as escaped
from dbtools.show.explorer import markup

_VERDICTS = {
    "critical": "Critical faults",
    "error": "Errors to repair",
    "warning": "Usable with care",
    "info": "No warnings",
    "none": "Sound",
}
_ENOUGH = 40  # ratings: below, hardly any difference can be told
QUESTIONS = {
    "quality": "Is the data sound?",
    "files": "Which files can be removed?",
    "agents": "Which agent is better?",
    "usage": "What does it cost?",
    "rate": "What do people prefer?",
}


def waiting(tab: str, why: str = "Being examined …") -> str:
    """Return a card whose answer is not known yet."""
    return card(tab, "…", "", why, "info", "")


def card(tab: str, number: str, unit: str, verdict: str, kind: str, more: str) -> str:
    """Return the question of a tab with its answer; a click opens the tab."""
    small = f" <small>{escaped(unit)}</small>" if unit else ""
    return (
        f'<button type="button" class="dbtools-card dbtools-{markup.KINDS[kind][0]}" data-go="tab:{tab}">'
        f'<span class="question">{html.escape(QUESTIONS[tab])}</span><b>{escaped(number)}{small}</b>'
        f'<span class="verdict">{markup.sign(kind)}{escaped(verdict)}</span>'
        f'<span class="more">{escaped(more)}</span></button>'
    )


def data(report: audit.AuditReport | None) -> str:
    """Say how sound the data is."""
    if report is None:
        return waiting("quality", "Not checked yet")
    found = [finding for finding in report.findings if finding.count]
    worst = min(found, key=lambda one: SEVERITIES.index(one.check.severity), default=None)
    more = f"{worst.check.id}: {worst.count:,}" if worst else "no check found anything"
    unit = "finding" if len(found) == 1 else "findings"
    return card("quality", f"{len(found):,}", unit, _VERDICTS[report.worst], report.worst, more)


def files(survey: cleanup.Survey) -> str:
    """Say how many files can go, and what has to be done before."""
    plan = cleanup.plan(survey)
    unique = sum(file.unique_rows for file in survey.files)
    n = len(plan.removals)
    if not n:
        return card("files", "0", "files can go", "Nothing to clean up", "none", "")
    kind, verdict = ("warning", "Back up first") if unique else ("info", "Copies only")
    more = f"{unique:,} rows exist nowhere else" if unique else "every row is in the database"
    return card("files", f"{n:,}", "file" if n == 1 else "files", verdict, kind, more)


def agents(result: analysis.Effectiveness) -> str:
    """Say which agent is better, and how sure that is."""
    claim, pair = result.claim, result.claim.closest
    contests = max((agent.contests for agent in result.agents), default=0)
    if not contests or pair is None:
        return card("agents", f"{contests:,}", "contests", "Undecided", "undecided", "nothing to compare")
    best = claim.verdict == "best"
    ends = (pair.low_clustered, pair.high_clustered)
    interval = " to ".join(number(end, "+.1f") for end in ends if end is not None)
    unit = "of the ratings" if result.wins == "rated" else "points"
    interval = f"{unit}, {interval}" if interval else unit
    verdict = f"{claim.leader} is better" if best else "Undecided"
    sure = "" if pair.p_holm is None else f", {p_value(pair.p_holm)}"
    more = f"{pair.a} before {pair.b}, {counted(pair.n, 'contest')}{sure}"
    kind = "best" if best else "undecided"
    return card("agents", number(pair.difference, "+.1f"), interval, verdict, kind, more)


def cost(result: analysis.Usage) -> str:
    """Say what was spent, and whether the stored costs can be trusted."""
    whole = result.recomputed
    if not whole["calls"]:
        return card("usage", "–", "", "No calls are stored", "info", "")
    spent, calls, differing = whole["cost_usd"] or 0.0, whole["calls"], whole["differing"] or 0
    kind, verdict = ("warning", f"{differing:,} costs differ") if differing else ("none", "As by list prices")
    if not whole["priced"]:
        kind, verdict = "info", "No list prices known"
    sum_of = f"${spent:,.2f}" if spent >= 1 or not spent else f"${spent:.4f}"
    each = f"{100 * spent / calls:.2g} ¢ a call"
    return card("usage", sum_of, counted(calls, "call"), verdict, kind, each)


def people(ratings: int, votes: int) -> str:
    """Say how many ratings and votes there are."""
    n = ratings + votes
    verdict, kind = ("Too few to decide", "undecided") if n < _ENOUGH else ("Enough to compare", "none")
    if not n:
        verdict = "No votes and no ratings yet"
    more = f"{counted(ratings, 'blind rating')}, {counted(votes, 'vote')} in the application"
    return card("rate", f"{n:,}", f"of about {_ENOUGH}" if n < _ENOUGH else "answers", verdict, kind, more)
