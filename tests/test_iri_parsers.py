"""The parsers of IRIs are built when they are needed, and then do what they always did."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHECK = """
from jsonschema import FormatChecker, ValidationError, validate
def accepts(text):
    try:
        validate(text, {"type": "string", "format": "iri"}, format_checker=FormatChecker())
    except ValidationError:
        return False
    return True
"""


def output(code: str) -> list[str]:
    """Return the lines that a process of its own prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("first", ["import dbtools.show.charts, altair", "import dbtools.notebooks.run, nbformat"])
def test_nothing_is_built_until_an_iri_is_checked(first):
    code = f"import sys\n{first}\nprint('jsonschema' in sys.modules, 'lark' in sys.modules)\n{CHECK}"
    code += "print(accepts('http://exämple.org/ä'), accepts('not an iri at all'), 'lark' in sys.modules)"
    assert output(code) == ["True False", "True False True"]


def test_nothing_is_built_for_who_looks_through_all_modules():
    code = "import sys, inspect\nfrom dbtools.iri_parsers import defer\ndefer()\nimport jsonschema\n"
    code += "files = [m.__file__ for m in sys.modules.copy().values() if hasattr(m, '__file__')]\n"
    code += "inspect.getmodule(len)\nprint(any('rfc3987_syntax' in str(f) for f in files), 'lark' in sys.modules)"
    assert output(code) == ["True False"]


@pytest.mark.slow
def test_whoever_imports_the_module_gets_it():
    use = "import sys, rfc3987_syntax as r\nprint(r.RFC3987_SYNTAX_TERMS[0], r.is_valid_syntax('iri', 'a'))\n"
    use += "from rfc3987_syntax import syntax_helpers\nprint(sys.modules['rfc3987_syntax'].__file__)"
    defer = "from dbtools.iri_parsers import defer\ndefer()\n"
    assert output(defer + use) == output(use)


@pytest.mark.slow
def test_a_module_that_is_imported_already_stays():
    code = "import rfc3987_syntax, sys\nfrom dbtools.iri_parsers import defer\ndefer()\n"
    assert output(f"{code}print(sys.modules['rfc3987_syntax'] is rfc3987_syntax)") == ["True"]
