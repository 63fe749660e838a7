from __future__ import annotations

from pathlib import Path

import pytest
from mutants import MUTANTS, ROOT, Mutant, patched


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_safeguard_can_still_be_taken_out(mutant: Mutant) -> None:
    for path, text in patched(mutant, ROOT / "dbtools").items():
        compile(text, path, "exec")
    assert all((ROOT / test.split("::")[0]).exists() for test in mutant.tests)


def test_a_patch_that_no_longer_fits_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("a\na\n")
    with pytest.raises(LookupError, match="2 places"):
        patched(Mutant("twice", (("file.py", "a\n", ""),), ()), tmp_path)
