"""Decide what may be removed. Pure: nothing here reads or changes the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbtools.cleanup.model import DELETABLE, IN_USE, FileEvidence, Kept, Plan, Removal, shown
from dbtools.errors import ParameterError, check_kind, readable

if TYPE_CHECKING:
    from dbtools.cleanup.survey import Survey


def plan(
    survey: Survey, unique_rows: str = "rescue", accept: Sequence[str] = (), only: Sequence[str] | None = None
) -> Plan:
    """Decide which files of a survey may be removed. Pure.

    Parameters
    ----------
    unique_rows : {"rescue", "keep"}
        Whether CSV files with rows that exist nowhere else, or that say more than the database, go once those rows are
        rescued, or stay.
    accept : sequence of str
        Paths to remove although they hold unique rows, or nothing is known of them. Named one by one; never a database
        in use.
    only : sequence of str, optional
        The only paths that may go, as far as the evidence allows; all others stay.

    Raises
    ------
    ParameterError
        `survey` is none, `unique_rows` is neither word, or `accept` or `only` is one text, or names a file that was
        not surveyed or is in use.
    """
    from dbtools.cleanup.survey import Survey

    check_kind(survey, Survey, "plan(survey(project))")
    if unique_rows not in ("rescue", "keep"):
        raise ParameterError('unique_rows is neither "rescue" nor "keep"', unique_rows, "give one of the two")
    accept = _named(survey, "accept", accept or ())  # a notebook may get null for an empty list
    only = None if only is None else _named(survey, "only", only)
    removals, kept = [], []
    for file in survey.files:
        why = _why_kept(file, unique_rows, accept)
        if why is None and only is not None and file.path not in only:
            why = "it was not chosen"
        if why is not None:
            kept.append(Kept(file.path, why))
        else:
            rescue = tuple(sorted((*file.unique, *file.incomplete))) if unique_rows == "rescue" else ()
            reason, keeper = file.reason, file.duplicate_of
            removals.append(
                Removal(file.path, file.kind, file.verdict, reason, file.identity, file.sha256, keeper, rescue)
            )
    going, waiting = _rest_on_what_stays(removals, accept)
    return Plan(survey.project, tuple(going), (*kept, *waiting), tuple(accept))


def _named(survey: Survey, parameter: str, paths: Sequence[str]) -> list[str]:
    """Return the paths that a parameter names, as the survey has them; refuse what it does not list or is in use."""
    if isinstance(paths, str):
        raise ParameterError(f"{parameter} is one text, not a list of paths", paths, 'write ["a", "b"]')
    files = {file.path: file for file in survey.files}
    # A name may be given as JSON or a table shows it, unless that could mean two files.
    written = Counter(name for path in files for name in {readable(path), shown(path)} - {path})
    listed = {name: path for path in files for name in (readable(path), shown(path)) if written[name] == 1}
    named = [path if path in files else listed.get(path, path) for path in paths]
    for path in named:
        if path not in files:
            what = f"{parameter} names a file that the survey does not list"
            raise ParameterError(what, path, "give its path as listed")
        if files[path].verdict in IN_USE:
            raise ParameterError(f"{parameter} names a file in use", path, "leave it out: it is never removed")
    return named


def _why_kept(file: FileEvidence, unique_rows: str, accept: Sequence[str]) -> str | None:
    """Return why a file stays, or None for one that may go."""
    if file.verdict in (*IN_USE, "export-current"):
        return file.reason
    if file.obstacle:
        return "; ".join(filter(None, (file.obstacle, "" if file.sha256 else file.reason)))
    if file.path in accept:
        return None
    if file.caution:
        return f"{file.caution}; to remove it, name it in accept"
    if file.verdict in DELETABLE and (not file.incomplete or unique_rows == "rescue"):
        return None
    if file.verdict == "unique" and file.kind == "csv" and unique_rows == "rescue":
        return None
    return f"{file.reason or 'nothing is known of it'}; to remove it, name it in accept"


def _rest_on_what_stays(removals: list[Removal], accept: Sequence[str]) -> tuple[list[Removal], list[Kept]]:
    """Let no file go because of another that goes as well, unless it was named, or that one's rows are rescued."""
    by_path, going, waiting = {removal.path: removal for removal in removals}, [], []
    for removal in removals:
        twin = by_path.get(removal.keeper.path) if removal.keeper else None
        if twin is None:
            going.append(removal)
        elif removal.path in accept:
            going.append(
                replace(removal, keeper=None, reason="named in accept, with the file that holds the same content")
            )
        elif removal.verdict == "same-bytes" and twin.rescue:
            going.append(
                replace(removal, keeper=None, reason=f"every byte is also in {twin.path}, whose rows are rescued")
            )
        else:
            waiting.append(Kept(removal.path, f"what it holds is also in {twin.path}, which goes; name both in accept"))
    return going, waiting
