"""The command line: ``dbtools demo``, ``run``, ``list``, ``help`` and ``completion``."""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dbtools.errors import DbtoolsError, NotebookError, ParameterError, printable

if TYPE_CHECKING:
    from dbtools.notebooks import Notebook, Report


# The notebooks of the demo: name, parameters, and the name of the report where that is another one.
DEMO: tuple[tuple[str, dict[str, object], str | None], ...] = (
    ("audit", {}, None),
    ("cleanup", {}, None),
    ("cleanup", {"dry_run": False}, "cleanup-applied"),
    ("export", {}, None),
    ("verify", {}, None),
    ("effectiveness", {}, None),
    ("evolution", {}, None),
    ("usage", {}, None),
    ("compare", {"before": "audit.json"}, None),  # relative to the folder of the reports
)
_ANSI = {"critical": 31, "error": 31, "warning": 33, "good": 32}  # the other levels are grey
_COMMANDS = ("demo", "run", "list", "help", "completion")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Changes files: what the command says. Status 0 means done, 1 that a notebook failed or stopped, 2 that the
    input cannot be used, 130 that it was interrupted, 141 that its output was closed.
    """
    parser = _parser()
    given = list(_split_parameters(sys.argv[1:] if argv is None else argv))
    if given and not given[0].startswith("-") and given[0] not in _COMMANDS:
        parser.error(f'no such command: "{printable(given[0])}"{_suggestion(given[0])}')
    arguments = parser.parse_args(given)
    # Where a kernel ends while nbclient waits for it, asyncio writes an error that means nothing.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except DbtoolsError as error:
        _print_error(error)
        return 2
    except BrokenPipeError:  # the reader has closed the pipe, as ``| head`` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        parameters = dict(getattr(arguments, "parameters", ()))
        removing = parameters.get("dry_run", "").strip().lower() in ("false", "no", "0")  # all mean False
        files = "files may have been removed; run the same command again to finish, or dbtools run restore to undo it"
        todo = files if removing else "run the same command again to finish what it had begun"
        sys.stderr.write(f"\ndbtools: interrupted, no report of this notebook was written; {todo}.\n")
        return 130
    return status


def _suggestion(word: str) -> str:
    """Return the command that was meant, in words; empty where none is near."""
    from dbtools.notebooks import catalog

    meant = {notebook.name: f"dbtools run {notebook.name}" for notebook in catalog()}
    meant |= {command: f"dbtools {command}" for command in _COMMANDS}
    near = difflib.get_close_matches(word, meant, n=1)
    return f"; did you mean {meant[near[0]]}?" if near else ""


def _split_parameters(argv: Sequence[str]) -> Iterator[str]:
    """Yield the arguments with ``-p NAME=VALUE`` as the two that papermill's ``-p NAME VALUE`` takes."""
    before = ""
    for argument in argv:
        named = re.fullmatch(r"([A-Za-z_]\w*)=(.*)", argument, re.DOTALL) if before in ("-p", "--parameter") else None
        yield from named.groups() if named else (argument,)
        before = argument


def _parser() -> argparse.ArgumentParser:
    from dbtools import __version__

    parser = argparse.ArgumentParser(prog="dbtools", description="Audit, clean, export and understand prompter.db.")
    parser.add_argument("--version", action="version", version=f"dbtools {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="build a demo project and write its reports")
    demo.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path("demo"),
        help="its folder, default: demo; an earlier demo in it is deleted with all its files",
    )
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="run notebooks and write their reports")
    run.add_argument("names", metavar="NAME", nargs="+", help="a notebook that `dbtools list` names")
    run.add_argument("--root", metavar="DIR", help="the project; default: $DBTOOLS_PROJECT, else found from here")
    run.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("PARAMETER", "VALUE"),
        help="set a parameter of the notebooks that declare it; separate the values of a list with commas",
    )
    run.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("reports"), help="folder of the reports; default: reports"
    )
    run.add_argument("-q", "--quiet", action="store_true", help="print only errors and failed verdicts")
    run.add_argument("-v", "--verbose", action="store_true", help="print the main points of each report, too")
    run.add_argument("--json", action="store_true", help="print what each notebook recorded, one line of JSON each")
    run.set_defaults(command=_run)

    listing = commands.add_parser("list", help="show the notebooks and their parameters")
    listing.add_argument("names", metavar="NAME", nargs="*", help="a notebook; default: all")
    listing.add_argument("--names", dest="only_names", action="store_true", help="show their names only")
    listing.set_defaults(command=_list)
    helping = commands.add_parser("help", help="explain a command or a notebook")
    helping.add_argument("names", metavar="NAME", nargs="?", help="a command, or a notebook that `dbtools list` names")
    helping.set_defaults(command=lambda arguments: _help(parser, commands.choices, arguments))
    completion = commands.add_parser("completion", help="print a script that completes commands in a shell")
    completion.add_argument("shell", choices=("bash", "zsh"), help='put eval "$(dbtools completion bash)" in ~/.bashrc')
    completion.set_defaults(command=_completion)
    for command in (run, listing, helping):
        command.add_argument(
            "--notebooks", metavar="DIR", type=Path, help="their folder; default: those shipped with dbtools"
        )
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    from dbtools import demo

    root = demo.build(arguments.folder).root
    reports = root / "reports"
    steps = [(name, {**parameters, "root": str(root)}, save_as) for name, parameters, save_as in DEMO]
    for _, parameters, _ in steps:
        if "before" in parameters:
            parameters["before"] = str(reports / str(parameters["before"]))
    _print(f"The demo project is {root}")
    status = _run_all(steps, reports, None)
    _print(f"Open the reports in {reports}")
    return status


