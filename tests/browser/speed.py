"""Print how long the Explorer takes in a real browser: `python speed.py PROJECT`; the second time its cache exists."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

import browsing

TABS = ("Overview", "Agents", "Versions", "Time", "Usage")
CHANGES = (
    ("provenance", "explorer.provenance = 'all'", ("Agents", "Versions", "Time", "Usage")),
    ("agents", "explorer.agents = list(explorer.db.sql('SELECT DISTINCT source FROM versions ORDER BY 1 LIMIT 2')"
     ".df()['source'])", ("Agents", "Versions")),
    ("users", "explorer.users = ['user1', 'user2']", TABS),
    ("users open", "explorer.users = []", TABS),
    ("days", "explorer.date_range = ('2025-03-01', None)", TABS),
)  # fmt: skip


def main(root: Path) -> None:
    """Open the project twice, the second time with everything kept, then change each filter in each tab."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "work").mkdir()
        for turn in ("first time", "again"):
            browsing.copy_notebook(home / "work", root, f"{turn}.ipynb")
        with browsing.lab(home, home / "work") as address:
            for turn in ("first time", "again"):
                with browsing.browser() as page:
                    browsing.open_notebook(page, address, f"{turn}.ipynb")
                    page.set_default_timeout(600_000)
                    sys.stdout.write(f"{turn}: first view after {browsing.run_all(page):.2f} s\n")
                    browsing.settle(page)
                    if turn == "again":
                        filters(page)


def filters(page: browsing.Page) -> None:
    for tab in TABS:
        browsing.open_tab(page, tab)
    for what, code, tabs in CHANGES:
        for tab in tabs:
            browsing.execute(page, "explorer.reset(); explorer.users = ['user3'] if 'open' in '" + what + "' else []")
            browsing.open_tab(page, tab)
            first, last = browsing.timed(page, partial(browsing.execute, page, code))
            sys.stdout.write(f"{what:12} {tab:9} first numbers {first:5.2f} s, all {last:5.2f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
