"""What every engine understands alike, by the words it must not hold; what each answers is compared elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "dbtools"
FOLDERS = ("database/portable", "analysis/queries", "audit/checks")
AUDIT = ("provenance", "scales", "scored", "parents")
# A server reads no long texts, so a check that needs them is asked of DuckDB alone.
TEXTS = re.compile(r"^-- needs:.*\b(original_text|versions\.text)\b", re.MULTILINE)
QUERIES = sorted(q for folder in FOLDERS for q in (PACKAGE / folder).glob("*.sql") if not TEXTS.search(q.read_text()))
QUERIES += [PACKAGE / "audit" / "queries" / f"{name}.sql" for name in AUDIT]

FOREIGN = {
    "a clause of one engine": r"\b(QUALIFY|EXCLUDE|REPLACE\s*\(|ASOF|(UN)?PIVOT|(SEMI|ANTI) JOIN|COLUMNS\s*\()\b",
    "a short form": r"\bGROUP BY (ALL|\d)|\bORDER BY (ALL|\d)|\(\s*FROM\b|::|->|\*\*|//",
    "a function of one engine": r"\b(arg_max|arg_min|any_value|quantile_cont|median|mode|list_\w+|regexp_\w+|strftime|"
    r"date_diff|string_agg|count_if|isfinite|json_\w+|unnest|struct_pack|try_cast|hash|round|log2|printf)\s*\(",
    "a type of one engine": r"\b(HUGEINT|UBIGINT|UUID|STRING|TEXT|double precision|DOUBLE|VARCHAR)\b",
    "a name in double quotes, which are texts to Spark": r'"',
    "a list or lambda": r"\[|\]|\{|\}",
    "FILTER of a window, or without WHERE": r"FILTER\s*\((?!WHERE\b)|FILTER\s*\([^()]*\)\s*OVER",
    "a value sought among columns, which Sail 0.7 does not find": r"\$\w+ (NOT )?IN\b",
    "a division that may be of whole numbers": r"(?<!1e0 )/"
    r"(?!\s*(\d[\d.]*e\d|count\(|sqrt\(|ln\(|m\.choices|l\.times|nullif\(|n \+))",
}
# Columns that are never NULL, so that it does not matter where NULL goes.
FILLED = {
    "row_id", "relation", "column_name", "path", "line", "agent", "a", "b", "x", "y", "dimension", "place",
    "table_name", "difference", "missing", "provenance", "known", "n", "rows", "contests", "generation", "kind",
    "prompts", "t", "count", "versions", "scale", "cell", "period", "model", "row", "message", "problem", "reason",
    "name", "turn", "position_no", "entries", "pair", "failed",
}  # fmt: skip


def text(query: Path) -> str:
    """Return a query without its comments and texts."""
    lines = (line.split("--")[0] for line in query.read_text().splitlines())
    return re.sub(r"'[^']*'", "''", "\n".join(lines))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: f"{q.parent.parent.name}-{q.stem}")
def test_a_query_holds_nothing_that_only_some_engines_know(query):
    found = {what: re.search(words, text(query), re.MULTILINE) for what, words in FOREIGN.items()}
    assert not {what: hit for what, hit in found.items() if hit}
    assert "\\" not in query.read_text()  # Spark reads it as an escape


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: f"{q.parent.parent.name}-{q.stem}")
def test_an_order_says_where_missing_values_go(query):
    for clause in re.findall(r"ORDER BY (.+?)(?:\s+ROWS\b|\s*\)|\s*$(?!\s*,))", text(query), re.DOTALL):
        for key in re.split(r",\s*(?![^()]*\))", clause.strip()):
            key = key.split("\nLIMIT")[0].strip()
            column = key.removesuffix(" DESC").split(".")[-1]
            assert re.search(r"NULLS (FIRST|LAST)$", key) or column in FILLED, key


@pytest.mark.parametrize(
    ("what", "bad"),
    [
        ("a clause of one engine", "SELECT * EXCLUDE (a) FROM t"),
        ("a short form", "SELECT a::INT FROM t"),
        ("a short form", "SELECT a FROM t GROUP BY ALL"),
        ("a function of one engine", "SELECT arg_max(a, b) FROM t"),
        ("a type of one engine", "SELECT cast(a AS double precision) FROM t"),
        ("a division that may be of whole numbers", "SELECT a / b FROM t"),
        ("FILTER of a window, or without WHERE", "SELECT count(*) FILTER (a) FROM t"),
    ],
)
def test_the_words_are_found(what, bad):
    assert re.search(FOREIGN[what], bad, re.MULTILINE)
