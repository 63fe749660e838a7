from __future__ import annotations

import signal
import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # A pytest that is terminated runs no teardown, and the servers would stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
