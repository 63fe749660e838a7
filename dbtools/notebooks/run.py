"""Run notebooks through papermill, and renew the outputs of the committed ones."""

from __future__ import annotations

import ast
import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from dbtools import __version__, disk, errors, iri_parsers
from dbtools.errors import (
    DbtoolsError,
    NotebookError,
    ParameterError,
    VerdictError,
    explained,
    printable,
    reason,
    usable,
)
from dbtools.notebooks import index
from dbtools.notebooks.catalog import Notebook, bind, find
from dbtools.notebooks.record import plain, recorded
from dbtools.notebooks.report import (
    KINDS,
    escape_invisible,
    make_printable,
    render,
    shorten_home,
    title,
    to_json,
    write,
)
from dbtools.progress import ProgressLine
from dbtools.project import Project
from dbtools.redact import redact, shorten

iri_parsers.defer()  # before nbformat imports jsonschema

EARLIER = "earlier"
"""The parameter that names the JSON file of an earlier report; by default the one that is about to be replaced."""
_ERROR_CELL = "papermill-error-cell-tag"
_LONGEST = 200  # characters of an error that are shown
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_RESUME = "run the same command again to finish, or run restore: files may have been removed"


@dataclass(frozen=True)
class Report:
    """The files and values of one run of a notebook.

    Attributes
    ----------
    ipynb, html, json : Path
        The executed notebook, the page made of it, and the file of the values it recorded.
    values : dict
        Those values; in the files, the user's home folder is written ``~``.
    passed, reason, level, highlights
        The notebook's own verdict; how bad it is, as one of `dbtools.html.LEVELS`; what matters most.
    """

    ipynb: Path
    html: Path
    json: Path
    values: dict[str, Any]
    passed: bool
    reason: str
    level: str = "good"
    highlights: tuple[str, ...] = ()


def run(
    name: str,
    root: str | os.PathLike[str] | None = None,
    parameters: Mapping[str, object] | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
    *,
    save_as: str | None = None,
    folder: Path | None = None,
) -> Report:
    """Run the notebook `name` on the project `root` and write ``NAME.ipynb``, ``.html`` and ``.json``.

    Changes files: those three in `out` (default ``./reports``; called `save_as` if given), and whatever the
    notebook is for. `folder` holds the notebooks (default: those shipped with dbtools).

    Raises
    ------
    ParameterError
        The notebook, or one of its `parameters`, is not known or does not fit; nothing was run.
    NotebookError
        The notebook raised; its copy and its page show where. Or it ran, and its report cannot be written.
    DbtoolsError
        The notebook raised this very error; nothing was written.
    """
    notebook = find(name, folder)
    given = dict(parameters or {})
    if root is not None:
        with usable(root):
            given["root"] = str(Path(root).expanduser().absolute())
    target = _writable(Path(out) if out is not None else Path("reports"), save_as or notebook.name)
    bound = bind(notebook, given)
    about, earlier = _about(notebook, bound), Path(f"{target}.json")
    takes_it = EARLIER not in bound and any(p.name == EARLIER for p in notebook.parameters)
    if takes_it and index.about_report(earlier).get("project") == about["project"]:
        bound[EARLIER] = str(earlier)
    executed, error = _execute(notebook, bound, progress)
    raised = _own_error(error) if error else None
    if raised and not isinstance(raised, VerdictError):
        raise raised
    stopped = "" if error is None or raised else _short(f"{error.ename}: {error.evalue}")
    report = _save(target, executed, raised, stopped, about, _note(bound))
    if stopped:
        raise NotebookError(f'The notebook "{notebook.name}" stopped at', stopped, f"look into {report.html}")
    return report


