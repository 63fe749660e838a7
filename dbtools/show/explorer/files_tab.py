"""The tab Files: what is there, what may go and why; clean up with a backup, and undo any cleanup."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from dbtools import cleanup
from dbtools.errors import readable
from dbtools.html import table
from dbtools.show.explorer import page
from dbtools.show.explorer.selection import Filters
from dbtools.show.explorer.tab import Tab
from dbtools.show.explorer.widgets import Grid, button, choice, column, line, row
from dbtools.show.explorer.worker import Desk

if TYPE_CHECKING:
    from dbtools.show.explorer.explorer import Explorer

_NO_RUN = "no cleanup to undo"


class _View:
    """The controls of the tab and what they decide."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer, self.lane = explorer, explorer.lane()
        self.survey: cleanup.Survey | None = None
        self.plan: cleanup.Plan | None = None
        self.ticked: frozenset[str] = frozenset()
        self.grid, self.told, self.outcome = Grid(), ipywidgets.HTML(), ipywidgets.HTML()
        self.unique = choice(
            "Rows that exist nowhere else",
            "Whether files with such rows go once the rows are rescued, or stay",
            [("are rescued first", "rescue"), ("keep their file", "keep")],
            "rescue",
        )
        self.again = button("Survey again", "Examine the files again", self.look)
        self.preview = button(
            "Preview", "Show what would be removed and lost; changes nothing", self.show_plan, disabled=True
        )
        self.confirm = line("", "Type the words shown to allow the cleanup", width="260px")
        self.confirm.continuous_update = True
        self.clean = button(
            "Back up and clean",
            "Back up every file of the preview, then remove it",
            self.apply,
            button_style="danger",
            disabled=True,
        )
        self.runs = choice("Earlier cleanups", "Which cleanup to undo", [(_NO_RUN, "")], "")
        self.back = button(
            "Restore",
            "Bring back what this cleanup removed; nothing is overwritten",
            self.restore,
            disabled=True,
        )
        self.asked = row(self.confirm, self.clean)
        self.asked.layout.display = "none"
        self.grid.listen(self.tick)
        self.unique.observe(lambda _: self.reset(), "value")
        self.confirm.observe(lambda _: self._allow(), "value")

    @property
    def words(self) -> str:
        return f"remove {len(self.plan.removals) if self.plan else 0} files"

    def _allow(self) -> None:
        self.clean.disabled = not (self.plan and self.plan.removals and self.confirm.value.strip() == self.words)

    def look(self) -> None:
        project, self.preview.disabled = self.explorer.project, True
        self.lane.submit(lambda _: cleanup.survey(project), self.surveyed, "Examining the files", self.explorer.state)

    def surveyed(self, survey: cleanup.Survey) -> None:
        self.survey = self.explorer.survey = survey
        self.preview.disabled = False
        self.reset()
        self.list_runs()

    def reset(self) -> None:
        if self.survey:
            self.ticked = frozenset(r.path for r in cleanup.plan(self.survey, self.unique.value).removals)
            self._changed()

    def tick(self, key: str, _more: bool) -> None:
        paths = {name: path for path, name in keys_of(self.survey).items()} if self.survey else {}
        if key in paths:
            self.ticked = self.ticked ^ {paths[key]}
            self._changed()

    def _changed(self) -> None:
        self.plan, self.told.value, self.asked.layout.display = None, "", "none"
        self.confirm.value = ""
        if self.survey:
            self.grid.html = survey_html(self.survey, self.ticked, self.unique.value)

    def show_plan(self) -> None:
        if self.survey is None:
            return
        self.plan = cleanup.plan(self.survey, self.unique.value, only=sorted(self.ticked))
        self.told.value = plan_html(self.plan, self.words)
        self.confirm.placeholder = self.words
        self.asked.layout.display = "flex" if self.plan.removals else "none"

    def apply(self) -> None:
        plan = self.plan
        if plan is None or self.clean.disabled:
            return
        self.clean.disabled = True
        self.change(lambda _: cleanup.apply(plan, dry_run=False), "Backing up and cleaning")

    def restore(self) -> None:
        run, root = self.runs.value, self.explorer.project.root
        if run:
            self.change(lambda _: cleanup.restore(run, root=root), "Restoring")

    def change(self, work: Callable[[Desk], cleanup.Manifest | cleanup.Restored], what: str) -> None:
        self.outcome.value = ""
        self.lane.submit(work, self.done, what, self.explorer.state, after=self.changed)

    def done(self, result: cleanup.Manifest | cleanup.Restored) -> None:
        self.outcome.value = page.note(f"{result.sentence[0].upper()}{result.sentence[1:]}.", "none") + table(
            result.frame
        )

    def changed(self) -> None:
        if not self.outcome.value:  # stopped, or failed: the survey that follows would wipe it away
            more = "What was not begun is as it was; Restore brings back what went."
            self.outcome.value = self.lane.message.value + page.quiet(more)
        self._changed()
        self.list_runs()
        self.look()
        self.explorer.renew()

    def list_runs(self) -> None:
        runs = [(folder.name, str(folder)) for folder in reversed(cleanup.runs(self.explorer.project.backups))]
        self.runs.options = runs or [(_NO_RUN, "")]
        self.runs.value = self.runs.options[0][1]
        self.back.disabled = not runs


