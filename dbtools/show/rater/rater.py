"""Rate versions blind: two texts side by side, one key for an answer, on disk before the next pair is shown."""

from __future__ import annotations

import getpass
import html
import os
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from dbtools.analysis.textdiff import compare
from dbtools.database import Database, attach
from dbtools.errors import DbtoolsError, reason
from dbtools.html import counted
from dbtools.project import Project
from dbtools.redact import redact
from dbtools.show.rater.session import RatingSession

_LONGEST = 100_000  # characters of a text that are shown
_STEADY = "A decision is reached. More ratings make it surer."
_OVER = "No pair is left for you. Thank you."
_NONE = "There is nothing to rate: it takes real versions of one prompt by two agents, with their texts."


def _file(name: str) -> str:
    return files("dbtools.show.rater").joinpath(name).read_text(encoding="utf-8")


class RaterView(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """What a rater sees. No name of an agent, no score and no id is sent to the page.

    Attributes
    ----------
    shown : dict
        ``token`` (a random number of the pair), ``prompt``, ``texts``, ``parts`` (the texts in pieces, where the
        differences are marked), ``count``, ``done``, ``until``, ``said``, ``standings`` (only after they were asked
        for).
    marking : bool
        Whether differences are marked.
    """

    _esm = _file("rater.js")
    _css = _file("rater.css")
    shown = traitlets.Dict().tag(sync=True)
    marking = traitlets.Bool(False).tag(sync=True)

    def __init__(self) -> None:
        self._session: RatingSession | None = None
        self._token, self._failed = "", ""
        super().__init__()
        self.on_msg(lambda _widget, message, _buffers: self._answer(message))
        self.observe(lambda _: self._show(), "marking")
        self._show("Reading the texts …")

    def start(self, session: RatingSession) -> None:
        """Show the pairs of a session from now on, and close the one before."""
        earlier, self._session = self._session, session
        self._show(session.note)
        if earlier:
            earlier.close()

    def close(self) -> None:
        """Close the widget, its layout (which ipywidgets leaves open), and the database."""
        self.layout.close()
        super().close()
        if self._session:
            self._session.close()

    def _answer(self, message: dict[str, Any]) -> None:
        """Do what the page asks for, if it is about the pair that is shown: a key may have been pressed twice."""
        session, choice = self._session, message.get("choice")
        if session is None or message.get("token") != self._token:
            return
        try:
            if choice == "standings":
                self._show(standings=_standings(session))
            elif choice == "undo":
                self._show("Taken back." if session.undo() else "There is nothing to take back.")
            elif choice in ("left", "right", "tie", "skip") and session.pair:
                session.rate(choice)
                self._show("Saved.")
        except (OSError, DbtoolsError) as error:
            self._show(f"Not saved: {reason(error)}. The same pair is shown again.")

    def _show(self, said: str = "", standings: Sequence[Sequence[str]] = ()) -> None:
        session = self._session
        pair = session.pair if session else None
        texts = [_readable(pair.left_text), _readable(pair.right_text)] if pair else []
        self._token = secrets.token_hex(8)
        self.shown = {
            "token": self._token,
            "prompt": _readable(pair.prompt) if pair else "",
            "texts": texts,
            "parts": _parts(*texts) if texts and self.marking else [],
            "count": _count(session) if session else "",
            "done": session.done if session else 0,
            "until": session.done + min(session.missing, session.left) if session else 1,
            "said": said if pair or not session else _OVER if session.pairs else _NONE,
            "standings": [list(row) for row in standings],
        }


class Rater(RaterView):
    """Rate the versions of a project blind. Keys: 1, 2, = (equal), s (skip), u (undo).

    Changes files: adds a line to the project's file of ratings with each answer.

    Parameters
    ----------
    rater : str, optional
        Who rates; by default the user of this machine.
    agents : sequence of str, optional
        The sources that are compared; by default all but the known non-agents.
    seed : int
        Another number gives another order of the pairs.

    Raises
    ------
    ProjectError, DatabaseError, ParameterError
        As `attach`; there is no project; the rater has no name.
    """

    def __init__(
        self,
        project: Project | Database | str | os.PathLike[str] | None = None,
        rater: str = "",
        *,
        agents: Sequence[str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        with ExitStack() as opened:
            opened.callback(self.close)
            if isinstance(project, Database):
                project = project.project or project.origin["path"]
            self.project = Project.find(project)
            db = opened.enter_context(attach(self.project, texts=True))
            self.start(RatingSession(db, self.project, rater or user_name(), agents, seed))
            opened.pop_all()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        text = f"<p>Rating needs a running kernel. {html.escape(self.shown['count'])}</p>"
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/html"] = text
        return bundle


def user_name() -> str:
    """Return the name of the user, as a rater's."""
    try:
        name = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):  # nobody of this number is known
        name = ""
    return name.strip()[:100] or "somebody"


def _readable(text: str | None) -> str:
    return redact(text or "")[:_LONGEST]


def _parts(left: str, right: str) -> list[list[list[Any]]]:
    """Return each text in pieces: whether the other lacks the piece, and its words."""
    parts = compare("one", left, "the other", right).parts
    return [[[kind == own, text] for kind, text in parts if kind in ("=", own)] for own in ("-", "+")]


def _count(session: RatingSession) -> str:
    if not session.pairs:
        return ""
    if not session.missing:
        left = _STEADY
    elif session.missing > session.left:
        left = f"{counted(session.left, 'pair')} left, and a decision may take more prompts"
    else:
        left = f"about {session.missing:,} more to decide"
    return f"{session.done:,} done; {left}"


def _standings(session: RatingSession) -> list[tuple[str, str]]:
    rated = session.standings()
    found = [(agent, sum(table.totals) / table.n, table.n) for agent, table in rated.tables.items()]
    rows = [(agent, f"{share:.0%} of {n:,}") for agent, share, n in sorted(found, key=lambda one: (-one[1], one[0]))]
    if rated.lead and rated.lead.holds:
        rows.append((f"{rated.lead.agent} is best", "however often you look"))
    return rows or [("No ratings yet", "")]