def refresh(folder: Path) -> list[Path]:
    """Run every notebook of `folder` on its defaults, store the outputs, and return the files that changed.

    Changes files: the notebooks whose outputs differ in more than the folder's ``sanitize.cfg`` says may differ. A
    notebook that shows widgets is stored without outputs.

    Raises
    ------
    NotebookError
        A notebook raised; that one and the following are as they were.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError

    from dbtools.notebooks.kernel import forked_kernels, retry_start

    changed = []
    with forked_kernels():
        for path in sorted(folder.glob("*.ipynb")):
            before = path.read_text(encoding="utf-8")
            notebook = nbformat.reads(before, as_version=4)  # type: ignore[no-untyped-call]
            try:
                retry_start(partial(_renew, notebook, path.parent))
            except CellExecutionError as error:
                what = _short(f"{error.ename}: {error.evalue}")
                raise NotebookError(f'The notebook "{path.name}" stopped at', what, "run it in JupyterLab") from None
            after = _text(notebook)
            if _sanitize(after, folder) != _sanitize(before, folder):
                write(path.with_suffix(""), {"ipynb": after})
                changed.append(path)
    return changed


def _sanitize(text: str, folder: Path) -> str:
    """Replace what may differ between two runs, by the pairs of regex and replace that nbval reads too."""
    rules = folder / "sanitize.cfg"
    pairs = (
        re.findall(r"^regex: (.+)\nreplace: (.+)$", rules.read_text("utf-8"), re.MULTILINE) if rules.is_file() else []
    )
    for pattern, replacement in pairs:
        text = re.sub(pattern, replacement, text)
    return text


def _execute(notebook: Notebook, bound: Mapping[str, Any], progress: bool) -> tuple[Any, Any]:
    """Return the executed notebook, and papermill's error when it raised."""
    shown = ProgressLine(notebook.name, progress)
    shown.say("starting")  # what is imported next takes a second or two
    import nbformat
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError

    from dbtools.notebooks.kernel import OPTIONS, SafeKernelManager, retry_start

    # papermill takes a node or a path; a path would be read as a format string.
    node = nbformat.read(notebook.path, as_version=4)  # type: ignore[no-untyped-call]
    with disk.temporary_folder("dbtools-run-") as folder:
        copy = folder / "executed.ipynb"
        execute = partial(
            papermill.execute_notebook,
            node,
            copy,
            bound,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            on_cell_start=shown.cells(node),
            request_save_on_cell_execute=False,
            extra_arguments=OPTIONS,
            kernel_manager_class=SafeKernelManager,
        )
        try:
            executed = retry_start(execute)
        except papermill.PapermillExecutionError as error:
            return _clean(nbformat.read(copy, as_version=4)), error  # type: ignore[no-untyped-call]
        except DeadKernelError:
            todo = _RESUME if bound.get("dry_run") is False else "free memory and run it again"
            raise NotebookError("The kernel died in the notebook", notebook.name, todo) from None
        except NoSuchKernel:
            raise NotebookError("Jupyter has no kernel called", "python3", "install ipykernel") from None
        except RuntimeError as error:
            if "Kernel" not in str(error):
                raise
            raise NotebookError(f"No kernel can be started ({reason(error)})", notebook.name, "try again") from None
        finally:
            shown.clear()
    return _clean(executed), None


def _clean(notebook: Any) -> Any:
    """Drop what papermill adds besides the outputs, its banners, paths and times; make the outputs printable."""
    notebook.metadata.pop("papermill", None)
    notebook.cells = [c for c in notebook.cells if _ERROR_CELL not in c.metadata.get("tags", ())]
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        for output in cell.get("outputs", ()):
            make_printable(output)
    return notebook


def _own_error(error: Any) -> DbtoolsError | None:
    """Return the error of dbtools that a notebook raised, or None when it raised something else."""
    kind = getattr(errors, error.ename, None)
    # sqlite3 and duckdb have a DatabaseError too; only ours renders its full name.
    if kind is None or f"{errors.__name__}.{error.ename}:" not in "".join(error.traceback):
        return None
    raised: DbtoolsError = kind(error.evalue.removesuffix("."))
    return raised


def _about(notebook: Notebook, bound: Mapping[str, Any]) -> dict[str, Any]:
    """Return of what project, when, by what version and with which parameters a report was made."""
    defaults = {p.name: ast.literal_eval(p.default) for p in notebook.parameters}
    chosen = {n: value for n, value in bound.items() if n not in ("root", EARLIER) and value != defaults[n]}
    return {
        "notebook": notebook.name,
        "project": shorten_home(str(bound.get("root") or "no project named")),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "parameters": plain(chosen),
    }


