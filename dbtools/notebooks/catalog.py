"""The notebooks: the question each answers, and the parameters it takes."""

from __future__ import annotations

import ast
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbtools.errors import NotebookError, ParameterError, reason

_HOME = Path(__file__).resolve().parents[1]
_FILE = re.compile(r"\d+_(?P<name>[a-z][a-z0-9_]*)")
_OPTIONAL = re.compile(r"Optional\[(?P<type>.+)\]")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter that a notebook declares.

    Attributes
    ----------
    type : str
        As annotated: ``str``, ``int``, ``float``, ``bool``, ``list[str]``, or ``Optional[…]`` of one of them.
    default : str
        As written in the notebook.
    """

    name: str
    type: str
    default: str
    help: str


@dataclass(frozen=True)
class Notebook:
    """One notebook: ``cleanup`` is ``02_cleanup.ipynb``; `question` is the sentence under its title."""

    name: str
    path: Path
    question: str
    parameters: tuple[Parameter, ...]


def catalog(folder: Path | None = None) -> list[Notebook]:
    """List the notebooks of `folder` (default: those shipped with dbtools), in their order. Reads only."""
    files = sorted((folder or _shipped()).glob("*.ipynb"))
    return [_read(file, match["name"]) for file in files if (match := _FILE.fullmatch(file.stem))]


def find(name: str, folder: Path | None = None) -> Notebook:
    """Return the notebook called `name` (``cleanup`` or ``02_cleanup``). Reads only.

    Raises
    ------
    ParameterError
        There is none.
    """
    notebooks = catalog(folder)
    for notebook in notebooks:
        if name in (notebook.name, notebook.path.stem):
            return notebook
    known = ", ".join(n.name for n in notebooks) or "none"
    near = difflib.get_close_matches(name, [n.name for n in notebooks], n=1)
    meant = f"did you mean {near[0]}? Otherwise " if near else ""
    raise ParameterError("No such notebook", name, f"{meant}use one of {known}")


def bind(notebook: Notebook, values: Mapping[str, object]) -> dict[str, Any]:
    """Check `values` against the parameters declared; text is converted to the declared type. Reads only.

    Raises
    ------
    ParameterError
        A name is not declared, or a value does not fit its type.
    """
    declared = {p.name: p for p in notebook.parameters}
    for name in values:
        if name not in declared:
            known = ", ".join(f"{p.name} ({p.type})" for p in notebook.parameters) or "none"
            raise ParameterError(f'The notebook "{notebook.name}" has no parameter', name, f"use one of {known}")
    return {name: _convert(declared[name], declared[name].type, value) for name, value in values.items()}


def _shipped() -> Path:
    # In a wheel the notebooks are inside the package; a folder "notebooks" beside it belongs to another package.
    inside = _HOME / "_notebooks"
    return inside if inside.is_dir() else _HOME.parent / "notebooks"


def _read(file: Path, name: str) -> Notebook:
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        first = next(("".join(c["source"]) for c in cells if c["cell_type"] == "markdown"), "")
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
        parameters = _parameters("".join(tagged[0]["source"])) if tagged else ()
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise NotebookError(f"Cannot read the notebook ({reason(error)})", file, "restore it") from None
    return Notebook(name, file, _question(first), parameters)


def _question(markdown: str) -> str:
    paragraphs = (" ".join(p.split()) for p in markdown.split("\n\n"))
    return next((p for p in paragraphs if p and not p.startswith("#")), "")


def _parameters(source: str) -> tuple[Parameter, ...]:
    found = []
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            continue
        default = ast.get_source_segment(source, node.value) or ""
        # Columns count bytes of UTF-8; what follows the value on its line is the comment.
        rest = lines[(node.end_lineno or 1) - 1].encode()[node.end_col_offset :].decode()
        quoted = isinstance(node.annotation, ast.Constant)
        annotation = str(ast.literal_eval(node.annotation)) if quoted else ast.unparse(node.annotation)
        found.append(Parameter(node.target.id, annotation, default, rest.strip().lstrip("# ").strip()))
    return tuple(found)


def _convert(parameter: Parameter, kind: str, value: object) -> Any:
    optional = _OPTIONAL.fullmatch(kind)
    if optional:
        empty = value is None or (isinstance(value, str) and value.strip() in ("", "None"))
        return None if empty else _convert(parameter, optional["type"], value)
    if kind not in _TYPES:
        raise NotebookError(f'The type "{kind}" cannot be given for parameter', parameter.name)
    convert, example = _TYPES[kind]
    try:
        return convert(value)
    except (ValueError, OverflowError, RecursionError):
        known = f"give {example} (default {parameter.default})"
        raise ParameterError(f'Not a value of parameter "{parameter.name}"', value, known) from None


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    raise ValueError


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _str(value: object) -> str:
    if not isinstance(value, str | Path):
        raise ValueError
    str(value).encode()  # a notebook cannot hold a name that is not UTF-8
    return str(value)


def _list(value: object) -> list[str]:
    if value is None:  # YAML's ~
        return []
    if isinstance(value, str):
        listed = value.strip().startswith("[")
        value = json.loads(value) if listed else [v.strip() for v in value.split(",") if v.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError
    return [_str(v) for v in value]


# How a value is converted to a type, and an example of the type in words.
_TYPES: dict[str, tuple[Callable[[object], Any], str]] = {
    "bool": (_bool, "True or False"),
    "int": (_int, "a whole number"),
    "float": (_float, "a number"),
    "str": (_str, "text"),
    "list[str]": (_list, 'names separated by commas, or ["a", "b"]'),
    "list": (_list, 'names separated by commas, or ["a", "b"]'),
}
