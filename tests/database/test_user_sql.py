"""No statement of a user calls what is not on the list, wherever the call is in the statement."""

from __future__ import annotations

import duckdb
import pytest

from dbtools.database.user_sql import TABLE_FUNCTIONS, check_statement
from dbtools.errors import QueryError

CALLS = ["checkpoint()", "enable_logging('x')", "pandas_scan(NULL)", "read_text('/etc/hostname')", "query('select 1')"]
CALLS += ["glob('*')", "duckdb_settings()", "json_execute_serialized_sql('')", "enable_profiling()", '"checkpoint"()']
CALLS += ["system.main.checkpoint()", "CheckPoint /* x */ ()", "sniff_csv('x')", "duckdb_logs()", "arrow_scan(1, 2, 3)"]
SHAPES = """\
select * from {}
from {}
select (select 1 from {})
with x as (from {}) from x
with x as materialized (from {}) select 1
from versions v, lateral (from {}) u
from versions join {} on true
from a positional join {}
from a asof join {} b using (x)
describe select * from {}
describe from {}
summarize from {}
from (describe from {})
explain select * from {}
EXPLAIN (FORMAT json) select * from {}
explain /* ( */ select 1 from {}
pivot (from {}) on a in (1) using count(*)
from (pivot {} on a in (1) using count(*))
unpivot (from {}) on a, b into name n value v
select 1 order by (select 1 from {})
select 1 limit (select 1 from {})
select sum(x) filter (where exists (from {})) from a
select count(*) over (partition by (select 1 from {})) from a
select 1 union all select 1 from {}
values ((select 1 from {}))
select 1 from a group by (select 1 from {})
select 1 from a having exists (from {})
select case when exists (from {}) then 1 end
select [x for x in [1] if exists (from {})]
select list_transform([1], lambda x: (select x from {}))
select x in (from {}) from a
select array(select 1 from {})
with recursive t as (select 1 union all from {}) from t
select * replace ((select 1 from {}) as x) from a
from a qualify exists (from {})
select cast((select 1 from {}) as int)
from a where x = any(select 1 from {})
select struct_pack(a := (select 1 from {}))
table a union from {}
select columns(x -> exists (from {})) from a
select distinct on ((select 1 from {})) 1
from (values ((select 1 from {}))) t""".splitlines()


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_is_found_wherever_it_is(connection, shape):
    for call in CALLS:
        with pytest.raises(QueryError, match="is not allowed in"):
            check_statement(connection, shape.format(call))
    check_statement(connection, shape.format("range(3)"))


REFUSED = ["pragma database_size", "pragma storage_info('a')", "select getenv('HOME')", "select ('x').write_log()"]
REFUSED += ["select write_log('x')", "select sleep_ms(10)", "PRAGMA metadata_info", "select nextval('s')", "checkpoint"]
REFUSED += ["attach 'x'", "copy a to 'x'", "set threads = 1", "explain analyze select 1", "explain (analyze) select 1"]
REFUSED += ["select 1; select 2", "", "call enable_logging()", "install x", "load x", "create table t (a int)"]


@pytest.mark.parametrize("text", [*REFUSED, "select '" + "x" * 200_000 + "'"])
def test_what_is_no_question_is_refused_in_a_sentence(connection, text):
    with pytest.raises(QueryError) as caught:
        check_statement(connection, text)
    assert str(caught.value).endswith(".")


def test_pivot_without_values_says_what_it_needs(connection):
    with pytest.raises(QueryError, match="PIVOT needs the values of its column"):
        check_statement(connection, "pivot (from range(3) t(a)) on a using count(*)")


ALLOWED = [
    "pragma table_info('a')",
    "show tables",
    "show all tables",
    "describe a",
    "summarize a",
    "from a",
    "select $x",
]
ALLOWED += ["select ?", "from a using sample 10 rows", "select 'checkpoint()', $$checkpoint()$$ -- checkpoint()"]
ALLOWED += ["from unnest([1,2])", 'select "checkpoint" from a', "select unnest(range(3))", "explain select 1"]
ALLOWED += ["select " + "(" * 900 + "1" + ")" * 900, "from feedback_among([1])"]


@pytest.mark.parametrize("text", ALLOWED)
def test_questions_are_allowed(connection, text):
    check_statement(connection, text)


def test_every_function_of_the_list_exists(connection):
    kinds = "('table', 'table_macro')"
    rows = connection.execute(f"SELECT function_name FROM duckdb_functions() WHERE function_type IN {kinds}").fetchall()
    assert {name for (name,) in rows} >= TABLE_FUNCTIONS - {"feedback_among"}


@pytest.mark.slow
def test_a_relation_composes_as_before(db):
    versions = db.sql("SELECT * FROM versions")
    agents = versions.filter("source = 'syntax'").project("source").limit(1)
    assert agents.fetchall() == [("syntax",)]
    assert (agents.columns, len(agents), versions.type) == (["source"], 1, "QUERY_RELATION")
    assert agents.union(agents).fetchall() == [("syntax",), ("syntax",)]
    assert agents["source"].fetchall() == [("syntax",)]
    assert "syntax" in repr(agents)
    assert {"df", "filter", "limit"} <= set(dir(agents))
    assert versions.aggregate("count(*) AS n").df()["n"].tolist() == [6]


def test_what_there_is_to_ask_is_listed_without_the_relations_of_dbtools(db):
    names = sorted(db.relations)
    assert [name for (name,) in db.sql("-- all\nSHOW TABLES;").fetchall()] == names
    assert db.sql("SHOW ALL TABLES").df()["name"].tolist() == names
    assert db.sql("DESCRIBE").df()["name"].tolist() == names


@pytest.mark.parametrize("text", ["", "-- a comment", "/* a */ ;"])
def test_where_there_is_nothing_to_run_it_is_said(db, text):
    with pytest.raises(QueryError, match="There is nothing to run"):
        db.sql(text)


@pytest.mark.parametrize("fetch", ["df", "fetchall", "fetchone", "__repr__"])
def test_an_error_while_rows_are_fetched_is_one_of_dbtools(db, fetch):
    relation = db.sql("SELECT x::INTEGER FROM (SELECT 'a' || range AS x FROM range(3))")
    with pytest.raises(QueryError, match="DuckDB refuses the statement"):
        getattr(relation, fetch)()
    with pytest.raises(QueryError, match="DuckDB refuses the statement"):
        db.sql("SELECT 1 AS a").filter("nothing = 1")


@pytest.mark.parametrize(
    "compose",
    [
        lambda r: r.query("v", "SELECT * FROM enable_logging('x')"),
        lambda r: r.filter("exists (FROM enable_logging('x'))"),
        lambda r: r.project("a, (SELECT 1 FROM checkpoint())"),
        lambda r: r.order("a, (SELECT 1 FROM checkpoint())"),
        lambda r: r.aggregate("sum((SELECT 1 FROM checkpoint()))"),
    ],
)
def test_what_is_composed_is_checked_too(db, compose):
    with pytest.raises(QueryError, match="is not allowed in") as caught:
        compose(db.sql("SELECT 1 AS a"))
    assert str(caught.value).isprintable()
