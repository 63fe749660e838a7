import os

import pytest

from dbtools.notebooks.kernel import retry_start, safe_environment


def test_the_current_folder_is_on_no_path_of_a_kernel():
    given = {"PYTHONPATH": os.pathsep.join(["", ".", "lib", "/opt/lib", "../x"]), "A": "b"}
    safe = safe_environment(given)
    assert safe == {"A": "b", "PYTHONSAFEPATH": "1", "PYTHONPATH": f"{os.devnull}{os.pathsep}/opt/lib"}
    assert safe_environment({"PYTHONPATH": f".{os.pathsep}"}) == {"PYTHONSAFEPATH": "1"}
    assert given["A"] == "b"


def test_a_kernel_that_dies_before_it_is_ready_is_started_again():
    calls = []

    def start():
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "ready"

    assert retry_start(start) == "ready"
    calls[:] = [1, 1, 1]

    def die():
        raise RuntimeError("Kernel died before replying to kernel_info")

    with pytest.raises(RuntimeError, match="died"):
        retry_start(die)


def test_another_error_is_not_tried_again():
    calls = []

    def fail():
        calls.append(1)
        raise RuntimeError("other")

    with pytest.raises(RuntimeError, match="other"):
        retry_start(fail)
    assert calls == [1]
