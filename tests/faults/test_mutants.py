from __future__ import annotations

from pathlib import Path

import pytest
from mutants import MUTANTS
from mutation import ROOT, Mutant, never, one, patched


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_safeguard_can_still_be_removed(mutant: Mutant) -> None:
    for path, changed in patched(mutant, ROOT / "dbtools").items():
        compile(changed, path, "exec")
    assert all((ROOT / test.split("::")[0]).exists() for test in mutant.tests)


@pytest.mark.parametrize("where", ["file.py:here", "file.py:gone"])
def test_a_change_that_does_not_fit_in_exactly_one_place_is_an_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "file.py").write_text("def here(a):\n    if a: return 1\n    if a: return 2\n")
    with pytest.raises(LookupError, match=r"2 places|there is no"):
        patched(one("twice", where, never("a")), tmp_path)
