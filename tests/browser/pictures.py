"""Make the pictures of the Explorer, each tab in both themes: `python pictures.py FOLDER`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import browsing

from dbtools import demo

TABS = ("Overview", "Agents", "Versions", "Time", "Usage", "Quality", "Files", "Export", "SQL")


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
                for tab in TABS:
                    browsing.open_tab(page, tab)
                    page.evaluate("document.activeElement.blur()")
                    picture = folder / f"explorer-{tab.lower()}-{theme.lower()}.png"
                    box = page.locator(".dbtools-explorer").first.bounding_box()
                    clip = {**box, "height": min(box["height"], 1000)}
                    page.screenshot(path=picture, clip=clip)


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
