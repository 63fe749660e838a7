from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.audit import collect_csv
from dbtools.audit.checks import opened
from dbtools.demo import build
from dbtools.errors import ParameterError


def test_the_search_for_secrets_takes_no_more_memory_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(build(tmp_path / "demo"), progress=False) as context:
        assert collect_csv.secrets(context) == []
        monkeypatch.setenv("DBTOOLS_MEMORY", "much")
        with pytest.raises(ParameterError, match="DBTOOLS_MEMORY"):
            collect_csv.secrets(context)
