"""Take back the answers of a judge model, or of raters outside, to exported rating tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dbtools.analysis.query import rows
from dbtools.analysis.ratings import named_rater
from dbtools.clock import utc
from dbtools.database import attach
from dbtools.database.ratings import CHOICES, LARGEST, Rating, append, read
from dbtools.errors import ParameterError, usable
from dbtools.project import Project

_TODO = 'write one JSON object a line, such as {"task": "…", "choice": "left"}'


def load_ratings(
    project: Project | str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    rater: str,
    now: datetime | None = None,
) -> int:
    """Add the answers to the tasks of an exported ``rating_tasks`` to the ratings; return how many were new.

    Changes files: adds lines to the project's file of ratings. Nothing is added where any line does not fit, and an
    answer that is there already is not added again.

    Parameters
    ----------
    file : path
        JSON Lines: each has ``task``, as exported, and ``choice``: left, right, tie or skip. Other keys are ignored.
    rater : str
        Who answered: the name of the model or the person.

    Raises
    ------
    ParameterError
        A line is no answer, its task is none of this project, or the rater gave another answer before.
    ConflictError, ProjectError, DatabaseError
        As `attach` and where the file of ratings is not a regular file.
    """
    project, name, moment = Project.find(project), named_rater(rater), utc(now)
    project.check_folder(project.ratings.parent)
    with attach(project, progress=False) as db, db.session() as connection:
        tasks = {row["task"]: row for row in rows(connection, "duckdb/rating_tasks")}
    known = {one.id: one.choice for one in read(project.ratings).ratings}
    new: dict[str, Rating] = {}
    for number, answer in _answers(Path(file)):
        task, choice = answer.get("task"), answer.get("choice")
        if not isinstance(task, str) or task not in tasks:
            raise ParameterError(f"Line {number} has no task of this project", task, "export rating_tasks again")
        if choice not in CHOICES:
            raise ParameterError(f"Line {number} has no answer", choice, f"use one of {', '.join(CHOICES)}")
        made = _rating(tasks[task], choice, name, moment)
        before = new[made.id].choice if made.id in new else known.get(made.id, choice)
        if before != choice:
            todo = "give another name of a rater, or remove the line"
            raise ParameterError(f"Line {number} contradicts an earlier answer of this rater ({before})", choice, todo)
        if made.id not in known:
            new[made.id] = made
    if new:
        append(project.ratings, *(one.to_line() for one in new.values()))
    return len(new)


def _answers(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with usable(file):
        if not file.is_file():
            raise ParameterError("No such file of answers", file, _TODO)
        if file.stat().st_size > LARGEST:
            raise ParameterError(f"The file of answers is larger than {LARGEST >> 20} MB", file, "split it")
        lines = file.read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ParameterError(f"Line {number} of the answers is no JSON object", file, _TODO)
        yield number, answer


def _rating(task: Mapping[str, Any], choice: str, rater: str, time: datetime) -> Rating:
    # The same answer of the same rater has the same id, so that it is added once.
    name = blake2b(f"{task['task']} {rater}".encode(), digest_size=16).hexdigest()
    order = task["side_order"]
    return Rating(name, time, rater, task["prompt"], task["left"], task["right"], choice, None, order)
