"""Remove one safeguard from a function of the package, run the tests that should notice, and tell what happened.

A mutant names a function and an expression in it, not lines of text. So it stays valid when code moves or is formatted.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
AT_ONCE = 2
Change = Callable[[ast.AST], int]
"""Changes a function's tree in place and returns in how many places."""


def never(condition: str) -> Change:
    """Make an ``if`` whose test contains the expression `condition` never true."""
    return lambda tree: _each_if(tree, condition, value=False)


def always(condition: str) -> Change:
    """Make an ``if`` whose test contains the expression `condition` always true."""
    return lambda tree: _each_if(tree, condition, value=True)


def drop(call: str) -> Change:
    """Remove a statement that only calls `call`: a function's name, or a whole call with its arguments."""

    def change(tree: ast.AST) -> int:
        found = 0
        for parent in ast.walk(tree):
            for field in ("body", "orelse", "finalbody"):
                statements = getattr(parent, field, None)
                if not isinstance(statements, list):
                    continue
                for place, statement in enumerate(statements):
                    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                        shown = ast.unparse(statement.value)
                        if call in (shown, ast.unparse(statement.value.func)):
                            statements[place] = ast.Pass()
                            found += 1
        return found

    return change


def swap(old: str, new: str) -> Change:
    """Replace an expression by another one."""
    wanted, replacement = ast.unparse(_expression(old)), _expression(new)

    class Swap(ast.NodeTransformer):
        found = 0

        def visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and ast.unparse(node) == wanted:
                self.found += 1
                return replacement
            return self.generic_visit(node)

    def change(tree: ast.AST) -> int:
        swapping = Swap()
        swapping.visit(tree)
        return swapping.found

    return change


def without(operand: str) -> Change:
    """Remove an operand from an ``and`` or an ``or``."""

    def change(tree: ast.AST) -> int:
        found = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.BoolOp):
                left = [value for value in node.values if ast.unparse(value) != ast.unparse(_expression(operand))]
                found += len(node.values) - len(left)
                node.values = left or node.values
        return found

    return change


def text(old: str, new: str) -> Change:
    """Replace a part of a string literal, such as a word of an SQL statement."""

    def change(tree: ast.AST) -> int:
        found = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
                part, other = (old.encode(), new.encode()) if isinstance(node.value, bytes) else (old, new)
                if part in node.value:  # type: ignore[operator]
                    found += 1
                    node.value = node.value.replace(part, other)  # type: ignore[arg-type]
        return found

    return change


def each(places: int, change: Change) -> Change:
    """Make a change that fits in several places of a function in all of them."""
    return lambda tree: int(change(tree) == places)


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _each_if(tree: ast.AST, condition: str, *, value: bool) -> int:
    wanted, found = ast.unparse(_expression(condition)), 0
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp) and wanted in ast.unparse(node.test):
            node.test = ast.Constant(value)
            found += 1
    return found


@dataclass(frozen=True)
class Mutant:
    """A safeguard and how it is removed.

    Attributes
    ----------
    changes : tuple of (str, Change)
        Where, as ``cleanup/safefile.py:copy`` (a class's method: ``file.py:Class.method``; a module's own statements:
        ``file.py:``), and what; each change fits in exactly one place.
    tests : tuple of str
        What should notice; where nothing does, what is nearest to it.
    covered : str
        Why nothing notices; empty where something must.
    """

    name: str
    changes: tuple[tuple[str, Change], ...]
    tests: tuple[str, ...]
    covered: str = ""


def one(name: str, where: str, change: Change, *tests: str, covered: str = "") -> Mutant:
    """Return a mutant of one change."""
    return Mutant(name, ((where, change),), tests, covered)


def patched(mutant: Mutant, package: Path) -> dict[Path, str]:
    """Return the new texts of the files that a mutant changes.

    Raises
    ------
    LookupError
        There is no such function, or the change does not fit in exactly one place of it.
    """
    trees: dict[Path, ast.Module] = {}
    for where, change in mutant.changes:
        file, _, function = where.partition(":")
        path = package / file
        if path not in trees:
            trees[path] = ast.parse(path.read_text("utf-8"))
        places = change(_function(trees[path], function, where))
        if places != 1:
            raise LookupError(f'"{mutant.name}" does not fit {where}: {places} places, not 1')
    return {path: ast.unparse(ast.fix_missing_locations(tree)) for path, tree in trees.items()}


