"""Every notebook runs on a demo project built for this run, whatever the person at the keyboard has."""

import os
import shutil
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # nbval's items take no fixtures; their kernels inherit this process's environment.
    cache = tempfile.mkdtemp(prefix="dbtools-")
    os.environ["XDG_CACHE_HOME"] = cache
    os.environ.pop("DBTOOLS_PROJECT", None)
    config.add_cleanup(lambda: shutil.rmtree(cache, ignore_errors=True))
