"""The statements from facts to cube keep to what Apache Spark also knows: the heavy step can move there."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from etl.warehouse.build import sql_statements

PORTABLE = (
    "fact_movement", "out_population", "cube", "indicator_flow", "flow", "grain_unit", "grain_place", "measure",
)  # fmt: skip
STATEMENTS = dict(sql_statements())
each = pytest.mark.parametrize("name", PORTABLE)


def to_spark(statement: str) -> str:
    (translated,) = sqlglot.transpile(
        statement,
        read="duckdb",
        write="spark",
        unsupported_level=ErrorLevel.RAISE,
        error_level=ErrorLevel.RAISE,
    )
    return translated


@each
def test_a_statement_is_spark_too(name: str):
    """It translates without loss, and Spark's reader understands it as the same thing."""
    translated = to_spark(STATEMENTS[name])
    again = sqlglot.parse_one(translated, read="spark", error_level=ErrorLevel.RAISE)
    assert isinstance(again, exp.Create)
    assert again.sql("spark") == translated
    original = sqlglot.parse_one(STATEMENTS[name], read="duckdb")
    assert columns(again) == columns(original)
    assert tables(again) == tables(original)


def columns(statement: exp.Expression) -> list[str]:
    query = statement.find(exp.Query)
    assert query is not None
    return query.named_selects


def tables(statement: exp.Expression) -> set[str]:
    return {table.name for table in statement.find_all(exp.Table)}


@each
def test_a_statement_has_none_of_what_spark_lacks(name: str):
    """No ASOF, no list or struct, no regular expression, no FILTER on a window, no unnest, no qualify."""
    statement = sqlglot.parse_one(STATEMENTS[name], read="duckdb")
    for kind in (
        exp.Unnest, exp.Lambda, exp.RegexpLike, exp.RegexpReplace, exp.RegexpExtract, exp.Array, exp.ArrayAgg,
        exp.Struct, exp.List, exp.Qualify, exp.Lateral, exp.Pivot,
    ):  # fmt: skip
        assert not list(statement.find_all(kind)), kind
    # A function that sqlglot does not know it cannot translate either.
    assert not list(statement.find_all(exp.Anonymous))
    text = re.sub(r"--.*", "", STATEMENTS[name]).lower()
    assert not re.search(
        r"\basof\b|\blist_|\bregexp|\bexclude\b|\breplace\b|\busing\b|::|//|\bgroup by all\b", text
    )


def test_the_tables_between_facts_and_cube_are_these():
    """A statement that is put between them is looked at here too."""
    names = list(STATEMENTS)
    heavy = names[names.index("fact_movement") : names.index("measure") + 1]
    assert sorted(heavy) == sorted(PORTABLE)


@pytest.mark.parametrize(
    "statement",
    [
        "create table t as select list(distinct a) as b from u",
        "create table t as select unnest(a) as b from u",
        "create table t as select a from u where regexp_matches(a, 'x')",
        "create table t as select a from u asof join v on u.a >= v.a",
    ],
)
def test_this_test_would_notice(statement: str):
    parsed = sqlglot.parse_one(statement, read="duckdb")
    known = (exp.ArrayAgg, exp.Unnest, exp.RegexpLike)
    assert any(parsed.find(kind) for kind in known) or re.search(r"\basof\b", statement)