def _function(tree: ast.Module, name: str, where: str) -> ast.AST:
    found: ast.AST = tree
    for part in filter(None, name.split(".")):
        inside = [n for n in ast.walk(found) if getattr(n, "name", None) == part]
        if not inside:
            raise LookupError(f"there is no {where}")
        found = inside[0]
    return found


def failed(copy: Path, tests: Iterable[str]) -> str:
    """Run tests on the copy; return the first that fails, or nothing."""
    # tests/faults/test_mutants.py compares the mutants with the sound package, so it would notice every one.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--ignore=tests/faults/test_mutants.py"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "a test that does not end"
    lines = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0] if lines else "" if done.returncode == 0 else f"pytest ended with {done.returncode}"


@dataclass(frozen=True)
class Outcome:
    """Which test noticed a mutant, if any; `stale` says why the mutant does not fit."""

    mutant: Mutant
    test: str
    seconds: float
    stale: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the outcome differs from what the list of mutants says."""
        return bool(self.stale) or bool(self.test) == bool(self.mutant.covered)

    def __str__(self) -> str:
        survives = f"survives: {self.mutant.covered or 'NO REASON KNOWN'}"
        verdict = self.stale or (f"noticed by {self.test}" if self.test else survives)
        if self.test and self.mutant.covered:
            verdict += f"; THE LIST SAYS THAT NO TEST NOTICES: {self.mutant.covered}"
        return f"{self.mutant.name}\t{verdict}\t{self.seconds:.0f} s"


def tried(mutant: Mutant, copy: Path) -> Outcome:
    """Run the tests that should notice a mutant; the copy is whole again afterwards."""
    started, package = time.perf_counter(), copy / "dbtools"
    try:
        texts = patched(mutant, package)
    except LookupError as error:
        return Outcome(mutant, "", 0.0, f"STALE: {error}")
    sound = {path: path.read_text("utf-8") for path in texts}
    for path, changed in texts.items():
        path.write_text(changed, "utf-8")
    test = failed(copy, mutant.tests)
    for path, original in sound.items():
        path.write_text(original, "utf-8")
    return Outcome(mutant, test, time.perf_counter() - started)


def copied(folder: Path) -> Path:
    """Copy what the tests need, so that a mutant touches nobody's files."""
    for part in ("dbtools", "tests", "notebooks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def run(mutants: Iterable[Mutant]) -> int:
    """Try the mutants, print a line for each, and return 1 if any is not as listed."""
    chosen, outcomes, free = list(mutants), list[Outcome](), SimpleQueue[Path]()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        Path(folder).chmod(0o755)  # some tests are another user for a moment
        for number in range(AT_ONCE):
            free.put(copied(Path(folder, str(number))))

        def borrowed(work, given):
            copy = free.get()
            try:
                return work(given, copy)
            finally:
                free.put(copy)

        # A test that fails without any change would notice everything.
        for test in pool.map(
            lambda test: borrowed(lambda test, copy: failed(copy, [test]), test),
            dict.fromkeys(test for mutant in chosen for test in mutant.tests),
        ):
            if test:
                raise SystemExit(f"without any change, {test} fails")
        for done in as_completed([pool.submit(borrowed, tried, mutant) for mutant in chosen]):
            outcomes.append(done.result())
            sys.stdout.write(f"{outcomes[-1]}\n")
            sys.stdout.flush()
    sys.stdout.write(_summary(outcomes))
    return int(any(outcome.wrong for outcome in outcomes))


def _summary(outcomes: list[Outcome]) -> str:
    noticed = sum(bool(outcome.test) for outcome in outcomes)
    survivors = [o for o in outcomes if not o.test and not o.stale]
    lines = [f"{len(outcomes)} safeguards removed, {noticed} noticed, {len(survivors)} survive:"]
    lines += [f"  {o.mutant.name}: {o.mutant.covered or 'NO REASON KNOWN'}" for o in survivors]
    lines += [f"  NOT AS LISTED: {o}" for o in outcomes if o.wrong]
    return "\n".join(lines) + "\n"
