"""Controls that all look and explain themselves alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import ipywidgets
import traitlets

_FREE = {"description_width": "initial"}


class Grid(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """A table of `dbtools.html` whose rows can be chosen and whose headings sort, by mouse and by keyboard."""

    _esm = """
    function render({ model, el }) {
      el.dataset.lmSuppressShortcuts = "true";
      const name = (at) => at && (at.dataset.key !== undefined ? "key:" + at.dataset.key : "sort:" + at.dataset.sort);
      const targets = () => [...el.querySelectorAll("[data-key],[data-sort]")];
      const draw = () => {
        const focused = el.contains(document.activeElement) ? name(document.activeElement) : null;
        el.innerHTML = model.get("html");
        if (focused) targets().find((at) => name(at) === focused)?.focus({ preventScroll: true });
      };
      const act = (event) => {
        const at = event.target.closest("[data-key],[data-sort]");
        if (!at) return;
        const row = at.dataset.key !== undefined;
        if (event.type === "keydown") {
          if (!row || (event.key !== "Enter" && event.key !== " ")) return;
          event.preventDefault();
          event.stopPropagation();
        }
        model.send(row ? { key: at.dataset.key, more: event.ctrlKey || event.metaKey } : { sort: at.dataset.sort });
      };
      el.addEventListener("click", act);
      el.addEventListener("keydown", act);
      model.on("change:html", draw);
      draw();
      model.send({ shown: true });
    }
    export default { render };
    """
    html = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.add_class("dbtools-grid")

    def when_shown(self, act: Callable[[], object]) -> None:
        """Call `act` whenever a page has begun to show this."""
        self.on_msg(lambda _widget, told, _buffers: act() if "shown" in told else None)

    def listen(self, chosen: Callable[[str, bool], None], sorted_by: Callable[[str], None] | None = None) -> None:
        """Call `chosen` with a row's key and whether it is to be added, and `sorted_by` with a column."""

        def hear(_widget: object, told: dict[str, Any], _buffers: object) -> None:
            if "key" in told:
                chosen(str(told["key"]), bool(told.get("more")))
            elif "sort" in told and sorted_by:
                sorted_by(str(told["sort"]))

        self.on_msg(hear)


class Tabs(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Tabs of which one is open, by mouse and by arrow keys; screen readers know them as such (ARIA's pattern of tabs).

    `tabs` has name, title and tooltip of each; `value` is the name of the open one.
    """

    _esm = """
    function render({ model, el }) {
      el.dataset.lmSuppressShortcuts = "true";
      const open = (tab) => { model.set("value", tab.dataset.name); model.save_changes(); };
      const list = document.createElement("div");
      list.setAttribute("role", "tablist");
      list.append(...model.get("tabs").map(([name, title, tip]) => {
        const tab = Object.assign(document.createElement("button"), { type: "button", textContent: title, title: tip });
        tab.setAttribute("role", "tab");
        tab.dataset.name = name;
        tab.addEventListener("click", () => open(tab));
        return tab;
      }));
      const draw = () => [...list.children].forEach((tab) => {
        const chosen = tab.dataset.name === model.get("value");
        tab.setAttribute("aria-selected", chosen);
        tab.tabIndex = chosen ? 0 : -1;
      });
      list.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        const all = [...list.children];
        const next = all[(all.findIndex((tab) => tab.tabIndex === 0) + step + all.length) % all.length];
        open(next);
        next.focus();
      });
      model.on("change:value", draw);
      draw();
      el.append(list);
    }
    export default { render };
    """
    tabs = traitlets.List(traitlets.Tuple()).tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(**state)
        self.add_class("dbtools-tabs")


def button(text: str, tooltip: str, act: Callable[[], object], **look: Any) -> ipywidgets.Button:
    """Return a button that does something."""
    made = ipywidgets.Button(description=text, tooltip=tooltip, layout=ipywidgets.Layout(width="auto"), **look)
    made.on_click(lambda _: act())
    return made


def choice(text: str, tooltip: str, options: Any, value: Any, **look: Any) -> ipywidgets.Dropdown:
    """Return a list to choose one of."""
    layout = ipywidgets.Layout(width="auto", max_width="100%")
    return ipywidgets.Dropdown(
        description=text, tooltip=tooltip, options=options, value=value, style=_FREE, layout=layout, **look
    )


def line(text: str, tooltip: str, value: str = "", width: str = "280px", **look: Any) -> ipywidgets.Text:
    """Return a line to type in; it counts when it is left or on Enter."""
    layout = ipywidgets.Layout(width=width, max_width="100%")
    return ipywidgets.Text(
        value=value,
        description=text,
        tooltip=tooltip,
        continuous_update=False,
        style=_FREE,
        layout=layout,
        **look,
    )


def tick(text: str, tooltip: str, value: bool) -> ipywidgets.Checkbox:
    """Return a box to tick."""
    layout = ipywidgets.Layout(width="auto")
    return ipywidgets.Checkbox(value=value, description=text, tooltip=tooltip, indent=False, layout=layout)


def chip(text: str, tooltip: str, value: bool = False) -> ipywidgets.ToggleButton:
    """Return a button that stays pressed."""
    layout = ipywidgets.Layout(width="auto")
    return ipywidgets.ToggleButton(value=value, description=text, tooltip=tooltip, layout=layout)


def row(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    """Return widgets side by side, in more lines where there is no room."""
    box = ipywidgets.Box(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap", width="100%"))
    box.add_class("dbtools-bar")
    return box


def column(*widgets: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return widgets one below the other."""
    return ipywidgets.VBox(list(widgets), layout=ipywidgets.Layout(width="100%"))
