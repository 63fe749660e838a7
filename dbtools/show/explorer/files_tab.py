"""The tab Files: what is there, what may go and why; clean up with a backup, and undo any cleanup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from dbtools import cleanup
from dbtools.cleanup.backup import read
from dbtools.cleanup.rescue import read_unique
from dbtools.errors import CleanupError, printable, readable
from dbtools.html import counted, size
from dbtools.redact import redact
from dbtools.show.explorer import markup
from dbtools.show.explorer.session import Session
from dbtools.show.explorer.state import State
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, choice, line, row

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 100
_NO_RUN = "no cleanup to undo"
_RESCUED = '<p><span data-go="rescued:">See the rescued rows</span></p>'


class FilesTab(Tab):
    """The survey as a table with a box per file that may go; below it the preview, the cleanup and the restore.

    Attributes
    ----------
    ticked : frozenset of str
        The paths of the files to remove.
    plan : cleanup.Plan or None
        The preview that is shown. A cleanup does what it says and nothing else.
    """

    name, title = "files", "Files"
    tooltip = "Which files are there, which can be removed, and how to undo it"
    description = "Examining the files"
    attribute = "survey"

    def __init__(self, explorer: State) -> None:
        self.survey: cleanup.Survey | None = None
        self.plan: cleanup.Plan | None = None
        self.ticked: frozenset[str] = frozenset()
        self.grid, self.outcome = Grid(), Grid()
        self.unique = choice(
            "Rows that exist nowhere else",
            "Whether files with such rows go once the rows are rescued, or stay",
            [("are rescued first", "rescue"), ("keep their file", "keep")],
            "rescue",
        )
        self.again = button("Rescan", "Examine the files again", lambda: self.survey_again())
        about = "Show what would be removed and lost; changes nothing"
        self.preview_button = button("Preview", about, self.show_plan, disabled=True)
        self.confirm = line("", "Type the words shown to allow the cleanup", width="260px")
        self.confirm.continuous_update = True
        about = "Back up every file of the preview, then remove it"
        self.clean = button("Back up and delete", about, self.apply, button_style="danger", disabled=True)
        self.runs = choice("Earlier cleanups", "Which cleanup to undo", [(_NO_RUN, "")], "")
        about = "Bring back what this cleanup removed; nothing is overwritten"
        self.restore_button = button("Undo", about, self.restore, disabled=True)
        self.confirmation = row(self.confirm, self.clean)
        self.confirmation.layout.display = "none"
        self.grid.on_choice(self.tick)
        self.unique.observe(lambda _: self.tick_all(), "value")
        self.confirm.observe(lambda _: self._allow(), "value")
        super().__init__(explorer)
        for one in (self.grid, self.outcome):
            one.on_link(self.follow)

    def parts(self) -> list[ipywidgets.Widget]:
        """Return controls and results."""
        return [
            row(self.unique, self.again),
            self.worker.widget,
            self.outcome,
            self.grid,
            row(self.preview_button),
            self.body,
            self.confirmation,
            row(self.runs, self.restore_button),
        ]

    def request(self) -> None:
        """Return nothing: the survey has no filters."""

    def compute(self, session: Session, request: Any) -> cleanup.Survey:
        """Examine the files."""
        return cleanup.survey(self.explorer.project, progress=False)

    def render(self, result: cleanup.Survey, draw: markup.Draw = markup.draw) -> str:
        """Return the survey."""
        return result._repr_html_()

    def show(self, result: cleanup.Survey, draw: markup.Draw = markup.draw) -> None:
        """Show the survey, with every file ticked that may go."""
        self._publish(result)
        self.survey = result
        self.preview_button.disabled = False
        self.tick_all()
        self.list_runs()

    def refresh(self) -> None:
        """Examine the files, the first time."""
        if self.survey is None:
            self.survey_again()

    def survey_again(self) -> None:
        """Examine the files."""
        self.preview_button.disabled = True
        super().refresh()

    def tick_all(self) -> None:
        """Tick every file that may go."""
        if self.survey:
            self.ticked = frozenset(r.path for r in cleanup.plan(self.survey, self.unique.value).removals)
            self._show_files()

    def tick(self, key: str, _more: bool) -> None:
        """Tick a file, or remove its tick."""
        path = paths_of(self.survey).get(key) if self.survey else None
        if path is not None:
            self.ticked ^= {path}
            self._show_files()

    def _show_files(self) -> None:
        """Show the files. Another choice needs another preview and another confirmation."""
        self.plan, self.body.html, self.confirmation.layout.display = None, "", "none"
        self.confirm.value = ""
        if self.survey:
            self.frames = {}
            with markup.live(self.frames):
                self.grid.html = survey_html(self.survey, self.ticked, self.unique.value)

    def show_plan(self) -> None:
        """Show the preview."""
        if self.survey is None:
            return
        self.plan = cleanup.plan(self.survey, self.unique.value, only=sorted(self.ticked))
        with markup.live(self.frames):
            self.body.html = plan_html(self.plan, self.survey, self._words())
        self.clean.description = f"Back up and delete {counted(len(self.plan.removals), 'file')}"
        self.confirm.placeholder = self._words()
        self.confirmation.layout.display = "flex" if self.plan.removals else "none"

    def _words(self) -> str:
        return f"remove {len(self.plan.removals) if self.plan else 0} files"

    def _allow(self) -> None:
        confirmed = self.confirm.value.strip() == self._words()
        self.clean.disabled = not (self.plan and self.plan.removals and confirmed)

    def apply(self) -> None:
        """Back up and remove the files of the preview. Changes files."""
        plan = self.plan
        if plan is None or self.clean.disabled:
            return
        self.clean.disabled = True
        self._change_files(lambda _: cleanup.apply(plan, dry_run=False), "Backing up and cleaning")

    def restore(self) -> None:
        """Bring back the files of the chosen cleanup. Changes files."""
        run, root = self.runs.value, self.explorer.project.root
        if run:
            self._change_files(lambda _: cleanup.restore(run, root=root), "Restoring")

    def _change_files(self, work: Callable[[Session], cleanup.Manifest | cleanup.Restored], description: str) -> None:
        self.outcome.html = ""
        self.worker.submit(work, self._show_outcome, description, finally_=self._after_change)

    def _show_outcome(self, result: cleanup.Manifest | cleanup.Restored) -> None:
        sentence = f"{result.sentence[0].upper()}{result.sentence[1:]}."
        steps = _RESCUED if isinstance(result, cleanup.Manifest) and result.rescued_rows else ""
        undo = "Undo, at the end of this page, brings everything back." if isinstance(result, cleanup.Manifest) else ""
        with markup.live(self.frames):
            shown = markup.table(result.frame, "outcome")
        self.outcome.html = markup.note(sentence, "none") + steps + markup.muted(undo) + shown

    def follow(self, target: str) -> None:
        """Show the rescued rows or those that only a file has, or open what a link names."""
        if target.startswith("rows:"):
            self._show_rows(target.removeprefix("rows:"))
            return
        rescued = [name for name in self.explorer.db.relations if name.startswith("rescued_")]
        if target != "rescued:":
            super().follow(target)
        elif rescued:
            self.explorer.query, self.explorer.tab = f"FROM {rescued[0]}", "sql"
            self.explorer.tabs["sql"].run()

    def _show_rows(self, key: str) -> None:
        """Show the rows that only one file has, in the place of the preview."""
        if self.survey is None:
            return
        path = paths_of(self.survey).get(key)
        (file,) = (one for one in self.survey.files if one.path == path)
        project = self.explorer.project
        self._show_files()
        self.worker.submit(
            lambda _: read_unique(project, file), lambda rows: self._set_rows(key, rows), "Reading the rows"
        )

    def _set_rows(self, name: str, rows: pd.DataFrame) -> None:
        heading = f"{name}: {counted(len(rows), 'row')} that exist{'s' * (len(rows) == 1)} nowhere else"
        with markup.live(self.frames):
            self.body.html = markup.head(heading) + markup.table(rows, "unique-rows", limit=_MOST_ROWS)

    def _after_change(self) -> None:
        if not self.outcome.html:  # stopped or failed; the next survey clears the worker's message
            more = "Files that were not begun are unchanged; Undo restores the removed ones."
            self.outcome.html = self.worker.message.value + markup.muted(more)
        self._show_files()
        self.list_runs()
        self.survey_again()
        self.explorer.renew()

    def list_runs(self) -> None:
        """List the cleanups that can be undone, the newest first."""
        folders = reversed(cleanup.runs(self.explorer.project.backups))
        runs = [(run_label(folder), str(folder)) for folder in folders]
        self.runs.options = runs or [(_NO_RUN, "")]
        self.runs.value = self.runs.options[0][1]
        self.restore_button.disabled = not runs


def paths_of(survey: cleanup.Survey) -> dict[str, str]:
    """Return each file's path by the unique name that the page shows."""
    paths: dict[str, str] = {}
    for file in survey.files:
        key = redact(printable(readable(file.path)))
        while key in paths:
            key += "'"
        paths[key] = file.path
    return paths


