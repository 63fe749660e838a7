"""The controls of the Explorer: one function or class for each kind, so that all look alike and have a tooltip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import ipywidgets
import traitlets

FREE = {"description_width": "initial"}
"""The style of a control whose label is as wide as it needs."""


def _script(name: str) -> str:
    return files("dbtools.show.explorer").joinpath(name).read_text(encoding="utf-8")


class Grid(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """HTML that answers: rows that can be chosen, headings that sort, links, marks of charts, things to save."""

    _esm = _script("page.js")
    html = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.add_class("dbtools-grid")

    def on_shown(self, act: Callable[[], object]) -> None:
        """Call `act` whenever a page begins to show this."""
        self.on_msg(lambda _widget, message, _buffers: act() if "shown" in message else None)

    def on_choice(
        self,
        choose: Callable[[str, bool], None],
        sort_by: Callable[[str], None] | None = None,
        turn: Callable[[int], None] | None = None,
    ) -> None:
        """Call `choose` with a row's key and whether it is added to the choice, `sort_by` with a column.

        `turn` gets 1 for the next page and -1 for the one before.
        """

        def handle(_widget: object, message: dict[str, Any], _buffers: object) -> None:
            if "key" in message:
                choose(str(message["key"]), bool(message.get("more")))
            elif "sort" in message and sort_by:
                sort_by(str(message["sort"]))
            elif "turn" in message and turn:
                turn(1 if message["turn"] == 1 else -1)

        self.on_msg(handle)

    def on_link(self, follow: Callable[[str], object], mark: Callable[[str], object] | None = None) -> None:
        """Call `follow` with where a link leads, and `mark` with the description of a chart's mark."""

        def handle(_widget: object, message: dict[str, Any], _buffers: object) -> None:
            if "go" in message:
                follow(str(message["go"]))
            elif "mark" in message and mark:
                mark(str(message["mark"]))

        self.on_msg(handle)

    def save(self, name: str, content: bytes) -> None:
        """Let the page save a CSV file."""
        self.send({"save": name}, [content])


class Tabs(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Tabs of which one is open, by mouse and by arrow keys.

    `tabs` has name, title and tooltip of each; `value` is the name of the open one.
    """

    _esm = _script("tabs.js")
    tabs = traitlets.List(traitlets.Tuple()).tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.add_class("dbtools-tabs")


class PageGuard(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Keeps key presses inside the Explorer from JupyterLab's commands, and tells how wide it is; shows nothing."""

    _esm = _script("keys.js")
    width = traitlets.Int().tag(sync=True)


class SqlField(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """A field for a statement, which completes the names of `relations` and of their columns."""

    _esm = _script("sql.js")
    value = traitlets.Unicode().tag(sync=True)
    tooltip = traitlets.Unicode().tag(sync=True)
    description = traitlets.Unicode("").tag(sync=True)  # the page cannot show a tooltip of a widget without it
    relations = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Callable[[], object], **state: Any) -> None:
        super().__init__(**state)
        self.add_class("dbtools-sql")

        def handle(_widget: object, message: dict[str, Any], _buffers: object) -> None:
            if "run" in message:
                self.value = str(message["run"])
                run()

        self.on_msg(handle)

    def insert(self, text: str) -> None:
        """Put a text where the cursor is."""
        self.send({"insert": text})


def close(*roots: ipywidgets.Widget) -> None:
    """Close widgets with everything they consist of: ipywidgets keeps each one alive until then."""
    waiting, seen = list(roots), set()
    while waiting:
        widget = waiting.pop()
        if widget.comm is None or widget.model_id in seen:
            continue
        seen.add(widget.model_id)
        for value in (getattr(widget, name) for name in widget.keys):
            parts = value if isinstance(value, list | tuple) else [value]
            waiting += [part for part in parts if isinstance(part, ipywidgets.Widget)]
        widget.close()


def button(text: str, tooltip: str, act: Callable[[], object], **look: Any) -> ipywidgets.Button:
    """Return a button that calls `act`."""
    made = ipywidgets.Button(description=text, tooltip=tooltip, layout=ipywidgets.Layout(width="auto"), **look)
    made.on_click(lambda _: act())
    return made


def choice(text: str, tooltip: str, options: Any, value: Any) -> ipywidgets.Dropdown:
    """Return a drop-down list."""
    layout = ipywidgets.Layout(width="auto", max_width="100%")
    return ipywidgets.Dropdown(
        description=text, tooltip=tooltip, options=options, value=value, style=FREE, layout=layout
    )


def line(
    text: str,
    tooltip: str,
    value: str = "",
    width: str = "280px",
    kind: type[ipywidgets.Text] = ipywidgets.Text,
    **look: Any,
) -> ipywidgets.Text:
    """Return a text field of a kind; its value changes on Enter, or when the focus leaves it."""
    layout = ipywidgets.Layout(width=width, max_width="100%")
    return kind(
        value=value,
        description=text,
        tooltip=tooltip,
        continuous_update=False,
        style=FREE,
        layout=layout,
        **look,
    )


def tick(text: str, tooltip: str, value: bool) -> ipywidgets.Checkbox:
    """Return a checkbox."""
    layout = ipywidgets.Layout(width="auto")
    return ipywidgets.Checkbox(value=value, description=text, tooltip=tooltip, indent=False, layout=layout)


def chip(text: str, tooltip: str, value: bool = False) -> ipywidgets.ToggleButton:
    """Return a button that stays pressed."""
    layout = ipywidgets.Layout(width="auto")
    return ipywidgets.ToggleButton(value=value, description=text, tooltip=tooltip, layout=layout)


def row(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    """Return widgets side by side, on several lines where there is no room."""
    box = ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap", width="100%"))
    box.add_class("dbtools-bar")
    return box


def group(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    """Return widgets side by side that belong together, no wider than they need."""
    return ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"))


def column(*widgets: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return widgets one below the other."""
    return ipywidgets.VBox(list(widgets), layout=ipywidgets.Layout(width="100%"))


def split(table: Sequence[ipywidgets.Widget], details: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
    """Return a table and its details: side by side on a wide page once it has the class ``dbtools-open``."""
    box = ipywidgets.Box([column(*table), column(*details)])
    box.add_class("dbtools-split")
    return box


def open_split(box: ipywidgets.Box, is_open: bool) -> None:
    """Make room for the details, or give it to the table."""
    (box.add_class if is_open else box.remove_class)("dbtools-open")
    box.children[1].layout.display = "flex" if is_open else "none"
