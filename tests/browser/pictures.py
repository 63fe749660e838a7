"""Make pictures of the Explorer, each tab in both themes, and of reports: `python pictures.py FOLDER [REPORT …]`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import browsing

from dbtools import demo
from dbtools.show.explorer.explorer import TABS

TALL = 1150


def main(folder: Path) -> None:
    """Write explorer-TAB-THEME.png. Changes files: in `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        root = demo.build(home / "my-project").root
        (home / "work").mkdir()
        browsing.copy_notebook(home / "work", root)
        with browsing.lab(home, home / "work") as address, browsing.browser() as page:
            browsing.open_notebook(page, address)
            browsing.run_all(page)
            browsing.settle(page)
            prepare(page)
            for theme in ("Light", "Dark"):
                browsing.set_theme(page, f"JupyterLab {theme}")
                for tab in (kind.title for kind in TABS):
                    browsing.open_tab(page, tab)
                    page.evaluate("document.activeElement.blur()")
                    picture = folder / f"explorer-{tab.lower()}-{theme.lower()}.png"
                    box = page.locator(".dbtools-explorer").first.bounding_box()
                    end = _end(page, ".dbtools-explorer :is(tr,.dbtools-chart,.dbtools-note,button)", box["y"])
                    page.screenshot(path=picture, clip={**box, "height": end - box["y"] + 8})


def picture_report(page: browsing.Page, report: Path, folder: Path) -> None:
    """Write NAME.png of the top of a report, down to the end of a paragraph, table or chart. Changes files: it."""
    page.set_viewport_size({"width": 1100, "height": TALL})
    page.goto(report.absolute().as_uri())
    clip = {"x": 0, "y": 0, "width": 1100, "height": _end(page, ".jp-Cell, tr, li, p")}
    page.screenshot(path=folder / f"{report.stem}.png", clip=clip)


def _end(page: browsing.Page, selector: str, top: float = 0) -> float:
    """Return where the last of some elements ends that a picture has room for: no row or chart is cut through."""
    boxes = "wanted => [...document.querySelectorAll(wanted)].map(e => e.getBoundingClientRect())"
    ends = [box["bottom"] for box in page.evaluate(boxes, selector)]
    uncut = page.evaluate(boxes, "tr, li, p, .dbtools-chart, img.chart")
    cut = [(box["top"] + 1, box["bottom"] - 1) for box in uncut]
    return max(end for end in ends if end <= top + TALL and not any(first < end < last for first, last in cut))


def prepare(page: browsing.Page) -> None:
    """Bring the tabs into a state worth a picture."""
    page.set_viewport_size({"width": 1280, "height": 1800})
    browsing.execute(page, "explorer.version_pair = tuple(str(i) for i in explorer.frame['version_id'][:2])")
    browsing.open_tab(page, "Files")
    page.locator(".dbtools-explorer button:visible", has_text="Preview").first.click()
    browsing.open_tab(page, "SQL")
    page.locator(".dbtools-explorer button:visible", has_text="Run").first.click()
    browsing.settle(page)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    with browsing.browser() as opened:
        for name in sys.argv[2:]:
            picture_report(opened, Path(name), Path(sys.argv[1]))
