"""A comparison of agents put into words and into JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dbtools.analysis.questions import WINS
from dbtools.analysis.statistics.agreement import agreement
from dbtools.html import percents

if TYPE_CHECKING:
    from dbtools.analysis.effectiveness import Effectiveness

_SHOWN = 5
_WINS = {
    "recorded": "recorded wins",
    "score": "wins by score",
    "selected": "wins by the application's selection",
    "user": "wins by users' choice",
}


def headline(found: Effectiveness) -> str:
    """Say what may be claimed, who won how often, and what is left out."""
    parts = [found.claim.text, _shares(found), _stability(found), *_caveats(found), _left(found)]
    return "; ".join(part for part in parts if part) + "."


def left_out(found: Effectiveness) -> list[tuple[str, str, int]]:
    """List the rows not used: relation, why, how many."""
    rows = [(r, f"{kind} rows", n) for r, kinds in found.left_out.items() for kind, n in kinds.items()]
    rows += [("versions", f"{source} does not compete", n) for source, n in found.not_competing.items()]
    why = {
        "alone": "only one agent: no win to tell",
        "headless": "no head, or not a competing agent's: no recorded win to tell",
        "mixed": "a score missing or of another scale: no win by score to tell",
    }
    return rows + [("contests", why[key], found.contests[key]) for key in why if found.contests[key]]


def as_json(found: Effectiveness) -> dict[str, Any]:
    """Return a comparison as JSON-ready values."""
    recorded = found.agreements.get(("recorded", "score"), agreement(0, 0, (), ()))
    kinds = {"one": "recorded", "other": "score"}
    return {
        "provenance": found.origins,
        "rows": found.provenance,
        "wins": found.wins,
        "scale": found.scale,
        "agents": [_agent(a) for a in found.agents],
        "pairs": [asdict(p) for p in found.pairs],
        "agreement": {**kinds, **asdict(recorded)},
        "agreements": [{"one": x, "other": y, **asdict(a)} for (x, y), a in found.agreements.items()],
        "regret": found.regret,
        "ranking": asdict(found.ranking),
        "separated": found.ranking.state == "separated",
        "confounders": [{**asdict(c), "values": dict(c.values)} for c in found.confounders],
        "contests": dict(found.contests),
        "left_out": found.left_out,
        "not_competing": found.not_competing,
        "logged_selections": found.logged,
        "narrowed": found.filter_note,
        "leader": found.claim.leader,
        "needed": found.claim.needed,
        "verdict": found.claim.verdict,
        "sentence": found.sentence,
        "multiverse": [asdict(s) for s in found.multiverse],
    }


def _agent(agent: Any) -> dict[str, Any]:
    values = asdict(agent)
    told, won = values.pop("told"), values.pop("won")
    values["wins"] = {kind: won[kind] if told[kind] else None for kind in WINS}
    values["told"] = told
    return values


def _shares(found: Effectiveness) -> str:
    told = [a for a in found.agents if a.contests]
    kind = _WINS[found.wins]
    if not told:
        return f"no contest tells {kind}"
    shares = ", ".join(
        f"{a.agent} {_count(a.wins)} of {a.contests:,} ({percents(a.low or 0, a.high or 0)})" for a in told[:_SHOWN]
    )
    more = f" and {len(told) - _SHOWN} more agents" if len(told) > _SHOWN else ""
    return f"share of {kind}, with 95% interval: {shares}{more}"


def _count(wins: float) -> str:
    return f"{wins:,.0f}" if wins == round(wins) or wins >= 1000 else f"{wins:.1f}"


def _stability(found: Effectiveness) -> str:
    led = [s for s in found.multiverse if s.leader]
    if not found.claim.leader or not led:
        return ""
    same = sum(s.leader == found.claim.leader for s in led)
    return f"{found.claim.leader} leads under {same} of the {len(led)} filters that have a leader"


def _caveats(found: Effectiveness) -> list[str]:
    position = [c for c in found.confounders if c.name == "position" and not c.values["identifiable"]]
    return ["position cannot be told apart from the agent"] if position and len(found.agents) > 1 else []


def _left(found: Effectiveness) -> str:
    kinds = found.left_out.get("versions", {})
    left = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items()) or "no"
    text = f"left out: {left} versions"
    if kinds and not found.agents:
        text += f" (provenance {max(kinds, key=kinds.__getitem__)} compares them)"
    if found.filter_note:
        text = f"{found.filter_note}; {text}"
    if found.not_competing:
        text += "; not competing: " + ", ".join(f"{n:,} by {source}" for source, n in found.not_competing.items())
    return text