def _note(bound: Mapping[str, Any]) -> str:
    """Say which of several databases was read; empty where there is one, or no project."""
    with suppress(DbtoolsError):
        note = Project.find(bound.get("root") or None).note
        return redact(printable(note[:1].upper() + note[1:] + ".")) if note else ""
    return ""


def _save(
    target: Path, executed: Any, verdict: DbtoolsError | None, stopped: str, about: dict[str, Any], note: str = ""
) -> Report:
    """Write the report of an executed notebook, and the index. Changes files: see `report.write`."""
    found = recorded(executed)
    values = found.values | ({"database_note": note} if note else {})
    report = Report(
        ipynb=Path(f"{target}.ipynb"),
        html=Path(f"{target}.html"),
        json=Path(f"{target}.json"),
        values=values,
        passed=verdict is None,
        reason=str(verdict or found.reason),
        level=found.level,
        highlights=found.highlights,
    )
    chosen = [f"{n} = {value!r}" for n, value in about["parameters"].items()]
    line = " · ".join([about["project"], index.when(about["time"]), f"dbtools {__version__}", *chosen])
    project = Path(about["project"]).name if about["project"] != "no project named" else ""
    about_page = {"about": redact(printable(line)), "note": note}
    page = render(executed, stopped=stopped, project=project, name=target.name, **about_page)
    texts = {"ipynb": escape_invisible(_text(executed)), "html": page}
    if not stopped:
        said = {"title": title(executed), "passed": report.passed, "level": found.level, "reason": report.reason}
        whole = index.with_history({**about, **said}, index.about_report(report.json))
        texts["json"] = to_json({**values, index.KEY: plain(whole)})
    try:
        write(target, {kind: shorten_home(text) for kind, text in texts.items()})
        with explained(ParameterError, "Cannot write the index", target.parent, "give another folder"):
            index.write_index(target.parent)
    except ParameterError as error:
        # The notebook has done its work, which may have been to remove files.
        did = stopped or report.reason or "it ran to its end"
        what = f"{str(error).removesuffix('.')}. The notebook had run"
        raise NotebookError(what, did, "its work is done; give another folder for the reports") from None
    return report


def _renew(notebook: Any, folder: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    from dbtools.notebooks.kernel import OPTIONS, SafeKernelManager

    with tempfile.TemporaryDirectory(prefix="dbtools-") as cache:
        environment = {k: v for k, v in os.environ.items() if k != "DBTOOLS_PROJECT"}
        NotebookClient(
            notebook,
            kernel_name="python3",
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            extra_arguments=OPTIONS,
            kernel_manager_class=SafeKernelManager,
            resources={"metadata": {"path": str(folder)}},
        ).execute(env=environment | {"XDG_CACHE_HOME": cache})
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    widgets = any(_WIDGET in o.get("data", ()) for cell in code for o in cell.outputs)
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    for cell in code if widgets else ():
        cell.outputs, cell.execution_count = [], None
    for cell in code:  # the cache folder of this run has another name in every run
        shown = json.dumps(cell.outputs).replace(cache, "~/.cache")
        cell.outputs = nbformat.from_dict(json.loads(shown))  # type: ignore[no-untyped-call]


def _text(notebook: Any) -> str:
    import nbformat

    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"  # type: ignore[no-untyped-call]


def _short(text: str) -> str:
    line = next((line.strip() for line in _ANSI.sub("", text).splitlines() if line.strip()), "")
    return shorten(line, _LONGEST)


def _writable(folder: Path, name: str) -> Path:
    """Return the path of a report without its suffix; refuse one that cannot be written before the notebook runs."""
    with usable(folder):
        folder = folder.expanduser().absolute()
        folder.resolve()
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        blocked = [p for kind in KINDS if (p := folder / f"{name}.{kind}").exists() and not p.is_file()]
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ParameterError("Cannot write reports into", folder, "give another folder")
    if blocked:
        raise ParameterError("The path of the report exists and is not a file", blocked[0], "move it away")
    return folder / name