def build(explorer: Explorer) -> Tab:
    """Return the tab of an explorer."""
    view = _View(explorer)

    def refresh() -> None:
        if view.survey is None:
            view.look()

    widget = column(
        row(view.unique, view.again),
        view.lane.widget,
        view.outcome,
        view.grid,
        row(view.preview),
        view.told,
        view.asked,
        row(view.runs, view.back),
    )

    def static(_desk: Desk, _filters: Filters) -> str:
        explorer.survey = explorer.survey or cleanup.survey(explorer.project, progress=False)
        return explorer.survey._repr_html_()

    return Tab(
        "files", "Files", "What is there, what may go, and the way back", widget, (view.lane,), refresh, (), static
    )


def keys_of(survey: cleanup.Survey) -> dict[str, str]:
    """Return by path what the page calls a file: the path as any text can hold it, and no two alike."""
    paths: dict[str, str] = {}
    for file in survey.files:
        key = readable(file.path)
        while key in paths:
            key += "'"
        paths[key] = file.path
    return {path: key for key, path in paths.items()}


def survey_html(survey: cleanup.Survey, ticked: frozenset[str], unique_rows: str) -> str:
    """Return the files as a table; those that may go can be ticked."""
    keys = keys_of(survey)
    free = {removal.path for removal in cleanup.plan(survey, unique_rows).removals}
    marks = ["☑" if path in ticked else "☐" if path in free else "" for path in keys]
    shown = survey.frame[["path", "size_bytes", "modified", "rows", "verdict", "unique_rows", "reason"]].copy()
    shown.insert(0, "remove", marks)
    named = [key if path in free else None for path, key in keys.items()]
    said = f"{survey.sentence}. A ticked file goes; those without a box stay, whatever is ticked."
    return table(shown, caption=said, keys=named, picked={keys[path] for path in ticked}, limit=1000)


def plan_html(plan: cleanup.Plan, words: str) -> str:
    """Return what a cleanup would remove, and what would be lost."""
    if not plan.removals:
        return page.note("Nothing that may go is ticked.", "info")
    rows = f"{plan.rescued_rows:,} rows that say more than the database are rescued first. "
    backups = plan.project.relative(plan.project.backups)
    said = f"Every file is first backed up into {backups}, and can be restored."
    said = f"Nothing would be lost: {rows if plan.rescued_rows else ''}{said}"
    shown = table(plan.frame, caption=plan.sentence, limit=1000)
    return page.head("Preview") + page.note(said, "none") + shown + page.quiet(f"To go on, type: {words}")
