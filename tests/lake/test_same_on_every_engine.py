"""Every portable query, worked out by DuckDB over SQLite and over a lake, by Spark Connect and by PostgreSQL."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers import PASSWORD, postgres
from test_portable_sql import PACKAGE

from dbtools import analysis, attach, audit
from dbtools.analysis.query import KINDS, WINS, read
from dbtools.audit.relations import COLLECTED, read_by
from dbtools.database import engine, extension, schema, sql
from dbtools.database.lake import RELATIONS

VIEWS = (
    "row_provenance",
    "head_provenance",
    "scored_versions",
    "contest_entries",
    "contest_results",
    "contests",
    "row_timestamps",
)
ALONE = (
    "adjusted",
    "agents",
    "agreement",
    "contests",
    "distributions",
    "failures",
    "failure_differences",
    "filters",
    "judge",
    "length",
    "positions",
    "provenance",
    "version_use",
    "application",
)
CHOICES = [
    {"kinds": list(kinds), "scale": scale} for kinds in (KINDS, ("real",), ()) for scale in ("judge", "synthetic")
]


class Served:
    """What PostgreSQL says to the portable texts; values are written into them, as DuckDB binds none there."""

    def __init__(self, port: int) -> None:
        self.connection = extension.connect(":memory:", {}, "postgres")
        self.connection.execute(
            f"CREATE SECRET (TYPE postgres, HOST '127.0.0.1', PORT {port}, USER 'postgres', DATABASE 'postgres', "
            f"PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}')"
        )
        self.connection.execute("ATTACH '' AS pg (TYPE postgres)")
        # PostgreSQL alone spells it = ANY (…).
        self.do("CREATE FUNCTION array_contains(text[], text) RETURNS boolean LANGUAGE sql AS 'SELECT $2 = ANY ($1)'")

    def do(self, statement: str) -> None:
        self.connection.execute("CALL postgres_execute('pg', ?)", [statement])

    def execute(self, query: str, parameters: dict[str, Any] | None = None) -> Any:
        bound = re.sub(r"\$(\w+)", lambda m: _literal((parameters or {})[m[1]]), query)
        quoted = bound.replace("'", "''")
        return self.connection.execute(f"FROM postgres_query('pg', '{quoted}')")

    def register(self, name: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        self.do(f"DROP TABLE IF EXISTS {name}")
        self.do(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            self.do(f"INSERT INTO {name} VALUES ({', '.join(map(_literal, row))})")

    def materialize(self, name: str, query: str, parameters: dict[str, Any] | None = None) -> None:
        bound = re.sub(r"\$(\w+)", lambda m: _literal((parameters or {})[m[1]]), query)
        self.do(f"DROP TABLE IF EXISTS {name}")
        self.do(f"CREATE TABLE {name} AS {bound}")


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"CAST(ARRAY[{', '.join(map(_literal, value))}] AS text[])"
    if value is None or isinstance(value, (bool, int)):
        return {None: "CAST(NULL AS text)"}.get(value, str(value))  # type: ignore[call-overload]
    return "CAST('" + str(value).replace("'", "''") + "' AS text)"


@pytest.fixture(scope="module")
def served(odd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Load the relations of the odd database into PostgreSQL, by the names a server gives them."""
    with postgres() as server, closing(Served(server.port).connection) as connection:
        other = Served.__new__(Served)
        other.connection = connection
        lake = json.loads((odd / "lake" / "lake.json").read_text())["files"]
        for relation in RELATIONS:
            files = [str(odd / "lake" / name) for name in lake[relation]]
            source = f"read_parquet({files}, hive_partitioning = false)"
            connection.execute(f"CREATE TABLE pg.public.loaded_{relation} AS FROM {source}")
            connection.execute(f"CREATE TABLE pg.public.{relation} AS FROM {source}")
        other.do("CREATE TABLE named_agents (source text)")
        connection.execute(sql.define_prices())
        connection.execute("CREATE TABLE pg.public.prices AS FROM prices")
        for name, query in (("id_cells", schema.id_cells("loaded_")), *sql.views()):
            other.do(f"CREATE VIEW {name} AS {query}")
        yield other


