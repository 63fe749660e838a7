from support import run_python


def test_the_import_changes_no_module_of_the_user():
    code = "import sys, dbtools; print([m for m, v in sys.modules.items() if v is None])"
    assert run_python(code).strip() == "[]"
