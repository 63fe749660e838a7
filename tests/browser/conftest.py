from __future__ import annotations

import signal
import sys

import pytest

try:
    import browsing
except ImportError:  # playwright is not installed: the tests are skipped
    browsing = None


def pytest_configure(config: pytest.Config) -> None:
    # A pytest that is terminated runs no teardown, and the servers would stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Return the address of a JupyterLab, and the folder it shows."""
    home = tmp_path_factory.mktemp("lab")
    folder = home / "work"
    folder.mkdir()
    with browsing.lab(home, folder) as address:
        yield address, folder