def rows(answer: Any, ordered: bool = True) -> list[tuple[Any, ...]]:
    """Return an answer's rows in terms that all engines share."""
    found = [tuple(map(_plain, row)) for row in answer.fetchall()]
    return found if ordered else sorted(found, key=lambda row: [(v is None, _key(v)) for v in row])


def _plain(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return None if math.isnan(value) else float(value)
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    return str(value)


def _key(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def assert_same(found: Sequence[tuple[Any, ...]], expected: Sequence[tuple[Any, ...]], what: str) -> None:
    """Prove that two answers are equal, numbers to nine digits."""
    assert len(found) == len(expected), (what, len(found), len(expected))
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            close = isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
            assert close or a == b, (what, one, other)


@pytest.fixture(params=["lake", "server", "PostgreSQL"])
def engines(request: pytest.FixtureRequest, odd: Path) -> Iterator[tuple[Any, Any]]:
    """Open DuckDB over SQLite, and the engine that is to say the same."""
    with attach(odd / "prompter.db", texts=False) as db, db.session() as one:
        if request.param == "PostgreSQL":
            yield one, request.getfixturevalue("served")
            return
        address = request.getfixturevalue("server").url if request.param == "server" else None
        with attach(odd / "lake", engine=address) as lake, lake.session() as other:
            yield one, other


def materialize(on: Any, name: str, query: str, parameters: dict[str, Any] | None = None) -> None:
    (on.materialize if isinstance(on, Served) else lambda *given: engine.materialize(on, *given))(
        name, query, parameters
    )


def test_derived_relations_are_the_same(engines):
    one, other = engines
    for name in (*VIEWS, "id_cells"):
        columns = [c[0] for c in one.execute(f"SELECT * FROM {name} LIMIT 0").description]
        query = f"SELECT {', '.join(columns)} FROM {name}"
        assert_same(rows(other.execute(query), False), rows(one.execute(query), False), name)


def test_questions_of_effectiveness_are_answered_alike(engines):
    for on in engines:
        materialize(on, "candidates", read("candidates"))
    one, other = engines
    for choice, failed_scale in [*((choice, None) for choice in CHOICES), (CHOICES[0], "judge")]:
        for on in engines:
            for name in ("entries", "paired", "attempts"):
                given = {"kinds": choice["kinds"], "failed_scale": failed_scale}
                materialize(on, name, read(name), {word: given[word] for word in given if f"${word}" in read(name)})
        for name in ALONE:
            given = {word: value for word, value in choice.items() if f"${word}" in read(name)}
            answers = [rows(on.execute(read(name), given or None)) for on in (other, one)]
            assert_same(*answers, f"{name} {choice}")
        for outcome, distinct in [("total", True), *((win, False) for win in (*WINS, "total"))]:
            asked = {"scale": choice["scale"], "outcome": outcome, "distinct": distinct}
            for on in engines:
                materialize(on, "clusters", read("clusters"), asked)
            if outcome == "total" and not distinct:
                names = rows(one.execute("SELECT DISTINCT a, b FROM paired ORDER BY a, b"))
                for on in engines:
                    numbers = [(a, b, number) for number, (a, b) in enumerate(names)]
                    (on.register if isinstance(on, Served) else lambda *given, on=on: engine.register(on, *given))(
                        "pair_numbers", "a VARCHAR, b VARCHAR, pair INTEGER", numbers
                    )
                answers = [rows(on.execute(read("differences"), {"scale": choice["scale"]})) for on in (other, one)]
                assert_same(*answers, f"differences {asked}")
            for name, given in (("pairs", None), ("ranks", None), ("text_differences", {"limit": 5})):
                answers = [rows(on.execute(read(name), given)) for on in (other, one)]
                assert_same(*answers, f"{name} {asked}")


def test_questions_of_evolution_are_answered_alike(engines):
    one, other = engines
    prompt = rows(one.execute("SELECT prompt_id FROM versions ORDER BY row_id"))[9][0]
    for provenance in ("all", "real", "unknown"):
        for prompt_id in (None, prompt):
            asked = {"provenance": provenance, "prompt_id": prompt_id}
            for name, more in (("timeline", {"prompts": 5, "versions": 12}), ("agents_over_time", {})):
                answers = [rows(on.execute(read(name), {**asked, **more})) for on in (other, one)]
                assert_same(*answers, f"{name} {asked}")
        given = {"provenance": provenance, "relations": ["prompts", "versions", "feedback", "token_usage"]}
        assert_same(*(rows(on.execute(read("left_out"), given)) for on in (other, one)), f"left_out {given}")
    for identifier in (prompt, "00000000-0000-0000-0000-000000000000"):
        assert_same(
            *(rows(on.execute(read("prompt_exists"), {"prompt_id": identifier})) for on in (other, one)), "is_prompt"
        )


LONG_TEXTS = {f"{table.relation}.{column.name}" for table in schema.TABLES for column in table.columns if column.long}


def test_checks_find_the_same_rows(engines):
    for on in engines:
        materialize(on, "scored", (PACKAGE / "audit/queries/scored.sql").read_text())
    one, other = engines
    asked = 0
    for check in audit.checks():
        if not set(read_by(check.query)) & set(COLLECTED) and not set(check.needs) & LONG_TEXTS:
            asked += 1
            assert_same(rows(other.execute(check.query)), rows(one.execute(check.query)), check.id)
    assert asked > 45
    for name in ("provenance", "scales", "parents"):
        query = (PACKAGE / f"audit/queries/{name}.sql").read_text()
        assert_same(rows(other.execute(query)), rows(one.execute(query)), name)


def test_the_examples_of_the_page_on_backends_run(odd, server, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "backends.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", page.split("## Spark Connect")[1], re.DOTALL)[0]
    monkeypatch.chdir(odd)
    example = example.replace("sc://spark.example:15002", server.url).replace("s3://bucket", odd.as_uri())
    asked, attached = example.splitlines()
    names = {"analysis": analysis, "attach": attach}
    of_server = eval(asked, names)
    assert of_server.to_dict()["verdict"] == analysis.effectiveness(attach("lake")).to_dict()["verdict"]
    assert eval(attached, names).engine


def test_named_agents_alone_compete_on_every_engine(odd, server):
    names = ["syntax", "new 'agent' ü", "no such"]
    with attach(odd / "prompter.db", texts=False) as db:
        expected = analysis.effectiveness(db, "all", agents=names).to_dict()
    for address in (None, server.url):
        with attach(odd / "lake", engine=address) as lake:
            assert_alike(analysis.effectiveness(lake, "all", agents=names).to_dict(), expected)


def test_what_is_kept_of_a_lake_is_what_would_be_worked_out(odd):
    with attach(odd / "lake") as lake:
        expected = analysis.effectiveness(lake, "all").to_dict()
        lake.materialize()
        with closing(lake.reopen()) as again:
            assert again.is_materialized
            assert_alike(analysis.effectiveness(again, "all").to_dict(), expected)


@pytest.mark.parametrize(("wins", "scale"), [("recorded", "judge"), ("user", "synthetic")])
def test_results_are_the_same_to_nine_digits(odd, server, scale, wins):
    with attach(odd / "prompter.db", texts=False) as db, attach(odd / "lake", engine=server.url) as lake:
        found, expected = (analysis.effectiveness(of, "all", wins, scale=scale).to_dict() for of in (lake, db))
        assert_alike(found, expected)


def test_evolution_and_the_application_say_the_same(odd, server):
    with attach(odd / "prompter.db", texts=False) as db, attach(odd / "lake", engine=server.url) as lake:
        assert_alike(*(analysis.evolution(of, provenance="all").to_dict() for of in (lake, db)))
        assert_alike(*(analysis.application_stats(of).to_dict() for of in (lake, db)))


def assert_alike(found: Any, expected: Any, where: str = "") -> None:
    """Prove that two JSON values are equal, numbers to nine digits."""
    if isinstance(found, dict):
        assert found.keys() == expected.keys(), where
        for name, value in found.items():
            assert_alike(value, expected[name], f"{where}/{name}")
    elif isinstance(found, (list, tuple)):
        assert len(found) == len(expected), where
        for place, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_alike(a, b, f"{where}/{place}")
    elif isinstance(found, float) and isinstance(expected, (int, float)):
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9), (where, found, expected)
    else:
        assert found == expected, where