def survey_html(survey: cleanup.Survey, ticked: frozenset[str], unique_rows: str) -> str:
    """Return the files as a table; those that may go have a box."""
    keys = {path: key for key, path in paths_of(survey).items()}
    removable = {removal.path for removal in cleanup.plan(survey, unique_rows).removals}
    boxes = ["☑" if path in ticked else "☐" if path in removable else "" for path in keys]
    # Unique rows and reason stand in front, where they can be seen on narrow pages too.
    shown = survey.frame[["path", "unique_rows", "reason", "verdict", "size_bytes", "rows", "modified"]].copy()
    shown.insert(0, "remove", boxes)
    choosable = [key if path in removable else None for path, key in keys.items()]
    caption = f"{survey.sentence}. Ticked files are removed; files without a box always stay."
    rows = [f"rows:{keys[file.path]}" if file.unique else None for file in survey.files]
    look = {"keys": choosable, "picked": {keys[path] for path in ticked}, "limit": 1000}
    return markup.table(shown, "files", caption=caption, links={"unique_rows": rows}, **look)


def plan_html(plan: cleanup.Plan, survey: cleanup.Survey, words: str) -> str:
    """Return what a cleanup would remove, and what would be lost."""
    if not plan.removals:
        return markup.note("No file that can be removed is ticked.", "info")
    going = {removal.path for removal in plan.removals}
    unique = sum(file.unique_rows for file in survey.files if file.path in going)
    backups = plan.project.relative(plan.project.backups)
    lost = f"Nothing would be lost. {rows_said(unique, plan.rescued_rows)}"
    backed_up = f"Every file is first backed up into {backups}, and can be restored."
    shown = markup.table(plan.frame, "plan", caption=plan.sentence, limit=1000)
    return (
        markup.head("Preview")
        + markup.note(lost + backed_up, "none")
        + shown
        + markup.muted(f"To go on, type: {words}")
    )


def rows_said(unique: int, rescued: int) -> str:
    """Return how many rows exist nowhere else, and how many are copied first and why."""
    if not rescued:
        return ""
    exist = "1 row exists" if unique == 1 else f"{unique:,} rows exist"
    more = rescued - unique
    why = f", as {more:,} more hold{'s' if more == 1 else ''} values that the database lacks" if more > 0 else ""
    return f"{exist} nowhere else; {rescued:,} {'is' if rescued == 1 else 'are'} copied to Parquet first{why}. "


def run_label(folder: Path) -> str:
    """Return when a cleanup was and what it removed; the folder's name where that cannot be read. Reads only."""
    try:
        when = datetime.strptime(folder.name.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        run = read(folder)
    except (ValueError, CleanupError):
        return folder.name
    freed = size(sum(removal.identity.size for removal in run.removals))
    return f"{when:%Y-%m-%d %H:%M} UTC: {counted(len(run.removals), 'file')}, {freed}"