def _run(arguments: argparse.Namespace) -> int:
    from dbtools.notebooks import bind, find
    from dbtools.project import Project

    notebooks = [find(name, arguments.notebooks) for name in arguments.names]
    values = _values(arguments, notebooks)
    # A missing project must be an error at once; a notebook would take the demo instead.
    values["root"] = str(Project.find(values.get("root")).root)
    # All parameters are checked before the first notebook runs, which may take an hour.
    steps = [(n.name, bind(n, _declared(n, values)), None) for n in notebooks]
    return _run_all(steps, arguments.out, arguments.notebooks, arguments)


def _list(arguments: argparse.Namespace) -> int:
    from dbtools.notebooks import catalog, find

    names = arguments.names
    for notebook in [find(name, arguments.notebooks) for name in names] if names else catalog(arguments.notebooks):
        if arguments.only_names:
            _print(notebook.name)
            continue
        _print(f"{notebook.name}: {notebook.question}")
        for p in notebook.parameters:
            _print(f"    {p.name}: {p.type} = {p.default}" + (f"  # {p.help}" if p.help else ""))
    return 0


def _help(parser: argparse.ArgumentParser, commands: Any, arguments: argparse.Namespace) -> int:
    name = arguments.names
    if name is None or name in commands:
        (commands[name] if name else parser).print_help()
        return 0
    arguments.names, arguments.only_names = [name], False
    _list(arguments)
    _print(f"Run it: dbtools run {name} --root DIR -p PARAMETER VALUE")
    return 0


def _completion(arguments: argparse.Namespace) -> int:
    script = Path(__file__).with_name("completion.bash").read_text(encoding="utf-8").rstrip("\n")
    if arguments.shell == "zsh":
        script = f"autoload -U +X bashcompinit && bashcompinit\n{script}"
    _print(script)
    return 0


def _values(arguments: argparse.Namespace, notebooks: Sequence[Notebook]) -> dict[str, Any]:
    given = list(arguments.parameters)
    if arguments.root is not None:
        given.append(["root", arguments.root])
    values: dict[str, Any] = {}
    known = sorted({p.name for n in notebooks for p in n.parameters})
    for name, value in given:
        if name in values:
            raise ParameterError("The parameter is given twice", name, "give it once")
        if name not in known:
            what = f"No parameter of {' or '.join(n.name for n in notebooks)}"
            raise ParameterError(what, name, f"use one of {', '.join(known) or 'none'}")
        values[name] = value
    return values


def _declared(notebook: Notebook, values: dict[str, Any]) -> dict[str, Any]:
    return {p.name: values[p.name] for p in notebook.parameters if p.name in values}


def _run_all(
    steps: Sequence[tuple[str, dict[str, Any], str | None]],
    out: Path,
    folder: Path | None,
    look: argparse.Namespace | None = None,
) -> int:
    from dbtools.notebooks import run
    from dbtools.notebooks.kernel import forked_kernels

    status, quiet = 0, bool(look and look.quiet)
    with forked_kernels():
        for name, parameters, save_as in steps:
            try:
                report = run(name, None, parameters, out, progress=not quiet, save_as=save_as, folder=folder)
            except NotebookError as error:
                _print_error(error)
                status = 1
                continue
            status = status if report.passed else 1
            if look and look.json:
                _print(json.dumps(json.loads(report.json.read_text(encoding="utf-8")), ensure_ascii=False))
            elif not quiet or not report.passed:
                _print(_line(save_as or name, report, verbose=bool(look and look.verbose)))
    return status


def _line(name: str, report: Report, verbose: bool = False) -> str:
    from dbtools.notebooks.index import word

    verdict, reason = word(report.level, report.passed), printable(report.reason.removesuffix("."))
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        verdict = f"\x1b[{_ANSI.get(report.level if report.passed else 'error', 90)}m{verdict}\x1b[0m"
    lines = [f"{name}: {verdict}  {report.html}", *([f"    {reason}"] if reason else [])]
    if verbose:
        lines += [f"    - {printable(text)}" for text in report.highlights]
    return "\n".join(lines)


def _print_error(error: DbtoolsError) -> None:
    _print(f"dbtools: {error}", sys.stderr)


def _print(text: str, stream: TextIO | None = None) -> None:
    # The terminal's encoding may lack characters of a file name or a sentence.
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
