"""Every notebook runs on a demo project built for this run, whatever the person at the keyboard has."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # nbval's items take no fixtures; their kernels inherit this process's environment.
    cache = tempfile.mkdtemp(prefix="dbtools-")
    os.environ["XDG_CACHE_HOME"] = cache
    os.environ.pop("DBTOOLS_PROJECT", None)
    # A profile without anybody's settings; as in `dbtools run`, kernels leave out an import that takes two seconds.
    startup = Path(cache, "ipython", "profile_default", "startup")
    startup.mkdir(parents=True)
    (startup / "00_start.py").write_text("__import__('sys').modules.setdefault('rfc3987_syntax', None)\n")
    os.environ["IPYTHONDIR"] = str(Path(cache, "ipython"))
    config.add_cleanup(lambda: shutil.rmtree(cache, ignore_errors=True))
