"""What the comparison of agents says besides its sentence: the details, and the list of what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtools.analysis.rated import details
from dbtools.analysis.sequential import ENOUGH
from dbtools.html import percents

if TYPE_CHECKING:
    from dbtools.analysis.effectiveness import Effectiveness

_AGENTS_SAID = 5
_WINS_SAID = {
    "recorded": "recorded wins",
    "score": "wins by score",
    "selected": "wins by the application's selection",
    "user": "wins by users' choice",
    "rated": "preferences in blind ratings, a tie as a half",
}
_UNUSED = {
    "superseded": "superseded by a later version of the same agent and prompt",
    "unscored": "without a complete score",
    "other_scale": "scored on another scale, or by a stuck judge",
    "unanswered": "failed in prompts that no agent answered",
    "unopposed": "without a rival in their prompt",
}
_UNDECIDABLE = {
    "alone": "only one agent",
    "headless": "no head, or the head is not a competing agent's: no recorded win",
    "mixed": "a score is missing or of another scale: no win by score",
}


def details_of(found: Effectiveness) -> list[str]:
    """Return the figures behind the sentence, the shares of wins, the caveats, and what is left out."""
    lost = "A failed run loses with 0 points where another agent answered the prompt."
    failing = [lost if found.failures == "losses" else "", *found.failure_details]
    parts = [*found.claim.details, looking_often(found), *failing, shares_of_wins(found)]
    parts += [*details(found.rated), stability(found), *_caveats(found), *left_out(found)]
    return [text for text in parts if text]


def rows_left_out(found: Effectiveness) -> list[tuple[str, str, int]]:
    """List the rows not used: relation, why, how many."""
    items = [(r, f"{kind} rows", n) for r, kinds in found.left_out.items() for kind, n in kinds.items()]
    items += [("versions", f"{source} does not compete", n) for source, n in found.not_competing.items()]
    items += [("versions", why, found.version_use[key]) for key, why in _UNUSED.items() if found.version_use[key]]
    return items + [("contests", why, found.contests[key]) for key, why in _UNDECIDABLE.items() if found.contests[key]]


def looking_often(found: Effectiveness) -> str:
    """Say whether the lead holds however often one looks."""
    lead = found.sequential
    if lead is None or found.wins == "rated" or found.evidence:  # the details of ratings say so
        return ""
    size = f"{lead.evidence:,.1f}" if lead.evidence < 1000 else "over 1,000"
    figures = f"its evidence against {lead.rival} is {size}; more than {ENOUGH:.0f} is enough"
    if lead.holds:
        return f"The lead of {lead.agent} holds however often you look: {figures}."
    looks = f"The test for repeated looks does not confirm the lead of {lead.agent}: {figures}."
    return f"The p-value is valid for one look. {looks}"


def shares_of_wins(found: Effectiveness) -> str:
    """Say who won how many contests."""
    decided = [a for a in found.agents if a.contests]
    kind = _WINS_SAID[found.wins]
    if found.evidence and found.wins in ("recorded", "user"):  # it has these shares already
        return ""
    if not decided:
        return f"No contest decides {kind}."
    shares = ", ".join(
        f"{a.agent} {_count(a.wins)} of {a.contests:,} ({percents(a.low or 0, a.high or 0)})"
        for a in decided[:_AGENTS_SAID]
    )
    more = f" and {len(decided) - _AGENTS_SAID} more agents" if len(decided) > _AGENTS_SAID else ""
    return f"Share of {kind}, with 95% interval: {shares}{more}."


def _count(wins: float) -> str:
    return f"{wins:,.0f}" if wins == round(wins) or wins >= 1000 else f"{wins:.1f}"


def stability(found: Effectiveness) -> str:
    """Say under how many filters the leader leads."""
    led = [s for s in found.multiverse if s.leader]
    if not found.claim.leader or not led:
        return ""
    same = sum(s.leader == found.claim.leader for s in led)
    filters = f"{same} of the {len(led)} filters that have a leader"
    return f"{found.claim.leader} leads by score under {filters}; the filters use partly the same rows."


def _caveats(found: Effectiveness) -> list[str]:
    confused = [c for c in found.confounders if c.name == "position" and not c.values["identifiable"]]
    text = "The effect of the position in the prompt cannot be separated from that of the agent."
    changed = [c.sentence for c in found.confounders if c.name in ("judge_regimes", "judge_drift")]
    return ([text] if confused and len(found.agents) > 1 else []) + changed


def left_out(found: Effectiveness) -> list[str]:
    """Say which prompts count, and which versions are left out or do not compete."""
    kinds = found.left_out.get("versions", {})
    parts = [f"{n:,} {kind}" for kind, n in kinds.items()]
    parts += [f"{found.version_use[key]:,} {why}" for key, why in _UNUSED.items() if found.version_use[key]]
    text = f"Versions left out: {', '.join(parts) or 'none'}"
    if kinds and not found.agents:
        most = max(kinds, key=kinds.__getitem__)
        text += f"; the parameter provenance = {most} compares them{'' if most == 'real' else ', which is no evidence'}"
    others = ", ".join(f"{n:,} by {source}" for source, n in found.not_competing.items())
    some = f"Compared are {found.filter_note} only." if found.filter_note else ""
    return [some, f"{text}.", f"Versions that do not compete: {others}." if others else ""]
