from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import make_database, python


@pytest.mark.skipif(os.getuid() != 0, reason="root sets the scene for another user")
def test_a_folder_that_cannot_be_read_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "closed").mkdir(parents=True)
    (root / "closed").chmod(0)
    make_database(root / "prompter.db")
    (root / "storage").mkdir()
    (root / "storage" / "v.csv").touch()
    for folder in (root, root / "storage", *root.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o055)
    code = """if True:
        import os, sys
        from dbtools.files.inventory import walk
        from dbtools.project import Project
        os.setuid(65534)
        print(*(path.name for path in walk(Project.find(sys.argv[1]))))
    """
    with python(code, root) as process:
        assert process.communicate(timeout=60)[0].split() == ["closed", "prompter.db", "v.csv"]
