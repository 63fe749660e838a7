from __future__ import annotations

import threading

import pytest
from nbformat import v4

from dbtools import progress
from dbtools.progress import ProgressLine


def test_a_listener_hears_every_step_of_work_instead_of_a_bar(capsys):
    heard = []
    with progress.listening(lambda *told: heard.append(told)):
        assert list(progress.bar(["a", "b"], desc="letters", disable=True)) == ["a", "b"]
        with progress.bar(total=10, unit="B", desc="bytes") as bar:
            bar.update(4)
            bar.update()  # as tqdm's, by one
        progress.step("a question")
    assert heard == [
        *((n, 2, "letters") for n in range(3)),
        *((n, 10, "bytes") for n in (0, 4, 5)),
        (0, 0, "a question"),
    ]
    assert capsys.readouterr().err == ""


def test_without_a_listener_there_is_a_bar_unless_it_is_hidden(capsys):
    assert list(progress.bar(range(2), desc="counted")) == [0, 1]
    assert "counted: 100%" in capsys.readouterr().err
    assert list(progress.bar(range(2), disable=True)) == [0, 1]
    progress.step()
    assert capsys.readouterr().err == ""


def test_a_listener_can_stop_the_work_of_its_own_thread_only():
    def stop(done: int, total: int, what: str) -> None:
        raise progress.Stopped

    with progress.listening(stop):
        other = threading.Thread(target=progress.step)
        other.start()
        other.join()
        with pytest.raises(progress.Stopped):
            progress.step()
    progress.step()


def test_a_terminal_shows_the_cell_and_its_heading_and_nothing_else_does(monkeypatch, capsys):
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("## Who wins?"), v4.new_code_cell("1", id="one")])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    line = ProgressLine("audit")
    line.cells(notebook)(notebook.cells[1], cell_index=1)
    line.clear()
    assert capsys.readouterr().err == "\r\x1b[Kaudit: cell 2 of 2, Who wins?\r\x1b[K"
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    ProgressLine("audit").say("starting")
    assert capsys.readouterr().err == ""
