"""SQL is text of the package: what is put into it is listed here, with the reason why it can be nobody's input."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "dbtools"
STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE|ATTACH|COPY|PRAGMA|DESCRIBE|DROP|LOAD|EXPORT|INSTALL)\b"
)
# Reason, then what is interpolated where. A line that is new here is a line to be reviewed.
REASONS = {
    "a query of the package's own .sql files": """
        audit/checks.py: check.query
        audit/compare_rows.py: read_query('standing')
        demo/__init__.py: rows.data(schema)
        export/layout.py: rows(layout) | text
        export/verify.py: query
        export/write.py: layout_of.query(name)
        show/explorer/selection.py: chosen
        database/database.py: rows_of
        database/engine.py: query | bind(query, parameters)
        database/load.py: derive
        database/prompt_filter.py: query
        database/sql.py: query
    """,
    "names and types of the allow-list in database/schema.py, or numbers counted from it": """
        audit/compare_rows.py: place | relation | self.key | self.table.relation
        audit/collect_database.py: relation[own[0]] | relation[other[0]] | own[1] | other[1] | table.name
        export/lake.py: relation | month
        database/database.py: table.relation | schema.id_cells()
        database/lake.py: relation
        database/schema.py: prefix | table.relation | column.name | 1 << bit | name |
            '' if unreadable is None else ' NOT INDEXED'
        database/load.py: table.relation | table.name | cells | row_id | bits |
            ', '.join(converted) | raw | typed | column | relation | flag | _LONG
        database/postgres.py: cells | ''.join((f', {each}' for each in given))
    """,
    "a name of the server's own tables, quoted by the server's format('%I.%I')": """
        database/postgres.py: state.addresses[name] | state.addresses[table.name]
    """,
    "names that the same module spells out": """
        audit/collect_database.py: others | ' OR '.join(filled) | listed | ', '.join(names) |
        ', '.join(sorted(known_columns))
        database/database.py: name | sql.qualify(name)
        database/prompt_filter.py: name
        database/sql.py: kind | name
        database/engine.py: cells | columns | kind | name
        database/spark.py: cells | name | shape
        audit/blobs.py: filled
        demo/__init__.py: columns | table | values
        export/lake.py: selected | known | written | how
        export/layout.py: counts
        export/verify.py: digest(cells, own) | expected | objects | reader | size | read | written |
            ' OR '.join(marks) | _SUMS
        export/write.py: FORMATS[kind] | cells
        files/compare.py: first | marks | name | schema | second | _EVERY if stand_ins else _FEW | end | row_id
        files/lookup.py: shown_key | ' OR '.join(more) | ', '.join(dimensions) or 'NULL::DOUBLE' |
            ''.join((f', {cell}' for cell in cells)) | rows | texts | numbered
        show/explorer/selection.py: by
        database/cache.py: name | some | sql.qualify(name)
        database/ratings.py: table
        database/sqlite.py: schema
        show/explorer/sql_tab.py: shown
    """,
    "a name of the database at hand, in double quotes that are doubled": """
        analysis/agents.py: quoted
        audit/collect_database.py: table | quoted | identifier(index) | identifier(table)
        cleanup/rescue.py: ', '.join(typed)
        audit/compare_rows.py: identifier(cell)
        database/damage.py: identifier(table) | ', '.join((identifier(column[1]) for column in columns))
        files/compare.py: identifier(table) | identifier(index) | cells | same | table
        database/load.py: ', '.join(cells)
        database/database.py: sql.identifier(name)
        database/schema.py: quoted
    """,
    "a path or text as a literal, in single quotes that are doubled, where nothing can be bound": """
        audit/compare_rows.py: files[-1]
        cleanup/rescue.py: quote(target)
        export/write.py: quote(file)
        files/csvfile.py: quote(_FORMULA)
        files/lookup.py: quote(_BLANKS) | quote(f'[^{_BLANKS}]') | reader
        export/lake.py: quote(staged / relation) | quote(empty) | reader | listed
        database/database.py: sql.quote(file) | sql.quote(earlier._file) | paths
        database/ratings.py: rows | quote(kinds)
        database/engine.py: listed
        database/lake.py: quote(facts) | reader
        database/cache.py: sql.quote(file) | sql.quote(target)
        database/extension.py: sql.quote(file)
        database/postgres.py: quote(' '.join(pairs))
        database/load.py: quote(copy) | quote(json.dumps(origin)) | quote(table.relation)
    """,
    "a word (\\w+) that a pattern found in a guide, the column being one of seven; counts only": """
        audit/claims.py: s.column | s.table
    """,
    "a name that is refused unless it is one of the relations": """
        database/database.py: name | shown
        show/explorer/sql_tab.py: relation
    """,
    "a column of the cache, or of a lake's files that is refused unless it is a plain word": """
        export/lake.py: ', '.join((f'{cell} AS {name}' for name, cell in cells.items()))
        database/lake.py: ', '.join(cells)
    """,
    "what the user asks, in brackets, so that a server takes it only if it is a query": """
        database/spark.py: query
    """,
}


def listed() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for block in REASONS.values():
        for line in re.sub(r"\|\s*\n\s*", "| ", block).strip().splitlines():
            file, expressions = line.strip().split(": ", 1)
            found.setdefault(file, set()).update(e.strip() for e in expressions.split(" | "))
    return found


def interpolated(module: Path) -> dict[str, int]:
    """Return what a module's f-strings put into SQL, with the line."""
    found = {}
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            fixed = "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
            if STATEMENT.search(fixed):
                values = [v for v in node.values if isinstance(v, ast.FormattedValue)]
                found |= {ast.unparse(v.value): v.lineno for v in values}
    return found


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda m: m.relative_to(PACKAGE).as_posix())
def test_what_is_put_into_sql_is_listed_with_its_reason(module):
    name = module.relative_to(PACKAGE).as_posix()
    found = interpolated(module)
    unknown = {e: line for e, line in found.items() if e not in listed().get(name, set())}
    assert not unknown, f"put into SQL in {name}: bind it, or list it here with the reason why it is safe"


def test_nothing_is_listed_that_is_gone():
    for name, expressions in listed().items():
        assert expressions <= set(interpolated(PACKAGE / name)), name


def test_sql_is_never_put_together_by_percent_or_format_or_plus():
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in ("execute", "executemany", "executescript", "sql") and node.args:
                    assert not isinstance(node.args[0], ast.BinOp), f"{module}:{node.lineno}"
                if node.func.attr == "format" and isinstance(node.func.value, ast.Constant):
                    assert not STATEMENT.search(str(node.func.value.value)), f"{module}:{node.lineno}"
